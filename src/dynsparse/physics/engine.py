"""Everything that one process computes for one environment: values and Jacobians of batches of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import mujoco
import numpy as np

from dynsparse.errors import SettingError
from dynsparse.physics.batch import BatchFunction, Compilation
from dynsparse.physics.central_differences import central_jacobians
from dynsparse.physics.control_step import StepValue
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.exact import ExactJacobian
from dynsparse.physics.linearization import Evaluation, Linearization, Rollout
from dynsparse.physics.plain import plain_step
from dynsparse.physics.reference import reference_step
from dynsparse.physics.simulator import Simulator, build_simulator
from dynsparse.physics.state_space import StateSpace
from dynsparse.physics.stepping import StepFunction

__all__ = ["ENGINE_DERIVATIVES", "BatchSizes", "Engine"]

ENGINE_DERIVATIVES = ("exact", "autodiff", "finite-difference", "reference")

Jacobians = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class BatchSizes:
    """Rows that XLA takes at once, where a function is left to it; machine code takes any number.

    Attributes:
        value: substeps.
        implicit: converged solver calls.
        unrolled: unconverged solver calls.
        whole: control steps differentiated at once, by ``autodiff`` and ``reference``.
    """

    value: int = 128
    implicit: int = 128
    unrolled: int = 32
    whole: int = 32

    @classmethod
    def single(cls) -> BatchSizes:
        """Return the sizes for one row at a time."""
        return cls(1, 1, 1, 1)


class Engine:
    """Control steps and their Jacobians, compiled in this process.

    Args:
        model: the compiled MuJoCo model.
        substeps: simulation steps in one control step.
        derivative: one of ``ENGINE_DERIVATIVES``.
        sizes: rows of the compiled batches.
        compilation: how functions are compiled.

    Raises:
        SettingError: if the derivative is unknown.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        substeps: int,
        derivative: str = "exact",
        sizes: BatchSizes | None = None,
        compilation: Compilation | None = None,
    ) -> None:
        if derivative not in ENGINE_DERIVATIVES:
            raise SettingError(f"derivative must be one of {', '.join(ENGINE_DERIVATIVES)}, got {derivative!r}")
        sizes = sizes or BatchSizes()
        self.derivative = derivative
        with float64_on_cpu():
            self._sim = build_simulator(model, substeps)
            clamped = build_simulator(model, substeps, clamp=True) if derivative == "autodiff" else None
        positions = [start for start, _ in self._sim.rotations]
        self._space = StateSpace(int(model.nq + model.nv), tuple(positions))
        self._value = StepFunction(self._sim, rows=sizes.value, compilation=compilation)
        self._jacobian = self._differentiator(sizes, clamped, compilation)

    @property
    def simulator(self) -> Simulator:
        """The model inside JAX, the control clamp off."""
        return self._sim

    @property
    def stepper(self) -> StepFunction:
        """What runs control steps."""
        return self._value

    def evaluate(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Evaluation:
        """Run control steps of (n, ds) states, (n, da) actions and (n, nv) warm starts."""
        with float64_on_cpu():
            return self.evaluation(self._step(states, actions, warmstarts))

    def roll_out(self, initial_states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Rollout:
        """Run episodes from (e, ds) states and (e, nv) warm starts with (e, T, da) actions."""
        states, starts = [initial_states], [warmstarts]
        with float64_on_cpu():
            for t in range(actions.shape[1]):
                after = self._step(states[-1], actions[:, t], starts[-1])
                states.append(np.concatenate([after.qpos, after.qvel], axis=1))
                starts.append(after.warmstart)
        return Rollout(np.stack(states, axis=1), np.stack(starts, axis=1))

    def linearize(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Linearization:
        """Run and differentiate control steps of (n, ds) states, (n, da) actions and (n, nv) warm starts."""
        return self.differentiate(states, actions, warmstarts, self.step(states, actions, warmstarts))

    def step(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        """Run control steps as ``evaluate`` does, and keep the record of every solver call."""
        with float64_on_cpu():
            return self._step(states, actions, warmstarts)

    def differentiate(
        self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray, value: StepValue
    ) -> Linearization:
        """Differentiate control steps whose value was computed before.

        Args:
            states: (n, ds).
            actions: (n, da).
            warmstarts: (n, nv).
            value: what ``step`` returned for these rows.

        Returns:
            n rows.
        """
        with float64_on_cpu():
            jac_state, jac_action = self._jacobian(states, actions, warmstarts, value)
        found = self.evaluation(value)
        numbers = (found.next_state, found.next_warmstart, jac_state, jac_action, found.solver_residual[:, None])
        finite = np.logical_and.reduce([np.isfinite(x).reshape(len(x), -1).all(axis=1) for x in numbers])
        return Linearization(
            found.next_state,
            found.next_warmstart,
            jac_state,
            jac_action,
            finite,
            found.solver_residual,
            found.active,
            found.constraint_active,
            found.constraint_active_start,
            self.derivative,
        )

    def evaluation(self, value: StepValue) -> Evaluation:
        """Return what control steps led to, and which constraints pushed in them."""
        active = value.calls.active.any(axis=(1, 2))
        return Evaluation(
            np.concatenate([value.qpos, value.qvel], axis=1),
            value.warmstart,
            value.calls.residual.max(axis=(1, 2)),
            self._sim.constraints.by_kind(active),
            active,
            value.calls.active[:, 0, 0],
        )

    def _step(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        return self._value(states, actions, warmstarts)

    def _differentiator(
        self, sizes: BatchSizes, clamped: Simulator | None, compilation: Compilation | None
    ) -> Callable[[np.ndarray, np.ndarray, np.ndarray, StepValue], Jacobians]:
        if self.derivative == "exact":
            exact = ExactJacobian(
                self._sim,
                implicit_rows=sizes.implicit,
                unrolled_rows=sizes.unrolled,
                compilation=compilation,
            )
            return lambda _states, actions, _warmstarts, value: exact.jacobian(value, actions)
        if self.derivative == "finite-difference":
            return lambda states, actions, warmstarts, _value: self._differences(states, actions, warmstarts)
        step = partial(_reference_step, self._sim)
        if clamped:
            step = partial(plain_step, clamped.model, clamped.template, clamped.substeps)
        whole = BatchFunction(jax.jacfwd(step, argnums=(0, 1)), sizes.whole, compilation)

        def projected(states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray, value: StepValue) -> Jacobians:
            by_state, by_action = whole(states, actions, warmstarts)
            ends = np.concatenate([value.qpos, value.qvel], axis=1)
            return self._space.project_jacobian(by_state, by_action, states, ends)

        return projected

    def _differences(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Jacobians:
        def ends(moved: np.ndarray, applied: np.ndarray) -> np.ndarray:
            after = self._step(moved, applied, warmstarts)
            return np.concatenate([after.qpos, after.qvel], axis=1)

        return central_jacobians(ends, states, actions, self._space)


def _reference_step(sim: Simulator, state: jax.Array, action: jax.Array, warmstart: jax.Array) -> jax.Array:
    return reference_step(sim, state[: sim.nq], state[sim.nq :], action, warmstart)[0]
