"""Policy part: what changes with the data."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.config import EPISODE_STEPS
from dynsparse.report.compared_numbers import Compared, compare_numbers, corrected
from dynsparse.report.compared_table import compared_table
from dynsparse.report.episode_dots import LASTING, DotLook, DotPanel, draw_episode_dots
from dynsparse.report.episode_statistics import SHARE, STEPS_LONG, EpisodeMean, mean_over_episodes
from dynsparse.report.item import FigureItem, Part, TableItem
from dynsparse.report.policy_rows import about_rows, drawn_title
from dynsparse.report.policy_sentences import policy_sentences
from dynsparse.report.policy_table import element_table, policy_table
from dynsparse.report.threshold_sentences import about_counting

__all__ = ["policy_part"]

_TITLE = "What changes with the data"
_REFERENCE = "paper"
_KNOWN = (
    DotLook("random", "random", "#000000", "o"),
    DotLook("novice", "novice", "#56B4E9", "s"),
    DotLook("paper", "paper", "#0072B2", "^"),
    DotLook("expert", "expert", "#009E73", "D"),
    DotLook("coverage", "coverage states", "#D55E00", "v"),
)
_DRAWN = {"combined": SHARE, "zero_duration": STEPS_LONG, "switch_rate": SHARE}
_SPARE = (("#CC79A7", "P"), ("#E69F00", "X"))


def policy_part(records: Mapping[str, PolicyRecord]) -> Part:
    """Make the part from records.

    Args:
        records: By environment, in the order in which they are shown.

    Returns:
        Sentences, the figure ``policies-by-environment``, and the tables ``policies``,
        ``policies-differences`` and, where elements differ, ``policies-elements``.
        Without records, nothing but a sentence that says so.
    """
    if not records:
        return Part("policies", _TITLE, ("No policies were compared.",))
    compared = _compared(records)
    sentences = policy_sentences(records, compared, _REFERENCE)
    items: list[FigureItem | TableItem] = [
        FigureItem(
            "policies-by-environment",
            _TITLE,
            "",
            "a line an environment and a marker with a 95 % interval for each policy: share of zeros, how long "
            "elements stay zero, how often the pattern switches, rows in which a limit or contact is on",
            (about_rows(records), about_counting(record.atol for record in records.values())),
            lambda: _draw(records),
        ),
        policy_table(records),
        compared_table("policies-differences", f"{_TITLE}: differences", "policy", _REFERENCE, compared),
    ]
    elements = element_table(records)
    if elements is not None:
        items.append(elements)
    return Part("policies", _TITLE, sentences, tuple(items))


def _compared(records: Mapping[str, PolicyRecord]) -> tuple[Compared, ...]:
    rows: list[Compared] = []
    for name, record in records.items():
        reference = record.rows_of(_REFERENCE)
        for found in record.policies:
            other = None if reference is None or found is reference else reference.sparsity
            rows += compare_numbers(name, found.policy, found.sparsity, other, paired=False)
    return corrected(rows)


def _draw(records: Mapping[str, PolicyRecord]) -> Figure:
    numbers: dict[str, dict[tuple[str, str], EpisodeMean]] = {name: {} for name in (*_DRAWN, "active")}
    for name, record in records.items():
        for rows in record.policies:
            numbers["active"][name, rows.policy] = mean_over_episodes(rows.active_share, SHARE)
            for field, bounds in _DRAWN.items():
                numbers[field][name, rows.policy] = mean_over_episodes(getattr(rows.sparsity, field), bounds)
    panels = (
        DotPanel("zeros (Q2), %", numbers["combined"], is_share=True),
        DotPanel(LASTING, numbers["zero_duration"], bounds=STEPS_LONG, log_ends=(1.0, EPISODE_STEPS)),
        DotPanel("switches (Q3), % of steps", numbers["switch_rate"], is_share=True),
        DotPanel("limit or contact on,\n% of rows", numbers["active"], is_share=True),
    )
    there = dict.fromkeys(rows.policy for record in records.values() for rows in record.policies)
    # What is one checkpoint is measured once, and its place would be blank.
    same = {(name, policy): f"= {other}" for name, r in records.items() for policy, other in r.same_as.items()}
    title = drawn_title(_TITLE, records)
    return draw_episode_dots(title, tuple(records), _looks(tuple(there)), panels, same)


def _looks(policies: tuple[str, ...]) -> tuple[DotLook, ...]:
    known = {look.name: look for look in _KNOWN}
    others = [policy for policy in policies if policy not in known]
    spare = {name: DotLook(name, name, *_SPARE[place % len(_SPARE)]) for place, name in enumerate(others)}
    return tuple(look for look in _KNOWN if look.name in policies) + tuple(spare.values())
