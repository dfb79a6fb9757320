"""The stage clock: seconds add up over runs of one preset, and what takes too long is told."""

from __future__ import annotations

import json
import re

import pytest

from dynsparse.cli import stage_clock
from dynsparse.cli.section_run import SectionPlan, UnitTime
from dynsparse.cli.stage_clock import STAGES, TIMINGS, StageClock
from dynsparse.cli.study_preset import STUDY_PRESETS, study_preset
from dynsparse.cli.time_span import TimeSpan, covered_seconds
from dynsparse.errors import SettingError
from dynsparse.report.timings_table import timings_html

BEGAN = 1_800_000_000.0
"""2027-01-15, 08:00 UTC."""


@pytest.fixture
def now(monkeypatch):
    """A clock that is set by hand."""
    shown = [0.0]
    monkeypatch.setattr(stage_clock.time, "monotonic", lambda: shown[0])
    monkeypatch.setattr(stage_clock.time, "time", lambda: BEGAN + shown[0])
    return shown


def spend(clock, now, name, seconds):
    with clock.stage(name):
        now[0] += seconds


def stage_of(clock, name):
    (found,) = [stage for stage in clock.stages if stage["name"] == name]
    return found


def test_stages_add_up_over_runs_and_stops(tmp_path, now):
    first = StageClock(tmp_path, "smoke", 2, {"data": 100.0, "q4": 5.0})
    spend(first, now, "data", 30.0)
    with pytest.raises(KeyboardInterrupt), first.stage("q4"):
        now[0] += 4.0
        raise KeyboardInterrupt
    assert first.over == ()
    # A stage that was stopped has kept no budget, and the report says what it is; one that is over it is over it.
    assert (stage_of(first, "q4")["whole"], stage_of(first, "q4")["within_budget"]) == (False, None)
    page = timings_html(json.loads((tmp_path / TIMINGS).read_text()))
    assert "1 of 1 stage with a budget kept it" in page and "Stopped before the end: q4. " in page
    assert ">stopped<" in page
    now[0] += 1000.0  # nothing runs meanwhile
    second = StageClock(tmp_path, "smoke", 2, {"data": 100.0, "q4": 5.0})
    assert stage_of(second, "q4")["whole"] is False
    spend(second, now, "q4", 2.0)
    assert second.over == ("q4 took 6 s of 5 s",)
    assert second.told() == "data 30 s, q4 6 s: 36 s in all"
    assert json.loads((tmp_path / TIMINGS).read_text()) == {
        "schema": 2,
        "preset": "smoke",
        "cores": 2,
        "wall_seconds": 36.0,
        "stages": [
            {
                "name": "data",
                "whole": True,
                "budget_seconds": 100.0,
                "measured_seconds": 30.0,
                "within_budget": True,
                "wall_seconds": 30.0,
                "busy_seconds": None,
                "began": "2027-01-15T08:00:00.000+00:00",
                "ended": "2027-01-15T08:00:30.000+00:00",
                "spans": [{"began": "2027-01-15T08:00:00.000+00:00", "seconds": 30.0}],
            },
            {
                "name": "q4",
                "whole": True,
                "budget_seconds": 5.0,
                "measured_seconds": 6.0,
                "within_budget": False,
                "wall_seconds": 6.0,
                "busy_seconds": None,
                "began": "2027-01-15T08:00:30.000+00:00",
                "ended": "2027-01-15T08:17:16.000+00:00",
                "spans": [
                    {"began": "2027-01-15T08:00:30.000+00:00", "seconds": 4.0},
                    {"began": "2027-01-15T08:17:14.000+00:00", "seconds": 2.0},
                ],
            },
        ],
        "units": [],
    }


def test_what_each_run_does_again_counts_once(tmp_path, now):
    clock = StageClock(tmp_path, "smoke", 2, {"report": 25.0})
    spend(clock, now, "report", 20.0)
    spend(clock, now, "data", 1.0)
    spend(StageClock(tmp_path, "smoke", 2, {"report": 25.0}), now, "report", 8.0)
    found = json.loads((tmp_path / TIMINGS).read_text())["stages"]
    assert {stage["name"]: stage["measured_seconds"] for stage in found} == {"data": 1.0, "report": 8.0}


def test_what_runs_side_by_side_counts_once(tmp_path, now):
    clock = StageClock(tmp_path, "smoke", 2, {"explore": 50.0})
    with clock.stage("report"):
        now[0] += 20.0
    clock.note("explore", TimeSpan(BEGAN + 5.0, 40.0))
    assert clock.wall_seconds == 45.0 and stage_of(clock, "explore")["wall_seconds"] == 40.0
    assert clock.told() == "report 20 s, explore 40 s: 45 s in all"


