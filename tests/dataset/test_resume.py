from __future__ import annotations

import os

import pytest

from dynsparse.dataset import Codec, create_dataset, open_dataset
from dynsparse.errors import DatasetError, OutputError, OutputExistsError, SettingError

from .toy import block_arrays, collect, contents, describe

TOY = describe()


def begin(path, description=TOY):
    """Commit the middle block alone."""
    with create_dataset(path, description) as writer:
        writer.commit(1, block_arrays(description, 1))


def test_order_of_commits_does_not_matter(tmp_path):
    collect(tmp_path / "forward", TOY)
    begin(tmp_path / "other")
    with create_dataset(tmp_path / "other", TOY, resume=True) as writer:
        assert writer.missing == (0, 2)
        for block in (2, 0):
            writer.commit(block, block_arrays(TOY, block))
        assert writer.missing == ()
    assert contents(tmp_path / "other") == contents(tmp_path / "forward")


def test_resume_of_nothing_starts(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("missing", "empty"):
        with create_dataset(tmp_path / name, TOY, resume=True) as writer:
            assert writer.missing == (0, 1, 2)


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"seed": 5}, "seed is 7 there and 5 here"),
        ({"dtype": "float32"}, "dtype is 'float64' there and 'float32' here"),
        ({"rows": 14}, "rows is 13 there and 14 here"),
        ({"derivative": "autodiff"}, "derivative is 'exact' there and 'autodiff' here"),
        (
            {"policy": {"name": "expert", "family": "uniform", "sha256": None}},
            "policy.name is 'toy' there and 'expert' here",
        ),
        (
            {"policy": {"name": "toy", "family": "uniform", "sha256": "a" * 64}},
            f"policy.sha256 is None there and '{'a' * 64}' here",
        ),
        ({"versions": {"toy": "1.1", "zarr": "3"}}, "versions.toy is '1.0' there and '1.1' here"),
        ({"versions": {"toy": "1.0"}}, "versions.zarr is '3' there and absent here"),
        ({"environment_config": {"task": {"mass": 3.0}}}, "environment_config.task.mass is 2.0 there and 3.0 here"),
        ({"environment_config": {"task": {"mass": 2}}}, "environment_config.task.mass is 2.0 there and 2 here"),
        ({"extras": {"hold": None}}, "extras.hold is absent there and None here"),
    ],
)
def test_resume_of_another_data_set_names_the_difference(tmp_path, changed, difference):
    begin(tmp_path / "data")
    before = contents(tmp_path / "data")
    with pytest.raises(OutputExistsError) as caught:
        create_dataset(tmp_path / "data", describe(**changed), resume=True)
    assert f"holds another data set: {difference}; repeat the command" in str(caught.value)
    assert caught.value.exit_code == 2
    assert contents(tmp_path / "data") == before


def test_all_differences_are_named(tmp_path):
    begin(tmp_path / "data")
    with pytest.raises(OutputExistsError, match="episodes_per_block is 2 there and 1 here; seed is 7 there and 8 here"):
        create_dataset(tmp_path / "data", describe(seed=8, episodes_per_block=1), resume=True)


def test_another_codec_is_refused_when_resuming(tmp_path):
    begin(tmp_path / "data")
    before = contents(tmp_path / "data")
    with pytest.raises(DatasetError, match="another codec or another version of zarr"):
        create_dataset(tmp_path / "data", TOY, resume=True, codec=Codec(level=9))
    assert contents(tmp_path / "data") == before


def test_nothing_is_overwritten_without_being_told_to(tmp_path):
    begin(tmp_path / "data")
    before = contents(tmp_path / "data")
    with pytest.raises(OutputExistsError, match="pass --resume to go on with it, --overwrite to replace it"):
        create_dataset(tmp_path / "data", TOY)
    with pytest.raises(SettingError, match="exclude each other"):
        create_dataset(tmp_path / "data", TOY, resume=True, overwrite=True)
    assert contents(tmp_path / "data") == before


def test_overwrite_replaces_the_data_set_and_leaves_what_is_not_its(tmp_path):
    begin(tmp_path / "data", describe(nmocap=2, seed=1))
    (tmp_path / "data" / "notes.txt").write_text("mine")
    collect(tmp_path / "data", TOY, overwrite=True)
    collect(tmp_path / "whole", TOY)
    assert contents(tmp_path / "data") == {**contents(tmp_path / "whole"), "notes.txt": b"mine"}


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_folder_of_something_else_is_left_alone(tmp_path, options):
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    (other / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {"format": "else"}}')
    before = contents(other)
    with pytest.raises(OutputExistsError, match=r"holds chapter\.txt, zarr\.json; nothing is overwritten"):
        create_dataset(other, TOY, **options)
    assert contents(other) == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file; choose another --out"):
        create_dataset(tmp_path / "file", TOY, **options)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_can_not_be_written_is_a_typed_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            create_dataset(tmp_path / "data", TOY)
    finally:
        tmp_path.chmod(0o700)


def test_committing_twice_out_of_range_or_when_closed_is_refused(tmp_path):
    with create_dataset(tmp_path / "data", TOY) as writer:
        writer.commit(1, block_arrays(TOY, 1))
        with pytest.raises(DatasetError, match=r"block 1 of .* is committed already"):
            writer.commit(1, block_arrays(TOY, 1))
        with pytest.raises(SettingError, match="block must be a number from 0 to 2, got 3"):
            writer.commit(3, block_arrays(TOY, 1))
    with pytest.raises(DatasetError, match="is closed"):
        writer.commit(0, block_arrays(TOY, 0))
    writer.close()
    assert open_dataset(tmp_path / "data").rows == 6
