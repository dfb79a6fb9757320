"""Why the Jacobians that a data set holds are zero, at some of its rows: what ``causes`` and ``reproduce`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import ArrayError, SettingError
from dynsparse.physics.convergence import CONVERGED

if TYPE_CHECKING:
    from dynsparse.analysis.cause_record import CauseRecord
    from dynsparse.analysis.slope_sizes import SlopeSizes
    from dynsparse.dataset import Dataset

__all__ = ["check_exact", "explain_dataset", "read_evidence"]

MOST_EVIDENCE = 64_000_000
"""Numbers of the Jacobians that are kept as evidence: half a gigabyte."""


def check_exact(dataset: Dataset) -> None:
    """Refuse a data set whose zeros can not be explained.

    Raises:
        SettingError: Its Jacobians are not the exact ones, or rounded.
    """
    description = dataset.description
    if description.derivative != "exact":
        raise SettingError(
            f"expected exact Jacobians, {dataset.path} holds those of {description.derivative}, whose zeros have other "
            "causes (noise, plateaus of the solver); collect with --derivative exact"
        )
    if description.dtype != "float64":
        raise SettingError(
            f"expected float64 data, {dataset.path} is stored in {description.dtype}: the rounded states are not the "
            "ones that its Jacobians were computed at; collect with --dtype float64"
        )


def explain_dataset(
    path: Path,
    command: str,
    *,
    own: str | None = None,
    rows: int,
    seed: int,
    atol: float,
    workers: int,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> CauseRecord:
    """Say why elements of stored Jacobians are zero.

    What switches on what is learned from all finite rows of the data set, as far as memory allows.

    Args:
        path: Folder of the data set.
        command: The command, for the record.
        own: Its environment, where its name alone does not tell.
        rows: How many rows; all of them where there are fewer.  Those that are not finite are left out.
        seed: Decides which, and which rows are made as evidence.
        atol: An element is zero when ``abs(x) < atol``.
        workers: Worker processes; 0 for one on each usable core.
        on_phase: Told what begins.
        on_rows: Told how many rows are traced.

    Returns:
        The record.

    Raises:
        SettingError: See ``check_exact``.
        ArrayError: None of the drawn rows is finite.
        DatasetError: The data set is damaged, or of another model.
        UnsupportedModelError: MuJoCo's C code runs the environment.
        UnknownPrimitiveError: The program does something that no rule covers; named.
        WorkerError: A worker died or hung.
    """
    from dynsparse.analysis.recorded_causes import record_causes
    from dynsparse.cli.stored import opened
    from dynsparse.physics.zero_causes import explain_zeros
    from dynsparse.provenance import collect_provenance
    from dynsparse.rollout.stored_rows import identity, sample_rows, sampled_places

    with opened(path, workers, own) as (dataset, env, _):
        check_exact(dataset)
        stored = sample_rows(dataset, rows, seed)
        finite = stored["finite"]
        if not finite.any():
            raise ArrayError(f"expected finite rows in {path}, none of {len(finite)} is; try another --seed")
        kept = {name: array[finite] for name, array in stored.items()}
        on_phase("read")
        evidence, sizes = read_evidence(dataset, sampled_places(dataset, rows, seed)[finite])
        found = explain_zeros(
            env,
            kept["state"],
            kept["action"],
            kept["warmstart"],
            jacobians=(kept["jac_state"], kept["jac_action"]),
            constraint_active=kept["constraint_active"],
            converged=kept["solver_residual"] < CONVERGED,
            evidence=evidence,
            atol=atol,
            seed=seed,
            workers=workers,
            on_phase=on_phase,
            on_rows=on_rows,
        )
        provenance = collect_provenance(
            command, seed, dataset=identity(dataset), nonfinite_rows_left_out=int((~finite).sum())
        )
        return record_causes(found, sizes, provenance.to_dict(), evidence_stored=len(evidence[2]))


def read_evidence(
    dataset: Dataset, explained: np.ndarray, most: int = MOST_EVIDENCE
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], SlopeSizes]:
    """Read the finite rows of a data set whose solver calls all converged, block by block.

    Args:
        dataset: The data set.
        explained: Places of rows that are known already, and no more evidence.
        most: Numbers that are kept; of more rows than that allows, some that are spread evenly.

    Returns:
        (k, dt, dt) and (k, dt, da) Jacobians and (k, nc) constraints of the rows that were kept; and sizes of elements
        in all finite rows, kept or not.

    Raises:
        DatasetError: The data set is damaged.
    """
    from dynsparse.analysis.slope_sizes import SlopeSizes

    specs = dataset.description.fields()
    shapes = [specs[name].shape for name in ("jac_state", "jac_action", "constraint_active")]
    flags = dataset.load(["finite", "solver_residual"])
    finite = flags["finite"]
    chosen = np.setdiff1d(np.flatnonzero(finite & (flags["solver_residual"] < CONVERGED)), explained)
    elements = int(np.prod(shapes[0])) + int(np.prod(shapes[1]))
    limit = min(len(chosen), most // max(elements, 1))
    chosen = chosen[np.linspace(0, len(chosen) - 1, limit).astype(int)] if limit < len(chosen) else chosen
    keep = np.zeros(len(finite), dtype=bool)
    keep[chosen] = True
    kept = (
        np.empty((limit, *shapes[0])),
        np.empty((limit, *shapes[1])),
        np.empty((limit, *shapes[2]), dtype=bool),
    )
    sizes = SlopeSizes.of(np.empty((0, *shapes[0])), np.empty((0, *shapes[1])))
    row = done = 0
    for block in dataset.blocks(["jac_state", "jac_action", "constraint_active"]):
        arrays = [block.arrays[name] for name in ("jac_state", "jac_action", "constraint_active")]
        span = slice(row, row + len(arrays[0]))
        row = span.stop
        sizes += SlopeSizes.of(arrays[0][finite[span]], arrays[1][finite[span]])
        count = int(keep[span].sum())
        for array, part in zip(kept, arrays, strict=True):
            array[done : done + count] = part[keep[span]]
        done += count
    return kept, sizes
