from __future__ import annotations

import dataclasses
import json
from contextlib import closing

import numpy as np
import pytest

from dynsparse.analysis import AboveRoundOff, ArrayRows, EpisodeCount, EpisodeRecord, RowDescription, analyze
from dynsparse.cli.folder_settings import FolderSettings
from dynsparse.cli.result_folder import ResultFolder
from dynsparse.config import preset_settings
from dynsparse.dataset.lock import Lock
from dynsparse.errors import InputError, OutputError, OutputExistsError

SETTINGS = preset_settings("smoke", ("A", "B"))


@pytest.fixture
def record():
    arrays = {"jac_state": np.ones((2, 1, 1)), "jac_action": np.ones((2, 1, 1)), "finite": np.ones(2, bool)}
    arrays |= {"episode": np.zeros(2, int), "t": np.arange(2)}
    return analyze(
        ArrayRows(RowDescription("A", ("x",), ("u",), {"name": "random"}, "exact", 2), arrays), provenance={}
    )


@pytest.fixture
def out(tmp_path):
    return tmp_path / "deep" / "out"


def test_what_was_committed_is_found_again(out, record):
    folder = ResultFolder(out, SETTINGS)
    assert folder.finished("A") is None
    assert folder.commit(record) == out / "analysis" / "A"
    folder.close()
    again = ResultFolder(out, SETTINGS)
    assert again.finished("A").to_dict() == record.to_dict()
    assert again.finished("B") is None
    again.close()


def test_numbers_of_episodes_are_committed_with_their_analysis(out):
    zeros = np.where(np.arange(6) % 2, 0.0, 3e-14)[:, None, None]
    arrays = {"jac_state": zeros, "jac_action": np.ones((6, 1, 1)), "finite": np.ones(6, bool)}
    arrays |= {"episode": np.repeat([0, 1], 3), "t": np.tile(np.arange(3), 2)}
    arrays |= {"reward": np.ones(6), "terminated": np.zeros(6, bool)}
    rows = ArrayRows(RowDescription("A", ("x",), ("u",), {"name": "random"}, "exact", 3), arrays)
    count = EpisodeCount(rows)
    report = analyze(rows, provenance={}, episodes=count)
    folder = ResultFolder(out, SETTINGS)
    place = folder.commit(report, count.record(report), count.above_round_off(report))
    folder.close()
    assert EpisodeRecord.load(place).switches.tolist() == [2, 2]
    assert AboveRoundOff.load(place).switches.tolist() == [0, 0]


def test_half_written_results_are_swept_and_never_found(out, record):
    ResultFolder(out, SETTINGS).close()
    left = out / "analysis" / ".partial-123-A"
    left.mkdir()
    record.save(left)
    beside = out / "analysis" / "A" / ".partial-123-causes.npz"
    beside.parent.mkdir()
    beside.write_bytes(b"half")
    folder = ResultFolder(out, SETTINGS)
    assert not left.exists() and not beside.exists()
    beside.parent.rmdir()
    assert folder.finished("A") is None
    folder.close()


def test_other_settings_are_refused_by_name_and_nothing_changes(out):
    ResultFolder(out, SETTINGS).close()
    before = (out / "settings.json").read_bytes()
    with pytest.raises(OutputExistsError, match=r"atol is 1e-15 there and 1e-12 here, seed is 0 there and 4 here"):
        ResultFolder(out, dataclasses.replace(SETTINGS, seed=4, atol=1e-12))
    assert (out / "settings.json").read_bytes() == before


def test_other_versions_are_other_results(out):
    ResultFolder(out, SETTINGS).close()
    content = json.loads((out / "settings.json").read_text())
    content["settings"]["versions"]["jax"] = "0.4.0"
    (out / "settings.json").write_text(json.dumps(content))
    with pytest.raises(OutputExistsError, match=r"other settings: jax is '0\.4\.0' there and"):
        ResultFolder(out, SETTINGS)


def test_other_environments_are_welcome_and_another_preset_is_not(out):
    ResultFolder(out, SETTINGS).close()
    ResultFolder(out, preset_settings("smoke", ("C",))).close()
    # As many rows, and the same numbers of an analysis: but sections and trainings would be measured over.
    with pytest.raises(OutputExistsError, match="preset is 'smoke' there and 'small' here; choose another --out or"):
        ResultFolder(out, preset_settings("small", ("A", "B"), rows=4000))
    content = json.loads((out / "settings.json").read_text())
    del content["preset"]  # as folders were before
    (out / "settings.json").write_text(json.dumps(content))
    ResultFolder(out, preset_settings("small", ("A", "B"), rows=4000)).close()
    assert json.loads((out / "settings.json").read_text())["preset"] == "small"


def test_the_settings_are_looked_at_under_the_lock(out, monkeypatch):
    # Whoever comes second while the first is taking the folder must not have looked before.
    held = []
    monkeypatch.setattr(FolderSettings, "check", lambda self, path: held.append(is_held(path)))
    ResultFolder(out, SETTINGS).close()
    assert held == [True] and not is_held(out)


def is_held(path):
    """Whether somebody holds a folder."""
    try:
        Lock(path).release()
    except OutputError:
        return True
    return False


def test_questions_of_earlier_commands_are_remembered(out):
    with closing(ResultFolder(out, SETTINGS)) as folder:
        assert folder.ask(("q2", "q3")) == ("q2", "q3")
    with closing(ResultFolder(out, SETTINGS)) as folder:
        assert folder.ask(()) == ("q2", "q3")
        assert folder.ask(("q4", "q1")) == ("q1", "q2", "q3", "q4")
        assert json.loads((out / "asked.json").read_text())["environments"] == ["A", "B"]
        (out / "asked.json").write_text("{")
        assert folder.ask(("q1",)) == ("q1",)
    with closing(ResultFolder(out, preset_settings("smoke", ("C", "A")))) as folder:
        folder.ask(())
    assert json.loads((out / "asked.json").read_text())["environments"] == ["A", "B", "C"]


def test_a_folder_of_something_else_is_left_alone(out):
    out.mkdir(parents=True)
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputExistsError, match=r"thesis\.tex"):
        ResultFolder(out, SETTINGS)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_a_file_and_a_place_below_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        ResultFolder(tmp_path / "file", SETTINGS)
    with pytest.raises(OutputError, match="can be written"):
        ResultFolder(tmp_path / "file" / "out", SETTINGS)


def test_broken_settings_are_refused(out):
    ResultFolder(out, SETTINGS).close()
    (out / "settings.json").write_text("{")
    with pytest.raises(OutputExistsError, match="can not read"):
        ResultFolder(out, SETTINGS)


def test_broken_results_are_no_results(out, record):
    folder = ResultFolder(out, SETTINGS)
    (folder.commit(record) / "analysis.json").write_text(json.dumps({"schema": 1}))
    with pytest.raises(InputError):
        folder.finished("A")
    folder.close()


def test_one_writer_at_a_time_and_the_holder_is_named(out):
    import os

    folder = ResultFolder(out, SETTINGS)
    with pytest.raises(OutputError, match=f"being written by process {os.getpid()}"):
        ResultFolder(out, SETTINGS)
    folder.close()
    ResultFolder(out, SETTINGS).close()


def test_a_second_result_of_the_same_environment_is_not_written_over(out, record):
    folder = ResultFolder(out, SETTINGS)
    folder.commit(record)
    with pytest.raises(OutputError):
        folder.commit(record)
    assert [path.name for path in (out / "analysis").iterdir()] == ["A"]
    folder.close()
