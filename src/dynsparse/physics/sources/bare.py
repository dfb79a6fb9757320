"""A MuJoCo model without a task: it starts at a state with noise around it, and nothing is rewarded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from dynsparse.physics.source import Packed, Source, model_fingerprint

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.workers import Message

__all__ = ["ModelSource", "Start", "model_array", "read", "read_model"]


@dataclass(frozen=True)
class Start:
    """Where episodes begin: a state, and noise around it.

    Attributes:
        position: half width of the uniform noise on positions; a ball or free joint turns by as much, rad, about each
            axis.
        velocity: scale of the noise on velocities.
        law: ``"normal"`` or ``"uniform"``, of the noise on velocities.
        keyframe: number of the model's keyframe that it is around; -1 for the reference configuration at rest.
        clip: whether limited joints are kept inside their range.
        state: (nq + nv,) to be around instead, or None.
    """

    position: float = 0.0
    velocity: float = 0.0
    law: str = "normal"
    keyframe: int = -1
    clip: bool = True
    state: tuple[float, ...] | None = None

    def centre(self, env: Environment) -> np.ndarray:
        """Return the (ds,) state without noise."""
        model, found = env.model, np.zeros(env.state_dim)
        known = model.nq + model.nv
        if self.state is not None:
            found[:known] = self.state
        elif self.keyframe >= 0:
            found[: model.nq] = model.key_qpos[self.keyframe]
            found[model.nq : known] = model.key_qvel[self.keyframe]
            mujoco.mj_normalizeQuat(model, found[: model.nq])
        else:
            found[: model.nq] = model.qpos0
        return found

    def draw(self, env: Environment, key: int) -> np.ndarray:
        """Return the (ds,) state that belongs to a key."""
        model, state = env.model, self.centre(env)
        if not self.position and not self.velocity:
            return state
        rng = np.random.default_rng(key)
        change = np.zeros(env.tangent_dim)
        change[: model.nv] = rng.uniform(-self.position, self.position, model.nv)
        moved = rng.standard_normal(model.nv) if self.law == "normal" else rng.uniform(-1.0, 1.0, model.nv)
        change[model.nv : 2 * model.nv] = self.velocity * moved
        state = env.space.integrate(state[None], change[None])[0]
        if self.clip:
            _clip(model, state)
        return state


def _clip(model: mujoco.MjModel, state: np.ndarray) -> None:
    """Keep limited hinges and slides inside their range."""
    scalar = np.isin(model.jnt_type, (int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_HINGE)))
    limited = np.flatnonzero(scalar & (model.jnt_limited != 0))
    places = model.jnt_qposadr[limited]
    state[places] = np.clip(state[places], *model.jnt_range[limited].T)


@dataclass(frozen=True)
class ModelSource:
    """The source of a model without a task.

    Attributes:
        start: where episodes begin.
        config: what is kept with data sets.
    """

    start: Start = Start()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """``"model"``."""
        return "model"

    @property
    def is_rewarded(self) -> bool:
        """No."""
        return False

    def fingerprint(self, env: Environment) -> str:
        """Return what tells its control step from others."""
        from dynsparse.physics.environment import model_bytes

        return model_fingerprint(model_bytes(env.model), env.substeps, env.engine)

    def initial_state(self, env: Environment, key: int) -> np.ndarray:
        """Draw the (ds,) state in which an episode starts."""
        return self.start.draw(env, key)

    def pack(self, env: Environment) -> Packed:
        """Return the start's settings, and the model."""
        return {"start": asdict(self.start), "config": dict(self.config)}, {"model": model_array(env)}


def read(message: Message) -> Environment:
    """Make the environment that a message carries.

    Args:
        message: what ``pack`` gave.
    """
    told: Any = message.meta["start"]
    config: Any = message.meta["config"]
    state = told["state"]
    start = Start(**{**told, "state": None if state is None else tuple(state)})
    return described(message, ModelSource(start, config))


def described(message: Message, source: Source) -> Environment:
    """Make the environment of the model that a message carries, which the sender has found to work."""
    from dynsparse.physics.environment import environment_from_model

    name, engine = str(message.meta["environment"]), str(message.meta["engine"])
    substeps = int(message.number("substeps"))
    return environment_from_model(name, read_model(message), substeps, source=source, engine=engine, admitted=True)


def model_array(env: Environment) -> np.ndarray:
    """Return a model as the bytes of an MJB file, to be sent."""
    from dynsparse.physics.environment import model_bytes

    return np.frombuffer(model_bytes(env.model), dtype=np.uint8)


def read_model(start: Message) -> mujoco.MjModel:
    """Return the model that a message carries; in a worker, which has a temporary folder of its own."""
    with tempfile.NamedTemporaryFile(suffix=".mjb", dir=".") as file:
        file.write(start.arrays["model"].tobytes())
        file.flush()
        return mujoco.MjModel.from_binary_path(file.name)
