"""Policies: who chooses the actions."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["initial_key", "random_actions"]

_ACTIONS, _INITIAL_STATE = 0, 1


def random_actions(env: Environment, episodes: int, steps: int, seed: int, hold: int) -> NDArray[np.float64]:
    """Draw the actions of the random policy: uniform in the control range, each kept for a few control steps.

    White noise averages out over a control step's inertia: joints then stay near the middle, away from limits and
    contacts.  An action that is held pushes long enough to get there.

    Args:
        env: Whose control range.
        episodes: Number of episodes e.
        steps: Control steps of an episode T.
        seed: Seed; an episode's actions depend on it, on the environment's name and on the episode's number alone.
        hold: Control steps that an action is kept for.

    Returns:
        (e, T, da) applied actions, in the control range's unit.

    Raises:
        SettingError: If the environment's control range has no end.
    """
    low, high = env.action_low, env.action_high
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise SettingError(f"policy 'random' needs a bounded control range, {env.name} has {low} to {high}")
    draws = -(-steps // hold)
    blocks = [
        np.random.default_rng(_stream(env, seed, episode, _ACTIONS)).uniform(low, high, size=(draws, env.action_dim))
        for episode in range(episodes)
    ]
    return np.stack([np.repeat(block, hold, axis=0)[:steps] for block in blocks])


def initial_key(env: Environment, seed: int, episode: int) -> int:
    """Return the key from which an episode's initial state is drawn.

    Args:
        env: Whose initial state.
        seed: Seed of the collection.
        episode: Number of the episode.

    Returns:
        An integer in [0, 2**63), independent of the stream that the episode's actions come from.
    """
    state = _stream(env, seed, episode, _INITIAL_STATE).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def _stream(env: Environment, seed: int, episode: int, purpose: int) -> np.random.SeedSequence:
    # Spawning by hand: the stream of an episode does not depend on how many others were asked for.  The name is part
    # of it because FingerSpin and FingerTurnEasy are one model: with the same stream they would be the same rows.
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(env.name.encode()), episode, purpose))
