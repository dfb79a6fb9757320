from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial

import matplotlib
import pytest

from dynsparse.analysis import AboveRoundOff
from dynsparse.analysis.files import STEM
from dynsparse.errors import InputError
from dynsparse.report.document import write_study
from dynsparse.report.item import FigureItem
from dynsparse.report.study import StudyResults, learning_study
from dynsparse.report.study_folder import in_papers_order, read_study
from dynsparse.report.study_sections import sections_of

from .invented_causes import switched_causes
from .invented_episodes import invented_episodes
from .invented_learning import sweep_of, write
from .page_checks import read_page
from .switched import switched_report

NAMES = ("CheetahRun", "ReacherHard")
STAGE = {
    "name": "data", "budget_seconds": 20.0, "measured_seconds": 12.4, "within_budget": True, "wall_seconds": 12.4,
    "busy_seconds": None, "began": "2027-01-15T08:00:00.000+00:00", "ended": "2027-01-15T08:00:12.400+00:00",
}  # fmt: skip
TIMINGS = {"schema": 2, "preset": "smoke", "cores": 2, "wall_seconds": 12.4, "stages": [STAGE], "units": []}


@pytest.fixture
def folder(tmp_path):
    """A folder of a reproduction: two analyses, episodes and causes of the first."""
    for name in NAMES:
        place = tmp_path / "analysis" / name
        place.mkdir(parents=True)
        report = switched_report(name)
        report.save(place)
        if name == "CheetahRun":
            invented_episodes(report, returns=(350.0, 351.0, 352.0)).save(place)
            switched_causes(name).save(place)
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "timings.json").write_text(json.dumps(TIMINGS))
    return tmp_path


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr("dynsparse.report.study_folder.learning_study", partial(learning_study, resamples=20))


def items_of(sections):
    return [item.name for section in sections for item in (*section.items, *section.files)]


def test_whatever_a_folder_holds_is_read(folder):
    results = read_study(folder, expected=["WalkerRun"])
    assert [report.environment for report in results.reports] == list(NAMES)
    assert results.expected == ("CheetahRun", "ReacherHard", "WalkerRun")
    assert results.missing == ("WalkerRun",)
    assert list(results.episodes) == list(results.causes) == ["CheetahRun"]
    assert results.whole and results.learning is None and results.search is None
    assert results.timings == TIMINGS
    # The folder of one analysis is no reproduction: nothing is missing in it.
    alone = read_study(folder / "analysis" / "ReacherHard")
    assert (alone.expected, alone.whole) == (("ReacherHard",), False)


def test_sections_are_in_the_paper_s_order_with_all_of_its_items(folder):
    sections = sections_of(read_study(folder))
    assert [section.anchor for section in sections] == [
        "setting", "q1", "causes", "q2", "q3", "q4", "searches", "derivatives", "policies", "horizon",
        "environment-1", "environment-2",
    ]  # fmt: skip
    names = items_of(sections)
    assert len(names) == len(set(names))
    assert {
        "figure-2", "table-a1-1", "table-1", "figure-3-ReacherHard", "figure-a3-1-CheetahRun",
        "figure-a3-1-ReacherHard", "causes", "causes-CheetahRun", "figure-5", "figure-a3-2-CheetahRun", "figure-6",
        "figure-7", "figure-a3-3",
        "table-a2-1", *(f"table-a2-{number}" for number in range(2, 14)),
    } <= set(names)  # fmt: skip


def test_what_is_missing_is_shown_with_the_command_that_makes_it(folder):
    sections = {section.anchor: section for section in sections_of(read_study(folder, expected=["BallInCup"]))}
    missing = {one.what: one.command for section in sections.values() for one in section.missing}
    assert missing["Figure 1"].startswith("dynsparse reproduce")
    assert missing["Figure 4"].endswith("--embed FingerSpin --out DIR")
    assert missing["Returns and intervals of ReacherHard"] == "dynsparse analyze DATASET --out DIR --overwrite"
    assert missing["Figures 8, A2.1 and A2.2"] == "dynsparse reproduce --only q4 --out DIR"
    assert "Tables A2.2 to A2.13" in missing and "BallInCup" in missing
    page = sections["q4"].html()
    assert "Figures 8, A2.1 and A2.2: missing, no trained models are on record. Make it: " in page
    assert "<code>dynsparse reproduce --only q4 --out DIR</code>" in page


