"""Sparsity colours: which colour a share of zeros has, one for each value where there are few, and their colour bar."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from dynsparse.report.quantities import percent

__all__ = ["MOST_VALUES", "add_bar", "sparsity_colours"]

MOST_VALUES = 8
"""Values of sparsity that have a colour and a name each; between more of them colours are continuous."""

_COLOURS = "viridis"
_RARE = 0.005
"""Share of the points at either end whose sparsity does not stretch continuous colours."""


def sparsity_colours(sparsity: NDArray[np.float64]) -> ScalarMappable:
    """Choose colours.

    Args:
        sparsity: (n,) shares of zeros, one at least.

    Returns:
        What turns shares into colours.
    """
    values = np.unique(sparsity)
    if len(values) > MOST_VALUES:
        return ScalarMappable(_continuous(sparsity), mpl.colormaps[_COLOURS])
    # A single colour lies in the middle, as neither end of anything.
    places = np.linspace(0.0, 1.0, len(values)) if len(values) > 1 else np.array([0.5])
    between = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([[values[0] - 0.05], between, [values[-1] + 0.05]])
    return ScalarMappable(BoundaryNorm(edges, len(values)), ListedColormap(mpl.colormaps[_COLOURS](places)))


def add_bar(figure: Figure, axes: Axes, colours: ScalarMappable, sparsity: NDArray[np.float64], label: str) -> None:
    """Draw the colour bar below some axes: a box and a name for each value where there are few.

    Args:
        figure: Where to draw.
        axes: Below which.
        colours: As ``sparsity_colours`` gives them.
        sparsity: (n,) what is drawn in these colours.
        label: Written below.
    """
    norm = colours.norm
    placed: dict[str, Any] = {"ax": axes, "location": "bottom", "shrink": 0.8, "aspect": 45, "pad": 0.02}
    if isinstance(norm, BoundaryNorm):
        bar = figure.colorbar(colours, spacing="uniform", drawedges=True, **placed)
        edges = np.asarray(norm.boundaries)
        values = np.unique(sparsity)
        bar.set_ticks(((edges[1:] + edges[:-1]) / 2).tolist(), labels=[percent(float(value)) for value in values])
        bar.ax.xaxis.set_minor_locator(NullLocator())
        bar.dividers.set_linewidth(0.4)
    else:
        below, above = bool(sparsity.min() < norm.vmin), bool(sparsity.max() > norm.vmax)
        extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
        bar = figure.colorbar(colours, extend=extend, **placed)
        bar.formatter = FuncFormatter(lambda value, _: percent(round(float(value), 4)))
    bar.set_label(label, fontsize=7.0)
    bar.ax.tick_params(labelsize=6.5, length=0 if isinstance(norm, BoundaryNorm) else 3.5)
    bar.outline.set_linewidth(0.4)


def _continuous(sparsity: NDArray[np.float64]) -> Normalize:
    low, high = (float(x) for x in np.quantile(sparsity, (_RARE, 1 - _RARE)))
    return Normalize(low, high) if low < high else Normalize(float(sparsity.min()), float(sparsity.max()))
