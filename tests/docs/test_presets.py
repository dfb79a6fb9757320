"""The page on presets says what the code measures."""

from __future__ import annotations

import inspect
import math

import pytest

from dynsparse.cli.horizon_measurement import measure_horizon
from dynsparse.cli.study_preset import STUDY_PRESETS
from dynsparse.config import EPISODE_STEPS, PRESETS
from dynsparse.learning.losses import LOSSES
from dynsparse.learning.presets import LEARNING_PRESETS
from dynsparse.learning.search_grid import SEARCH_PRESETS

from .page import ROOT

PAGE = (ROOT / "docs/explanation/presets.md").read_text(encoding="utf-8")
NAMES = ("smoke", "small", "paper")
DEFAULTS = {name: given.default for name, given in inspect.signature(measure_horizon).parameters.items()}


def numbers(*counts):
    told = [f"{count:,}" for count in counts]
    return " and ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else told[0]


def section(preset, name):
    return next(plan for plan in STUDY_PRESETS[preset].sections if plan.section == name)


def rows_of(preset, name):
    plan = section(preset, name)
    return numbers(plan.sizes["rows"]) + (f", {len(plan.environments)} environments" if plan.environments else "")


def horizon(preset):
    sizes = {**DEFAULTS, **section(preset, "horizon").sizes}
    return numbers(sizes["starts"], sizes["rollouts"], sizes["rows"])


def trainings(preset):
    search = SEARCH_PRESETS[preset]
    runs = sum(math.prod(len(part.values) for part in grid.ranges) * grid.seeds for grid in search.grids())
    return numbers(runs * (len(search.environments) or 8))


def relearned(preset):
    where = STUDY_PRESETS[preset].relearned
    return "where they differ" if where is None else ", ".join(where) or "none"


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (f"rows per environment, in episodes of {EPISODE_STEPS:,} control steps", lambda name: numbers(PRESETS[name])),
        ("world models: seeds of each loss", lambda name: numbers(LEARNING_PRESETS[name].seeds)),
        ("world models: epochs", lambda name: numbers(LEARNING_PRESETS[name].settings.epochs)),
        ("world models: units of a layer", lambda name: numbers(LEARNING_PRESETS[name].settings.layer_width)),
        ("world models on plain autodiff's Jacobians too", relearned),
        (
            "embedding: rows, and of them fitted",
            lambda name: numbers(*(section(name, "embedding").sizes[key] for key in ("points", "fitted"))),
        ),
        ("causes (`--causes`): rows", lambda name: rows_of(name, "causes")),
        ("derivatives: rows", lambda name: rows_of(name, "derivatives")),
        ("policies: rows of each policy", lambda name: rows_of(name, "policies")),
        ("horizon: starts of an episode, roll-outs, rows", horizon),
        ("searches (`--search`): trainings", trainings),
    ],
)
def test_a_row_of_the_page_is_what_the_code_says(label, told):
    assert f"| {label} | {' | '.join(map(told, NAMES))} |\n" in PAGE


def test_the_trainings_of_q4_are_counted():
    losses, seeds = len(LOSSES), LEARNING_PRESETS["paper"].seeds
    assert f"8 x {losses} x {seeds} trainings" in PAGE
