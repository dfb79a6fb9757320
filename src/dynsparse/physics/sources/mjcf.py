"""A user's own model file as an environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mujoco

from dynsparse.errors import EnvironmentFileError
from dynsparse.physics.environment import Environment, environment_from_model
from dynsparse.physics.quiet import quiet_mujoco
from dynsparse.physics.sources.bare import ModelSource, Start
from dynsparse.physics.sources.mjcf_files import ModelFiles, gather
from dynsparse.physics.sources.model_options import check_noise, check_substeps, engine_for

__all__ = ["compile_model", "load_model_file", "opened_model"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def load_model_file(
    path: str | os.PathLike[str], *, substeps: int = 1, derivative: str = "exact", initial_noise: float = 0.1
) -> Environment:
    """Load a MuJoCo model of the user's own.

    Episodes start at the model's first keyframe, or at its reference configuration where it has none, with noise
    around it: uniform on positions (ball and free joints turned about each axis), normal on velocities, limited joints
    kept inside their range, as Gymnasium's tasks do.

    Args:
        path: the XML file.  Includes, meshes and all else that it refers to are read from its own folder alone.
        substeps: simulation steps in one control step.
        derivative: ``"exact"`` for MJX; ``"finite-difference"`` for MuJoCo's C code, which takes models that MJX or
            the exact derivative can not, and then has no other derivative.
        initial_noise: half width and scale of the noise, m, rad, m/s and rad/s.

    Returns:
        The environment, called after the file.

    Raises:
        EnvironmentFileError: the file or one that it refers to can not be used; MuJoCo's own words where it refuses.
        UnsupportedModelError: it has something that can not be simulated or differentiated; all of it is named.
        SettingError: a setting has a value that it can not have.
    """
    path = Path(path)
    check_substeps(substeps)
    check_noise(initial_noise)
    engine = engine_for(derivative)
    files = gather(path)
    model = compile_model(files, path.name)
    config = {"source": "mjcf", "file": path.name}
    start = Start(initial_noise, initial_noise, keyframe=0 if model.nkey else -1)
    return opened_model(_name(path), model, substeps, engine, start, config)


def opened_model(
    name: str, model: mujoco.MjModel, substeps: int, engine: str, start: Start, config: Mapping[str, Any]
) -> Environment:
    """Describe a model without a task, and let everything refuse it now that would later.

    Args:
        name: how messages and files call it.
        model: the compiled model.
        substeps: simulation steps in one control step.
        engine: ``"mjx"`` or ``"mujoco-c"``.
        start: where episodes begin.
        config: what is kept with data sets, beside the start.

    Raises:
        UnsupportedModelError: it can not be simulated or differentiated.
    """
    kept = {"position": start.position, "velocity": start.velocity, "law": start.law, "keyframe": start.keyframe}
    source = ModelSource(start, {**config, "substeps": substeps, "initial_noise": kept})
    env = environment_from_model(name, model, substeps, source=source, engine=engine)
    _ = env.constraint_names  # MJX may lay them out in another way
    return env


def compile_model(files: ModelFiles, name: str) -> mujoco.MjModel:
    """Compile gathered files.

    Raises:
        EnvironmentFileError: MuJoCo refuses them; in its words, with the user's own lines.
    """
    with quiet_mujoco():
        try:
            return mujoco.MjModel.from_xml_string(files.text, files.assets)
        except (ValueError, mujoco.FatalError) as error:
            raise EnvironmentFileError(f"MuJoCo can not compile {name}: {files.told(str(error))}") from error


def _name(path: Path) -> str:
    """Call an environment after its file, in letters that every file system has, and never like another one."""
    from dynsparse.physics.sources.catalog import is_taken

    stem = _UNSAFE.sub("-", path.stem).strip("-") or "model"
    return f"model-{stem.replace('-v', '_v')}" if is_taken(stem) or not stem[0].isalpha() else stem
