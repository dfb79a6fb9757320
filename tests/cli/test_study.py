"""The study's page to look around in: made beside the report, and a failure of it stops nothing."""

from __future__ import annotations

import json
import time
from datetime import datetime
from types import SimpleNamespace

import pytest

from dynsparse.cli.stage_clock import StageClock
from dynsparse.cli.study import Study
from dynsparse.config import ReproduceSettings


@pytest.fixture
def study(tmp_path):
    """A study of a folder that holds nothing."""
    settings = ReproduceSettings("smoke", ("CartpoleBalance",), 20)
    clock = StageClock(tmp_path, "smoke", 2, {})
    folder = SimpleNamespace(path=tmp_path, settings_hash="0" * 64)
    return Study(settings, folder, clock, "dynsparse reproduce", workers=1, executor=lambda: None, everywhere=False)


def test_a_page_that_can_not_be_made_is_told_with_its_reason(study):
    done = []
    with study.exploring():
        done.append("report")
    assert done == ["report"]
    assert list(study.failures) == ["explore"]
    assert str(study.failures["explore"]).startswith("explore.html: expected data sets in ")


def test_the_page_s_time_ends_with_its_process_and_not_with_the_report(study, tmp_path, monkeypatch):
    monkeypatch.setattr("dynsparse.cli.study.sys.executable", "true")
    began = time.time()
    with study.exploring():
        time.sleep(1.0)
    assert study.failures == {}
    (stage,) = json.loads((tmp_path / "timings.json").read_text())["stages"]
    assert stage["name"] == "explore" and stage["wall_seconds"] < 0.9
    assert abs(datetime.fromisoformat(stage["began"]).timestamp() - began) < 0.9


def test_the_process_ends_where_the_report_does_not(study, tmp_path):
    with pytest.raises(KeyboardInterrupt), study.exploring():
        raise KeyboardInterrupt
    assert study.failures == {} and not (tmp_path / "explore.html").exists()
