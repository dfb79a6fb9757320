"""Zero labels: why single elements of transition Jacobians are zero, from what is known about each row.

NumPy only: paths through the program, symmetries and constraints are found elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ZERO_LABELS", "ZeroEvidence", "label_zeros"]

ZERO_LABELS = ("none", "structural", "symmetry", "contact-off", "limit-off", "clamped", "numerical")
"""``none`` stands for an element that is not zero; the others say why one is."""

_NONE, _STRUCTURAL, _SYMMETRY, _CONTACT_OFF, _LIMIT_OFF, _CLAMPED, _NUMERICAL = range(len(ZERO_LABELS))

_GATES = {"contact": _CONTACT_OFF, "joint limit": _LIMIT_OFF, "tendon limit": _LIMIT_OFF}
"""Kinds of constraints that are on or off, and the label of a zero that is there because one is off."""

_LEAST_SHARE = 0.5
"""Where the program has a path without the constraint, an element must be non-zero in at least this share of the rows
in which it is active, to be zero because it is off: less may be chance."""


@dataclass(frozen=True)
class ZeroEvidence:
    """Rows in which it can be seen which elements a constraint switches on.

    Attributes:
        nonzero: (k, rows, columns) bool, elements that are not zero.
        active: (k, nc) bool, which named constraints exerted force.
    """

    nonzero: np.ndarray
    active: np.ndarray


def label_zeros(
    zero: np.ndarray,
    path: np.ndarray,
    open_path: np.ndarray,
    active: np.ndarray,
    kinds: tuple[str, ...],
    symmetric: np.ndarray,
    evidence: ZeroEvidence,
) -> tuple[np.ndarray, np.ndarray]:
    """Say of every element of every row why it is zero.

    The first that holds, of a zero in a row:

    - ``contact-off``, ``limit-off``: in all rows of the evidence in which it is not zero, some contact or limit is
      active that is off in this row; named is the one whose activity tells best whether it is zero.  Where the program
      has a path all the same (numbers cancel), it must be non-zero in half of the rows in which that one is active.
    - ``clamped``: there is no path in this row, and there is one where clamps let everything pass.
    - ``structural``: there is no path.
    - ``symmetry``: the column's coordinate can be shifted without changing anything but itself, and the element is zero
      in all rows of the evidence.
    - ``numerical``: none of these.

    Args:
        zero: (n, rows, columns) bool, elements below the threshold; columns are those of the state, then the action.
        path: (n, rows, columns) bool, whether the program has a path in this row.
        open_path: (n, rows, columns) bool, the same with clamps that let everything pass.
        active: (n, nc) bool, which named constraints exerted force in the row.
        kinds: (nc,) which of ``CONSTRAINT_KINDS`` each is.
        symmetric: (columns,) bool, coordinates that a proven symmetry shifts.
        evidence: rows to learn from: these, and more where there are more.

    Returns:
        (n, rows, columns) index into ``ZERO_LABELS``, and (n, rows, columns) index of the constraint that is off, -1
        where there is none.
    """
    _, rows, columns = zero.shape
    labels = np.full(zero.shape, _NONE, dtype=np.int8)
    always = zero.all(axis=0) & ~evidence.nonzero.any(axis=0)
    of_symmetry = always & symmetric[None, :] & ~np.eye(rows, columns, dtype=bool)
    labels[zero] = _NUMERICAL
    labels[zero & of_symmetry] = _SYMMETRY
    labels[zero & ~path] = _STRUCTURAL
    labels[zero & ~path & open_path] = _CLAMPED
    off = _constraint_off(zero, path, active, kinds, evidence)
    gate_labels = np.array([_GATES.get(kind, _NONE) for kind in kinds], dtype=np.int8)
    if len(kinds):
        labels = np.where(off >= 0, gate_labels[off], labels)
    return labels, off


def _constraint_off(
    zero: np.ndarray, path: np.ndarray, active: np.ndarray, kinds: tuple[str, ...], evidence: ZeroEvidence
) -> np.ndarray:
    """Return (n, rows, columns) the constraint that is off and whose activity makes the element non-zero; else -1."""
    off = np.full(zero.shape, -1, dtype=np.int32)
    gates = np.flatnonzero([kind in _GATES for kind in kinds])
    if not gates.size or not len(evidence.nonzero):
        return off
    shape, k = zero.shape[1:], len(evidence.nonzero)
    nonzero = evidence.nonzero.reshape(k, -1).astype(np.float32)
    on, here = evidence.active[:, gates].astype(np.float32), active[:, gates]
    # Rows of the evidence in which nothing is active beyond what is active here: no constraint is needed there.
    nothing_more = (~here).astype(np.float32) @ on.T == 0
    shown = nothing_more.astype(np.float32) @ nonzero > 0
    asked = zero.reshape(len(zero), -1) & ~shown
    count = on.sum(axis=0)
    share_on = on.T @ nonzero / np.maximum(count, 1)[:, None]
    share_off = (1 - on).T @ nonzero / np.maximum(k - count, 1)[:, None]
    tells = np.where(share_on > 0, share_on - share_off, -np.inf)
    for row in range(len(zero)):
        elements = np.flatnonzero(asked[row])
        idle = np.flatnonzero(~here[row])
        if not elements.size or not idle.size:
            continue
        among = tells[np.ix_(idle, elements)]
        best = among.argmax(axis=0)
        share = share_on[idle[best], elements]
        sure = np.isfinite(among.max(axis=0)) & (share > 0)
        sure &= ~path[row].reshape(-1)[elements] | (share >= _LEAST_SHARE)
        off[row].reshape(-1)[elements[sure]] = gates[idle[best[sure]]]
    return off.reshape(len(zero), *shape)
