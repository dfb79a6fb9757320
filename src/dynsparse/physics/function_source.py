"""Where an environment made of a user's own function comes from: its programs travel, its code does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.batch import Compilation
from dynsparse.physics.function_programs import FunctionPrograms, FunctionRunner
from dynsparse.physics.function_trace import Traced
from dynsparse.physics.source import Packed
from dynsparse.physics.state_space import StateSpace

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.workers import Message

__all__ = ["FunctionSource", "described", "function_transition", "read"]

Array = jax.Array

_TOLD = ("state_names", "action_names", "state_units", "dt")


@dataclass(frozen=True, eq=False)
class FunctionSource:
    """The source of a user's own function.

    Attributes:
        programs: what it computes.
        step: the traced function, where it was made in this process; None elsewhere.
    """

    programs: FunctionPrograms
    step: Traced | None = None
    _runners: list[FunctionRunner] = field(default_factory=list, repr=False)

    @property
    def kind(self) -> str:
        """``"function"``."""
        return "function"

    @property
    def config(self) -> Mapping[str, Any]:
        """Nothing: what the function was is in the fingerprint."""
        return {}

    @property
    def is_rewarded(self) -> bool:
        """Whether the user gave a reward."""
        return self.programs.is_rewarded

    def fingerprint(self, env: Environment) -> str:
        """Return what tells its step, slopes, starts, rewards and names from others."""
        return self.programs.fingerprint

    def initial_state(self, env: Environment, key: int) -> np.ndarray:
        """Draw the (ds,) state in which an episode starts."""
        return np.array(self.runner().start(np.array([key], dtype=np.int64))[0])

    def pack(self, env: Environment) -> Packed:
        """Return the programs, names and bounds."""
        meta = {name: getattr(env, name) for name in _TOLD}
        meta = {name: list(value) if isinstance(value, tuple) else value for name, value in meta.items()}
        bounds = {"action_low": env.action_low, "action_high": env.action_high}
        return {**meta, "quaternions": list(env.space.quaternions)}, {**bounds, **self.programs.to_arrays()}

    def runner(self, compilation: Compilation | None = None) -> FunctionRunner:
        """Return the programs as this process runs them, compiled in the way in which they were first asked for."""
        if not self._runners:
            # Fusion recomputes what several results share; without it a chain of operations is computed once.
            own = Compilation({"xla_cpu_use_fusion_emitters": False})
            self._runners.append(FunctionRunner(self.programs, compilation or own))
        return self._runners[0]


def read(message: Message) -> Environment:
    """Make the environment that a message carries.

    Args:
        message: what ``pack`` gave.
    """
    told: Any = message.meta
    programs = FunctionPrograms.from_arrays(message.arrays, str(told["fingerprint"]))
    bounds = tuple(np.array(message.arrays[name], dtype=np.float64) for name in ("action_low", "action_high"))
    names, actions, units = (tuple(told[name]) for name in ("state_names", "action_names", "state_units"))
    return described(
        str(told["environment"]),
        (names, actions, units),
        bounds,
        float(told["dt"]),
        tuple(told["quaternions"]),
        FunctionSource(programs),
    )


def function_transition(env: Environment) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    """Return the user's step as ``transition`` has it: with a warm start of no elements, to be differentiated by JAX.

    Args:
        env: an environment made of a function in this process.

    Raises:
        UnsupportedModelError: it was made in another process, whose code this one does not have.
    """
    step = env.source.step if isinstance(env.source, FunctionSource) else None
    if step is None:
        raise UnsupportedModelError(f"{env.name} was made in another process; make it here to transform its function")
    return lambda state, action, warmstart: (step(state, action), warmstart)


def described(
    name: str,
    words: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    bounds: tuple[np.ndarray, ...],
    dt: float,
    quaternions: tuple[int, ...],
    source: FunctionSource,
) -> Environment:
    """Describe a source as an environment.

    Args:
        name: how messages and files call it.
        words: names of the state, of the action, and units of the state.
        bounds: (da,) lower and upper ones.
        dt: duration of one step, s.
        quaternions: where in the state unit quaternions start.
        source: what it computes.

    Returns:
        The environment.
    """
    from dynsparse.physics.environment import Environment

    low, high = bounds
    low.flags.writeable = high.flags.writeable = False
    state_names, action_names, state_units = words
    return Environment(
        name=name,
        state_dim=len(state_names),
        action_dim=len(action_names),
        state_names=state_names,
        action_names=action_names,
        state_units=state_units,
        substeps=1,
        dt=dt,
        action_low=low,
        action_high=high,
        compiled=None,
        space=StateSpace(len(state_names), quaternions),
        source=source,
        engine="function",
    )
