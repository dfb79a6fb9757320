"""Interaction diagram: what an agent sees of the simulator's state, and which derivative is analysed (Figure 2)."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from dynsparse.report.figure import new_figure
from dynsparse.report.item import FigureItem

__all__ = ["draw_interaction", "interaction_item"]

_WIDTH, _HEIGHT = 7.0, 2.75
_BLUE, _VERMILLION, _GREY, _PALE = "#0072B2", "#D55E00", "#555555", "#F2F2F2"
_SIZE = 8.0
_SMALL = 7.0
_FORMULA = 9.0


def interaction_item() -> FigureItem:
    """Return Figure 2 as an item of the report; it is drawn from no data."""
    return FigureItem(
        name="figure-2",
        title="What is analysed",
        source="Figure 2",
        content=(
            "Diagram: the simulator's state s_t and the action a_t go through step to s_{t+1}; each state gives an "
            "observation o_t to the agent, which chooses the action. The analysed derivatives run from s_t and from "
            "a_t to s_{t+1}. The solver's warm start enters step too, and is held constant."
        ),
        sentences=(
            "The simulator's state s_t is advanced by step(s_t, a_t) to s_{t+1}; the agent sees observations of it "
            "alone. The derivatives of the state are analysed, ∂s_{t+1}/∂s_t and ∂s_{t+1}/∂a_t, not those of the "
            "observation. The paper's figure leaves out that MuJoCo's solver starts from the acceleration it found "
            "last (qacc_warmstart), so that the next state depends on that too; it is held constant here.",
        ),
        draw=draw_interaction,
    )


def draw_interaction() -> Figure:
    """Draw the diagram, both columns of a paper wide.

    Returns:
        The figure.
    """
    figure = new_figure("", _WIDTH, _HEIGHT)
    figure.suptitle("")
    # Positions are inches: a diagram has no layout to be found.
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, _WIDTH)
    axes.set_ylim(0.0, _HEIGHT)
    axes.set_axis_off()
    _box(axes, (0.08, 0.62), (6.84, 0.98), "", _PALE, "none")
    axes.text(0.18, 0.7, "simulator", fontsize=_SMALL, color=_GREY, style="italic", va="bottom")
    states = {"$s_{t-1}$": 0.75, "$s_t$": 2.75, "$s_{t+1}$": 5.6}
    for name, x in states.items():
        _node(axes, (x, 1.12), name)
    _box(axes, (3.72, 0.92), (0.95, 0.4), "step", "white")
    _box(axes, (1.42, 0.92), (0.6, 0.4), "step", "white")
    _arrow(axes, (0.97, 1.12), (1.42, 1.12))
    _arrow(axes, (2.02, 1.12), (2.53, 1.12))
    _arrow(axes, (4.67, 1.12), (5.38, 1.12))
    _arrow(axes, (2.97, 1.12), (3.72, 1.12), colour=_BLUE, width=1.8)
    _arrow(axes, (5.82, 1.12), (6.45, 1.12), style=":")
    axes.text(6.55, 1.12, "…", fontsize=_SIZE, ha="left", va="center")
    _agent(axes, 0.75, 1.72, "$o_{t-1}$", "$a_{t-1}$")
    _agent(axes, 2.75, 4.195, "$o_t$", "$a_t$", analysed=True)
    _observed(axes, 5.6, "$o_{t+1}$")
    _warm_start(axes)
    _analysed(axes)
    return figure


def _agent(axes: Axes, x: float, to: float, observed: str, action: str, *, analysed: bool = False) -> None:
    """Draw an observation of a state, the agent, and its action into a step."""
    _observed(axes, x, observed)
    _box(axes, (x + 0.5, 2.22), (0.6, 0.36), "agent", "white")
    _arrow(axes, (x + 0.24, 2.4), (x + 0.5, 2.4))
    if x + 1.1 < to:
        axes.plot([x + 1.1, to], [2.4, 2.4], color="black", linewidth=0.9)
        _arrow(axes, (to, 2.4), (to, 1.32), colour=_VERMILLION if analysed else "black", width=1.8 if analysed else 0.9)
    else:
        _arrow(axes, (to, 2.22), (to, 1.32))
    _formula(axes, (to + 0.25, 1.85), action)


def _observed(axes: Axes, x: float, name: str) -> None:
    _arrow(axes, (x, 1.34), (x, 2.22))
    _formula(axes, (x, 2.4), name)


def _warm_start(axes: Axes) -> None:
    """Draw what else the step reads, dashed: it is held constant."""
    words = "warm start of the solver\n(qacc_warmstart), held constant"
    axes.text(2.75, 0.3, words, fontsize=6.5, ha="center", va="center", color=_GREY)
    axes.plot([1.72, 1.72], [0.92, 0.3], color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.plot([1.72, 1.93], [0.3, 0.3], color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.plot([3.57, 3.95], [0.3, 0.3], color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    _arrow(axes, (3.95, 0.3), (3.95, 0.92), colour=_GREY, style=(0, (4, 2)))


def _analysed(axes: Axes) -> None:
    """Name the two derivatives, in the colours of their arrows."""
    axes.text(4.3, 0.42, "analysed:", fontsize=_SMALL, ha="left", va="center")
    _formula(axes, (5.22, 0.42), r"$\partial s_{t+1}/\partial s_t$", _BLUE)
    axes.text(5.62, 0.42, "and", fontsize=_SMALL, ha="left", va="center")
    _formula(axes, (6.27, 0.42), r"$\partial s_{t+1}/\partial a_t$", _VERMILLION)
    words = "not analysed: derivatives of observations"
    axes.text(4.3, 0.18, words, fontsize=6.5, ha="left", va="center", color=_GREY)


def _formula(axes: Axes, place: tuple[float, float], name: str, colour: str = "black") -> None:
    # Formulas are ours: the style reads no other text as one.
    axes.text(*place, name, fontsize=_FORMULA, color=colour, ha="center", va="center", parse_math=True)


def _node(axes: Axes, centre: tuple[float, float], name: str) -> None:
    shape = FancyBboxPatch(
        (centre[0] - 0.22, centre[1] - 0.22), 0.44, 0.44, boxstyle="circle,pad=0.0", facecolor="white",
        edgecolor="black", linewidth=0.9,
    )  # fmt: skip
    axes.add_patch(shape)
    _formula(axes, centre, name)


def _box(
    axes: Axes, corner: tuple[float, float], size: tuple[float, float], words: str, face: str, edge: str = "black"
) -> None:
    shape = FancyBboxPatch(
        corner, *size, boxstyle="round,pad=0.0,rounding_size=0.06", facecolor=face, edgecolor=edge, linewidth=0.9
    )
    axes.add_patch(shape)
    axes.text(corner[0] + size[0] / 2, corner[1] + size[1] / 2, words, fontsize=_SIZE, ha="center", va="center")


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    colour: str = "black",
    width: float = 0.9,
    style: str | tuple[int, tuple[int, ...]] = "-",
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=8.0,
            color=colour,
            linewidth=width,
            linestyle=style,
            shrinkA=0.0,
            shrinkB=0.0,
        )
    )
