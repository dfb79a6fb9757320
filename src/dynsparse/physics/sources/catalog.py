"""Catalog: the names of environments, and which source loads which."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from dynsparse.errors import SettingError, UnknownEnvironmentError
from dynsparse.physics.environment import Environment
from dynsparse.physics.registry import registered, registered_names
from dynsparse.physics.sources.gymnasium import is_gymnasium_id, load_gymnasium
from dynsparse.physics.sources.model_path import models_in
from dynsparse.physics.sources.names import ALL_ENVIRONMENT_NAMES, SUITE_NAMES

__all__ = [
    "ALL_ENVIRONMENT_NAMES",
    "check_name",
    "check_options",
    "is_model_file",
    "is_taken",
    "load_environment",
    "opens_in_c",
    "unknown_environment",
]


def load_environment(
    name: str | os.PathLike[str],
    *,
    substeps: int | None = None,
    derivative: str = "exact",
    initial_noise: float | None = None,
) -> Environment:
    """Load an environment.

    Nothing is changed in the user's JAX configuration: the model is built in float64 inside a context.

    Args:
        name: a task of MuJoCo Playground (``ALL_ENVIRONMENT_NAMES``, or one of its locomotion and manipulation tasks
            where the Menagerie's assets are there); the path of a MuJoCo model (.xml); a Gymnasium MuJoCo task such as
            ``"HalfCheetah-v5"``; or a name that was registered with ``register_environment``.
        substeps: simulation steps in one control step, of a model file; None for 1.
        derivative: ``"finite-difference"`` opens a model file or a Gymnasium task in MuJoCo's C code, which takes
            models that MJX or the exact derivative can not.
        initial_noise: scale of the noise where episodes of a model file or of a Gymnasium task start; None for 0.1, or
            the task's own.

    Returns:
        The environment.

    Raises:
        UnknownEnvironmentError: if there is no such environment; names the nearest ones.
        EnvironmentFileError: if a model file can not be used, or assets are missing.
        UnsupportedModelError: if its model can not be differentiated.
        SettingError: if a setting has a value that it can not have, or that this environment does not take.
    """
    check_options(name, substeps=substeps, derivative=derivative, initial_noise=initial_noise)
    if is_model_file(name):
        from dynsparse.physics.sources.mjcf import load_model_file

        noise = 0.1 if initial_noise is None else initial_noise
        return load_model_file(
            name, substeps=1 if substeps is None else substeps, derivative=derivative, initial_noise=noise
        )
    told = str(name)
    if is_gymnasium_id(told) and registered(told) is None:
        return load_gymnasium(told, derivative=derivative, initial_noise=initial_noise)
    own = registered(told)
    if own is not None:
        return own
    from dynsparse.physics.sources.playground import load_playground

    return load_playground(told)


def check_options(
    name: str | os.PathLike[str],
    *,
    substeps: int | None = None,
    derivative: str = "exact",
    initial_noise: float | None = None,
) -> None:
    """Refuse options of ``load_environment`` before anything is loaded.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        SettingError: an option has a value that it can not have, or that this environment does not take.
    """
    from dynsparse.physics.sources.model_options import check_noise, check_substeps, engine_for

    if not is_model_file(name):
        check_name(name)
    told = str(name)
    if is_model_file(name):
        check_substeps(1 if substeps is None else substeps)
    elif opens_in_c(told):
        _refuse_options(told, "its own frame_skip is its substeps", substeps=substeps)
    else:
        _refuse_options(told, "leave it out", substeps=substeps, initial_noise=initial_noise)
        asked = None if derivative == "exact" else derivative
        _refuse_options(told, "leave it out; linearize and collect take a derivative of their own", derivative=asked)
    check_noise(0.0 if initial_noise is None else initial_noise)
    engine_for(derivative)


def is_model_file(name: object) -> bool:
    """Tell whether a name is the path of a model: it ends in .xml, or has a folder in it."""
    if isinstance(name, os.PathLike):
        return True
    return isinstance(name, str) and (name.lower().endswith(".xml") or "/" in name or os.sep in name)


def opens_in_c(name: str) -> bool:
    """Tell whether ``derivative="finite-difference"`` opens it in MuJoCo's C code: a model file, a Gymnasium task."""
    return is_model_file(name) or (is_gymnasium_id(name) and registered(name) is None)


def is_taken(name: str) -> bool:
    """Tell whether a name means an environment that comes with dynsparse or Gymnasium."""
    return name in (*ALL_ENVIRONMENT_NAMES, *SUITE_NAMES, "all") or is_gymnasium_id(name)


def check_name(name: object) -> None:
    """Refuse a name that is no environment's, before anything is computed.

    Raises:
        UnknownEnvironmentError: there is none; names the nearest ones.
    """
    if isinstance(name, str):
        if name in ALL_ENVIRONMENT_NAMES or registered(name) is not None or is_gymnasium_id(name):
            return
        if name.isidentifier():  # the other names cost the import of Playground
            from dynsparse.physics.sources.menagerie import suite_names

            if name in suite_names():
                return
    raise UnknownEnvironmentError(unknown_environment(name))


def unknown_environment(name: object) -> str:
    """Return the message for a name that is no environment's: it says which ones are nearest."""
    if isinstance(name, str) and os.path.isdir(name):
        return f"{name} is a folder; give the path of a model in it (.xml){models_in(Path(name))}"
    if isinstance(name, str) and os.path.isfile(name):
        return f"{name} is a file that is no model; a model ends in .xml, and a Python file is given as FILE.py:NAME"
    names: tuple[str, ...] = (*registered_names(), *ALL_ENVIRONMENT_NAMES)
    if isinstance(name, str) and name.isidentifier():
        from dynsparse.physics.sources.menagerie import suite_names

        names = (*names, *suite_names())
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.4)
    folded = [known for known in names if name and str(name).lower() in known.lower() and known not in near]
    nearest = ", ".join([*near, *folded][:3]) or ", ".join(names)
    return (
        f"no environment is called {name!r}; nearest: {nearest}. `dynsparse envs` lists all; a model of your own is "
        "given by its path, such as robot.xml"
    )


def _refuse_options(name: str, advice: str, **options: Any) -> None:
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise SettingError(f"{given[0]} is for models of your own, got it with {name}; {advice}")
