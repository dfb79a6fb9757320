"""The MJX model of an environment inside JAX: the stage data that a solver call reads."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco import mjx
from mujoco.mjx._src import constraint as mjx_constraint
from mujoco.mjx._src import derivative as mjx_derivative
from mujoco.mjx._src import forward as mjx_forward
from mujoco.mjx._src import support as mjx_support

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.constraints import ConstraintRows, constraint_rows

__all__ = ["Simulator", "build_simulator"]

Array = jax.Array


@dataclass(frozen=True, eq=False)
class Simulator:
    """A model and the constants of its data, in float64; every method takes one row.

    Only qpos, qvel, ctrl and the warm start are arguments of the functions below; the rest of ``mjx.Data`` is
    closed over, so that ``vmap`` does not make constants batched.

    Attributes:
        model: the MJX model, sensors off, the control clamp off unless built with it.
        template: MJX data of which only the four inputs are replaced.
        substeps: simulation steps in one control step.
        constraints: the named constraints.
    """

    model: mjx.Model
    template: mjx.Data
    substeps: int
    constraints: ConstraintRows

    @property
    def nq(self) -> int:
        """Length of qpos."""
        return int(self.model.nq)

    @property
    def nv(self) -> int:
        """Length of qvel."""
        return int(self.model.nv)

    @property
    def nu(self) -> int:
        """Length of ctrl."""
        return int(self.model.nu)

    @property
    def timestep(self) -> float:
        """Duration of one substep, s."""
        return float(self.model.opt.timestep)

    @functools.cached_property
    def constraint_types(self) -> np.ndarray:
        """(nefc,) MuJoCo's type of each constraint row."""
        return np.asarray(mjx_constraint.make_efc_type(self.model), dtype=int)

    @property
    def is_runge_kutta(self) -> bool:
        """Whether one substep holds four solver calls in place of one."""
        return bool(self.model.opt.integrator == mjx.IntegratorType.RK4)

    @property
    def has_quaternions(self) -> bool:
        """Whether positions and velocities differ in length."""
        return bool(self.rotations)

    @functools.cached_property
    def rotations(self) -> tuple[tuple[int, int], ...]:
        """Where the quaternion of each free or ball joint starts in qpos, and its angular velocity in qvel."""
        found, q, v = [], 0, 0
        for kind in self.model.jnt_type:
            before = 3 if kind == mjx.JointType.FREE else 0
            if kind in (mjx.JointType.FREE, mjx.JointType.BALL):
                found.append((q + before, v + before))
                q, v = q + before + 4, v + before + 3
            else:
                q, v = q + 1, v + 1
        return tuple(found)

    @property
    def has_own_acceleration(self) -> bool:
        """Whether the integrator solves for an acceleration of its own, with damping taken implicitly."""
        disabled = self.model.opt.disableflags
        if self.model.opt.integrator == mjx.IntegratorType.EULER:
            return not disabled & mjx.DisableBit.EULERDAMP
        if self.model.opt.integrator == mjx.IntegratorType.IMPLICITFAST:
            return not (disabled & mjx.DisableBit.ACTUATION and disabled & mjx.DisableBit.DAMPER)
        return False

    def data(self, qpos: Array, qvel: Array, ctrl: Array, warmstart: Array) -> mjx.Data:
        """Return MJX data that stands before a step."""
        return self.template.replace(qpos=qpos, qvel=qvel, ctrl=ctrl, qacc_warmstart=warmstart)

    def position_stage(self, qpos: Array, qvel: Array, ctrl: Array) -> mjx.Data:
        """Compute everything that a solver call reads: inertia, constraint rows and smooth forces."""
        data = self.template.replace(qpos=qpos, qvel=qvel, ctrl=ctrl)
        data = mjx_forward.fwd_position(self.model, data)
        data = mjx_forward.fwd_velocity(self.model, data)
        return self._smooth_forces(mjx_forward.fwd_actuation(self.model, data))

    def velocity_stage(self, data: mjx.Data, qvel: Array, ctrl: Array) -> mjx.Data:
        """Compute again what depends on velocity or control, positions as they stand in ``data``."""
        data = data.replace(qvel=qvel, ctrl=ctrl)
        data = mjx_constraint.make_constraint(self.model, data)  # the reference acceleration depends on qvel
        data = mjx_forward.fwd_velocity(self.model, data)
        return self._smooth_forces(mjx_forward.fwd_actuation(self.model, data))

    def control_stage(self, data: mjx.Data, ctrl: Array) -> mjx.Data:
        """Compute again what depends on the control alone."""
        return self._smooth_forces(mjx_forward.fwd_actuation(self.model, data.replace(ctrl=ctrl)))

    def _smooth_forces(self, data: mjx.Data) -> mjx.Data:
        # qfrc_applied and xfrc_applied, which MJX adds here, are zero: no input of the transition sets them.
        return data.replace(qfrc_smooth=data.qfrc_passive - data.qfrc_bias + data.qfrc_actuator)

    def inertia(self, data: mjx.Data) -> Array:
        """Return the (nv, nv) joint-space inertia."""
        return mjx_support.full_m(self.model, data)

    def integrator_matrix(self, data: mjx.Data) -> Array:
        """Return the (nv, nv) matrix that the integrator solves with: inertia plus implicit damping."""
        if self.model.opt.integrator == mjx.IntegratorType.EULER:
            return self.inertia(data) + jnp.diag(self.model.opt.timestep * self.model.dof_damping)
        slope = mjx_derivative.deriv_smooth_vel(self.model, data)
        return self.inertia(data) - self.model.opt.timestep * slope


def build_simulator(model: mujoco.MjModel, substeps: int, *, clamp: bool = False) -> Simulator:
    """Put a model into JAX, in float64 (to be called where 64-bit values are enabled).

    Args:
        model: the compiled MuJoCo model; a copy of it is changed.
        substeps: simulation steps in one control step.
        clamp: keep MJX's clamp of the control, whose derivative is 1/2 on a bound and 0 beyond it.

    Returns:
        The simulator.

    Raises:
        UnsupportedModelError: if MJX refuses the model.
    """
    own = copy.copy(model)
    # Sensors read the state and never change it; leaving them out saves a third of the compile.
    own.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
    if not clamp:
        own.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CLAMPCTRL)
    try:
        mjx_model = mjx.put_model(own, impl="jax")
        template = mjx.make_data(own, impl="jax")
    except NotImplementedError as error:
        raise UnsupportedModelError(f"MJX can not simulate this model: {error}") from error
    if mjx_model.body_mass.dtype != np.float64:
        raise UnsupportedModelError("the simulator needs float64; call it with 64-bit values enabled")
    return Simulator(mjx_model, template, substeps, constraint_rows(own))
