"""Stored rows looked at again: computed once more, and audited against differences of the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dynsparse.config import zero_tolerance
from dynsparse.dataset import Dataset
from dynsparse.errors import ArrayError, SettingError
from dynsparse.physics.audit import EnvironmentAudit, audit_rows
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Linearization
from dynsparse.physics.probe import ProbeRows, check_probe
from dynsparse.provenance import content_hash
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.settings import CollectSettings

__all__ = ["Recomputed", "audit_dataset", "identity", "recompute_rows", "sample_rows", "sampled_places", "settings_of"]

RECOMPUTE_TOLERANCE = 1e-6
"""What another processor's or version's round-off may come to after a control step in contact, relative to
max(1, largest number of the row); on the same machine and versions there is none."""

_COMPARED = ("next_state", "jac_state", "jac_action", "reward", "solver_residual")
_FLAGS = ("constraint_active", "constraint_active_start")


@dataclass(frozen=True)
class Recomputed:
    """Stored rows beside the same rows computed again.

    Attributes:
        rows: how many were compared.
        identical: how many are equal bit for bit, in every field.
        largest: largest difference of each field, relative to max(1, largest number of the row).
        flags: how many constraint flags differ.
    """

    rows: int
    identical: int
    largest: Mapping[str, float]
    flags: int

    @property
    def bitwise(self) -> bool:
        """Whether every row is equal bit for bit."""
        return self.identical == self.rows

    @property
    def ok(self) -> bool:
        """Whether what differs is within ``RECOMPUTE_TOLERANCE``."""
        return self.bitwise or (not self.flags and all(x <= RECOMPUTE_TOLERANCE for x in self.largest.values()))


def settings_of(dataset: Dataset) -> CollectSettings:
    """Return settings under which workers compute the rows of a data set; its policy is not needed for that."""
    description = dataset.description
    return CollectSettings(rows=description.rows, seed=description.seed, derivative=description.derivative)


def sample_rows(dataset: Dataset, rows: int, seed: int) -> dict[str, np.ndarray]:
    """Draw rows of a data set without repetition, in their order; all of them where there are fewer.

    Args:
        dataset: the data set, with float64 fields.
        rows: how many.
        seed: decides which.

    Returns:
        Every field of the drawn rows.

    Raises:
        SettingError: ``rows`` is below 1, ``seed`` negative, or the data set is stored in float32.
        DatasetError: it is damaged.
    """
    check_probe(rows, seed)
    if dataset.description.dtype != "float64":
        raise SettingError(
            f"expected float64 data, {dataset.path} is stored in {dataset.description.dtype}: the rounded states are "
            "not the ones that its rows were computed from; collect with --dtype float64"
        )
    return dataset.take(sampled_places(dataset, rows, seed))


def sampled_places(dataset: Dataset, rows: int, seed: int) -> np.ndarray:
    """Return which rows ``sample_rows`` draws: (k,) places among the committed rows, in increasing order."""
    chosen: np.ndarray = np.sort(np.random.default_rng(seed).permutation(dataset.rows)[:rows])
    return chosen


def recompute_rows(stored: Mapping[str, np.ndarray], collector: Collector) -> Recomputed:
    """Compute stored rows again and compare every field.

    Args:
        stored: fields of the rows, as ``sample_rows`` gives them.
        collector: workers of the data set's environment and derivative.

    Returns:
        The comparison.

    Raises:
        WorkerError: a worker died or hung.
    """
    again = collector.recompute(_inputs(stored))
    same = np.ones(len(stored["state"]), dtype=bool)
    largest = {}
    for name in _COMPARED:
        was, now = (x[name].reshape(len(same), -1) for x in (stored, again))
        same &= (was.view(np.uint64) == now.view(np.uint64)).all(axis=1)
        scale = np.maximum(1.0, np.abs(was).max(axis=1, initial=0.0))
        apart = np.abs(was - now).max(axis=1, initial=0.0) / scale
        # A number that is not finite must be the same one.
        apart[~np.isfinite(apart)] = np.inf
        apart[(was.view(np.uint64) == now.view(np.uint64)).all(axis=1)] = 0.0
        largest[name] = float(apart.max(initial=0.0))
    flags = [stored[name] != again[name] for name in _FLAGS]
    for differing in flags:
        same &= ~differing.any(axis=1)
    return Recomputed(len(same), int(same.sum()), largest, int(sum(differing.sum() for differing in flags)))


def audit_dataset(
    dataset: Dataset,
    env: Environment,
    collector: Collector,
    *,
    rows: int = 300,
    seed: int = 0,
    atol: float | None = None,
    on_phase: Callable[[str], None] = lambda _phase: None,
) -> EnvironmentAudit:
    """Compare the Jacobians that a data set holds with differences of the step, at some of its rows.

    Args:
        dataset: the data set.
        env: its environment.
        collector: workers of that environment.
        rows: how many; all of them where there are fewer.  Rows that are not finite are left out, and counted where
            the simulator's step itself is finite.
        seed: decides which.
        atol: an element counts as zero when ``abs(x) < atol``; None for what the data set's derivative allows.
        on_phase: told ``"difference"`` when it begins.

    Returns:
        The audit; its one derivative is the data set's.

    Raises:
        SettingError: see ``sample_rows``.
        ArrayError: none of the drawn rows is finite.
        WorkerError: a worker died or hung.
    """
    atol = zero_tolerance(dataset.description.derivative) if atol is None else atol
    stored = sample_rows(dataset, rows, seed)
    finite = stored["finite"]
    if not finite.any():
        raise ArrayError(f"expected finite rows in {dataset.path}, none of {len(finite)} is; try another --seed")
    kept = {name: array[finite] for name, array in stored.items()}
    on_phase("difference")
    probe = ProbeRows(
        kept["state"], kept["action"], kept["warmstart"],
        np.full(len(kept["t"]), -1), env.active_kinds(kept["constraint_active"]),
    )  # fmt: skip
    found = Linearization(
        kept["next_state"],
        np.zeros_like(kept["warmstart"]),
        kept["jac_state"],
        kept["jac_action"],
        np.ones(len(kept["t"]), dtype=bool),
        kept["solver_residual"],
        probe.active,
        kept["constraint_active"],
        kept["constraint_active_start"],
        dataset.description.derivative,
    )
    lost = ~finite & np.isfinite(stored["next_state"]).all(axis=1)
    audit = audit_rows(env, collector, probe, found, seed=seed, atol=atol, left_out=int(lost.sum()))
    return replace(audit, dataset=identity(dataset))


def identity(dataset: Dataset) -> dict[str, str]:
    """Return what an audit's record says about the data set that its rows are of."""
    return {"name": dataset.path.name, "description_sha256": content_hash(dataset.description.to_dict())}


def _inputs(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    rows = len(stored["state"])
    inputs = {name: stored[name] for name in ("state", "action", "warmstart")}
    inputs["mocap_pos"] = stored.get("mocap_pos", np.zeros((rows, 0, 3)))
    inputs["mocap_quat"] = stored.get("mocap_quat", np.zeros((rows, 0, 4)))
    return inputs
