"""Page and files of learned models: whole, valid, the same every time, and open about what is missing."""

from __future__ import annotations

import csv
import io
import re

import matplotlib
import pytest

from dynsparse.errors import InputError, OutputError
from dynsparse.report.answer_sentences import about_answer
from dynsparse.report.learned_data import about_few_episodes, data_table
from dynsparse.report.learning_gallery import learning_drawings, write_learning_figures
from dynsparse.report.learning_page import TITLE, learning_page, learning_section
from dynsparse.report.learning_publication import publish_learning
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_table import ExpectedRuns, make_learning_table
from dynsparse.report.picture import picture
from dynsparse.report.score_metrics import table_metrics

from .invented_learning import LOSSES, referees, sweep_of, training, write
from .page_checks import read_page

HOSTILE = "<script>alert('x')</script>\"$title&"
FAILING = [("CheetahRun", "state", 1)]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    records = sweep_of(("CheetahRun",), LOSSES[:2], (0, 1), failing=FAILING, epochs=6)
    expected = ExpectedRuns(("CheetahRun", "WalkerRun"), LOSSES[:2], (0, 1))
    told = []
    found = publish_learning(
        read_learning_records(write(folder / "units", records)),
        folder / "out",
        {"command": "dynsparse learn data"},
        expected,
        resamples=100,
        on_part=told.append,
    )
    assert told == ["statistics", "tables", "figures", "page"]
    return found


def test_the_page_is_valid_and_needs_nothing_else(published):
    page = published.page.read_text(encoding="utf-8")
    reader = read_page(page)
    assert reader.faults == []
    assert "script" not in reader.tags and "default-src 'none'" in page
    assert TITLE in reader.text and "dynsparse learn data" in reader.text
    assert page.count("<style>") == 1


def test_every_figure_is_a_file_twice_and_on_the_page(published):
    drawings = [d for i, found in enumerate(published.results) for d in learning_drawings(found, singly=i == 1)]
    names = {path.name for path in published.figures}
    assert names == {f"{drawing.name}{suffix}" for drawing in drawings for suffix in (".png", ".pdf")}
    assert all(path.stat().st_size > 1000 for path in published.figures)
    reader = read_page(published.page.read_text(encoding="utf-8"))
    assert len(reader.images) == len(drawings)
    for drawing in drawings:
        assert re.sub(r"\s+", " ", drawing.sentences) in reader.text
    assert {"figure-8-step.png", "figure-a2-1-episode.pdf", "learning-recovery-WalkerRun-episode.png"} <= names
    assert "learning-recovery-WalkerRun-step.png" not in names  # single ones on the most honest test set alone


def test_missing_runs_are_on_the_page(published):
    text = read_page(published.page.read_text(encoding="utf-8")).text
    assert "Of 8 trainings 5 are missing or incomplete, 1 of them because they failed." in text
    assert "the loss is not finite after epoch 3; lower the learning rate" in text
    assert "state lacks WalkerRun" not in text  # all losses lack it: the means do compare
    assert text.count("2 missing") > 10


def test_page_and_tables_say_how_many_marks_there_are_and_what_miss_is(published):
    said = "No difference is marked: none has the 6 pairs that it takes."
    text = read_page(published.page.read_text(encoding="utf-8")).text
    assert text.count(said) == 1 and said in published.tables[0].read_text(encoding="utf-8")
    for written in (text, published.tables[0].read_text(encoding="utf-8")):
        assert "True sparsity: share of the simulator's below 1e-12, in raw coordinates." in written
        assert "its sparsity / true can be above 1, as would be that of a model without any error." in written
    assert "Miss: share of the true non-zeros of at least the model's threshold that are below it in the model." in text


def test_tables_of_ratios_say_that_they_are_not_of_the_means(published):
    """One pair of runs: nothing is cut off."""
    told = (
        "A ratio of errors over all environments is the geometric mean of the ratios of paired runs, not the ratio of "
        "the means: these lie apart where one environment goes wrong."
    )
    text = read_page(published.page.read_text(encoding="utf-8")).text
    captions = [part.split("loss")[0] for part in text.split("paired with state: ")[1:] if "see above" in part[:90]]
    assert len(captions) == 6  # three tables on each of two test sets
    assert [told in caption for caption in captions] == 2 * [True, False, False]
    (tables,) = (path for path in published.tables if path.name == "learning_scores.md")
    assert tables.read_text(encoding="utf-8").count(told) == 2  # before the tables, of each test set


def test_the_summary_stands_first_and_in_the_tables_too(published):
    text = read_page(published.page.read_text(encoding="utf-8")).text
    tables = published.tables[0].read_text(encoding="utf-8")
    for found in published.results:
        said = about_answer(found)
        assert 0 < text.index(said) < text.index("What was trained", text.index("Summary", text.index("Tables of")))
        assert f"({found.split}).** {said}" in tables and tables.index(said) < tables.index("| --- |")


