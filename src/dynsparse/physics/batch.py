"""Compiled functions of one row, run over any number of rows in padded batches of a fixed size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

__all__ = ["BatchFunction", "Compilation"]


@dataclass(frozen=True)
class Compilation:
    """How functions are compiled in this process.

    Attributes:
        options: for XLA, where the process's environment can not carry them.
        turn: entered while one function is compiled; workers that need the same code take turns with it, so that
            the second finds in the cache what the first has compiled.
        cache: folder in which machine code is kept; empty for none.
        fingerprint: of the model that is compiled for, where code is kept.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    turn: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
    cache: str = ""
    fingerprint: str = ""


class BatchFunction:
    """A function of one row, compiled once for a fixed number of rows.

    Args:
        function: maps arrays of one row to a pytree of arrays.
        size: rows in a batch; fewer rows are padded by repeating the first.
        compilation: how it is compiled, when it is first needed.
        batched: whether the function takes ``size`` rows already, not one.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        size: int,
        compilation: Compilation | None = None,
        *,
        batched: bool = False,
    ) -> None:
        self.size = size
        self._function = jax.jit(function if batched else jax.vmap(function))
        self._compilation = compilation or Compilation()
        self._compiled: Callable[..., Any] | None = None

    def __call__(self, *columns: np.ndarray) -> Any:
        """Apply the function to every row.

        Args:
            columns: arrays with the same leading axis (n, ...).

        Returns:
            The function's pytree, as NumPy arrays with leading axis n.
        """
        rows = len(columns[0])
        if not rows:
            blank = jax.eval_shape(
                self._function, *(np.empty((self.size, *column.shape[1:]), column.dtype) for column in columns)
            )
            return jax.tree.map(lambda x: np.empty((0, *x.shape[1:]), x.dtype), blank)
        # The sizes of the batches do not depend on the rows' content, so results do not depend on their neighbours.
        pieces = [self._one(columns, start, rows) for start in range(0, rows, self.size)]
        return jax.tree.map(lambda *parts: np.concatenate(parts) if len(parts) > 1 else parts[0], *pieces)

    def _one(self, columns: tuple[np.ndarray, ...], start: int, rows: int) -> Any:
        stop = min(start + self.size, rows)
        padded = [self._padded(column[start:stop]) for column in columns]
        if self._compiled is None:
            lowered = self._function.lower(*padded)
            with self._compilation.turn():
                self._compiled = lowered.compile(compiler_options=dict(self._compilation.options) or None)
        result = self._compiled(*padded)
        return jax.tree.map(lambda x: np.asarray(x)[: stop - start], result)

    def _padded(self, column: np.ndarray) -> np.ndarray:
        missing = self.size - len(column)
        return np.concatenate([column, np.repeat(column[:1], missing, axis=0)]) if missing else column
