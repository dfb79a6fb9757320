"""A user's function as exported programs: StableHLO that another process runs without the user's code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import export

from dynsparse.errors import FunctionError, WorkerError
from dynsparse.physics.batch import BatchFunction, Compilation
from dynsparse.physics.function_trace import Traced, blank
from dynsparse.physics.precision import float64_on_cpu

__all__ = ["ROWS", "STARTS", "FunctionPrograms", "FunctionRunner", "export_programs"]

ROWS = 64
"""Rows that a program takes at once: a multiple of every vector width, so that each row is computed alike whichever
its place; one row costs as much."""

STARTS = 16
"""Episodes whose start a program draws at once."""

_SIZES = {"step": ROWS, "slopes": ROWS, "start": STARTS, "reward": ROWS}


@dataclass(frozen=True, eq=False)
class FunctionPrograms:
    """What a user's function computes, for a fixed number of rows at once, in float64 on the CPU.

    Attributes:
        parts: ``step`` ((n, ds), (n, da) to (n, ds)), ``slopes`` (the same to (n, ds, ds) and (n, ds, da), of the
            state's numbers), ``start`` ((n,) seeds to (n, ds)), and ``reward`` ((n, ds), (n, da), (n, ds) to (n,))
            where there is one.
        fingerprint: SHA-256 of what they do, without the places in files that they were written at.
    """

    parts: Mapping[str, export.Exported]
    fingerprint: str

    @property
    def is_rewarded(self) -> bool:
        """Whether there is a reward."""
        return "reward" in self.parts

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return each program's serialized form as uint8."""
        return {
            f"program_{name}": np.frombuffer(bytes(part.serialize()), dtype=np.uint8)
            for name, part in self.parts.items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], fingerprint: str) -> FunctionPrograms:
        """Undo ``to_arrays``.

        Raises:
            WorkerError: the programs are of another version of JAX than this one can read.
        """
        parts = {}
        for name in _SIZES:
            if f"program_{name}" in arrays:
                try:
                    parts[name] = export.deserialize(bytearray(arrays[f"program_{name}"].tobytes()))
                except Exception as error:  # JAX does not say what its reader raises for bytes of another version
                    raise WorkerError(
                        f"the program {name} can not be read by JAX {jax.__version__}: {error}"
                    ) from error
        return cls(parts, fingerprint)


class FunctionRunner:
    """The programs, compiled in this process when first called; any number of rows.

    Args:
        programs: what is run.
        compilation: how it is compiled.
    """

    def __init__(self, programs: FunctionPrograms, compilation: Compilation | None = None) -> None:
        self._run = {
            name: BatchFunction(part.call, _SIZES[name], compilation, batched=True)
            for name, part in programs.parts.items()
        }

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the (n, ds) states after (n, ds) states under (n, da) actions."""
        return self._of("step", states, actions)

    def slopes(self, states: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (n, ds, ds) and (n, ds, da) derivatives of ``step``, of the state's numbers."""
        by_state, by_action = self._of("slopes", states, actions)
        return by_state, by_action

    def start(self, seeds: np.ndarray) -> np.ndarray:
        """Return the (n, ds) states in which the episodes of (n,) int64 seeds start."""
        return self._of("start", seeds)

    def reward(self, states: np.ndarray, actions: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return the (n,) rewards of transitions."""
        return self._of("reward", states, actions, ends)

    def _of(self, name: str, *columns: np.ndarray) -> Any:
        with float64_on_cpu():
            return self._run[name](*columns)


def export_programs(
    name: str, step: Traced, start: Traced, reward: Traced | None, dims: tuple[int, int], about: str
) -> FunctionPrograms:
    """Export what was traced.

    Called where values are float64.

    Args:
        name: how messages call the environment.
        step: (ds,), (da,) to (ds,).
        start: () int64 to (ds,).
        reward: (ds,), (da,), (ds,) to (), or None.
        dims: ds and da.
        about: what else tells the environment from others.

    Returns:
        The programs.

    Raises:
        FunctionError: one of them holds something that JAX can not export.
    """
    states, actions = (blank(ROWS, width) for width in dims)
    seeds = blank(STARTS, dtype=np.int64)
    functions: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "step": (step, (states, actions)),
        "slopes": (jax.jacfwd(step, argnums=(0, 1)), (states, actions)),
        "start": (start, (seeds,)),
    }
    if reward is not None:
        functions["reward"] = reward, (states, actions, states)
    parts, digest = {}, hashlib.sha256(about.encode())
    for what, (function, shapes) in functions.items():
        parts[what], text = _exported(name, what, function, shapes)
        digest.update(f"\0{what}\0{text}".encode())
    return FunctionPrograms(parts, digest.hexdigest())


def _exported(
    name: str, what: str, function: Callable[..., Any], shapes: tuple[Any, ...]
) -> tuple[export.Exported, str]:
    """Export a function of one row for many, and return its text too, which names no file and no line."""

    def rows(row: Callable[..., Any], *columns: jax.Array) -> Any:
        return jax.vmap(row)(*columns)

    compiled = jax.jit(partial(rows, function))
    try:
        text = str(compiled.trace(*shapes).lower(lowering_platforms=("cpu",)).as_text())
        return export.export(compiled, platforms=("cpu",))(*shapes), text
    except Exception as error:  # exporting checks by raising errors of several kinds, custom rules their own
        told = str(error).strip().splitlines()
        raise FunctionError(
            f"{name}: JAX can not export {what} for many rows: {told[0] if told else type(error).__name__}. Use "
            "operations of jax.numpy and jax.lax that jax.vmap and jax.export support"
        ) from error
