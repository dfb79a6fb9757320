"""Sections: each measured once, found again where its record is, named where it fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dynsparse.analysis import files
from dynsparse.cli import section as sections
from dynsparse.cli import section_run, section_unit
from dynsparse.cli.section import SECTIONS, Section, section_named
from dynsparse.cli.section_run import RECORDS, SectionPlan, run_sections
from dynsparse.cli.section_unit import measure_section
from dynsparse.errors import DatasetError, SettingError
from dynsparse.executor import Answer, CheckedResult, Event
from dynsparse.provenance import collect_provenance


class HereAndNow:
    """Runs units in this process."""

    def __init__(self):
        self.ran = []

    def run(self, units, folder, on_event):
        for unit in units:
            self.ran.append((unit.arguments["environment"], unit.arguments["section"]))
            on_event(Event("started", unit))
            try:
                result = measure_section(unit.arguments, unit.context, partial(self._tell, unit, on_event))
            except SettingError as error:
                yield Answer(unit, None, f"SettingError: {error}")
                continue
            yield Answer(unit, CheckedResult(*result))

    @staticmethod
    def _tell(unit, on_event, done, total, text):
        on_event(Event("progress", unit, done, total, text))


def identity(path):
    """What tells a data set from others, of one that is not there."""
    return {"description_sha256": Path(path).name, "rows": 9}


@dataclasses.dataclass(frozen=True)
class Measured:
    """A record of what the function was given."""

    given: Mapping[str, object]
    stem: str
    provenance: Mapping[str, object]

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        content = {"schema": files.SCHEMA, "given": self.given, "provenance": self.provenance}
        files.write(folder, content, {"numbers": np.arange(3)}, self.stem)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Two data sets, and two sections of which one can be told to fail."""
    failing = set()

    def count(path, command, *, size, seed, atol, workers, on_phase, on_rows, folder=None):
        on_phase("count")
        on_rows(3)
        if path.name in failing:
            raise SettingError(f"nothing to count in {path.name}")
        place = None if folder is None else str(folder.relative_to(tmp_path))
        given = {"size": size, "seed": seed, "atol": atol, "workers": workers, "command": command, "folder": place}
        return Measured(given, "count" if folder is None else "beside", {"extra": {"dataset": path.name}})

    made = (
        Section("counted", "How many", "nowhere:count", "count", {}),
        Section("beside", "Beside", "nowhere:count", "beside", {"folder": "policies"}),
    )
    monkeypatch.setattr(sections, "SECTIONS", made)
    monkeypatch.setattr(Section, "load_function", lambda self: count)
    monkeypatch.setattr(section_run, "dataset_identity", identity)
    monkeypatch.setattr(section_unit, "dataset_identity", identity)
    datasets = {name: tmp_path / "data" / name for name in ("One", "Two")}
    return failing, datasets


def run(datasets, out, executor, sizes=(2, 5), environments=None, seed=7, atol=1e-9):
    """Return what failed."""
    return outcome(datasets, out, executor, sizes, environments, seed, atol).failed


def outcome(datasets, out, executor, sizes=(2, 5), environments=None, seed=7, atol=1e-9):
    plans = [SectionPlan("counted", {"size": list(sizes)}), SectionPlan("beside", {"size": 1}, environments)]
    return run_sections(
        plans, datasets, out, executor, collect_provenance("test", 0), command="dynsparse test", seed=seed, atol=atol
    )


def record(out, environment, stem="count"):
    return files.read(out / "analysis" / environment, stem)[0]["given"]


def test_each_section_is_measured_with_its_sizes_and_places(study, tmp_path, capsys):
    _, datasets = study
    executor = HereAndNow()
    assert run(datasets, tmp_path, executor, environments=("Two",)) == {}
    # All of an environment together: it is loaded once.
    assert executor.ran == [("One", "counted"), ("Two", "counted"), ("Two", "beside")]
    expected = {"size": [2, 5], "seed": 7, "atol": 1e-9, "workers": 1, "command": "dynsparse test", "folder": None}
    assert record(tmp_path, "One") == expected
    assert record(tmp_path, "Two", "beside") == expected | {"size": 1, "folder": "policies"}
    assert not (tmp_path / "analysis/One/beside.json").exists()
    captured = capsys.readouterr()
    assert "Two: beside: count" in captured.err and "again" not in captured.out


