"""Cause record: why elements of one data set's Jacobians are zero, and how files hold it.  No JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.cause_counts import CONSTRAINT_LABELS, CauseCounts, label_of
from dynsparse.analysis.tried_symmetry import TriedSymmetry
from dynsparse.errors import ArrayError, InputError
from dynsparse.physics.zero_labels import ZERO_LABELS

if TYPE_CHECKING:
    from dynsparse.physics.zero_causes import ZeroCauses

__all__ = ["CauseRecord", "holds_causes", "record_causes"]

_STEM = "causes"
_BLOCKS = ("state", "action")
_DOMINANT = "of an element that is zero in every row, the reason of most of its rows"


@dataclass(frozen=True, eq=False)
class CauseRecord:
    """Why elements are zero in some rows of one data set.

    Attributes:
        environment: Name of the environment.
        rows: Rows that were explained.
        atol: An element is zero when ``abs(x) < atol``.
        evidence_rows: Further rows, near contacts and limits, from which was learned what constraints switch on.
        state_names: (dt,) names of a Jacobian's rows and first columns.
        action_names: (da,) names of its last columns.
        constraint_names: (nc,) named constraints.
        state: Counts of ∂s'/∂s, dt columns.
        action: Counts of ∂s'/∂a, da columns.
        symmetries: Every shift that was tried.
        provenance: Settings, seeds and versions that made it.
    """

    environment: str
    rows: int
    atol: float
    evidence_rows: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    constraint_names: tuple[str, ...]
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
            for label in CONSTRAINT_LABELS:
                counted = sum(block.off[[label_of(c) == label for c in self.constraint_names]].tolist())
                if counted != block.by_label[label]:
                    raise ArrayError(
                        f"expected {block.by_label[label]} {name} zeros labelled {label}, got {counted} by constraint"
                    )

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
        """Pairs of row and element that are zero because a named constraint is off, most frequent first; none at 0."""
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
            "labels": list(ZERO_LABELS),
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            "constraint_names": list(self.constraint_names),
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
        return {
            f"{field}_{name}": getattr(getattr(self, name), field)
            for name in _BLOCKS
            for field in ("labels", "constraint", "off")
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``causes.json`` and ``causes.npz``; until both are on the disk, those that are there stay.

        Args:
            folder: An existing folder.

        Raises:
            OutputError: If they can not be written there.
        """
        files.write(folder, self.to_dict(), self.to_arrays(), _STEM)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> CauseRecord:
        """Read what ``save`` wrote.

        Args:
            folder: Folder that holds ``causes.json`` and ``causes.npz``.

        Returns:
            An equal record.

        Raises:
            InputError: If a file is missing, broken, altered, of another schema, or the two do not belong together.
        """
        found, arrays = files.read(folder, _STEM)
        try:
            with files.typed_errors(folder, _STEM):
                record = cls._from_parts(found, arrays)
                expected = record.to_dict()
        except ArrayError as error:
            raise InputError(f"the files in {folder} contradict each other: {error}; make them again") from error
        # What the arrays decide was computed from them again, so that a contradiction shows.
        different = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
        if different:
            raise InputError(
                f"the files in {folder} contradict each other: {', '.join(different)} is not what the arrays say; "
                "make them again"
            )
        return record

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> CauseRecord:
        blocks = {
            name: CauseCounts(arrays[f"labels_{name}"], arrays[f"constraint_{name}"], arrays[f"off_{name}"])
            for name in _BLOCKS
        }
        return cls(
            environment=found["environment"],
            rows=found["rows"],
            atol=found["atol"],
            evidence_rows=found["evidence_rows"],
            state_names=tuple(found["state_names"]),
            action_names=tuple(found["action_names"]),
            constraint_names=tuple(found["constraint_names"]),
            symmetries=tuple(
                TriedSymmetry(**{**entry, "broken_by": tuple(entry["broken_by"])}) for entry in found["symmetries"]
            ),
            provenance=found["provenance"],
            **blocks,
        )


def holds_causes(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a record of causes, sound or not."""
    return files.holds_analysis(folder, _STEM)


def record_causes(causes: ZeroCauses, provenance: Mapping[str, Any]) -> CauseRecord:
    """Make the record of what ``explain_zeros`` found.

    Args:
        causes: Labels of n rows.
        provenance: Settings, seeds and versions that made them; plain JSON values.

    Returns:
        The record: counts over the rows, and the symmetries.
    """
    states, constraints = len(causes.state_names), len(causes.constraint_names)
    blocks = [
        CauseCounts.from_rows(causes.labels[:, :, span], causes.constraint_off[:, :, span], constraints)
        for span in (slice(0, states), slice(states, None))
    ]
    return CauseRecord(
        environment=causes.environment,
        rows=len(causes),
        atol=causes.atol,
        evidence_rows=causes.evidence_rows,
        state_names=causes.state_names,
        action_names=causes.action_names,
        constraint_names=causes.constraint_names,
        state=blocks[0],
        action=blocks[1],
        symmetries=tuple(
            TriedSymmetry(s.shift.words, s.shift.name, s.holds, s.rows, s.skipped, s.error, s.broken_by)
            for s in causes.symmetries
        ),
        provenance=provenance,
    )
