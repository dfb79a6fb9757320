"""The part on derivatives: every number in its sentences, from Jacobians whose zeros can be counted by hand."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.derivative_record import TruthScore
from dynsparse.report.derivative_part import derivative_part
from dynsparse.report.item import write_items

from .invented_comparisons import STEPS, derivatives, stack


def differing():
    """Plain autodiff: one element more is zero, and off, in every row, and in one row of an episode two more."""
    plain, single = stack(3), stack(2)
    plain[0, 1, 2] = 0.0
    single[:, 0, 0] = 1e-9  # not zero any more
    single[5] = np.nan
    return derivatives("Toy", plain, single)


def test_every_number_by_hand():
    part = derivative_part({"Toy": differing(), "Same": derivatives("Same", stack(2), stack(2))})
    text = "\n".join(part.sentences)
    # Zeros of 6 elements: 3 in place of 2, and one more in one of ten rows of the first episode.
    shares = np.array([3.1 / 6, 0.5, 0.5, 0.5]) - 2 / 6
    half = 3.182446 * shares.std(ddof=1) / 2
    low, high = 100 * (shares.mean() - half), 100 * (shares.mean() + half)
    assert (
        "With plain autodiff more elements read as zero than by the exact derivative in Toy (by "
        f"{100 * shares.mean():.1f} percentage points [{low:.1f}, {high:.1f}]: 50.4 % against 33.3 %) (same 4 "
        "episodes)." in text
    )
    assert part.sentences[0].startswith(
        "With plain autodiff rows are off by more than 1e-5 in 1 of 2 environments: Toy 100 %"
    )
    assert part.sentences[0].endswith(
        "40 of 40 rows, by at most 1 (largest error of an element, over the largest one of its column where that is "
        "above 1)."
    )
    assert "Toy (41 zero by it alone, 0 by the exact one alone, of at most 1)" in text
    assert "With plain autodiff nothing changes in Same: no row is off" in text and "in all of 40 rows." in text
    assert "With plain autodiff the always-zero elements (Q1) are others: Toy has 1 of ∂s'/∂a in place of 0." in text
    # In float32 one element of every row, but for the row that is not finite.
    # No element changes along any stretch, so that none of zeros is told of.
    assert (
        "With plain autodiff in float32 rows are not finite, which cuts stretches of zeros: 1 of 40 rows of Toy (0 by "
        "the exact one). All comparisons are of the rows that are left, which may be unlike the whole." in text
    )
    assert "Toy (0 zero by it alone, 39 by the exact one alone, of at most 1e-09)" in text
    # 2 of 6 less 1 of 6 in each of four episodes: signs all alike fall so in 1 of 8 cases.
    assert (
        "With plain autodiff in float32 there is not enough data to compare the share of zeros in Toy (same 4 "
        "episodes)." in text
    )
    assert (
        "Float32 rounds a sum to 1e-7 of its terms, above the |x| < 1e-15 at which zeros are counted: where terms "
        "cancel, round-off is left that does not read as zero. Fewer zeros in float32 are no finding about the "
        "dynamics." in part.sentences
    )
    assert "in float32 the always-zero elements (Q1) are others: Toy has 1 of ∂s'/∂s in place of 2." in text
    assert part.sentences[-1] == "Q4: no world models were trained on either derivative."


def test_counts_of_table_1_are_told_where_they_change():
    plain = stack(2)
    plain[7, 0, 1] = 1e-3
    (text,) = [s for s in derivative_part({"Toy": derivatives("Toy", plain, stack(2))}).sentences if "Q1" in s]
    # The first two elements are d x' / d x and d x' / d y.
    assert text == "With plain autodiff the always-zero elements (Q1) are others: Toy has 1 of ∂s'/∂s in place of 2."


def test_what_can_not_be_told_is_not():
    rng = np.random.default_rng(0)
    plain = stack(2)
    for row in range(0, 40, STEPS):
        plain[row, 1, 1] *= 0.0 if row else 1.0
        plain[row, 0, 0] = rng.random() if row < STEPS else 0.0
    text = "\n".join(derivative_part({"Toy": derivatives("Toy", plain, stack(2))}).sentences)
    assert "With plain autodiff the share of zeros can not be told from that of the exact derivative in Toy" in text


def scores(change, seeds=4):
    return tuple(
        TruthScore(derivative, "state", seed, "step", {"normalized.auprc": 0.5 + 0.01 * seed + added})
        for derivative, added in (("exact", 0.0), ("autodiff", change))
        for seed in range(seeds)
    )


@pytest.mark.parametrize(
    ("change", "seeds", "said"),
    [
        (0.1, 6, "has an AUPRC 0.1 higher: 0.625 against 0.525, 6 pairs of seeds"),
        # All of four pairs differ to one side, and by as much, in 1 of 8 cases without a cause.
        (0.1, 4, "can not be told apart: 0.615 against 0.515, 4 pairs of seeds"),
        (
            0.0,
            4,
            "Q4: no difference of AUPRC with loss state on Toy (test steps of training episodes): 0.515 against 0.515",
        ),
    ],
)
def test_world_models_on_either_derivative(change, seeds, said):
    record = derivatives("Toy", stack(3), stack(2), scores=scores(change, seeds))
    part = derivative_part({"Toy": record})
    assert said in part.sentences[-1]
    assert [item.name for item in part.items][-1] == "derivatives-learning"


def test_a_change_that_seeds_do_not_separate_is_not_told():
    varied = tuple(
        replace(score, metrics={"normalized.auprc": 0.5 + 0.05 * (-1) ** score.seed})
        if score.derivative == "autodiff"
        else replace(score, metrics={"normalized.auprc": 0.5})
        for score in scores(0.1)
    )
    few = tuple(score for score in scores(0.1) if score.seed < 2)
    records = {"Toy": derivatives("Toy", stack(3), stack(2), scores=varied)}
    records["Few"] = derivatives("Few", stack(3), stack(2), scores=few)
    said = derivative_part(records).sentences[-2:]
    assert said == (
        "Q4: trained and scored by either derivative, the AUPRC of loss state on Toy (test steps of training episodes) "
        "can not be told apart: 0.5 against 0.5, 4 pairs of seeds.",
        "Q4: not enough data to tell which derivative gives loss state on Few (test steps of training episodes) the "
        "higher AUPRC: 0.605 against 0.505, 2 pairs of seeds.",
    )
    told = derivatives("Toy", stack(3), stack(2), scores=scores(0.1))
    both = derivative_part({"Toy": told, "Other": records["Toy"]}).sentences
    assert both[-1] == "Q4: verdicts are corrected for 2 comparisons (Holm, 5 %)."


def test_files(tmp_path):
    part = derivative_part({"Toy": differing()})
    paths = write_items(part.items, tmp_path)
    assert {path.name for path in paths} >= {
        "derivatives-by-environment.png",
        "derivatives.csv",
        "derivatives-differences.tex",
    }
    rows = list(csv.DictReader((tmp_path / "tables" / "derivatives.csv").read_text().splitlines()))
    single = "autodiff, float32"
    assert [row["derivative"] for row in rows] == ["exact", "autodiff", single, f"exact, rows finite by {single}"]
    assert [row["not_finite"] for row in rows] == ["0", "0", "1", ""]
    assert [row["rows"] for row in rows] == ["40", "40", "40", "39"]
    assert float(rows[1]["sparsity"]) == pytest.approx((3.1 / 6 + 1.5) / 4)
    assert float(rows[1]["sparsity_low"]) < float(rows[1]["sparsity"]) < float(rows[1]["sparsity_high"])
    assert (rows[1]["zero_here_only"], rows[2]["zero_by_exact_only"]) == ("41", "39")
    rows = list(csv.DictReader((tmp_path / "tables" / "derivatives-differences.csv").read_text().splitlines()))
    (told,) = [row for row in rows if (row["derivative"], row["quantity"]) == ("autodiff", "combined")]
    assert (told["verdict"], told["unit"]) == ("more", "share")
    # Four are asked: sparsity and patterns of either, but for those that are equal in every episode, or not defined.
    asked = sorted(float(row["chance"]) for row in rows if row["chance"])
    assert float(told["chance_holm"]) == pytest.approx(
        max((len(asked) - place) * value for place, value in enumerate(asked) if value <= float(told["chance"]))
    )


def lasting(cut):
    """Zeros that come and go: by hand 3 + 3 of ten control steps, of one element; float32 loses the rows of a cut."""
    exact = stack(0)
    for first in range(0, 40, STEPS):
        exact[first + 1 : first + 4, 0, 0] = exact[first + 6 : first + 9, 0, 0] = 0.0
    single = exact.copy()
    single[cut] = np.nan
    return derivatives("Toy", exact, single, exact)


def test_durations_of_rows_that_are_lost_are_compared_at_the_rows_that_are_left():
    # The second row of the first stretch of each episode is lost: stretches of 1, 1 and 3 in place of 3 and 3.
    record = lasting(np.arange(2, 40, STEPS))
    assert record.has_fewer_rows(record.variant("autodiff", "float32"))
    assert not record.has_fewer_rows(record.variant("autodiff", "float64"))
    part = derivative_part({"Toy": record})
    assert (
        "With plain autodiff in float32 rows are not finite, which cuts stretches of zeros: 4 of 40 rows of Toy (0 by "
        "the exact one), in whose absence zeros last 1.67 control steps by it and 1.67 by the exact one, 3 in all "
        "rows. All comparisons are of the rows that are left, which may be unlike the whole." in part.sentences
    )
    (drawn, *_) = part.items
    assert drawn.sentences == (
        "Means over episodes with their 95 % intervals, of 40 rows of 4 episodes in Toy. Where a derivative lacks "
        "rows, the exact one is drawn at the same rows too: rows that are not finite cut stretches of zeros.",
        "Zeros are counted at |x| < 1e-15.",
    )
    durations = drawn.draw().axes[2]
    assert sorted(float(x) for line in durations.lines if line.get_marker() != "None" for x in line.get_xdata()) == (
        pytest.approx([5 / 3, 5 / 3, 3, 3])
    )


def test_a_threshold_above_the_round_off_of_float32_needs_no_warning():
    record = replace(derivatives("Toy", stack(2), stack(1)), atol=1e-6)
    assert not any("Float32 rounds" in sentence for sentence in derivative_part({"Toy": record}).sentences)


def test_below_half_of_the_rows_nothing_is_compared():
    single = stack(1)
    single[:24] = np.nan  # 24 of 40, and 16 are left
    part = derivative_part({"Toy": derivatives("Toy", stack(2), single)})
    text = "\n".join(part.sentences)
    assert "24 of 40 rows of Toy (0 by the exact one)" in text
    assert text.count("Fewer than half are left in Toy: not enough data to compare.") == 1
    assert "With plain autodiff in float32 there is not enough data to compare the share of zeros in Toy" in text
    (table,) = (item for item in part.items if item.name == "derivatives-differences")
    rows = [dict(zip(table.csv_fields, row, strict=True)) for row in table.values]
    assert {row["verdict"] for row in rows if row["derivative"] == "autodiff, float32"} == {"not enough data"}
    # The exact one, of which all rows are there, still stands beside plain autodiff.
    assert {row["verdict"] for row in rows if row["derivative"] == "autodiff"} == {"equal"}


def test_patterns_and_durations_are_told_in_a_line_each():
    """One row of the first of four episodes has a pattern of its own by plain autodiff; nothing else changes."""
    told = [sentence for sentence in derivative_part({"Toy": differing()}).sentences if "patterns" in sentence]
    assert told == [
        "The number of patterns an episode is told to differ from that by the exact derivative nowhere: of 2 "
        "comparisons the two are exactly the same in 1 and they can not be told apart in 1."
    ]


def test_without_records_it_says_so():
    part = derivative_part({})
    assert part.sentences == ("No derivatives were compared.",) and not part.items
