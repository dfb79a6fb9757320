from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from dynsparse.dataset import create_dataset, finite_rows, open_dataset, verify_dataset
from dynsparse.errors import ArrayError, DatasetError, SettingError

from .toy import all_rows, block_arrays, collect, contents, describe

TOY = describe()


def assert_equal_rows(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name, strict=True)


def test_rows_are_read_as_they_were_committed(tmp_path):
    collect(tmp_path / "data", TOY)
    dataset = open_dataset(tmp_path / "data")
    assert (dataset.environment, dataset.rows, dataset.episodes) == ("Toy", 13, 5)
    assert dataset.description == TOY
    assert dataset.fields == tuple(TOY.fields())
    assert_equal_rows(dataset.load(), all_rows(TOY))
    assert "13 of 13 rows committed" in repr(dataset)


def test_data_set_of_one_row_is_told_as_one(tmp_path):
    collect(tmp_path / "data", describe(rows=1))
    assert repr(open_dataset(tmp_path / "data")).endswith("Toy, 1 of 1 row committed>")


def test_some_fields_are_read_in_the_order_asked_for(tmp_path):
    collect(tmp_path / "data", TOY)
    dataset = open_dataset(str(tmp_path / "data"))
    assert list(dataset.load(["jac_action", "state"])) == ["jac_action", "state"]
    blocks = list(dataset.blocks(["t"]))
    assert [(block.number, block.rows) for block in blocks] == [(0, slice(0, 6)), (1, slice(6, 12)), (2, slice(12, 13))]
    assert blocks[2]["t"].tolist() == [0]
    with pytest.raises(SettingError, match=r"read without 'state'; known: t"):
        blocks[0]["state"]
    with pytest.raises(SettingError, match=r"no field 'jac_stat'; did you mean 'jac_state'"):
        dataset.load(["jac_stat"])


def test_only_committed_rows_are_visible(tmp_path):
    with create_dataset(tmp_path / "data", TOY) as writer:
        writer.commit(2, block_arrays(TOY, 2))
        writer.commit(0, block_arrays(TOY, 0))
        dataset = open_dataset(tmp_path / "data")
        writer.commit(1, block_arrays(TOY, 1))
    assert (dataset.rows, dataset.episodes) == (7, 3)
    expected = {name: np.delete(array, slice(6, 12), axis=0) for name, array in all_rows(TOY).items()}
    assert_equal_rows(dataset.load(), expected)
    assert [block.rows for block in dataset.blocks()] == [slice(0, 6), slice(12, 13)]


def test_blocks_are_read_one_by_one(tmp_path):
    collect(tmp_path / "data", TOY)
    (tmp_path / "data" / "t" / "c" / "1").write_bytes(b"damaged")
    blocks = open_dataset(tmp_path / "data").blocks(["t"])
    assert next(blocks).number == 0
    with pytest.raises(DatasetError, match=r"t/c/1 is altered: its SHA-256 is not that in blocks/000001\.json"):
        next(blocks)


def test_plain_zarr_reads_it_and_shows_uncommitted_rows_as_fill(tmp_path):
    with create_dataset(tmp_path / "data", TOY) as writer:
        writer.commit(1, block_arrays(TOY, 1))
    group = zarr.open(tmp_path / "data", mode="r")
    assert group.attrs["state_names"] == ["x", "y", "z"]
    assert group.attrs["action_high"] == [1.0, "Infinity"]
    expected = all_rows(TOY)
    for name, spec in TOY.fields().items():
        array = group[name]
        assert array.metadata.zarr_format == 3
        np.testing.assert_array_equal(array[6:12], expected[name][6:12])
        assert np.isnan(array[:6]).all() if spec.is_float else (array[12:] == spec.fill_value).all()
    assert group["jac_action"].metadata.dimension_names == ("row", "next_state", "action")


def test_half_precision_is_stored_and_rounded_by_the_writer(tmp_path):
    half, full = describe(dtype="float32"), describe()
    with create_dataset(tmp_path / "data", half) as writer:
        for block in writer.missing:
            arrays = block_arrays(full, block)
            writer.commit(block, arrays)
    loaded = open_dataset(tmp_path / "data").load()
    assert loaded["jac_state"].dtype == np.float32
    assert loaded["episode"].dtype == np.int64
    np.testing.assert_array_equal(loaded["state"], all_rows(full)["state"].astype(np.float32))
    assert verify_dataset(tmp_path / "data").ok


def test_number_too_large_for_float32_must_be_marked(tmp_path):
    half = describe(dtype="float32")
    arrays = block_arrays(describe(), 0)
    arrays["reward"][1] = 1e39
    with create_dataset(tmp_path / "data", half) as writer:
        with pytest.raises(ArrayError, match="row 1 of all: finite must say"):
            writer.commit(0, arrays)
        with np.errstate(over="ignore"):
            rounded = {n: a.astype(np.float32) if a.dtype == np.float64 else a for n, a in arrays.items()}
        writer.commit(0, arrays | {"finite": finite_rows(rounded)})
    assert open_dataset(tmp_path / "data").load()["finite"].tolist() == [True, False, True, True, True, False]


def test_nothing_in_the_files_depends_on_when_or_where(tmp_path):
    collect(tmp_path / "one", TOY)
    collect(tmp_path / "two" / "deeper", TOY)
    assert contents(tmp_path / "one") == contents(tmp_path / "two" / "deeper")


def test_block_of_nothing_but_fill_values_is_stored(tmp_path):
    toy = describe(rows=3, episodes_per_block=1)
    arrays = block_arrays(toy, 0) | {"reward": np.full(3, np.nan), "finite": np.zeros(3, dtype=bool)}
    with create_dataset(tmp_path / "data", toy) as writer:
        writer.commit(0, arrays)
    assert verify_dataset(tmp_path / "data").ok
    assert np.isnan(open_dataset(tmp_path / "data").load(["reward"])["reward"]).all()


SHAPES = st.fixed_dictionaries(
    {
        "ds": st.integers(1, 4),
        "da": st.integers(0, 3),
        "nc": st.integers(0, 3),
        "nv": st.integers(0, 3),
        "nmocap": st.integers(0, 2),
        "rows": st.integers(1, 20),
        "episode_steps": st.integers(1, 6),
        "episodes_per_block": st.integers(1, 4),
        "dtype": st.sampled_from(["float64", "float32"]),
        "seed": st.integers(0, 2**63 - 1),
        "coverage": st.booleans(),
    }
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(SHAPES)
def test_any_shape_round_trips(shape):
    ds, da = shape.pop("ds"), shape.pop("da")
    if shape.pop("coverage"):
        shape |= {"states": "coverage", "episode_steps": 1}
    toy = describe(
        state_names=[f"s{i}" for i in range(ds)],
        state_units=[""] * ds,
        action_names=[f"a{i}" for i in range(da)],
        action_low=[-1.0] * da,
        action_high=[0.5] * da,
        constraint_names=[f"c{i}" for i in range(shape.pop("nc"))],
        **shape,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        collect(path, toy)
        assert_equal_rows(open_dataset(path).load(), all_rows(toy))
        report = verify_dataset(path)
        assert (report.ok, report.rows, report.episodes) == (True, toy.rows, toy.episodes)
        assert (report.stray, report.foreign) == (0, 0)
