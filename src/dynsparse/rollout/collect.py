"""Collection: trajectories of a policy, with the transition Jacobian of every row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dynsparse.rollout.policies import initial_key, random_actions

if TYPE_CHECKING:
    from dynsparse.config import ReproduceSettings
    from dynsparse.physics.environment import Environment
    from dynsparse.physics.linearization import Linearization
    from dynsparse.physics.linearizer import Linearizer

__all__ = ["Collected", "collect_random"]


@dataclass(frozen=True)
class Collected:
    """Rows of rollouts in the order of episode and time.

    Attributes:
        states: (n, ds) state before the control step.
        actions: (n, da) applied action.
        warmstarts: (n, nv) ``qacc_warmstart`` at the start of the control step.
        next_states: (n, ds) state after it; bitwise the next row's state inside an episode.
        episode: (n,) number of the episode.
        t: (n,) control step inside the episode.
        linearization: Jacobians of the same rows.
    """

    states: NDArray[np.float64]
    actions: NDArray[np.float64]
    warmstarts: NDArray[np.float64]
    next_states: NDArray[np.float64]
    episode: NDArray[np.int64]
    t: NDArray[np.int64]
    linearization: Linearization


def collect_random(
    env: Environment,
    linearizer: Linearizer,
    settings: ReproduceSettings,
    on_phase: Callable[[str], None] = lambda phase: None,
    on_rows: Callable[[int, int], None] | None = None,
) -> Collected:
    """Roll the random policy out and linearize every row.

    Args:
        env: The environment.
        linearizer: Its pool of workers.
        settings: Rows, episodes, seed and action hold.
        on_phase: Told ``"roll out"`` and ``"linearize"`` when they start.
        on_rows: Told rows linearized so far, and how many of them are not finite.

    Returns:
        All rows; an episode's content depends on the seed and its number alone.

    Raises:
        WorkerError: If a worker died or hung; names the rows without a result.
    """
    on_phase("roll out")
    steps = settings.episode_steps
    actions = random_actions(env, settings.episodes, steps, settings.seed, settings.action_hold)
    keys = [initial_key(env, settings.seed, episode) for episode in range(settings.episodes)]
    initial = np.stack([env.sample_initial_state(key) for key in keys])
    rollout = linearizer.roll_out(initial, actions)
    # Episodes are equally long, so that they are rolled out together; the surplus of the last ones is cut here.
    rows = settings.rows
    states = _flat(rollout.states[:, :-1], rows)
    flat_actions = _flat(actions, rows)
    warmstarts = _flat(rollout.warmstarts[:, :-1], rows)
    on_phase("linearize")
    linearization = linearizer.linearize(states, flat_actions, warmstarts, on_rows=on_rows)
    number = np.arange(rows, dtype=np.int64)
    return Collected(
        states=states,
        actions=flat_actions,
        warmstarts=warmstarts,
        next_states=_flat(rollout.states[:, 1:], rows),
        episode=number // steps,
        t=number % steps,
        linearization=linearization,
    )


def _flat(block: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Put (episodes, steps, width) into (rows, width), the surplus cut off."""
    return np.ascontiguousarray(block.reshape(-1, block.shape[-1])[:rows])
