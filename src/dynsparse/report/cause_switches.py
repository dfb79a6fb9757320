"""Cause switches: contacts and limits that are on or off, in words.  Nothing is said that rows do not show."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.report.quantities import number

__all__ = ["FEWEST_ROWS", "about_switches", "joined", "shortened", "while_off"]

FEWEST_ROWS = 30
"""Rows in which something was on, below which nothing is said to be its doing, nor not to be."""

_CONTACT = "contact "
_MOST_NAMED = 6
_MOST_COUNTED = 12


def joined(words: Sequence[str], last: str = "and") -> str:
    """List words: ``"a"``, ``"a and b"``, ``"a, b and c"``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def shortened(words: Sequence[str], most: int = _MOST_NAMED) -> str:
    """List words; of more than ``most`` the first ones, and how many more there are."""
    # "and 1 more" is no shorter than the one.
    return joined(words) if len(words) <= most + 1 else f"{', '.join(words[:most])} and {len(words) - most} more"


def while_off(names: Sequence[str]) -> str:
    """Say when all of some switches are off.

    Args:
        names: Switches: limits by name, contacts as ``"contact torso-world"``; at least one.

    Returns:
        To stand after "zero".
    """
    if len(names) > 1:
        return f"while none of {shortened(names)} is on"
    (name,) = names
    bodies = name.removeprefix(_CONTACT).split("-")
    # A body's name may hold a hyphen: then nobody knows where one ends.
    if not name.startswith(_CONTACT) or len(bodies) != 2:
        return f"while {name} is off"
    first, second = ("the world" if body == "world" else body for body in bodies)
    return f"while no contact joins {f'parts of {first}' if first == second else f'{first} and {second}'}"


def about_switches(record: CauseRecord) -> tuple[str, ...]:
    """Say how often each switch was on in the rows that were looked at.

    Args:
        record: Causes of one environment.

    Returns:
        Whole sentences; none of an environment without switches.
    """
    if not record.constraint_names:
        return ()
    rows = sorted(zip(record.constraint_names, record.active_rows, strict=True), key=lambda entry: -entry[1])
    on = [(name, count) for name, count in rows if count]
    never = [name for name, count in rows if not count]
    made = record.evidence_rows - record.evidence_stored
    found = [
        f"{record.looked_at:,} rows of {record.environment} were looked at: {record.rows:,} that are explained, "
        f"{record.evidence_stored:,} more of the data set, and {made:,} made near contacts and limits."
    ]
    if on:
        (name, count), *others = on
        first = f"{name} was on in {count:,} of {number(record.looked_at, 'row')}"
        found.append(shortened([first, *(f"{name} in {count:,}" for name, count in others)], _MOST_COUNTED) + ".")
        found[-1] = found[-1][0].upper() + found[-1][1:]
    few = [name for name, count in on if count < FEWEST_ROWS]
    if few:
        they = "it switches" if len(few) == 1 else "they switch"
        said = f"{shortened(few)} {'was' if len(few) == 1 else 'were'} on in fewer than {FEWEST_ROWS} rows"
        found.append(f"{said[0].upper()}{said[1:]}: not enough data to tell all that {they} on.")
    if never:
        were, they = ("was", "it") if len(never) == 1 else ("were", "they")
        found.append(f"Never on {were} {shortened(never)}: what {they} would switch on is not known.")
    return tuple(found)
