from __future__ import annotations

import csv
import json

import pytest

from dynsparse.errors import InputError
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.mean_rank import rank_search
from dynsparse.report.paper_numbers import paper_claim, paper_claims, paper_returns, paper_settings
from dynsparse.report.rank_tables import make_rank_tables
from dynsparse.report.return_table import return_table
from dynsparse.report.search_ranks import SearchRun
from dynsparse.report.search_study import read_search, search_items
from dynsparse.report.settings_table import settings_table
from dynsparse.report.study_section import items_html

from .invented_episodes import invented_episodes
from .invented_learning import sweep_of, write
from .switched import switched_report


def reference(checkout, name):
    with (checkout / f"tests/reference/{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_numbers_are_those_of_the_reference(checkout):
    assert [(row["environment"], float(row["mean_return"])) for row in reference(checkout, "paper_returns")] == list(
        paper_returns().items()
    )
    assert [(row["parameter"], row["value"]) for row in reference(checkout, "paper_settings")] == list(
        paper_settings().items()
    )
    for row in reference(checkout, "paper_claims"):
        claim = paper_claims()[row["claim"]]
        assert (claim.section, claim.quotation) == (row["section"], row["quotation"])
        assert claim.number == (float(row["number"]) if row["number"] else None)
    with pytest.raises(KeyError, match="certain-values has no number"):
        paper_claim("certain-values")


def test_what_the_paper_prints_in_words_is_its_own_table(checkout):
    # 17 of 18 x 18 to 3 of 4 x 4, in the environments of Table 1 that have any.
    rows = reference(checkout, "table1")
    shares = [100 * int(r["state_zeros"]) / int(r["state_dim"]) ** 2 for r in rows if int(r["state_zeros"])]
    assert (round(min(shares), 2), round(max(shares), 2)) == (paper_claim("global-least"), paper_claim("global-most"))
    assert len(shares) == paper_claim("global-environments")


def test_returns_stand_beside_the_paper_s_and_a_missing_one_says_so():
    report = switched_report("ReacherHard")
    record = invented_episodes(report, returns=(700.0, 710.0, 720.0))
    item = return_table(["ReacherHard", "WalkerRun", "Mine"], {"ReacherHard": record})
    half = 4.302652729911275 * 10 / 3**0.5  # Student's quantile of two degrees of freedom
    assert item.name == "table-a1-1"
    assert item.values[0][:2] == ("ReacherHard", "random")
    assert item.values[0][2:5] == pytest.approx((710.0, 710.0 - half, 710.0 + half))
    # t = 0.8 / (10 / sqrt(3)), of two degrees of freedom: P = 1 - t / sqrt(2 + t ** 2).
    t = 0.8 / (10 / 3**0.5)
    assert item.values[0][5:] == (3, 709.20, pytest.approx(1 - t / (2 + t**2) ** 0.5), "can not be told from it")
    assert item.cells[0][2] == "710.00 [685.16, 734.84]"
    assert item.cells[1] == ("WalkerRun", "missing", "-", "-", "327.80", "-")
    assert item.cells[2] == ("Mine", "missing", "-", "-", "-", "-")


def test_settings_stand_beside_the_paper_s(tmp_path):
    records = sweep_of(("CheetahRun",), ("state",), (1, 2), epochs=4, layer_width=64, split="both", weight_decay=0.001)
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    item = settings_table(table)
    lines = {name: cells for name, *cells in item.cells}
    assert lines["learning-rate"] == ["0.002", "0.002", "yes"]
    assert lines["layer-width"] == ["64", "512", "no"]
    assert lines["seed"][0::2] == ["1, 2", "no"]
    assert lines["randomize-steps"] == ["True, and False", "True", "yes, and more"]
    assert lines["dropout-rate"] == ["-", "0.1", "-"]  # not on record
    assert any(note.startswith("Different from the paper: env, epochs, layer-width") for note in item.notes)
    empty = settings_table(None)
    assert {cells[1] for cells in empty.cells} == {"-"} and len(empty.cells) == len(paper_settings())


def searched(tmp_path):
    tried = {"layer-width": (512, 1024), "layer-depth": (3, 2), "weight-decay": (0.01, 0.001)}
    runs = [
        SearchRun(
            "CheetahRun", seed, {"layer-width": w, "layer-depth": d, "weight-decay": a}, loss, None, f"{seed}{w}{d}{a}"
        )
        for seed in (1, 2)
        for w in (512, 1024)
        for d in (3, 2)
        for a, loss in ((0.01, w * d + seed), (0.001, w * d - 0.5 if w == 512 else float("inf")))
    ]
    ranks = rank_search(runs, tried)
    search = {"search": 2, "tried": {k: list(v) for k, v in tried.items()}, "scale": "A little.", **ranks.to_dict()}
    path = tmp_path / "search.json"
    path.write_text(json.dumps({"schema": 1, "complete": False, "split": "step", "searches": [search]}))
    return path, make_rank_tables(2, ranks, "A little.", "single test steps")


def test_searches_are_ranked_again_from_their_record(tmp_path):
    path, tables = searched(tmp_path)
    study = read_search(path)
    assert not study.complete
    assert [study.tables[table.item].csv for table in tables] == [table.csv for table in tables]  # diverged ones too
    assert study.tables["A2.8"].rows[0][1:] == ("512, 1024", "512, 1024")
    items = {item.name: item for item in search_items(study)}
    assert list(items) == [f"table-a2-{number}" for number in range(2, 14)]
    assert items["table-a2-9"].cells == study.tables["A2.9"].rows
    assert "not run" in items["table-a2-3"].cells[0] and "not run" not in items["table-a2-9"].cells[0]


def test_without_a_search_the_paper_s_ranks_stand_alone():
    items = {item.name: item for item in search_items(None)}
    assert items["table-a2-3"].cells[0][:4] == ("learning-rate", "0.001", "not run", "338.43")
    assert len(items["table-a2-7"].cells) == 12 and len(items["table-a2-12"].cells) == 6
    assert items["table-a2-13"].notes[0] == "This search was not run: the numbers are the paper's."
    assert items["table-a2-2"].values[1] == ("layer-width", None, "512, 1024")
    values = dict(zip(items["table-a2-3"].fields, items["table-a2-3"].values[0], strict=True))
    assert {name: value for name, value in values.items() if value is not None} == {
        "table": "A2.3", "search": 1, "hyperparameter": "learning-rate", "runs": 0, "paper_value": "0.001",
        "paper_mean_rank": 338.43, "paper_share": 338.43 / 811,
    }  # fmt: skip


def test_a_damaged_record_of_a_search_is_refused(tmp_path):
    path, _ = searched(tmp_path)
    content = json.loads(path.read_text())
    content["searches"][0]["runs"][0]["status"] = "lost"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="expected the record of dynsparse search"):
        read_search(path)
    path.write_text(json.dumps(content | {"schema": 2}))
    with pytest.raises(InputError, match="schema 2, not 1"):
        read_search(path)


def test_a_note_that_tables_share_stands_once_on_a_page():
    items = search_items(None)
    page = "".join(items_html(items))
    assert page.count("This search was not run: the numbers are the paper&#x27;s.") == 1
    assert sum("This search was not run: the numbers are the paper's." in item.notes for item in items) == 12
