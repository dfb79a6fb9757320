"""MuJoCo Playground environments as dynsparse sees them: a model, names, units and bounds."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from dynsparse.errors import SettingError, UnknownEnvironmentError, UnsupportedModelError
from dynsparse.physics.admission import admit
from dynsparse.physics.linearization import CONSTRAINT_KINDS
from dynsparse.physics.state_space import StateSpace

if TYPE_CHECKING:
    from dynsparse.physics.constraints import ConstraintRows

__all__ = [
    "ENVIRONMENT_NAMES",
    "Environment",
    "environment_from_model",
    "float64_on_cpu",
    "load_environment",
    "model_bytes",
    "unknown_environment",
]

ENVIRONMENT_NAMES = (
    "BallInCup",
    "CartpoleBalance",
    "CheetahRun",
    "ReacherHard",
    "FingerSpin",
    "FingerTurnEasy",
    "WalkerRun",
    "SwimmerSwimmer6",
)
"""The eight environments of the paper's Table 1, in its order."""

_warnings = threading.Lock()

_POSITION_NAMES = {
    mujoco.mjtJoint.mjJNT_FREE: ("x", "y", "z", "qw", "qx", "qy", "qz"),
    mujoco.mjtJoint.mjJNT_BALL: ("qw", "qx", "qy", "qz"),
    mujoco.mjtJoint.mjJNT_SLIDE: ("",),
    mujoco.mjtJoint.mjJNT_HINGE: ("",),
}
_VELOCITY_NAMES = {
    mujoco.mjtJoint.mjJNT_FREE: ("x", "y", "z", "wx", "wy", "wz"),
    mujoco.mjtJoint.mjJNT_BALL: ("wx", "wy", "wz"),
    mujoco.mjtJoint.mjJNT_SLIDE: ("",),
    mujoco.mjtJoint.mjJNT_HINGE: ("",),
}


