"""Why the Jacobians that a data set holds are zero, at some of its rows: what ``causes`` and ``reproduce`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dynsparse.errors import ArrayError, SettingError

if TYPE_CHECKING:
    from dynsparse.analysis.cause_record import CauseRecord
    from dynsparse.dataset import Dataset

__all__ = ["check_exact", "explain_dataset"]


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
    from dynsparse.analysis.cause_record import record_causes
    from dynsparse.cli.stored import opened
    from dynsparse.physics.zero_causes import explain_zeros
    from dynsparse.provenance import collect_provenance
    from dynsparse.rollout.stored_rows import identity, sample_rows

    with opened(path, workers, own) as (dataset, env, _):
        check_exact(dataset)
        stored = sample_rows(dataset, rows, seed)
        finite = stored["finite"]
        if not finite.any():
            raise ArrayError(f"expected finite rows in {path}, none of {len(finite)} is; try another --seed")
        kept = {name: array[finite] for name, array in stored.items()}
        found = explain_zeros(
            env,
            kept["state"],
            kept["action"],
            kept["warmstart"],
            jacobians=(kept["jac_state"], kept["jac_action"]),
            constraint_active=kept["constraint_active"],
            atol=atol,
            seed=seed,
            workers=workers,
            on_phase=on_phase,
            on_rows=on_rows,
        )
        provenance = collect_provenance(
            command, seed, dataset=identity(dataset), nonfinite_rows_left_out=int((~finite).sum())
        )
        return record_causes(found, provenance.to_dict())
