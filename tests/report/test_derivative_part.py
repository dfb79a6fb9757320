"""The part on derivatives: every number in its sentences, from Jacobians whose zeros can be counted by hand."""

from __future__ import annotations

import csv

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
        f"With plain autodiff {100 * shares.mean():.1f} percentage points [{low:.1f}, {high:.1f}] more of Toy's "
        "elements read as zero (50.4 % against 33.3 % of the exact derivative, same 4 episodes)." in text
    )
    assert (
        "With plain autodiff rows are off by more than 1e-5: Toy 100.0 % [100.0, 100.0] (40 of 40 rows, by up to 1)"
        in text
    )
    assert "Toy (41 zero by it alone, 0 by the exact one alone, of at most 1)" in text
    assert "With plain autodiff nothing changes in Same: no row is off" in text and "in all of 40 rows." in text
    assert "With plain autodiff the always-zero elements (Q1) are others: Toy has 1 of ∂s'/∂a in place of 0." in text
    # In float32 one element of every row, but for the row that is not finite.
    assert (
        "With plain autodiff in float32 rows are not finite: 1 of 40 rows of Toy (0 by the exact derivative)." in text
    )
    assert "Toy (0 zero by it alone, 39 by the exact one alone, of at most 1e-09)" in text
    assert "With plain autodiff in float32 16.7 percentage points [16.7, 16.7] fewer of Toy's elements" in text
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
    assert "Not enough data to tell whether with plain autodiff more or fewer elements read as zero: Toy" in text


def scores(change):
    return tuple(
        TruthScore(derivative, "state", seed, "step", {"normalized.auprc": 0.5 + 0.01 * seed + added})
        for derivative, added in (("exact", 0.0), ("autodiff", change))
        for seed in range(4)
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (0.1, "has an AUPRC 0.1 [0.1, 0.1] higher: 0.615 against 0.515, 4 pairs of seeds"),
        (
            0.0,
            "Q4: no difference of AUPRC with loss state on Toy (test steps of training episodes): 0.515 against 0.515",
        ),
    ],
)
def test_world_models_on_either_derivative(change, said):
    record = derivatives("Toy", stack(3), stack(2), scores=scores(change))
    part = derivative_part({"Toy": record})
    assert said in part.sentences[-1]
    assert [item.name for item in part.items][-1] == "derivatives-learning"


def test_files(tmp_path):
    part = derivative_part({"Toy": differing()})
    paths = write_items(part.items, tmp_path)
    assert {path.name for path in paths} >= {
        "derivatives-by-environment.png",
        "derivatives.csv",
        "derivatives-differences.tex",
    }
    rows = list(csv.DictReader((tmp_path / "tables" / "derivatives.csv").read_text().splitlines()))
    assert [row["derivative"] for row in rows] == ["exact", "autodiff", "autodiff, float32"]
    assert [row["not finite"] for row in rows] == ["0", "0", "1"]
    assert float(rows[1]["sparsity, %"]) == pytest.approx(100 * (3.1 / 6 + 1.5) / 4)
    assert (rows[1]["zero here only"], rows[2]["zero by exact only"]) == ("41", "39")


def test_without_records_it_says_so():
    part = derivative_part({})
    assert part.sentences == ("No derivatives were compared.",) and not part.items
