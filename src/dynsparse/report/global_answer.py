"""Global answer: in how many environments elements are always zero (Q1)."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis import SparsityReport
from dynsparse.report.answer import Answer, named_of
from dynsparse.report.cause import Cause
from dynsparse.report.cause_switches import joined
from dynsparse.report.paper_numbers import paper_claim
from dynsparse.report.table1 import paper_table1

__all__ = ["answer_q1"]


def answer_q1(reports: Sequence[SparsityReport], reasons: Sequence[Cause] = ()) -> Answer:
    """Say in how many environments elements are always zero, beside what the paper says.

    Args:
        reports: Analyses, one an environment.
        reasons: Sentences on Table 1; those on a departure from the paper's count are said here too.

    Returns:
        The answer to Q1.
    """
    found = {
        report.environment: 100 * report.global_sparsity.state.fraction
        for report in reports
        if report.global_sparsity.state.always_zero_count
    }
    some = f"{len(found)} of {len(reports)} environments have"
    if len(reports) == 1:
        some = f"{reports[0].environment} has"
    if found:
        least, most = min(found.values()), max(found.values())
        share = f"{most:.2f} %" if f"{least:.2f}" == f"{most:.2f}" else f"{least:.2f} to {most:.2f} %"
        short = f"{some} elements of ∂s'/∂s that are zero in every row, {share} of the block"
    else:
        short = f"No element of ∂s'/∂s is zero in every row of {named_of(reports)}"
    compared = [report for report in reports if report.environment in paper_table1()]
    short += f"; the paper says {_papers_range()}." if compared else "."
    return Answer(short, (*_against_paper(compared), *_departures(compared, reasons), *_about_actions(reports), _BOUND))


_BOUND = (
    "These counts bound from above how many elements are zero at every state: a row more can only lower them, so there "
    "is no interval."
)


def _papers_range() -> str:
    least, most = paper_claim("global-least"), paper_claim("global-most")
    count, all_ = paper_claim("global-environments"), len(paper_table1())
    return f"{count:.0f} of {all_}, {least:.2f} to {most:.2f} %"


def _against_paper(compared: Sequence[SparsityReport]) -> list[str]:
    """Say where both counts are the paper's and where they are not."""
    if not compared:
        return []
    different = []
    for report in compared:
        printed = paper_table1()[report.environment]
        blocks = report.global_sparsity
        counts = (blocks.state.always_zero_count, blocks.action.always_zero_count)
        if counts != (printed.always_zero_state, printed.always_zero_action):
            theirs = f"{printed.always_zero_state} and {printed.always_zero_action}"
            different.append(f"{report.environment} ({counts[0]} and {counts[1]}, the paper {theirs})")
    same = len(compared) - len(different)
    said = f"Both counts are the paper's in {same} of {len(compared)} of its environments"
    if not different:
        return [f"{said}."]
    return [f"{said}; not in {joined(different)}, of ∂s'/∂s and ∂s'/∂a."]


def _departures(compared: Sequence[SparsityReport], reasons: Sequence[Cause]) -> list[str]:
    """Say where a count that is not the paper's comes from, as far as that is known."""
    names = {report.environment for report in compared}
    return [cause.text for cause in reasons if cause.kind == "departure" and cause.environment in names]


def _about_actions(reports: Sequence[SparsityReport]) -> list[str]:
    found = [
        f"{report.environment} ({count:,})"
        for report in reports
        if (count := report.global_sparsity.action.always_zero_count)
    ]
    if not found:
        return ["No element of ∂s'/∂a is zero in every row."]
    return [f"Elements of ∂s'/∂a that are zero in every row: {joined(found)}."]