@pytest.mark.parametrize(("cores", "measured", "within"), [(2, 35.0, False), (1, 70.0, None), (0, None, None)])
def test_a_section_is_measured_by_what_its_processes_were_busy_for(tmp_path, now, cores, measured, within):
    clock = StageClock(tmp_path, "smoke", cores, {"horizon": 30.0})
    with clock.stage("sections"):
        now[0] += 60.0
    # Two at the same time, and one that is measured anew and counts once.
    units = [("One", 0.0, 40.0), ("Two", 10.0, 20.0), ("Two", 20.0, 30.0)]
    clock.note_units(UnitTime("horizon", name, TimeSpan(BEGAN + first, long)) for name, first, long in units)
    found = stage_of(clock, "horizon")
    assert (found["busy_seconds"], found["wall_seconds"], found["spans"]) == (70.0, 50.0, [])
    assert (found["measured_seconds"], found["within_budget"]) == (measured, within)
    assert clock.over == (("horizon took 35 s of 30 s",) if cores == 2 else ())
    assert clock.wall_seconds == 60.0
    # Read again, all of it is as it was.
    assert StageClock(tmp_path, "smoke", cores, {"horizon": 30.0}).stages == clock.stages
    assert json.loads((tmp_path / TIMINGS).read_text())["units"][1] == {
        "section": "horizon", "environment": "Two", "began": "2027-01-15T08:00:20.000+00:00", "seconds": 30.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [([], 0.0), ([(0, 3)], 3.0), ([(5, 2), (0, 3)], 5.0), ([(0, 9), (2, 3), (8, 4)], 12.0), ([(0, 1), (1, 1)], 2.0)],
)
def test_time_that_is_covered_twice_counts_once(spans, seconds):
    assert covered_seconds([TimeSpan(float(began), float(long)) for began, long in spans]) == seconds


@pytest.mark.parametrize(("preset", "cores"), [("small", 2), ("smoke", 1)])
def test_of_another_preset_or_machine_it_begins_anew(tmp_path, now, preset, cores):
    spend(StageClock(tmp_path, "smoke", 2, {}), now, "data", 30.0)
    clock = StageClock(tmp_path, preset, cores, {"data": 1.0})
    spend(clock, now, "data", 3.0)
    assert clock.told() == "data 3 s: 3 s in all"
    assert clock.over == (() if cores == 1 else ("data took 3 s of 1 s",))


@pytest.mark.parametrize("content", ["{", '{"schema": 1, "preset": "smoke", "cores": 2, "stages": []}'])
def test_a_broken_or_older_file_begins_anew(tmp_path, now, content):
    (tmp_path / TIMINGS).write_text(content)
    clock = StageClock(tmp_path, "smoke", 2, {})
    spend(clock, now, "report", 1.0)
    assert json.loads((tmp_path / TIMINGS).read_text())["stages"][0]["measured_seconds"] == 1.0


def test_the_report_shows_it_as_a_table(tmp_path, now):
    clock = StageClock(tmp_path, "smoke", 2, {"data": 100.0, "q4": 5.0})
    spend(clock, now, "data", 30.0)
    spend(clock, now, "q4", 8.0)
    spend(clock, now, "report", 2.0)
    page = timings_html(json.loads((tmp_path / TIMINGS).read_text()))
    words = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "Preset smoke, on 2 processes side by side: 40 s in all" in words
    assert "1 of 2 stages with a budget kept it; over it: q4." in words
    assert "data 100 30 within 30 - 2027-01-15 08:00:00 2027-01-15 08:00:30" in words
    assert "q4 5 8 OVER 8 -" in words and "report - 2 no budget 2 -" in words
    alone = StageClock(tmp_path, "smoke", 1, {"data": 1.0})
    spend(alone, now, "data", 30.0)
    page = timings_html(json.loads((tmp_path / TIMINGS).read_text()))
    assert "No budget is compared" in page and "not compared" in page


def test_presets_plan_what_was_asked_for():
    plans = study_preset("smoke").plans({"embedding", "horizon", "policies"}, ("ReacherHard",))
    assert [plan.section for plan in plans] == ["embedding", "policies", "horizon"]
    assert plans[0].covers("ReacherHard") and not plans[0].covers("FingerSpin")
    assert plans[2] == SectionPlan("horizon", plans[2].sizes) and plans[2].covers("FingerSpin")
    with pytest.raises(SettingError, match="no preset 'smal'; did you mean 'small'"):
        study_preset("smal")


def together(budgets, *left_out):
    """Seconds of stages one after the other, the page to look around in beside the report."""
    alone = {name: seconds for name, seconds in budgets.items() if name not in (*left_out, "report", "explore")}
    return sum(alone.values()) + max(budgets["report"], budgets["explore"])


def test_budgets_are_of_stages_and_leave_a_quarter_of_an_hour_for_smoke():
    for preset in STUDY_PRESETS.values():
        assert set(preset.budgets) <= set(STAGES)
    # Two minutes for the set-up; causes and searches are not part of `make demo`.
    assert together(study_preset("smoke").budgets, "causes", "search") + 120 <= 15 * 60
    assert together(study_preset("small").budgets) <= 8 * 3600
    # What is expected of it is 100 minutes: the budgets are that and a quarter, and something for a busy machine.
    assert together(study_preset("small").budgets, "causes", "search") <= 1.4 * 100 * 60
