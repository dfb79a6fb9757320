"""Sections: each measured once, found again where its record is, named where it fails."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from dynsparse.cli import section as sections
from dynsparse.cli import section_run, section_unit
from dynsparse.cli.section import SECTIONS, Section, section_named
from dynsparse.cli.section_run import RECORDS, SectionPlan, run_sections, section_seconds
from dynsparse.cli.section_unit import measure_section
from dynsparse.errors import DatasetError, SettingError
from dynsparse.executor import Answer, CheckedResult, Event, UnitStore
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


class Measured:
    """A record of what the function was given."""

    def __init__(self, given, stem):
        self.given, self.stem = given, stem

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.stem}.json").write_text(json.dumps(self.given))


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
        return Measured(given, "count" if folder is None else "beside")

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


def run(datasets, out, executor, sizes=(2, 5), environments=None):
    plans = [SectionPlan("counted", {"size": list(sizes)}), SectionPlan("beside", {"size": 1}, environments)]
    return run_sections(
        plans, datasets, out, executor, collect_provenance("test", 0), command="dynsparse test", seed=7, atol=1e-9
    )


def record(out, environment, stem="count"):
    return json.loads((out / "analysis" / environment / f"{stem}.json").read_text())


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
    assert "Two: beside: count" in capsys.readouterr().err


def test_what_is_measured_is_not_repeated_and_what_is_lost_is(study, tmp_path):
    _, datasets = study
    run(datasets, tmp_path, HereAndNow())
    again = HereAndNow()
    assert run(datasets, tmp_path, again) == {} and again.ran == []
    (tmp_path / "analysis/Two/count.json").unlink()
    assert run(datasets, tmp_path, again) == {} and again.ran == [("Two", "counted")]
    assert record(tmp_path, "Two")["size"] == [2, 5]
    run(datasets, tmp_path, again, sizes=(3,))
    assert again.ran[1:] == [("One", "counted"), ("Two", "counted")]
    assert record(tmp_path, "One")["size"] == [3]


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


def test_seconds_are_those_of_the_records(study, tmp_path):
    _, datasets = study
    assert section_seconds(tmp_path) == {}
    run(datasets, tmp_path, HereAndNow())
    store = UnitStore(tmp_path / RECORDS)
    for key, seconds in zip(store.keys, (1.0, 2.0, 3.0, 4.0), strict=True):
        path = tmp_path / RECORDS / f"{key}.json"
        path.write_text(json.dumps(store.record(key) | {"measured": {"seconds": seconds}}))
    kinds = [found["unit"]["section"] for found in store.records()]
    expected = dict.fromkeys(kinds, 0.0)
    for kind, seconds in zip(kinds, (1.0, 2.0, 3.0, 4.0), strict=True):
        expected[kind] += seconds
    assert section_seconds(tmp_path) == expected and set(expected) == {"counted", "beside"}


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
    assert not section.is_measured(tmp_path)
    Path(tmp_path / "horizon.json").write_text("{}")
    assert section.is_measured(tmp_path)