def test_a_folder_made_before_says_that_nothing_was_counted_above_round_off(folder):
    sections = {section.anchor: section for section in sections_of(read_study(folder))}
    for anchor in ("q2", "q3"):
        (missing,) = [one for one in sections[anchor].missing if "round-off" in one.what]
        assert missing.what == "The numbers of CheetahRun, ReacherHard above round-off (1e-12)"
        assert missing.why == "there is no above_round_off.json beside the analysis"
        assert sections[anchor].short.endswith("(zero: |x| < 1e-15).")


def test_numbers_above_round_off_lead_where_a_folder_holds_them(folder):
    report = switched_report("CheetahRun")
    more = {"distinct_patterns": 1, "later_patterns": 1}
    above = invented_episodes(report, kind=AboveRoundOff, returns=(350.0, 351.0, 352.0), **more)
    above.save(folder / "analysis" / "CheetahRun")
    results = read_study(folder)
    assert list(results.above_round_off) == ["CheetahRun"]
    sections = {section.anchor: section for section in sections_of(results)}
    assert sections["q2"].short.endswith("(zero: |x| < 1e-12, above round-off, but 1e-15 in ReacherHard).")
    assert sections["q2"].sentences[1].startswith("At the paper's 1e-15 a row has ")
    assert "there are more patterns in CheetahRun (2 in place of 1): " in sections["q2"].sentences[2]
    (missing,) = [one for one in sections["q3"].missing if "round-off" in one.what]
    assert "ReacherHard" in missing.what and "CheetahRun" not in missing.what
    captions = {
        item.name: item.sentences
        for section in sections.values()
        for item in section.items
        if isinstance(item, FigureItem)
    }
    assert any("leave of that size" in said for said in captions["figure-a3-2-CheetahRun"])
    (time,) = [item for item in sections["q3"].items if item.name == "time"]
    assert time.columns[1:3] == ("switches, 1e-12", "switches, 1e-15")
    # Those of another analysis are refused.
    invented_episodes(
        switched_report("CheetahRun", steps=32),
        kind=AboveRoundOff,
        returns=(1.0, 2.0),
        sparsity=(0.3, 0.3),
        switches=(0.1, 0.1),
        short=(9, 9),
    ).save(folder / "analysis" / "CheetahRun")
    with pytest.raises(InputError, match=r"expected above_round_off\.json of the analysis of CheetahRun"):
        read_study(folder)


def test_only_what_was_asked_is_answered(folder):
    results = read_study(folder, questions=("q2",))
    anchors = [section.anchor for section in sections_of(results)]
    assert anchors[:3] == ["setting", "q2", "derivatives"]
    assert "figure-5" in items_of(sections_of(results)) and "table-1" not in items_of(sections_of(results))


@pytest.mark.usefixtures("few_resamples")
def test_learned_models_are_part_of_the_report(folder, monkeypatch):
    # Its other sections draw: they have tests of their own.
    monkeypatch.setattr(
        "dynsparse.report.learned_sections.learning_section", lambda *_: [("learning-prediction", "How", "<section>")]
    )
    write(folder / "learning" / "units", sweep_of(("CheetahRun",), ("state",), (1, 2), epochs=2))
    results = read_study(folder)
    sections = {section.anchor: section for section in sections_of(results)}
    assert [item.name for item in sections["q4"].items] == [
        "figure-8-step", "figure-a2-1-step", "figure-a2-2-step",
        "figure-8-episode", "figure-a2-1-episode", "figure-a2-2-episode", "table-a2-1",
    ]  # fmt: skip
    assert "learning-prediction" in sections and "learning-summary" not in sections
    assert sections["q4"].short.startswith("Not enough data to tell whether any loss reaches the true sparsity: ")
    assert all(isinstance(item, FigureItem) for item in sections["q4"].items[:6])


@pytest.mark.usefixtures("few_resamples")
def test_one_test_set_needs_no_name(folder, monkeypatch):
    monkeypatch.setattr("dynsparse.report.learned_sections.learning_section", lambda *_: [])
    write(folder / "learning" / "units", sweep_of(("CheetahRun",), ("state",), (1,), epochs=2, splits=("step",)))
    names = items_of(sections_of(read_study(folder)))
    assert {"figure-8", "figure-a2-1", "figure-a2-2"} <= set(names)


