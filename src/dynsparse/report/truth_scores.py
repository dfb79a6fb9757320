"""Truth scores: world models trained and scored on plain autodiff's Jacobians, beside those on the exact ones (Q4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes, paired_difference
from dynsparse.report.item import TableItem
from dynsparse.report.loss_looks import in_usual_order, look_of
from dynsparse.report.many_comparisons import LEVEL, by_holm, chance
from dynsparse.report.quantities import number, with_interval
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
        is_equal: Whether both are the same with every seed.
        chance: How likely such a change is where there is none; None where they are equal, or seeds too few to tell.
    """

    environment: str
    loss: str
    split: str
    metric: str
    exact: EpisodeMean
    autodiff: EpisodeMean
    change: EpisodeMean
    is_equal: bool
    chance: float | None


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
                        change, is_equal = paired_difference(autodiff, exact), exact == autodiff
                        asked = None if is_equal else chance(autodiff, exact, paired=True)
                        found.append(TruthChange(environment, loss, split, metric, *means, change, is_equal, asked))
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
    told = [change for change in changes if change.metric == _TOLD and not _has_better_rows(change, changes)]
    held = by_holm([change.chance for change in told])
    sentences = [_about(change, corrected) for change, corrected in zip(told, held, strict=True)]
    asked = sum(change.chance is not None for change in told)
    if asked > 1:
        sentences.append(f"Q4: verdicts are corrected for {asked:,} comparisons (Holm, {100 * LEVEL:g} %).")
    return tuple(sentences)


def _has_better_rows(change: TruthChange, changes: tuple[TruthChange, ...]) -> bool:
    """Whether the same is known of unseen episodes, which test steps of training episodes are not."""
    key = (change.environment, change.loss, change.metric)
    return change.split == "step" and any(
        (other.environment, other.loss, other.metric) == key and other.split == "episode" for other in changes
    )


def _about(change: TruthChange, corrected: float | None) -> str:
    pairs = number(change.change.episodes, "pair") + " of seeds"
    against = f"{figures(change.autodiff.value)} against {figures(change.exact.value)}, {pairs}"
    about = f"loss {look_of(change.loss).label} on {change.environment} ({_SPLITS[change.split]})"
    size = change.change.value or 0.0
    if change.is_equal:
        return f"Q4: no difference of AUPRC with {about}: {against}."
    if corrected is None:
        return f"Q4: not enough data to tell which derivative gives {about} the higher AUPRC: {against}."
    if corrected >= LEVEL:
        return f"Q4: trained and scored by either derivative, the AUPRC of {about} can not be told apart: {against}."
    direction = "higher" if size > 0.0 else "lower"
    shown = f"{figures(abs(size))}{_turned(change.change)}"
    return f"Q4: trained and scored by plain autodiff, {about} has an AUPRC {shown} {direction}: {against}."


def _turned(change: EpisodeMean) -> str:
    if change.low is None or change.high is None or change.low == change.high:
        return ""
    low, high = (-change.high, -change.low) if (change.value or 0.0) < 0.0 else (change.low, change.high)
    return f" [{figures(low)}, {figures(high)}]"


def truth_table(changes: tuple[TruthChange, ...]) -> TableItem:
    """Make the table of all scores.

    Args:
        changes: As ``truth_changes`` gives them.

    Returns:
        The table ``derivatives-learning``.
    """
    columns = ("environment", "loss", "test rows", "score", "exact", "autodiff", "difference", "pairs of seeds")
    fields = (
        *("environment", "loss", "split", "metric"),
        *(f"{name}{end}" for name in ("exact", "autodiff", "difference") for end in ("", "_low", "_high")),
        *("chance", "pairs_of_seeds"),
    )
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for change in changes:
        head = (change.environment, change.loss, change.split)
        means = (change.exact, change.autodiff, change.change)
        shown = (with_interval(mean, figures, reason=False) for mean in means)
        ends = (end for mean in means for end in (mean.value, mean.low, mean.high))
        cells.append((*head, _METRICS[change.metric], *shown, str(change.change.episodes)))
        values.append((*head, change.metric, *ends, change.chance, change.change.episodes))
    title, notes = "World models on either derivative", (_NOTE,)
    return TableItem(
        "derivatives-learning", title, "", columns, tuple(cells), tuple(values), notes, fields=fields, keys=4
    )


_NOTE = (
    "Means over seeds with 95 % intervals, those of differences seed by seed; there is none of fewer than three seeds, "
    "or of the same number with every one. Nothing in this table is corrected for how many numbers it holds."
)
