"""Causes that nobody measured, of the switched system and of others, to test what is said and drawn of them."""

from __future__ import annotations

import numpy as np

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.tried_symmetry import TriedSymmetry
from dynsparse.physics.zero_labels import ZERO_LABELS

ROWS = 8
SLIDE = TriedSymmetry("translation of cart along x", "qpos a", True, 256, 0, 4e-14, ())


def cause_record(labels, *, environment="Switched", names=("qpos a", "qvel a"), actions=("push",), **changes):
    """Make a record from the labels of each element.

    ``labels`` maps (row, column) to (label, how many of the eight rows), with the constraint's index where one is off;
    columns of actions follow those of the state.
    """
    constraints = changes.pop("constraints", ("contact floor-foot", "joint limit slider"))
    found = np.zeros((ROWS, len(names), len(names) + len(actions)), dtype=np.int8)
    off = np.full(found.shape, -1, dtype=np.int32)
    for (row, column), (label, count, *constraint) in labels.items():
        found[:count, row, column] = ZERO_LABELS.index(label)
        off[:count, row, column] = constraint[0] if constraint else -1
    blocks = [
        CauseCounts.from_rows(found[:, :, span], off[:, :, span], len(constraints))
        for span in (slice(0, len(names)), slice(len(names), None))
    ]
    values = {"atol": 1e-15, "evidence_rows": 0, "symmetries": (SLIDE,), "provenance": {"seed": 0}} | changes
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
