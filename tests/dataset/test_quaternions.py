"""Data sets whose state holds unit quaternions: Jacobians are those of tangents, and what was there before stays."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dynsparse.dataset import DatasetDescription, create_dataset, open_dataset, verify_dataset, writer
from dynsparse.dataset.rows import row_problems
from dynsparse.errors import ArrayError, DatasetError, SettingError
from dynsparse.provenance import content_hash

from .toy import describe

NAMES = ("qpos body z", *(f"qpos body q{part}" for part in "wxyz"), "qvel body z")
FREE = {
    "state_names": NAMES,
    "state_units": ("m", "", "", "", "", "m/s"),
    "quaternions": (1,),
    "rows": 5,
    "episode_steps": 1,
    "episodes_per_block": 3,
}


def arrays_of(description: DatasetDescription, block: int) -> dict[str, np.ndarray]:
    """Return one-step episodes at random rotations."""
    place = description.block_rows(block)
    draws, rows = np.random.default_rng(block), place.stop - place.start
    arrays = {}
    for name, spec in description.fields().items():
        arrays[name] = draws.normal(size=(rows, *spec.shape)) if spec.is_float else np.zeros((rows, *spec.shape), bool)
    for name in ("state", "next_state"):
        arrays[name][:, 1:5] /= np.linalg.norm(arrays[name][:, 1:5], axis=1, keepdims=True)
    arrays["action"] = np.clip(arrays["action"], -1, 1)
    at = np.arange(place.start, place.stop)
    return arrays | {"episode": at, "t": 0 * at, "truncated": np.ones(rows, bool), "finite": np.ones(rows, bool)}


def collect(path, description, alter=lambda arrays: None):
    with create_dataset(path, description) as opened:
        for block in opened.missing:
            arrays = arrays_of(description, block)
            if block == 1:
                alter(arrays)
            opened.commit(block, arrays)


def test_jacobians_are_those_of_tangents():
    description = describe(**FREE)
    fields = description.fields()
    assert (description.state_dim, description.tangent_dim) == (6, 5)
    assert (fields["state"].shape, fields["jac_state"].shape, fields["jac_action"].shape) == ((6,), (5, 5), (5, 2))
    assert fields["jac_state"].axes == ("next_state_tangent", "state_tangent")
    assert "rotation vector" in fields["jac_action"].meaning
    assert "rotation vector" not in fields["state"].meaning
    assert description.tangent_names == ("qpos body z", *(f"qpos body r{axis}" for axis in "xyz"), "qvel body z")
    assert description.tangent_units == ("m", "rad", "rad", "rad", "m/s")


def test_data_set_without_quaternions_is_what_it_was():
    toy = describe()
    assert "quaternions" not in toy.to_dict()
    # Computed by the version before quaternions were known.
    assert content_hash(toy.to_dict()) == "a0ef0b351145238285f6c95bc451e4f791482b42b9bf400526618536c2918f1b"
    assert toy.fields()["jac_state"].axes == ("next_state", "state")
    assert (toy.tangent_dim, toy.tangent_names, toy.space.is_flat) == (3, toy.state_names, True)


def test_description_with_quaternions_survives_json_and_differs_from_one_without():
    free = describe(**FREE)
    again = DatasetDescription.from_dict(json.loads(json.dumps(free.to_dict())))
    assert (again, again.quaternions) == (free, (1,))
    flat = describe(**FREE | {"quaternions": ()})
    assert free.differences(flat) == ("quaternions is [1] there and absent here",)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ((3,), "quaternions of four numbers each"),
        ((-1,), "quaternions of four numbers each"),
        ((0, 2), "quaternions of four numbers each"),
        ((1.0,), r"quaternions must be a list of places, got \(1.0,\)"),
        ((True,), "quaternions must be a list of places"),
        (1, "quaternions must be a list of places, got 1"),
        ("1", "quaternions must be a list of places"),
    ],
)
def test_quaternions_that_can_not_be_are_refused(places, message):
    with pytest.raises(SettingError, match=message):
        describe(**FREE | {"quaternions": places})


def test_rows_come_back_as_they_were_stored(tmp_path):
    description = describe(**FREE)
    collect(tmp_path / "data", description)
    report, dataset = verify_dataset(tmp_path / "data"), open_dataset(tmp_path / "data")
    assert report.ok, report.problems
    assert dataset.space == description.space
    loaded = dataset.load()
    for name in description.fields():
        stored = np.concatenate([arrays_of(description, block)[name] for block in range(2)])
        np.testing.assert_array_equal(loaded[name], stored)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_quaternion_that_is_rounded_is_kept_and_one_of_another_length_found(tmp_path, dtype, monkeypatch):
    description = describe(**FREE, dtype=dtype)
    rounded = arrays_of(description, 1)
    rounded |= {name: rounded[name].astype(np.float32).astype(dtype) for name in ("state", "next_state")}
    assert row_problems(description, 1, rounded) == []

    def longer(arrays):
        arrays["next_state"][1, 1:5] *= 1 + 3e-6

    with pytest.raises(ArrayError, match=r"row 4 of all: the quaternion of next_state at 1 must have length 1"):
        collect(tmp_path / "refused", description, longer)
    monkeypatch.setattr(writer, "row_problems", lambda *args: [])
    collect(tmp_path / "data", description, longer)
    report = verify_dataset(tmp_path / "data")
    assert (report.ok, report.rows) == (False, 3)
    assert report.problems == ("block 1: row 4 of all: the quaternion of next_state at 1 must have length 1, to 1e-06",)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_quaternion_of_a_row_that_is_not_finite_is_kept(value):
    description = describe(**FREE)
    arrays = arrays_of(description, 0)
    arrays["next_state"][0, 2], arrays["finite"][0] = value, False
    assert row_problems(description, 0, arrays) == []


def test_jacobian_of_the_states_own_numbers_is_refused(tmp_path):
    def wide(arrays):
        arrays["jac_state"] = np.zeros((2, 6, 6))

    with pytest.raises(ArrayError, match=r"jac_state must be float64 \(2, 5, 5\), got float64 \(2, 6, 6\)"):
        collect(tmp_path / "data", describe(**FREE), wide)


def test_quaternions_altered_in_the_metadata_are_damage(tmp_path):
    path = tmp_path / "data"
    collect(path, describe(**FREE))
    group = path / "zarr.json"
    content = json.loads(group.read_text())
    content["attributes"]["quaternions"] = [2]
    group.write_text(json.dumps(content))
    assert not verify_dataset(path).ok
    with pytest.raises(DatasetError, match="altered"):
        open_dataset(path)
