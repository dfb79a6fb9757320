"""Tables of scores: the same numbers in every form, and what lacks."""

from __future__ import annotations

import csv
import io

import pytest

from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.score_markdown import markdown
from dynsparse.report.score_metrics import PREDICTION_METRICS, figures, table_metrics
from dynsparse.report.score_tables import (
    all_tables,
    difference_table,
    differences_csv,
    score_table,
    scores_csv,
)

from .invented_learning import LOSSES, REFEREES, referees, sweep_of, training, write

FAILING = [("CheetahRun", "state", 1), *(("FingerSpin", "state-jacobian", seed) for seed in range(3))]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    records = sweep_of(("CartpoleBalance", "CheetahRun", "FingerSpin"), failing=FAILING, epochs=10)
    table = make_learning_table(read_learning_records(write(tmp_path_factory.mktemp("units"), records)))
    return [learning_results(table, split, resamples=200) for split in table.splits]


def lines_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "-"), (0.0, "0"), (1.0, "1"), (0.12345, "0.123"), (0.001, "0.001"), (0.00099999, "1.00e-3"),
        (2.104e-5, "2.10e-5"), (-3e-12, "-3.00e-12"), (1234.0, "1,234"), (123456.0, "1.23e5"), (1e12, "1.00e12"),
    ],
)  # fmt: skip
def test_numbers_have_three_figures(value, written):
    assert figures(value) == written
    if value is not None:
        assert float(figures(value).replace(",", "")) == pytest.approx(value, rel=0.005)


def test_cells_hold_mean_interval_and_what_lacks(results):
    table = score_table(results[0], PREDICTION_METRICS, None, "x")
    cells = {row[0]: row[1] for row in table.rows}
    estimate = results[0].scores["prediction.mse"].score("state").estimate
    written = f"{figures(estimate.value)} [{figures(estimate.low)}, {figures(estimate.high)}] (8/9)"
    assert cells["state"] == written
    assert cells["constant"] == "1" and cells["all ones"] == "3 undefined"
    assert "(" not in cells["+ MAE(J)"]
    alone = score_table(results[0], PREDICTION_METRICS, "FingerSpin", "x")
    assert {row[0]: row[1] for row in alone.rows}["+ MSE(J)"] == "3 failed"


def test_every_column_of_either_coordinates_stands_in_one_table(results):
    tables = list(all_tables(results[0], None))
    columns = [column for table in tables[:5] for column in table.columns[1:]]
    every = [metric for coordinates in ("normalized", "raw") for metric in table_metrics(coordinates)]
    assert columns == [metric.title for metric in every if not metric.optional]
    assert [table.caption for table in tables[3:5]] == [
        "all, test steps of training episodes: where the zeros are, raw",
        "all, test steps of training episodes: how near the Jacobian is, raw",
    ]
    leak = [dict(zip(table.columns, row, strict=True))["leak"] for table in tables[:5] if "leak" in table.columns
            for row in table.rows if row[0] == "state"]  # fmt: skip
    assert leak[0] != leak[1]  # normalized first, raw second


def test_differences_are_marked_where_they_are_certain(results):
    table = difference_table(results[0], PREDICTION_METRICS, None, "x")
    stars = set()
    for loss, row in zip(LOSSES[1:], table.rows, strict=True):
        for metric, cell in zip(PREDICTION_METRICS, row[1:], strict=True):
            difference = results[0].difference(metric.name, loss, "state")
            sign = "\N{MULTIPLICATION SIGN}" if metric.log else "+" if difference.estimate.value >= 0 else ""
            star = "*" if difference.side else ""
            assert cell.startswith(f"{sign}{figures(difference.estimate.value)}{star} [")
            stars.add(star)
    assert stars == {"", "*"}
    alone = difference_table(results[0], PREDICTION_METRICS, "FingerSpin", "x")
    assert {row[0]: row[1] for row in alone.rows}["+ MSE(J)"] == "no pair"
    assert not any("*" in cell for row in alone.rows for cell in row)  # three pairs are no proof


def test_the_true_sparsity_is_a_column_of_its_own_and_never_a_difference(tmp_path):
    records = [training("CheetahRun", loss, 0, epochs=2) for loss in LOSSES[:2]] + [referees("CheetahRun")]
    truth = records[-1]["result"]["referees"]["truth"]["step"]["normalized"]
    truth["sparsity"] = 0.3  # counted with the model's threshold
    found = learning_results(make_learning_table(read_learning_records(write(tmp_path, records))), "step", resamples=50)
    (table,) = [one for one in all_tables(found, None) if one.caption.endswith("how near the Jacobian is, normalized")
                and "paired" not in one.caption]  # fmt: skip
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert [rows["truth"][name] for name in ("sparsity", "true sparsity", "sparsity / true")] == ["0.3", "0.15", "2"]
    assert {row["true sparsity"] for row in rows.values()} == {"0.15"}
    assert {line["metric"] for line in lines_of(scores_csv(found.scores.values()))} >= {"normalized.true_sparsity"}
    assert not any("true_sparsity" in line["metric"] for line in lines_of(differences_csv([found])))
    paired = [column for one in all_tables(found, None) if "paired" in one.caption for column in one.columns]
    assert "true sparsity" not in paired and "sparsity" in paired


