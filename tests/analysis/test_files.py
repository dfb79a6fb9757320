"""Saving an analysis where another one is: the old one or the new one, whatever fails and wherever."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from dynsparse.analysis import files
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.streaming import analyze
from dynsparse.errors import InputError, OutputError

OPERATIONS = ("savez_compressed", "fsync", "fsync", "replace", "replace", "fsync")
"""What a save asks of the disk, in order: arrays and JSON file on it, two renames, the folder's entries."""

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def other(make_source, make_switched):
    return analyze(make_source(make_switched(["AABBBB", "ABBAAA", "BBB"])), provenance={"seed": 1})


@pytest.fixture
def fail_at(monkeypatch):
    """Make the operation of a number fail, the next ones work; return what was asked for."""

    def fail_at(number, error):
        asked = []

        def patch(module, kind):
            real = getattr(module, kind)

            def counted(target, *args, **kwargs):
                asked.append(kind)
                if len(asked) - 1 == number:
                    if kind == "savez_compressed":
                        target.write(b"PK half of an archive")
                    raise error
                return real(target, *args, **kwargs)

            monkeypatch.setattr(module, kind, counted)

        patch(np, "savez_compressed")
        patch(os, "fsync")
        patch(os, "replace")
        return asked

    return fail_at


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_save_asks_for_these_operations(report, fail_at, tmp_path):
    asked = fail_at(None, None)
    report.save(tmp_path)
    assert tuple(asked) == OPERATIONS
    assert names(tmp_path) == ["analysis.json", "analysis.npz"]


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "interrupted"])
@pytest.mark.parametrize("at", range(len(OPERATIONS)))
def test_a_save_that_fails_leaves_the_analysis_that_was_there(report, other, fail_at, tmp_path, at, error):
    report.save(tmp_path)
    fail_at(at, error)
    expected = OutputError if error is FULL else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        other.save(tmp_path)
    if error is FULL:
        assert str(caught.value).count("expected to write") == 1
        assert "No space left on device" in str(caught.value)
    assert names(tmp_path) == ["analysis.json", "analysis.npz"]
    if at == 4:  # between the two renames, the one place where the pair is of two analyses
        with pytest.raises(InputError, match="do not belong together"):
            SparsityReport.load(tmp_path)
    else:
        kept = report if at < 4 else other
        assert SparsityReport.load(tmp_path).to_dict() == kept.to_dict()
    assert files.holds_analysis(tmp_path)
    other.save(tmp_path)
    assert SparsityReport.load(tmp_path).to_dict() == other.to_dict()


@pytest.mark.parametrize("at", range(len(OPERATIONS)))
def test_a_first_save_that_fails_blocks_no_other(report, fail_at, tmp_path, at):
    fail_at(at, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        report.save(tmp_path)
    assert files.holds_analysis(tmp_path) == (at == 5)
    assert [name for name in names(tmp_path) if name.startswith(".")] == []


def test_what_a_killed_save_left_is_swept_by_the_next(report, other, tmp_path):
    report.save(tmp_path)
    # Nothing of Python runs after this: neither the handler of an exception nor the end of the function.
    script = (
        "import os, pathlib, sys\n"
        "from dynsparse.analysis.files import read, write\n"
        "content, arrays = read(sys.argv[1])\n"
        "os.replace = lambda old, new: os._exit(9)\n"
        "write(sys.argv[1], {**content, 'episodes': 4}, arrays)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, tmp_path], check=False).returncode == 9
    left = sorted(tmp_path.glob(".partial-*"))
    assert {path.name.rpartition("-")[2] for path in left} == {"analysis.json", "analysis.npz"}
    assert SparsityReport.load(tmp_path).to_dict() == report.to_dict()
    # As young as these are, they could be another writer's, who is at it.
    other.save(tmp_path)
    assert all(path.exists() for path in left)
    for path in left:
        os.utime(path, (0, 0))
    other.save(tmp_path)
    assert names(tmp_path) == ["analysis.json", "analysis.npz"]
    assert SparsityReport.load(tmp_path).to_dict() == other.to_dict()


def test_a_folder_holds_an_analysis_where_its_json_file_is(report, tmp_path):
    assert not files.holds_analysis(tmp_path / "missing")
    assert not files.holds_analysis(tmp_path)
    report.save(tmp_path)
    assert files.holds_analysis(str(tmp_path))
    (tmp_path / "analysis.json").write_text("broken")
    assert files.holds_analysis(tmp_path)
    (tmp_path / "analysis.json").unlink()
    assert not files.holds_analysis(tmp_path)  # the arrays alone
    (tmp_path / "analysis.json").symlink_to("nowhere")
    assert files.holds_analysis(tmp_path)
