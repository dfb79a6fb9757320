"""Sparsity report: the answers to Q1, Q2 and Q3 for one data set, and how files hold them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.durations import Durations
from dynsparse.analysis.global_sparsity import BlockSparsity, GlobalSparsity, ThresholdPoint
from dynsparse.analysis.local_sparsity import LocalBlock, LocalSparsity
from dynsparse.analysis.temporal_sparsity import TemporalSparsity
from dynsparse.errors import ArrayError

__all__ = ["SparsityReport"]

_BLOCKS = ("state", "action", "combined")
_KINDS = ("zero", "nonzero")
_COORDINATES = ("state", "tangent")


@dataclass(frozen=True, eq=False)
class SparsityReport:
    """The analysis of one data set, with everything that a table or a figure of it needs.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions.
        derivative: Which transition Jacobian.
        episodes: Episodes that the rows come from.
        state_names: (ds,) names of the state variables; of a tangent's numbers where the state holds quaternions, and
            ds is then the length of a tangent.
        action_names: (da,) names of the actions.
        global_sparsity: Which elements are zero in every row (Q1), with the threshold sweep.
        local: How sparsity depends on the state (Q2).
        temporal: How it changes along time (Q3); None where the states do not follow each other in time.
        audit: Comparison of the derivatives with finite differences; None where there was none.
        provenance: Settings, seeds and versions that made it.
        coordinates: ``"state"``, or ``"tangent"`` where the state holds quaternions.
    """

    environment: str
    policy: str
    derivative: str
    episodes: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    global_sparsity: GlobalSparsity
    local: LocalSparsity
    temporal: TemporalSparsity | None
    audit: Mapping[str, Any] | None
    provenance: Mapping[str, Any]
    coordinates: str = "state"

    def __post_init__(self) -> None:
        """Check that names and arrays belong together."""
        if self.coordinates not in _COORDINATES:
            raise ArrayError(f"coordinates must be one of {', '.join(_COORDINATES)}, got {self.coordinates!r}")
        states, actions = len(self.state_names), len(self.action_names)
        found = self.global_sparsity.state.zero_frequency.shape, self.global_sparsity.action.zero_frequency.shape
        if found != ((states, states), (states, actions)):
            raise ArrayError(
                f"frequencies must have shapes {(states, states)} and {(states, actions)} by the names of their "
                f"variables, got {found[0]} and {found[1]}"
            )
        finite = self.rows - self.nonfinite_rows
        for name, elements in zip(_BLOCKS, (states**2, states * actions, states * (states + actions)), strict=True):
            block: LocalBlock = getattr(self.local, name)
            if (block.elements, block.rows) != (elements, finite):
                raise ArrayError(
                    f"the {name} histogram must count {finite} rows of {elements} elements, "
                    f"got {block.rows} rows of {block.elements}"
                )

    @property
    def rows(self) -> int:
        """Rows of data, the non-finite ones included."""
        return self.global_sparsity.rows

    @property
    def nonfinite_rows(self) -> int:
        """Rows that hold a NaN or an infinity; they are counted and otherwise left out."""
        return self.global_sparsity.nonfinite_rows

    @property
    def atol(self) -> float:
        """Zero threshold, ``abs(x) < atol``."""
        return self.global_sparsity.atol

    def to_dict(self) -> dict[str, Any]:
        """Return what ``analysis.json`` holds, besides the hashes that ``save`` adds.

        ``coordinates`` is there only where they are tangent: all other files are those of versions before it.
        """
        blocks = {name: _local_dict(getattr(self.local, name)) for name in _BLOCKS}
        patterns = {
            "distinct_patterns": self.local.distinct_patterns,
            "pattern_shares": list(self.local.pattern_shares),
        }
        return {
            "schema": files.SCHEMA,
            "environment": self.environment,
            "policy": self.policy,
            "derivative": self.derivative,
            "rows": self.rows,
            "episodes": self.episodes,
            "atol": self.atol,
            "state_dim": len(self.state_names),
            "action_dim": len(self.action_names),
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            **({} if self.coordinates == "state" else {"coordinates": self.coordinates}),
            "nonfinite_rows": self.nonfinite_rows,
            "provenance": dict(self.provenance),
            "audit": None if self.audit is None else dict(self.audit),
            "global": {name: _global_dict(getattr(self.global_sparsity, name)) for name in ("state", "action")},
            "local": blocks | {"combined": blocks["combined"] | patterns},
            "temporal": None if self.temporal is None else _temporal_dict(self.temporal),
            "threshold_sweep": [asdict(point) for point in self.global_sparsity.threshold_sweep],
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``analysis.npz`` holds, by name."""
        arrays: dict[str, NDArray[Any]] = {
            "zero_frequency_state": self.global_sparsity.state.zero_frequency,
            "zero_frequency_action": self.global_sparsity.action.zero_frequency,
        }
        for name in _BLOCKS:
            block: LocalBlock = getattr(self.local, name)
            arrays[f"histogram_counts_{name}"] = block.histogram_counts
            arrays[f"histogram_edges_{name}"] = block.histogram_edges
        if self.temporal is not None:
            arrays |= {f"timeline_{name}": getattr(self.temporal, f"timeline_{name}") for name in _BLOCKS}
            for kind in _KINDS:
                durations: Durations = getattr(self.temporal, kind)
                arrays[f"{kind}_duration_counts"] = durations.counts
                arrays[f"{kind}_duration_counts_uncensored"] = durations.uncensored_counts
                arrays[f"{kind}_duration_counts_whole_episode"] = durations.whole_episode_counts
        return arrays

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``analysis.json`` and ``analysis.npz``; until both are on the disk, those that are there stay.

        Args:
            folder: An existing folder.  Only the two renames at the end are not one: whoever needs that writes into a
                folder aside and renames it.

        Raises:
            OutputError: If they can not be written there.
        """
        files.write(folder, self.to_dict(), self.to_arrays())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> SparsityReport:
        """Read what ``save`` wrote.

        Args:
            folder: Folder that holds ``analysis.json`` and ``analysis.npz``.

        Returns:
            An equal report.

        Raises:
            InputError: If a file is missing, broken, altered, of another schema, or the two do not belong together.
        """
        found, arrays = files.read(folder)
        with files.typed_errors(folder):
            report = cls._from_parts(found, arrays)
        files.refuse_contradictions(folder, found, report.to_dict())
        return report

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SparsityReport:
        histograms = {name: LocalBlock.from_counts(arrays[f"histogram_counts_{name}"]) for name in _BLOCKS}
        combined = found["local"]["combined"]
        return cls(
            environment=found["environment"],
            policy=found["policy"],
            derivative=found["derivative"],
            episodes=found["episodes"],
            state_names=tuple(found["state_names"]),
            action_names=tuple(found["action_names"]),
            global_sparsity=GlobalSparsity(
                state=BlockSparsity(arrays["zero_frequency_state"]),
                action=BlockSparsity(arrays["zero_frequency_action"]),
                rows=found["rows"],
                nonfinite_rows=found["nonfinite_rows"],
                atol=found["atol"],
                threshold_sweep=tuple(ThresholdPoint(**point) for point in found["threshold_sweep"]),
            ),
            local=LocalSparsity(
                **histograms,
                distinct_patterns=combined["distinct_patterns"],
                pattern_shares=tuple(combined["pattern_shares"]),
            ),
            temporal=None if found["temporal"] is None else _temporal_from_parts(found["temporal"], arrays),
            audit=found["audit"],
            provenance=found["provenance"],
            coordinates=found.get("coordinates", "state"),
        )


def _global_dict(block: BlockSparsity) -> dict[str, Any]:
    return {"always_zero": block.always_zero_count, "elements": block.elements, "fraction": block.fraction}


def _local_dict(block: LocalBlock) -> dict[str, Any]:
    return {"sparsity_mean": block.sparsity_mean, "sparsity_std": block.sparsity_std}


def _temporal_dict(temporal: TemporalSparsity) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in _KINDS:
        durations: Durations = getattr(temporal, kind)
        for variant in ("mean", "mean_all", "mean_shorter", "mean_uncensored"):
            found[f"{kind}_duration_{variant}"] = getattr(durations, variant)
        found[f"{kind}_censored"] = durations.censored
        found[f"{kind}_whole_episode"] = durations.whole_episode
    return found | {
        "always_zero_left_out": temporal.zero.left_out,
        "censored": temporal.zero.censored + temporal.nonzero.censored,
        "pattern_switch_rate": temporal.pattern_switch_rate,
        "pattern_duration_mean": temporal.pattern_duration_mean,
        "broken_rows": temporal.broken_rows,
    }


def _temporal_from_parts(found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TemporalSparsity:
    def durations(kind: str) -> Durations:
        return Durations(
            arrays[f"{kind}_duration_counts"],
            arrays[f"{kind}_duration_counts_uncensored"],
            arrays[f"{kind}_duration_counts_whole_episode"],
            whole_episode_left_out=kind == "zero",
        )

    return TemporalSparsity(
        zero=durations("zero"),
        nonzero=durations("nonzero"),
        pattern_switch_rate=found["pattern_switch_rate"],
        pattern_duration_mean=found["pattern_duration_mean"],
        timeline_state=arrays["timeline_state"],
        timeline_action=arrays["timeline_action"],
        timeline_combined=arrays["timeline_combined"],
        broken_rows=found["broken_rows"],
    )
