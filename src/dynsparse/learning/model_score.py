"""Model score: everything that is found out about one model on some rows, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynsparse.learning.jacobian_scores import JacobianScores
from dynsparse.learning.prediction_scores import PredictionScores

__all__ = ["FEWEST_ROWS", "SWEEP", "ContactScores", "Score"]

SWEEP = tuple(float(f"1e{exponent}") for exponent in range(-12, 0))
"""Thresholds at which the model's zeros are counted, in normalized coordinates."""

FEWEST_ROWS = 30
"""Rows of a group, some of all, below which it has no scores: there is not enough data."""


@dataclass(frozen=True)
class ContactScores:
    """Scores of the rows in which a constraint exerts force, or of those in which none does.

    Attributes:
        rows: How many there are.
        normalized: Of the Jacobians, in normalized coordinates; None of fewer rows than thirty, unless they are all.
        prediction: Of the next states; None likewise, or where the model gives none.
    """

    rows: int
    normalized: JacobianScores | None
    prediction: PredictionScores | None

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        return {"rows": self.rows, "normalized": _told(self.normalized), "prediction": _told(self.prediction)}


@dataclass(frozen=True)
class Score:
    """Scores of one model; None where a score has no meaning.

    ``auprc``, ``auroc``, ``auprc_changing``, ``auroc_changing``, ``auroc_within``, ``leak``, ``miss``,
    ``frobenius_error`` and ``cosine`` are those of ``normalized``, ``mse`` and ``r2`` those of ``prediction``.

    Attributes:
        environment: Name of the environment.
        policy: Name of the policy.
        rows: How many rows were scored.
        nonfinite_rows: How many rows of the data set are not finite, and were left out.
        zero_atol: Zero threshold of the simulator's Jacobian, before normalising.
        derivative: ``"jax"``, ``"finite-difference"``, ``"given"`` or ``"dependency"``.
        normalized: Of the Jacobians, in z-scored coordinates.
        raw: The same in the units of the data set.
        prediction: Of the next states; None where the model gives none.
        contact: The same for ``"active"`` and ``"inactive"`` constraints.
        threshold_sweep: Share of the model's elements, normalized, below each of ``SWEEP``.
        referees: Scores of ``REFEREES`` on the same rows; empty where they were not asked for.
    """

    environment: str
    policy: str
    rows: int
    nonfinite_rows: int
    zero_atol: float
    derivative: str
    normalized: JacobianScores
    raw: JacobianScores
    prediction: PredictionScores | None
    contact: Mapping[str, ContactScores]
    threshold_sweep: tuple[tuple[float, float], ...]
    referees: Mapping[str, Score] = field(default_factory=dict)

    @property
    def auprc(self) -> float | None:
        """Area under precision over recall of the |Jacobian|, normalized, as a sign of dependence; 1 is best."""
        return self.normalized.auprc

    @property
    def auroc(self) -> float | None:
        """Area under the receiver operating characteristic of the same; 1 is best."""
        return self.normalized.auroc

    @property
    def auprc_changing(self) -> float | None:
        """As ``auprc``, over the elements that are zero in some rows only."""
        return self.normalized.auprc_changing

    @property
    def auroc_changing(self) -> float | None:
        """As ``auroc``, over the elements that are zero in some rows only."""
        return self.normalized.auroc_changing

    @property
    def auroc_within(self) -> float | None:
        """Mean over the same of each element's own ``auroc`` over rows: is it known when it is zero?  1 is best."""
        return self.normalized.auroc_within

    @property
    def leak(self) -> float | None:
        """Share of the model's |Jacobian|, normalized, that lies on true zeros; 0 is best."""
        return self.normalized.leak

    @property
    def miss(self) -> float | None:
        """Share of true non-zeros that the model takes for zeros; 0 is best."""
        return self.normalized.miss

    @property
    def frobenius_error(self) -> float | None:
        """Mean relative Frobenius norm of the Jacobians' error; 0 is best."""
        return self.normalized.frobenius_error

    @property
    def cosine(self) -> float | None:
        """Mean cosine between rows of the model's and the true Jacobians; 1 is best."""
        return self.normalized.cosine

    @property
    def mse(self) -> float | None:
        """Mean squared error one step ahead, in normalized coordinates; 0 is best."""
        return None if self.prediction is None else self.prediction.mse

    @property
    def r2(self) -> float | None:
        """Share of the variance of the state change that is explained, in the mean of the dimensions; 1 is best."""
        return None if self.prediction is None else self.prediction.r2

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON values, those of the referees under their names where there are any."""
        values = {
            "schema": 1,
            "environment": self.environment,
            "policy": self.policy,
            "rows": self.rows,
            "nonfinite_rows": self.nonfinite_rows,
            "zero_atol": self.zero_atol,
            "derivative": self.derivative,
            "normalized": self.normalized.to_dict(),
            "raw": self.raw.to_dict(),
            "prediction": _told(self.prediction),
            "contact": {name: part.to_dict() for name, part in self.contact.items()},
            "threshold_sweep": [{"atol": atol, "sparsity": share} for atol, share in self.threshold_sweep],
        }
        if self.referees:
            values["referees"] = {name: referee.to_dict() for name, referee in self.referees.items()}
        return values

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name} {'none' if value is None else format(value, '.3g')}"
            for name, value in (("auprc", self.auprc), ("auroc", self.auroc), ("leak", self.leak), ("mse", self.mse))
        )
        return f"<score {self.environment}, {self.rows:,} rows, {self.derivative}: {shown}>"


def _told(part: JacobianScores | PredictionScores | None) -> dict[str, Any] | None:
    return None if part is None else part.to_dict()
