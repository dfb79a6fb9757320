"""What a collecting worker does: roll episodes out, then differentiate their rows without computing them again.

Imported in worker processes only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from dynsparse.errors import PolicyError
from dynsparse.physics.batches import start_compilation
from dynsparse.physics.engines import make_engine
from dynsparse.physics.environment import Environment
from dynsparse.physics.passing import unpack
from dynsparse.physics.tasks import RowTask, task_of
from dynsparse.rollout.coverage import coverage_states
from dynsparse.rollout.plan import EPISODES_AT_ONCE
from dynsparse.rollout.policies import Policy, initial_key, policy_noise, random_actions_of
from dynsparse.rollout.wave import row_numbers
from dynsparse.workers import Message

__all__ = ["RolloutServer", "serve"]

Arrays = dict[str, np.ndarray]


class RolloutServer:
    """Serves ``collect``, ``roll_out``, ``cover``, ``recompute`` and ``evaluate`` requests of one environment.

    Attributes:
        ready_meta: what the parent learns when this worker is ready.
    """

    def __init__(self, start: Message) -> None:
        """Load the environment and prepare to compile.

        Args:
            start: what ``passing.pack`` gave; meta ``derivative``, ``cache``, ``seed``, ``action_hold`` and ``policy``
                (a file, or empty for the random policy).
        """
        compilation, problem = start_compilation(start, f"collect-{start.meta['derivative']}")
        self.ready_meta: dict[str, Any] = {"cache_problem": problem}
        self._env = unpack(start)
        self._engine = make_engine(self._env, str(start.meta["derivative"]), compilation=compilation)
        self._task = task_of(self._env, observed_rows=EPISODES_AT_ONCE, compilation=compilation)
        self._seed, self._hold = int(start.number("seed")), int(start.number("action_hold"))
        self._policy = _policy(start, self._env, self._task)
        # The parts of two waves for each of several requests: drawn once, not for each request anew.
        self._choosers = lru_cache(maxsize=8)(self._chooser)
        self._serve: Mapping[str, Callable[[Message], Arrays]] = {
            "collect": self._collect,
            "roll_out": self._roll_out,
            "cover": self._cover,
            "recompute": self._recompute,
            "evaluate": self._evaluate,
        }

    def __call__(self, request: Message) -> Message:
        """Answer a request."""
        arrays = self._serve[request.kind](request)
        return Message(request.kind, {}, {name: np.ascontiguousarray(array) for name, array in arrays.items()})

    def _collect(self, request: Message) -> Arrays:
        """Run and differentiate control steps of some episodes, from their start or from where they stand.

        Where they stand (state, warm start, observation, mocap bodies) comes back under names with ``end_``.  Rows
        behind the data set's last one are run, which costs nothing beside others, but not differentiated.
        """
        first, steps = int(request.number("first")), int(request.number("steps"))
        found, end = self._rolled(request)
        episode_steps = int(request.number("episode_steps"))
        there = row_numbers(request.arrays["episodes"], first, steps, episode_steps) < int(request.number("rows"))
        if not there.all():
            found = {name: array[there] for name, array in found.items()}
        return self._differentiated(found) | {f"end_{name}": array for name, array in end.items()}

    def _roll_out(self, request: Message) -> Arrays:
        """Run control steps of some episodes as ``collect`` does, and reward them without differentiating them."""
        found, end = self._rolled(request)
        kept = {name: found[name] for name in ("state", "next_state", "action", "mocap_pos", "mocap_quat")}
        kept["reward"] = self._task.rewards_of(found)
        return kept | {f"end_{name}": array for name, array in end.items()}

    def _rolled(self, request: Message) -> tuple[Arrays, Arrays]:
        """Run control steps of some episodes, from their start or from where they stand.

        Returns:
            Rows, episode after episode, with every solver call; and where the episodes stand then.
        """
        episodes = request.arrays["episodes"].tolist()
        first, steps = int(request.number("first")), int(request.number("steps"))
        at = dict(request.arrays) if first else self._starts(episodes)
        episode_steps = int(request.number("episode_steps"))
        chooser = self._choosers(tuple(episodes), episode_steps)
        observation, state, warmstart = at["observation"], at["state"], at["warmstart"]
        mocap = {name: at[name] for name in ("mocap_pos", "mocap_quat")}
        kept: list[Arrays] = []
        # A policy looks after every step; without one there is nothing to wait for.
        stride = 1 if chooser.looks else steps
        for t in range(first, first + steps, stride):
            raw, action = chooser.choose(t, stride, observation)
            rows = {"action": action, "action_raw": raw, **self._engine.run(state, action, warmstart)}
            rows["state"] = np.concatenate([state[:, None], rows["next_state"][:, :-1]], axis=1)
            rows["warmstart"] = np.concatenate([warmstart[:, None], rows["next_warmstart"][:, :-1]], axis=1)
            if chooser.looks:
                observation = self._task.observe_after({name: x[:, 0] for name, x in rows.items()} | mocap)
            kept.append(rows)
            state, warmstart = rows["next_state"][:, -1], rows["next_warmstart"][:, -1]
        # Episode after episode: (e, T, ...) flattened.
        found = {name: _flattened([rows[name] for rows in kept]) for name in kept[0]}
        found |= {name: np.repeat(array, steps, axis=0) for name, array in mocap.items()}
        return found, {"state": state, "warmstart": warmstart, "observation": observation, **mocap}

    def _chooser(self, episodes: tuple[int, ...], steps: int) -> _Chooser:
        return _Chooser(self._env, self._policy, self._seed, self._hold, episodes, steps)

    def _starts(self, episodes: list[int]) -> Arrays:
        """Return where some episodes begin."""
        starts = self._task.starts([initial_key(self._env, self._seed, episode) for episode in episodes])
        names = ("state", "warmstart", "observation", "mocap_pos", "mocap_quat")
        return {name: np.stack([getattr(start, name) for start in starts]) for name in names}

    def _cover(self, request: Message) -> Arrays:
        """Run and differentiate the one-step episodes ``first`` to ``first + rows - 1`` of the coverage sequence."""
        rows = int(request.number("rows"))
        start = coverage_states(self._env, self._seed, int(request.number("first")), rows)
        home = self._task.start(0)
        found: Arrays = {"state": start.states, "action": start.actions, "action_raw": start.actions}
        found |= {"warmstart": start.warmstarts, "penetrating": start.penetrating}
        found |= self._single(start.states, start.actions, start.warmstarts)
        for name in ("mocap_pos", "mocap_quat"):
            found[name] = np.repeat(getattr(home, name)[None], rows, axis=0)
        return self._differentiated(found)

    def _recompute(self, request: Message) -> Arrays:
        """Run and differentiate single control steps from given states, exactly as a roll-out does."""
        rows = request.arrays
        return self._differentiated({**rows, **self._single(rows["state"], rows["action"], rows["warmstart"])})

    def _evaluate(self, request: Message) -> Arrays:
        """Run single control steps and keep where they end, and what pushed."""
        rows = request.arrays
        return dict(vars(self._engine.evaluate(rows["state"], rows["action"], rows["warmstart"])))

    def _single(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Arrays:
        """Run one control step of each of n rows."""
        return {name: array[:, 0] for name, array in self._engine.run(states, actions[:, None], warmstarts).items()}

    def _differentiated(self, rows: Arrays) -> Arrays:
        """Differentiate rows that were run, reward them, and leave out what only that needs: the engine's record."""
        found = self._engine.differentiate_run(rows)
        kept = {name: array for name, array in rows.items() if name not in self._engine.record}
        return kept | {
            "reward": self._task.rewards_of(rows),
            "jac_state": found.jac_state,
            "jac_action": found.jac_action,
            "solver_residual": found.solver_residual,
            "constraint_active": found.constraint_active,
            "constraint_active_start": found.constraint_active_start,
        }


