"""What an engine does, whichever it is, and the one place that makes them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dynsparse.physics.linearization import Evaluation, Linearization, Rollout

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation
    from dynsparse.physics.engine import BatchSizes
    from dynsparse.physics.environment import Environment

__all__ = ["MAKERS", "Rows", "StepEngine", "make_engine"]

Rows = Mapping[str, np.ndarray]
"""Arrays by name, rows first."""

MAKERS = {
    "mjx": "dynsparse.physics.recorded_engine:mjx_engine",
    "mujoco-c": "dynsparse.physics.c_engine:c_engine",
    "function": "dynsparse.physics.function_engine:function_engine",
}
"""For each of ``ENGINES``, ``"package.module:function"`` that makes it from the arguments of ``make_engine``."""


class StepEngine(Protocol):
    """Control steps and their Jacobians of one environment, computed in this process.

    Jacobians are in tangent coordinates, dt = ``Environment.tangent_dim`` of them.
    """

    @property
    def derivative(self) -> str:
        """What ``linearize`` computes."""

    @property
    def record(self) -> tuple[str, ...]:
        """Names of the arrays of ``run`` that nobody but ``differentiate_run`` and a task needs; they are not kept."""

    def evaluate(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Evaluation:
        """Run control steps of (n, ds) states, (n, da) actions and (n, nv) warm starts."""

    def roll_out(self, initial_states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Rollout:
        """Run episodes from (e, ds) states and (e, nv) warm starts with (e, T, da) actions."""

    def linearize(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Linearization:
        """Run and differentiate control steps of (n, ds) states, (n, da) actions and (n, nv) warm starts."""

    def run(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> dict[str, np.ndarray]:
        """Run control steps one after the other.

        Args:
            states: (n, ds) where they begin.
            actions: (n, T, da).
            warmstarts: (n, nv).

        Returns:
            (n, T, ...) ``next_state``, ``next_warmstart``, and the arrays of ``record``.
        """

    def differentiate_run(self, rows: Rows) -> Linearization:
        """Differentiate control steps that ``run`` ran.

        Args:
            rows: (m, ...) ``state``, ``action``, ``warmstart`` and everything that ``run`` returned, of any m of its
                steps.

        Returns:
            m rows, equal to those of ``linearize`` bit for bit.
        """


def make_engine(
    env: Environment, derivative: str, sizes: BatchSizes | None = None, compilation: Compilation | None = None
) -> StepEngine:
    """Make what runs an environment in this process.

    Args:
        env: the environment.
        derivative: one of ``Environment.derivatives``; with MJX also ``"reference"``.
        sizes: rows of compiled batches, where there are any.
        compilation: how functions are compiled.

    Returns:
        The engine that ``Environment.engine`` names.

    Raises:
        SettingError: if the derivative is unknown.
        UnsupportedModelError: if there is none of this environment.
    """
    module, _, function = MAKERS[env.engine].partition(":")
    found: StepEngine = getattr(importlib.import_module(module), function)(env, derivative, sizes, compilation)
    return found