def test_comparisons_count_above_round_off_and_figures_of_the_paper_do_not(study, tmp_path, monkeypatch):
    found = {section.name for section in SECTIONS if section.above_round_off}
    assert found == {"derivatives", "policies", "horizon"}
    _, datasets = study
    above = tuple(dataclasses.replace(one, above_round_off=one.name == "beside") for one in sections.SECTIONS)
    monkeypatch.setattr(sections, "SECTIONS", above)
    for chosen, counted in ((1e-15, 1e-12), (1e-9, 1e-9)):
        assert run(datasets, tmp_path, HereAndNow(), atol=chosen) == {}
        assert record(tmp_path, "One")["atol"] == chosen
        assert record(tmp_path, "One", "beside")["atol"] == counted


def test_what_is_measured_is_not_repeated_and_what_is_lost_is(study, tmp_path):
    _, datasets = study
    run(datasets, tmp_path, HereAndNow())
    again = HereAndNow()
    assert run(datasets, tmp_path, again) == {} and again.ran == []
    (tmp_path / "analysis/Two/count.json").unlink()
    assert run(datasets, tmp_path, again) == {} and again.ran == [("Two", "counted")]
    assert record(tmp_path, "Two")["size"] == [2, 5]


# What was asked for and what is asked for: each is what somebody changes who goes on after hours.
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sizes": (3,)}, "sizes was size [2, 5] and is size [3]"),
        ({"atol": 1e-6}, "atol was 1e-09 and is 1e-06"),
        ({"seed": 8}, "seed was 7 and is 8"),
    ],
)
def test_what_was_measured_otherwise_is_measured_again_and_told_there_and_back(study, tmp_path, capsys, change, told):
    _, datasets = study
    run(datasets, tmp_path, HereAndNow(), environments=())
    again = HereAndNow()
    run(datasets, tmp_path, again, environments=(), **change)
    assert again.ran == [("One", "counted"), ("Two", "counted")]
    assert f"measured again: One, counted: {told}\n" in capsys.readouterr().out
    # The units of both are done by now: their records can not both be beside the analysis.
    run(datasets, tmp_path, again, environments=())
    assert again.ran[2:] == [("One", "counted"), ("Two", "counted")]
    assert record(tmp_path, "One") | {"command": 0, "folder": 0, "workers": 0} == {
        "size": [2, 5], "seed": 7, "atol": 1e-9, "command": 0, "folder": 0, "workers": 0,
    }  # fmt: skip


def test_records_of_other_data_by_hand_damaged_or_of_another_library_are_measured_again(
    study, tmp_path, capsys, monkeypatch
):
    _, datasets = study
    run(datasets, tmp_path, HereAndNow(), environments=())
    monkeypatch.setattr(section_run, "dataset_identity", lambda path: identity(path) | {"rows": 8})
    monkeypatch.setattr(section_unit, "dataset_identity", lambda path: identity(path) | {"rows": 8})
    again = HereAndNow()
    run(datasets, tmp_path, again, environments=())
    assert again.ran == [("One", "counted"), ("Two", "counted")]
    assert "dataset was description_sha256 One rows 9 and is description_sha256 One rows 8" in capsys.readouterr().out
    Measured({"size": 1}, "count", {"extra": {}}).save(tmp_path / "analysis/One")
    np.savez(tmp_path / "analysis/Two/count.npz", numbers=np.arange(4))
    run(datasets, tmp_path, again, environments=())
    out = capsys.readouterr().out
    assert "One, counted: its record does not say what it was measured with" in out
    assert "Two, counted: its record is damaged" in out and again.ran[2:] == again.ran[:2]
    monkeypatch.setattr(Section, "versions", property(lambda self: {"numpy": "99"}))
    run(datasets, tmp_path, again, environments=())
    assert again.ran[4:] == again.ran[:2] and record(tmp_path, "One")["size"] == [2, 5]
    assert run(datasets, tmp_path, again, environments=()) == {} and len(again.ran) == 6


