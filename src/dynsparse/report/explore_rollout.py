"""Rollout: the steps of one episode as the explore page shows them, read from a data set.  No JAX."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import atol_for
from dynsparse.dataset import Dataset
from dynsparse.errors import SettingError

__all__ = ["ROUND_OFF", "Rollout", "read_rollout"]

ROUND_OFF = 1e-12
"""Magnitude below which an element may be what a sum that cancels leaves, and moves with the order of additions."""

_FIELDS = ("state", "action", "reward", "jac_state", "jac_action", "constraint_active", "finite")


@dataclass(frozen=True, eq=False)
class Rollout:
    """Consecutive steps of one episode, or states of a data set that holds no rollouts.

    Attributes:
        environment: Name of the environment.
        policy: What the page calls the policy; unique for an environment.
        episode: Number of the episode; 0 where there are no rollouts.
        episode_steps: Rows of the whole episode, of which these are the first.
        is_rollout: Whether each row follows the one before it; else rows are states by themselves, and time says
            nothing.
        dt: Duration of a control step, s.
        atol: An element is zero when ``abs(x) < atol``.
        derivative: Which Jacobian.
        state_names: (ds,) names of the state variables.
        state_units: (ds,) their units.
        tangent_names: (dt,) names of a Jacobian's rows and first columns.
        tangent_units: (dt,) their units.
        action_names: (da,) names of its last columns.
        constraint_names: (nc,) named constraints.
        places: (n,) places among the rows of the data set.
        state: (n, ds).
        action: (n, da) applied.
        reward: (n,).
        jacobian: (n, dt, dt + da) both blocks side by side; row = output, column = input.
        active: (n, nc) bool, which constraints exerted force.
        finite: (n,) bool, false where a number of the row is not finite.
        mocap_pos: (n, nmocap, 3), m.
        mocap_quat: (n, nmocap, 4).
    """

    environment: str
    policy: str
    episode: int
    episode_steps: int
    is_rollout: bool
    dt: float
    atol: float
    derivative: str
    state_names: tuple[str, ...]
    state_units: tuple[str, ...]
    tangent_names: tuple[str, ...]
    tangent_units: tuple[str, ...]
    action_names: tuple[str, ...]
    constraint_names: tuple[str, ...]
    places: NDArray[np.int64]
    state: NDArray[np.float64]
    action: NDArray[np.float64]
    reward: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    active: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    mocap_pos: NDArray[np.float64]
    mocap_quat: NDArray[np.float64]

    def __len__(self) -> int:
        """How many steps there are."""
        return len(self.places)

    def first(self, steps: int) -> Rollout:
        """Return the first steps alone."""
        along = ("places", "state", "action", "reward", "jacobian", "active", "finite", "mocap_pos", "mocap_quat")
        return replace(self, **{name: getattr(self, name)[:steps] for name in along})

    @property
    def zero(self) -> NDArray[np.bool_]:
        """(n, dt, dt + da) which elements are zero; none is in a row that is not finite."""
        return (np.abs(self.jacobian) < self.atol) & self.finite[:, None, None]

    @property
    def small(self) -> NDArray[np.bool_]:
        """(n, dt, dt + da) which elements are zero or no larger than round-off; none is in a row that is not finite."""
        return (np.abs(self.jacobian) < max(self.atol, ROUND_OFF)) & self.finite[:, None, None]


def read_rollout(
    dataset: Dataset, episode: int, policy: str, *, steps: int | None = None, atol: float | None = None
) -> Rollout:
    """Read the first steps of an episode.

    Args:
        dataset: The data set.
        episode: Number of the episode; of a data set without rollouts its first rows are read in place of any episode.
        policy: What the page is to call its policy.
        steps: How many; None for all.
        atol: An element is zero when ``abs(x) < atol``; None for what its derivative allows.

    Returns:
        The steps.

    Raises:
        SettingError: It has no such committed episode, or ``atol`` is below the noise of its derivative.
        DatasetError: It is damaged.
    """
    description = dataset.description
    is_rollout = description.states == "rollout"
    numbers = dataset.load(["episode"])["episode"]
    places = np.flatnonzero(numbers == episode) if is_rollout else np.arange(dataset.rows)
    if not len(places):
        there = f"{len(np.unique(numbers))} committed ones, {numbers.min()} to {numbers.max()}"
        raise SettingError(f"{dataset.path} has no episode {episode}, it holds {there}; choose one of them")
    shown = places[:steps]
    mocap = [name for name in ("mocap_pos", "mocap_quat") if name in dataset.fields]
    rows = dataset.take(shown, [*_FIELDS, *mocap])
    real = {name: rows[name].astype(np.float64) for name in (*_FIELDS[:5], *mocap)}
    return Rollout(
        environment=dataset.environment,
        policy=policy,
        episode=episode if is_rollout else 0,
        episode_steps=len(places),
        is_rollout=is_rollout,
        dt=description.dt,
        atol=atol_for(description.derivative, atol),
        derivative=description.derivative,
        state_names=description.state_names,
        state_units=description.state_units,
        tangent_names=description.tangent_names,
        tangent_units=description.tangent_units,
        action_names=description.action_names,
        constraint_names=description.constraint_names,
        places=shown,
        state=real["state"],
        action=real["action"],
        reward=real["reward"],
        jacobian=np.concatenate([real["jac_state"], real["jac_action"]], axis=2),
        active=rows["constraint_active"],
        finite=rows["finite"],
        mocap_pos=real.get("mocap_pos", np.zeros((len(shown), 0, 3))),
        mocap_quat=real.get("mocap_quat", np.zeros((len(shown), 0, 4))),
    )
