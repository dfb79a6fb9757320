"""Embedding record: where transitions of one data set lie in the plane, how sparse each is, and some of them as frames.

No JAX, no openTSNE.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.embedding_neighbours import Neighbours, shared_variance
from dynsparse.analysis.embedding_strip import Strip
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.errors import ArrayError

__all__ = ["EmbeddingRecord", "holds_embedding"]

_ARRAYS: Mapping[str, type[np.generic]] = {
    "rows": np.int64,
    "points": np.float32,
    "zeros": np.int64,
    "fitted": np.bool_,
    "episode": np.int64,
    "t": np.int64,
}
_NEIGHBOUR_ARRAYS = (
    "judged", "kept", "alike_plane", "alike_space", "mean_plane", "mean_space", "shuffled_alike", "shuffled_shared",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class EmbeddingRecord(StoredRecord):
    """Transitions (s, a, s') of one data set in the plane, and their combined sparsity.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions.
        data_rows: Rows of the data set.
        finite_rows: Those of them that are finite; no other row has a place.
        elements: Elements of the combined Jacobian.
        atol: An element is zero when ``abs(x) < atol``.
        dt: Duration of a control step, s.
        rows: (n,) places in the data set, in increasing order.
        points: (n, 2) places in the plane.
        zeros: (n,) number of zeros of the combined Jacobian.
        fitted: (n,) whether the row was fitted; the others were placed among those.
        episode: (n,) number of its episode.
        t: (n,) its control step.
        turning: Names of the angles without limits, compared by cosine and sine.
        perplexity: Of t-SNE.
        kl_divergence: What the fit leaves of its cost, nats.
        neighbours: What neighbours in the plane have in common.
        strip: Some moments of an episode as frames.
        provenance: Settings, seeds and versions that made it.
    """

    STEM = "embedding"

    environment: str
    policy: str
    data_rows: int
    finite_rows: int
    elements: int
    atol: float
    dt: float
    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    zeros: NDArray[np.int64]
    fitted: NDArray[np.bool_]
    episode: NDArray[np.int64]
    t: NDArray[np.int64]
    turning: tuple[str, ...]
    perplexity: float
    kl_divergence: float
    neighbours: Neighbours
    strip: Strip
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the arrays belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        count = len(self.rows)
        for name, kind in _ARRAYS.items():
            array = getattr(self, name)
            if array.shape != ((count, 2) if name == "points" else (count,)) or array.dtype != kind:
                raise ArrayError(f"expected {name} of {count} rows and {kind.__name__}, got {array.shape}")
        if not np.isfinite(self.points).all() or (np.diff(self.rows) <= 0).any():
            raise ArrayError("expected finite points of rows in increasing order")
        if not count <= self.finite_rows <= self.data_rows or self.rows.max(initial=0) >= self.data_rows:
            raise ArrayError(
                f"expected rows among {self.finite_rows} finite ones of {self.data_rows}, got {count} up to "
                f"{self.rows.max(initial=0)}"
            )
        if self.zeros.min(initial=0) < 0 or self.zeros.max(initial=0) > self.elements:
            raise ArrayError(f"expected 0 to {self.elements} zeros a row, got up to {self.zeros.max(initial=0)}")
        found = self.neighbours
        lengths = {len(getattr(found, name)) for name in _NEIGHBOUR_ARRAYS[:6]}
        if lengths != {len(found.judged)} or found.judged.max(initial=0) >= count or found.judged.min(initial=0) < 0:
            raise ArrayError(f"expected neighbours of some of {count} points, got arrays of lengths {sorted(lengths)}")
        if not np.isin(self.strip.rows, self.rows).all():
            raise ArrayError("expected a place in the plane for every row of the strip")

    @property
    def sparsity(self) -> NDArray[np.float64]:
        """(n,) zeros / elements of each row."""
        return np.asarray(self.zeros / max(self.elements, 1))

    @property
    def strip_places(self) -> NDArray[np.int64]:
        """(f,) where in ``rows`` the moments of the strip are."""
        return np.searchsorted(self.rows, self.strip.rows).astype(np.int64)

    def quality(self, group: str) -> dict[str, float | int | None]:
        """Return in numbers whether the plane shows what the space holds.

        Args:
            group: ``"fitted"`` or ``"placed"``.

        Returns:
            ``judged``, how many points were looked at; ``kept``, the mean share of neighbours that are kept;
            ``alike_plane`` and ``alike_space``, the mean share of neighbours with as many zeros; ``shared_plane`` and
            ``shared_space``, the share of the variance of sparsity that neighbours' means explain.  None where no
            point was looked at, or nothing varies.
        """
        found = self.neighbours
        own = self.fitted[found.judged] == (group == "fitted")
        values = self.sparsity[found.judged[own]]
        means = {
            name: float(getattr(found, name)[own].mean()) if own.any() else None
            for name in ("kept", "alike_plane", "alike_space")
        }
        return {
            "judged": int(own.sum()),
            **means,
            "shared_plane": shared_variance(values, found.mean_plane[own]),
            "shared_space": shared_variance(values, found.mean_space[own]),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what ``embedding.json`` holds, besides the hashes that ``save`` adds."""
        found = self.neighbours
        shuffled = {
            name.removeprefix("shuffled_"): [float(x) for x in np.quantile(getattr(found, name), (0.025, 0.5, 0.975))]
            for name in ("shuffled_alike", "shuffled_shared")
        }
        return {
            "schema": files.SCHEMA,
            "environment": self.environment,
            "policy": self.policy,
            "data_rows": self.data_rows,
            "finite_rows": self.finite_rows,
            "elements": self.elements,
            "atol": self.atol,
            "dt": self.dt,
            "embedded_rows": len(self.rows),
            "fitted_rows": int(self.fitted.sum()),
            "turning": list(self.turning),
            "perplexity": self.perplexity,
            "kl_divergence": self.kl_divergence,
            "neighbours": found.count,
            "neighbours_elsewhere": found.elsewhere,
            "quality": {group: self.quality(group) for group in ("fitted", "placed")},
            "shuffled": shuffled,
            "strip": self.strip.to_dict(),
            "provenance": dict(self.provenance),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``embedding.npz`` holds, by name."""
        return {
            **{name: getattr(self, name) for name in _ARRAYS},
            "sparsity": self.sparsity,
            **{name: getattr(self.neighbours, name) for name in _NEIGHBOUR_ARRAYS},
            "strip_rows": self.strip.rows,
            "frames": self.strip.frames,
        }

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold."""
        record = cls(
            environment=found["environment"],
            policy=found["policy"],
            data_rows=found["data_rows"],
            finite_rows=found["finite_rows"],
            elements=found["elements"],
            atol=found["atol"],
            dt=found["dt"],
            rows=arrays["rows"],
            points=arrays["points"],
            zeros=arrays["zeros"],
            fitted=arrays["fitted"],
            episode=arrays["episode"],
            t=arrays["t"],
            perplexity=found["perplexity"],
            kl_divergence=found["kl_divergence"],
            provenance=found["provenance"],
            turning=tuple(found["turning"]),
            neighbours=Neighbours(
                **{name: arrays[name] for name in _NEIGHBOUR_ARRAYS},
                count=found["neighbours"],
                elsewhere=found["neighbours_elsewhere"],
            ),
            strip=Strip(arrays["strip_rows"], arrays["frames"], **found["strip"]),
        )
        if not np.array_equal(record.sparsity, arrays["sparsity"]):
            raise ArrayError("expected the sparsity that zeros and elements give, got another one")
        return record


def holds_embedding(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds an embedding, sound or not."""
    return files.holds_analysis(folder, EmbeddingRecord.STEM)
