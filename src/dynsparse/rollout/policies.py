"""Policies: who chooses the actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["random_actions"]


def random_actions(env: Environment, episodes: int, steps: int, seed: int, hold: int) -> NDArray[np.float64]:
    """Draw the actions of the random policy: uniform in the control range, each kept for a few control steps.

    White noise averages out over a control step's inertia: joints then stay near the middle, away from limits and
    contacts.  An action that is held pushes long enough to get there.

    Args:
        env: Whose control range.
        episodes: Number of episodes e.
        steps: Control steps of an episode T.
        seed: Seed; an episode's actions depend on it and on the episode's number alone.
        hold: Control steps that an action is kept for.

    Returns:
        (e, T, da) applied actions, in the control range's unit.
    """
    draws = -(-steps // hold)
    low, high = env.action_low, env.action_high
    blocks = [
        np.random.default_rng(child).uniform(low, high, size=(draws, env.action_dim))
        for child in np.random.SeedSequence(seed).spawn(episodes)
    ]
    return np.stack([np.repeat(block, hold, axis=0)[:steps] for block in blocks])
