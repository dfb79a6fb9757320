"""A stored data set, opened together with its environment and workers that can compute its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dynsparse.errors import DatasetError

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset
    from dynsparse.physics.environment import Environment
    from dynsparse.rollout.collector import Collector

__all__ = ["environment_of", "opened"]


@contextmanager
def opened(path: Path, workers: int, own: str | None = None) -> Iterator[tuple[Dataset, Environment, Collector]]:
    """Open a data set, its environment and worker processes, which end afterwards.

    Args:
        path: Folder of the data set.
        workers: How many; 0 for one on each usable core.
        own: Its environment, where its name alone does not tell: ``FILE.py:NAME``, or the path of a model (.xml).

    Yields:
        The three.

    Raises:
        DatasetError: It is none, is damaged, or was made with another model of the environment, or another function.
        UnknownEnvironmentError: ``own`` is no environment.
    """
    from dynsparse.dataset import open_dataset
    from dynsparse.rollout.collector import Collector
    from dynsparse.rollout.stored_rows import settings_of

    dataset = open_dataset(path)
    env = environment_of(dataset, own)
    with Collector(env, settings_of(dataset), workers=workers) as collector:
        yield dataset, env, collector


def environment_of(dataset: Dataset, own: str | None = None) -> Environment:
    """Load the environment that a data set was made with.

    Args:
        dataset: The data set.
        own: Its environment, where its name alone does not tell.

    Returns:
        The environment, of the same model.

    Raises:
        DatasetError: It was made with another model of the environment, or another function, or does not tell which.
        UnknownEnvironmentError: ``own`` is no environment.
    """
    env = _environment(dataset, own)
    if dataset.description.extras.get("model_sha256") != env.fingerprint:
        raise DatasetError(_other(dataset, env, own))
    return env


def _environment(dataset: Dataset, own: str | None) -> Environment:
    """Load the environment of a data set."""
    from dynsparse.cli.environments import environment_names, is_model_path, open_environment

    description = dataset.description
    in_c = description.extras.get("engine") == "mujoco-c"
    derivative = "finite-difference" if in_c else "exact"
    if own is None:
        if description.environment_config.get("source") == "mjcf":
            raise DatasetError(
                f"{dataset.path} is of {dataset.environment}, a model of the user's own, which it does not hold; say "
                f"where it is with --env PATH/{description.environment_config.get('file', 'model.xml')}"
            )
        if dataset.description.extras.get("engine") == "function":
            raise DatasetError(
                f"{dataset.path} is of {dataset.environment}, a function of the user's own, which it does not hold; "
                "say where it is with --env FILE.py:NAME"
            )
        return open_environment(dataset.environment, derivative=derivative)
    if is_model_path(own):
        environment_names([own], models=True)
        return open_environment(own, substeps=description.substeps, derivative=derivative)
    names = environment_names([own])
    if len(names) != 1 or names[0] != dataset.environment:
        raise DatasetError(f"{dataset.path} is of {dataset.environment}, and --env {own} is {', '.join(names)}")
    return open_environment(names[0])


def _other(dataset: Dataset, env: Environment, own: str | None) -> str:
    """Say that a data set's environment is not the one that is here."""
    there = dataset.description.versions
    if env.engine == "function":
        import jax

        return (
            f"{dataset.path} was made with another function, start, reward, bounds or names than those of {own} (or "
            f"another version of JAX: {there.get('jax')} there, {jax.__version__} here); use those"
        )
    if own is not None:
        return (
            f"{dataset.path} was made with another model than {own} (or another version of MuJoCo: "
            f"{there.get('mujoco')} there); give the model as it was"
        )
    return (
        f"{dataset.path} was made with another model of {env.name} than the one installed here "
        f"(playground {there.get('playground')}, mujoco {there.get('mujoco')} there); use those versions"
    )
