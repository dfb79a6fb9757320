"""Causes that nobody measured, of the switched system and of others, to test what is said and drawn of them."""

from __future__ import annotations

import numpy as np

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.tried_symmetry import TriedSymmetry
from dynsparse.physics.zero_labels import ZERO_LABELS

ROWS = 8
SLIDE = TriedSymmetry("translation of cart along x", "qpos a", True, 32, 256, 0, 10.0, 4e-14, (), 0)


def cause_record(labels, *, environment="Switched", names=("qpos a", "qvel a"), actions=("push",), **changes):
    """Make a record from the labels of each element.

    ``labels`` maps (row, column) to (label, how many of the eight rows), with the constraint's index where one is off;
    columns of actions follow those of the state.  ``switched`` maps (row, column) to the indices of what switches it,
    by default the constraint that is off.  ``sizes`` maps (row, column) to (largest size, rows of the data set in which
    it is really not zero); by default an element is as often not zero as in the eight rows.
    """
    constraints = changes.pop("constraints", ("contact foot-world", "joint limit slider"))
    switched, sizes = changes.pop("switched", {}), changes.pop("sizes", {})
    found = np.zeros((ROWS, len(names), len(names) + len(actions)), dtype=np.int8)
    switched_by = np.zeros((*found.shape[1:], len(constraints)), dtype=bool)
    off = np.full(found.shape, -1, dtype=np.int32)
    for (row, column), (label, count, *constraint) in labels.items():
        found[:count, row, column] = ZERO_LABELS.index(label)
        off[:count, row, column] = constraint[0] if constraint else -1
        switched_by[row, column, list(switched.get((row, column), constraint))] = True
    real = (found == 0).sum(axis=0)
    largest = np.where(real > 0, 0.5, 0.0)
    for place, (size, rows) in sizes.items():
        largest[place], real[place] = size, rows
    blocks = [
        CauseCounts.from_rows(found[:, :, span], off[:, :, span], switched_by[:, span], largest[:, span], real[:, span])
        for span in (slice(0, len(names)), slice(len(names), None))
    ]
    values = {"atol": 1e-15, "evidence_rows": 0, "symmetries": (SLIDE,), "provenance": {"seed": 0}}
    values |= {"evidence_stored": 0, "data_rows": ROWS, "members": tuple((name,) for name in constraints)}
    values |= {"active_rows": (1,) * len(constraints)} | changes
    return CauseRecord(
        environment=environment,
        rows=ROWS,
        state_names=tuple(names),
        action_names=tuple(actions),
        constraint_names=constraints,
        state=blocks[0],
        action=blocks[1],
        **values,
    )


def switched_causes(environment="Switched"):
    """Return causes of the switched system: what is always zero is a symmetry, what is sometimes a contact."""
    return cause_record(
        {(1, 0): ("symmetry", ROWS), (0, 1): ("contact-off", 4, 0), (1, 2): ("contact-off", 4, 0)},
        environment=environment,
    )
