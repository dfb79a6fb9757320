"""Sparsity pattern: which outputs of a transition depend on which inputs."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynsparse.analysis import zeros
from dynsparse.analysis.grid import draw_braille, draw_dots
from dynsparse.config import DEFAULT_ATOL, check_atol
from dynsparse.errors import ArrayError, InputError, SettingError

__all__ = ["SparsityPattern", "global_pattern"]

_FORMAT = 1
_KINDS = ("global", "local")
_WIDEST_GRID = 40


@dataclass(frozen=True, eq=False, repr=False)
class SparsityPattern:
    """Which elements of a Jacobian are not zero: row = output, column = input.

    A local pattern belongs to one row of data.  In a global one an element is non-zero if it is non-zero in any
    finite row of the data.

    Attributes:
        mask: (rows, columns) true where the output depends on the input; read-only.
        row_names: (rows,) names of the outputs, e.g. ``"qpos slider"``.
        column_names: (columns,) names of the inputs.
        atol: Zero threshold that it was made with, ``abs(x) < atol``.
        kind: ``"global"`` or ``"local"``.
        samples: Finite rows of data that it was made from.
    """

    mask: NDArray[np.bool_]
    row_names: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    atol: float = DEFAULT_ATOL
    kind: str = "local"
    samples: int = 1

    def __post_init__(self) -> None:
        """Check the pattern as a whole and freeze its mask."""
        mask = np.array(self.mask)
        if mask.ndim != 2 or mask.dtype != np.bool_:
            raise ArrayError(
                f"mask must be a Boolean matrix (rows, columns), got shape {mask.shape} of {mask.dtype}; "
                "make patterns with SparsityPattern.from_jacobian"
            )
        mask.flags.writeable = False
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "row_names", _names("row_names", self.row_names, mask.shape[0]))
        object.__setattr__(self, "column_names", _names("column_names", self.column_names, mask.shape[1]))
        object.__setattr__(self, "atol", check_atol(self.atol))
        if self.kind not in _KINDS:
            raise SettingError(f"kind must be one of {', '.join(_KINDS)}, got {self.kind!r}")

    @classmethod
    def from_jacobian(
        cls,
        jacobian: ArrayLike,
        *,
        kind: str | None = None,
        atol: float = DEFAULT_ATOL,
        row_names: Sequence[str] = (),
        column_names: Sequence[str] = (),
    ) -> SparsityPattern:
        """Read the pattern of a Jacobian: local from one matrix, global from a stack of them.

        Args:
            jacobian: (rows, columns) or (n, rows, columns), row = output, column = input.
            kind: ``"local"`` or ``"global"``; decided by the shape if left out.
            atol: Zero threshold, ``abs(x) < atol``.
            row_names: (rows,) names of the outputs; none makes them empty.
            column_names: (columns,) names of the inputs; none makes them empty.

        Returns:
            The pattern.  In a stack, matrices that hold a NaN or an infinity are left out.

        Raises:
            ArrayError: If the shape does not fit, or no matrix is finite.
        """
        stack = np.asarray(jacobian)
        kind = kind or ("local" if stack.ndim == 2 else "global")
        if stack.ndim == 2:
            stack = stack[None]
        elif kind == "local":
            raise SettingError(f"a local pattern needs one matrix, got shape {stack.shape}; or ask for global")
        if stack.ndim != 3 or not np.issubdtype(stack.dtype, np.number):
            raise ArrayError(
                "jacobian must be numbers of shape (rows, columns) or (n, rows, columns), "
                f"got shape {np.shape(jacobian)} of {stack.dtype}"
            )
        finite = np.isfinite(stack).all(axis=(1, 2))
        if not finite.any():
            raise ArrayError(
                f"jacobian must hold at least one finite matrix, got {len(stack)} with none finite; "
                "look at Linearization.finite"
            )
        nonzero = ~zeros.is_zero(stack[finite], atol)
        names = {"row_names": tuple(row_names), "column_names": tuple(column_names)}
        return cls(np.asarray(nonzero.any(axis=0)), atol=atol, kind=kind, samples=int(finite.sum()), **names)

    @property
    def shape(self) -> tuple[int, int]:
        """Outputs and inputs."""
        return (self.mask.shape[0], self.mask.shape[1])

    @property
    def nnz(self) -> int:
        """Number of elements that are not zero."""
        return int(np.count_nonzero(self.mask))

    @property
    def sparsity(self) -> float:
        """Share of elements that are zero: zeros / elements."""
        return zeros.sparsity(~self.mask)

    @property
    def density(self) -> float:
        """Share of elements that are not zero: 1 - sparsity."""
        return 1.0 - self.sparsity

    def __eq__(self, other: object) -> bool:
        """Compare mask, names, threshold and kind; how many rows showed it does not matter."""
        if not isinstance(other, SparsityPattern):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        """Hash what equality compares."""
        return hash(self._identity())

    def __repr__(self) -> str:
        """Return the one-line summary."""
        rows, columns = self.shape
        source = "" if self.kind == "local" else f" over {self.samples:,} rows"
        return (
            f"SparsityPattern({rows}x{columns}, nnz={self.nnz}, density={self.density:.1%}, "
            f"sparsity={self.sparsity:.1%}, {self.kind}{source}, atol={self.atol:g})"
        )

    def __str__(self) -> str:
        """Return the summary and the grid: ● depends, ⋅ does not; braille when the grid is wide."""
        rows, columns = self.shape
        if max(rows, columns) <= _WIDEST_GRID:
            return "\n".join([repr(self), *draw_dots(self.mask, self.row_names, self.column_names)])
        return "\n".join([repr(self), *draw_braille(self.mask)])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the pattern as an ``.npz`` file that needs no pickle.

        Args:
            path: File to write.
        """
        with open(path, "wb") as file:
            np.savez_compressed(
                file,
                format=np.int64(_FORMAT),
                mask=self.mask,
                row_names=np.array(self.row_names, dtype=np.str_),
                column_names=np.array(self.column_names, dtype=np.str_),
                atol=np.float64(self.atol),
                kind=np.str_(self.kind),
                samples=np.int64(self.samples),
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SparsityPattern:
        """Read a pattern that ``save`` wrote.

        Args:
            path: File to read.

        Returns:
            An equal pattern.

        Raises:
            InputError: If the file is not a pattern of a known format.
        """
        try:
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                found: dict[str, Any] = {name: file[name] for name in file.files}
        except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
            raise InputError(f"expected a pattern written by SparsityPattern.save, {path} is none: {error}") from error
        if int(found.get("format", -1)) != _FORMAT:
            raise InputError(
                f"expected a pattern of format {_FORMAT}, {path} has {found.get('format', 'none')}; "
                "write it again with this version"
            )
        return cls(
            found["mask"],
            tuple(str(name) for name in found["row_names"]),
            tuple(str(name) for name in found["column_names"]),
            float(found["atol"]),
            str(found["kind"]),
            int(found["samples"]),
        )

    def _identity(self) -> tuple[object, ...]:
        # The shape is part of it: the bytes of a matrix and of its transpose can be the same.
        return (self.shape, self.mask.tobytes(), self.row_names, self.column_names, self.atol, self.kind)


def global_pattern(
    jacobians: ArrayLike,
    *,
    atol: float = DEFAULT_ATOL,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
) -> SparsityPattern:
    """Return the pattern of a whole data set: an element is zero only if it is zero in every finite row.

    It is an upper bound of the true sparsity: more rows can only add dependencies (Section 5.1 of the paper).

    Args:
        jacobians: (n, rows, columns) row = output, column = input.
        atol: Zero threshold, ``abs(x) < atol``.
        row_names: (rows,) names of the outputs.
        column_names: (columns,) names of the inputs.

    Returns:
        A pattern of kind ``"global"``.

    Raises:
        ArrayError: If it is not a stack of matrices, or none of them is finite.
    """
    if np.ndim(jacobians) != 3:
        raise ArrayError(f"jacobians must have shape (n, rows, columns), got {np.shape(jacobians)}; one matrix: [None]")
    return SparsityPattern.from_jacobian(jacobians, atol=atol, row_names=row_names, column_names=column_names)


def _names(which: str, names: Sequence[str], expected: int) -> tuple[str, ...]:
    given = tuple(names) or ("",) * expected
    if len(given) != expected:
        raise ArrayError(f"{which} must hold {expected} names, got {len(given)}; one name an axis entry")
    return given
