"""Score metrics: what is reported of a learned model, how it is named, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = [
    "COORDINATES",
    "JACOBIAN_METRICS",
    "OPEN_LOOP_STEPS",
    "PREDICTION_METRICS",
    "Metric",
    "figures",
    "jacobian_metric",
    "table_metrics",
]

COORDINATES = ("normalized", "raw")
"""In which scores of Jacobians are made; errors of predictions are in normalized ones always."""

OPEN_LOOP_STEPS = (1, 5, 10, 25, 50)


@dataclass(frozen=True)
class Metric:
    """One number of a model.

    Attributes:
        name: Dotted name in the records.
        title: What is written on paper.
        better: 1 where higher is better, -1 where lower is, 0 where nearer to the truth is.
        log: Whether models differ by factors rather than by differences.
        optional: Whether older records lack it; no table then has it.
        of_model: Whether it says anything about the model, and not of the simulator alone.
    """

    name: str
    title: str
    better: int
    log: bool = False
    optional: bool = False
    of_model: bool = True


JACOBIAN_METRICS = (
    Metric("auprc", "AUPRC", 1),
    Metric("auroc", "AUROC", 1),
    Metric("auprc_changing", "AUPRC, changing elements", 1),
    Metric("auroc_changing", "AUROC, changing elements", 1),
    Metric("auroc_within", "AUROC within elements", 1, optional=True),
    Metric("leak", "leak", -1),
    Metric("miss", "miss", -1),
    Metric("frobenius_error", "relative error", -1),
    Metric("cosine", "cosine", 1),
    Metric("sparsity", "sparsity", 0),
    Metric("true_sparsity", "true sparsity", 0, of_model=False),
    Metric("relative_sparsity", "sparsity / true", 0),
)
"""Scores of Jacobians, without the coordinates that their names begin with."""

PREDICTION_METRICS = (
    Metric("prediction.mse", "one-step MSE", -1, log=True),
    Metric("prediction.r2", "R² of the change", 1),
    *(
        Metric(f"prediction.open_loop.{steps}", f"MSE after {steps}", -1, log=True)
        for steps in OPEN_LOOP_STEPS
        if steps > 1
    ),
)


def jacobian_metric(name: str, coordinates: str = "normalized") -> Metric:
    """Return a score of Jacobians under its whole name."""
    (metric,) = (metric for metric in JACOBIAN_METRICS if metric.name == name)
    return replace(metric, name=f"{coordinates}.{name}")


def table_metrics(coordinates: str) -> tuple[Metric, ...]:
    """Return the columns of a table in some coordinates; predictions stand in the normalized one only."""
    own = tuple(jacobian_metric(metric.name, coordinates) for metric in JACOBIAN_METRICS)
    return (*PREDICTION_METRICS, *own) if coordinates == "normalized" else own


def figures(value: float | None) -> str:
    """Write a number with three significant figures, or as a whole one from a thousand on; a dash for none."""
    if value is None:
        return "-"
    if 1e3 <= abs(value) < 1e4:
        return f"{value:,.0f}"
    if value == 0 or 1e-3 <= abs(value) < 1e3:
        return f"{value:.3g}"
    return f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