@dataclass(frozen=True, eq=False)
class Environment:
    """A simulated robot: what its state and action mean, and the model that moves it.

    Attributes:
        name: the name in MuJoCo Playground.
        state_dim: ds = nq + nv.
        action_dim: da = nu.
        state_names: (ds,) ``"qpos <joint>"`` then ``"qvel <joint>"``, in the order of a state's elements.
        action_names: (da,) names of the actuators.
        state_units: (ds,) ``"m"``, ``"rad"``, ``"m/s"``, ``"rad/s"``, or ``"1"`` for a quaternion's elements.
        substeps: simulation steps in one control step.
        dt: duration of one control step, s.
        action_low: (da,) lower control bounds, -inf where there is none.
        action_high: (da,) upper control bounds, inf where there is none.
        model: the compiled MuJoCo model; not to be changed.
        space: where the state holds quaternions, and what a small change of it is.
    """

    name: str
    state_dim: int
    action_dim: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    state_units: tuple[str, ...]
    substeps: int
    dt: float
    action_low: np.ndarray
    action_high: np.ndarray
    model: mujoco.MjModel = field(repr=False)
    space: StateSpace = field(repr=False)
    _playground: Any = field(default=None, repr=False)
    _reset: list[Any] = field(default_factory=list, repr=False)

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the compiled model and the number of substeps: equal where the control step is."""
        return hashlib.sha256(model_bytes(self.model) + self.substeps.to_bytes(4, "little")).hexdigest()

    @property
    def tangent_dim(self) -> int:
        """Rows and columns of ``jac_state``: 2 nv, which is ds where no joint has a quaternion."""
        return self.space.tangent_dim

    @property
    def tangent_names(self) -> tuple[str, ...]:
        """(tangent_dim,) names of a Jacobian's rows: ``state_names`` with rotations in place of quaternions."""
        return self.space.tangent_names(self.state_names)

    @property
    def tangent_units(self) -> tuple[str, ...]:
        """(tangent_dim,) their units; rad for rotations."""
        return self.space.tangent_units(self.state_units)

    @property
    def nq(self) -> int:
        """Length of qpos."""
        return int(self.model.nq)

    @property
    def nv(self) -> int:
        """Length of qvel and of the warm start."""
        return int(self.model.nv)

    @property
    def nu(self) -> int:
        """Length of ctrl."""
        return int(self.model.nu)

    @property
    def nmocap(self) -> int:
        """Number of mocap bodies, such as a target."""
        return int(self.model.nmocap)

    @property
    def constraint_names(self) -> tuple[str, ...]:
        """(nc,) one name for each joint limit, tendon limit, equality, friction loss and pair of geoms."""
        return self._constraints.names

    @property
    def constraint_kinds(self) -> tuple[str, ...]:
        """(nc,) which of ``CONSTRAINT_KINDS`` each of ``constraint_names`` is."""
        return tuple(CONSTRAINT_KINDS[kind] for kind in self._constraints.kinds)

    def active_kinds(self, active: np.ndarray) -> np.ndarray:
        """Say of which of ``CONSTRAINT_KINDS`` any constraint is active.

        Args:
            active: (..., nc) bool, by name.

        Returns:
            (..., 5) bool, by kind.
        """
        return self._constraints.by_kind(active)

    @property
    def playground(self) -> Any:
        """The MuJoCo Playground environment, whose reset and reward these are; None for a bare model."""
        return self._playground

    @functools.cached_property
    def _constraints(self) -> ConstraintRows:
        from dynsparse.physics.constraints import constraint_rows

        return constraint_rows(self.model)

    def default_state(self) -> np.ndarray:
        """Return the model's reference configuration at rest.

        Returns:
            (ds,) ``qpos0`` and zero velocity.
        """
        return np.concatenate([self.model.qpos0, np.zeros(self.nv)])

    def sample_initial_state(self, key: int) -> np.ndarray:
        """Draw the state in which an episode starts, as the environment's own ``reset`` does.

        Args:
            key: a non-negative integer; the same key gives the same state.

        Returns:
            (ds,) qpos and qvel.

        Raises:
            SettingError: if the key is not a non-negative integer.
        """
        if isinstance(key, bool) or not isinstance(key, int | np.integer) or not 0 <= key < 2**63:
            raise SettingError(
                f"key must be an integer from 0 to 2**63 - 1, got {key!r}; pass for example the episode's number"
            )
        if self._playground is None:
            return self.default_state()
        import jax

        # The generator is named, so that the user's JAX settings do not decide what a key draws.
        with float64_on_cpu(), jax.threefry_partitionable(True):
            if not self._reset:
                self._reset.append(jax.jit(self._positions_and_velocities))
            state = self._reset[0](jax.random.PRNGKey(int(key), impl="threefry2x32"))
        return np.array(state, dtype=np.float64)

    def _positions_and_velocities(self, key: Any) -> Any:
        import jax.numpy as jnp

        data = self._playground.reset(key).data
        return jnp.concatenate([data.qpos, data.qvel])


def load_environment(name: str) -> Environment:
    """Load one of the environments of the paper.

    Nothing is changed in the user's JAX configuration: the model is built in float64 inside a context.

    Args:
        name: one of ``ENVIRONMENT_NAMES``.

    Returns:
        The environment, with ``impl="jax"``.

    Raises:
        UnknownEnvironmentError: if there is no such environment; names the nearest ones.
        UnsupportedModelError: if its model can not be differentiated exactly.
    """
    if name not in ENVIRONMENT_NAMES:
        raise UnknownEnvironmentError(unknown_environment(name))
    with _quiet_mujoco(), float64_on_cpu():
        from mujoco_playground import dm_control_suite

        # A fresh copy: Playground writes into the configuration that it is given, and the default is shared.
        config = dm_control_suite.get_default_config(name).copy_and_resolve_references()
        playground = dm_control_suite.load(name, config=config, config_overrides={"impl": "jax"})
    if playground.mjx_model.impl.value != "jax":
        raise UnsupportedModelError(
            f"{name} was built for impl={playground.mjx_model.impl.value!r}; only impl='jax' can be differentiated"
        )
    return environment_from_model(name, playground.mj_model, playground.n_substeps, _playground=playground)


def model_bytes(model: mujoco.MjModel) -> bytes:
    """Return a compiled model as the content of an MJB file."""
    with tempfile.TemporaryDirectory(prefix="dynsparse-") as folder:
        path = Path(folder, "model.mjb")
        mujoco.mj_saveModel(model, str(path), None)
        return path.read_bytes()


