"""Dependency grids: a Boolean matrix as text that a terminal can show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_braille", "draw_dots"]

_DOT, _NO_DOT = "●", "⋅"

# Bit of each dot of a braille cell, four rows by two columns, as Unicode numbers them from U+2800 on.
_BRAILLE_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def draw_dots(mask: NDArray[np.bool_], row_names: Sequence[str], column_names: Sequence[str]) -> list[str]:
    """Draw one mark an element, rows and columns numbered, with the names beside.

    Args:
        mask: (rows, columns) true where the row depends on the column.
        row_names: (rows,) names of the outputs.
        column_names: (columns,) names of the inputs.

    Returns:
        Lines of text.
    """
    row_width = len(str(max(mask.shape[0] - 1, 0)))
    margin = " " * (row_width + 1)
    lines = [margin + digits for digits in _stacked_numbers(mask.shape[1])]
    for index, (row, name) in enumerate(zip(mask, row_names, strict=True)):
        marks = " ".join(_DOT if element else _NO_DOT for element in row)
        lines.append(f"{index:>{row_width}} {marks}  {name}".rstrip())
    if tuple(row_names) != tuple(column_names):
        named = ", ".join(f"{index} {name}" for index, name in enumerate(column_names) if name)
        if named:
            lines.append(f"columns: {named}")
    return lines


def draw_braille(mask: NDArray[np.bool_]) -> list[str]:
    """Draw four rows by two columns an output character, for matrices that are too wide for marks.

    Args:
        mask: (rows, columns) true where the row depends on the column.

    Returns:
        Lines of text.
    """
    rows, columns = mask.shape
    padded = np.zeros((-(-rows // 4) * 4, -(-columns // 2) * 2), dtype=bool)
    padded[:rows, :columns] = mask
    bits = np.array(_BRAILLE_BITS)
    cells = padded.reshape(padded.shape[0] // 4, 4, padded.shape[1] // 2, 2)
    codes = 0x2800 + np.einsum("rica,ia->rc", cells, bits)
    return ["".join(chr(code) for code in line) for line in codes]


def _stacked_numbers(columns: int) -> list[str]:
    """Write the column numbers with their digits below each other."""
    width = len(str(max(columns - 1, 0)))
    numbers = [f"{column:>{width}}" for column in range(columns)]
    return [" ".join(number[digit] for number in numbers).rstrip() for digit in range(width)]
