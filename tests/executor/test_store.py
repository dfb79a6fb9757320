"""Store of units: a unit is there as a whole or not at all, whatever happens to the disk or the process."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from dynsparse.dataset.files import PARTIAL, Files
from dynsparse.errors import ExecutorError, OutputError, SettingError
from dynsparse.executor import CheckedResult, UnitStore

from .conftest import numbers, toy

UNIT = toy("square", n=3)
RESULT = CheckedResult(
    {"square": 9, "third": 1 / 3},
    {"w": np.arange(6, dtype=np.float32).reshape(2, 3).T, "flag": np.array(True), "none": np.zeros((0, 2), np.int64)},
    {"seconds": 0.5},
)
PROVENANCE = {"command": "a test"}


class EndedError(BaseException):
    """The process ends here; nothing may catch it."""


class FaultyFiles(Files):
    """Fails at the operation whose number is ``at``: the disk is full, or the process is killed, before or within."""

    def __init__(self, at: int | None, how: str) -> None:
        self.at, self.how, self.count, self.kinds = at, how, 0, []

    def _step(self, kind: str, path: Path, data: bytes = b"") -> None:
        self.kinds.append(kind)
        self.count += 1
        if self.count - 1 == self.at:
            if self.how == "torn":
                path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device") if self.how == "full" else EndedError

    def write(self, path: Path, data: bytes) -> None:
        self._step("write", path, data)
        super().write(path, data)

    def fsync(self, path: Path) -> None:
        self._step("fsync", path)

    def fsync_folder(self, path: Path) -> None:
        self._step("fsync_folder", path)

    def rename(self, old: Path, new: Path) -> None:
        self._step("rename", new)
        super().rename(old, new)


COMMIT = ["write", "fsync", "rename", "fsync_folder"] * 2
"""What a commit does: the arrays, then the record."""

STOPS = [(how, at) for at in range(len(COMMIT)) for how in ("full", "killed")]
STOPS += [("torn", at) for at, kind in enumerate(COMMIT) if kind == "write"]


def filled(folder: Path) -> UnitStore:
    store = UnitStore(folder)
    assert store.commit(UNIT, RESULT, PROVENANCE)
    return store


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != ".lock"}


def test_record_says_everything(tmp_path):
    record = filled(tmp_path / "out" / "units").record(UNIT.key)
    arrays = record.pop("arrays")
    assert record == {
        "schema": 1,
        "key": UNIT.key,
        "function": "toy_units:square",
        "versions": dict(UNIT.versions),
        "unit": {"n": 3},
        "status": "done",
        "error": None,
        "result": {"square": 9, "third": 1 / 3},
        "measured": {"seconds": 0.5},
        "provenance": PROVENANCE,
    }
    content = (tmp_path / "out" / "units" / f"{UNIT.key}.safetensors").read_bytes()
    assert arrays == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_arrays_come_back_bit_by_bit(tmp_path):
    arrays = filled(tmp_path).arrays(UNIT.key)
    assert set(arrays) == {"w", "flag", "none"}
    for name, array in RESULT.arrays.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(arrays[name], array)


def test_unit_without_arrays_has_one_file(tmp_path):
    store = UnitStore(tmp_path / "units")
    store.commit(UNIT, CheckedResult({"x": 1}), PROVENANCE)
    assert set(contents(store.folder)) == {f"{UNIT.key}.json"}
    assert store.arrays(UNIT.key) == {} and store.is_done(UNIT.key)


def test_empty_store_reads_as_empty(tmp_path):
    store = UnitStore(tmp_path / "nowhere")
    assert (store.keys, list(store.records())) == ([], [])
    assert (store.record(UNIT.key), store.is_done(UNIT.key)) == (None, False)
    with pytest.raises(ExecutorError, match="is not; run it first"):
        store.arrays(UNIT.key)
    assert not store.folder.exists()


def test_key_that_is_none_reaches_no_file(tmp_path):
    for key in ("../x", "", UNIT.key.upper(), UNIT.key + "0"):
        with pytest.raises(ExecutorError, match="64 hexadecimal"):
            UnitStore(tmp_path).record(key)


# --- whole or not at all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["nothing", "failure"])
@pytest.mark.parametrize(("how", "at"), STOPS)
def test_commit_that_stops_anywhere_leaves_the_old_or_the_new(tmp_path, before, how, at):
    whole = contents(filled(tmp_path / "undisturbed").folder)
    folder = tmp_path / "disturbed"
    if before == "failure":
        UnitStore(folder).commit_failure(UNIT, "ValueError: no", PROVENANCE)
    files = FaultyFiles(at, how)
    with pytest.raises(OutputError if how == "full" else EndedError):
        UnitStore(folder, files).commit(UNIT, RESULT, PROVENANCE)
    assert files.kinds == COMMIT[: at + 1]

    reader = UnitStore(folder)
    committed = at == len(COMMIT) - 1  # renamed, and only not known to be on the disk
    assert reader.is_done(UNIT.key) == committed
    if not committed:
        found = reader.record(UNIT.key)
        assert found is None if before == "nothing" else found["error"] == "ValueError: no"
    with reader.hold():
        expected = whole if committed else {name for name in contents(folder) if name.endswith(".json")}
        assert set(contents(folder)) == set(expected)
    assert reader.commit(UNIT, RESULT, PROVENANCE) != committed
    assert contents(folder) == whole


def test_disk_error_says_that_nothing_is_lost(tmp_path):
    with pytest.raises(OutputError, match=r"No space left.*run the same again: units that are done stay"):
        UnitStore(tmp_path, FaultyFiles(0, "full")).commit(UNIT, RESULT, PROVENANCE)


def test_sweep_takes_leftovers_and_nothing_else(tmp_path):
    store = filled(tmp_path)
    kept = contents(tmp_path)
    mine = {"notes.txt": b"mine", "model.safetensors": b"mine", f"{'0' * 63}.safetensors": b"mine"}
    leftovers = [PARTIAL + f"{UNIT.key}.json", PARTIAL + "0123", f"{'0' * 64}.safetensors"]
    for name, data in (mine | dict.fromkeys(leftovers, b"left")).items():
        (tmp_path / name).write_bytes(data)
    with store.hold():
        assert contents(tmp_path) == kept | mine


def test_place_that_can_not_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected to write"):
        UnitStore(tmp_path / "file" / "units").commit(UNIT, RESULT, PROVENANCE)


# --- committed once ---------------------------------------------------------------------------------------------


def test_second_commit_of_the_same_changes_nothing(tmp_path):
    store = filled(tmp_path)
    before = contents(tmp_path)
    assert not store.commit(UNIT, CheckedResult(RESULT.record, RESULT.arrays, {"seconds": 9.0}), {"command": "another"})
    assert not store.commit_failure(UNIT, "WorkerError: lost", PROVENANCE)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "other",
    [
        CheckedResult({"square": 9, "third": np.nextafter(1 / 3, 1).item()}, RESULT.arrays),
        CheckedResult(RESULT.record, {**RESULT.arrays, "flag": np.array(False)}),
        CheckedResult(RESULT.record),
    ],
    ids=["last bit of a number", "one bit of an array", "no arrays"],
)
def test_second_commit_of_another_result_is_an_error(tmp_path, other):
    store = filled(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ExecutorError, match=r"expected one result of unit [0-9a-f]{12} \(toy_units:square\)"):
        store.commit(UNIT, other, PROVENANCE)
    assert contents(tmp_path) == before


def test_failure_is_recorded_and_gives_way_to_a_result(tmp_path):
    store = UnitStore(tmp_path / "units")
    assert store.commit_failure(UNIT, "ValueError: no", PROVENANCE, "Traceback ...")
    record = store.record(UNIT.key)
    assert (record["status"], record["error"], record["traceback"]) == ("failed", "ValueError: no", "Traceback ...")
    assert (record["result"], record["arrays"], store.is_done(UNIT.key)) == (None, None, False)
    assert store.commit_failure(UNIT, "ValueError: again", PROVENANCE)
    assert store.commit(UNIT, RESULT, PROVENANCE)
    assert store.record(UNIT.key)["error"] is None
    assert contents(store.folder) == contents(filled(tmp_path / "other").folder)


def test_provenance_that_is_not_json_is_refused_and_nothing_written(tmp_path):
    store = UnitStore(tmp_path / "units")
    with pytest.raises(SettingError, match="plain JSON"):
        store.commit(UNIT, CheckedResult({"x": 1}), {"x": object()})
    assert not store.folder.exists()


# --- damage -----------------------------------------------------------------------------------------------------


def test_changed_arrays_are_found(tmp_path):
    store = filled(tmp_path)
    path = tmp_path / f"{UNIT.key}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ExecutorError, match="got other bytes"):
        store.arrays(UNIT.key)


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "cut short"])
def test_missing_arrays_are_found_and_made_again(tmp_path, gone):
    store = filled(tmp_path)
    whole = contents(tmp_path)
    path = tmp_path / f"{UNIT.key}.safetensors"
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert not store.is_done(UNIT.key)
    with pytest.raises(ExecutorError, match=UNIT.key):
        store.arrays(UNIT.key)
    with pytest.raises(ExecutorError, match="expected one result"):
        store.commit(UNIT, CheckedResult({"square": 10}, RESULT.arrays), PROVENANCE)
    assert store.commit(UNIT, RESULT, PROVENANCE)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"[" * 10**5, b'{"schema": 2}', b'{"schema": 1, "key": "x"}', b"\xff"],
    ids=["empty", "cut short", "a list", "deep", "another schema", "of another unit", "no text"],
)
def test_record_that_is_none_is_named(tmp_path, data):
    path = tmp_path / f"{UNIT.key}.json"
    path.write_bytes(data)
    with pytest.raises(ExecutorError, match=str(path)):
        UnitStore(tmp_path).record(UNIT.key)


# --- one writer -------------------------------------------------------------------------------------------------


def test_second_writer_is_told_the_first_and_may_read(tmp_path):
    store, other = filled(tmp_path), UnitStore(tmp_path)
    with store.hold():
        with pytest.raises(OutputError, match=f"being written by process {os.getpid()}"):
            other.commit(UNIT, RESULT, PROVENANCE)
        assert numbers(other) == numbers(store)
        with store.hold():
            store.commit_failure(toy("square", n=4), "no", PROVENANCE)
    with other.hold():
        assert len(other.keys) == 2


def test_file_on_disk_is_one_line_of_json(tmp_path):
    filled(tmp_path)
    text = (tmp_path / f"{UNIT.key}.json").read_text()
    assert text.count("\n") == 1 and json.loads(text)["unit"] == {"n": 3}
