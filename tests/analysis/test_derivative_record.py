"""Derivatives compared: small Jacobians by hand, and files that hold nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.derivative_record import DerivativeRecord, TruthScore, holds_derivatives
from dynsparse.analysis.derivative_variant import EXACT, compare_jacobians
from dynsparse.errors import ArrayError, InputError

AUTODIFF, SINGLE = ("autodiff", "float64"), ("autodiff", "float32")
NUMBER, T = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 1])


def jacobians():
    """Two stretches, of three rows and of two; two states and one action."""
    exact = np.zeros((5, 2, 3))
    exact[:] = [[1.0, 0.5, 0.0], [0.0, 200.0, 1.0]]
    plain, single = exact.copy(), exact.copy()
    plain[0, 1, 1] += 0.0019  # 0.95e-5 of the column's 200: not off
    plain[1, 1, 1] += 0.0021  # 1.05e-5 of it: off
    plain[2, 0, 1] = 0.0  # zero here only, and off: 0.5 of 200
    plain[3, 1, 0] = 9e-6  # zero by the exact one only; the column's scale is 1: not off
    single[:, 0, 2] = 1e-9  # zero by the exact one only, in every row
    single[4] = np.nan
    return {
        key: (array[:, :, :2], array[:, :, 2:]) for key, array in ((EXACT, exact), (AUTODIFF, plain), (SINGLE, single))
    }


def variants(**more):
    return compare_jacobians(jacobians(), NUMBER, T, atol=1e-15, **more)


def record(scores=()):
    return DerivativeRecord(
        "Toy", "paper", 1e-15, ("x", "y"), ("u",), np.array([4, 7]), np.array([10, 0]), variants(), scores, {"seed": 0}
    )


def test_by_hand():
    exact, plain, single = variants()
    assert (exact.key, plain.key, single.key) == (EXACT, AUTODIFF, SINGLE)
    assert exact.is_same and not exact.off.any() and exact.sparsity.zeros.tolist() == [[0, 0, 5], [5, 0, 0]]
    assert plain.off.tolist() == [2, 0] and plain.off_share.tolist() == [2 / 3, 0.0]
    assert (plain.gained.tolist(), plain.lost.tolist()) == ([1, 0], [0, 1])
    assert np.argwhere(plain.gained_elements).tolist() == [[0, 1]]
    assert np.argwhere(plain.lost_elements).tolist() == [[1, 0]]
    assert plain.largest_error == pytest.approx(0.5 / 200) and plain.largest_differing == 0.5
    assert not plain.is_same and not plain.is_round_off
    # Q1 to Q3: the pattern changes into the third row.
    assert plain.sparsity.combined == pytest.approx([(2 + 2 + 3) / 18, (1 + 2) / 12])
    assert plain.sparsity.switch_rate.tolist() == [0.5, 1.0]
    assert plain.reference.switch_rate.tolist() == [0.0, 0.0]


def test_a_row_that_is_not_finite_is_left_out_of_both_and_of_no_other():
    exact, plain, single = variants()
    assert (single.nonfinite.tolist(), plain.nonfinite.tolist()) == ([0, 1], [0, 0])
    assert single.sparsity.finite.tolist() == single.reference.finite.tolist() == [3, 1]
    assert exact.sparsity.finite.tolist() == plain.sparsity.finite.tolist() == [3, 2]
    assert single.lost.tolist() == [3, 1] and single.off_rows == 0


def test_a_row_that_the_data_set_calls_not_finite_is_left_out():
    finite = np.array([True, False, True, True, True])
    exact, plain, _ = variants(finite=finite)
    assert exact.nonfinite.tolist() == [1, 0] and plain.off.tolist() == [1, 0]
    with pytest.raises(ArrayError, match="finite by the exact derivative"):
        variants(finite=np.zeros(5, dtype=bool))


def test_differs_by_float64_alone_and_by_more_than_round_off():
    assert record().differs
    pairs = jacobians()
    pairs[AUTODIFF] = tuple(array.copy() for array in pairs[EXACT])
    same = replace(record(), variants=compare_jacobians(pairs, NUMBER, T, atol=1e-15))
    assert not same.differs and not same.is_changed(same.variants[1]) and same.is_changed(same.variants[2])
    pairs[AUTODIFF][0][0, 1, 0] = 2e-15
    rounded = replace(record(), variants=compare_jacobians(pairs, NUMBER, T, atol=1e-15))
    assert rounded.is_changed(rounded.variants[1]) and not rounded.differs
    pairs[AUTODIFF][0][4] = np.nan
    assert replace(record(), variants=compare_jacobians(pairs, NUMBER, T, atol=1e-15)).differs


def test_files_hold_the_record(tmp_path):
    made = record((TruthScore("exact", "state", 3, "step", {"normalized.auprc": 0.5, "prediction.mse": None}),))
    assert not holds_derivatives(tmp_path)
    made.save(tmp_path)
    assert holds_derivatives(tmp_path)
    again = DerivativeRecord.load(tmp_path)
    assert again.to_dict() == made.to_dict() and again.scores == made.scores
    for name, array in made.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name], equal_nan=True), name


def test_damage_is_found(tmp_path):
    record().save(tmp_path)
    path = tmp_path / "derivatives.json"
    path.write_text(path.read_text().replace('"zeros_lost": 1', '"zeros_lost": 2'))
    with pytest.raises(InputError, match=r"derivatives\.json in .* is not what was written"):
        DerivativeRecord.load(tmp_path)
    record().save(tmp_path)
    (tmp_path / "derivatives.npz").unlink()
    with pytest.raises(InputError, match="make them again"):
        DerivativeRecord.load(tmp_path)


def test_parts_that_do_not_belong_together_are_refused():
    made = record()
    with pytest.raises(ArrayError, match="exact derivative first"):
        replace(made, variants=made.variants[1:])
    with pytest.raises(ArrayError, match="once, got one twice"):
        replace(made, variants=(*made.variants, made.variants[1]))
    with pytest.raises(ArrayError, match="by the names"):
        replace(made, action_names=("u", "w"))
    with pytest.raises(ArrayError, match="stretches"):
        replace(made, episode=np.arange(3), first=np.arange(3))
    with pytest.raises(ArrayError, match="same pairs"):
        replace(made.variants[1], lost=np.array([5, 5]))
