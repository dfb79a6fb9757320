"""Derivative record: the numbers of Q1 to Q4 by the exact derivative and by others, at the same rows.  No JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.derivative_variant import EXACT, DerivativeVariant
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.errors import ArrayError

__all__ = ["DerivativeRecord", "TruthScore", "holds_derivatives"]


@dataclass(frozen=True)
class TruthScore:
    """A world model trained on the Jacobians of one derivative, and scored against them.

    Attributes:
        derivative: Whose Jacobians are the truth, in training and in scoring: ``"exact"`` or ``"autodiff"``.
        loss: Name of the loss.
        seed: Its seed: of network, split, order and dropout.
        split: The test rows: ``"step"`` or ``"episode"``.
        metrics: By dotted name; None where one has no meaning.
    """

    derivative: str
    loss: str
    seed: int
    split: str
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class DerivativeRecord(StoredRecord):
    """What one environment's numbers are by several derivatives.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions.
        atol: An element is zero when ``abs(x) < atol``, in every variant.
        state_names: (dt,) names of a Jacobian's rows and first columns.
        action_names: (da,) names of its last columns.
        episode: (e,) episode of each stretch of consecutive rows.
        first: (e,) control step of it at which the stretch begins.
        variants: The exact derivative first.
        scores: World models; empty where none were trained.
        provenance: Settings, seeds and versions that made it.
    """

    STEM = "derivatives"

    environment: str
    policy: str
    atol: float
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    episode: NDArray[np.int64]
    first: NDArray[np.int64]
    variants: tuple[DerivativeVariant, ...]
    scores: tuple[TruthScore, ...]
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check that names and variants belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        if not self.variants or self.variants[0].key != EXACT:
            raise ArrayError(f"expected the exact derivative first, got {[v.key for v in self.variants]}")
        if len({variant.key for variant in self.variants}) < len(self.variants):
            raise ArrayError("expected each derivative and precision once, got one twice")
        shape = (len(self.state_names), len(self.state_names) + len(self.action_names))
        for variant in self.variants:
            if variant.sparsity.zeros.shape != shape:
                raise ArrayError(f"expected elements {shape} by the names, got {variant.sparsity.zeros.shape}")
            if variant.sparsity.episodes != len(self.episode) or self.first.shape != self.episode.shape:
                raise ArrayError(f"expected {len(self.episode)} stretches, got {variant.sparsity.episodes}")

    @property
    def exact(self) -> DerivativeVariant:
        """The exact derivative."""
        return self.variants[0]

    @property
    def rows(self) -> int:
        """Rows that were compared, those that are not finite by some derivative included."""
        return self.exact.sparsity.all_rows

    @property
    def differs(self) -> bool:
        """Whether another derivative in float64 differs from the exact one by more than round-off."""
        others = [variant for variant in self.variants[1:] if variant.precision == "float64"]
        return any(not v.is_round_off or self.has_other_losses(v) for v in others)

    def is_changed(self, variant: DerivativeVariant) -> bool:
        """Whether a variant differs anywhere from the exact one: a row off, a zero in one alone, a row not finite."""
        return not variant.is_same or self.has_other_losses(variant)

    def has_other_losses(self, variant: DerivativeVariant) -> bool:
        """Whether more or fewer rows of a stretch are finite than by the exact derivative."""
        return not np.array_equal(variant.nonfinite, self.exact.nonfinite)

    def has_fewer_rows(self, variant: DerivativeVariant) -> bool:
        """Whether rows that are not finite by a variant leave it, and the exact one beside it, fewer than there are."""
        return not np.array_equal(variant.reference.finite, self.exact.sparsity.finite)

    def variant(self, derivative: str, precision: str) -> DerivativeVariant | None:
        """Return a variant by derivative and precision; None where it was not computed."""
        return next((v for v in self.variants if v.key == (derivative, precision)), None)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``derivatives.json`` holds, besides the hashes that ``save`` adds."""
        return {
            "schema": files.SCHEMA,
            "environment": self.environment,
            "policy": self.policy,
            "rows": self.rows,
            "atol": self.atol,
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            "differs": self.differs,
            "variants": [variant.to_dict() for variant in self.variants],
            "scores": [{**asdict(score), "metrics": dict(score.metrics)} for score in self.scores],
            "provenance": dict(self.provenance),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``derivatives.npz`` holds, by name."""
        arrays: dict[str, NDArray[Any]] = {"episode": self.episode, "first": self.first}
        for variant in self.variants:
            arrays |= variant.to_arrays()
        return arrays

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold."""
        return cls(
            environment=found["environment"],
            policy=found["policy"],
            atol=found["atol"],
            state_names=tuple(found["state_names"]),
            action_names=tuple(found["action_names"]),
            episode=arrays["episode"],
            first=arrays["first"],
            variants=tuple(DerivativeVariant.from_parts(entry, arrays) for entry in found["variants"]),
            scores=tuple(TruthScore(**entry) for entry in found["scores"]),
            provenance=found["provenance"],
        )


def holds_derivatives(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a record of derivatives, sound or not."""
    return files.holds_analysis(folder, DerivativeRecord.STEM)
