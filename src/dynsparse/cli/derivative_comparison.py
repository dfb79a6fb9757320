"""What changes when the derivative is right: stored rows differentiated as the paper did, beside the exact way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dynsparse.cli.explanation import check_exact
from dynsparse.config import EPISODE_STEPS, check_atol

if TYPE_CHECKING:
    from dynsparse.analysis.derivative_record import DerivativeRecord

__all__ = ["COMPARED_EPISODES", "COMPARED_ROWS", "compare_derivatives"]

COMPARED_ROWS = 2_000
"""Rows of an environment that are differentiated again, by default."""

COMPARED_EPISODES = 20
"""Most episodes that these rows are of, unless there are more rows than whole episodes hold."""

_FIELDS = ("state", "action", "warmstart", "jac_state", "jac_action", "finite")


def compare_derivatives(
    path: Path,
    command: str,
    *,
    rows: int = COMPARED_ROWS,
    episodes: int | None = None,
    seed: int,
    atol: float,
    workers: int,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> DerivativeRecord:
    """Differentiate rows of a data set by plain autodiff in float64 and in float32, and compare with what is stored.

    The rows are stretches of consecutive control steps, one an episode, so that durations can be compared too; they
    begin at the states, actions and warm starts that are stored.

    Args:
        path: Folder of a data set with exact Jacobians.
        command: The command, for the record.
        rows: How many rows at most.
        episodes: Of how many episodes at most; None for twenty, or more where the rows fill more.
        seed: Decides where the stretches begin.
        atol: An element is zero when ``abs(x) < atol``, in every precision.
        workers: Worker processes; 0 for one on each usable core.
        on_phase: Told what begins: "read", "autodiff".
        on_rows: Told how many rows are differentiated, of twice those that were chosen.

    Returns:
        The record.

    Raises:
        SettingError: The data set is not exact or not float64, or a number is out of range.
        ArrayError: No row is finite by the exact derivative.
        DatasetError: The data set is damaged, or of another model.
        UnsupportedModelError: MJX does not run the environment.
        WorkerError: A worker died or hung.
    """
    from dynsparse.analysis.derivative_record import DerivativeRecord
    from dynsparse.analysis.derivative_variant import EXACT, compare_jacobians
    from dynsparse.analysis.stretches import choose_stretches
    from dynsparse.cli.stored import opened
    from dynsparse.physics.plain_autodiff import plain_jacobians
    from dynsparse.provenance import collect_provenance
    from dynsparse.rollout.stored_rows import identity

    check_atol(atol)
    many = max(COMPARED_EPISODES, rows // EPISODE_STEPS) if episodes is None else episodes
    with opened(path, workers) as (dataset, env, _):
        check_exact(dataset)
        on_phase("read")
        temporal = dataset.description.states != "coverage"
        chosen = choose_stretches(
            dataset.load(["episode"])["episode"], rows, episodes=many if temporal else rows, seed=seed
        )
        stored = dataset.take(chosen.places, _FIELDS)
        on_phase("autodiff")
        plain = plain_jacobians(
            env, stored["state"], stored["action"], stored["warmstart"], workers=workers, on_rows=on_rows
        )
        jacobians = {EXACT: (stored["jac_state"], stored["jac_action"])}
        jacobians |= {("autodiff", precision): pair for precision, pair in plain.items()}
        variants = compare_jacobians(
            jacobians, chosen.number, chosen.t, atol=atol, temporal=temporal, finite=stored["finite"]
        )
        settings = {"rows": rows, "episodes": many, "seed": seed, "atol": atol}
        provenance = collect_provenance(command, seed, settings=settings, dataset=identity(dataset))
        return DerivativeRecord(
            environment=dataset.environment,
            policy=str(dataset.description.policy["name"]),
            atol=atol,
            state_names=dataset.description.tangent_names,
            action_names=dataset.description.action_names,
            episode=chosen.episode,
            first=chosen.first,
            variants=variants,
            scores=(),
            provenance=provenance.to_dict(),
        )
