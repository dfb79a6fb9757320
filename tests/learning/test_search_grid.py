"""Search grids: as many runs as the mean ranks that the paper prints say, and what it says it tried."""

from __future__ import annotations

import pytest

from dynsparse.errors import SettingError
from dynsparse.learning.search_grid import SEARCH_PRESETS, SearchGrid, SearchRange, search_preset
from dynsparse.learning.settings import LearnSettings


def test_the_paper_s_searches_have_as_many_runs_as_its_mean_ranks_say():
    preset = search_preset("paper")
    first, second, third = preset.grids()
    base = preset.settings("step")
    counts = [(len(grid.configurations(base)), grid.seeds) for grid in (first, second, third)]
    assert counts == [(81, 10), (8, 5), (2, 5)]
    # (N + 1) / 2 = 405.5 (Tables A2.3 to A2.6) and 20.5 (A2.9 to A2.11).
    assert [(n * seeds + 1) / 2 for n, seeds in counts[:2]] == [405.5, 20.5]
    assert (preset.rows, preset.epochs, preset.environments) == (1_000_000, 100, ())


def test_every_combination_is_there_once_and_nothing_else_changes():
    base = search_preset("paper").settings("step")
    (first, *_) = search_preset("paper").grids()
    found = first.configurations(base)
    tried = {(s.learning_rate, s.layer_width, s.layer_depth, s.dropout_rate) for s in found}
    assert tried == {
        (rate, width, depth, dropout)
        for rate in (1e-2, 1e-4, 1e-3)
        for width in (32, 128, 512)
        for depth in (2, 4, 6)
        for dropout in (0.1, 0.3, 0.5)
    }
    names = ("learning_rate", "layer_width", "layer_depth", "dropout_rate")
    rest = [{key: value for key, value in s.to_dict().items() if key not in names} for s in found]
    assert all(one == rest[0] for one in rest)
    assert (rest[0]["batch_size"], rest[0]["weight_decay"], rest[0]["split"]) == (256, 1e-3, "step")
    assert (rest[0]["loss"], rest[0]["activation"], rest[0]["epochs"]) == ("state", "elu", 100)


def test_both_tables_that_contradict_each_other_can_be_followed():
    first, second, _ = search_preset("paper").grids("a2.2", "a2.11")
    assert first.ranges[1].values == (512, 1024)
    assert second.ranges[2].values == (0.0, 0.01)
    assert search_preset("paper").grids()[1].ranges[2].values == (0.01, 0.001)
    with pytest.raises(SettingError, match=r"decay_table must be one of a2.8, a2.11, got 'a2.9'"):
        search_preset("paper").grids("a2.4", "a2.9")


def test_every_preset_tries_the_same_values():
    grids = {name: [grid.ranges for grid in preset.grids()] for name, preset in SEARCH_PRESETS.items()}
    assert grids["smoke"] == grids["small"] == grids["paper"]


def test_values_are_told_by_the_paper_s_names():
    grid = SearchGrid(3, (SearchRange("activation", ("elu", "relu")), SearchRange("weight_decay", (0.1,))), 1)
    told = [grid.values_of(settings) for settings in grid.configurations(LearnSettings())]
    assert told == [{"activation-function": name, "weight-decay": 0.1} for name in ("elu", "relu")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SearchRange("layer_widht", (1,)), "did you mean 'layer_width'"),
        (lambda: SearchRange("seed", (1, 2)), "settings of a training, got 'seed'"),
        (lambda: SearchRange("layer_width", ()), "layer_width must have values"),
        (lambda: SearchRange("layer_width", (4, 4)), "each once"),
        (lambda: SearchGrid(1, (), 1), "hyperparameters, each once, got none"),
        (lambda: SearchGrid(1, (SearchRange("layer_width", (4,)),), 0), "seeds must be a whole number"),
        (lambda: SearchGrid(1, (SearchRange("layer_width", (4, 0)),), 1), "layer_width must be a whole number"),
        (lambda: search_preset("smal"), "did you mean 'small'"),
    ],
)
def test_impossible_grids_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
