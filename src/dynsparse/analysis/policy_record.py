"""Policy record: the numbers of Q1 to Q3 by who chose the actions, and what makes them differ.  No JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.element_groups import ElementGroup
from dynsparse.analysis.episode_sparsity import EpisodeSparsity
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.errors import ArrayError

__all__ = ["PolicyRecord", "PolicyRows", "holds_policies"]


@dataclass(frozen=True, eq=False)
class PolicyRows:
    """One data set.

    Attributes:
        policy: Who chose the actions; ``"coverage"`` for states and actions spread over their range.
        sparsity: Q1 to Q3.
        returns: (e,) sum of the rewards of each episode; NaN where one is not finite, or there is no reward.
        active: (e, nc) finite rows of each episode in which each named constraint exerts force.
        active_any: (e,) finite rows in which any limit or contact does; friction and equalities nearly always do.
        dataset: What tells the data set from others: its name and the hash of its description.
    """

    policy: str
    sparsity: EpisodeSparsity
    returns: NDArray[np.float64]
    active: NDArray[np.int64]
    active_any: NDArray[np.int64]
    dataset: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check that the arrays belong together.

        Raises:
            ArrayError: They do not.
        """
        episodes = self.sparsity.episodes
        if self.active.ndim != 2 or not len(self.active) == len(self.active_any) == len(self.returns) == episodes:
            raise ArrayError(f"expected returns and active constraints of {episodes} episodes of {self.policy}")
        if (self.active > self.sparsity.finite[:, None]).any() or (self.active_any > self.sparsity.finite).any():
            raise ArrayError(f"expected constraints of {self.policy} on in at most its finite rows, got more")

    @property
    def active_share(self) -> NDArray[np.float64]:
        """(e,) share of each episode's finite rows in which a limit or contact is on; NaN where none is finite."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.active_any / self.sparsity.finite.astype(np.float64))

    def to_dict(self) -> dict[str, Any]:
        """Return what a reader of the JSON file wants to see."""
        about = {"policy": self.policy, "dataset": dict(self.dataset)}
        return {**about, **self.sparsity.to_dict(), "active_rows": [int(rows) for rows in self.active.sum(axis=0)]}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by names that begin with the policy's."""
        own = {f"{self.policy}_{name}": getattr(self, name) for name in ("returns", "active", "active_any")}
        return self.sparsity.to_arrays(f"{self.policy}_") | own

    @classmethod
    def from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> PolicyRows:
        """Read what ``to_dict`` and ``to_arrays`` gave.

        Raises:
            KeyError: Something is missing.
            ArrayError: The arrays do not belong together.
        """
        prefix = f"{found['policy']}_"
        own = {name: arrays[f"{prefix}{name}"] for name in ("returns", "active", "active_any")}
        sparsity = EpisodeSparsity.from_arrays(arrays, prefix)
        return cls(policy=found["policy"], sparsity=sparsity, dataset=dict(found["dataset"]), **own)


