"""Zero labels: why single elements of transition Jacobians are zero, from what is known about each row.

NumPy only: paths through the program, symmetries and what is switched on are found elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["REAL_SLOPE", "ZERO_LABELS", "ZeroEvidence", "ZeroLabels", "is_real", "label_zeros"]

ZERO_LABELS = ("none", "structural", "symmetry", "contact-off", "limit-off", "clamped", "numerical")
"""``none`` stands for an element that is not zero; the others say why one is."""

_NONE, _STRUCTURAL, _SYMMETRY, _CONTACT_OFF, _LIMIT_OFF, _CLAMPED, _NUMERICAL = range(len(ZERO_LABELS))

_OFF = {"contact": _CONTACT_OFF, "joint limit": _LIMIT_OFF, "tendon limit": _LIMIT_OFF}

REAL_SLOPE = 1e-12
"""Relative to max(1, largest element of the row): what is smaller may be the round-off of numbers that cancel, and is
no evidence that an element is ever non-zero."""

_LEAST_SHARE = 0.5
"""Where the program has a path without the switch, an element must be non-zero in at least this share of the rows in
which it is on, to be zero because it is off: less may be chance."""

_CHUNK = 2048
"""Rows of the evidence that are looked at together."""


@dataclass(frozen=True)
class ZeroEvidence:
    """Rows in which it can be seen which elements something switches on.

    Attributes:
        nonzero: (k, rows, columns) bool, elements that are really not zero (``is_real``).
        active: (k, g) bool, which switches are on.
    """

    nonzero: np.ndarray
    active: np.ndarray


@dataclass(frozen=True)
class ZeroLabels:
    """What was found.

    Attributes:
        labels: (n, rows, columns) index into ``ZERO_LABELS``.
        off: (n, rows, columns) index of the switch that is off, of an element of several the one that tells best; -1.
        switched_by: (rows, columns, g) bool; in every row of the evidence in which the element is really non-zero, one
            of these is on.  None for an element that is non-zero with all of them off, or never.
    """

    labels: np.ndarray
    off: np.ndarray
    switched_by: np.ndarray


def is_real(jacobian: np.ndarray) -> np.ndarray:
    """Tell which elements of (n, rows, columns) Jacobians are too large to be round-off."""
    size = np.abs(jacobian)
    real: np.ndarray = size > REAL_SLOPE * np.maximum(1.0, size.max(axis=(1, 2), keepdims=True, initial=0.0))
    return real


def label_zeros(
    zero: np.ndarray,
    path: np.ndarray,
    open_path: np.ndarray,
    active: np.ndarray,
    kinds: tuple[str, ...],
    symmetric: np.ndarray,
    evidence: ZeroEvidence,
) -> ZeroLabels:
    """Say of every element of every row why it is zero.

    The first that holds, of a zero in a row:

    - ``contact-off``, ``limit-off``: in every row of the evidence in which the element is really non-zero, one of a few
      switches is on (found greedily, the one whose state tells best whether the element is zero first), and all of
      these are off here.  Where the program has a path all the same, with or without open clamps, the best of them must
      switch it on in half of the rows in which it is on.
    - ``clamped``: there is no path in this row, and there is one where clamps let everything pass.
    - ``structural``: there is no path.
    - ``symmetry``: the column's coordinate can be shifted without changing anything but itself, and the element is
      really non-zero in no row of the evidence.
    - ``numerical``: none of these.

    Args:
        zero: (n, rows, columns) bool, elements below the threshold; columns are those of the state, then the action.
        path: (n, rows, columns) bool, whether the program has a path in this row.
        open_path: (n, rows, columns) bool, the same with clamps that let everything pass.
        active: (n, g) bool, which switches are on in the row.
        kinds: (g,) which of ``SWITCH_KINDS`` each is.
        symmetric: (columns,) bool, coordinates that a symmetry shifts.
        evidence: rows to learn from: these, and more where there are more.

    Returns:
        Labels, and what switches each element.
    """
    _, rows, columns = zero.shape
    labels = np.full(zero.shape, _NONE, dtype=np.int8)
    labels[zero] = _NUMERICAL
    never = ~evidence.nonzero.any(axis=0)
    labels[zero & never & symmetric[None, :] & ~np.eye(rows, columns, dtype=bool)] = _SYMMETRY
    labels[zero & ~path] = _STRUCTURAL
    labels[zero & ~path & open_path] = _CLAMPED
    off = np.full(zero.shape, -1, dtype=np.int32)
    if not kinds:
        return ZeroLabels(labels, off, np.zeros((rows, columns, 0), dtype=bool))
    share_on, tells = _shares(evidence)
    cover = _cover(evidence, tells)
    gates = np.where(cover, tells, -np.inf)
    best: np.ndarray = gates.argmax(axis=0)
    share = np.take_along_axis(share_on, best[None], axis=0)[0]
    switched = cover.any(axis=0)
    label_of_best = np.array([_OFF[kind] for kind in kinds], dtype=np.int8)[best]
    for row in range(len(zero)):
        all_off = ~cover[active[row]].any(axis=0)
        sure = (share >= _LEAST_SHARE).reshape(rows, columns) | ~(path[row] | open_path[row])
        here = zero[row] & (switched & all_off).reshape(rows, columns) & sure
        labels[row][here] = label_of_best.reshape(rows, columns)[here]
        off[row][here] = best.reshape(rows, columns)[here]
    return ZeroLabels(labels, off, cover.T.reshape(rows, columns, len(kinds)))


def _shares(evidence: ZeroEvidence) -> tuple[np.ndarray, np.ndarray]:
    """Return (g, elements) in which share of the rows with a switch on an element is non-zero; and less those off."""
    count = evidence.active.sum(axis=0)
    total = len(evidence.active) - count
    on = np.zeros((evidence.active.shape[1], evidence.nonzero[0].size), dtype=np.float32)
    off = on.copy()
    for active, nonzero in _chunks(evidence):
        on += active.T.astype(np.float32) @ nonzero.astype(np.float32)
        off += (~active).T.astype(np.float32) @ nonzero.astype(np.float32)
    share_on = on / np.maximum(count, 1)[:, None]
    return share_on, share_on - off / np.maximum(total, 1)[:, None]


def _cover(evidence: ZeroEvidence, tells: np.ndarray) -> np.ndarray:
    """Return (g, elements) a few switches of which one is on wherever an element is non-zero; none where none do."""
    cover = np.zeros(tells.shape, dtype=bool)
    lost = np.zeros(tells.shape[1], dtype=bool)
    for _ in range(len(tells)):
        left = np.zeros(tells.shape, dtype=np.float32)
        for active, nonzero in _chunks(evidence):
            covered: np.ndarray = active.astype(np.float32) @ cover.astype(np.float32) > 0
            uncovered = nonzero & ~covered
            lost |= (uncovered & ~active.any(axis=1, keepdims=True)).any(axis=0)
            left += active.T.astype(np.float32) @ uncovered.astype(np.float32)
        # Only what tells something: a switch that is on as often without the element would cover it by chance.
        value = np.where((left > 0) & (tells > 0), tells, -np.inf)
        open_elements = np.flatnonzero((left > 0).any(axis=0) & ~lost)
        helped = open_elements[np.isfinite(value[:, open_elements]).any(axis=0)]
        lost[np.setdiff1d(open_elements, helped)] = True
        if not helped.size:
            break
        cover[value[:, helped].argmax(axis=0), helped] = True
    cover[:, lost] = False
    return cover


def _chunks(evidence: ZeroEvidence) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield some rows at a time: (c, g) and (c, elements)."""
    for first in range(0, len(evidence.active), _CHUNK):
        span = slice(first, first + _CHUNK)
        nonzero = evidence.nonzero[span]
        yield evidence.active[span], nonzero.reshape(len(nonzero), -1)
