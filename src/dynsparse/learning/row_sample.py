"""Row sample: rows of a stored data set, drawn to score models on, with one block in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_atol, check_count
from dynsparse.errors import ArrayError
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.scored_rows import ZERO_ATOL, ScoredRows
from dynsparse.learning.windows import Windows, window_places
from dynsparse.learning.zero_count import ZeroCount

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset

__all__ = ["SCORED_ROWS", "draw_rows"]

SCORED_ROWS = 10_000
"""How many rows are scored at most unless asked for more; of CheetahRun they hold 4.3 million elements."""

_STEPS = ("state", "action", "next_state")
_JACOBIANS = ("jac_state", "jac_action")


def draw_rows(
    dataset: Dataset,
    *,
    rows: int = SCORED_ROWS,
    seed: int = 0,
    zero_atol: float = ZERO_ATOL,
    among: NDArray[np.integer] | None = None,
) -> ScoredRows:
    """Draw rows of a stored data set.

    The z-scores are those of all finite rows.  The training rows, of which only the frequency of zeros is used, are the
    finite ones that are not scored, or all of them where every one is scored.

    Args:
        dataset: The data set.
        rows: How many at most.
        seed: What they are drawn from, where there are more.
        zero_atol: Zero threshold of the simulator's Jacobian.
        among: (k,) places of the rows that may be drawn, increasing; None for all.

    Returns:
        The rows.

    Raises:
        ArrayError: If there is no finite row to draw.
        DatasetError: If a file is missing, altered or can not be decoded.
        SettingError: If a number can not be used.
    """
    check_count("rows", rows, 1, f"by default {SCORED_ROWS:,} are scored at most")
    check_count("seed", seed, 0, "try 0")
    check_atol(zero_atol)
    told = dataset.load(["finite", "episode", "t"])
    finite = told["finite"]
    candidates = np.flatnonzero(finite) if among is None else among[finite[among]]
    if not len(candidates):
        raise ArrayError(
            f"expected finite rows to score among {len(finite if among is None else among)} rows of {dataset.path}, "
            "got none; collect more"
        )
    drawn = np.random.default_rng(seed).permutation(len(candidates))[:rows]
    chosen = np.asarray(candidates[np.sort(drawn)], dtype=np.int64)
    jacobian, zeros = _find_zeros(dataset, chosen, finite, zero_atol)
    places = window_places(chosen, told["episode"], told["t"], finite)
    taken = dataset.take(chosen, [*_STEPS, "constraint_active"])
    return ScoredRows(
        environment=dataset.environment,
        policy=dataset.description.policy["name"],
        index=chosen,
        dataset_rows=len(finite),
        nonfinite_rows=int(np.count_nonzero(~finite)),
        state=np.asarray(taken["state"], dtype=np.float64),
        action=np.asarray(taken["action"], dtype=np.float64),
        next_state=np.asarray(taken["next_state"], dtype=np.float64),
        jacobian=jacobian,
        zero=np.abs(jacobian) < zero_atol,
        contact=np.asarray(taken["constraint_active"].any(axis=1)),
        changing=zeros.changing,
        training_zero_frequency=zeros.training_frequency,
        normalizer=Normalizer.fit(_finite_steps(dataset)),
        windows=Windows.gather(dataset.take(places.rows, _STEPS), places),
        zero_atol=zero_atol,
        quaternions=dataset.description.quaternions,
    )


def _find_zeros(
    dataset: Dataset, chosen: NDArray[np.int64], finite: NDArray[np.bool_], zero_atol: float
) -> tuple[NDArray[np.float64], ZeroCount]:
    """Return (m, dt, dt + da) Jacobians of the chosen rows, and a count in which all others train; in one pass."""
    scored = np.zeros(len(finite), dtype=bool)
    scored[chosen] = True
    size = dataset.description.tangent_dim
    shape = (size, size + dataset.description.action_dim)
    jacobian, zeros = np.empty((len(chosen), *shape)), ZeroCount(zero_atol)
    first = filled = 0
    for block in dataset.blocks(_JACOBIANS):
        found = np.concatenate([block[name] for name in _JACOBIANS], axis=2, dtype=np.float64)
        here = slice(first, first + len(found))
        zeros.add(found, finite[here], ~scored[here])
        count = int(scored[here].sum())
        jacobian[filled : filled + count] = found[scored[here]]
        first, filled = here.stop, filled + count
    return jacobian, zeros


def _finite_steps(dataset: Dataset) -> Iterator[Mapping[str, NDArray[Any]]]:
    for block in dataset.blocks([*_STEPS, "finite"]):
        yield {name: block[name][block["finite"]] for name in _STEPS}