@pytest.mark.usefixtures("two_figures")
def test_models_that_learned_nothing_are_told_first_on_the_page_and_in_the_tables(tmp_path):
    records = [training("CheetahRun", "state", 0, epochs=2), referees("CheetahRun")]
    for scores in records[0]["result"]["final"].values():
        scores["prediction"]["mse"] = 0.06  # the identity has 0.03
    found = publish_learning(read_learning_records(write(tmp_path / "units", records)), tmp_path / "out", resamples=20)
    said = "in CheetahRun (at best 2 times its error). Such models are hardly trained"
    for path in (found.page, found.tables[0]):
        written = read_page(path.read_text(encoding="utf-8")).text if path == found.page else path.read_text()
        assert written.count(said) == 2
        assert written.index(said) < written.index("Not enough data to compare state with the true sparsity")


@pytest.mark.usefixtures("two_figures")
def test_data_policy_and_labels_are_named(tmp_path):
    records = [training("CheetahRun", "state-jacobian", 0, epochs=2), training("WalkerRun", "state", 0, epochs=2)]
    records[0]["result"] |= {"policy": "trained", "episodes": {"train": 16, "step": 16, "episode": 2}}
    table = make_learning_table(read_learning_records(write(tmp_path / "few", records)))
    data = data_table(table)
    assert data.rows == (
        ("CheetahRun", "trained", "16,000 (16 episodes)", "2,000 (16 episodes)", "2,000 (2 episodes)"),
        ("WalkerRun", "expert", "16,000", "2,000", "2,000"),
    )
    assert data.columns[2:] == ("train", "test steps of training episodes", "unseen episodes")
    few = about_few_episodes(table)
    assert few.startswith("Few unseen episodes: fewer than 5 in CheetahRun (2). Scores on 2 episodes say little")
    found = publish_learning(read_learning_records(tmp_path / "few"), tmp_path / "out", resamples=20)
    reader = read_page(found.page.read_text(encoding="utf-8"))
    assert reader.faults == [] and few in reader.text and "trained16,000 (16 episodes)" in reader.text
    tables = found.tables[0].read_text(encoding="utf-8")
    assert few in tables and "| CheetahRun | trained | 16,000 (16 episodes) |" in tables
    assert "| + MSE(J) | state-jacobian | and of the Jacobian |" in tables
    records[0]["result"]["episodes"]["episode"] = 5
    assert about_few_episodes(make_learning_table(read_learning_records(write(tmp_path / "five", records)))) == ""


def test_tables_are_written_beside(published):
    names = [path.name for path in published.tables]
    assert names == [
        "learning_scores.md",
        "learning_scores.csv",
        "learning_contact.csv",
        "learning_dimensions.csv",
        "learning_differences.csv",
    ]
    lines = {path.name: list(csv.DictReader(io.StringIO(path.read_text()))) for path in published.tables[1:]}
    assert {"prediction.mse", "raw.leak", "threshold_sweep.1e-06"} <= {
        line["metric"] for line in lines["learning_scores.csv"]
    }
    contact = {line["metric"] for line in lines["learning_contact.csv"]}
    metrics = {"prediction.open_loop.1", *(one.name for one in table_metrics("normalized") if not one.optional)}
    assert contact == {f"contact.{group}.{metric}" for group in ("active", "inactive") for metric in metrics}
    keys = ("environment", "split", "label", "metric")
    for found in lines.values():
        told = [tuple(line.get(key) for key in (*keys, "loss", "reference")) for line in found]
        assert len(set(told)) == len(told)
    dimensions = lines["learning_dimensions.csv"]
    assert {line["metric"] for line in dimensions} == {
        f"{group}prediction.{name}_per_dimension.{i}"
        for group in ("", "contact.active.", "contact.inactive.")
        for name in ("mse", "r2")
        for i in range(4)
    }
    assert "all" not in {line["environment"] for line in dimensions}  # the first variable of one is not that of another
    last = [line for line in dimensions if line["metric"].endswith("r2_per_dimension.3")]
    assert all(line["value"] == "" and int(line["undefined"]) > 0 for line in last
               if line["failed"] == line["absent"] == "0")  # fmt: skip
    for split in ("step", "episode"):
        assert any(line["split"] == split for line in lines["learning_differences.csv"])


@pytest.fixture
def two_figures(monkeypatch):
    """Draw two figures instead of all, for what is the same with any of them."""
    chosen = ("figure-8-step", "learning-thresholds-step")
    monkeypatch.setattr(
        "dynsparse.report.learning_publication.all_drawings",
        lambda results: [[d for d in learning_drawings(found) if d.name in chosen] for found in results],
    )


