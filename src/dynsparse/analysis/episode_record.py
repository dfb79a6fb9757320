"""Episode record: what each episode of a data set is like by itself, and how files hold it.

Rows of one episode are not independent, episodes are: intervals of a report rest on these numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.errors import ArrayError, InputError

__all__ = ["SHORT", "EpisodeRecord", "holds_episodes"]

SHORT = 50
"""Control steps that most zero stretches do not reach, says the paper of its Figure 7."""

_STEM = "episodes"
_COUNTS = (
    *("steps", "finite", "zeros_state", "zeros_action", "pairs", "switches"),
    *("stretches", "stretch_steps", "short_stretches"),
)
_LABELS = ("environment", "policy", "atol", "state_elements", "action_elements", "has_time", "analysis_sha256")


@dataclass(frozen=True, eq=False)
class EpisodeRecord:
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
    """

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

    def __post_init__(self) -> None:
        """Check that the numbers can be those of episodes.

        Raises:
            ArrayError: They can not.
        """
        shapes = {name: getattr(self, name).shape for name in ("returns", "full", *_COUNTS)}
        if self.steps.ndim != 1 or set(shapes.values()) != {self.steps.shape}:
            raise ArrayError(f"expected one number an episode of each kind, got shapes {shapes}")
        bounds = (
            (self.finite, self.steps),
            (self.zeros_state, self.finite * self.state_elements),
            (self.zeros_action, self.finite * self.action_elements),
            (self.pairs, self.finite),
            (self.switches, self.pairs),
            (self.stretches, self.stretch_steps),
            (self.short_stretches, self.stretches),
        )
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
        return _share(self.zeros_state + self.zeros_action, self.finite * (self.state_elements + self.action_elements))

    @property
    def switch_rate(self) -> NDArray[np.float64]:
        """(e,) share of steps in which the pattern switches; NaN where no two rows follow each other."""
        return _share(self.switches, self.pairs)

    @property
    def zero_duration(self) -> NDArray[np.float64]:
        """(e,) mean length of its stretches of zeros, control steps; NaN where there is none."""
        return _share(self.stretch_steps, self.stretches)

    @property
    def short_share(self) -> NDArray[np.float64]:
        """(e,) share of its stretches of zeros that are shorter than ``SHORT`` steps; NaN where there is none."""
        return _share(self.short_stretches, self.stretches)

    def check(self, report: SparsityReport) -> None:
        """Refuse to stand beside an analysis that was not made with it.

        Args:
            report: The analysis.

        Raises:
            InputError: It was not.
        """
        if (
            self.environment != report.environment
            or self.atol != report.atol
            or self.analysis_sha256 != files.hash_arrays(report.to_arrays())
        ):
            raise InputError(
                f"expected episodes.json of the analysis of {report.environment} beside it, got that of another; "
                "make both again: dynsparse analyze DATASET --out DIR --overwrite"
            )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``episodes.json`` and ``episodes.npz``.

        Args:
            folder: An existing folder.

        Raises:
            OutputError: If they can not be written there.
        """
        content = {
            "schema": files.SCHEMA,
            **{name: getattr(self, name) for name in _LABELS},
            "episodes": self.episodes,
            "provenance": dict(self.provenance),
        }
        arrays = {name: getattr(self, name) for name in ("returns", "full", *_COUNTS)}
        files.write(folder, content, arrays, _STEM)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> EpisodeRecord:
        """Read what ``save`` wrote.

        Args:
            folder: Folder that holds ``episodes.json`` and ``episodes.npz``.

        Returns:
            An equal record.

        Raises:
            InputError: If a file is missing, broken, altered, or the two do not belong together.
        """
        found, arrays = files.read(folder, _STEM)
        with files.typed_errors(folder, _STEM):
            values: dict[str, Any] = {name: found[name] for name in (*_LABELS, "provenance")}
            values |= {name: arrays[name] for name in ("returns", "full", *_COUNTS)}
            return cls(**values)


def holds_episodes(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds an episode record, sound or not."""
    return files.holds_analysis(folder, _STEM)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
