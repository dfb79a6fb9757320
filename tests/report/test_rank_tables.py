"""Rank tables: the paper's numbers as typed from it, ours beside them, and files that other programs can read."""

from __future__ import annotations

import csv
import io
import itertools
import math

import pytest

from dynsparse.report.mean_rank import rank_search
from dynsparse.report.paper_ranks import paper_ranks, remark
from dynsparse.report.rank_notes import about_n, value_text
from dynsparse.report.rank_tables import make_range_table, make_rank_tables, write_tables
from dynsparse.report.search_ranks import SearchRun

SECOND = {"layer-width": (512, 1024), "layer-depth": (3, 2), "weight-decay": (0.01, 0.001)}


def runs_of(values, loss, environments=("A",), seeds=(1, 2)):
    return [
        SearchRun(environment, seed, dict(zip(values, combined, strict=True)), loss(environment, seed, *combined))
        for environment in environments
        for seed in seeds
        for combined in itertools.product(*values.values())
    ]


@pytest.fixture
def second():
    """Two seeds of the second search; width decides, then the seed; one run diverged, one is missing."""

    def loss(environment, seed, width, depth, decay):
        if (seed, width, depth, decay) == (2, 1024, 3, 0.01):
            return math.inf
        if (seed, width, depth, decay) == (2, 512, 2, 0.001):
            return None
        return width + seed / 10 + depth / 100 + decay

    return rank_search(runs_of(SECOND, loss), SECOND)


def cells_of(table):
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def test_the_paper_s_ranks_are_those_typed_from_the_paper(checkout):
    with (checkout / "tests/reference/mean_ranks.csv").open(newline="") as file:
        typed = {line["item"]: (line["values"].split(), line["ranks"].split()) for line in csv.DictReader(file)}
    packaged = {paper.item: paper for paper in paper_ranks()}
    assert list(packaged) == list(typed)
    for item, (values, ranks) in typed.items():
        assert list(packaged[item].ranks) == values
        assert [f"{rank:.2f}" for rank in packaged[item].ranks.values()] == ranks


def test_the_paper_s_ranks_tell_how_many_runs_there_were():
    # A check on the typing too: ranks are printed to two decimals, so that N is known to about 0.01.
    found = {paper.item: paper.runs for paper in paper_ranks()}
    for item in ("A2.3", "A2.4", "A2.5", "A2.6"):
        assert found[item] == pytest.approx(81 * 10, abs=0.011)
    for item in ("A2.9", "A2.10", "A2.11"):
        assert found[item] == pytest.approx(8 * 5, abs=0.011)
    assert found["A2.13"] == pytest.approx(19.85)
    assert all(remark(item) for item in ("A2.2", "A2.4", "A2.8", "A2.11", "A2.13"))
    assert remark("A2.3") is None


@pytest.mark.parametrize(
    ("item", "value", "printed", "rank"),
    [
        ("A2.3", 0.0001, "0.0001", 362.32),
        ("A2.4", 512, "512", 396.23),
        ("A2.4", 1024, None, None),
        ("A2.6", 0.1, "0.10", 237.48),
        ("A2.11", 0.0, "0.00", 20.38),
        ("A2.11", 0.001, "0.00", 20.38),
        ("A2.11", 0.01, "0.01", 20.62),
        ("A2.11", 0.02, None, None),
        ("A2.13", "leaky-relu", "leaky-relu", 12.80),
        ("A2.13", "relu", None, None),
    ],
)
def test_a_value_is_found_as_the_paper_prints_it(item, value, printed, rank):
    (paper,) = (paper for paper in paper_ranks() if paper.item == item)
    assert (paper.printed_as(value), paper.mean_rank(value)) == (printed, rank)


def test_ranks_stand_beside_the_paper_s(second):
    tables = {table.item: table for table in make_rank_tables(2, second, "Run: little.", "single test steps")}
    assert list(tables) == ["A2.9", "A2.10", "A2.11", "A2.12"]
    width = cells_of(tables["A2.9"])
    # By hand: 7 runs of width 512 have ranks 1 to 7; 8 of width 1024, the diverged one included, 8 to 15.
    assert list(width) == ["512", "1024"]
    assert (width["512"]["mean rank"], width["1024"]["mean rank"]) == ("4.00", "11.50")
    assert (width["512"]["rank / (N + 1)"], width["1024"]["rank / (N + 1)"]) == ("0.250", "0.719")
    assert [width["1024"][name] for name in ("runs", "diverged", "missing")] == ["8", "1", "0"]
    assert [width["512"][name] for name in ("runs", "diverged", "missing")] == ["7", "0", "1"]
    # The paper's 19.75 of 40 runs.
    assert (width["512"]["paper: mean rank"], width["512"]["paper: rank / (N + 1)"]) == ("19.75", "0.482")
    notes = tables["A2.9"].notes
    assert "N = 15 runs ranked in A; the mean of all ranks is 8.00, and (N + 1) / 2 is 8.00." in notes
    assert "1 of 16 runs diverged and share the last ranks of their environment." in notes
    assert "1 of 16 runs have no result: they are missing, and not ranked." in notes
    assert "Run: little." in notes
    assert any("with 2 seeds they are 0.71 times as wide" in note for note in notes)
    assert "The mean of the paper's ranks is that of N = 40 runs." in notes
    assert tables["A2.9"].choice[0] == "Chosen: layer-width 512, the lowest mean rank (the paper: 512)."
    assert tables["A2.9"].choice[1] == "Not enough data to tell it from 1024: too few seeds."
    together = tables["A2.12"]
    assert [row[0] for row in together.rows[:2]] == ["layer-width 512", "layer-width 1024"]
    assert len(together.rows) == 6


