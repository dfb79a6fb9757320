from __future__ import annotations

import dataclasses
import json
import math

import pytest

from dynsparse.errors import SettingError
from dynsparse.physics.environment import ENVIRONMENT_NAMES
from dynsparse.rollout.training.settings import EXPERT_SETTINGS, TrainSettings, expert_settings

# No field has its default.
OTHER = TrainSettings(
    steps=12_345, seed=7, episodes=24, unroll_length=8, minibatches=6, epochs=2, learning_rate=2e-3, max_grad_norm=0.5,
    discounting=0.9, gae_lambda=0.8, reward_scaling=0.1, entropy_cost=0.0, clipping_epsilon=0.2, policy_layers=(5,),
    value_layers=(6, 7, 8), episode_steps=50, evaluations=3, evaluation_episodes=4,
)  # fmt: skip


def test_the_table_holds_the_papers_environments_and_playground_knows_them():
    from mujoco_playground import dm_control_suite

    assert sorted(EXPERT_SETTINGS) == sorted(ENVIRONMENT_NAMES)
    assert set(EXPERT_SETTINGS) <= set(dm_control_suite.ALL_ENVS)


@pytest.mark.parametrize("settings", [*EXPERT_SETTINGS.values(), OTHER], ids=[*EXPERT_SETTINGS, "other"])
def test_settings_survive_json(settings):
    assert TrainSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_updates_and_gradient_steps_are_whole_ones():
    defaults = TrainSettings()
    assert all(getattr(OTHER, name) != value for name, value in vars(defaults).items())
    # 12,345 control steps are 64 updates of 24 * 8 = 192, and 57 that fill none.
    assert (OTHER.updates, OTHER.gradient_steps) == (64, 64 * 6 * 2)
    assert dataclasses.replace(OTHER, steps=192).updates == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        *(
            ({name: 0}, f"{name} must be a whole number of at least 1, got 0")
            for name in ("episodes", "unroll_length", "minibatches", "epochs", "episode_steps", "evaluations")
        ),
        ({"evaluation_episodes": 1.5}, "evaluation_episodes must be a whole number of at least 1, got 1.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"seed": 2**32}, "seed must be below 4,294,967,296, got 4,294,967,296"),
        ({"steps": 191}, "steps must be a whole number of at least 192, got 191; one update takes 192"),
        ({"minibatches": 5}, "episodes must be a multiple of minibatches, got 24 and 5"),
        ({"learning_rate": 0.0}, r"learning_rate must be a number above 0 to 1, got 0\.0; the default is"),
        ({"learning_rate": math.nan}, "learning_rate must be a number above 0 to 1, got nan"),
        ({"learning_rate": True}, "learning_rate must be a number above 0 to 1, got True"),
        ({"max_grad_norm": math.inf}, "max_grad_norm must be a number above 0, got inf"),
        ({"discounting": 1.01}, r"discounting must be a number from 0 to 1, got 1\.01"),
        ({"entropy_cost": -1e-9}, "entropy_cost must be a number from 0, got -1e-09"),
        ({"clipping_epsilon": "0.3"}, "clipping_epsilon must be a number above 0 to 1, got '0.3'"),
        ({"policy_layers": ()}, r"policy_layers must be a tuple of widths, got \(\)"),
        ({"value_layers": [64]}, r"value_layers must be a tuple of widths, got \[64\]"),
        ({"value_layers": (64, 0)}, "each width of value_layers must be a whole number of at least 1, got 0"),
    ],
)
def test_what_can_not_be_trained_with_is_refused(changed, message):
    with pytest.raises(SettingError, match=message):
        dataclasses.replace(OTHER, **changed)


def test_what_is_left_out_is_the_tables():
    found = expert_settings("CheetahRun", steps=None, seed=3, evaluations=5)
    assert found == dataclasses.replace(EXPERT_SETTINGS["CheetahRun"], seed=3, evaluations=5)


def test_an_unknown_environment_is_refused_with_the_nearest():
    with pytest.raises(SettingError, match=r"no settings to train ChetahRun with; did you mean 'CheetahRun'"):
        expert_settings("ChetahRun")


def test_an_unknown_setting_is_refused_with_the_nearest():
    with pytest.raises(SettingError, match=r"unknown setting 'epoch'; did you mean 'epochs'"):
        TrainSettings.from_dict({"epoch": 3})
