"""Explore explanation: why each zero of the shown steps is one, measured once and kept beside the page."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import InputError, OutputError
from dynsparse.physics.convergence import CONVERGED
from dynsparse.report.explore_causes import UNKNOWN, RowCauses, holds_row_causes

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset
    from dynsparse.report.explore_rollout import Rollout

__all__ = ["explain_rollout", "kept_causes"]

_STATE_FIELDS = ("state", "action", "warmstart", "jac_state", "jac_action", "constraint_active", "solver_residual")


def kept_causes(folder: Path, stem: str, dataset: Dataset, rollout: Rollout) -> tuple[RowCauses | None, str]:
    """Return the causes that are kept of a rollout.

    Args:
        folder: Where they are kept.
        stem: Name of their files.
        dataset: The data set.
        rollout: Its shown steps.

    Returns:
        The record, None where there is none of these rows; and a sentence where there is one of other rows.

    Raises:
        InputError: The record is damaged.
    """
    if not holds_row_causes(folder, stem):
        return None, ""
    found = RowCauses.load(folder, stem)
    if found.fits(_identity(dataset, rollout), rollout.places, rollout.zero):
        return found, ""
    return None, (
        f"{folder.name}/{stem}.json holds causes of other rows than those shown, which are not used; "
        f"add --causes {dataset.environment} to measure them again."
    )


def explain_rollout(
    folder: Path,
    stem: str,
    dataset: Dataset,
    rollout: Rollout,
    *,
    own: str | None,
    workers: int,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> RowCauses:
    """Say why each zero of each step is one, and keep it.

    Args:
        folder: Where to keep it; made where it is missing.
        stem: Name of the files.
        dataset: The data set, with exact Jacobians in float64.
        rollout: Its steps.
        own: Its environment, where its name alone does not tell.
        workers: Worker processes; 0 for one on each usable core.
        on_phase: Told what begins.
        on_rows: Told how many rows are traced.

    Returns:
        The record.

    Raises:
        SettingError: Its Jacobians are not exact, or rounded.
        InputError: No shown row is finite.
        DatasetError: It is damaged, or of another model.
        UnsupportedModelError: MuJoCo's C code runs the environment.
        UnknownPrimitiveError: The program does something that no rule covers; named.
        WorkerError: A worker died or hung.
        OutputError: The record can not be written.
    """
    from dynsparse.cli.explanation import check_exact, read_evidence
    from dynsparse.cli.stored import environment_of
    from dynsparse.physics.zero_causes import explain_zeros
    from dynsparse.provenance import collect_provenance

    check_exact(dataset)
    places = rollout.places[rollout.finite]
    if not len(places):
        raise InputError(f"expected finite rows among those shown of {dataset.path}, none is; try another --episode")
    env = environment_of(dataset, own)
    rows = dataset.take(places, list(_STATE_FIELDS))
    on_phase("read")
    evidence, _ = read_evidence(dataset, places)
    found = explain_zeros(
        env,
        rows["state"],
        rows["action"],
        rows["warmstart"],
        jacobians=(rows["jac_state"], rows["jac_action"]),
        constraint_active=rows["constraint_active"],
        converged=rows["solver_residual"] < CONVERGED,
        evidence=evidence,
        atol=rollout.atol,
        workers=workers,
        on_phase=on_phase,
        on_rows=on_rows,
    )
    labels = np.full(rollout.jacobian.shape, UNKNOWN, dtype=np.uint8)
    labels[rollout.finite] = found.labels
    identity = _identity(dataset, rollout)
    command = shlex.join(["dynsparse", "explore", dataset.path.name, "--causes", dataset.environment])
    record = RowCauses(identity, rollout.places, labels, collect_provenance(command, 0).to_dict())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"expected to write {folder}, got: {error.strerror or error}; make room for it") from error
    record.save(folder, stem)
    return record


def _identity(dataset: Dataset, rollout: Rollout) -> dict[str, object]:
    from dynsparse.provenance import content_hash

    description = content_hash(dataset.description.to_dict())
    return {"description_sha256": description, "episode": rollout.episode, "atol": rollout.atol}