def test_everything_is_written_and_again_with_the_same_bytes(folder, monkeypatch):
    chosen = ("figure-5", "table-1", "table-a1-1", "causes", "table-a2-13")

    def few(results, tell):
        """Sections as they are, with a few of their items: what is drawn is tested elsewhere."""

        def kept(items):
            return tuple(item for item in items if item.name in chosen)

        return tuple(
            replace(section, items=kept(section.items), files=kept(section.files), after="")
            for section in sections_of(results, tell)
        )

    monkeypatch.setattr("dynsparse.report.document.sections_of", few)
    paths = write_study(read_study(folder), folder, folder / "report.html")
    written = {str(path.relative_to(folder)) for path in paths}
    figures = {f"figures/{name}.{kind}" for name in ("figure-5", "causes") for kind in ("png", "pdf")}
    tables = {
        f"tables/{name}.{kind}" for name in ("table-1", "table-a1-1", "table-a2-13") for kind in ("csv", "md", "tex")
    }
    assert written == {*figures, *tables, "tables/table-1.json", "report.html"}
    before = {path: path.read_bytes() for path in paths}
    with matplotlib.rc_context({"font.size": 20.0}):
        write_study(read_study(folder), folder, folder / "report.html")
    assert {path: path.read_bytes() for path in paths} == before
    reader = read_page((folder / "report.html").read_text(encoding="utf-8"))
    assert reader.faults == []
    for anchor in ("#q1", "#q4", "#item-figure-5", "#item-table-1", "#item-table-a2-13"):
        assert anchor in reader.links
    assert "Largest share of the zeros: symmetry of the whole body, in CheetahRun (50.0 %)" in reader.text
    assert "Preset smoke, on 2 processes side by side: 12 s in all" in reader.text


def test_records_of_another_analysis_are_refused(folder):
    other = switched_report("ReacherHard", steps=32)
    invented_episodes(other, returns=(1.0, 2.0, 3.0)).save(folder / "analysis" / "ReacherHard")
    with pytest.raises(InputError, match=r"expected episodes\.json of the analysis of ReacherHard"):
        read_study(folder)
    with pytest.raises(InputError, match="got none"):
        StudyResults((), ())


def test_folders_without_analyses_or_with_two_of_one_are_refused(folder, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="found none; make one with dynsparse analyze"):
        read_study(tmp_path / "data")
    (tmp_path / "data" / "zarr.json").write_text("{}")
    with pytest.raises(InputError, match="is a data set; first: dynsparse analyze"):
        read_study(tmp_path / "data")
    switched_report("CheetahRun").save(folder)
    assert (folder / f"{STEM}.json").exists()
    with pytest.raises(InputError, match="expected one analysis of CheetahRun"):
        read_study(folder)
    (folder / f"{STEM}.json").unlink()
    (folder / "timings.json").write_text('{"schema": 1, "stages": []}')
    assert read_study(folder).timings is None  # of another version: the next run replaces them
    (folder / "timings.json").write_text("[]")
    with pytest.raises(InputError, match="expected timings"):
        read_study(folder)


def test_environments_stand_in_the_paper_s_order():
    assert in_papers_order(["Zebra", "WalkerRun", "Ape", "BallInCup"]) == ["BallInCup", "WalkerRun", "Ape", "Zebra"]


@pytest.mark.usefixtures("few_resamples")
def test_records_alone_give_the_scores_of_trained_models_again(folder, monkeypatch):
    monkeypatch.setattr("dynsparse.report.document.sections_of", lambda *_: ())
    write(folder / "learning" / "units", sweep_of(("CheetahRun",), ("state",), (1, 2), epochs=2))
    paths = write_study(read_study(folder), folder, folder / "report.html")
    names = {path.name for path in paths if path.name.startswith("learning-")}
    ends = ("scores.csv", "scores.md", "contact.csv", "dimensions.csv", "differences.csv")
    assert names == {f"learning-{end}" for end in ends}
    lines = list(csv.DictReader((folder / "tables" / "learning-scores.csv").read_text().splitlines()))
    keys = ("environment", "split", "label", "metric")
    wanted = ["CheetahRun", "step", "state", "prediction.mse"]
    (one,) = [line for line in lines if [line[key] for key in keys] == wanted]
    units = [json.loads(path.read_text()) for path in (folder / "learning" / "units").glob("*.json")]
    errors = [u["result"]["final"]["step"]["prediction"]["mse"] for u in units if u["unit"]["kind"] == "train"]
    assert float(one["value"]) == pytest.approx(sum(errors) / 2)
