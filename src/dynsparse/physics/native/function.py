"""RowFunction: a JAX function of one row, run over many as machine code, or by XLA where that can not be."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dynsparse.errors import ArrayError
from dynsparse.physics.batch import BatchFunction, Compilation
from dynsparse.physics.native.emission import Recurrence, emit
from dynsparse.physics.native.machine_code import CompiledRows, Layout, MachineCodeError, build, code_path, load, store
from dynsparse.physics.native.tracing import UntraceableError, trace
from dynsparse.physics.processes import warn_once

__all__ = ["RowFunction"]

_DECIDING = ("jax", "mujoco", "mujoco-mjx", "playground", "llvmlite", "numpy")


class RowFunction:
    """A function of one row over any number of rows; compiled when it is first called.

    Rows do not depend on one another, bit for bit: no row's result changes with those that are computed beside it.

    Args:
        function: maps float64 arrays of one row to a pytree of arrays.
        name: what it is; with the model's fingerprint it names the machine code that is kept.
        assemble: makes the function's pytree of the list of its arrays.
        rows: rows of a batch, where XLA has to do it.
        compilation: how it is compiled, and where machine code is kept.
        fed: pairs of a result's place in the list and of the argument that it is in the next turn of ``repeat``.
        driven: place of the argument that ``repeat`` is given anew for every turn.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        assemble: Callable[[list[np.ndarray]], Any],
        *,
        rows: int,
        compilation: Compilation | None = None,
        fed: Sequence[tuple[int, int]] = (),
        driven: int | None = None,
    ) -> None:
        self._fed, self._driven = fed, driven
        self._function, self._name, self._assemble, self._rows = function, name, assemble, rows
        self._compilation = compilation or Compilation()
        self._run: CompiledRows | BatchFunction | None = None
        self._shapes: list[tuple[int, ...]] = []

    @property
    def is_native(self) -> bool:
        """Whether it has become machine code of its own."""
        return isinstance(self._run, CompiledRows)

    @property
    def memory_slots(self) -> int:
        """Vectors of memory that its machine code works in; 0 where there is none."""
        return self._run.layout.slots if isinstance(self._run, CompiledRows) else 0

    def __call__(self, *columns: np.ndarray) -> Any:
        """Apply the function to every row.

        Args:
            columns: arrays with the same leading axis (n, ...).

        Returns:
            The function's pytree, as NumPy arrays with leading axis n.

        Raises:
            ArrayError: a row has another shape than the first that it was called with.
            PrecisionError: JAX is not to compute in float64.
        """
        run = self._ready([column.shape[1:] for column in columns])
        return self._assemble(run(*columns)) if isinstance(run, CompiledRows) else run(*columns)

    def repeat(self, *columns: np.ndarray) -> Any:
        """Apply the function to every row, then to what it gave, and so on.

        Args:
            columns: arrays with the same leading axis (n, ...); the driven one (n, turns, ...).

        Returns:
            The function's pytree, as NumPy arrays with leading axes n and turns.

        Raises:
            TypeError: there is no driven argument.
            ArrayError: a row has another shape than the first that it was called with.
            PrecisionError: JAX is not to compute in float64.
        """
        if self._driven is None:
            raise TypeError(f"{self._name} has no argument that is given anew for every turn")
        shapes = [column.shape[2 if place == self._driven else 1 :] for place, column in enumerate(columns)]
        run = self._ready(shapes)
        if isinstance(run, CompiledRows):
            return self._assemble(run.repeat(*columns))
        current, made = list(columns), []
        rows, turns = columns[self._driven].shape[:2]
        if not turns:
            blank = run(*(np.empty((0, *shape)) for shape in shapes))
            return jax.tree.map(lambda part: np.empty((rows, 0, *part.shape[1:]), part.dtype), blank)
        for turn in range(turns):
            current[self._driven] = columns[self._driven][:, turn]
            made.append(run(*current))
            leaves = jax.tree.leaves(made[-1])
            for result, argument in self._fed:
                current[argument] = leaves[result]
        return jax.tree.map(lambda *parts: np.stack(parts, axis=1), *made)

    def _ready(self, shapes: list[tuple[int, ...]]) -> CompiledRows | BatchFunction:
        if self._run is None:
            # Another thread may look in between: what runs comes last.
            self._shapes, self._run = shapes, self._prepared(shapes)
        elif shapes != self._shapes:
            raise ArrayError(
                f"{self._name} expected rows of shapes {self._shapes}, as in its first call, got {shapes}; "
                "make another function for other shapes"
            )
        return self._run

    def _prepared(self, shapes: Sequence[tuple[int, ...]]) -> CompiledRows | BatchFunction:
        path = None
        if self._compilation.cache and self._compilation.fingerprint:
            called = [[list(shape) for shape in shapes], [list(pair) for pair in self._fed], self._driven]
            key = [self._name, self._compilation.fingerprint, called, _versions(), _source()]
            path = code_path(self._compilation.cache, key)
        inputs = [math.prod(shape) for shape in shapes]
        code = load(path, inputs)
        if code is None:
            with self._compilation.turn():
                code = load(path, inputs)  # another worker may have had the turn before
                if code is None:
                    try:
                        code = self._built(shapes, path)
                    except UntraceableError:
                        return BatchFunction(self._function, self._rows, self._compilation)
                    except MachineCodeError as error:
                        warn_once(f"{self._name} is left to XLA, which is slower: LLVM says {error}")
                        return BatchFunction(self._function, self._rows, self._compilation)
        return code

    def _built(self, shapes: Sequence[tuple[int, ...]], path: Path | None) -> CompiledRows:
        graph, results = trace(self._function, shapes)
        inputs = [math.prod(shape) for shape in shapes]
        outputs = [node for result in results for node in result.nodes.reshape(-1).tolist()]
        recurrence = self._recurrence(inputs, [result.nodes.size for result in results])
        text, slots = emit(graph, outputs, recurrence)
        built = build(text)
        layout = Layout(inputs, slots, [x.nodes.shape for x in results], [x.dtype for x in results], self._driven)
        code = CompiledRows(built, layout)
        if path is not None:
            with contextlib.suppress(OSError):  # a full disk costs the next start a compilation
                store(path, built, layout)
        return code

    def _recurrence(self, inputs: Sequence[int], outputs: Sequence[int]) -> Recurrence:
        first_in, first_out = np.cumsum([0, *inputs]).tolist(), np.cumsum([0, *outputs]).tolist()
        fed = [
            (first_out[result] + k, first_in[argument] + k)
            for result, argument in self._fed
            for k in range(inputs[argument])
        ]
        if self._driven is None:
            return Recurrence(fed)
        return Recurrence(fed, range(first_in[self._driven], first_in[self._driven + 1]))


@cache
def _versions() -> list[str]:
    return [importlib.metadata.version(name) for name in _DECIDING]


@cache
def _source() -> str:
    """Return a hash of the sources that decide the code: it is not kept over a change of them."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
