"""Cause sentences: what a record of causes says in words, every number computed from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.cause_counts import CONSTRAINT_LABELS, CauseCounts, label_of
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.report.quantities import number, percent

__all__ = ["Reason", "about_causes", "joined", "reasons_of"]

_MOST_NAMED = 3
"""Constraints that get a sentence each; more share one."""

_NOUNS = {"contact-off": "a contact is off", "limit-off": "a limit is off"}


@dataclass(frozen=True)
class Reason:
    """Why some elements are zero.

    Attributes:
        elements: How many.
        label: One of ``ZERO_LABELS``; ``none`` where the record did not find them zero.
        text: The reason, to stand after "are" or, of a structural one, "have".
    """

    elements: int
    label: str
    text: str

    @property
    def predicate(self) -> str:
        """The reason with its verb."""
        one = self.elements == 1
        verb = ("has" if one else "have") if self.label == "structural" else ("is" if one else "are")
        return f"{verb} {self.text}"


def about_causes(record: CauseRecord, always_zero: Mapping[str, NDArray[np.bool_]] | None = None) -> tuple[str, ...]:
    """Say why the elements of one environment are zero.

    Args:
        record: Its causes.
        always_zero: ``"state"`` (dt, dt) and ``"action"`` (dt, da), which elements an analysis of more rows found zero
            in all of them; by default those that are zero in all rows of the record.

    Returns:
        Whole sentences: on the elements that are always zero, then on what contacts and limits that are off leave zero.
    """
    masks = always_zero or {"state": record.state.always_zero, "action": record.action.always_zero}
    sentences: list[str] = []
    if not any(mask.any() for mask in masks.values()):
        return (f"No element of {record.environment} is always zero.", *_about_constraints(record))
    for name, block in (("state", record.state), ("action", record.action)):
        if block.elements:
            sentences += _about_always_zero(record, name, block, masks[name])
    return (*sentences, *_about_constraints(record))


def reasons_of(record: CauseRecord, block: CauseCounts, mask: NDArray[np.bool_]) -> tuple[Reason, ...]:
    """Group elements by the reason why they are zero.

    Args:
        record: The causes.
        block: Its counts of the block.
        mask: (dt, columns) which elements.

    Returns:
        Reasons that occur, in the order of the labels; elements by the most frequent reason of their zeros.
    """
    dominant = np.where(mask, block.dominant, -1)
    found: list[Reason] = []
    for index, label in enumerate(ZERO_LABELS):
        chosen = dominant == index
        if not chosen.any():
            continue
        if label == "symmetry":
            found += _by_symmetry(record, chosen)
        elif label in CONSTRAINT_LABELS:
            found += _by_constraint(record, block, chosen, label)
        else:
            found.append(Reason(int(chosen.sum()), label, _plain(record, label)))
    return tuple(sorted(found, key=lambda reason: ZERO_LABELS.index(reason.label) or len(ZERO_LABELS)))


def joined(words: Sequence[str]) -> str:
    """List words: ``"a"``, ``"a and b"``, ``"a, b and c"``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _about_always_zero(record: CauseRecord, name: str, block: CauseCounts, mask: NDArray[np.bool_]) -> Iterable[str]:
    total = int(mask.sum())
    if not total:
        return [f"No {name} element of {record.environment} is always zero."]
    if total == 1:
        (reason,) = reasons_of(record, block, mask)
        return [f"{record.environment}'s only always-zero {name} element {reason.predicate}."]
    whole = f"{record.environment}'s {total:,} always-zero {name} elements"
    return [f"{reason.elements:,} of {whole} {reason.predicate}." for reason in reasons_of(record, block, mask)]


def _about_constraints(record: CauseRecord) -> list[str]:
    """Say how much of everything is zero because something is off."""
    found = []
    for label in CONSTRAINT_LABELS:
        count = record.by_label[label]
        if count:
            name = next(name for name in record.off if label_of(name) == label)
            others = sum(label_of(other) == label for other in record.constraint_names) > 1
            which = f"{'most often' if others else 'namely'} {name}"
            share = percent(count / record.pairs)
            ends = "" if others else _ends(record, name)
            found.append(f"{share} of {record.environment}'s elements are zero because {_NOUNS[label]}, {which}{ends}.")
    if not found and record.constraint_names:
        return [f"No element of {record.environment} is zero because a contact or a limit is off."]
    return found


def _ends(record: CauseRecord, name: str) -> str:
    """Name the symmetry that a constraint ends, if it is the cause of zeros of that column alone."""
    index = record.constraint_names.index(name)
    if (record.action.constraint == index).any():
        return ""
    return _until_then(record, record.state, np.flatnonzero((record.state.constraint == index).any(axis=0)), name)


def _by_symmetry(record: CauseRecord, chosen: NDArray[np.bool_]) -> list[Reason]:
    found = []
    for column in np.flatnonzero(chosen.any(axis=0)):
        count = int(chosen[:, column].sum())
        # An action shifts no body: only a column of the state has this label.
        shift = record.symmetry_of(record.state_names[column])
        if shift is None:
            text = f"zero because the step commutes with a shift of {record.state_names[column]}"
        else:
            tried = number(shift.rows, "shifted step")
            text = f"{shift.words}: shifting it changed nothing else in {tried} ({_up_to(shift.error)})"
        found.append(Reason(count, "symmetry", text))
    return found


def _up_to(error: float) -> str:
    return "to the last bit" if error == 0 else f"up to {error:.0e}"


def _by_constraint(record: CauseRecord, block: CauseCounts, chosen: NDArray[np.bool_], label: str) -> list[Reason]:
    which, counts = np.unique(block.constraint[chosen], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    which, counts = which[order], counts[order]
    names = [record.constraint_names[index] for index in which]
    if len(which) > _MOST_NAMED:
        most = f"most often {joined(names[:2])}"
        return [
            Reason(
                int(counts.sum()), label, f"zero as long as one of {number(len(names), _noun(label))} is off, {most}"
            )
        ]
    found = []
    for index, count, name in zip(which, counts, names, strict=True):
        columns = np.flatnonzero((chosen & (block.constraint == index)).any(axis=0))
        text = f"zero as long as {name} is off{_until_then(record, block, columns, name)}"
        found.append(Reason(int(count), label, text))
    return found


def _noun(label: str) -> str:
    return "contact" if label == "contact-off" else "limit"


def _until_then(record: CauseRecord, block: CauseCounts, columns: NDArray[np.int64], name: str) -> str:
    """Name the symmetry that a constraint ends, if all the elements are those of its column."""
    if len(columns) != 1 or block is not record.state:
        return ""
    shift = record.symmetry_of(record.state_names[columns[0]])
    if shift is None or name not in shift.broken_by:
        return ""
    return f"; until then the step commutes with {shift.words}"


def _plain(record: CauseRecord, label: str) -> str:
    return {
        "none": f"not zero in any of the {record.rows:,} rows that were explained, which must be of other data",
        "structural": "no path in the step's program from the input to the output",
        "clamped": "zero because a clamp holds",
        "numerical": f"below {record.atol:g} although the program has a path: numbers cancel",
    }[label]
