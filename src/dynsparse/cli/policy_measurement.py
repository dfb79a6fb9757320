"""Measurement of data sets of several policies: Q1 to Q3 in each, and what switches on the elements that differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import ArrayError

if TYPE_CHECKING:
    from dynsparse.analysis.element_groups import ElementGroup
    from dynsparse.analysis.policy_record import PolicyRecord, PolicyRows
    from dynsparse.dataset import Dataset

__all__ = ["measure_datasets"]

_ALWAYS_ON = ("sliding friction", "equality")
"""Constraints that act in every row or nearly so: whether any constraint is on is asked of contacts and limits."""

_EXAMPLES = 5
"""Rows of a group of elements that are kept."""


def measure_datasets(datasets: Mapping[str, Dataset], *, atol: float, episode_steps: int) -> PolicyRecord:
    """Measure Q1 to Q3 in data sets of one environment, and find what switches on the elements that differ.

    Args:
        datasets: By policy.
        atol: An element is zero when ``abs(x) < atol``.
        episode_steps: Control steps of an episode.

    Returns:
        The record, without provenance.

    Raises:
        ArrayError: There is no data set, or one without a finite row.
        DatasetError: One is damaged.
    """
    from dynsparse.analysis.policy_record import PolicyRecord

    if not datasets:
        raise ArrayError("expected a data set of at least one policy, got none; choose policies that there are")
    measured = tuple(_measure(policy, dataset, atol) for policy, dataset in datasets.items())
    always = np.stack([rows.sparsity.always_zero for rows in measured])
    elements = [(int(i), int(j)) for i, j in np.argwhere(always.any(axis=0) & ~always.all(axis=0))]
    description = next(iter(datasets.values())).description
    return PolicyRecord(
        environment=description.environment,
        atol=atol,
        episode_steps=episode_steps,
        state_names=description.tangent_names,
        action_names=description.action_names,
        state_variables=description.state_names,
        constraint_names=description.constraint_names,
        policies=measured,
        missing={},
        groups=_groups(datasets, elements, atol) if elements else (),
        provenance={},
    )


def _measure(policy: str, dataset: Dataset, atol: float) -> PolicyRows:
    from dynsparse.analysis.episode_sparsity import EpisodeSparsityCount
    from dynsparse.analysis.policy_record import PolicyRows
    from dynsparse.analysis.rows import RowBlock
    from dynsparse.rollout.stored_rows import identity

    description = dataset.description
    count = EpisodeSparsityCount(
        description.tangent_dim, description.action_dim, temporal=description.states != "coverage"
    )
    switching = [not name.startswith(_ALWAYS_ON) for name in description.constraint_names]
    returns, active, active_any = [], [], []
    fields = ("jac_state", "jac_action", "finite", "episode", "t", "reward", "constraint_active")
    for part in dataset.blocks(fields):
        block = RowBlock.from_arrays(
            part["jac_state"], part["jac_action"], atol, finite=part["finite"], episode=part["episode"], t=part["t"]
        )
        count.update(block)
        begins = np.flatnonzero(block.starts)
        on = part["constraint_active"] & block.finite[:, None]
        returns.append(np.add.reduceat(part["reward"].astype(np.float64), begins))
        active.append(np.add.reduceat(on.astype(np.int64), begins, axis=0))
        active_any.append(np.add.reduceat(on[:, switching].any(axis=1).astype(np.int64), begins))
    found = count.result()
    if not found.finite_rows:
        raise ArrayError(f"expected finite rows in {dataset.path}, none of {found.all_rows} is; try another --seed")
    summed = np.concatenate(returns)
    rewarded = description.extras.get("reward") != "none" and description.states != "coverage"
    return PolicyRows(
        policy,
        found,
        np.where(np.isfinite(summed), summed, np.nan) if rewarded else np.full(len(summed), np.nan),
        np.concatenate(active),
        np.concatenate(active_any),
        identity(dataset),
    )


def _groups(datasets: Mapping[str, Dataset], elements: list[tuple[int, int]], atol: float) -> tuple[ElementGroup, ...]:
    """Read the elements that differ once more, beside the constraints, and say what switches them on."""
    from dynsparse.analysis.element_groups import group_elements

    read = {policy: _read_elements(dataset, elements) for policy, dataset in datasets.items()}
    values = {policy: found[0] for policy, found in read.items()}
    active = {policy: found[1] for policy, found in read.items()}
    places = {policy: found[2] for policy, found in read.items()}
    names = next(iter(datasets.values())).description.constraint_names
    sizes = {policy: np.abs(array) for policy, array in values.items()}
    return tuple(
        _with_rows(group, datasets, elements, values, active, places, atol)
        for group in group_elements(elements, sizes, active, names, atol=atol)
    )


def _read_elements(dataset: Dataset, elements: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (n, k) values of elements, (n, nc) active constraints and (n,) places of the finite rows."""
    outputs, inputs = (np.array(part) for part in zip(*elements, strict=True))
    values, active, places, first = [], [], [], 0
    for part in dataset.blocks(("jac_state", "jac_action", "finite", "constraint_active")):
        kept = part["finite"]
        whole = np.concatenate([part["jac_state"], part["jac_action"]], axis=2)
        values.append(whole[kept][:, outputs, inputs].astype(np.float64))
        active.append(part["constraint_active"][kept])
        places.append(first + np.flatnonzero(kept))
        first += len(kept)
    return np.concatenate(values), np.concatenate(active), np.concatenate(places)


def _with_rows(
    group: ElementGroup,
    datasets: Mapping[str, Dataset],
    elements: list[tuple[int, int]],
    values: Mapping[str, np.ndarray],
    active: Mapping[str, np.ndarray],
    places: Mapping[str, np.ndarray],
    atol: float,
) -> ElementGroup:
    """Add the first rows in which an element of a group is not zero, out of the first data sets that have any."""
    from dynsparse.analysis.element_groups import ElementRow

    columns = [elements.index(element) for element in group.elements]
    names = next(iter(datasets.values())).description.constraint_names
    on = [names.index(name) for name in group.constraints]
    rows: list[ElementRow] = []
    for policy, dataset in datasets.items():
        found = values[policy][:, columns]
        chosen = np.flatnonzero((np.abs(found) >= atol).any(axis=1))[: _EXAMPLES - len(rows)]
        if not len(chosen):
            continue
        stored = dataset.take(places[policy][chosen], ["episode", "t", "state"])
        rows += [
            ElementRow(
                policy,
                int(stored["episode"][place]),
                int(stored["t"][place]),
                tuple(stored["state"][place].tolist()),
                tuple(found[row].tolist()),
                tuple(names[column] for column in on if active[policy][row, column]),
            )
            for place, row in enumerate(chosen)
        ]
    return replace(group, rows=tuple(rows))
