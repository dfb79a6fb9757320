"""The paper preset's time, extrapolated from a folder whose numbers are made by hand."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

from dynsparse.cli.section_run import SectionPlan
from dynsparse.cli.study_preset import StudyPreset
from dynsparse.learning.presets import LearningPreset
from dynsparse.learning.search_grid import SearchPreset
from dynsparse.learning.settings import LearnSettings

from .page import ROOT

SCRIPT = ROOT / "results" / "extrapolate_paper.py"
TIMINGS = {
    "schema": 2, "preset": "mini", "cores": 2,
    "stages": [
        {"name": "data", "wall_seconds": 100.0, "measured_seconds": 100.0},
        {"name": "derivatives", "wall_seconds": 50.0, "measured_seconds": 30.0},  # others ran beside it
        {"name": "horizon", "seconds": 8.0},  # as older folders have it
        {"name": "sections", "wall_seconds": 60.0, "measured_seconds": 60.0},  # made of the others
        {"name": "q4", "wall_seconds": 5.0, "measured_seconds": None},
        {"name": "relearned", "wall_seconds": 7.0, "whole": True},
        {"name": "pictures", "wall_seconds": 1.0, "whole": False},  # stopped before its end
        {"name": "search", "wall_seconds": 20.0},
        {"name": "report", "wall_seconds": 130.0},
        {"name": "novelty", "wall_seconds": 3.0},
    ],
}  # fmt: skip


@pytest.fixture
def script(monkeypatch):
    """The script, of which the presets are made by hand."""
    spec = importlib.util.spec_from_file_location("extrapolate_paper", SCRIPT)
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "extrapolate_paper", made)  # where its dataclasses look for their module
    spec.loader.exec_module(made)

    def plans(points, rows, where, starts):
        return tuple(
            SectionPlan(name, sizes, environments)
            for name, sizes, environments in (
                ("embedding", {"points": points}, None),
                ("causes", {"rows": rows}, None),
                ("derivatives", {"rows": rows}, where),
                ("policies", {"rows": rows}, None),
                ("horizon", starts, None),
            )
        )

    studies = {
        # More points than there are rows: as many as there are.
        "mini": StudyPreset(plans(500, 10, ("A", "B"), {}), {}, ("A",)),
        "paper": StudyPreset(plans(2000, 60, None, {"starts": 100}), {}),
    }
    trainings = {
        "mini": LearningPreset(2, LearnSettings(layer_width=64, epochs=4)),
        "paper": LearningPreset(10, LearnSettings(layer_width=512, epochs=100)),
    }
    searches = {
        "mini": SearchPreset(200, ("CartpoleBalance",), 2, (1, 1, 1)),
        "paper": SearchPreset(4000, (), 50, (10, 5, 5)),
    }
    monkeypatch.setattr(made, "study_preset", studies.__getitem__)
    monkeypatch.setattr(made, "learning_preset", trainings.__getitem__)
    monkeypatch.setattr(made, "search_preset", searches.__getitem__)
    monkeypatch.setattr(made, "PRESETS", {"mini": 200, "paper": 4000})
    return made


def test_ratios_by_hand(script):
    found = {stage.name: stage for stage in script.stages(TIMINGS, script.Study("mini", 200, 4))}
    assert {name: stage.ratio for name, stage in found.items()} == pytest.approx(
        {
            "data": 4000 * 8 / (200 * 4),
            "pictures": 2,
            "embedding": 2000 / 200,
            "causes": 60 * 8 / (10 * 4),
            "derivatives": 60 * 8 / (10 * 2),
            "policies": 60 * 8 / (10 * 4),
            "horizon": 100 * 4000 * 8 / (50 * 200 * 4),  # 50 are the default of the measurement
            "q4": 40 * 25 * 5 * 8,
            "relearned": 40 * 25 * 5 * 8 * 4,  # in one of four environments, and in all
            # Configurations of the paper's three grids: 3 x 3 x 3 x 3, 2 x 2 x 2 and 2.
            "search": (81 * 10 + 8 * 5 + 2 * 5) * 8 * 50 * 4000 / ((81 + 8 + 2) * 2 * 200),
            "report": 2,
            "explore": 2,
            "novelty": 1,
        }
    )
    seconds = {name: stage.seconds for name, stage in found.items() if stage.seconds is not None}
    assert seconds == {
        "data": 100, "derivatives": 30, "horizon": 8, "q4": 5, "relearned": 7, "search": 20, "report": 130,
        "novelty": 3,
    }  # fmt: skip


def test_the_table_of_a_folder(script, own_folder, capsys):
    (own_folder / "timings.json").write_text(json.dumps(TIMINGS))
    (own_folder / "settings.json").write_text(json.dumps({"settings": {"rows": 200}}))
    for name in "ABCD":
        (own_folder / "analysis" / name).mkdir(parents=True)
        scores = {"B": [{}], "C": [{}]}.get(name)  # in two of four, and in all eight
        (own_folder / "analysis" / name / "derivatives.json").write_text(json.dumps({"scores": scores}))
    script.main(own_folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| stage | measured, 2 cores | times | paper preset | what grows |"
    assert "| data | 100 s | 40 | 66.7 min | rows |" in lines
    assert "| derivatives | 30 s | 24 | 12.0 min | rows, environments |" in lines
    assert "| q4 | 5 s | 40,000 | 2.3 days | rows, epochs, seeds, units of a layer |" in lines
    assert "| relearned | 7 s | 80,000 | 6.5 days | rows, epochs, seeds, units of a layer |" in lines
    assert "| policies | not run whole | 12 | not run whole | rows, environments |" in lines
    # Of those that ran, in s: 4,000 + 720 + 8 * 80 + 200,000 + 20 * 37,802.2 + 260 + 3.
    assert lines[-1].startswith("| all without pictures, embedding, causes, policies, explore | 5.0 min | | ")
    assert lines[-1].endswith(
        f"| {(4000 + 720 + 640 + 200_000 + 560_000 + 20 * 860 * 1.6e6 / (91 * 400) + 263) / 86_400:.1f} days | |"
    )


def test_the_presets_that_there_are_have_what_is_counted(own_folder):
    """The script itself, from each preset to the paper's; of the paper's own, as much."""
    for preset, rows in (("smoke", 4000), ("small", 20_000), ("paper", 1_000_000)):
        stages = [{"name": "data", "wall_seconds": 10.0}]
        (own_folder / "timings.json").write_text(json.dumps({"preset": preset, "cores": 2, "stages": stages}))
        (own_folder / "settings.json").write_text(json.dumps({"settings": {"rows": rows}}))
        done = subprocess.run([sys.executable, SCRIPT, own_folder], capture_output=True, text=True, check=True)
        assert f"| data | 10 s | {1_000_000 / rows:,.3g} |" in done.stdout
    times = [line.split("|")[3].strip() for line in done.stdout.splitlines()[2:-1]]
    assert times == ["1"] * len(times)
