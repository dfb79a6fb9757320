"""Jacobian scores: how near a model's Jacobians are to the simulator's, and whether its zeros are in their place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_atol
from dynsparse.errors import ArrayError
from dynsparse.learning.ranking import areas, auroc_of_columns

__all__ = ["MODEL_ATOL", "JacobianScores", "changing_elements", "score_jacobians"]

MODEL_ATOL = 1e-6
"""The paper's threshold for a zero of a learned model's Jacobian."""


@dataclass(frozen=True)
class JacobianScores:
    """Scores of n Jacobians; None where a score has no meaning (one class only, no element that counts).

    Attributes:
        auprc: Area under precision over recall of |predicted| as a sign of dependence, over all elements.
        auroc: Area under the receiver operating characteristic of the same.
        auprc_changing: As ``auprc``, over the elements that are zero in some rows and not in others.  They are ranked
            together, so that one graph for all rows is judged by how often each of them is zero.
        auroc_changing: As ``auroc``, over the same.
        auroc_within: Mean over those elements of each one's own ``auroc`` over the rows: whether it is known when it is
            zero.  0.5 for any one graph for all rows; the same in all coordinates.
        leak: Sum of |predicted| over true zeros, as a share of its sum over all elements; 0 is best.
        miss: Share of the true non-zeros of at least the threshold whose prediction is below it; 0 is best.
        frobenius_error: Mean over Jacobians of the Frobenius norm of the error over that of the truth.
        cosine: Mean over the rows of Jacobians of the cosine between prediction and truth; 1 is best.  A prediction of
            0 counts 0; rows that are 0 in the truth do not count.
        sparsity: Share of predicted elements below the threshold, wherever they are (the paper's count).
        true_sparsity: Share of true zeros.
        rows: n.
        elements: How many elements there are in all.
        changing: How many of them are elements that are zero in some rows only.
        elements_within: Over how many elements of a Jacobian ``auroc_within`` is the mean: those of the changing ones
            that are zero in some of these n rows and not in others.
        atol: Threshold of the model's zeros.
    """

    auprc: float | None
    auroc: float | None
    auprc_changing: float | None
    auroc_changing: float | None
    auroc_within: float | None
    leak: float | None
    miss: float | None
    frobenius_error: float | None
    cosine: float | None
    sparsity: float
    true_sparsity: float
    rows: int
    elements: int
    changing: int
    elements_within: int
    atol: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        return asdict(self)


def changing_elements(zero: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (ds, ds + da), true where an element is zero in some of (n, ds, ds + da) rows and not in others."""
    return np.asarray(zero.any(axis=0) & ~zero.all(axis=0))


def score_jacobians(
    predicted: NDArray[np.floating],
    truth: NDArray[np.floating],
    zero: NDArray[np.bool_],
    *,
    atol: float = MODEL_ATOL,
    changing: NDArray[np.bool_] | None = None,
    is_jacobian: bool = True,
) -> JacobianScores:
    """Score predicted Jacobians, in whatever coordinates both are given.

    Args:
        predicted: (n, ds, ds + da) of the model, or sizes of dependence.
        truth: (n, ds, ds + da) of the simulator; what is below its own threshold counts as 0.
        zero: (n, ds, ds + da), true where the simulator's element is zero.
        atol: Threshold of the model's zeros.
        changing: (ds, ds + da) see ``changing_elements``; None to take it from these rows.
        is_jacobian: False for sizes of dependence, of which only order and place say something.

    Returns:
        The scores.

    Raises:
        ArrayError: If shapes differ, there is no row, or a prediction is not finite (the row is named).
        SettingError: If the threshold is not above 0.
    """
    check_atol(atol)
    _check(predicted, truth, zero)
    true = np.where(zero, 0.0, truth)
    sizes = np.abs(predicted)
    which = changing_elements(zero) if changing is None else changing
    some = np.broadcast_to(which, zero.shape)
    total, wanted = float(sizes.sum()), ~zero & (np.abs(true) >= atol)
    within = auroc_of_columns(sizes[:, which], ~zero[:, which])
    within = within[~np.isnan(within)]
    over_all, over_changing = areas(sizes.ravel(), ~zero.ravel()), areas(sizes[some], ~zero[some])
    return JacobianScores(
        auprc=over_all[0],
        auroc=over_all[1],
        auprc_changing=over_changing[0],
        auroc_changing=over_changing[1],
        auroc_within=float(within.mean()) if len(within) else None,
        leak=float(sizes[zero].sum()) / total if total > 0 else None,
        miss=float((sizes[wanted] < atol).mean()) if wanted.any() and is_jacobian else None,
        frobenius_error=_frobenius_error(predicted, true) if is_jacobian else None,
        cosine=_cosine(predicted, true) if is_jacobian else None,
        sparsity=float((sizes < atol).mean()),
        true_sparsity=float(zero.mean()),
        rows=len(zero),
        elements=int(zero.size),
        changing=int(some.sum()),
        elements_within=len(within),
        atol=float(atol),
    )


def _frobenius_error(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> float | None:
    norm = np.linalg.norm(true, axis=(1, 2))
    there = norm > 0
    if not there.any():
        return None
    return float((np.linalg.norm(predicted - true, axis=(1, 2))[there] / norm[there]).mean())


def _cosine(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> float | None:
    pair = predicted, true
    lengths = [np.linalg.norm(x, axis=2) for x in pair]
    there = lengths[1] > 0
    if not there.any():
        return None
    # Each divided by its own length first: the product of two small lengths would underflow.
    own, wanted = (x[there] / np.where(n[there] > 0, n[there], 1)[:, None] for x, n in zip(pair, lengths, strict=True))
    return float((own * wanted).sum(axis=1).mean())


def _check(predicted: NDArray[np.floating], truth: NDArray[np.floating], zero: NDArray[np.bool_]) -> None:
    if truth.ndim != 3 or predicted.shape != truth.shape or zero.shape != truth.shape:
        raise ArrayError(
            f"expected Jacobians of shape {truth.shape} (rows, next state, state and action), got {predicted.shape}"
        )
    if not len(truth):
        raise ArrayError("expected rows to score, got none; collect some")
    bad = np.flatnonzero(~np.isfinite(predicted).all(axis=(1, 2)))
    if bad.size:
        raise ArrayError(f"expected finite Jacobians, the model's is not at row {bad[0]} ({len(bad)} rows in all)")
