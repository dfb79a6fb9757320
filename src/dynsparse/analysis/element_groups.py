"""Element groups: elements that are always zero in one data set and not in another, and what switches them on.

An element is grouped under the named constraints of which one exerts force in every row in which it is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ElementGroup", "ElementRow", "covering", "group_elements"]

_MOST_CONSTRAINTS = 8
_LEAST_OFF = 0.5
"""A constraint that is on in more than half of the rows in which an element is zero does not explain those in which it
is not: friction that always acts is on in them too."""


_ROW_LISTS = ("state", "values", "constraints")


@dataclass(frozen=True)
class ElementRow:
    """One row in which some element of a group is not zero.

    Attributes:
        policy: The data set.
        episode: Its episode.
        t: Its control step.
        state: (ds,) where the control step begins.
        values: (k,) what the group's elements are there.
        constraints: Names of the group's constraints that are on there.
    """

    policy: str
    episode: int
    t: int
    state: tuple[float, ...]
    values: tuple[float, ...]
    constraints: tuple[str, ...]


@dataclass(frozen=True)
class ElementGroup:
    """Elements that are always zero in some data set and not in all, with one explanation.

    Attributes:
        elements: (k,) output and input of each; an input of dt or more is an action.
        constraints: Names of constraints of which one is on in every row in which any of the elements is not zero;
            empty where no few constraints are.
        nonzero: By policy, in how many finite rows each of the elements is not zero, (k,).
        active: By policy, finite rows in which one of the constraints is on.
        both: By policy, rows in which one is on and some element of the group is not zero.
        largest: (k,) largest size of each element in any data set.
        rows: The first few rows in which some element is not zero.
    """

    elements: tuple[tuple[int, int], ...]
    constraints: tuple[str, ...]
    nonzero: Mapping[str, tuple[int, ...]]
    active: Mapping[str, int]
    both: Mapping[str, int]
    largest: tuple[float, ...]
    rows: tuple[ElementRow, ...] = ()

    @property
    def zero_in(self) -> tuple[str, ...]:
        """Policies in whose data set every element of the group is always zero."""
        return tuple(policy for policy, counts in self.nonzero.items() if not any(counts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "elements": [list(element) for element in self.elements],
            "constraints": list(self.constraints),
            "nonzero": {policy: list(counts) for policy, counts in self.nonzero.items()},
            "active": dict(self.active),
            "both": dict(self.both),
            "largest": list(self.largest),
            "rows": [
                {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}
                for row in self.rows
            ],
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ElementGroup:
        """Read what ``to_dict`` gave.

        Raises:
            KeyError: Something is missing.
        """
        return cls(
            elements=tuple((int(row), int(column)) for row, column in found["elements"]),
            constraints=tuple(found["constraints"]),
            nonzero={policy: tuple(counts) for policy, counts in found["nonzero"].items()},
            active=dict(found["active"]),
            both=dict(found["both"]),
            largest=tuple(found["largest"]),
            rows=tuple(
                ElementRow(row["policy"], row["episode"], row["t"], *(tuple(row[name]) for name in _ROW_LISTS))
                for row in found["rows"]
            ),
        )


def covering(nonzero: NDArray[np.bool_], active: NDArray[np.bool_]) -> tuple[int, ...]:
    """Find few constraints of which one is on wherever an element is not zero.

    One constraint is preferred to several, and of those the one that is on in the fewest rows; several are taken one
    after the other, each the one that covers most of what is left.

    Args:
        nonzero: (n,) rows in which the element is not zero.
        active: (n, nc) which constraints are on.

    Returns:
        Their columns in order; none where more than eight are needed, where none cover all, where the element is
        never non-zero, or where they are on in more than half of the rows in which it is zero.
    """
    if not nonzero.any():
        return ()
    total, inside = active.sum(axis=0), active[nonzero]
    whole = np.flatnonzero(inside.all(axis=0))
    if len(whole):
        chosen = [int(whole[np.argmin(total[whole])])]
    else:
        chosen, left = [], np.ones(len(inside), dtype=bool)
        while left.any() and len(chosen) < _MOST_CONSTRAINTS:
            gain = inside[left].sum(axis=0)
            # The most rows, and among equals the constraint that is on least often.
            best = int(np.lexsort((total, -gain))[0]) if len(gain) else -1
            if best < 0 or not gain[best]:
                return ()
            chosen.append(best)
            left &= ~inside[:, best]
        if left.any():
            return ()
    zero_rows: NDArray[np.bool_] = np.asarray(active[~nonzero][:, chosen].any(axis=1))
    if zero_rows.size and zero_rows.mean() > 1 - _LEAST_OFF:
        return ()
    return tuple(sorted(chosen))


def group_elements(
    elements: Sequence[tuple[int, int]],
    sizes: Mapping[str, NDArray[np.float64]],
    active: Mapping[str, NDArray[np.bool_]],
    names: Sequence[str],
    *,
    atol: float,
) -> tuple[ElementGroup, ...]:
    """Group elements by what switches them on.

    Args:
        elements: (k,) output and input of each.
        sizes: By policy, (n, k) sizes of these elements in the finite rows.
        active: By policy, (n, nc) which constraints are on in those rows.
        names: (nc,) names of the constraints.
        atol: An element is zero when ``abs(x) < atol``.

    Returns:
        The groups without example rows, those of most elements first.
    """
    nonzero = {policy: size >= atol for policy, size in sizes.items()}
    stacked, on = np.concatenate(list(nonzero.values())), np.concatenate(list(active.values()))
    by_cause: dict[tuple[int, ...], list[int]] = {}
    for place in range(len(elements)):
        by_cause.setdefault(covering(stacked[:, place], on), []).append(place)
    groups = []
    for columns, places in sorted(by_cause.items(), key=lambda entry: (-len(entry[1]), entry[1][0])):
        any_on = {policy: found[:, list(columns)].any(axis=1) for policy, found in active.items()}
        any_nonzero = {policy: found[:, places].any(axis=1) for policy, found in nonzero.items()}
        groups.append(
            ElementGroup(
                elements=tuple(elements[place] for place in places),
                constraints=tuple(names[column] for column in columns),
                nonzero={p: tuple(int(c) for c in found[:, places].sum(axis=0)) for p, found in nonzero.items()},
                active={policy: int(found.sum()) for policy, found in any_on.items()},
                both={policy: int((any_on[policy] & any_nonzero[policy]).sum()) for policy in any_on},
                largest=tuple(
                    max(float(size[:, place].max(initial=0.0)) for size in sizes.values()) for place in places
                ),
            )
        )
    return tuple(groups)
