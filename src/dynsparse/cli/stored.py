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

__all__ = ["opened"]


@contextmanager
def opened(path: Path, workers: int) -> Iterator[tuple[Dataset, Environment, Collector]]:
    """Open a data set, its environment and worker processes, which end afterwards.

    Args:
        path: Folder of the data set.
        workers: How many; 0 for one on each usable core.

    Yields:
        The three.

    Raises:
        DatasetError: It is none, is damaged, or was made with another model of the environment.
    """
    from dynsparse.dataset import open_dataset
    from dynsparse.physics.environment import load_environment
    from dynsparse.rollout.collector import Collector
    from dynsparse.rollout.stored_rows import settings_of

    dataset = open_dataset(path)
    env = load_environment(dataset.environment)
    made_with = dataset.description.extras.get("model_sha256")
    if made_with != env.fingerprint:
        raise DatasetError(
            f"{path} was made with another model of {env.name} than the one installed here "
            f"(playground {dataset.description.versions.get('playground')}, "
            f"mujoco {dataset.description.versions.get('mujoco')} there); use those versions"
        )
    with Collector(env, settings_of(dataset), workers=workers) as collector:
        yield dataset, env, collector
