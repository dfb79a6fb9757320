from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dynsparse.dataset import FIELD_NAMES, DatasetDescription
from dynsparse.dataset.fields import field_table_markdown
from dynsparse.errors import SettingError

from .toy import describe

ROOT = Path(__file__).resolve().parents[2]


def test_blocks_hold_whole_episodes_and_the_last_ones_less():
    toy = describe()  # 13 rows, episodes of 3, 2 episodes a block
    assert (toy.episodes, toy.blocks, toy.rows_per_block) == (5, 3, 6)
    assert [toy.block_rows(block) for block in range(3)] == [slice(0, 6), slice(6, 12), slice(12, 13)]
    assert [list(toy.block_episodes(block)) for block in range(3)] == [[0, 1], [2, 3], [4]]
    small = describe(rows=2)
    assert (small.episodes, small.blocks, small.rows_per_block, small.block_rows(0)) == (1, 1, 2, slice(0, 2))


@pytest.mark.parametrize("block", [-1, 3, True, 1.0, "0"])
def test_block_that_can_not_be_is_refused(block):
    with pytest.raises(SettingError, match="block must be a number from 0 to 2"):
        describe().block_rows(block)


def test_fields_have_the_shapes_of_the_description():
    fields = describe(nmocap=2).fields()
    assert {name: spec.shape for name, spec in fields.items()} == {
        "state": (3,),
        "next_state": (3,),
        "action": (2,),
        "action_raw": (2,),
        "warmstart": (1,),
        "jac_state": (3, 3),
        "jac_action": (3, 2),
        "reward": (),
        "terminated": (),
        "truncated": (),
        "episode": (),
        "t": (),
        "constraint_active": (4,),
        "constraint_active_start": (4,),
        "mocap_pos": (2, 3),
        "mocap_quat": (2, 4),
        "solver_residual": (),
        "finite": (),
    }
    assert fields["jac_action"].axes == ("next_state", "action")
    assert np.isnan(fields["jac_action"].fill_value)
    assert (fields["t"].fill_value, fields["finite"].fill_value) == (-1, False)


def test_fields_that_only_some_data_sets_have():
    rollout, coverage = describe(), describe(states="coverage", episode_steps=1)
    assert set(FIELD_NAMES) - set(rollout.fields()) == {"mocap_pos", "mocap_quat", "penetrating"}
    assert set(coverage.fields()) - set(rollout.fields()) == {"penetrating"}


def test_half_precision_halves_every_float_and_nothing_else():
    full, half = describe().fields(), describe(dtype="float32").fields()
    for name, spec in full.items():
        assert half[name].dtype == (np.float32 if spec.dtype == np.float64 else spec.dtype)


def test_description_survives_json():
    toy = describe(nmocap=1, extras={"episodes": [1, None, 0.5]})
    again = DatasetDescription.from_dict(json.loads(json.dumps(toy.to_dict(), allow_nan=False)))
    assert again == toy
    assert again.action_low == (-1.0, -np.inf)
    assert toy.differences(again) == ()


def test_description_keeps_no_hold_on_what_it_was_made_from():
    config = {"task": {"mass": 2.0}}
    toy = describe(environment_config=config)
    config["task"]["mass"] = 3.0
    toy.to_dict()["environment_config"]["task"]["mass"] = 4.0
    assert toy.environment_config["task"]["mass"] == 2.0


def test_arrays_may_be_given_as_bounds():
    toy = describe(action_low=np.array([-1, -2]), action_high=np.array([1.0, np.inf], dtype=np.float32))
    assert (toy.action_low, toy.action_high) == ((-1.0, -2.0), (1.0, np.inf))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"environment": ""}, "environment must be a name, got ''"),
        ({"state_names": "xyz"}, "state_names must be a list of names, got 'xyz'"),
        ({"state_names": (), "state_units": ()}, "state_names must name at least one"),
        ({"state_units": ("m",)}, "state_units must have one entry for each of the 3 state_names, got 1"),
        ({"action_low": (0.0,)}, "action_low must have one entry for each of the 2 action_names, got 1"),
        ({"action_low": (0.0, "low")}, "action_low must be a list of numbers"),
        ({"action_low": (0.0, np.nan)}, "action_low must not be NaN"),
        ({"action_low": (2.0, 0.0)}, "action_low must not exceed action_high, got 2.0 and 1.0 of action 0"),
        ({"nv": -1}, "nv must be a whole number of at least 0, got -1"),
        ({"rows": 0}, "rows must be a whole number of at least 1, got 0"),
        ({"rows": 3.0}, r"rows must be a whole number of at least 1, got 3\.0"),
        ({"dtype": "float16"}, "dtype must be one of float64, float32, got 'float16'"),
        ({"states": "all"}, "states must be one of rollout, coverage"),
        ({"derivative": "plain"}, "derivative must be one of"),
        ({"states": "coverage"}, "episode_steps must be 1 where states is 'coverage', got 3"),
        ({"policy": {"name": "toy"}}, "policy must have the keys name, family, sha256, got name"),
        ({"policy": {"name": "toy", "family": "", "sha256": None}}, "policy must have a name and a family"),
        ({"policy": {"name": "toy", "family": "u", "sha256": "A"}}, "sha256 must be 64 hexadecimal digits"),
        ({"dt": 0}, "dt must be a finite number of seconds above 0"),
        ({"versions": {"jax": object()}}, "expected plain JSON values"),
        ({"extras": {"x": float("nan")}}, "expected plain JSON values"),
        ({"extras": [1]}, "extras must be a mapping"),
    ],
)
def test_impossible_description_is_refused(changed, message):
    with pytest.raises(SettingError, match=message):
        describe(**changed)


def test_keys_are_read_strictly():
    values = describe().to_dict()
    with pytest.raises(SettingError, match="unknown key 'sed' in a description; did you mean 'seed'"):
        DatasetDescription.from_dict(values | {"sed": 1})
    values.pop("seed")
    with pytest.raises(SettingError, match="must hold seed, which is missing"):
        DatasetDescription.from_dict(values)


def test_reference_page_holds_the_table_of_fields():
    page = (ROOT / "docs" / "reference" / "dataset.md").read_text()
    assert field_table_markdown() in page