def environment_from_model(name: str, model: mujoco.MjModel, substeps: int, *, _playground: Any = None) -> Environment:
    """Describe a MuJoCo model as an environment.

    Args:
        name: how messages and files call it.
        model: the compiled model.
        substeps: simulation steps in one control step.
        _playground: the Playground environment whose ``reset`` draws initial states.

    Returns:
        The environment.

    Raises:
        UnsupportedModelError: if the model can not be differentiated exactly.
        SettingError: if ``substeps`` is below 1.
    """
    if isinstance(substeps, bool) or substeps < 1:
        raise SettingError(f"substeps must be at least 1, got {substeps!r}")
    admit(model, name)
    if _playground is None:  # which has asked MJX already
        _ask_mjx(model, name)
    joints = [(mujoco.mjtJoint(kind), _named(model, i)) for i, kind in enumerate(model.jnt_type)]
    positions = [f"qpos {joint} {part}".rstrip() for kind, joint in joints for part in _POSITION_NAMES[kind]]
    velocities = [f"qvel {joint} {part}".rstrip() for kind, joint in joints for part in _VELOCITY_NAMES[kind]]
    bounds = np.where(model.actuator_ctrllimited != 0, model.actuator_ctrlrange.T, [[-np.inf], [np.inf]])
    bounds.flags.writeable = False
    return Environment(
        name=name,
        state_dim=int(model.nq + model.nv),
        action_dim=int(model.nu),
        state_names=(*positions, *velocities),
        action_names=tuple(model.actuator(i).name or f"actuator {i}" for i in range(model.nu)),
        state_units=_units(joints),
        substeps=int(substeps),
        dt=float(model.opt.timestep * substeps),
        action_low=bounds[0],
        action_high=bounds[1],
        model=model,
        space=StateSpace(int(model.nq + model.nv), _quaternions(model)),
        _playground=_playground,
    )


def _ask_mjx(model: mujoco.MjModel, name: str) -> None:
    """Let MJX refuse a model now, and not when its first rows are computed."""
    import jax
    from mujoco import mjx

    try:
        with jax.default_device(jax.devices("cpu")[0]):
            mjx.put_model(model, impl="jax")
    except (NotImplementedError, ValueError, RuntimeError) as error:
        raise UnsupportedModelError(f"{name} can not be simulated by MJX: {error}") from error


def _quaternions(model: mujoco.MjModel) -> tuple[int, ...]:
    """Return where in qpos a quaternion starts."""
    before = {int(mujoco.mjtJoint.mjJNT_FREE): 3, int(mujoco.mjtJoint.mjJNT_BALL): 0}
    joints = zip(model.jnt_type.tolist(), model.jnt_qposadr.tolist(), strict=True)
    return tuple(start + before[kind] for kind, start in joints if kind in before)


def _units(joints: list[tuple[mujoco.mjtJoint, str]]) -> tuple[str, ...]:
    position, velocity = [], []
    for kind, _ in joints:
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            position += ["m"] * 3 + ["1"] * 4
            velocity += ["m/s"] * 3 + ["rad/s"] * 3
        elif kind == mujoco.mjtJoint.mjJNT_BALL:
            position += ["1"] * 4
            velocity += ["rad/s"] * 3
        elif kind == mujoco.mjtJoint.mjJNT_SLIDE:
            position.append("m")
            velocity.append("m/s")
        else:
            position.append("rad")
            velocity.append("rad/s")
    return (*position, *velocity)


def _named(model: mujoco.MjModel, joint: int) -> str:
    return model.joint(joint).name or f"joint {joint}"


def unknown_environment(name: object) -> str:
    """Return the message for a name that is no environment's: it says which ones are nearest."""
    near = difflib.get_close_matches(str(name), ENVIRONMENT_NAMES, n=3, cutoff=0.4)
    folded = [known for known in ENVIRONMENT_NAMES if str(name).lower() in known.lower() and known not in near]
    nearest = ", ".join([*near, *folded][:3]) or ", ".join(ENVIRONMENT_NAMES)
    return f"no environment is called {name!r}; nearest: {nearest}. `dynsparse envs` lists all"


@contextlib.contextmanager
def float64_on_cpu() -> Iterator[None]:
    """Compute as every part of the library does, whatever the caller's JAX is set to."""
    import jax

    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        yield


@contextlib.contextmanager
def _quiet_mujoco() -> Iterator[None]:
    """Keep MuJoCo's warnings about old attributes in Playground's models out of stderr and of MUJOCO_LOG.TXT."""
    with _warnings:  # the handler is one for the whole process
        handler = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda _message: None)
        try:
            yield
        finally:
            mujoco.set_mju_user_warning(handler)
