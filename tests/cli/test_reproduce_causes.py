"""reproduce --causes: where they go, what a failure leaves, and that nothing is explained twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from dynsparse.analysis import files
from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.cli import main, study
from dynsparse.cli.section import Section
from dynsparse.cli.section_run import run_sections
from dynsparse.errors import UnsupportedModelError
from dynsparse.report import study_folder

WORDS = ["reproduce", "--only", "q1", "--policy", "random", "--out", "out", "--rows", "20"]
WORDS += ["--envs", "CartpoleBalance", "ReacherHard"]
NAMES = ("qpos slider", "qpos hinge_1", "qvel slider", "qvel hinge_1")


def block(columns):
    labels = np.zeros((7, 4, columns), dtype=np.int64)
    labels[0] = 9
    if columns == 4:
        labels[0, 1:, 0], labels[1, 1:, 0] = 0, 9  # the first column is structural, its own element aside
    shape = (4, columns)
    return CauseCounts(
        labels,
        np.full(shape, -1, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.zeros((*shape, 1), dtype=bool),
        np.zeros(shape),
        np.zeros(shape, dtype=np.int64),
    )


RECORD = CauseRecord(
    environment="Toy",
    rows=9,
    atol=1e-15,
    evidence_rows=0,
    evidence_stored=0,
    data_rows=9,
    state_names=NAMES,
    action_names=("slide",),
    constraint_names=("joint limit slider",),
    members=(("joint limit slider",),),
    active_rows=(0,),
    state=block(4),
    action=block(1),
    symmetries=(),
    provenance={},
)


@dataclass(frozen=True)
class Nothing:
    """The record of a section that is not looked at."""

    stem: str
    provenance: Mapping[str, object] = field(default_factory=dict)

    def save(self, folder):
        files.write(folder, {"schema": files.SCHEMA, "provenance": self.provenance}, {}, self.stem)


@pytest.fixture
def explained(monkeypatch, lab, units_here):
    """Stand in for the minutes of an explanation; tell what was asked for."""
    asked = []
    failing = set()

    def explain(path, command, *, rows, seed, atol, workers, on_phase, on_rows):
        asked.append((path.name, rows, seed, atol))
        on_phase("trace")
        on_rows(rows)
        if path.name in failing:
            raise UnsupportedModelError(f"{path.name} has a primitive that no rule covers")
        return replace(RECORD, environment=path.name)

    def load(section):
        return explain if section.name == "causes" else lambda *_, **__: Nothing(section.stem)

    monkeypatch.setattr(Section, "load_function", load)
    monkeypatch.setattr(study, "run_sections", run_sections)
    monkeypatch.setattr(study_folder, "read_parts", lambda *_, **__: {})
    return asked, failing


def test_causes_go_beside_the_analyses_and_into_the_page(lab, published, explained, capsys, own_folder):
    asked, failing = explained
    failing.add("ReacherHard")
    assert main([*WORDS, "--causes", "--seed", "3"]) == 1
    assert asked == [("ReacherHard", 64, 3, 1e-15), ("CartpoleBalance", 64, 3, 1e-15)]
    told = capsys.readouterr()
    assert "ReacherHard has a primitive that no rule covers" in told.err.splitlines()[-1]
    assert "qpos slider (3 elements): no path in the step" in told.out
    assert CauseRecord.load("out/analysis/CartpoleBalance").environment == "CartpoleBalance"
    assert not Path("out/analysis/ReacherHard/causes.json").exists()
    page = Path("out/report.html").read_text()
    assert "There is no record of causes of ReacherHard" in page and "have no path in the step" in page
    assert Path("out/figures/causes-CartpoleBalance.pdf").exists()
    # Again: only what is missing.
    failing.clear()
    assert main([*WORDS, "--causes", "--seed", "3"]) == 0
    assert [entry[0] for entry in asked[2:]] == ["ReacherHard"]
    assert "There is no record of causes" not in Path("out/report.html").read_text()


def test_nothing_is_explained_without_being_asked(lab, published, explained, own_folder):
    assert main(WORDS) == 0
    assert explained[0] == []
    assert "There is no record of causes of CartpoleBalance and ReacherHard" in Path("out/report.html").read_text()