def test_t_sne_decides_the_embedding():
    assert {"openTSNE", "mujoco", "numpy"} <= set(section_named("embedding").versions)
    assert "openTSNE" not in section_named("horizon").versions


def test_a_section_that_fails_is_named_and_tried_again(study, tmp_path):
    failing, datasets = study
    failing.add("One")
    failed = run(datasets, tmp_path, HereAndNow(), environments=())
    assert failed == {"One, counted": "SettingError: nothing to count in One"}
    assert record(tmp_path, "Two") and not (tmp_path / "analysis/One").exists()
    failing.clear()
    again = HereAndNow()
    assert run(datasets, tmp_path, again, environments=()) == {} and again.ran == [("One", "counted")]


def test_data_that_were_removed_are_missed_only_where_something_is_to_be_measured(study, tmp_path, monkeypatch):
    _, datasets = study
    run(datasets, tmp_path, HereAndNow(), environments=())

    def gone(path):
        if Path(path).name == "One":
            raise DatasetError(f"expected the folder of a data set, got {path}")
        return identity(path)

    monkeypatch.setattr(section_run, "dataset_identity", gone)
    again = HereAndNow()
    assert run(datasets, tmp_path, again, environments=()) == {} and again.ran == []
    (tmp_path / "analysis/One/count.json").unlink()
    (tmp_path / "analysis/Two/count.json").unlink()
    failed = run(datasets, tmp_path, again, environments=())
    assert list(failed) == ["One, counted"] and "expected the folder of a data set" in failed["One, counted"]
    assert again.ran == [("Two", "counted")]


def test_times_are_those_of_what_was_asked_for(study, tmp_path):
    _, datasets = study
    first = outcome(datasets, tmp_path, HereAndNow())
    assert [(one.section, one.environment) for one in first.times] == [
        ("counted", "One"), ("beside", "One"), ("counted", "Two"), ("beside", "Two"),
    ]  # fmt: skip
    ends = [one.span.ended for one in first.times]
    # One after the other in this process, by two clocks: the date is kept to a millisecond.
    assert all(one.span.began >= end - 0.002 for one, end in zip(first.times[1:], ends, strict=False))
    assert outcome(datasets, tmp_path, HereAndNow()).times == first.times
    # Those of other sizes were of other records.
    other = outcome(datasets, tmp_path, HereAndNow(), sizes=(3,), environments=())
    assert [(one.section, one.environment) for one in other.times] == [("counted", "One"), ("counted", "Two")]
    assert all(one.span.began >= ends[-1] - 0.002 for one in other.times)
    assert len(list((tmp_path / RECORDS).glob("*.json"))) == 6


def test_another_data_set_in_its_place_is_refused(study, tmp_path):
    _, datasets = study
    arguments = {"section": "counted", "environment": "One", "dataset": {"description_sha256": "0" * 64, "rows": 3}}
    context = {"dataset": str(datasets["One"]), "analysis": str(tmp_path), "study": str(tmp_path)}
    with pytest.raises(DatasetError, match=r"planned for \(3 rows\)"):
        measure_section(arguments, context, lambda *_: None)


def test_sections_name_functions_that_exist():
    for section in SECTIONS:
        assert callable(section.load_function()), section.name
        assert section_named(section.name) is section
    with pytest.raises(SettingError, match="no section 'horizons'; there are pictures, embedding"):
        section_named("horizons")


def test_a_record_is_looked_for_by_its_file(tmp_path):
    section = section_named("horizon")
    assert not section.is_there(tmp_path) and section.lacks(tmp_path, {}) == "there is no record"
    Path(tmp_path / "horizon.json").write_text("{}")
    assert section.is_there(tmp_path) and section.lacks(tmp_path, {}) == "its record is damaged"
