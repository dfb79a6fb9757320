"""The engine of models that MJX can not take: MuJoCo's C code, differentiated by central differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mujoco
import numpy as np

from dynsparse.errors import SettingError, UnsupportedModelError
from dynsparse.physics.c_step import CStep
from dynsparse.physics.central_differences import central_jacobians
from dynsparse.physics.linearization import Evaluation, Linearization, Rollout
from dynsparse.physics.quiet import quiet_mujoco

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation
    from dynsparse.physics.engine import BatchSizes
    from dynsparse.physics.engines import Rows
    from dynsparse.physics.environment import Environment

__all__ = ["CEngine", "c_engine"]

_CALLBACKS = ("act_bias", "act_dyn", "act_gain", "contactfilter", "control", "passive")
"""Functions of the user's that MuJoCo calls during a step."""


class CEngine:
    """Control steps in MuJoCo's C code, and their Jacobians by central differences of the whole step at 1e-6.

    Not by ``mjd_transitionFD`` step by step: that chain drops what a substep's warm start does to the next one where
    the solver does not converge, so that it is no slope of this step.  The warm start of the control step is held.

    Args:
        env: the environment, of engine ``"mujoco-c"``.
    """

    def __init__(self, env: Environment) -> None:
        self._name, self._space, self._nv, self._active_kinds = env.name, env.space, env.nv, env.active_kinds
        self._step = CStep(env.model, env.substeps)
        self._nc = len(self._step.constraints.labels)

    @property
    def derivative(self) -> str:
        """``"finite-difference"``."""
        return "finite-difference"

    @property
    def record(self) -> tuple[str, ...]:
        """What ``run`` notes of each step's solver calls."""
        return ("solver_residual", "constraint_active", "constraint_active_start")

    def evaluate(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Evaluation:
        """Run control steps of (n, ds) states, (n, da) actions and (n, nv) warm starts."""
        return self._evaluation(
            {name: array[:, 0] for name, array in self.run(states, actions[:, None], warmstarts).items()}
        )

    def roll_out(self, initial_states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Rollout:
        """Run episodes from (e, ds) states and (e, nv) warm starts with (e, T, da) actions."""
        found = self.run(initial_states, actions, warmstarts)
        return Rollout(
            np.concatenate([initial_states[:, None], found["next_state"]], axis=1),
            np.concatenate([warmstarts[:, None], found["next_warmstart"]], axis=1),
        )

    def linearize(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Linearization:
        """Run and differentiate control steps of (n, ds) states, (n, da) actions and (n, nv) warm starts."""
        found = {name: array[:, 0] for name, array in self.run(states, actions[:, None], warmstarts).items()}
        return self.differentiate_run({"state": states, "action": actions, "warmstart": warmstarts, **found})

    def run(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> dict[str, np.ndarray]:
        """Run control steps one after the other: (n, ds), (n, T, da) and (n, nv)."""
        _refuse_callbacks(self._name)
        rows, steps = actions.shape[:2]
        found = {
            "next_state": np.empty((rows, steps, states.shape[1])),
            "next_warmstart": np.empty((rows, steps, self._nv)),
            "solver_residual": np.empty((rows, steps)),
            "constraint_active": np.empty((rows, steps, self._nc), dtype=bool),
            "constraint_active_start": np.empty((rows, steps, self._nc), dtype=bool),
        }
        with quiet_mujoco():
            for row in range(rows):
                state, warmstart = states[row], warmstarts[row]
                for t in range(steps):
                    made = self._step.whole(state, actions[row, t], warmstart)
                    state, warmstart = made[:2]
                    for array, part in zip(found.values(), made, strict=True):
                        array[row, t] = part
        self._step.check_memory(self._name)
        return found

    def differentiate_run(self, rows: Rows) -> Linearization:
        """Differentiate control steps that ``run`` ran."""
        warmstarts = rows["warmstart"]

        def step(states: np.ndarray, actions: np.ndarray) -> np.ndarray:
            ends = map(self._step.end, states, actions, warmstarts)
            return np.array(list(ends)).reshape(states.shape)

        with quiet_mujoco():
            jac_state, jac_action = central_jacobians(step, rows["state"], rows["action"], self._space)
        self._step.check_memory(self._name)
        found = self._evaluation(rows)
        numbers = (found.next_state, found.next_warmstart, jac_state, jac_action, found.solver_residual[:, None])
        finite = np.logical_and.reduce([np.isfinite(x).reshape(len(x), -1).all(axis=1) for x in numbers])
        return Linearization(
            jac_state=jac_state, jac_action=jac_action, finite=finite, derivative=self.derivative, **vars(found)
        )

    def _evaluation(self, rows: Rows) -> Evaluation:
        return Evaluation(
            rows["next_state"],
            rows["next_warmstart"],
            rows["solver_residual"],
            self._active_kinds(rows["constraint_active"]),
            rows["constraint_active"],
            rows["constraint_active_start"],
        )


def c_engine(env: Environment, derivative: str, _sizes: BatchSizes | None, _compilation: Compilation | None) -> CEngine:
    """Make MuJoCo C's engine of an environment; see ``engines.make_engine``.  There is nothing to compile."""
    if derivative == "reference":
        raise SettingError(f"{env.name} is run by MuJoCo's C code, whose slope has no reference; leave it out")
    env.check_derivative(derivative)
    return CEngine(env)


def _refuse_callbacks(name: str) -> None:
    """Refuse to run while functions of the user's decide what a step does.

    Raises:
        UnsupportedModelError: one is set in this process.
    """
    own = [kind for kind in _CALLBACKS if getattr(mujoco, f"get_mjcb_{kind}")() is not None]
    if own:
        raise UnsupportedModelError(
            f"{name} can not be differentiated while the callback mjcb_{own[0]} is set: the next state may depend on "
            f"more than state and action; call mujoco.set_mjcb_{own[0]}(None)"
        )