def test_a_score_that_older_records_lack_is_a_column_where_any_has_it(tmp_path, results):
    def columns(found):
        return [column for table in all_tables(found, None) for column in table.columns]

    assert "AUROC within elements" not in columns(results[0])
    assert not any("within" in name for name in (*results[0].scores, *results[0].contact))
    records = [training("CheetahRun", "state", seed, epochs=2) for seed in (0, 1)]
    records[0]["result"]["final"]["step"]["normalized"]["auroc_within"] = 0.75
    found = learning_results(make_learning_table(read_learning_records(write(tmp_path, records))), "step", resamples=50)
    table = next(one for one in all_tables(found, None) if "AUROC within elements" in one.columns)
    assert dict(zip(table.columns, table.rows[0], strict=True))["AUROC within elements"] == "0.75 (1/2)"
    lines = lines_of(scores_csv(found.scores.values()))
    assert {line["value"] for line in lines if line["metric"] == "normalized.auroc_within"} == {"0.75"}
    assert "normalized.auroc_within" in found.contact


def test_diverged_runs_show_in_every_table_and_take_the_asterisk(tmp_path):
    records = [training("CheetahRun", loss, seed, splits=("step",)) for loss in LOSSES[:2] for seed in range(8)]
    records.append(referees("CheetahRun"))
    far = records[0]["result"]["final"]["step"]["prediction"]["open_loop"][4]
    far |= {"mse": None, "diverged": 2}
    found = learning_results(make_learning_table(read_learning_records(write(tmp_path, records))), "step", resamples=50)
    scores = score_table(found, PREDICTION_METRICS, None, "x")
    after = scores.columns.index("MSE after 50")
    assert {row[0]: row[after].split("] ")[-1] for row in scores.rows}["state"] == "(7/8, 1 diverged)"
    assert "diverged" not in scores.rows[0][after - 1]
    (row,) = difference_table(found, PREDICTION_METRICS, None, "x").rows
    assert "*" in row[after - 1] and "*" not in row[after] and row[after].endswith("] (1 diverged)")
    name = "prediction.open_loop.50"
    own = [line for line in lines_of(scores_csv([found.scores[name]])) if line["label"] == "state"]
    assert {(line["undefined"], line["diverged"]) for line in own} == {("1", "1")}
    # The all-ones graph predicts nothing at all.
    none = [line for line in lines_of(scores_csv([found.scores[name]])) if line["label"] == "all-ones"]
    assert {(line["undefined"], line["diverged"]) for line in none} == {("1", "0")}
    paired = [line for line in lines_of(differences_csv([found])) if line["metric"] == name]
    assert {(line["side"], line["diverged"]) for line in paired} == {("", "1")}


def test_csv_has_every_score_with_all_digits(results):
    found = results[1]
    lines = lines_of(scores_csv(found.scores.values()))
    assert len(lines) == len(found.scores) * 4 * (len(LOSSES) + len(REFEREES))
    by_key = {(line["environment"], line["label"], line["metric"]): line for line in lines}
    line = by_key["all", "state", "raw.leak"]
    estimate = found.scores["raw.leak"].score("state").estimate
    assert [float(line[end]) for end in ("value", "low", "high")] == [estimate.value, estimate.low, estimate.high]
    assert (line["split"], line["kind"], line["runs"], line["failed"]) == ("episode", "loss", "8", "1")
    nothing = by_key["FingerSpin", "state-jacobian", "prediction.mse"]
    assert (nothing["value"], nothing["low"], nothing["runs"], nothing["failed"]) == ("", "", "0", "3")
    assert by_key["CheetahRun", "truth", "normalized.auprc"]["kind"] == "referee"
    assert {line["environment"] for line in lines_of(scores_csv(found.scores.values(), overall=False))} == {
        "CartpoleBalance", "CheetahRun", "FingerSpin",
    }  # fmt: skip


def test_csv_of_differences_names_what_is_compared(results):
    lines = lines_of(differences_csv(results))
    keys = {(line["loss"], line["reference"], line["metric"], line["kind"], line["split"]) for line in lines}
    assert ("state-jacobian", "state", "prediction.mse", "ratio", "step") in keys
    assert ("state", "training-frequency", "normalized.auprc", "difference", "episode") in keys
    assert not any(line["loss"] == line["reference"] for line in lines)
    assert {line["side"] for line in lines} == {"1", "0", "-1", ""}


def test_markdown_tables_are_whole(results):
    text = markdown(results, ["A note."])
    assert text.startswith(
        "# Scores of learned world models\n\nA note.\n\n"
        "## All environments, tested on test steps of training episodes (step)\n"
    )
    assert text.index("## All environments, tested on unseen episodes (episode)") > text.index(
        "## FingerSpin, tested on test steps of training episodes (step)"
    )
    tables = [block for block in text.split("\n\n") if block.startswith("| ")]
    assert len(tables) == 2 * 4 * 8
    for block in tables:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1
