"""Items: files by name, cells for readers and values for programs."""

from __future__ import annotations

import csv

import pytest

from dynsparse.errors import ArrayError, InputError
from dynsparse.report.figure import new_figure
from dynsparse.report.item import FigureItem, TableItem, write_items

TABLE = TableItem(
    "table-a1-1",
    "Return of the data",
    "Table A1.1",
    ("environment", "return", "paper"),
    (("Ring_Run", "12.3", "-"),),
    (("Ring_Run", 12.3456789, None),),
    ("50 % of rows.",),
)


def figure(name):
    return FigureItem(name, "Title", "Figure 9", "an empty page", (), lambda: new_figure("Title", 2.0, 1.0))


def test_files_are_named_after_their_item(tmp_path):
    paths = write_items([TABLE, figure("figure-9-Ring")], tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "tables/table-a1-1.csv",
        "tables/table-a1-1.md",
        "tables/table-a1-1.tex",
        "figures/figure-9-Ring.png",
        "figures/figure-9-Ring.pdf",
    ]
    rows = list(csv.reader(paths[0].read_text().splitlines()))
    assert rows == [["environment", "return", "paper"], ["Ring_Run", "12.3456789", ""]]
    assert "| Ring_Run | 12.3 | - |" in paths[1].read_text() and "50 % of rows." in paths[1].read_text()
    assert r"Ring\_Run & 12.3 & -" in paths[2].read_text() and r"50 \% of rows." in paths[2].read_text()
    assert b"/FontFile2" in paths[4].read_bytes()


def test_same_items_give_the_same_bytes(tmp_path):
    first, second = (write_items([TABLE, figure("figure-9")], tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_row_without_a_value_for_each_heading_is_refused():
    with pytest.raises(ArrayError, match="rows of 2 cells and 2 values in t"):
        TableItem("t", "T", "", ("a", "b"), (("1", "2"),), ((1,),))


def test_programs_may_get_other_columns_than_readers(tmp_path):
    table = TableItem(
        "t", "T", "", ("of", "mean"), (("x", "1 [0, 2]"),), (("x", 1.0, 0.0, 2.0),), (),
        ("of", "mean", "mean_low", "mean_high"),
    )  # fmt: skip
    written, read = write_items([table], tmp_path)[:2]
    assert written.read_text() == "of,mean,mean_low,mean_high\nx,1.0,0.0,2.0\n"
    assert "| x | 1 [0, 2] |" in read.read_text()
    with pytest.raises(ArrayError, match="rows of 1 cells and 2 values in t"):
        TableItem("t", "T", "", ("a",), (("1",),), ((1,),), (), ("a", "b"))
    with pytest.raises(ArrayError, match="headings that differ in t, got a, a"):
        TableItem("t", "T", "", ("a", "a"), (("1", "2"),), ((1, 2),))


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a file name"):
        write_items([figure("../figure")], tmp_path)
