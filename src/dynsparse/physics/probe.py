"""The rows at which derivatives are audited: ordinary ones, and ones near contact and near limits.

Which rows are taken depends on the values of the step alone (which constraints pushed), never on a
derivative: an audit that chose its rows by what it is to judge would prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np

from dynsparse.errors import SettingError
from dynsparse.physics.differences import Evaluator
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import CONSTRAINT_KINDS, Rollout

__all__ = ["ORIGINS", "ProbeRows", "RowRunner", "check_probe", "probe_rows", "random_rows"]

ORIGINS = ("random", "near contact", "near limits")

RANDOM_STEPS = 100
CONTACT_STEPS = 40
LIMIT_STEPS = 4
"""Control steps of an episode: enough to fall to the ground from where it starts, or to run into a limit."""

LONGEST_HOLD = 10
"""An action is held for 1 to 10 control steps: long enough to drive a joint to its limit."""


class RowRunner(Evaluator, Protocol):
    """What probing needs of a Linearizer: control steps and episodes."""

    def roll_out(
        self, initial_states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray | None = None
    ) -> Rollout:
        """Run whole episodes."""


@dataclass(frozen=True)
class ProbeRows:
    """Rows to audit or to measure at.

    Attributes:
        states: (n, ds).
        actions: (n, da), inside the control range.
        warmstarts: (n, nv), as the roll-out left them, m/s^2 or rad/s^2.
        origin: (n,) index into ``ORIGINS``.
        active: (n, kinds) bool, which of ``CONSTRAINT_KINDS`` exert force during the row's own step.
    """

    states: np.ndarray
    actions: np.ndarray
    warmstarts: np.ndarray
    origin: np.ndarray
    active: np.ndarray

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.states)

    def take(self, index: np.ndarray) -> ProbeRows:
        """The rows at some indices, in their order."""
        return ProbeRows(
            self.states[index], self.actions[index], self.warmstarts[index], self.origin[index], self.active[index]
        )


def check_probe(rows: int, seed: int) -> None:
    """Refuse a number of rows or a seed that can not be, before anything is computed.

    Raises:
        SettingError: ``rows`` is below 1 or ``seed`` is negative, or one is no whole number.
    """
    for name, value, least, advice in (("rows", rows, 1, 300), ("seed", seed, 0, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SettingError(f"expected {name} to be a whole number of at least {least}, got {value!r}: try {advice}")


def random_rows(env: Environment, runner: RowRunner, rows: int, seed: int) -> ProbeRows:
    """Draw rows from episodes under random held actions, from the environment's own initial states.

    Args:
        env: the environment.
        runner: a Linearizer of that environment.
        rows: how many.
        seed: decides initial states, actions and which steps are taken.

    Raises:
        SettingError: ``rows`` is below 1 or ``seed`` negative.
    """
    check_probe(rows, seed)
    rng = np.random.default_rng([seed, 0])
    # Ten rows an episode, ten steps apart on average; one episode in ten more, should one run into a NaN.
    starts = _initial_states(env, rng, 1 + rows * 11 // 100)
    drawn = _roll(env, runner, rng, starts, steps=RANDOM_STEPS, each=10)
    return drawn.take(np.arange(min(rows, len(drawn))))


def probe_rows(env: Environment, runner: RowRunner, rows: int, seed: int) -> ProbeRows:
    """Draw rows of which half are ordinary and half have an active constraint, every kind in turn.

    The pool is three times as large as what is taken from it.  The second half goes round the kinds of
    constraint that some row of the pool has, so that a rare kind is not drowned by a common one; where
    the model has none to offer, ordinary rows fill up.

    Args:
        env: the environment.
        runner: a Linearizer of that environment.
        rows: how many.
        seed: decides everything random.

    Returns:
        The rows, ordered by how they were chosen: ordinary ones first.

    Raises:
        SettingError: ``rows`` is below 1 or ``seed`` negative.
    """
    check_probe(rows, seed)
    if env.engine == "function":  # which has neither joints nor constraints to be near
        return random_rows(env, runner, rows, seed)
    rng = np.random.default_rng([seed, 1])
    ordinary = random_rows(env, runner, rows, seed)
    fallen = _roll(env, runner, rng, _scattered(env, rng, rows), steps=CONTACT_STEPS, each=1)
    pushed = _roll(env, runner, rng, _near_limits(env, rng, rows), steps=LIMIT_STEPS, each=1)
    pool = _pooled([ordinary, fallen, pushed])
    return pool.take(_choose(pool, rows))


def _pooled(parts: list[ProbeRows]) -> ProbeRows:
    """Join the rows of each of ``ORIGINS``."""
    return ProbeRows(
        np.concatenate([part.states for part in parts]),
        np.concatenate([part.actions for part in parts]),
        np.concatenate([part.warmstarts for part in parts]),
        np.concatenate([np.full(len(part), origin) for origin, part in enumerate(parts)]),
        np.concatenate([part.active for part in parts]),
    )


def _choose(pool: ProbeRows, rows: int) -> np.ndarray:
    chosen = dict.fromkeys(range((rows + 1) // 2))
    # Rows made to be near something come before ordinary ones of the same kind.
    order = np.argsort(-pool.origin, kind="stable")
    queues = [iter(order[pool.active[order, kind]].tolist()) for kind in range(len(CONSTRAINT_KINDS))]
    while queues and len(chosen) < rows:
        for queue in list(queues):
            row = next((row for row in queue if row not in chosen), None)
            if row is None:
                queues.remove(queue)
            elif len(chosen) < rows:
                chosen[row] = None
    for row in range(len(pool.states)):
        if len(chosen) == rows:
            break
        chosen[row] = None
    return np.array(list(chosen))


def _roll(
    env: Environment, runner: RowRunner, rng: np.random.Generator, starts: np.ndarray, *, steps: int, each: int
) -> ProbeRows:  # fmt: skip
    """Roll episodes and keep ``each`` distinct steps of every one that begin and end with finite numbers."""
    actions = _held_actions(env, rng, len(starts), steps)
    episodes = runner.roll_out(starts, actions)
    when = np.sort(rng.permuted(np.tile(np.arange(steps), (len(starts), 1)), axis=1)[:, :each], axis=1)
    who = np.arange(len(starts))[:, None]
    states, warmstarts = episodes.states[who, when], episodes.warmstarts[who, when]
    states, warmstarts, taken = (x.reshape(when.size, x.shape[-1]) for x in (states, warmstarts, actions[who, when]))
    finite = np.isfinite(states).all(axis=1) & np.isfinite(warmstarts).all(axis=1)
    states, warmstarts, taken = states[finite], warmstarts[finite], taken[finite]
    after = runner.evaluate(states, taken, warmstarts)
    # Where the simulator itself diverges there is no slope to compare with.
    sound = np.isfinite(after.next_state).all(axis=1) & np.isfinite(after.next_warmstart).all(axis=1)
    rows = ProbeRows(states, taken, warmstarts, np.zeros(len(states), dtype=int), after.active)
    return rows.take(np.flatnonzero(sound))


def _held_actions(env: Environment, rng: np.random.Generator, episodes: int, steps: int) -> np.ndarray:
    """(episodes, steps, da), uniform inside the control range, each held for a few steps."""
    low, high = np.maximum(env.action_low, -1e3), np.minimum(env.action_high, 1e3)  # a control may have no bound
    drawn = rng.uniform(low, high, (episodes, steps, env.action_dim))
    hold = rng.integers(1, LONGEST_HOLD + 1, episodes)
    held: np.ndarray = drawn[np.arange(episodes)[:, None], np.arange(steps)[None, :] // hold[:, None]]
    return held


def _initial_states(env: Environment, rng: np.random.Generator, count: int) -> np.ndarray:
    return np.stack([env.sample_initial_state(int(key)) for key in rng.integers(0, 2**31, count)])


def _scattered(env: Environment, rng: np.random.Generator, count: int) -> np.ndarray:
    """Initial states with limited joints anywhere in their range, the rest moved and turned a little, all moving."""
    states = _initial_states(env, rng, count)
    model = env.model
    for joint, place, limited, (low, high) in _joints(model):
        if limited:
            states[:, place] = rng.uniform(low, high, count)
        else:
            slide = mujoco.mjtJoint(model.jnt_type[joint]) is mujoco.mjtJoint.mjJNT_SLIDE
            states[:, place] += rng.normal(0.0, 0.1 if slide else 0.3, count)
    states[:, model.nq :] += rng.normal(0.0, 1.0, (count, model.nv))
    if not env.space.is_flat:
        turns = rng.normal(0.0, 0.3, (count, env.tangent_dim)) * env.space.is_rotation
        states = env.space.integrate(states, turns)
    return states


def _near_limits(env: Environment, rng: np.random.Generator, count: int) -> np.ndarray:
    """States of which each has one limited joint, or one limited tendon, close to its limit and moving beyond it."""
    model = env.model
    states = _scattered(env, rng, count)
    limits = [joint for joint in _joints(model) if joint[2]]
    tendons = [tendon for tendon in range(model.ntendon) if model.tendon_limited[tendon]]
    for row in range(count):
        pick = row % max(1, len(limits) + len(tendons))
        if pick < len(limits):
            joint, place, _, bounds = limits[pick]
            side = int(rng.integers(2))
            # From 2 % of the range inside to 1 % outside: never at the limit itself, where the step has a kink.
            inward = rng.uniform(-0.01, 0.02) * (bounds[1] - bounds[0])
            states[row, place] = bounds[side] + (inward if side == 0 else -inward)
            velocity = model.nq + model.jnt_dofadr[joint]
            states[row, velocity] = abs(states[row, velocity]) * (1.0 if side else -1.0)
        elif tendons:
            states[row] = _stretched(env, rng, states[row], tendons[pick - len(limits)])
    return states


def _stretched(env: Environment, rng: np.random.Generator, state: np.ndarray, tendon: int) -> np.ndarray:
    """The first of 200 draws whose tendon is within 5 % of its upper limit, or else the closest of them."""
    model, data = env.model, mujoco.MjData(env.model)
    upper = model.tendon_range[tendon, 1]
    tangents = np.zeros((200, env.tangent_dim))
    tangents[:, : model.nv] = rng.normal(0.0, upper, (200, model.nv))
    draws = env.space.integrate(state, tangents)
    gaps = []
    for draw in draws:
        data.qpos[:] = draw[: model.nq]
        mujoco.mj_fwdPosition(model, data)
        gap = abs(data.ten_length[tendon] - upper) / upper
        gaps.append(gap)
        if gap < 0.05:
            break
    closest: np.ndarray = draws[int(np.argmin(gaps))]
    return closest


def _joints(model: mujoco.MjModel) -> list[tuple[int, int, bool, tuple[float, float]]]:
    """Each hinge and slide: number, place in qpos, whether it is limited, and its range (m or rad)."""
    scalar = (mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE)
    return [
        (joint, int(model.jnt_qposadr[joint]), bool(model.jnt_limited[joint]), tuple(model.jnt_range[joint]))
        for joint in range(model.njnt)
        if mujoco.mjtJoint(model.jnt_type[joint]) in scalar  # an element of an array equals no enum
    ]
