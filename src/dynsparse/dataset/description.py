"""Description: everything about a data set that is known before its first row."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynsparse.config import check_count, nearest_names
from dynsparse.dataset.description_checks import check_lengths, check_policy
from dynsparse.dataset.fields import FieldSpec, field_specs
from dynsparse.dataset.plain_values import (
    INFINITIES,
    equal_values,
    flat_values,
    number_list,
    place_list,
    plain_mapping,
    string_list,
    told_value,
)
from dynsparse.errors import SettingError
from dynsparse.physics.state_space import StateSpace

__all__ = ["DatasetDescription"]

_DERIVATIVES = ("exact", "autodiff", "finite-difference")
_STATES = ("rollout", "coverage")
_DTYPES = ("float64", "float32")
_LISTS = ("state_names", "state_units", "action_names", "constraint_names")
_BOUNDS = ("action_low", "action_high")
_MAPPINGS = ("policy", "environment_config", "versions", "extras")
_COUNTS = ("nv", "nmocap", "rows", "episode_steps", "episodes_per_block", "seed", "substeps")
_AT_LEAST_ONE = ("rows", "episode_steps", "episodes_per_block", "substeps")


@dataclass(frozen=True, kw_only=True)
class DatasetDescription:
    """What decides a data set: two equal descriptions make byte-identical data sets.

    Attributes:
        environment: Name of the environment.
        state_names: (ds,) names of the state variables, ``qpos`` then ``qvel``.
        state_units: (ds,) their units.
        action_names: (da,) names of the actions.
        action_low: (da,) lower end of the control range; ``-inf`` where it has none.
        action_high: (da,) upper end.
        constraint_names: (nc,) named constraints.
        nv: Length of the warm start.
        nmocap: Number of mocap bodies.
        rows: Transitions of the whole data set.
        episode_steps: Control steps of an episode; the last one may be shorter.
        episodes_per_block: Episodes of a block; the last one may hold fewer.
        dtype: Type of every floating-point field, ``"float64"`` or ``"float32"``.
        policy: Its ``name``, ``family`` and the ``sha256`` of its weights (None where it has none).
        seed: What initial states and actions are drawn from.
        states: ``"rollout"``, or ``"coverage"`` for one-step episodes spread over the admissible range.
        derivative: ``"exact"``, ``"autodiff"`` or ``"finite-difference"``.
        environment_config: Configuration of the environment, plain JSON values.
        versions: Versions of the packages that decide the numbers (zarr and numcodecs decide the bytes).
        substeps: Steps of the simulator in a control step.
        dt: Duration of a control step, s.
        extras: Further plain JSON values.
        quaternions: Where in the state each unit quaternion (four numbers, w first) starts; none where there is none.
    """

    environment: str
    state_names: tuple[str, ...]
    state_units: tuple[str, ...]
    action_names: tuple[str, ...]
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    constraint_names: tuple[str, ...]
    nv: int
    nmocap: int = 0
    rows: int
    episode_steps: int
    episodes_per_block: int
    dtype: str = "float64"
    policy: Mapping[str, Any]
    seed: int
    states: str = "rollout"
    derivative: str = "exact"
    environment_config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    substeps: int
    dt: float
    extras: Mapping[str, Any] = field(default_factory=dict)
    quaternions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Bring every value into one form, then check them as a whole."""
        for name in _LISTS:
            object.__setattr__(self, name, string_list(name, getattr(self, name)))
        for name in _BOUNDS:
            object.__setattr__(self, name, number_list(name, getattr(self, name)))
        for name in _MAPPINGS:
            object.__setattr__(self, name, plain_mapping(name, getattr(self, name)))
        for name in _COUNTS:
            check_count(name, getattr(self, name), int(name in _AT_LEAST_ONE), "see the data set's description")
        if not isinstance(self.environment, str) or not self.environment:
            raise SettingError(f"environment must be a name, got {self.environment!r}; see dynsparse envs")
        for name, choices in (("dtype", _DTYPES), ("states", _STATES), ("derivative", _DERIVATIVES)):
            value = getattr(self, name)
            if value not in choices:
                raise SettingError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one of them")
        dt = self.dt
        if isinstance(dt, bool) or not isinstance(dt, (int, float)) or not (math.isfinite(dt) and dt > 0):
            raise SettingError(f"dt must be a finite number of seconds above 0, got {dt!r}; take Environment.dt")
        object.__setattr__(self, "dt", float(dt))
        check_lengths(self)
        object.__setattr__(self, "quaternions", place_list("quaternions", self.quaternions))
        StateSpace(self.state_dim, self.quaternions)  # refuses those that do not fit
        check_policy(self.policy)
        if self.states == "coverage" and self.episode_steps != 1:
            raise SettingError(f"episode_steps must be 1 where states is 'coverage', got {self.episode_steps}; pass 1")

    @property
    def state_dim(self) -> int:
        """Number of state variables, ds."""
        return len(self.state_names)

    @property
    def space(self) -> StateSpace:
        """What a small change of a state is."""
        return StateSpace(self.state_dim, self.quaternions)

    @property
    def tangent_dim(self) -> int:
        """Rows of a Jacobian: ds, less one for each quaternion."""
        return self.space.tangent_dim

    @property
    def tangent_names(self) -> tuple[str, ...]:
        """(tangent_dim,) names of a Jacobian's rows: ``state_names``, a quaternion's replaced by its rotation's."""
        return self.space.tangent_names(self.state_names)

    @property
    def tangent_units(self) -> tuple[str, ...]:
        """(tangent_dim,) their units."""
        return self.space.tangent_units(self.state_units)

    @property
    def action_dim(self) -> int:
        """Number of actions, da."""
        return len(self.action_names)

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return -(-self.rows // self.episode_steps)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.episodes // self.episodes_per_block)

    @property
    def rows_per_block(self) -> int:
        """Rows of every block but the last: the chunk's length, never more than there are rows."""
        return min(self.rows, self.episodes_per_block * self.episode_steps)

    def block_episodes(self, number: int) -> range:
        """Return the numbers of a block's episodes.

        Args:
            number: Number of the block, from 0.

        Raises:
            SettingError: If there is no such block.
        """
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < self.blocks:
            raise SettingError(f"block must be a number from 0 to {self.blocks - 1}, got {number!r}; see .missing")
        first = number * self.episodes_per_block
        return range(first, min(first + self.episodes_per_block, self.episodes))

    def block_rows(self, number: int) -> slice:
        """Return a block's place among all rows.

        Args:
            number: Number of the block, from 0.

        Raises:
            SettingError: If there is no such block.
        """
        episodes = self.block_episodes(number)
        return slice(episodes.start * self.episode_steps, min(episodes.stop * self.episode_steps, self.rows))

    def fields(self) -> dict[str, FieldSpec]:
        """Return the fields of each row in their order: name to shape, type, meaning and unit."""
        sizes = {
            "ds": self.state_dim,
            "tangent_dim": self.tangent_dim,
            "da": self.action_dim,
            "nv": self.nv,
            "nc": len(self.constraint_names),
            "nmocap": self.nmocap,
        }
        return field_specs(sizes, self.dtype, coverage=self.states == "coverage")

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain JSON values in the order of their declaration.

        ``quaternions`` is left out where there are none: hashes of data sets without are those of versions before it.
        """
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values |= {name: list(values[name]) for name in _LISTS}
        values |= {name: [INFINITIES.get(bound, bound) for bound in values[name]] for name in _BOUNDS}
        values |= {name: json.loads(json.dumps(values[name])) for name in _MAPPINGS}
        quaternions = values.pop("quaternions")
        return values | ({"quaternions": list(quaternions)} if quaternions else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DatasetDescription:
        """Read a description strictly.

        Args:
            values: Plain JSON values, as ``to_dict`` gives them; every key but ``quaternions`` must be there.

        Raises:
            SettingError: If a key is unknown or missing, or a value can not be used.
        """
        names = tuple(f.name for f in dataclasses.fields(cls))
        for key in values:
            if key not in names:
                raise SettingError(f"unknown key {key!r} in a description{nearest_names(str(key), names)}")
        missing = [name for name in names if name not in values and name != "quaternions"]
        if missing:
            raise SettingError(f"a description must hold {', '.join(missing)}, which is missing; add it")
        return cls(**values)

    def differences(self, here: DatasetDescription) -> tuple[str, ...]:
        """Name what differs, mappings key by key.

        Args:
            here: The description to compare with; this one is the one "there".

        Returns:
            Lines such as ``"seed is 0 there and 5 here"``; none where both are equal.
        """
        found, asked = flat_values(self.to_dict()), flat_values(here.to_dict())
        keys = list(dict.fromkeys([*found, *asked]))
        return tuple(
            f"{key} is {told_value(found, key)} there and {told_value(asked, key)} here"
            for key in keys
            if not equal_values(found, asked, key)
        )
