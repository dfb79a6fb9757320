"""How sparse the Jacobian over several control steps, and over longer ones, is at rows of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_atol, check_count
from dynsparse.errors import ArrayError, SettingError

if TYPE_CHECKING:
    from dynsparse.analysis.horizon_curves import ProductCurves, RolloutCurves, StepLengthCurves
    from dynsparse.analysis.horizon_record import HorizonRecord
    from dynsparse.analysis.horizon_starts import HorizonStarts
    from dynsparse.dataset import Dataset
    from dynsparse.physics.chain import CarriedJacobians
    from dynsparse.physics.environment import Environment
    from dynsparse.physics.horizon import CarriedWorkers

__all__ = ["LENGTHS", "measure_horizon"]

LENGTHS = (1, 2, 5, 10, 20, 50)
"""Lengths of a control step, in substeps, beside the environment's own."""

_MOST_NUMBERS = 16_000_000
"""Numbers of the windows that are multiplied at once: an eighth of a gigabyte."""


def measure_horizon(
    path: Path,
    command: str,
    *,
    horizon: int = 50,
    starts: int = 50,
    rollouts: int = 24,
    rows: int = 128,
    lengths: Sequence[int] = LENGTHS,
    seed: int,
    atol: float,
    workers: int,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> HorizonRecord:
    """Measure sparsity over control steps, by products and by roll-outs, and over the length of a control step.

    The same data set, arguments and seed give the same record, with any number of workers.

    Args:
        path: Folder of the data set, of roll-outs.
        command: The command, for the record.
        horizon: Most control steps; those of the longest episode where it is shorter.
        starts: From how many rows of each episode.
        rollouts: From how many of these, of all episodes together, the warm start is carried.
        rows: From how many rows, of all episodes together, control steps of several lengths begin.
        lengths: These lengths in substeps; the environment's own is added.
        seed: Decides which rows.
        atol: An element is zero when ``abs(x) < atol``.
        workers: Worker processes; 0 for one on each usable core.
        on_phase: Told what begins.
        on_rows: Told how many rows are differentiated in this phase.

    Returns:
        The record.  Only products are in it where the Jacobians are not exact, or rounded, or no warm start exists.

    Raises:
        SettingError: The data set is of coverage states, which do not follow each other; or a size is below 1.
        ArrayError: No episode has so many finite rows that follow each other.
        DatasetError: The data set is damaged, or of another model.
        WorkerError: A worker died or hung.
    """
    from dynsparse.analysis.horizon_record import HorizonRecord
    from dynsparse.analysis.horizon_starts import choose_starts, longest_horizon
    from dynsparse.cli.stored import opened
    from dynsparse.physics.horizon import CarriedWorkers
    from dynsparse.provenance import collect_provenance
    from dynsparse.rollout.stored_rows import identity

    for name, size in (("rollouts", rollouts), ("rows", rows)):
        check_count(name, size, 1, "see the defaults")
    check_atol(atol)
    with opened(path, workers) as (dataset, env, _):
        _check_states(dataset)
        on_phase("multiply")
        flags = dataset.load(["finite", "episode"])
        horizon = longest_horizon(flags["episode"], horizon)
        chosen = choose_starts(flags["episode"], flags["finite"], horizon=horizon, starts=starts, seed=seed)
        product = _products(dataset, chosen, horizon, atol)
        rollout: RolloutCurves | None = None
        step_length: StepLengthCurves | None = None
        why_not = _why_not(dataset, env)
        if not why_not:
            with CarriedWorkers(env, workers=workers) as carried:
                on_phase("roll out")
                rollout = _roll_outs(dataset, carried, _spread(chosen, rollouts), horizon, atol, on_rows)
                on_phase("lengthen")
                places = _finite_places(flags["finite"], rows, seed)
                step_length = _lengths(dataset, env, carried, places, sorted({*lengths, env.substeps}), atol, on_rows)
        description = dataset.description
        provenance = collect_provenance(
            command, seed, dataset=identity(dataset), starts_per_episode=starts, rollouts=rollouts, step_rows=rows
        )
        return HorizonRecord(
            environment=dataset.environment,
            policy=str(description.policy["name"]),
            derivative=description.derivative,
            atol=atol,
            dt=description.dt,
            state_names=tuple(description.tangent_names),
            action_names=tuple(description.action_names),
            horizon=horizon,
            left_out=chosen.left_out,
            product=product,
            rollout=rollout,
            step_length=step_length,
            why_not=why_not,
            provenance=provenance.to_dict(),
        )


def _check_states(dataset: Dataset) -> None:
    if dataset.description.states == "coverage":
        raise SettingError(
            f"expected roll-outs, {dataset.path} holds coverage states, which do not follow each other; "
            "collect with --states rollout"
        )


def _why_not(dataset: Dataset, env: Environment) -> str:
    """Say why no derivative is computed anew beside the stored ones; empty where it can be."""
    description = dataset.description
    if env.engine == "function":
        return "a function has no warm start and no substeps"
    if description.derivative != "exact":
        return f"the data set holds the derivative {description.derivative}, not the exact one"
    if description.dtype != "float64":
        return f"the data set is stored in {description.dtype}, whose rounded states are not those that were stepped"
    return "" if env.nv else "the model has no joint"


def _products(dataset: Dataset, chosen: HorizonStarts, horizon: int, atol: float) -> ProductCurves:
    """Multiply stored Jacobians, one block of the data set in memory at a time."""
    from dynsparse.analysis.horizon_count import ProductCount

    description = dataset.description
    dt, da = len(description.tangent_names), len(description.action_names)
    count = ProductCount(dt, da, horizon, atol)
    first = 0
    for block in dataset.blocks(["jac_state", "jac_action"]):
        rows = len(block["jac_state"])
        inside = (chosen.rows >= first) & (chosen.rows < first + rows)
        for number in np.unique(chosen.episode[inside]):
            starts = chosen.rows[inside & (chosen.episode == number)] - first
            windows = starts[:, None] + np.arange(horizon)
            count.add((block["jac_state"][part], block["jac_action"][part]) for part in _pieces(windows, dt, da))
        first += rows
    return count.result()


def _pieces(windows: NDArray[np.int64], dt: int, da: int) -> Iterator[NDArray[np.int64]]:
    """Cut windows into pieces whose Jacobians fit into memory."""
    size = max(1, _MOST_NUMBERS // (windows.shape[1] * dt * (dt + da)))
    return (windows[at : at + size] for at in range(0, len(windows), size))


def _spread(chosen: HorizonStarts, wanted: int) -> HorizonStarts:
    """Return some of the windows, evenly spread over all of them, and so over the episodes."""
    from dynsparse.analysis.horizon_starts import HorizonStarts

    count = min(wanted, len(chosen.rows))
    places = ((np.arange(count) + 0.5) * len(chosen.rows) / count).astype(np.int64)
    return HorizonStarts(chosen.rows[places], chosen.episode[places], chosen.left_out)


def _roll_outs(
    dataset: Dataset,
    carried: CarriedWorkers,
    chosen: HorizonStarts,
    horizon: int,
    atol: float,
    on_rows: Callable[[int], None],
) -> RolloutCurves:
    """Differentiate every row of some windows, the warm start with the state, and hold both products together."""
    from dynsparse.analysis.horizon_count import count_rollout

    windows = chosen.rows[:, None] + np.arange(horizon)
    places, where = np.unique(windows, return_inverse=True)
    stored, steps = _carried(dataset, carried, places, None, on_rows)
    where = where.reshape(windows.shape)
    steps = type(steps)(*(part[where, 0] for part in steps))
    jacobians = stored["jac_state"][where], stored["jac_action"][where]
    return count_rollout(steps, jacobians, chosen.episode, windows, atol)


def _finite_places(finite: NDArray[np.bool_], wanted: int, seed: int) -> NDArray[np.int64]:
    from dynsparse.analysis.horizon_starts import evenly

    possible = np.flatnonzero(finite)
    return np.asarray(possible[evenly(len(possible), wanted, np.random.default_rng([seed, 2]))])


def _lengths(
    dataset: Dataset,
    env: Environment,
    carried: CarriedWorkers,
    places: NDArray[np.int64],
    counts: Sequence[int],
    atol: float,
    on_rows: Callable[[int], None],
) -> StepLengthCurves:
    from dynsparse.analysis.horizon_count import count_step_lengths

    stored, steps = _carried(dataset, carried, places, counts, on_rows)
    timestep = float(env.model.opt.timestep)
    return count_step_lengths(steps, stored["episode"], counts, timestep=timestep, substeps=env.substeps, atol=atol)


def _carried(
    dataset: Dataset,
    carried: CarriedWorkers,
    places: NDArray[np.int64],
    counts: Sequence[int] | None,
    on_rows: Callable[[int], None],
) -> tuple[dict[str, NDArray[Any]], CarriedJacobians]:
    """Read rows, and differentiate them again, the warm start with the state."""
    if not len(places):
        raise ArrayError(f"expected finite rows in {dataset.path}, there are none; collect another data set")
    stored = dataset.take(places, ["state", "action", "warmstart", "jac_state", "jac_action", "episode"])
    inputs = (stored[name] for name in ("state", "action", "warmstart"))
    return stored, carried.jacobians(*inputs, counts=counts, on_rows=on_rows)
