"""Cause section: why elements are zero, as part of the page; and the bars beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.errors import InputError
from dynsparse.report.cause_bars import draw_cause_bars
from dynsparse.report.cause_heatmap import draw_cause_heatmap
from dynsparse.report.cause_looks import LOOKS
from dynsparse.report.cause_sentences import about_causes
from dynsparse.report.cause_switches import joined
from dynsparse.report.figure import drawn_once
from dynsparse.report.item import FigureItem
from dynsparse.report.markup import details, element, make_table, text
from dynsparse.report.picture import picture
from dynsparse.report.quantities import percent

__all__ = ["cause_items", "cause_section", "check_causes"]

_BARS = "causes"
_COLUMNS = ("environment", *(look.name for look in LOOKS), "zero in all", "rows")
_MEANING = "the element is zero in this row because"
_NOT_ZERO = "none"
_WHOLE_BAR = (
    "The whole bar is the mean sparsity of the rows that were explained. They are counted over all episodes together, "
    "so that there is no interval."
)
_INTRODUCTION = (
    "A cause stands for one element in one row. The first rule that holds decides: what is off wins over a path that "
    "is missing, often for that reason."
)
_RULES = (
    ("contact-off", "no contact joins two bodies; in the rows looked at it is not zero only while one of these is on"),
    ("limit-off", "a limit of a joint or tendon is off, likewise"),
    ("clamped", "a clamp holds, without which the program would have a path from the input to the output"),
    ("structural", "the program of the step has no path from the input to the output in this row"),
    ("symmetry", "there is a path, and moving the whole body along that coordinate changes nothing else"),
    (
        "numerical",
        "below the threshold all the same: a factor that is zero at this state, such as a velocity at rest, or numbers "
        "that cancel",
    ),
)


def check_causes(reports: Sequence[SparsityReport], causes: Mapping[str, CauseRecord]) -> None:
    """Refuse causes that are not those of the analyses.

    Args:
        reports: Analyses, one an environment.
        causes: Causes by environment.

    Raises:
        InputError: A record is of other variables, or of another threshold; says which.
    """
    for report in reports:
        record = causes.get(report.environment)
        if record is None:
            continue
        there = (record.environment, record.state_names, record.action_names)
        if there != (report.environment, report.state_names, report.action_names):
            raise InputError(
                f"expected causes of {report.environment}'s {len(report.state_names)} state variables and "
                f"{len(report.action_names)} actions, got those of {record.environment} with {len(record.state_names)} "
                f"and {len(record.action_names)}; make them again: dynsparse causes DATASET --out DIR --overwrite"
            )
        if record.atol != report.atol:
            raise InputError(
                f"expected causes of {report.environment} at |x| < {report.atol:g}, as its analysis, got them at "
                f"{record.atol:g}; make them again: dynsparse causes DATASET --atol {report.atol!r} --overwrite"
            )


def cause_section(reports: Sequence[SparsityReport], causes: Mapping[str, CauseRecord]) -> str:
    """Return what the page says about causes.

    Args:
        reports: Analyses, one an environment.
        causes: Causes by environment; those missing are said to be missing.

    Returns:
        HTML.
    """
    records = [causes[report.environment] for report in reports if report.environment in causes]
    missing = [report.environment for report in reports if report.environment not in causes]
    parts = [element("p", text(_INTRODUCTION)), _rules()] if records else []
    if missing:
        said = (
            f"There is no record of causes of {joined(missing)}: dynsparse causes DATASET --out DIR makes it, in the "
            "folder of its analysis."
        )
        parts.append(element("p", text(said)))
    if records:
        caption = "Share of all elements in all rows that are zero, by cause"
        parts.append(make_table(caption, _COLUMNS, [_cells(record) for record in records]))
        figures = [_bars(records)]
        figures += [_heatmap(report, causes[report.environment]) for report in reports if report.environment in causes]
        parts.append(element("div", *figures, class_="figures"))
        if any(record.constraint_names for record in records):
            parts.append(details("How often each contact and limit was on", _switches(records)))
    return "".join(parts)


def cause_items(records: Sequence[CauseRecord]) -> tuple[FigureItem, ...]:
    """Return the figures of causes as items of a report, ``causes`` and ``causes-ENV``, to be written as files.

    Args:
        records: Causes, one an environment, in the order in which they are shown.

    Returns:
        The bars of all environments, then a heat map of each; none without a record.
    """
    if not records:
        return ()
    bars = FigureItem(
        _BARS, "Zeros by cause", "", _about_bars(records), (_WHOLE_BAR,), drawn_once(partial(draw_cause_bars, records))
    )
    maps = (
        FigureItem(
            f"{_BARS}-{record.environment}",
            f"Causes: {record.environment}",
            "",
            _about_map(record.environment),
            (),
            drawn_once(partial(draw_cause_heatmap, record)),
            record.environment,
        )
        for record in records
    )
    return (bars, *maps)


def _about_bars(records: Sequence[CauseRecord]) -> str:
    of = f"{len(records)} environments" if len(records) > 1 else records[0].environment
    return f"bars of {of}: the share of elements that are zero, stacked by cause"


def _about_map(environment: str) -> str:
    return f"{environment}: heat map of the most frequent cause of each element's zeros"


def _rules() -> str:
    """List the labels in the order of their rules; what they mean is prose, which wraps."""
    head = element("tr", element("th", "label", scope="col"), element("th", text(_MEANING), scope="col"))
    lines = [element("tr", element("th", text(name), scope="row"), element("td", text(said))) for name, said in _RULES]
    return element("table", element("thead", head), element("tbody", *lines), class_="meanings")


def _switches(records: Sequence[CauseRecord]) -> str:
    cells = []
    for record in records:
        for name, members, rows in zip(record.constraint_names, record.members, record.active_rows, strict=True):
            zeros = record.off.get(name, 0) / max(record.pairs, 1)
            cells.append((record.environment, name, len(members), f"{rows:,} of {record.looked_at:,}", percent(zeros)))
    columns = ("environment", "contact or limit", "constraints", "on in rows", "zeros while it is off")
    return make_table("Contacts and limits in the rows looked at", columns, cells, words=("contact or limit",))


def _cells(record: CauseRecord) -> list[str]:
    pairs, counts = max(record.pairs, 1), record.by_label
    shares = [percent(counts[look.name] / pairs) for look in LOOKS]
    return [record.environment, *shares, percent(1 - counts[_NOT_ZERO] / pairs), f"{record.rows:,}"]


def _bars(records: Sequence[CauseRecord]) -> str:
    return picture(
        partial(draw_cause_bars, records),
        name="cause-bars",
        label=_about_bars(records),
        title="Zeros by cause",
        sentences=_WHOLE_BAR,
    )


def _heatmap(report: SparsityReport, record: CauseRecord) -> str:
    sparsity = report.global_sparsity
    always = {"state": sparsity.state.always_zero, "action": sparsity.action.always_zero}
    return picture(
        partial(draw_cause_heatmap, record),
        name="cause-heatmap",
        label=_about_map(report.environment),
        title=report.environment,
        sentences=" ".join(about_causes(record, always)),
    )