@pytest.mark.usefixtures("two_figures")
def test_the_same_records_give_the_same_bytes_and_others_give_others(tmp_path):
    def publish(name, records, seed=0):
        found = read_learning_records(write(tmp_path / f"units-{name}", records))
        return publish_learning(found, tmp_path / name, resamples=50, seed=seed)

    records = [training("CheetahRun", "state", seed, epochs=3, splits=("step",)) for seed in range(3)]
    one = publish("one", records)
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "red"}):
        two = publish("two", records)
    for first, second in zip((one.page, *one.tables, *one.figures), (two.page, *two.tables, *two.figures), strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name
    # The seed of the bootstrap reaches the tables.
    assert publish("three", records, seed=1).tables[1].read_bytes() != one.tables[1].read_bytes()


def test_a_run_of_failures_alone_has_a_page_that_says_so(tmp_path):
    records = [training("CheetahRun", loss, 0, failed=True) for loss in LOSSES[:2]]
    found = publish_learning(read_learning_records(write(tmp_path / "units", records)), tmp_path / "out")
    reader = read_page(found.page.read_text(encoding="utf-8"))
    assert reader.faults == [] and reader.images == [] and found.figures == ()
    assert "Of 2 trainings 2 are missing or incomplete, 2 of them because they failed." in reader.text
    assert "There is nothing to say: no run has a result." in reader.text


@pytest.mark.usefixtures("two_figures")
def test_hostile_words_stay_text(tmp_path):
    record = training("CheetahRun", "state", 0, failed=True, note=HOSTILE)
    record["error"] = HOSTILE
    found = publish_learning(
        read_learning_records(write(tmp_path / "units", [record, training("CheetahRun", HOSTILE, 1, note=HOSTILE)])),
        tmp_path / "out",
        {"command": HOSTILE},
        resamples=20,
    )
    reader = read_page(found.page.read_text(encoding="utf-8"))
    assert reader.faults == [] and "script" not in reader.tags
    assert reader.text.count(HOSTILE) >= 4 and len(reader.images) == 2


def test_an_environment_whose_name_is_no_file_name_is_refused(tmp_path):
    records = [training(name, "state", 0, epochs=2, splits=("step",)) for name in ("../up", "CheetahRun")]
    table = make_learning_table(read_learning_records(write(tmp_path / "units", records)))
    drawn = learning_drawings(learning_results(table, "step", resamples=20))
    with pytest.raises(InputError, match="expected a file name"):
        write_learning_figures([d for d in drawn if d.environment == "../up"], tmp_path / "out" / "figures")
    assert not (tmp_path / "out").exists()


def test_a_place_that_can_not_be_written_is_a_typed_error(tmp_path):
    records = read_learning_records(write(tmp_path / "units", [training("CheetahRun", "state", 0, failed=True)]))
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="expected to write"):
        publish_learning(records, tmp_path / "out")


def test_sections_can_stand_on_another_page(published):
    parts = learning_section(published.table, published.results, [()] * 2)
    assert [anchor for anchor, _, _ in parts] == [
        f"learning-{name}" for name in ("summary", "runs", "answer", "tables")
    ]
    body = "".join(section for _, _, section in parts)
    reader = read_page(f"<!DOCTYPE html>\n{body}")
    assert reader.faults == [] and reader.ids[0] == "learning-summary"


def test_the_page_can_be_made_again_without_files(published):
    page = learning_page(published.table, published.results[:1], None, [()])
    assert "How this page was made" not in page and read_page(page).faults == []


def test_a_picture_says_what_it_holds():
    def draw(width):
        return matplotlib.figure.Figure(figsize=(width, 1))

    small = picture(lambda: draw(3.4), name="a", label="what is in it", title="Title", sentences="5.2 % of it.")
    assert '<figure class="a"><img' in small and 'alt="what is in it"' in small and "The paper" not in small
    wide = picture(lambda: draw(7), name="a", label="what is in it", title="T", sentences="", source="Figure 8")
    assert 'class="a wide"' in wide and "min-width: 538px" in wide and "The paper&#x27;s Figure 8." in wide


def test_referees_alone_are_no_trainings(tmp_path):
    found = read_learning_records(write(tmp_path / "units", [referees("CheetahRun")]))
    expected = ExpectedRuns(("CheetahRun",), ("state",), (0,))
    page = publish_learning(found, tmp_path / "out", expected=expected, resamples=20).page
    assert (
        "Of 1 training 1 is missing or incomplete, 0 of them because they failed." in read_page(page.read_text()).text
    )
