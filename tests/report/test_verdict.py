from __future__ import annotations

from dynsparse.report.verdict import about_audit, is_clean, verdict

AUDIT = {
    "rows": 300,
    "clean": True,
    "exact": {"smooth_columns": 2919, "columns_off": 0, "largest_error": 8.26e-08, "false_zeros": 1},
    "autodiff": {"smooth_columns": 2919, "columns_off": 7, "largest_error": None, "false_zeros": 0},
}


def test_audit_quotes_the_verdict_on_the_derivative_that_was_analysed():
    assert about_audit(AUDIT, "exact") == (
        "Audited against finite differences on 300 rows: clean; 2,919 columns compared, 0 off "
        "(largest error 8.3e-08), 1 false zero."
    )
    assert "7 off, 0 false zeros" in about_audit(AUDIT | {"clean": False}, "autodiff")
    assert ": NOT clean;" in about_audit(AUDIT | {"clean": False}, "autodiff")


def test_an_audit_that_says_nothing_is_not_taken_for_clean():
    assert about_audit(None, "exact") == "Not audited: run dynsparse audit DATASET."
    assert about_audit({}, "exact") == "Audited against finite differences: no verdict on record."
    assert "no verdict" in about_audit({"clean": "yes"}, "exact")


def test_the_word_for_a_table():
    audits = (None, {}, {"clean": "yes"}, {"clean": True}, {"clean": False})
    assert [verdict(audit, "exact") for audit in audits] == [
        "not audited",
        "no verdict on record",
        "no verdict on record",
        "clean",
        "NOT clean",
    ]
    assert [is_clean(audit, "exact") for audit in audits] == [False, False, False, True, False]


def test_an_audit_of_another_derivative_is_no_verdict_on_this_one():
    audit = AUDIT | {"judged": "exact"}
    assert is_clean(audit, "exact")
    assert not is_clean(audit, "autodiff")
    assert verdict(audit, "autodiff") == "of another derivative"


def test_rows_with_an_active_constraint_are_told():
    said = about_audit(AUDIT | {"constrained_rows": 1}, "exact")
    assert "on 300 rows, 1 of them with an active constraint: clean" in said


def test_too_few_smooth_columns_are_told_apart_from_wrong_ones():
    fine = {"smooth_columns": 547, "columns_off": 0, "largest_error": 7.6e-08, "false_zeros": 0, "false_slopes": 0}
    audit = {"rows": 64, "clean": False, "smooth_share": 0.8547, "exact": {**fine, "nonfinite_rows": 0}}
    assert verdict(audit, "exact") == "none off, 85 % smooth"
    assert not is_clean(audit, "exact")
    assert about_audit(audit, "exact").endswith("where the solver runs out of iterations, differences tell nothing.")
    for name in ("columns_off", "false_zeros", "false_slopes", "nonfinite_rows"):
        assert verdict({**audit, "exact": {**audit["exact"], name: 1}}, "exact") == "NOT clean"
    assert verdict({**audit, "differing_zeros": {"1e-15": {"decided": 3}}}, "exact") == "NOT clean"
    assert verdict({**audit, "differing_zeros": {"1e-15": {"decided": 0}}}, "exact") == "none off, 85 % smooth"
