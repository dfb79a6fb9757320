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
    assert lines[3] == r"\begin{tabular}{lr}"
    assert [lines.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_latex_needs_no_letter_that_plain_pdflatex_lacks():
    text = latex_table(("∂s'/∂s", "R²"), [("|x| < 1e-15", "> 50"), ("1 ± 2", "3 → 5")], "∂s'/∂a", "tab:x")
    assert text.isascii()
    assert r"$\partial$s'/$\partial$s & R\textsuperscript{2} \\" in text
    assert r"\textbar{}x\textbar{} \textless{} 1e-15 & \textgreater{} 50 \\" in text
