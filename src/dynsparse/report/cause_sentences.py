"""Cause sentences: what a record of causes says in words, every number computed from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.cause_counts import CONSTRAINT_LABELS, CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.report.cause_switches import about_switches, shortened, while_off
from dynsparse.report.cause_symmetries import about_incomplete, by_symmetry
from dynsparse.report.quantities import number, percent

__all__ = ["Reason", "about_causes", "reasons_of"]

_MOST_NAMED = 3
"""Sets of contacts and limits that get a sentence each; more share one."""

_OFF = [ZERO_LABELS.index(label) for label in CONSTRAINT_LABELS]


@dataclass(frozen=True)
class Reason:
    """Why some elements are zero.

    Attributes:
        elements: How many.
        label: One of ``ZERO_LABELS``; ``none`` where the record did not find them zero.
        text: The reason, to stand after "are" or, of a structural one, "have".
        where: (dt, columns) which elements.
    """

    elements: int
    label: str
    text: str
    where: NDArray[np.bool_] = field(repr=False, compare=False)

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
        Whole sentences: on the elements that are always zero, on what contacts and limits that are off leave zero, on
        symmetries that something ends, and on how often each contact and limit was on.
    """
    masks = always_zero or {"state": record.state.always_zero, "action": record.action.always_zero}
    sentences: list[str] = []
    ending = (*_about_switched(record), *_about_incomplete(record, masks["state"]), *about_switches(record))
    if not any(mask.any() for mask in masks.values()):
        return (f"No element of {record.environment} is always zero.", *ending)
    for name, block in (("state", record.state), ("action", record.action)):
        if block.elements:
            sentences += _about_always_zero(record, name, block, masks[name])
    return (*sentences, *ending)


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
        if label in CONSTRAINT_LABELS or not chosen.any():
            continue
        if label == "symmetry":
            found += _by_symmetry(record, chosen)
        else:
            found.append(Reason(int(chosen.sum()), label, _plain(record, label), chosen))
    gated = np.isin(dominant, _OFF)
    if gated.any():
        found += _by_switches(record, block, gated)
    return tuple(sorted(found, key=lambda reason: ZERO_LABELS.index(reason.label) or len(ZERO_LABELS)))


def _about_always_zero(record: CauseRecord, name: str, block: CauseCounts, mask: NDArray[np.bool_]) -> Iterable[str]:
    total = int(mask.sum())
    if not total:
        return [f"No {name} element of {record.environment} is always zero."]
    if total == 1:
        (reason,) = reasons_of(record, block, mask)
        return [f"{record.environment}'s only always-zero {name} element {reason.predicate}."]
    whole = f"{record.environment}'s {total:,} always-zero {name} elements"
    return [f"{reason.elements:,} of {whole} {reason.predicate}." for reason in reasons_of(record, block, mask)]


def _about_incomplete(record: CauseRecord, always_zero: NDArray[np.bool_]) -> list[str]:
    said = [about_incomplete(record, shift, always_zero) for shift in record.symmetries if shift.holds]
    return [f"{record.environment}: {sentence}." for sentence in said if sentence]


def _about_switched(record: CauseRecord) -> list[str]:
    """Say how much of everything is zero because something is off, by the set of what would switch it on."""
    pairs: dict[tuple[int, ...], int] = {}
    for block in (record.state, record.action):
        off = block.labels[_OFF].sum(axis=0)
        for row, column in np.argwhere(off > 0):
            switches = tuple(np.flatnonzero(block.switched_by[row, column]).tolist())
            pairs[switches] = pairs.get(switches, 0) + int(off[row, column])
    if not pairs:
        said = f"No element of {record.environment} is zero because a contact or a limit is off."
        return [said] if record.constraint_names else []
    whole, looked_at = f"of {record.environment}'s elements are zero", f"({number(record.looked_at, 'row')} looked at)"
    sets = sorted(pairs, key=lambda switches: -pairs[switches])
    shares = {switches: percent(pairs[switches] / record.pairs) for switches in sets}
    words = {switches: while_off([record.constraint_names[k] for k in switches]) for switches in sets}
    if len(sets) == 1:
        (only,) = sets
        return [f"{shares[only]} {whole} {words[only]} {looked_at}{_ends(record, only)}."]
    listed = [f"{shares[switches]} {words[switches]}" for switches in sets[:_MOST_NAMED]]
    rest = sets[_MOST_NAMED:]
    if rest:
        share = percent(sum(pairs[switches] for switches in rest) / record.pairs)
        listed.append(f"{share} while all of {number(len(rest), 'other set')} of these are off")
    every = percent(sum(pairs.values()) / record.pairs)
    return [f"{every} {whole} because contacts or limits are off: {', '.join(listed)} {looked_at}."]


