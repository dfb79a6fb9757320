"""Text tables: what is special in a format is not what it was taken for."""

from __future__ import annotations

import csv
import io

from dynsparse.report.text_table import csv_table, latex_table, markdown_table


def test_csv_keeps_digits_commas_and_gaps():
    text = csv_table(("a", "b"), [("x, y", 1 / 3), ("z", None)])
    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ["x, y", repr(1 / 3)], ["z", ""]]
    assert "\r" not in text


def test_markdown_aligns_and_escapes():
    assert markdown_table(("a", "b"), [("x|y", "1")]).splitlines() == ["| a | b |", "| --- | ---: |", "| x\\|y | 1 |"]


def test_latex_escapes_what_is_a_command_there():
    text = latex_table(("a_b", "95 %"), [("[1, 2]", "\\x & {y}")], "50 % of $N$", "tab:x", ("~^#",))
    lines = text.splitlines()
    assert r"a\_b & 95 \% \\" in lines
    # After a line's end a bracket would be read as the space to leave.
    assert r"{}[1, 2] & \textbackslash{}x \& \{y\} \\" in lines
    assert r"\caption{50 \% of \$N\$}" in lines
    assert r"{\footnotesize \textasciitilde{}\textasciicircum{}\#\par}" in lines
    assert "footnotesize" not in latex_table(("a", "b"), [("x", "y")], "c", "tab:x")
    assert lines[0] == r"% needs \usepackage{booktabs}"
    assert lines[3] == r"\begin{tabular}{lr}"
    assert [lines.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_latex_needs_no_letter_that_plain_pdflatex_lacks():
    text = latex_table(("∂s'/∂s", "R²"), [("|x| < 1e-15", "> 50"), ("1 ± 2", "3 → 5")], "∂s'/∂a", "tab:x")
    assert text.isascii()
    assert r"$\partial$s'/$\partial$s & R\textsuperscript{2} \\" in text
    assert r"\textbar{}x\textbar{} \textless{} 1e-15 & \textgreater{} 50 \\" in text


def test_a_table_that_is_too_wide_for_a_page_is_cut_into_parts_that_each_say_what_a_row_is_of():
    columns = [f"c{place}" for place in range(13)]
    text = latex_table(columns, [[f"x{place}" for place in range(13)]], "c", "tab:x", keys=2)
    rows = [line for line in text.splitlines() if line.startswith("x0")]
    assert rows == [
        r"x0 & x1 & x2 & x3 & x4 & x5 & x6 & x7 \\",
        r"x0 & x1 & x8 & x9 & x10 & x11 & x12 \\",
    ]
    assert [line for line in text.splitlines() if "begin{tabular}" in line] == [
        r"\begin{tabular}{llrrrrrr}",
        r"\begin{tabular}{llrrrrr}",
    ]
    assert text.count(r"\caption") == text.count(r"\label") == 1
    assert latex_table(columns[:8], [columns[:8]], "c", "tab:x").count(r"\begin{tabular}") == 1


def test_a_table_that_is_too_long_for_a_page_goes_on_on_the_next():
    text = latex_table(("a", "b"), [(str(row), "1") for row in range(41)], "c", "tab:x")
    assert text.startswith("% needs \\usepackage{booktabs} \\usepackage{longtable}\n")
    assert text.count(r"a & b \\") == 2  # on the first page, and on each that follows
    assert text.count(r"\caption{c}\label{tab:x}\\") == 1
    assert r"\begin{table}" in latex_table(("a", "b"), [("x", "1")] * 40, "c", "tab:x")


def test_cells_of_many_words_are_broken_into_lines():
    text = latex_table(("a", "b", "c"), [("x", "word " * 8, "1")], "c", "tab:x")
    assert r"\begin{tabular}{l>{\raggedright\arraybackslash}p{0.50\linewidth}r}" in text
    assert text.splitlines()[0].endswith(r"\usepackage{array}")
