"""Phrases: estimates, ratios and names of losses as they are written in sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.report.comparison import Comparison, Difference
from dynsparse.report.loss_looks import BASELINE, look_of
from dynsparse.report.quantities import number
from dynsparse.report.score_metrics import figures
from dynsparse.report.seed_statistics import FEWEST, Estimate

__all__ = ["by_side", "interval", "labels_of", "listed", "times_baseline", "verb", "with_interval"]


def interval(estimate: Estimate) -> str:
    """Write an interval after its number; nothing where there is none."""
    return "" if estimate.low is None else f" [{figures(estimate.low)}, {figures(estimate.high)}]"


def with_interval(estimate: Estimate) -> str:
    """Write a mean with its interval, for example ``"0.62 [0.6, 0.64]"``."""
    return f"{figures(estimate.value)}{interval(estimate)}"


def listed(losses: Sequence[str], comparison: Comparison) -> str:
    """List a metric of each loss over all environments, or what became of its runs."""
    parts = []
    for loss in losses:
        score = comparison.score(loss)
        said = score.lacks if score.estimate.value is None else with_interval(score.estimate)
        parts.append(f"{said} ({look_of(loss).label})")
    return ", ".join(parts)


def times_baseline(difference: Difference) -> str:
    """Say how many times the baseline's a paired error is, and whether that is a difference."""
    estimate = difference.estimate
    if estimate.value is None:
        return f"no run to pair with {BASELINE}"
    verdicts = {
        1: "higher",
        -1: "lower",
        0: "can not be told from it",
        None: f"not enough data to tell ({number(estimate.runs, 'pair')})",
    }
    if difference.diverged:
        without = f"without {number(difference.diverged, 'run')} beyond all numbers"
        return f"{with_interval(estimate)} times the error of {BASELINE}, {without}: no verdict"
    return f"{with_interval(estimate)} times the error of {BASELINE}: {verdicts[difference.side]}"


def by_side(sides: Mapping[str, int | None], goal: str, *, predictor: str = "") -> list[str]:
    """Say which losses are on which side of a number, as far as seeds tell.

    Args:
        sides: Loss -> 1 above, -1 below, 0 where its interval holds the number, None without enough runs.
        goal: What the number is, as in ``"reaches {goal}"``.
        predictor: Whose error the number is: to be above it is to predict worse.  Empty where it is something to reach.

    Returns:
        A sentence a side that occurs; no loss at all makes none.
    """
    if not predictor and sides and set(sides.values()) == {-1}:
        return [f"No loss reaches {goal}."]
    if not predictor and len(sides) > 1 and set(sides.values()) == {1}:
        return [f"Every loss is above {goal}."]
    parts = []
    forms = ("predicts", "predict") if predictor else ("is", "are")
    own, other = ("the prediction error of {}", f"that of {predictor}") if predictor else ("{}", goal)
    for side, said in (
        (1, f"{{}} {{}} worse than {predictor}." if predictor else f"{{}} {{}} above {goal}."),
        (-1, f"{{}} {{}} better than {predictor}." if predictor else f"{{}} {{}} below {goal}."),
        (0, f"{own[0].upper()}{own[1:]} can not be told from {other} by these seeds."),
        (None, f"Not enough data to compare {own} with {other}: it takes {FEWEST} runs, and two in most environments."),
    ):
        losses = [loss for loss, found in sides.items() if found == side]
        if losses:
            parts.append(said.format(labels_of(losses), verb(losses, *forms)))
    return parts


def labels_of(losses: Sequence[str]) -> str:
    """List losses as they are written on paper: ``"a"``, ``"a and b"``, ``"a, b and c"``."""
    labels = [look_of(loss).label for loss in losses]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def verb(losses: Sequence[str], one: str, several: str) -> str:
    """Choose the form of a verb."""
    return one if len(losses) == 1 else several