def _ends(record: CauseRecord, switches: Sequence[int]) -> str:
    """Name the symmetry that the only switches end, if what they switch is that column alone."""
    if record.action.labels[_OFF].any():
        return ""
    columns = record.state.labels[_OFF].sum(axis=(0, 1)) > 0
    return _until_then(record, record.state, columns, [record.constraint_names[k] for k in switches])


def _by_symmetry(record: CauseRecord, chosen: NDArray[np.bool_]) -> list[Reason]:
    found = []
    for column in np.flatnonzero(chosen.any(axis=0)):
        count = int(chosen[:, column].sum())
        # An action shifts no body: only a column of the state has this label.
        shift = record.symmetry_of(record.state_names[column])
        said = f"zero because the step commutes with a shift of {record.state_names[column]}"
        where = chosen & (np.arange(chosen.shape[1]) == column)
        found.append(Reason(count, "symmetry", said if shift is None else by_symmetry(shift), where))
    return found


def _by_switches(record: CauseRecord, block: CauseCounts, chosen: NDArray[np.bool_]) -> list[Reason]:
    """Group elements by the set of switches of which one is on wherever they are not zero, the largest group first."""
    places = np.argwhere(chosen)
    sets, inverse = np.unique(block.switched_by[chosen], axis=0, return_inverse=True)
    groups = [(sets[k], places[inverse.reshape(-1) == k]) for k in range(len(sets))]
    groups.sort(key=lambda group: -len(group[1]))
    looked_at = f"({number(record.looked_at, 'row')} looked at)"
    found = []
    for switches, elements in groups[:_MOST_NAMED]:
        names = [record.constraint_names[k] for k in np.flatnonzero(switches)]
        where = _mask(chosen, elements)
        ends = _until_then(record, block, np.any(where, axis=0), names)
        text = f"zero {while_off(names)} {looked_at}{ends}"
        found.append(Reason(len(elements), _label(block, where), text, where))
    rest = groups[_MOST_NAMED:]
    if rest:
        where = _mask(chosen, np.concatenate([places for _, places in rest]))
        names = [record.constraint_names[k] for k in np.flatnonzero(np.any([switches for switches, _ in rest], axis=0))]
        rows = number(record.looked_at, "row")
        sets_of = f"{number(len(rest), 'more such set')}, of {shortened(names)}; {rows} looked at"
        text = f"zero while all of a set of contacts and limits are off ({sets_of})"
        found.append(Reason(int(where.sum()), _label(block, where), text, where))
    return found


def _mask(like: NDArray[np.bool_], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros_like(like)
    mask[places[:, 0], places[:, 1]] = True
    return mask


def _label(block: CauseCounts, where: NDArray[np.bool_]) -> str:
    found = np.bincount(block.dominant[where], minlength=len(ZERO_LABELS))
    return ZERO_LABELS[int(found.argmax())]


def _until_then(record: CauseRecord, block: CauseCounts, columns: NDArray[np.bool_], names: Sequence[str]) -> str:
    """Name the symmetry that switches end, if all the elements are those of its column."""
    if columns.sum() != 1 or block is not record.state:
        return ""
    shift = record.symmetry_of(record.state_names[int(columns.argmax())])
    if shift is None or not set(names) & set(shift.broken_by):
        return ""
    return f"; until then the step commutes with {shift.words}"


def _plain(record: CauseRecord, label: str) -> str:
    return {
        "none": f"not zero in any of the {record.rows:,} rows that were explained, which must be of other data",
        "structural": "no path in the step's program from the input to the output",
        "clamped": "zero because a clamp holds",
        "numerical": f"below {record.atol:g} all the same: a factor that is zero at this state, such as a velocity at "
        "rest, or numbers that cancel",
    }[label]
