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
        rows: Shifted steps that were compared.
        skipped: Shifted steps that were not, because the shift switches a contact or a limit.
        error: Largest distance between step after shift and shift after step, relative to max(1, largest number).
        broken_by: Names of the constraints that a shift switches: they end the symmetry.
    """

    words: str
    coordinate: str
    holds: bool
    rows: int
    skipped: int
    error: float
    broken_by: tuple[str, ...]
