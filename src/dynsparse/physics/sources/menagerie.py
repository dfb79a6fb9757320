"""Playground's locomotion and manipulation tasks, whose robots lie in the MuJoCo Menagerie.

Playground clones it over the network where its folder is missing.  Never here: a missing folder is an error.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dynsparse.errors import EnvironmentFileError

__all__ = ["VARIABLE", "load_with_assets", "suite_names"]

VARIABLE = "DYNSPARSE_MENAGERIE"

_switching = threading.RLock()


def suite_names() -> tuple[str, ...]:
    """Return the names of all locomotion and manipulation tasks; imports Playground, which takes seconds."""
    from mujoco_playground import locomotion, manipulation

    return (*locomotion.ALL_ENVS, *manipulation.ALL_ENVS)


def load_with_assets(name: str) -> Any:
    """Load a task of Playground's, for the JAX back end, with the assets that are there.

    Args:
        name: one of ``suite_names``.

    Returns:
        Playground's environment.

    Raises:
        EnvironmentFileError: the Menagerie, or this robot's folder in it, is not there; says what to do.
        UnsupportedModelError: MJX's JAX back end can not simulate it.
    """
    from mujoco_playground import locomotion, manipulation

    suite = locomotion if name in locomotion.ALL_ENVS else manipulation
    with _menagerie(name) as folder:
        config = suite.get_default_config(name).copy_and_resolve_references()
        try:
            return suite.load(name, config=config, config_overrides={"impl": "jax"})
        except (OSError, ValueError, KeyError) as error:
            told = " ".join(str(error).split())
            raise EnvironmentFileError(
                f"{name} can not be loaded with the Menagerie in {folder}: {told}; {_advice(folder)}"
            ) from error


@contextlib.contextmanager
def _menagerie(name: str) -> Iterator[Path]:
    """Hand Playground the folder of assets for the time of a load, and keep it from fetching one."""
    from etils import epath
    from mujoco_playground._src import mjx_env

    with _switching:  # Playground keeps the path in a module
        usual, fetch = mjx_env.MENAGERIE_PATH, mjx_env.ensure_menagerie_exists
        asked = os.environ.get(VARIABLE)
        folder = Path(asked) if asked else Path(str(usual))
        if not folder.is_dir():
            whose = f"{VARIABLE} names {folder}" if asked else f"Playground looks in {folder}"
            raise EnvironmentFileError(
                f"{name} needs the MuJoCo Menagerie, and {whose}, which is no folder; {_advice(folder)}"
            )
        mjx_env.MENAGERIE_PATH = epath.Path(folder.resolve())
        mjx_env.ensure_menagerie_exists = lambda: None
        try:
            yield folder
        finally:
            mjx_env.MENAGERIE_PATH, mjx_env.ensure_menagerie_exists = usual, fetch


def _advice(folder: Path) -> str:
    from mujoco_playground._src import mjx_env

    commit = mjx_env.MENAGERIE_COMMIT_SHA
    return (
        f"nothing is downloaded by itself: git clone https://github.com/deepmind/mujoco_menagerie.git {folder} && "
        f"git -C {folder} checkout {commit}, or set {VARIABLE} to a folder that has it"
    )
