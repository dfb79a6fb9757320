"""Horizon part: what changes with time, as a part of a report made from records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.horizon_answer import about_all
from dynsparse.report.horizon_figures import draw_differences, draw_horizons, draw_lengths
from dynsparse.report.horizon_rollouts import about_roll_outs
from dynsparse.report.horizon_sample import about_length_rows, about_roll_out_starts, about_starts
from dynsparse.report.horizon_sentences import JACOBIANS, about_horizons, about_lengths
from dynsparse.report.horizon_table import horizon_table
from dynsparse.report.item import FigureItem, Part, TableItem
from dynsparse.report.threshold_sentences import about_counting

__all__ = ["horizon_part"]

_NAMES = ("horizon-state", "horizon-action")


def horizon_part(records: Mapping[str, HorizonRecord]) -> Part:
    """Answer whether local sparsity survives a planning horizon.

    Args:
        records: Records by environment, at least one, in the order in which they are shown.

    Returns:
        The part.
    """
    every = tuple(records.values())
    items: list[FigureItem | TableItem] = []
    for block, name in enumerate(_NAMES):
        shown = [record for record in every if record.product.sparsity[block].any()]
        if shown:  # else there is nothing to draw, as the sentences say
            items.append(_horizons(shown, block, name))
    items += _lengths([record for record in every if record.step_length is not None])
    items += _differences([record for record in every if record.rollout is not None])
    items.append(horizon_table(every))
    return Part("horizon", "What changes with time", (*about_all(every), *_in_each(every)), tuple(items))


def _in_each(records: Sequence[HorizonRecord]) -> tuple[str, ...]:
    """Say what is drawn of each environment, figure after figure."""
    lengths = [about_lengths(record, block) for record in records for block in (0, 1)]
    rolled = [record for record in records if record.rollout is not None]
    horizons = [sentence for block in (0, 1) for sentence in about_horizons(records, block)]
    return (*horizons, *filter(None, lengths), *about_roll_outs(rolled))


def _horizons(shown: Sequence[HorizonRecord], block: int, name: str) -> FigureItem:
    return FigureItem(
        name=name,
        title=f"Zeros in {JACOBIANS[block]} over control steps",
        source="",
        content=(
            "one panel an environment that has any: the share of zero elements against the number of control steps, "
            "of products of one-step Jacobians with their 95 % interval over episodes, of products of patterns, and of "
            "roll-outs with their warm start carried (the product's share, moved by the difference at the roll-outs' "
            "starts); shaded what is zero at every start"
        ),
        sentences=tuple(
            filter(
                None,
                (about_starts(shown), about_roll_out_starts(shown), about_counting(record.atol for record in shown)),
            )
        ),
        draw=partial(draw_horizons, shown, block),
    )


def _lengths(records: Sequence[HorizonRecord]) -> list[FigureItem]:
    if not records:
        return []
    return [
        FigureItem(
            name="horizon-length",
            title="Zeros against the length of a control step",
            source="",
            content=(
                "one panel an environment: the share of zero elements of the Jacobian of one control step against its "
                "length, the action held, with 95 % intervals over episodes; a line at the task's own length"
            ),
            sentences=(about_length_rows(records), about_counting(record.atol for record in records)),
            draw=partial(draw_lengths, records),
        )
    ]


def _differences(records: Sequence[HorizonRecord]) -> list[FigureItem]:
    if not records:
        return []
    return [
        FigureItem(
            name="horizon-difference",
            title="Roll-out against product",
            source="",
            content=(
                "one panel an environment: the largest difference between the derivative of the roll-out, its warm "
                "start carried, and the product of one-step Jacobians, over the largest element, against control steps"
            ),
            sentences=(about_roll_out_starts(records),),
            draw=partial(draw_differences, records),
        )
    ]
