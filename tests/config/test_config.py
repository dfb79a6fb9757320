from __future__ import annotations

import dataclasses
import math

import pytest

from dynsparse.config import PRESETS, ReproduceSettings, preset_settings, settings_from_dict
from dynsparse.errors import SettingError

ENVIRONMENTS = ("CheetahRun", "WalkerRun")


@pytest.mark.parametrize(
    ("preset", "rows", "episodes"), [("smoke", 4000, 4), ("small", 20000, 20), ("paper", 10**6, 1000)]
)
def test_presets_are_episodes_of_the_papers_length(preset, rows, episodes):
    settings = preset_settings(preset, ENVIRONMENTS)
    assert (settings.rows, settings.episodes, settings.episode_steps) == (rows, episodes, 1000)
    assert settings.atol == 1e-15
    assert settings.derivative == "exact"


def test_every_preset_can_be_built():
    assert {preset_settings(name, ENVIRONMENTS).preset for name in PRESETS} == {"smoke", "small", "paper"}


@pytest.mark.parametrize(("rows", "episodes"), [(7, 1), (1000, 1), (1001, 2)])
def test_all_rows_fit_into_the_episodes(rows, episodes):
    assert preset_settings("smoke", ENVIRONMENTS, rows=rows).episodes == episodes


@pytest.mark.parametrize("atol", [-1e-15, 0.0, math.nan, math.inf, True, "1e-15"])
def test_atol_without_a_meaning_is_refused_with_its_value(atol):
    with pytest.raises(SettingError, match="atol must be a finite number above 0") as caught:
        preset_settings("smoke", ENVIRONMENTS, atol=atol)
    assert repr(atol) in str(caught.value)


@pytest.mark.parametrize("rows", [0, -5, 2.0, True])
def test_rows_below_one_are_refused_with_their_value(rows):
    with pytest.raises(SettingError, match="rows must be a whole number of at least 1") as caught:
        preset_settings("smoke", ENVIRONMENTS, rows=rows)
    assert repr(rows) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed must"),
        ({"episode_steps": 0}, "episode_steps must"),
        ({"action_hold": 0}, "action_hold must"),
        ({"derivative": "exakt"}, "did you mean 'exact'"),
        ({"policy": "experts"}, "policy must be one of random, .*, got 'experts'; did you mean 'expert'"),
        ({"environments": ()}, "at least one environment"),
        ({"environments": ("CheetahRun", "CheetahRun")}, "CheetahRun twice"),
    ],
)
def test_a_setting_that_can_not_be_is_refused(change, message):
    settings = preset_settings("smoke", ENVIRONMENTS)
    with pytest.raises(SettingError, match=message):
        dataclasses.replace(settings, **change)


def test_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'smoke'"):
        preset_settings("smok", ENVIRONMENTS)


def test_settings_survive_the_way_through_plain_values():
    settings = preset_settings("small", ENVIRONMENTS, seed=3, atol=1e-12)
    assert settings_from_dict(settings.to_dict()) == settings


def test_unknown_key_stops_with_the_nearest_name():
    values = preset_settings("smoke", ENVIRONMENTS).to_dict() | {"epizode_steps": 3}
    with pytest.raises(SettingError, match="unknown setting 'epizode_steps'; did you mean 'episode_steps'"):
        settings_from_dict(values)


def test_missing_key_is_named():
    values = preset_settings("smoke", ENVIRONMENTS).to_dict()
    del values["rows"]
    with pytest.raises(SettingError, match="settings must hold rows"):
        settings_from_dict(values)


def test_one_name_in_place_of_a_list_is_refused():
    values = preset_settings("smoke", ENVIRONMENTS).to_dict() | {"environments": "CheetahRun"}
    with pytest.raises(SettingError, match="must be a list"):
        settings_from_dict(values)


def test_labels_do_not_decide_an_environment():
    smoke = preset_settings("smoke", ENVIRONMENTS)
    same = preset_settings("paper", ("CheetahRun",), rows=4000)
    assert smoke.environment_dict("CheetahRun") == same.environment_dict("CheetahRun")
    other = preset_settings("smoke", ENVIRONMENTS, seed=1)
    assert smoke.environment_dict("CheetahRun") != other.environment_dict("CheetahRun")


def test_settings_are_frozen():
    settings = preset_settings("smoke", ENVIRONMENTS)
    assert isinstance(settings, ReproduceSettings)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.rows = 5
