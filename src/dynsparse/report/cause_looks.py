"""Cause looks: how each reason for a zero is named, coloured, hatched and lettered in every figure and table."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LOOKS", "CauseLook", "look_of_cause"]


@dataclass(frozen=True)
class CauseLook:
    """How one reason looks; in grey, hatch and letter tell them apart.

    Attributes:
        name: One of ``ZERO_LABELS``.
        title: What is written on paper.
        colour: Of areas.
        ink: Of the letter on such an area.
        hatch: Of bars.
        letter: In a cell of a heat map; a capital.
    """

    name: str
    title: str
    colour: str
    ink: str
    hatch: str
    letter: str


# Colours of Okabe and Ito, which remain distinct for the colour-blind; the two largest are also the furthest in grey.
LOOKS = (
    CauseLook("structural", "structural: no path in the program", "#0072B2", "white", "", "S"),
    CauseLook("symmetry", "symmetry of the whole body", "#E69F00", "black", "////", "Y"),
    CauseLook("contact-off", "a contact is off", "#009E73", "white", "....", "C"),
    CauseLook("limit-off", "a limit is off", "#F0E442", "black", "\\\\\\\\", "L"),
    CauseLook("clamped", "a clamp holds", "#CC79A7", "black", "xxxx", "K"),
    CauseLook("numerical", "numerical: below the threshold", "#D55E00", "white", "||||", "N"),
)
"""In the order of ``ZERO_LABELS``, without ``none``."""


def look_of_cause(name: str) -> CauseLook:
    """Return the look of a label."""
    return next(look for look in LOOKS if look.name == name)
