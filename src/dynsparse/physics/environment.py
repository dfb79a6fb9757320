"""Environments as dynsparse sees them: a control step, and what the numbers of its state and action are."""

from __future__ import annotations

import functools
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from dynsparse.errors import SettingError, UnsupportedModelError
from dynsparse.physics.admission import admit
from dynsparse.physics.linearization import CONSTRAINT_KINDS, DERIVATIVES
from dynsparse.physics.precision import float64_on_cpu
from dynsparse.physics.source import Source
from dynsparse.physics.sources.bare import ModelSource
from dynsparse.physics.state_names import (
    action_names,
    control_bounds,
    quaternion_places,
    state_names,
    state_units,
)
from dynsparse.physics.state_space import StateSpace

if TYPE_CHECKING:
    from dynsparse.physics.constraints import ConstraintRows

__all__ = [
    "ENGINES",
    "ENVIRONMENT_NAMES",
    "Environment",
    "environment_from_model",
    "float64_on_cpu",
    "load_environment",
    "model_bytes",
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

ENGINES = ("mjx", "mujoco-c", "function")
"""What can run a control step: MJX, MuJoCo's C code, or a function of the user's."""


@dataclass(frozen=True, eq=False)
class Environment:
    """A system in steps: what its state and action mean, and what moves it.

    Attributes:
        name: how messages and files call it.
        state_dim: ds = nq + nv, and na more for actuators with activations; of a function, what it takes.
        action_dim: da = nu.
        state_names: (ds,) ``"qpos <joint>"``, ``"qvel <joint>"``, ``"act <actuator>"``, in the order of a state.
        action_names: (da,) names of the actuators.
        state_units: (ds,) ``"m"``, ``"rad"``, ``"m/s"``, ``"rad/s"``, or ``"1"`` for a quaternion's elements.
        substeps: simulation steps in one control step.
        dt: duration of one control step, s.
        action_low: (da,) lower control bounds, -inf where there is none.
        action_high: (da,) upper control bounds, inf where there is none.
        compiled: the compiled MuJoCo model, not to be changed; None of a function.
        space: where the state holds quaternions, and what a small change of it is.
        source: where it comes from.
        engine: one of ``ENGINES``.
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
    compiled: mujoco.MjModel | None = field(repr=False)
    space: StateSpace = field(repr=False)
    source: Source = field(repr=False)
    engine: str = "mjx"

    @functools.cached_property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that are equal where the control step is."""
        return self.source.fingerprint(self)

    @property
    def model(self) -> mujoco.MjModel:
        """The compiled MuJoCo model; not to be changed.

        Raises:
            UnsupportedModelError: it is a function, which has none.
        """
        if self.compiled is None:
            raise UnsupportedModelError(f"{self.name} is a function, which has no MuJoCo model")
        return self.compiled

    @property
    def derivatives(self) -> tuple[str, ...]:
        """Which of ``DERIVATIVES`` there are of it."""
        return ("finite-difference",) if self.engine == "mujoco-c" else DERIVATIVES

    def check_derivative(self, derivative: str) -> None:
        """Refuse a derivative that there is none of.

        Raises:
            UnsupportedModelError: it runs in MuJoCo's C code, which has no derivative as coded.
        """
        if derivative not in self.derivatives:
            raise UnsupportedModelError(
                f'{self.name} was opened with derivative="finite-difference": MuJoCo\'s C code runs it, which can not '
                f'be differentiated as coded; got {derivative!r}. derivative="finite-difference" works'
            )

    @property
    def tangent_dim(self) -> int:
        """Rows and columns of ``jac_state``: 2 nv (+ na), which is ds where no joint has a quaternion."""
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
        """Length of qpos; of a function, of the whole state."""
        return self.state_dim if self.compiled is None else int(self.compiled.nq)

    @property
    def nv(self) -> int:
        """Length of qvel and of the warm start; 0 of a function."""
        return 0 if self.compiled is None else int(self.compiled.nv)

    @property
    def nu(self) -> int:
        """Length of ctrl."""
        return self.action_dim

    @property
    def nmocap(self) -> int:
        """Number of mocap bodies, such as a target."""
        return 0 if self.compiled is None else int(self.compiled.nmocap)

    @property
    def constraint_names(self) -> tuple[str, ...]:
        """(nc,) one name for each joint limit, tendon limit, equality, friction loss and pair of geoms."""
        return () if self._constraints is None else self._constraints.names

    @property
    def constraint_kinds(self) -> tuple[str, ...]:
        """(nc,) which of ``CONSTRAINT_KINDS`` each of ``constraint_names`` is."""
        return () if self._constraints is None else tuple(CONSTRAINT_KINDS[kind] for kind in self._constraints.kinds)

    @property
    def contact_geoms(self) -> dict[str, tuple[int, int]]:
        """Numbers of the two geoms of each of ``constraint_names`` that is a contact."""
        pairs = [] if self._constraints is None else self._constraints.pairs.tolist()
        names = self.constraint_names[len(self.constraint_names) - len(pairs) :]
        return {name: (int(one), int(other)) for name, (one, other) in zip(names, pairs, strict=True)}

    def active_kinds(self, active: np.ndarray) -> np.ndarray:
        """Say of which of ``CONSTRAINT_KINDS`` any constraint is active.

        Args:
            active: (..., nc) bool, by name.

        Returns:
            (..., 5) bool, by kind.
        """
        if self._constraints is None:
            return np.zeros((*active.shape[:-1], len(CONSTRAINT_KINDS)), dtype=bool)
        return self._constraints.by_kind(active)

    @property
    def playground(self) -> Any:
        """The MuJoCo Playground environment, whose reset and reward these are; None where it is none of them."""
        return getattr(self.source, "playground", None)

    @property
    def is_rewarded(self) -> bool:
        """Whether there is a reward; else it is 0."""
        return self.source.is_rewarded

    @functools.cached_property
    def _constraints(self) -> ConstraintRows | None:
        if self.compiled is None:
            return None
        if self.engine == "mujoco-c":
            from dynsparse.physics.c_constraints import c_constraint_names

            return c_constraint_names(self.compiled)
        from dynsparse.physics.constraints import constraint_rows

        return constraint_rows(self.compiled)

    def default_state(self) -> np.ndarray:
        """Return the model's reference configuration at rest.

        Returns:
            (ds,) ``qpos0`` and zeros; of a function, the start of an episode with the key 0.
        """
        if self.compiled is None:
            return self.source.initial_state(self, 0)
        return np.concatenate([self.compiled.qpos0, np.zeros(self.state_dim - self.nq)])

    def sample_initial_state(self, key: int) -> np.ndarray:
        """Draw the state in which an episode starts, as the environment's own ``reset`` does.

        Args:
            key: a non-negative integer; the same key gives the same state.

        Returns:
            (ds,) qpos and qvel (and activations, which start at 0).

        Raises:
            SettingError: if the key is not a non-negative integer.
        """
        if isinstance(key, bool) or not isinstance(key, int | np.integer) or not 0 <= key < 2**63:
            raise SettingError(
                f"key must be an integer from 0 to 2**63 - 1, got {key!r}; pass for example the episode's number"
            )
        return self.source.initial_state(self, int(key))


def load_environment(name: str | os.PathLike[str], **options: Any) -> Environment:
    """Load an environment; see ``dynsparse.physics.sources.catalog.load_environment``, which this is."""
    from dynsparse.physics.sources.catalog import load_environment as load

    return load(name, **options)


def model_bytes(model: mujoco.MjModel) -> bytes:
    """Return a compiled model as the content of an MJB file."""
    with tempfile.TemporaryDirectory(prefix="dynsparse-") as folder:
        path = Path(folder, "model.mjb")
        mujoco.mj_saveModel(model, str(path), None)
        return path.read_bytes()


def environment_from_model(
    name: str,
    model: mujoco.MjModel,
    substeps: int,
    *,
    source: Source | None = None,
    engine: str = "mjx",
    admitted: bool = False,
) -> Environment:
    """Describe a MuJoCo model as an environment.

    Args:
        name: how messages and files call it.
        model: the compiled model.
        substeps: simulation steps in one control step.
        source: where it comes from; None for the model alone, whose episodes start in its reference configuration.
        engine: ``"mjx"`` or ``"mujoco-c"``.
        admitted: whether somebody has found already that the engine can run it.

    Returns:
        The environment.

    Raises:
        UnsupportedModelError: if the model can not be differentiated exactly (MJX), or its next state depends on more
            than its state says (MuJoCo C).
        SettingError: if ``substeps`` is below 1.
    """
    if isinstance(substeps, bool) or substeps < 1:
        raise SettingError(f"substeps must be at least 1, got {substeps!r}")
    if not admitted:
        admit(model, name, engine)
        if engine == "mjx":
            _ask_mjx(model, name)
    low, high = control_bounds(model)
    state_dim = int(model.nq + model.nv + model.na)
    return Environment(
        name=name,
        state_dim=state_dim,
        action_dim=int(model.nu),
        state_names=state_names(model),
        action_names=action_names(model),
        state_units=state_units(model),
        substeps=int(substeps),
        dt=float(model.opt.timestep * substeps),
        action_low=low,
        action_high=high,
        compiled=model,
        space=StateSpace(state_dim, quaternion_places(model)),
        source=source or ModelSource(),
        engine=engine,
    )


def _ask_mjx(model: mujoco.MjModel, name: str) -> None:
    """Let MJX refuse a model now, and not when its first rows are computed."""
    import jax
    from mujoco import mjx

    try:
        with jax.default_device(jax.devices("cpu")[0]):
            mjx.put_model(model, impl="jax")
    except (NotImplementedError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnsupportedModelError(
            f"{name} can not be simulated by MJX: {reason}. "
            'Change the model, or open it with derivative="finite-difference"'
        ) from error
