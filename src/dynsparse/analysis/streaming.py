"""Analysis of a data set, one block of rows in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dynsparse.analysis.episode_count import EpisodeCount
from dynsparse.analysis.global_sparsity import GlobalCount
from dynsparse.analysis.local_sparsity import LocalCount
from dynsparse.analysis.rows import RowBlock
from dynsparse.analysis.source import RowArrays, RowSource
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.temporal_sparsity import TemporalCount
from dynsparse.config import atol_for
from dynsparse.errors import ArrayError
from dynsparse.provenance import collect_provenance, content_hash

__all__ = ["analyze"]

_FIELDS = ("jac_state", "jac_action", "finite", "episode", "t")


def analyze(
    dataset: RowSource,
    atol: float | None = None,
    *,
    audit: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    on_rows: Callable[[int, int], None] | None = None,
    episodes: EpisodeCount | None = None,
) -> SparsityReport:
    """Answer for a data set which elements of the Jacobian are zero: always, at which states, and for how long.

    One block of the data set is in memory at a time, besides 16 bytes for each distinct pattern.  How the data set is
    cut into blocks does not change a bit of the result.

    Args:
        dataset: Rows with their Jacobians, as ``dynsparse.open_dataset`` gives them.
        atol: Zero threshold, ``abs(x) < atol``; None for 1e-15 (the paper's), or 1e-8 where the Jacobians are finite
            differences, whose noise hides anything smaller.
        audit: Comparison of these derivatives with finite differences, to be kept in the report; plain JSON values.
        provenance: Record of where the report comes from, in place of one made here.
        on_rows: Told after each block: rows so far, and how many of them are not finite.
        episodes: Sums up each episode in the same pass; its ``record`` and ``above_round_off`` are kept beside the
            report.

    Returns:
        The answers to Q1, Q2 and, for rollouts, Q3.

    Raises:
        SettingError: If the threshold is not a finite number above zero, or below the noise of finite differences;
            or the audit is not plain JSON.
        ArrayError: If the arrays do not belong together, a block holds a part of an episode, or no row is finite.
        DatasetError: If the data set turns out to be damaged.

    Source:
        Sections 5.1 to 5.3 of the paper.
    """
    atol = atol_for(dataset.description.derivative, atol)
    content_hash(dict(audit or {}))  # refused now, and not when the report is written
    description = dataset.description
    names = tuple(description.tangent_names)
    dimensions = (len(names), len(description.action_names))
    in_all, local = GlobalCount(*dimensions, atol), LocalCount(*dimensions)
    temporal = None if description.states == "coverage" else TemporalCount(description.episode_steps)
    rows = nonfinite = 0
    fields = _FIELDS if episodes is None else (*_FIELDS, *episodes.FIELDS)
    for arrays in dataset.blocks(fields):
        block = _read(arrays, atol, rows, dimensions)
        in_all.update(block)
        local.update(block)
        if temporal is not None:
            temporal.update(block)
        if episodes is not None:
            episodes.update(block, arrays)
        rows += block.rows
        nonfinite += block.rows - int(block.finite.sum())
        if on_rows is not None:
            on_rows(rows, nonfinite)
    if rows != dataset.rows:
        raise ArrayError(f"the blocks must hold the data set's {dataset.rows} rows, got {rows}; open it again")
    return SparsityReport(
        environment=description.environment,
        policy=str(description.policy["name"]),
        derivative=description.derivative,
        episodes=dataset.episodes,
        state_names=names,
        action_names=tuple(description.action_names),
        global_sparsity=in_all.result(),
        local=local.result(),
        temporal=None if temporal is None else temporal.result(),
        audit=None if audit is None else dict(audit),
        provenance=_provenance(dataset, atol) if provenance is None else dict(provenance),
        coordinates="state" if description.space.is_flat else "tangent",
    )


def _read(arrays: RowArrays, atol: float, first_row: int, dimensions: tuple[int, int]) -> RowBlock:
    jac_state, jac_action, finite, episode, t = (arrays.arrays[name] for name in _FIELDS)
    block = RowBlock.from_arrays(jac_state, jac_action, atol, finite=finite, episode=episode, t=t, first_row=first_row)
    if (block.state_dim, block.action_dim) != dimensions:
        raise ArrayError(
            f"jac_state and jac_action must have shapes (n, {dimensions[0]}, {dimensions[0]}) and "
            f"(n, {dimensions[0]}, {dimensions[1]}) by the names of their variables, "
            f"got {jac_state.shape} and {jac_action.shape}"
        )
    return block


def _provenance(dataset: RowSource, atol: float) -> dict[str, Any]:
    described = dataset.description.to_dict()
    return collect_provenance(
        f"dynsparse.analyze(dataset, atol={atol:g})", described.get("seed"), dataset=described
    ).to_dict()
