"""Open loop: how errors grow when a model's prediction is its next input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from dynsparse.report.comparison import Comparison, compare
from dynsparse.report.contact_split import ContactPair
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import look_of
from dynsparse.report.panel_grid import about_all, line_legend, lowest, new_grid, titled_split
from dynsparse.report.score_lines import draw_score_lines
from dynsparse.report.score_metrics import OPEN_LOOP_STEPS
from dynsparse.report.seed_statistics import RESAMPLES

__all__ = ["draw_open_loop", "draw_open_loop_by_contact", "open_loop_errors"]

_BESIDE = ("identity",)


def open_loop_errors(
    table: LearningTable, split: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Mapping[int, Comparison]:
    """Average the error after each number of steps over seeds.

    Args:
        table: The runs.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Steps -> comparison; without those of which no run has a value.
    """
    names = {steps: f"prediction.open_loop.{steps}" for steps in OPEN_LOOP_STEPS}
    return {
        steps: compare(table, name, split, resamples=resamples, seed=seed)
        for steps, name in names.items()
        if table.has(name, split)
    }


def draw_open_loop(errors: Mapping[int, Comparison]) -> Figure:
    """Draw the error against the steps without a correction, over all environments and in each.

    Args:
        errors: Steps -> comparison, one at least.

    Returns:
        A figure with a panel an environment, and one before them where there are several.
    """
    first = next(iter(errors.values()))
    names: list[str | None] = [None, *first.environments] if len(first.environments) > 1 else [*first.environments]
    lines: Sequence[str] = (*first.losses, *(name for name in _BESIDE if name in first.referees))
    title = f"Open-loop error, {titled_split(first.split)}"
    figure, panels = new_grid(title, len(names), height=1.6, columns=3, share_x=True, share_y=False, legend=True)
    for axes, name in zip(panels, names, strict=True):
        _draw_panel(axes, errors, name, lines)
        axes.set_title(about_all(first.environments) if name is None else name, loc="left")
    _name_axes(figure, panels, lines)
    return figure


def draw_open_loop_by_contact(pairs: Mapping[int, ContactPair]) -> Figure:
    """Draw the error from rows in which a constraint exerts force beside that from all others, over all environments.

    Args:
        pairs: Steps -> errors of windows that start in such a row, and of all others; one at least.

    Returns:
        A figure two columns wide.
    """
    first = next(iter(pairs.values())).active
    title = f"Open-loop error with and without an active constraint, {titled_split(first.split)}"
    figure, panels = new_grid(title, 2, height=1.9, share_x=True, share_y=False, legend=True)
    groups = (
        ("with", {steps: pair.active for steps, pair in pairs.items()}),
        ("without", {steps: pair.inactive for steps, pair in pairs.items()}),
    )
    for axes, (where, errors) in zip(panels, groups, strict=True):
        _draw_panel(axes, errors, None, first.losses)
        axes.set_title(f"from rows {where} an active constraint", loc="left")
    # The same ends for both: which of them is higher is what the figure is about.
    ends = [end for axes in panels for end in axes.get_ylim()]
    for axes in panels:
        axes.set_ylim(min(ends), max(ends))
    _name_axes(figure, panels, first.losses)
    return figure


def _draw_panel(axes: Axes, errors: Mapping[int, Comparison], environment: str | None, lines: Sequence[str]) -> None:
    draw_score_lines(axes, list(errors), list(errors.values()), environment, lines)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(errors)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    losses = next(iter(errors.values())).losses
    own = [comparison.score(loss, environment) for comparison in errors.values() for loss in losses]
    lacking, expected = min(score.estimate.runs for score in own), own[0].expected
    if lacking < expected:
        axes.set_title(f"at least {lacking}/{expected} runs", loc="right", fontsize=6.0, color="0.35")


def _name_axes(figure: Figure, panels: Sequence[Axes], lines: Sequence[str]) -> None:
    for axes in lowest(panels):
        axes.set_xlabel("control steps")
    figure.supylabel("MSE, normalized", fontsize=8)
    line_legend(figure, [look_of(name) for name in lines])