def test_what_seeds_tell_is_said():
    values = {"activation-function": ("elu", "leaky-relu")}
    clear = runs_of(values, lambda _, seed, name: seed + (name == "elu") * 100, seeds=range(6))
    (table,) = make_rank_tables(3, rank_search(clear, values), "", "whole test episodes")
    assert table.item == "A2.13"
    assert "on whole test episodes" in table.caption
    assert table.choice[0] == "Chosen: activation-function leaky-relu, the lowest mean rank (the paper: elu)."
    assert table.choice[1].startswith(
        "It can be told from elu, whose mean rank is higher by 6.00 [6.00, 6.00]; that it is the lowest of "
    )
    assert any("N = 19.85" in note for note in table.notes)
    equal = runs_of(values, lambda _, seed, name: (seed * 7 + (name == "elu") * 3) % 5, seeds=range(6))
    (table,) = make_rank_tables(3, rank_search(equal, values), "", "single test steps")
    assert table.choice[1].startswith("It can not be told from")


def test_values_that_only_the_paper_ranks_are_told():
    values = {"layer-width": (512, 1024)}
    found = rank_search(runs_of(values, lambda _, seed, width: seed + width), values)
    (table, _) = make_rank_tables(1, found, "", "single test steps")
    assert table.item == "A2.4"
    assert [row[-2] for row in table.rows] == ["396.23", "-"]
    assert any("N = 810 runs; it also ranks layer-width 128 (399.47), 32 (420.80)." in note for note in table.notes)
    assert any("Table A2.2 has layer widths 512 and 1024" in note for note in table.notes)


def test_unequal_environments_are_told():
    values = {"activation-function": ("elu", "leaky-relu")}
    runs = runs_of(values, lambda name, seed, _: None if (name, seed) == ("B", 1) else seed, environments=("A", "B"))
    told = about_n(rank_search(runs, values))
    # (4 x 5 / 2 + 2 x 3 / 2) / 6 runs.
    assert "differs (A 4, B 2); the mean of all ranks is 2.17, and (N + 1) / 2 averaged over runs is 2.17." in told


def test_without_any_result_a_table_says_so():
    values = {"activation-function": ("elu", "leaky-relu")}
    (table,) = make_rank_tables(3, rank_search(runs_of(values, lambda *_: None), values), "", "single test steps")
    assert [row[1] for row in table.rows] == ["-", "-"]
    assert table.choice == ("Nothing is chosen: no run is ranked.",)
    assert "No run is ranked." in table.notes


def test_what_is_tried_stands_beside_what_the_paper_prints():
    table = make_range_table(2, SECOND, "Run: little.")
    assert table.item == "A2.8"
    assert table.rows[2] == ("weight-decay", "0.01, 0.001", "0.01, 0.001")
    assert any("Table A2.11 ranks 0.00 and 0.01" in note for note in table.notes)
    first = make_range_table(1, {"layer-width": (32, 128, 512)}, "")
    assert first.rows == (("layer-width", "32, 128, 512", "512, 1024"),)
    assert make_range_table(3, {"activation-function": ("elu",)}, "") is None


def test_files_are_named_after_their_item_and_hold_the_numbers(second, own_folder):
    paths = write_tables(make_rank_tables(2, second, "Run: little.", "single test steps"), own_folder)
    names = [f"table-a2-{n}{suffix}" for n in (9, 10, 11, 12) for suffix in (".csv", ".md", ".tex")]
    assert [path.name for path in paths] == names
    lines = list(csv.DictReader(io.StringIO((own_folder / "table-a2-9.csv").read_text())))
    width = second.hyperparameters[0].values
    assert [float(line["mean_rank"]) for line in lines] == [row.mean_rank for row in width]
    assert [float(line["mean_rank_low"]) for line in lines] == [row.low for row in width]
    assert [line["chosen"] for line in lines] == ["True", "False"]
    assert [line["paper_mean_rank"] for line in lines] == ["19.75", "21.25"]
    assert {(line["n_least"], line["n_most"]) for line in lines} == {("15", "15")}
    decay = list(csv.DictReader(io.StringIO((own_folder / "table-a2-11.csv").read_text())))
    assert {line["value"]: line["paper_value"] for line in decay} == {"0.001": "0.00", "0.01": "0.01"}
    markdown = (own_folder / "table-a2-9.md").read_text()
    assert markdown.startswith("**Table A2.9.**")
    assert "| 512 | 4.00 |" in markdown
    assert "- Chosen: layer-width 512" in markdown
    latex = (own_folder / "table-a2-9.tex").read_text()
    assert latex.count("&") == 8 * 3
    assert r"512 & 4.00 & [" in latex
    assert r"95 \% interval" in latex
    assert r"\label{tab:table-a2-9}" in latex
    assert "N = 15" in latex


def test_values_are_written_as_the_paper_does():
    assert [value_text(value) for value in (0.0001, 0.001, 512, 0.1, "elu", None)] == [
        *("0.0001", "0.001", "512", "0.1", "elu", "-")
    ]
