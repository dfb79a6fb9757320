"""Tried symmetry: a shift of a whole body, and whether the step commutes with it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TriedSymmetry"]


@dataclass(frozen=True)
class TriedSymmetry:
    """A shift of a whole body under which the step was compared with itself.

    Attributes:
        words: What is moved how, such as ``"translation of torso along x"``.
        coordinate: Name of the coordinate that it shifts, which is the Jacobian's column.
        holds: Whether the step commutes with it, as far as the rows show.
        states: States of which at least one shifted step was compared; a symmetry needs eight.
        rows: Shifted steps that were compared.
        skipped: Shifted steps that were not, because the shift switches a contact or a limit.
        largest: Largest shift that was compared, m or rad.
        error: Largest distance between step after shift and shift after step, relative to max(1, largest number).
        broken_by: Names of what a shift switches, or of what was on where the column is not zero: these end it.
        contradicted: Rows in which the column is not zero and nothing was on that could end the symmetry.
    """

    words: str
    coordinate: str
    holds: bool
    states: int
    rows: int
    skipped: int
    largest: float
    error: float
    broken_by: tuple[str, ...]
    contradicted: int
