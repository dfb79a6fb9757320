from __future__ import annotations

from dynsparse.report.cause_answer import answer_causes

from .invented_causes import ROWS, cause_record, switched_causes


def test_each_environment_has_its_own_shares_and_none_outvotes_another():
    """One has 8 zeros by a symmetry and 4 by each contact; the other 8 elements that are zero as a limit is off."""
    other = cause_record(
        {(row, column): ("limit-off", ROWS, 1) for row in range(2) for column in range(3)} | {(0, 0): ("numerical", 2)},
        environment="Large",
    )
    answer = answer_causes([cause_record({(1, 0): ("symmetry", 6), (0, 1): ("contact-off", 2, 0)}), other])
    # 6 of 8; 5 x 8 of 5 x 8 + 2.
    assert answer.short == (
        "Largest share of the zeros: symmetry of the whole body, in Switched (75.0 %); a limit is off, in Large "
        "(95.2 %) (8 rows explained of each)."
    )
    assert answer.sentences == (
        "Of one environment's zeros, over 2 environments: symmetry of the whole body, 0 % to 75.0 %; a contact is off, "
        "0 % to 25.0 %; a limit is off, 0 % to 95.2 %; numerical: below the threshold, 0 % to 4.8 %.",
        "Rows of all episodes are counted together, so that these shares have no interval.",
    )


def test_a_tie_names_both_and_a_record_without_zeros_is_named():
    answer = answer_causes([switched_causes("Even"), cause_record({}, environment="Full")])
    assert answer.short == (
        "Largest share of the zeros: symmetry of the whole body, in Even (50.0 %); a contact is off, in Even (50.0 %) "
        "(8 rows explained of each)."
    )
    assert answer.sentences[0] == "No element is zero in the rows explained of Full."
    assert answer_causes([]).short == answer_causes([cause_record({})]).short == ""
