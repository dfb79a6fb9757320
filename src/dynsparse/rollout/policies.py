"""Policies: who chooses the actions, and the streams of random numbers that they are drawn from."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = [
    "Policy",
    "bounded_range",
    "coverage_stream",
    "initial_key",
    "policy_noise",
    "random_actions",
    "random_actions_of",
]

_ACTIONS, _INITIAL_STATE, _NOISE, _COVERAGE = 0, 1, 2, 3


class Policy(Protocol):
    """Someone who chooses actions from observations, for a batch of episodes at once.

    A policy keeps nothing between calls, and what it does with one row does not depend on the others: an episode is
    the same, bit for bit, whichever others it is rolled out with.

    Attributes:
        name: how files and messages call it.
        family: how a sampled action becomes an applied one: ``"tanh-normal"``, ``"gaussian-clip"``, ...
        fingerprint: SHA-256 of what decides its actions, 64 hexadecimal digits; None where there are no weights.
        observation_dim: do, length of an observation; None if it looks at none.
        action_dim: da, number of actions.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - the class docstring says it

    @property
    def family(self) -> str: ...  # noqa: D102

    @property
    def fingerprint(self) -> str | None: ...  # noqa: D102

    @property
    def observation_dim(self) -> int | None: ...  # noqa: D102

    @property
    def action_dim(self) -> int: ...  # noqa: D102

    def act(
        self, observation: NDArray[np.floating[Any]], noise: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Choose the actions of one control step.

        Args:
            observation: (e, do), one row for each episode.
            noise: (e, da) standard normal numbers, see ``policy_noise``; None for the policy's deterministic actions.

        Returns:
            (e, da) ``action_raw`` as sampled, before squashing or clipping, and (e, da) ``action`` as applied, inside
            the control range, both in float64.

        Raises:
            PolicyError: If an output is NaN or infinite; ``row`` is the index into the batch.
        """
        ...


def random_actions_of(env: Environment, seed: int, episode: int, steps: int, hold: int) -> NDArray[np.float64]:
    """Draw one episode's actions of the random policy: uniform in the control range, each kept for a few steps.

    White noise averages out over a control step's inertia: joints then stay near the middle, away from limits and
    contacts.  An action that is held pushes long enough to get there.

    Args:
        env: Whose control range.
        seed: Seed; the actions depend on it, on the environment's name and on the episode's number alone.
        episode: Number of the episode.
        steps: Control steps T; a longer episode begins with the actions of a shorter one.
        hold: Control steps that an action is kept for.

    Returns:
        (T, da) applied actions, in the control range's unit.

    Raises:
        SettingError: If the environment's control range has no end, or ``steps`` or ``hold`` is below 1.
    """
    check_count("hold", hold, 1, "1 draws a new action at every control step")
    check_count("steps", steps, 1, "an episode has at least one control step")
    low, high = bounded_range(env, "policy 'random'")
    draws = -(-steps // hold)
    rng = np.random.default_rng(_stream(env.name, seed, episode, _ACTIONS))
    return np.repeat(rng.uniform(low, high, size=(draws, env.action_dim)), hold, axis=0)[:steps]


def random_actions(env: Environment, episodes: int, steps: int, seed: int, hold: int) -> NDArray[np.float64]:
    """Draw the random policy's actions of episodes 0 to e - 1.

    Args:
        env: Whose control range.
        episodes: Number of episodes e.
        steps: Control steps of an episode T.
        seed: Seed, see ``random_actions_of``.
        hold: Control steps that an action is kept for.

    Returns:
        (e, T, da) applied actions, in the control range's unit.

    Raises:
        SettingError: As ``random_actions_of``.
    """
    return np.stack([random_actions_of(env, seed, episode, steps, hold) for episode in range(episodes)])


def policy_noise(env_name: str, seed: int, episode: int, steps: int, action_dim: int) -> NDArray[np.float32]:
    """Draw the noise with which a stochastic policy samples its actions in one episode.

    Args:
        env_name: Name of the environment.
        seed: Seed; the noise depends on it, on the name and on the episode's number alone.
        episode: Number of the episode.
        steps: Control steps T; a longer episode begins with the noise of a shorter one.
        action_dim: Number of actions da.

    Returns:
        (T, da) standard normal numbers, one row for each control step.
    """
    rng = np.random.default_rng(_stream(env_name, seed, episode, _NOISE))
    return rng.standard_normal((steps, action_dim), dtype=np.float32)


def initial_key(env: Environment, seed: int, episode: int) -> int:
    """Return the key from which an episode's initial state is drawn.

    Args:
        env: Whose initial state.
        seed: Seed of the collection.
        episode: Number of the episode.

    Returns:
        An integer in [0, 2**63), independent of the stream that the episode's actions come from.
    """
    state = _stream(env.name, seed, episode, _INITIAL_STATE).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def coverage_stream(env_name: str, seed: int, row: int | None = None) -> np.random.SeedSequence:
    """Return the stream of random numbers of a coverage sequence, or of one of its rows.

    Args:
        env_name: Name of the environment.
        seed: Seed of the collection.
        row: Index of the row; None for the sequence as a whole.

    Returns:
        A stream that depends on these three alone.
    """
    return _stream(env_name, seed, 0 if row is None else row + 1, _COVERAGE)


def bounded_range(env: Environment, who: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the control range to draw actions from.

    Args:
        env: Whose control range.
        who: Who draws, for the message.

    Returns:
        (da,) lower and (da,) upper bounds.

    Raises:
        SettingError: If a bound is infinite.
    """
    low, high = env.action_low, env.action_high
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        bounded = np.isfinite(low) & np.isfinite(high)
        lacking = ", ".join(name for name, has in zip(env.action_names, bounded, strict=True) if not has)
        if env.engine == "function":
            raise SettingError(
                f"{who} needs bounded actions, {env.name} has no bounds of {lacking}; pass action_low and action_high "
                "to environment_from_function"
            )
        raise SettingError(
            f"{who} needs a bounded control range, {env.name} has actuators without one: {lacking}; give each a "
            "ctrlrange"
        )
    return low, high


def _stream(env_name: str, seed: int, episode: int, purpose: int) -> np.random.SeedSequence:
    # Spawning by hand: the stream of an episode does not depend on how many others were asked for.  The name is part
    # of it because FingerSpin and FingerTurnEasy are one model: with the same stream they would be the same rows.
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(env_name.encode()), episode, purpose))
