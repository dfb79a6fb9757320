"""Gymnasium's MuJoCo tasks, through the model file that is installed with them."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from typing import Any

import mujoco
import numpy as np

from dynsparse.errors import UnknownEnvironmentError, UnsupportedModelError
from dynsparse.physics.environment import Environment
from dynsparse.physics.quiet import quiet_mujoco
from dynsparse.physics.sources.bare import Start
from dynsparse.physics.sources.mjcf import opened_model
from dynsparse.physics.sources.model_options import check_noise, engine_for

__all__ = ["is_gymnasium_id", "load_gymnasium"]

_ID = re.compile(r"[A-Za-z0-9_]+-v\d+")
_INSTALL = "pip install 'dynsparse[gymnasium]'"

_LAWS = {
    # What each task's reset_model draws from, in units of reset_noise_scale: the law of the velocities; positions are
    # uniform.  Read off gymnasium.envs.mujoco, v4 and v5; the others have no such reset.
    "Ant": "normal",
    "HalfCheetah": "normal",
    "Hopper": "uniform",
    "Humanoid": "uniform",
    "HumanoidStandup": "uniform",
    "InvertedDoublePendulum": "normal",
    "InvertedPendulum": "uniform",
    "Swimmer": "uniform",
    "Walker2d": "uniform",
}


def is_gymnasium_id(name: str) -> bool:
    """Tell whether a name has the form of a Gymnasium task's, such as ``HalfCheetah-v5``."""
    return _ID.fullmatch(name) is not None


def load_gymnasium(name: str, *, derivative: str = "exact", initial_noise: float | None = None) -> Environment:
    """Load the model of one of Gymnasium's MuJoCo tasks.

    A control step is the task's own (its ``frame_skip``), and episodes start as its ``reset`` starts them, where that
    is noise around its initial state.  Its observations and rewards are Python code over MuJoCo's data: an observation
    is the state here, and there is no reward.

    Args:
        name: the task's id, such as ``HalfCheetah-v5``.
        derivative: as ``mjcf.load_model_file``.
        initial_noise: scale of the noise where an episode starts; None for the task's own.

    Returns:
        The environment, called by the id.

    Raises:
        UnknownEnvironmentError: Gymnasium is not installed, or has no MuJoCo task of this name.
        UnsupportedModelError: its model can not be simulated or differentiated.
    """
    engine = engine_for(derivative)
    if initial_noise is not None:
        check_noise(initial_noise)
    task = _opened(name)
    try:
        model, substeps, start = task.model, int(task.frame_skip), _start(name, task, initial_noise)
    finally:
        task.close()
    config = {"source": "gymnasium", "id": name, "gymnasium": importlib.metadata.version("gymnasium")}
    return opened_model(name, model, substeps, engine, start, config)


def _opened(name: str) -> Any:
    """Make the task itself, which does not step."""
    try:
        gymnasium = importlib.import_module("gymnasium")
        base = importlib.import_module("gymnasium.envs.mujoco").MujocoEnv
    except ImportError as error:
        raise UnknownEnvironmentError(
            f"{name} is a task of Gymnasium's, which is not installed here; {_INSTALL} installs it"
        ) from error
    spec = gymnasium.registry.get(name)
    if spec is None:
        stem = name.partition("-v")[0].lower()
        near = [known for known, other in gymnasium.registry.items() if _is_mujoco(other)]
        named = [known for known in near if stem in known.lower()] or [known for known in near if known.endswith("-v5")]
        raise UnknownEnvironmentError(f"Gymnasium has no task {name!r}; nearest: {', '.join(named[:3])}")
    if not _is_mujoco(spec):
        known = [task for task, other in gymnasium.registry.items() if _is_mujoco(other) and task.endswith("-v5")]
        raise UnknownEnvironmentError(f"{name} is no MuJoCo task of Gymnasium's; these are: {', '.join(sorted(known))}")
    with quiet_mujoco():
        try:
            task = gymnasium.make(name).unwrapped
        except Exception as error:  # a task's own code, which may need packages that are not there
            raise UnsupportedModelError(f"Gymnasium can not make {name}: {' '.join(str(error).split())}") from error
    if not isinstance(task, base) or not isinstance(task.model, mujoco.MjModel):
        raise UnsupportedModelError(f"{name} has no MuJoCo model; expected a task such as HalfCheetah-v5")
    return task


def _is_mujoco(spec: Any) -> bool:
    return str(spec.entry_point).startswith("gymnasium.envs.mujoco")


def _start(name: str, task: Any, asked: float | None) -> Start:
    """Where episodes of a task begin."""
    stem = name.partition("-v")[0]
    scale = getattr(task, "_reset_noise_scale", None)
    known = stem in _LAWS and isinstance(scale, int | float)
    noise = asked if asked is not None else float(scale) if known and scale is not None else 0.1
    state = tuple(float(x) for x in np.concatenate([task.init_qpos, task.init_qvel]))
    if known:
        return Start(noise, noise, _LAWS[stem], clip=False, state=state)
    return Start(noise, noise, state=state)
