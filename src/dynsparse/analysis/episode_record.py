"""Episode record: what each episode of a data set is like by itself, and how files hold it.

Rows of one episode are not independent, episodes are: intervals of a report rest on these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.episode_sums import share
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.errors import ArrayError, InputError

__all__ = ["AboveRoundOff", "EpisodeRecord"]

_COUNTS = (
    *("steps", "finite", "zeros_state", "zeros_action", "pairs", "switches"),
    *("stretches", "stretch_steps", "short_stretches"),
)
_MORE = (
    *("censored_stretches", "short_censored_stretches", "nonzero_stretches", "nonzero_stretch_steps"),
    *("shorter_nonzero_stretches", "shorter_nonzero_stretch_steps"),
)
_LABELS = ("environment", "policy", "atol", "state_elements", "action_elements", "has_time", "analysis_sha256")
_PATTERNS = ("distinct_patterns", "later_patterns")


@dataclass(frozen=True, eq=False)
class EpisodeRecord(StoredRecord):
    """Numbers of each episode of one data set, in its order.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions.
        atol: An element is zero when ``abs(x) < atol``.
        state_elements: Elements of ∂s'/∂s.
        action_elements: Elements of ∂s'/∂a.
        has_time: Whether the states of an episode follow each other; without, there are no returns and stretches.
        analysis_sha256: Hash of the arrays of the analysis that was made with it.
        returns: (e,) sum of the rewards.
        full: (e,) whether the episode ran to its end: its last step, or termination.
        steps: (e,) control steps, which are its rows.
        finite: (e,) rows of it that are finite.
        zeros_state: (e,) zeros of ∂s'/∂s over these rows.
        zeros_action: (e,) zeros of ∂s'/∂a over these rows.
        pairs: (e,) pairs of finite rows that follow each other.
        switches: (e,) pairs of different patterns.
        stretches: (e,) stretches of zeros, those of the whole episode left out, as in the paper.
        stretch_steps: (e,) sum of their lengths, control steps.
        short_stretches: (e,) those shorter than ``SHORT`` steps.
        provenance: Settings, seeds and versions that made it.
        distinct_patterns: Different patterns in all finite rows; None in a record of an earlier version, as below.
        later_patterns: Those that occur in some row that is not an episode's first; None also without time.
        censored_stretches: (e,) stretches that touch an end of the episode or a row that is not finite, and may be
            longer than what was seen.
        short_censored_stretches: (e,) those of them shorter than ``SHORT`` steps.
        nonzero_stretches: (e,) stretches of non-zeros, those of the whole episode included.
        nonzero_stretch_steps: (e,) sum of their lengths, control steps.
        shorter_nonzero_stretches: (e,) those that are not of the whole episode.
        shorter_nonzero_stretch_steps: (e,) sum of their lengths, control steps.
    """

    STEM: ClassVar[str] = "episodes"

    environment: str
    policy: str
    atol: float
    state_elements: int
    action_elements: int
    has_time: bool
    analysis_sha256: str
    returns: NDArray[np.float64]
    full: NDArray[np.bool_]
    steps: NDArray[np.int64]
    finite: NDArray[np.int64]
    zeros_state: NDArray[np.int64]
    zeros_action: NDArray[np.int64]
    pairs: NDArray[np.int64]
    switches: NDArray[np.int64]
    stretches: NDArray[np.int64]
    stretch_steps: NDArray[np.int64]
    short_stretches: NDArray[np.int64]
    provenance: Mapping[str, Any]
    distinct_patterns: int | None = None
    later_patterns: int | None = None
    censored_stretches: NDArray[np.int64] | None = None
    short_censored_stretches: NDArray[np.int64] | None = None
    nonzero_stretches: NDArray[np.int64] | None = None
    nonzero_stretch_steps: NDArray[np.int64] | None = None
    shorter_nonzero_stretches: NDArray[np.int64] | None = None
    shorter_nonzero_stretch_steps: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Check that the numbers can be those of episodes.

        Raises:
            ArrayError: They can not.
        """
        shapes = {name: array.shape for name, array in self.to_arrays().items()}
        if self.steps.ndim != 1 or set(shapes.values()) != {self.steps.shape}:
            raise ArrayError(f"expected one number an episode of each kind, got shapes {shapes}")
        names = (
            *(("finite", "steps"), ("pairs", "finite"), ("switches", "pairs"), ("stretches", "stretch_steps")),
            *(("short_stretches", "stretches"), ("censored_stretches", "stretches")),
            *(("short_censored_stretches", "censored_stretches"), ("short_censored_stretches", "short_stretches")),
            *(("shorter_nonzero_stretches", "nonzero_stretches"), ("nonzero_stretches", "nonzero_stretch_steps")),
            ("shorter_nonzero_stretch_steps", "nonzero_stretch_steps"),
        )
        known = self.to_arrays()
        bounds = [(known[part], known[whole]) for part, whole in names if part in known and whole in known]
        bounds += [
            (self.zeros_state, self.finite * self.state_elements),
            (self.zeros_action, self.finite * self.action_elements),
        ]
        if any((part < 0).any() or (part > whole).any() for part, whole in bounds):
            raise ArrayError("expected counts of rows, zeros, switches and stretches of each episode; they are not")

    @property
    def episodes(self) -> int:
        """How many episodes there are."""
        return len(self.steps)

    @property
    def full_returns(self) -> NDArray[np.float64]:
        """(f,) returns of the episodes that ran to their end."""
        return self.returns[self.full]

    @property
    def sparsity(self) -> NDArray[np.float64]:
        """(e,) mean share of zeros of both blocks together; NaN without a finite row."""
        return share(self.zeros_state + self.zeros_action, self.finite * (self.state_elements + self.action_elements))

    @property
    def switch_rate(self) -> NDArray[np.float64]:
        """(e,) share of steps in which the pattern switches; NaN where no two rows follow each other."""
        return share(self.switches, self.pairs)

    @property
    def zero_duration(self) -> NDArray[np.float64]:
        """(e,) mean length of its stretches of zeros, control steps; NaN where there is none."""
        return share(self.stretch_steps, self.stretches)

    @property
    def short_share(self) -> NDArray[np.float64]:
        """(e,) share of its stretches of zeros that are shorter than ``SHORT`` steps; NaN where there is none."""
        return share(self.short_stretches, self.stretches)

    def check(self, report: SparsityReport) -> None:
        """Refuse to stand beside an analysis that was not made with it.

        Args:
            report: The analysis.

        Raises:
            InputError: It was not.
        """
        if (
            self.environment != report.environment
            or not self._is_beside(report.atol)
            or self.analysis_sha256 != files.hash_arrays(report.to_arrays())
        ):
            raise InputError(
                f"expected {self.STEM}.json of the analysis of {report.environment} beside it, got that of another; "
                "make both again: dynsparse analyze DATASET --out DIR --overwrite"
            )

    def _is_beside(self, atol: float) -> bool:
        """Whether an analysis at a threshold can stand beside this record."""
        return self.atol == atol

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON file holds, besides the hashes that ``save`` adds."""
        return {
            "schema": files.SCHEMA,
            **{name: getattr(self, name) for name in _LABELS},
            "episodes": self.episodes,
            **{name: value for name in _PATTERNS if (value := getattr(self, name)) is not None},
            "provenance": dict(self.provenance),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what the npz file holds, by name."""
        arrays = {name: getattr(self, name) for name in ("returns", "full", *_COUNTS, *_MORE)}
        return {name: array for name, array in arrays.items() if array is not None}

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        values: dict[str, Any] = {name: found[name] for name in (*_LABELS, "provenance")}
        values |= {name: found.get(name) for name in _PATTERNS}
        values |= {name: arrays[name] for name in ("returns", "full", *_COUNTS)}
        values |= {name: arrays.get(name) for name in _MORE}
        return cls(**values)


@dataclass(frozen=True, eq=False)
class AboveRoundOff(EpisodeRecord):
    """The same numbers at 1e-12, beside an analysis at a smaller threshold.

    Sums that cancel leave round-off on either side of 1e-15, which makes patterns and switches that are none.
    """

    STEM: ClassVar[str] = "above_round_off"

    def __post_init__(self) -> None:
        """Check also that it is at its threshold and lacks nothing.

        Raises:
            ArrayError: It is not, or does.
        """
        super().__post_init__()
        if self.atol != ABOVE_ROUND_OFF or self.distinct_patterns is None or {*_MORE} - {*self.to_arrays()}:
            raise ArrayError(f"expected all counts at {ABOVE_ROUND_OFF:g}, got atol {self.atol!r} or some of them")

    def _is_beside(self, atol: float) -> bool:
        return atol < self.atol
