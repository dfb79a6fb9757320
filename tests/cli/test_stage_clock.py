"""The stage clock: seconds add up over runs of one preset, and what takes too long is told."""

from __future__ import annotations

import json

import pytest

from dynsparse.cli import stage_clock
from dynsparse.cli.section_run import SectionPlan
from dynsparse.cli.stage_clock import STAGES, TIMINGS, StageClock
from dynsparse.cli.study_preset import STUDY_PRESETS, study_preset
from dynsparse.errors import SettingError


@pytest.fixture
def now(monkeypatch):
    """A clock that is set by hand."""
    shown = [0.0]
    monkeypatch.setattr(stage_clock.time, "monotonic", lambda: shown[0])
    return shown


def spend(clock, now, name, seconds):
    with clock.stage(name):
        now[0] += seconds


def test_stages_add_up_over_runs_and_stops(tmp_path, now):
    first = StageClock(tmp_path, "smoke", 2, {"data": 100.0, "q4": 5.0})
    spend(first, now, "data", 30.0)
    with pytest.raises(KeyboardInterrupt), first.stage("q4"):
        now[0] += 4.0
        raise KeyboardInterrupt
    assert first.over == ()
    second = StageClock(tmp_path, "smoke", 2, {"data": 100.0, "q4": 5.0})
    spend(second, now, "q4", 2.0)
    second.note("horizon", 7.0)
    assert second.over == ("q4 took 6 s of 5 s",)
    assert second.told() == "data 30 s, horizon 7 s, q4 6 s: 43 s in all"
    assert json.loads((tmp_path / TIMINGS).read_text()) == {
        "schema": 1,
        "preset": "smoke",
        "cores": 2,
        "stages": [
            {"name": "data", "seconds": 30.0, "budget_seconds": 100.0},
            {"name": "horizon", "seconds": 7.0, "budget_seconds": None},
            {"name": "q4", "seconds": 6.0, "budget_seconds": 5.0},
        ],
    }


@pytest.mark.parametrize(("preset", "cores"), [("small", 2), ("smoke", 1)])
def test_of_another_preset_or_machine_it_begins_anew(tmp_path, now, preset, cores):
    spend(StageClock(tmp_path, "smoke", 2, {}), now, "data", 30.0)
    clock = StageClock(tmp_path, preset, cores, {"data": 1.0})
    spend(clock, now, "data", 3.0)
    assert clock.told() == "data 3 s: 3 s in all"
    assert clock.over == (() if cores == 1 else ("data took 3 s of 1 s",))


def test_a_broken_file_begins_anew(tmp_path, now):
    (tmp_path / TIMINGS).write_text("{")
    clock = StageClock(tmp_path, "smoke", 2, {})
    spend(clock, now, "report", 1.0)
    assert json.loads((tmp_path / TIMINGS).read_text())["stages"][0]["seconds"] == 1.0


def test_presets_plan_what_was_asked_for():
    plans = study_preset("smoke").plans({"embedding", "horizon", "policies"}, ("ReacherHard",))
    assert [plan.section for plan in plans] == ["embedding", "policies", "horizon"]
    assert plans[0].covers("ReacherHard") and not plans[0].covers("FingerSpin")
    assert plans[2] == SectionPlan("horizon", plans[2].sizes) and plans[2].covers("FingerSpin")
    with pytest.raises(SettingError, match="no preset 'smal'; did you mean 'small'"):
        study_preset("smal")


def test_budgets_are_of_stages_and_leave_a_quarter_of_an_hour_for_smoke():
    for preset in STUDY_PRESETS.values():
        assert set(preset.budgets) <= set(STAGES)
    budgets = study_preset("smoke").budgets
    # Two minutes for the set-up; causes and searches are not part of `make demo`.
    assert sum(seconds for name, seconds in budgets.items() if name not in ("causes", "search")) + 120 <= 15 * 60
    assert sum(study_preset("small").budgets.values()) <= 8 * 3600