def serve(start: Message) -> RolloutServer:
    """Make the handler of a worker (the task that the parent names)."""
    return RolloutServer(start)


class _Chooser:
    """The actions of a group of episodes: drawn beforehand, or chosen by a policy that looks."""

    def __init__(
        self, env: Environment, policy: Policy | None, seed: int, hold: int, episodes: tuple[int, ...], steps: int
    ) -> None:
        self._policy, self._episodes, self._middle = policy, episodes, _middle(env)
        if policy is None:
            self._drawn = np.stack([random_actions_of(env, seed, episode, steps, hold) for episode in episodes])
        else:
            noise = [policy_noise(env.name, seed, episode, steps, env.action_dim) for episode in episodes]
            self._noise = np.stack(noise)

    @property
    def looks(self) -> bool:
        """Whether the actions depend on what is observed."""
        return self._policy is not None

    def choose(self, t: int, steps: int, observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (e, steps, da) actions from step t on, as sampled and as applied; a policy gives one step."""
        if self._policy is None:
            return self._drawn[:, t : t + steps], self._drawn[:, t : t + steps]
        # A simulation that has gone to NaN is no fault of the policy's: it is not asked any more.
        lost = ~np.isfinite(observation).all(axis=1)[:, None]
        try:
            raw, action = self._policy.act(np.where(lost, 0.0, observation), self._noise[:, t])
        except PolicyError as error:
            where = "" if error.row is None else f" in episode {self._episodes[error.row]}"
            raise PolicyError(f"{error} (at control step {t}{where})") from error
        return np.where(lost, self._middle, raw)[:, None], np.where(lost, self._middle, action)[:, None]


def _middle(env: Environment) -> np.ndarray:
    """Return an action inside every control range, bounded or not."""
    inside: np.ndarray = np.clip(0.0, env.action_low, env.action_high)
    return inside


def _policy(start: Message, env: Environment, task: RowTask) -> Policy | None:
    path, expected = str(start.meta["policy"]), start.meta["policy_sha256"]
    if not path:
        return None
    from dynsparse.rollout.policy_file import load_policy

    low, high = env.action_low, env.action_high
    policy = load_policy(path, action_low=low, action_high=high, observation_dim=task.observation_dim)
    if expected is not None and policy.fingerprint != expected:
        raise PolicyError(f"{path} has changed since the collection began; give it a file that stays as it is")
    return policy


def _flattened(parts: list[np.ndarray]) -> np.ndarray:
    """Put arrays of (e, some steps, ...) into one of (e * steps, ...), episode after episode."""
    joined = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    return joined.reshape(joined.shape[0] * joined.shape[1], *joined.shape[2:])
