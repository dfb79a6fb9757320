"""The engine of a user's own function: its programs over batches of rows, without solver and constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import SettingError
from dynsparse.physics.central_differences import central_jacobians
from dynsparse.physics.linearization import CONSTRAINT_KINDS, DERIVATIVES, Evaluation, Linearization, Rollout

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation
    from dynsparse.physics.engine import BatchSizes
    from dynsparse.physics.engines import Rows
    from dynsparse.physics.environment import Environment
    from dynsparse.physics.function_programs import FunctionRunner
    from dynsparse.physics.state_space import StateSpace

__all__ = ["FunctionEngine", "function_engine"]


class FunctionEngine:
    """Steps of a user's own function and their Jacobians.

    ``"exact"`` and ``"autodiff"`` are both the function's own forward derivative: there is no solver between them.
    There is no warm start (nv = 0), no constraint, and the solver's residual is 0.

    Args:
        runner: the function's programs.
        space: where the state holds quaternions.
        derivative: one of ``DERIVATIVES``.

    Raises:
        SettingError: if the derivative is unknown.
    """

    def __init__(self, runner: FunctionRunner, space: StateSpace, derivative: str = "exact") -> None:
        if derivative not in DERIVATIVES:
            raise SettingError(
                f"derivative of a function must be one of {', '.join(DERIVATIVES)}, got {derivative!r}; its exact "
                "derivative is plain autodiff already"
            )
        self._runner, self._space, self._derivative = runner, space, derivative

    @property
    def derivative(self) -> str:
        """What ``linearize`` computes."""
        return self._derivative

    @property
    def record(self) -> tuple[str, ...]:
        """Nothing: a step is differentiated from where it began."""
        return ()

    def evaluate(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Evaluation:
        """Run (n, ds) states under (n, da) actions; warm starts are (n, 0)."""
        return _evaluation(self._runner.step(states, actions))

    def roll_out(self, initial_states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Rollout:
        """Run episodes from (e, ds) states with (e, T, da) actions."""
        found = self.run(initial_states, actions, warmstarts)["next_state"]
        states = np.concatenate([initial_states[:, None], found], axis=1)
        return Rollout(states, np.zeros((*states.shape[:2], 0)))

    def linearize(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Linearization:
        """Run and differentiate (n, ds) states under (n, da) actions."""
        return self._differentiated(states, actions, self._runner.step(states, actions))

    def run(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> dict[str, np.ndarray]:
        """Run steps one after the other: (n, ds) states and (n, T, da) actions to (n, T, ds)."""
        ends = [states]
        for t in range(actions.shape[1]):
            ends.append(self._runner.step(ends[-1], np.ascontiguousarray(actions[:, t])))
        found = np.stack(ends[1:], axis=1)
        return {"next_state": found, "next_warmstart": np.zeros((*found.shape[:2], 0))}

    def differentiate_run(self, rows: Rows) -> Linearization:
        """Differentiate steps that ``run`` ran."""
        return self._differentiated(rows["state"], rows["action"], rows["next_state"])

    def _differentiated(self, states: np.ndarray, actions: np.ndarray, ends: np.ndarray) -> Linearization:
        if self._derivative == "finite-difference":
            jac_state, jac_action = central_jacobians(self._runner.step, states, actions, self._space)
        else:
            by_number = self._runner.slopes(states, actions)
            jac_state, jac_action = self._space.project_jacobian(*by_number, states, ends)
        finite = np.logical_and.reduce(
            [np.isfinite(x).reshape(len(x), -1).all(axis=1) for x in (ends, jac_state, jac_action)]
        )
        return Linearization(
            jac_state=jac_state,
            jac_action=jac_action,
            finite=finite,
            derivative=self._derivative,
            **vars(_evaluation(ends)),
        )


def function_engine(
    env: Environment, derivative: str, sizes: BatchSizes | None, compilation: Compilation | None
) -> FunctionEngine:
    """Make the engine of an environment from a function; see ``engines.make_engine``.

    The size of its batches was fixed when it was exported.
    """
    from dynsparse.physics.function_source import FunctionSource

    if not isinstance(env.source, FunctionSource):
        raise SettingError(f"expected an environment made of a function, got {env!r}")
    return FunctionEngine(env.source.runner(compilation), env.space, derivative)


def _evaluation(ends: np.ndarray) -> Evaluation:
    none = np.zeros((len(ends), 0), dtype=bool)
    return Evaluation(
        next_state=ends,
        next_warmstart=np.zeros((len(ends), 0)),
        solver_residual=np.zeros(len(ends)),
        active=np.zeros((len(ends), len(CONSTRAINT_KINDS)), dtype=bool),
        constraint_active=none,
        constraint_active_start=none.copy(),
    )
