"""Truth scores: world models trained and scored on plain autodiff's Jacobians, beside those on the exact ones (Q4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes, paired_difference
from dynsparse.report.item import TableItem
from dynsparse.report.loss_looks import in_usual_order, look_of
from dynsparse.report.quantities import number
from dynsparse.report.score_metrics import figures

__all__ = ["TruthChange", "about_truths", "truth_changes", "truth_table"]

_METRICS = {
    "prediction.mse": "error of the next state",
    "normalized.auprc": "AUPRC",
    "normalized.auroc": "AUROC",
    "normalized.auprc_changing": "AUPRC of changing elements",
    "normalized.leak": "leak",
    "normalized.miss": "miss",
    "normalized.sparsity": "sparsity of the model",
}

_TOLD = "normalized.auprc"
_SPLITS = {"step": "test steps of training episodes", "episode": "unseen episodes"}


@dataclass(frozen=True)
class TruthChange:
    """One score of one loss, by either derivative.

    Attributes:
        environment: Name of the environment.
        loss: Name of the loss.
        split: Test rows.
        metric: By dotted name.
        exact: Mean over seeds, against the exact Jacobians.
        autodiff: Mean over seeds, against plain autodiff's.
        change: The second less the first, seed by seed.
    """

    environment: str
    loss: str
    split: str
    metric: str
    exact: EpisodeMean
    autodiff: EpisodeMean
    change: EpisodeMean


def truth_changes(records: Mapping[str, DerivativeRecord]) -> tuple[TruthChange, ...]:
    """Pair the scores of each seed.

    Args:
        records: By environment.

    Returns:
        A change for each environment, split, loss and metric that both derivatives have a value of.
    """
    found = []
    for environment, record in records.items():
        for split in _SPLITS:
            for loss in in_usual_order(score.loss for score in record.scores):
                for metric in _METRICS:
                    pairs = _pairs(record, split, loss, metric)
                    if pairs:
                        exact, autodiff = zip(*pairs, strict=True)
                        means = mean_over_episodes(exact), mean_over_episodes(autodiff)
                        change = paired_difference(autodiff, exact)
                        found.append(TruthChange(environment, loss, split, metric, *means, change))
    return tuple(found)


def _pairs(record: DerivativeRecord, split: str, loss: str, metric: str) -> list[tuple[float, float]]:
    values: dict[int, dict[str, float]] = {}
    for score in record.scores:
        value = score.metrics.get(metric)
        if (score.split, score.loss) == (split, loss) and value is not None:
            values.setdefault(score.seed, {})[score.derivative] = value
    return [(by["exact"], by["autodiff"]) for _, by in sorted(values.items()) if len(by) == 2]


def about_truths(changes: tuple[TruthChange, ...]) -> tuple[str, ...]:
    """Say what the wrong derivative does to the score that a model gets.

    Args:
        changes: As ``truth_changes`` gives them.

    Returns:
        A sentence for each environment and loss, of the AUPRC on unseen episodes where there are any.
    """
    sentences = []
    told = [change for change in changes if change.metric == _TOLD]
    for change in told:
        if change.split == "step" and any(
            (other.environment, other.loss, other.split) == (change.environment, change.loss, "episode")
            for other in told
        ):
            continue
        pairs = number(change.change.episodes, "pair") + " of seeds"
        against = f"{figures(change.autodiff.value)} against {figures(change.exact.value)}, {pairs}"
        about = f"loss {look_of(change.loss).label} on {change.environment} ({_SPLITS[change.split]})"
        side = change.change.side_of(0.0)
        if change.change.value == 0.0 and change.change.low in (None, 0.0) and change.change.high in (None, 0.0):
            sentences.append(f"Q4: no difference of AUPRC with {about}: {against}.")
        elif not side:
            sentences.append(f"Q4: not enough data to tell which derivative gives {about} the higher AUPRC: {against}.")
        else:
            size = f"{figures(abs(change.change.value or 0.0))} {_turned(change.change)}"
            direction = "higher" if side > 0 else "lower"
            sentences.append(
                f"Q4: trained and scored by plain autodiff, {about} has an AUPRC {size} {direction}: {against}."
            )
    return tuple(sentences)


def _turned(change: EpisodeMean) -> str:
    low, high = change.low or 0.0, change.high or 0.0
    low, high = (-high, -low) if (change.value or 0.0) < 0.0 else (low, high)
    return f"[{figures(low)}, {figures(high)}]"


def truth_table(changes: tuple[TruthChange, ...]) -> TableItem:
    """Make the table of all scores.

    Args:
        changes: As ``truth_changes`` gives them.

    Returns:
        The table ``derivatives-learning``.
    """
    columns = (
        "environment", "loss", "test rows", "score", "exact", "autodiff", "difference", "low", "high", "pairs of seeds",
    )  # fmt: skip
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for change in changes:
        head = (change.environment, change.loss, change.split)
        numbers = (
            change.exact.value,
            change.autodiff.value,
            change.change.value,
            change.change.low,
            change.change.high,
        )
        shown = ("-" if value is None else figures(value) for value in numbers)
        cells.append((*head, _METRICS[change.metric], *shown, str(change.change.episodes)))
        values.append((*head, change.metric, *numbers, change.change.episodes))
    title = "World models on either derivative"
    return TableItem("derivatives-learning", title, "", columns, tuple(cells), tuple(values))
