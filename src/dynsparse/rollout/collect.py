"""Collection: a data set of transitions with the exact Jacobian of every row."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.dataset import DatasetDescription, create_dataset
from dynsparse.dataset.creation import refuse_taken
from dynsparse.dataset.place import is_empty
from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.environment import Environment
from dynsparse.physics.tasks import observation_dim
from dynsparse.provenance import DECIDING_PACKAGES, package_versions
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.committer import Committer
from dynsparse.rollout.experts import policy_path
from dynsparse.rollout.policies import bounded_range
from dynsparse.rollout.settings import CollectSettings

__all__ = ["Collected", "collect", "describe", "fill_dataset"]

BLOCK_BYTES = 32 * 2**20
"""Most bytes of a block's rows before compression, about: one episode where that is more.  A commit costs some
twenty flushes to disk whatever its size, and what is not committed is lost with a stop."""


@dataclass(frozen=True)
class Collected:
    """What a collection did.

    Attributes:
        path: the data set.
        rows: rows that it holds now.
        new_rows: rows that were added.
        nonfinite_rows: how many of the added ones are not finite.
        seconds: time of the rows alone, without starting and compiling, s.
        compile_seconds: time of starting and compiling, s.
        peak_rss_mib: most memory of one worker, MiB.
    """

    path: Path
    rows: int
    new_rows: int
    nonfinite_rows: int
    seconds: float
    compile_seconds: float
    peak_rss_mib: float


def collect(
    env: Environment,
    settings: CollectSettings,
    path: str | os.PathLike[str],
    *,
    workers: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int, int], None] | None = None,
    on_collector: Callable[[Collector], None] = lambda _collector: None,
) -> Collected:
    """Roll a policy out, differentiate every row, and store block after block.

    Stopped at any moment and called again with ``resume``, it ends with the same bytes as without the stop.

    Args:
        env: the environment.
        settings: what decides the rows.
        path: folder of the data set.
        workers: worker processes; 0 for one on each usable core.
        resume: go on with a data set of the same settings; start one where there is none.
        overwrite: replace a data set that is there.
        on_phase: told ``"compile"`` and ``"collect"`` as they begin.
        on_rows: told rows of the data set so far, and how many of the new ones are not finite.
        on_collector: told the worker processes' owner once there is one, to be able to stop them.

    Returns:
        What was done.

    Raises:
        OutputExistsError: something is there; or, with ``resume``, a data set of other settings (each named).
        OutputError: it can not be written, or another process is writing there.
        PolicyError: the policy's file does not fit the environment.
        WorkerError: a worker died or hung, or the policy returned a number that is not finite, which is named; blocks
            that were whole are committed.
        UnsupportedModelError: the environment has no such derivative.
    """
    refuse_taken(path, resume=resume, overwrite=overwrite)
    sha256 = describe(env, settings).policy["sha256"]
    with Collector(env, settings, workers=workers, policy_sha256=sha256) as collector:
        on_collector(collector)
        return fill_dataset(
            env, settings, path, collector, resume=resume, overwrite=overwrite, on_phase=on_phase, on_rows=on_rows
        )


def fill_dataset(
    env: Environment,
    settings: CollectSettings,
    path: str | os.PathLike[str],
    collector: Collector,
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int, int], None] | None = None,
) -> Collected:
    """Do what ``collect`` does, with workers that somebody else opened and closes.

    Args:
        env: see ``collect``.
        settings: see ``collect``.
        path: see ``collect``.
        collector: workers of that environment and those settings; not started where nothing is missing.
        resume: see ``collect``.
        overwrite: see ``collect``.
        on_phase: see ``collect``.
        on_rows: see ``collect``.

    Returns:
        What was done.

    Raises:
        DynsparseError: see ``collect``.
    """
    description = describe(env, settings)
    fresh = not resume or is_empty(Path(path))
    refuse_taken(path, resume=resume, overwrite=overwrite)
    if fresh:
        # Before anything is written or removed: a collection that can not start leaves what was there.
        on_phase("compile")
        collector.warm_up()
    with create_dataset(path, description, resume=resume, overwrite=overwrite) as writer:
        missing = writer.missing
        places = [description.block_rows(number) for number in missing]
        new = sum(place.stop - place.start for place in places)
        before, nonfinite = description.rows - new, [0]

        def count(done: int, bad: int) -> None:
            nonfinite[0] = bad
            if on_rows is not None:
                on_rows(before + done, bad)

        seconds = 0.0
        if missing:
            if not fresh:
                on_phase("compile")
                collector.warm_up()
            on_phase("collect")
            began = time.perf_counter()
            with Committer(writer) as committer:
                collector.make(description, missing, committer.commit, on_rows=count)
            seconds = time.perf_counter() - began
    return Collected(
        path=Path(path),
        rows=description.rows,
        new_rows=new,
        nonfinite_rows=nonfinite[0],
        seconds=seconds,
        compile_seconds=collector.compile_seconds,
        peak_rss_mib=collector.peak_rss_mib,
    )


def describe(env: Environment, settings: CollectSettings) -> DatasetDescription:
    """Say what a data set of these settings holds.

    Args:
        env: the environment.
        settings: what decides the rows.

    Returns:
        The description that is stored with it.

    Raises:
        PolicyError: the policy's file can not be read, or has other shapes than the environment.
        SettingError: the random policy has no range to draw from.
        UnsupportedModelError: the environment has no such derivative.
    """
    env.check_derivative(settings.derivative)
    if settings.states == "coverage" and env.engine == "function":
        raise UnsupportedModelError(
            f"{env.name} is a function, which has no joints whose whole range could be covered; collect with states "
            "'rollout', from an initial_state that spreads as you want"
        )
    steps = 1 if settings.states == "coverage" else min(settings.episode_steps, settings.rows)
    width = 8 if settings.dtype == "float64" else 4
    jacobians = env.tangent_dim * (env.tangent_dim + env.action_dim)
    reals = jacobians + 2 * env.state_dim + 2 * env.action_dim + env.nv + 7 * env.nmocap + 2
    held = settings.is_random and settings.states == "rollout"
    episode_bytes = steps * (width * reals + 2 * len(env.constraint_names) + 19)
    return DatasetDescription(
        environment=env.name,
        state_names=env.state_names,
        state_units=env.state_units,
        action_names=env.action_names,
        action_low=tuple(env.action_low.tolist()),
        action_high=tuple(env.action_high.tolist()),
        constraint_names=env.constraint_names,
        quaternions=env.space.quaternions,
        nv=env.nv,
        nmocap=env.nmocap,
        rows=settings.rows,
        episode_steps=steps,
        episodes_per_block=_episodes_per_block(episode_bytes),
        dtype=settings.dtype,
        policy=_policy(env, settings),
        seed=settings.seed,
        states=settings.states,
        derivative=settings.derivative,
        environment_config=dict(env.source.config),
        versions=package_versions(DECIDING_PACKAGES),
        substeps=env.substeps,
        dt=env.dt,
        extras={
            "model_sha256": env.fingerprint,
            **({} if env.engine == "mjx" else {"engine": env.engine}),
            **({} if env.is_rewarded else {"reward": "none"}),
            **({"action_hold": settings.action_hold} if held else {}),
        },
    )


def _episodes_per_block(episode_bytes: int) -> int:
    """Return a power of two: blocks then fill the side by side episodes of every worker."""
    return 1 << max(0, (BLOCK_BYTES // episode_bytes).bit_length() - 1)


def _policy(env: Environment, settings: CollectSettings) -> dict[str, Any]:
    if settings.is_random:
        bounded_range(env, "policy 'random'")  # refused before anything is written
        return {"name": "random", "family": "uniform, held", "sha256": None}
    from dynsparse.rollout.policy_file import load_policy

    low, high = env.action_low, env.action_high
    path = policy_path(env.name, settings.policy)
    policy = load_policy(path, action_low=low, action_high=high, observation_dim=observation_dim(env))
    return {"name": policy.name, "family": policy.family, "sha256": policy.fingerprint}
