"""Cause record: why elements of one data set's Jacobians are zero, and how files hold it.  No JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.cause_counts import CONSTRAINT_LABELS, CauseCounts, label_of
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.analysis.tried_symmetry import TriedSymmetry
from dynsparse.errors import ArrayError
from dynsparse.physics.zero_labels import ZERO_LABELS

__all__ = ["CauseRecord", "holds_causes"]

_BLOCKS = ("state", "action")
_ARRAYS = ("labels", "constraint", "off", "switched_by", "largest", "real")
_DOMINANT = "of an element that is zero in every row, the reason of most of its rows"


@dataclass(frozen=True, eq=False)
class CauseRecord(StoredRecord):
    """Why elements are zero in some rows of one data set.

    Attributes:
        environment: Name of the environment.
        rows: Rows that were explained.
        atol: An element is zero when ``abs(x) < atol``.
        evidence_rows: Further rows from which was learned what switches on what.
        evidence_stored: How many of these are of the data set; the others were made near contacts and limits.
        data_rows: Finite rows of the data set, over which sizes of elements were taken.
        state_names: (dt,) names of a Jacobian's rows and first columns.
        action_names: (da,) names of its last columns.
        constraint_names: (g,) switches: limits by name, contacts by the two bodies that they join.
        members: (g,) the named constraints of each switch.
        active_rows: (g,) in how many of all rows that were looked at (``looked_at``) each switch was on.
        state: Counts of ∂s'/∂s, dt columns.
        action: Counts of ∂s'/∂a, da columns.
        symmetries: Every shift that was tried.
        provenance: Settings, seeds and versions that made it.
    """

    STEM = "causes"

    environment: str
    rows: int
    atol: float
    evidence_rows: int
    evidence_stored: int
    data_rows: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    constraint_names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    active_rows: tuple[int, ...]
    state: CauseCounts
    action: CauseCounts
    symmetries: tuple[TriedSymmetry, ...]
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check that names and counts belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        strange = [tried.coordinate for tried in self.symmetries if tried.coordinate not in self.state_names]
        if strange:
            raise ArrayError(f"expected symmetries of {', '.join(self.state_names)}, got one of {strange[0]}")
        if not 0 <= self.evidence_stored <= self.evidence_rows:
            raise ArrayError(f"expected 0 to {self.evidence_rows} stored rows of evidence, got {self.evidence_stored}")
        switches = len(self.constraint_names)
        if not len(self.members) == len(self.active_rows) == switches or not all(self.members):
            raise ArrayError(
                f"expected members and rows of {switches} switches, got {len(self.members)} and {len(self.active_rows)}"
            )
        if not all(0 <= rows <= self.looked_at for rows in self.active_rows):
            raise ArrayError(f"expected switches on in 0 to {self.looked_at} rows, got {list(self.active_rows)}")
        states = len(self.state_names)
        for name, columns in zip(_BLOCKS, (states, len(self.action_names)), strict=True):
            block: CauseCounts = getattr(self, name)
            if block.constraint.shape != (states, columns) or len(block.off) != len(self.constraint_names):
                raise ArrayError(
                    f"expected counts of {(states, columns)} {name} elements and {len(self.constraint_names)} "
                    f"constraints by their names, got {block.constraint.shape} and {len(block.off)}"
                )
            if block.elements and block.rows != self.rows:
                raise ArrayError(
                    f"expected {self.rows} rows x {block.elements} labels of {name} elements, got {block.rows} rows"
                )
            if block.real.max(initial=0) > self.data_rows:
                raise ArrayError(f"expected at most {self.data_rows} rows of the data set, got {block.real.max()}")
            if block.switched_by[:, :, np.array(self.active_rows, dtype=int) == 0].any():
                raise ArrayError(
                    f"expected {name} elements switched by what was on in some row, got one that never was"
                )
            for label in CONSTRAINT_LABELS:
                counted = sum(block.off[[label_of(c) == label for c in self.constraint_names]].tolist())
                if counted != block.by_label[label]:
                    raise ArrayError(
                        f"expected {block.by_label[label]} {name} zeros labelled {label}, got {counted} by constraint"
                    )

    @property
    def looked_at(self) -> int:
        """Rows from which was learned what switches on what: those explained, and those of evidence."""
        return self.rows + self.evidence_rows

    @property
    def pairs(self) -> int:
        """Pairs of row and element."""
        return self.rows * (self.state.elements + self.action.elements)

    @property
    def by_label(self) -> Mapping[str, int]:
        """Pairs of row and element by label, both blocks together."""
        state, action = self.state.by_label, self.action.by_label
        return {label: state[label] + action[label] for label in ZERO_LABELS}

    @property
    def off(self) -> Mapping[str, int]:
        """Pairs of row and element that are zero because a switch is off, most frequent first; none at 0."""
        counts = (self.state.off + self.action.off).tolist()
        found = [(name, count) for name, count in zip(self.constraint_names, counts, strict=True) if count]
        return dict(sorted(found, key=lambda entry: -entry[1]))

    def symmetry_of(self, coordinate: str) -> TriedSymmetry | None:
        """Return the shift of a coordinate with which the step commutes, if there is one."""
        return next((s for s in self.symmetries if s.coordinate == coordinate and s.holds), None)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``causes.json`` holds, besides the hashes that ``save`` adds."""
        state, action = self.state.by_label, self.action.by_label
        always = {name: dict(getattr(self, name).always_by_label) for name in _BLOCKS}
        return {
            "schema": files.SCHEMA,
            "environment": self.environment,
            "rows": self.rows,
            "atol": self.atol,
            "evidence_rows": self.evidence_rows,
            "evidence_stored": self.evidence_stored,
            "data_rows": self.data_rows,
            "labels": list(ZERO_LABELS),
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            "constraint_names": list(self.constraint_names),
            "members": [list(names) for names in self.members],
            "active_rows": list(self.active_rows),
            "counts": {
                label: {"state": state[label], "action": action[label], "combined": state[label] + action[label]}
                for label in ZERO_LABELS
            },
            "always_zero": {"label": _DOMINANT, **always},
            "constraint_off": [
                {
                    "name": name,
                    "label": label_of(name),
                    "state": int(self.state.off[index]),
                    "action": int(self.action.off[index]),
                }
                for index, name in enumerate(self.constraint_names)
                if self.state.off[index] or self.action.off[index]
            ],
            "symmetries": [asdict(symmetry) | {"broken_by": list(symmetry.broken_by)} for symmetry in self.symmetries],
            "provenance": dict(self.provenance),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``causes.npz`` holds, by name."""
        return {f"{field}_{name}": getattr(getattr(self, name), field) for name in _BLOCKS for field in _ARRAYS}

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold."""
        blocks = {name: CauseCounts(*(arrays[f"{field}_{name}"] for field in _ARRAYS)) for name in _BLOCKS}
        return cls(
            environment=found["environment"],
            rows=found["rows"],
            atol=found["atol"],
            evidence_rows=found["evidence_rows"],
            evidence_stored=found["evidence_stored"],
            data_rows=found["data_rows"],
            state_names=tuple(found["state_names"]),
            action_names=tuple(found["action_names"]),
            constraint_names=tuple(found["constraint_names"]),
            members=tuple(tuple(names) for names in found["members"]),
            active_rows=tuple(found["active_rows"]),
            symmetries=tuple(
                TriedSymmetry(**{**entry, "broken_by": tuple(entry["broken_by"])}) for entry in found["symmetries"]
            ),
            provenance=found["provenance"],
            **blocks,
        )


def holds_causes(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a record of causes, sound or not."""
    return files.holds_analysis(folder, CauseRecord.STEM)
