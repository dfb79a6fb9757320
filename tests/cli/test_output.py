"""Tables on consoles of any width: no cell is cut."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dynsparse.cli.output import print_table

COLUMNS = ["", *(f"a score {i}" for i in range(9))]
ROWS = [
    ["state", *(f"{i}.1234" for i in range(9))],
    ["state-jacobian-l1-sparse-only", *("-5.67e+03" for _ in range(9))],
]


@pytest.mark.parametrize(("width", "tables"), [(1000, 1), (120, 2), (80, 3), (50, 9)])
def test_a_narrow_terminal_gets_several_tables_and_every_cell_whole(width, tables):
    stream = io.StringIO()
    print_table(Console(file=stream, width=width), COLUMNS, ROWS, "a title")
    lines = stream.getvalue().splitlines()
    assert lines[0].strip() == "a title"
    assert sum(line.strip().startswith("state ") for line in lines) == tables
    text = stream.getvalue()
    for cell in [*COLUMNS[1:], *ROWS[0][1:]]:
        assert text.count(cell) == 1
    assert text.count("-5.67e+03") == 9
    assert "…" not in text
    assert max(len(line.rstrip()) for line in lines) <= width
