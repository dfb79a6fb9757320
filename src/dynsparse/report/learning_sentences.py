"""Learning sentences: what the results over seeds say, with their numbers, and where they can not say anything."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import FEWEST_EPISODES
from dynsparse.report.learning_ratios import about_ratios, left_out_of_means
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import BASELINE, look_of
from dynsparse.report.phrases import by_side, listed, times_baseline, with_interval
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.quantities import number, percent
from dynsparse.report.score_metrics import figures, table_metrics
from dynsparse.report.seed_statistics import FEWEST, Estimate, coverage, narrowness
from dynsparse.report.zero_axis import tick_name

__all__ = [
    "NOTHING",
    "about_chances",
    "about_curves",
    "about_errors",
    "about_intervals",
    "about_scores",
    "about_sparsity",
    "about_thresholds",
]

NOTHING = "There is nothing to say: no run has a result."

# What a curve that has come to its end does not fall below any more, as a share of what it had reached before.
_SETTLED = 0.95


def about_intervals(table: LearningTable, resamples: int, seed: int) -> str:
    """Say what numbers and intervals are, and how far they can be trusted.

    Args:
        table: The runs.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The sentences.
    """
    counts = {len(table.seeds_of(name, (loss,))) for name in table.environments for loss in table.losses} - {0}
    several = [count for count in counts if count > 1]
    if not several:
        return "Numbers are those of one seed, without intervals: another seed might give others."
    seeds, narrow = min(several), 1.0 - narrowness(min(several))
    over = number(seeds, "seed") if len(counts) == 1 else f"{min(counts):,} to {number(max(counts), 'seed')}"
    return (
        "Numbers are interquartile means with 95 % intervals in [ ]: stratified bootstrap, "
        f"{over} of each environment drawn again {resamples:,} times (seed {seed}), percentiles. Environments, their "
        "data sets and the agents that these were recorded of are taken as given: no interval says anything about "
        "others. An environment with a single run is taken as certain; where half of them have no more, there is no "
        f"interval. With {seeds} seeds a bootstrap interval is {percent(narrow)} narrower than one of unbiased "
        f"variance, and one of a single environment holds the truth in {percent(coverage(seeds))} of all cases, not in "
        "95 %, even where scores are normally distributed; intervals over several environments do better. A difference "
        f"is called one only if its interval, of {FEWEST} pairs at least and widened by that much, lies on one side. "
        "The ratio of errors of a loss that is far off in one environment has Student's interval, of the mean "
        f"logarithm of {FEWEST_EPISODES} pairs of seeds at least."
    )


def about_scores(table: LearningTable, results: Sequence[LearningResults]) -> str:
    """Say what the columns of tables are.

    Args:
        table: The runs.
        results: What was computed, one a test set.

    Returns:
        The sentences.
    """
    true, model = table.settings.get("atol"), next((found.thresholds.chosen for found in results), None)
    below_true = "the simulator's threshold" if true is None else tick_name(true)
    below_model = "the model's threshold" if model is None else f"the model's threshold, {tick_name(model)}"
    within = "normalized.auroc_within"
    alone = (
        " Within elements: the AUROC of each of them by itself over the rows, in the mean; 0.5 for any graph that is "
        "one for all states."
    )
    return (
        "AUPRC and AUROC: how well the size of the model's derivatives tells dependencies from zeros, 1 is best. "
        "Changing elements are those that are zero in some rows only."
        f"{alone if any(within in found.scores for found in results) else ''} Leak: share of the sum of |J| that lies "
        "on true zeros. Miss: share of the true non-zeros of at least the model's threshold that are below it in the "
        "model. Relative error: mean Frobenius norm of the error over that of the truth. Sparsity: share of the "
        f"model's elements below {below_model}. True sparsity: share of the simulator's below {below_true}, in raw "
        "coordinates. The row truth counts the simulator's own Jacobian as a model's, small dependences among the "
        "zeros: its sparsity / true can be above 1, as would be that of a model without any error. "
        "In ( ): runs with a value, of those expected, where some lack; diverged ones have an error beyond all "
        "numbers, are in no mean, which is too low without them, and leave no difference to be marked."
    )


def about_chances(results: Sequence[LearningResults]) -> str:
    """Say how many differences could be marked as one, how many are, and how many would be by chance alone.

    Args:
        results: What was computed, one a test set.

    Returns:
        The sentences.
    """
    differences = [
        by_environment[environment]
        for found in results
        for metric in table_metrics("normalized")
        for loss in found.losses
        if (by_environment := found.differences.get((metric.name, loss, BASELINE))) is not None
        # Of one environment alone the table over all says the same.
        for environment in (None, *(found.environments if len(found.environments) > 1 else ()))
    ]
    told = [difference for difference in differences if difference.side is not None]
    if not told:
        return f"No difference is marked: none has the {FEWEST} pairs that it takes."
    low, high = (round(sum(shares)) for shares in zip(*(one.estimate.by_chance for one in told), strict=True))
    chance = number(high, "mark") if low == high else f"{low:,} to {number(high, 'mark')}"
    return (
        f"Tables of differences from {BASELINE} hold {number(len(told), 'comparison')} of {FEWEST} pairs at least, on "
        f"all test sets; {sum(one.side != 0 for one in told):,} are marked (*). If no loss differed from {BASELINE} in "
        f"anything, {chance} would be expected all the same, and nothing here corrects for it. The two to look at "
        "first are one-step MSE and AUPRC over changing elements, over all environments; a single mark elsewhere is a "
        "hint and not a finding."
    )


def about_curves(results: LearningResults) -> str:
    """Say whether the test error still falls at the end of training.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    trained = [curve.mean for curve in results.curves.values() if len(curve.mean) > 1]
    if not trained:
        return NOTHING
    falling = 0
    for mean in trained:
        tenth = max(1, len(mean) // 10)
        falling += bool(mean[-tenth:].min() < _SETTLED * mean[:-tenth].min())
    return (
        "Lines: interquartile means over seeds; bands: their intervals. In "
        f"{falling:,} of {number(len(trained), 'curve')} the lowest error of the last tenth of training is more than "
        f"{percent(1 - _SETTLED)} below the lowest before."
    )


def about_errors(results: LearningResults) -> str:
    """Say whether each loss predicts better or worse than ``state``, run by run.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    errors = results.scores[ERROR]
    if errors.is_empty():
        return NOTHING
    parts = [f"One-step test error: {listed(results.losses, results.scores[ERROR])}."]
    hidden = left_out_of_means(results)
    if hidden:
        parts.append(f"These means leave out every run of {joined(hidden)}.")
    for loss in results.losses:
        difference = results.difference(ERROR, loss, BASELINE)
        if difference is not None:
            parts.append(f"{look_of(loss).label} has {times_baseline(difference)}.")
    parts += filter(None, (about_ratios(results),))
    if BASELINE not in results.losses:
        parts.append(f"There is no loss {BASELINE} to pair the others with.")
    return " ".join(parts)


def about_sparsity(results: LearningResults) -> str:
    """Say how many zeros the models have, of how many true ones.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    found, atol = results.sparsity, tick_name(results.thresholds.chosen)
    true, first = found.true[None].estimate.value, found.initial[None].estimate.value
    if true is None or found.final.is_empty():
        return NOTHING
    before = "" if first is None else f", and before training {figures(first)} of the model's are below {atol}"
    parts = [f"In the simulator {percent(true)} of the elements are zero{before}."]
    relative = {loss: found.relative.score(loss).estimate for loss in results.losses}
    for loss, estimate in relative.items():
        if estimate.value is not None:
            share = found.final.score(loss).estimate.value
            parts.append(
                f"With {look_of(loss).label} {figures(share)} are: {with_interval(estimate)} times the true share"
                f"{_orders(estimate, found.with_zeros[loss])}."
            )
    sides = {loss: estimate.side_of(1.0) for loss, estimate in relative.items() if estimate.value is not None}
    return " ".join([*parts, *by_side(sides, "the true sparsity")])


def about_thresholds(results: LearningResults) -> str:
    """Say at which threshold each loss would have as many zeros as the simulator.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    sweep = results.thresholds
    true = sweep.true[None].estimate.value
    if true is None or not sweep.atols:
        return NOTHING
    decades = all(math.isclose(high / low, 10.0) for low, high in itertools.pairwise(sweep.atols))
    apart = ", a decade apart" if decades else ""
    parts = []
    for loss in results.losses:
        shares = [comparison.score(loss).estimate.value for comparison in sweep.sparsity]
        known = [(atol, share) for atol, share in zip(sweep.atols, shares, strict=True) if share is not None]
        enough = next((atol for atol, share in known if share >= true), None)
        if known:
            at = f"none up to {tick_name(known[-1][0])}" if enough is None else tick_name(enough)
            parts.append(f"at {at} ({look_of(loss).label})")
    return (
        f"The smallest threshold, of {len(sweep.atols):,} from {tick_name(sweep.atols[0])} to "
        f"{tick_name(sweep.atols[-1])}{apart}, with as many of the model's elements below it as are zero in the "
        f"simulator, {percent(true)}: {', '.join(parts)}. Whether these are the right ones is another question."
    )


def _orders(ratio: Estimate, with_zeros: int) -> str:
    """Say how many orders of magnitude lie between a share and the true one, where there is one at least."""
    if not ratio.value:
        # Of several runs the mean leaves out the outer ones, which may have some.
        some = f"{with_zeros:,} of {number(ratio.runs, 'run')} {'has' if with_zeros == 1 else 'have'} some"
        return f", 0 in the interquartile mean ({some})" if with_zeros else ", none at all"
    orders = -math.log10(ratio.value)
    return f", {orders:.1f} orders of magnitude below" if orders >= 1.0 else ""
