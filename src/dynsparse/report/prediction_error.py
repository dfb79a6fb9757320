"""Prediction error: one-step error of each loss, final (Figure 8, left) and over training (Figure A2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dynsparse.errors import InputError
from dynsparse.report.comparison import Comparison
from dynsparse.report.dot_plot import draw_rows, numbers_of, rows_of
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import look_of
from dynsparse.report.panel_grid import about_all, line_legend, lowest, new_grid, rows_height, say_empty, titled_split
from dynsparse.report.seed_statistics import RESAMPLES, interquartile_mean, interval_ends, resample_means
from dynsparse.report.zero_axis import zero_axis

__all__ = ["ERROR", "TrainingCurve", "draw_curves", "draw_errors", "draw_errors_by_environment", "training_curves"]

ERROR = "prediction.mse"
"""The metric: mean squared error of the next state in normalized coordinates."""

# A constant prediction has an error of 1 by the coordinates, and would take all the room.
_BESIDE = ("identity",)
# How many times the second highest error the highest must be for its environment to be named.
_FAR = 10.0
_AXIS = "one-step test MSE, normalized"


@dataclass(frozen=True)
class TrainingCurve:
    """Error of one loss in one environment over training.

    Attributes:
        epochs: (e,) epochs, 0 before training.
        mean: (e,) interquartile mean over seeds.
        low: (e,) lower end of the interval; None with one seed.
        high: (e,) upper end.
        runs: Seeds that it rests on.
        expected: Seeds that there should be.
    """

    epochs: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None
    runs: int
    expected: int


def training_curves(
    table: LearningTable, split: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Mapping[tuple[str, str], TrainingCurve]:
    """Average the curves over seeds.

    Args:
        table: The runs.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        (environment, loss) -> curve, without points where no run has one.  A run with a point that has no meaning
        counts as one without a curve.

    Raises:
        InputError: If runs of one environment and loss were tested after different epochs.
    """
    curves = {}
    for environment in table.environments:
        for loss in table.losses:
            rows = list(table.select(split, loss, environment))
            whole = [row for row in rows if row.curve and None not in row.curve]
            epochs = {row.epochs for row in whole} or {()}
            if len(epochs) > 1:
                raise InputError(
                    f"expected runs of {environment}, {loss}, tested after the same epochs, got "
                    f"{' and '.join(str(len(one)) for one in sorted(epochs))} of them; train them again"
                )
            values = np.array([row.curve for row in whole], dtype=np.float64)
            ends = (None, None)
            if len(values) > 1:
                ends = interval_ends(resample_means([values], resamples=resamples, seed=seed))
            mean = interquartile_mean(values) if len(values) else np.array([])
            curves[environment, loss] = TrainingCurve(
                np.array(epochs.pop(), dtype=np.float64), mean, *ends, runs=len(whole), expected=len(rows)
            )
    return curves


def draw_error_rows(axes: Axes, errors: Comparison, environment: str | None = None) -> None:
    """Draw the error of each loss in one environment, or over all, with that of a prediction that needs no model.

    Args:
        axes: Where to draw.
        errors: Final errors.
        environment: Which; None for all.
    """
    beside = [name for name in _BESIDE if name in errors.referees]
    rows = rows_of(errors, environment, (*errors.losses, *beside))
    draw_rows(axes, rows, zero_axis(numbers_of(rows)))
    if environment is None and len(errors.environments) > 1:
        for height, loss in enumerate(errors.losses):
            _name_highest(axes, errors, loss, height)


def _name_highest(axes: Axes, errors: Comparison, loss: str, height: int) -> None:
    """Name the environment whose error is far above that of every other one: a mean over all shows nothing of it."""
    found = [(errors.score(loss, name).estimate.value, name) for name in errors.environments]
    known = sorted((value, name) for value, name in found if value is not None)
    if len(known) > 1 and known[-1][0] > _FAR * known[-2][0]:
        axes.annotate(
            known[-1][1], (known[-1][0], height), (0.0, 3.5), textcoords="offset points", ha="right", fontsize=6.0,
            color="0.35",
        )  # fmt: skip


def draw_errors(errors: Comparison) -> Figure:
    """Draw the final error of each loss over all environments (Figure 8, left).

    Args:
        errors: Final errors.

    Returns:
        A figure one column wide.
    """
    title = f"{about_all(errors.environments)}, {titled_split(errors.split)}"
    figure, (axes,) = new_grid(title, 1, height=rows_height(1 + len(errors.losses)))
    draw_error_rows(axes, errors)
    axes.set_xlabel(_AXIS)
    return figure


def draw_errors_by_environment(errors: Comparison) -> Figure:
    """Draw the final error of each loss in every environment.

    Args:
        errors: Final errors.

    Returns:
        A figure with a panel an environment.
    """
    names = errors.environments
    height = rows_height(1 + len(errors.losses))
    figure, panels = new_grid(f"Prediction error, {titled_split(errors.split)}", len(names), height=height)
    for axes, name in zip(panels, names, strict=True):
        draw_error_rows(axes, errors, name)
        axes.set_title(name, loc="left")
    figure.supxlabel(_AXIS, fontsize=8)
    return figure


def draw_curves(
    curves: Mapping[tuple[str, str], TrainingCurve], environments: Sequence[str], losses: Sequence[str], split: str
) -> Figure:
    """Draw the test error over training, a panel an environment (Figure A2.1).

    Args:
        curves: Curves as ``training_curves`` gives them.
        environments: A panel each, with or without curves.
        losses: A line each.
        split: Test set, for the title.

    Returns:
        The figure.
    """
    title = f"Test error over training, {titled_split(split)}"
    figure, panels = new_grid(title, len(environments), height=1.6, share_x=True, share_y=False, legend=True)
    for axes, environment in zip(panels, environments, strict=True):
        own = [curves[environment, loss] for loss in losses]
        for place, (loss, curve) in enumerate(zip(losses, own, strict=True)):
            look = look_of(loss)
            if curve.low is not None and curve.high is not None:
                axes.fill_between(curve.epochs, curve.low, curve.high, color=look.colour, alpha=0.12, linewidth=0)
            # Ten markers a line, each loss's between those of the others.
            every = max(1, len(curve.epochs) // 10)
            axes.plot(
                curve.epochs, curve.mean, color=look.colour, linestyle=look.line, linewidth=1.0, marker=look.marker,
                markersize=2.8, markevery=(place * every // len(losses), every),
            )  # fmt: skip
        zero_axis(point for curve in own for point in _points(curve)).dress(axes, "y")
        if not any(curve.runs for curve in own):
            say_empty(axes)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.set_title(environment, loc="left")
        runs, expected = (sum(getattr(curve, name) for curve in own) for name in ("runs", "expected"))
        if runs < expected:
            axes.set_title(f"{runs}/{expected} runs", loc="right", fontsize=6.0, color="0.35")
    for axes in lowest(panels):
        axes.set_xlabel("epoch")
    figure.supylabel("MSE, normalized", fontsize=8)
    line_legend(figure, [look_of(loss) for loss in losses])
    return figure


def _points(curve: TrainingCurve) -> list[float]:
    ends = () if curve.low is None or curve.high is None else (*curve.low, *curve.high)
    return [float(point) for point in (*curve.mean, *ends)]
