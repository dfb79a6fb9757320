"""Coverage states: rows spread over the whole admissible range of states and actions, reached or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from dynsparse.config import check_count
from dynsparse.errors import SettingError
from dynsparse.rollout.policies import bounded_range, coverage_stream
from dynsparse.rollout.state_range import BEYOND_LIMIT, StateRange

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["MOST_ROWS", "REDRAWS", "CoverageStates", "coverage_states"]

MOST_ROWS = 2**30
"""Length of the Sobol' sequence."""

REDRAWS = 200
"""How often a position that stretches a limited tendon too far is drawn again, before the closest one is taken."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CoverageStates:
    """Starts of one-step episodes.

    Attributes:
        states: (n, ds) qpos and qvel, and activations of actuators, which are 0.
        actions: (n, da) applied actions, uniform in the control range.
        warmstarts: (n, nv) zeros: nothing came before.
        penetrating: (n,) bool, whether any two geoms overlap: a contact of MuJoCo's C engine with a distance below 0.
    """

    states: Array
    actions: Array
    warmstarts: Array
    penetrating: NDArray[np.bool_]


def coverage_states(env: Environment, seed: int, first: int, count: int) -> CoverageStates:
    """Draw rows of a scrambled Sobol' sequence over states and actions.

    Joints range as ``StateRange`` says.  A position in which a limited tendon is out of its range, widened by
    ``BEYOND_LIMIT`` at both ends like a joint's, is drawn again, uniformly and from a stream of the row's own.
    Equality constraints are not looked at.

    Args:
        env: The environment.
        seed: Seed; a row depends on it, on the environment's name and model and on the row's index alone.
        first: Index of the first row, from 0.
        count: Number of rows n.

    Returns:
        The rows; penetrating ones are kept and flagged.

    Raises:
        SettingError: If the control range has no end, the seed or an index is negative, there is no row, or the last
            index is not below ``MOST_ROWS``.
    """
    check_count("seed", seed, 0, "try 0")
    check_count("first", first, 0, "rows count from 0")
    check_count("count", count, 1, "one row is one transition")
    if first + count > MOST_ROWS:
        raise SettingError(
            f"expected row indices below {MOST_ROWS}, got {first + count - 1}; start again with another seed"
        )
    low, high = bounded_range(env, "coverage")
    states = StateRange(env.model)
    width = states.position_dim + states.velocity_dim + env.action_dim
    points = _sobol(coverage_stream(env.name, seed), width, first, count)
    ends = [states.position_dim, states.position_dim + states.velocity_dim]
    position, velocity, action = np.split(points, ends, axis=1)
    qpos, penetrating = _kept(
        env.model,
        states,
        states.positions(position),
        lambda row: np.random.default_rng(coverage_stream(env.name, seed, first + row)),
    )
    return CoverageStates(
        states=np.concatenate([qpos, states.velocities(velocity), np.zeros((count, env.model.na))], axis=1),
        actions=low + (high - low) * action,
        warmstarts=np.zeros((count, env.nv)),
        penetrating=penetrating,
    )


def _sobol(stream: np.random.SeedSequence, width: int, first: int, count: int) -> Array:
    """(count, width) points ``first`` to ``first + count - 1`` of a scrambled Sobol' sequence, in [0, 1)."""
    engine = qmc.Sobol(width, scramble=True, rng=np.random.default_rng(stream))
    if first:
        engine.fast_forward(first)
        drawn: Array = engine.random(count)
        return drawn
    # SciPy warns of a first draw that is no power of 2; one point is one.
    begin = engine.random(1)
    return np.concatenate([begin, engine.random(count - 1)])


def _kept(
    model: mujoco.MjModel, states: StateRange, qpos: Array, generator: Callable[[int], np.random.Generator]
) -> tuple[Array, NDArray[np.bool_]]:
    """Draw again where a tendon is too long; return (n, nq) positions and (n,) which of them penetrate."""
    look = _Look(model)
    excess, penetrating = look(qpos)
    generators = {row: generator(row) for row in np.flatnonzero(excess > 0.0).tolist()}
    for _ in range(REDRAWS):
        rows = np.flatnonzero(excess > 0.0)
        if not len(rows):
            break
        others = states.positions(np.stack([generators[row].random(states.position_dim) for row in rows.tolist()]))
        found, overlapping = look(others)
        closer = found < excess[rows]
        rows = rows[closer]
        qpos[rows], excess[rows], penetrating[rows] = others[closer], found[closer], overlapping[closer]
    return qpos, penetrating


class _Look:
    """What MuJoCo's C engine says about positions."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model, self._data = model, mujoco.MjData(model)
        self._tendons = np.flatnonzero(model.tendon_limited)
        low, high = model.tendon_range[self._tendons].T
        self._low, self._high = low - BEYOND_LIMIT * (high - low), high + BEYOND_LIMIT * (high - low)

    def __call__(self, qpos: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return (n,) how far the worst tendon is out of its widened range, m or rad, and (n,) what penetrates."""
        excess, penetrating = np.zeros(len(qpos)), np.zeros(len(qpos), dtype=bool)
        for row, position in enumerate(qpos):
            self._data.qpos[:] = position
            mujoco.mj_fwdPosition(self._model, self._data)
            penetrating[row] = (self._data.contact.dist < 0.0).any()
            length = self._data.ten_length[self._tendons]
            excess[row] = np.maximum(self._low - length, length - self._high).max(initial=0.0)
        return excess, penetrating
