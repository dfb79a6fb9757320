"""Nothing is lost: after a fault at any operation what was committed is there, and resume ends byte-identical."""

from __future__ import annotations

import json
import os
import shutil
from functools import cache

import numpy as np
import pytest

from dynsparse.dataset import DatasetDescription, create_dataset, open_dataset, verify_dataset, writer
from dynsparse.dataset.chunks import Chunks, encode_metadata
from dynsparse.errors import DatasetError, OutputError

from .faulty_files import (
    CountingFiles,
    FullFiles,
    InterruptedFiles,
    PowerLossFiles,
    StoppedError,
    StoppingFiles,
    TornFiles,
)
from .toy import block_arrays, collect, contents, describe

EVERYWHERE = os.environ.get("DYNSPARSE_TESTS") == "all"
"""Whether a fault is tried at every operation, in place of a third of them."""

# Two blocks, the last one of a single episode that is cut short.
TOY = describe(rows=5, episodes_per_block=1)


def collect_until_fault(path, files, **options):
    """Collect; return the blocks whose commit returned, and what ended it."""
    committed = []
    try:
        with create_dataset(path, TOY, files=files, **options) as writer:
            committed = [number for number in range(TOY.blocks) if number not in writer.missing]
            for block in writer.missing:
                writer.commit(block, block_arrays(TOY, block))
                committed.append(block)
    except (StoppedError, KeyboardInterrupt, OutputError) as error:
        return committed, error
    return committed, None


def assert_readable(path, committed):
    """Every block that was committed is there, and what is there is right."""
    try:
        found = {block.number: block for block in open_dataset(path).blocks()}
    except DatasetError:
        found = {}  # nothing committed, or not even begun
    assert set(committed) <= set(found)
    for number, block in found.items():
        for name, expected in block_arrays(TOY, number).items():
            np.testing.assert_array_equal(block[name], expected)


@pytest.fixture(autouse=True)
def encode_once(monkeypatch):
    """Encode the toy's metadata once: that touches no disk, and a thousand collections would spend their time on it."""
    monkeypatch.setattr(writer, "encode_metadata", _metadata)
    monkeypatch.setattr(writer, "Chunks", _chunks)


@cache
def _made(key):
    description = DatasetDescription.from_dict(json.loads(key))
    metadata = encode_metadata(description)
    return metadata, Chunks(description, metadata)


def _metadata(description, codec):
    return _made(json.dumps(description.to_dict()))[0]


def _chunks(description, metadata):
    return _made(json.dumps(description.to_dict()))[1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted collection: its files, and its operations."""
    path = tmp_path_factory.mktemp("whole") / "data"
    files = CountingFiles()
    collect(path, TOY, files=files)
    return contents(path), files.kinds


def test_every_kind_of_operation_is_counted(whole):
    _, kinds = whole
    fields = len(TOY.fields())
    # A metadata file of each field and of the group, a chunk of each field and block, a record of each block.
    assert kinds.count("write") == kinds.count("fsync") == 1 + fields + TOY.blocks * (fields + 1)
    assert kinds.count("rename") == 1 + fields + TOY.blocks


KINDS = (StoppingFiles, FullFiles, PowerLossFiles, TornFiles)


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_fault_anywhere_nothing_committed_is_lost_and_resume_ends_equal(tmp_path, whole, kind):
    expected, operations = whole
    # Only a write can be torn.
    places = [at for at, operation in enumerate(operations) if kind is not TornFiles or operation == "write"]
    if not EVERYWHERE:  # most are of the many fields, which are alike
        rng = np.random.default_rng(KINDS.index(kind))
        places = sorted({*rng.choice(places, len(places) // 3, replace=False).tolist(), *places[:3], *places[-6:]})
        assert {operations[at] for at in places} == ({"write"} if kind is TornFiles else set(operations))
    for at in places:
        operation, path = operations[at], tmp_path / str(at)
        committed, error = collect_until_fault(path, kind(at))
        assert error is not None, at
        assert_readable(path, committed)
        collect(path, TOY, resume=True, files=CountingFiles())
        assert contents(path) == expected, (at, operation)
        shutil.rmtree(path)


def test_fault_while_resuming_is_survived_too(tmp_path, whole):
    expected, operations = whole
    middle = len(operations) * 3 // 4
    for at in range(0, 120, 7):
        path = tmp_path / str(at)
        committed, _ = collect_until_fault(path, StoppingFiles(middle))
        again, _ = collect_until_fault(path, PowerLossFiles(at), resume=True)
        assert_readable(path, {*committed, *again})
        collect(path, TOY, resume=True, files=CountingFiles())
        assert contents(path) == expected, at


def test_power_loss_right_after_the_last_commit_loses_nothing(tmp_path, whole):
    files = PowerLossFiles()
    collect(tmp_path / "data", TOY, files=files)
    files.lose()
    assert contents(tmp_path / "data") == whole[0]
    assert verify_dataset(tmp_path / "data").ok


@pytest.mark.parametrize("forgotten", ["fsync", "fsync_folder"])
def test_planted_missing_fsync_is_found(tmp_path, forgotten):
    files = PowerLossFiles()
    setattr(files, forgotten, lambda path: None)
    collect(tmp_path / "data", TOY, files=files)
    files.lose()
    with pytest.raises(AssertionError):
        assert_readable(tmp_path / "data", [0, 1])


def test_full_disk_says_what_to_do(tmp_path, whole):
    _, error = collect_until_fault(tmp_path / "data", FullFiles(len(whole[1]) // 2))
    assert isinstance(error, OutputError)
    assert str(error).endswith("No space left on device; make room, then run the same command with --resume")


def test_block_is_committed_when_room_was_made_without_closing(tmp_path, whole):
    with create_dataset(tmp_path / "data", TOY, files=FullFiles(len(whole[1]) - 30)) as writer:
        writer.commit(0, block_arrays(TOY, 0))
        with pytest.raises(OutputError, match="make room"):
            writer.commit(1, block_arrays(TOY, 1))
        assert writer.missing == (1,)
        writer.commit(1, block_arrays(TOY, 1))
        assert writer.missing == ()
    assert contents(tmp_path / "data") == whole[0]


def test_ctrl_c_passes_through_and_leaves_what_can_be_resumed(tmp_path, whole):
    committed, error = collect_until_fault(tmp_path / "data", InterruptedFiles(len(whole[1]) - 20))
    assert isinstance(error, KeyboardInterrupt)
    assert committed == [0]
    report = verify_dataset(tmp_path / "data")
    assert (report.ok, report.problems, report.uncommitted, report.rows) == (False, (), 1, 3)
    assert report.stray > 0
    assert report.foreign == 0
    collect(tmp_path / "data", TOY, resume=True)
    assert contents(tmp_path / "data") == whole[0]


def test_overwriting_is_resumable_from_every_stop(tmp_path, whole):
    other = describe(rows=5, episodes_per_block=1, nmocap=1, seed=8)
    files = CountingFiles()
    collect(tmp_path / "counted", other)
    collect(tmp_path / "counted", TOY, overwrite=True, files=files)
    assert contents(tmp_path / "counted") == whole[0]
    removals = len(files.kinds) - len(whole[1])
    assert removals > 50
    for at in range(0, removals + 5, 3):
        path = tmp_path / str(at)
        collect(path, other, files=CountingFiles())
        collect_until_fault(path, StoppingFiles(at), overwrite=True)
        collect(path, TOY, overwrite=True, files=CountingFiles())
        assert contents(path) == whole[0], at