@dataclass(frozen=True, eq=False)
class PolicyRecord(StoredRecord):
    """What one environment's numbers are by policy.

    Attributes:
        environment: Name of the environment.
        atol: An element is zero when ``abs(x) < atol``.
        episode_steps: Control steps of an episode; coverage has one.
        state_names: (dt,) names of a Jacobian's rows and first columns.
        action_names: (da,) names of its last columns.
        state_variables: (ds,) names of the state, as in the rows of ``groups``.
        constraint_names: (nc,) named constraints.
        policies: The data sets.
        missing: Policies that could not be had, and why.
        groups: Elements that are always zero in one data set and not in another, by what switches them on.
        provenance: Settings, seeds and versions that made it.
        same_as: Policies that are the very checkpoint of another one, by name, and that one's name; they have no rows
            of their own in ``policies``, since these would be the same.
    """

    STEM = "policies"

    environment: str
    atol: float
    episode_steps: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    state_variables: tuple[str, ...]
    constraint_names: tuple[str, ...]
    policies: tuple[PolicyRows, ...]
    missing: Mapping[str, str]
    groups: tuple[ElementGroup, ...]
    provenance: Mapping[str, Any]
    same_as: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that names, data sets and groups belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        names = [found.policy for found in self.policies]
        if not names or len(set(names)) < len(names):
            raise ArrayError(f"expected each policy once and one at least, got {', '.join(names) or 'none'}")
        for policy, other in self.same_as.items():
            if policy in names or other not in names:
                raise ArrayError(f"expected rows of {other} that stand for {policy} too, got {', '.join(names)}")
        shape = (len(self.state_names), len(self.state_names) + len(self.action_names))
        for found in self.policies:
            if found.sparsity.zeros.shape != shape or found.active.shape[1] != len(self.constraint_names):
                raise ArrayError(
                    f"expected {shape} elements and {len(self.constraint_names)} constraints by the names of "
                    f"{found.policy}, got {found.sparsity.zeros.shape} and {found.active.shape[1]}"
                )
        differing = self._differing()
        told = [element for group in self.groups for element in group.elements]
        if sorted(told) != differing:
            raise ArrayError(f"expected the {len(differing)} elements that differ in groups, got {len(told)}")
        for group in self.groups:
            for place, element in enumerate(group.elements):
                counted = {p.policy: p.sparsity.finite_rows - int(p.sparsity.zeros[element]) for p in self.policies}
                if counted != {policy: counts[place] for policy, counts in group.nonzero.items()}:
                    raise ArrayError(f"expected rows of element {element} as its zeros say, {counted}; got others")

    def _differing(self) -> list[tuple[int, int]]:
        always = np.stack([found.sparsity.always_zero for found in self.policies])
        return [(int(i), int(j)) for i, j in np.argwhere(always.any(axis=0) & ~always.all(axis=0))]

    def rows_of(self, policy: str) -> PolicyRows | None:
        """Return the data set of a policy, or of the one whose checkpoint it is; None where there is none."""
        name = self.same_as.get(policy, policy)
        return next((found for found in self.policies if found.policy == name), None)

    def names_of(self, policy: str) -> tuple[str, ...]:
        """Return a policy and all that are the very checkpoint of it."""
        return (policy, *(name for name, other in self.same_as.items() if other == policy))

    def full_returns(self, rows: PolicyRows) -> NDArray[np.float64]:
        """Return (f,) returns of the episodes that have all ``episode_steps`` control steps: others are cut short."""
        return np.asarray(rows.returns[rows.sparsity.rows == self.episode_steps])

    def episodes_active(self, policy: str, constraints: Sequence[str]) -> int:
        """Count the episodes of a policy in which any of some named constraints exerts force in a finite row."""
        rows = self.rows_of(policy)
        places = [self.constraint_names.index(name) for name in constraints]
        return 0 if rows is None else int((rows.active[:, places] > 0).any(axis=1).sum())

    def element_name(self, element: tuple[int, int]) -> str:
        """Name an element: ``"d next qvel cart / d qpos slider"``."""
        inputs = (*self.state_names, *self.action_names)
        return f"d next {self.state_names[element[0]]} / d {inputs[element[1]]}"

    def to_dict(self) -> dict[str, Any]:
        """Return what ``policies.json`` holds, besides the hashes that ``save`` adds."""
        return {
            "schema": files.SCHEMA,
            "environment": self.environment,
            "atol": self.atol,
            "episode_steps": self.episode_steps,
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            "state_variables": list(self.state_variables),
            "constraint_names": list(self.constraint_names),
            "policies": [found.to_dict() for found in self.policies],
            "missing": dict(self.missing),
            **({"same_as": dict(self.same_as)} if self.same_as else {}),
            "groups": [
                {"names": [self.element_name(element) for element in group.elements], **group.to_dict()}
                for group in self.groups
            ],
            "provenance": dict(self.provenance),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``policies.npz`` holds, by name."""
        return {name: array for found in self.policies for name, array in found.to_arrays().items()}

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold."""
        return cls(
            environment=found["environment"],
            atol=found["atol"],
            episode_steps=found["episode_steps"],
            **{
                name: tuple(found[name])
                for name in ("state_names", "action_names", "state_variables", "constraint_names")
            },
            policies=tuple(PolicyRows.from_parts(entry, arrays) for entry in found["policies"]),
            missing=found["missing"],
            groups=tuple(ElementGroup.from_dict(entry) for entry in found["groups"]),
            provenance=found["provenance"],
            same_as=found.get("same_as", {}),
        )


def holds_policies(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a record of policies, sound or not."""
    return files.holds_analysis(folder, PolicyRecord.STEM)
