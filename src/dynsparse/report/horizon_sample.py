"""Horizon sample: from how many starts, roll-outs and rows of how many episodes the numbers of a horizon are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.cause_switches import joined
from dynsparse.report.quantities import number
from dynsparse.report.said_once import by_what_is_said

__all__ = ["about_length_rows", "about_roll_out_starts", "about_starts"]


def about_starts(records: Sequence[HorizonRecord]) -> str:
    """Say from how many starts of how many episodes products are, and how many episodes were too short."""

    def words(record: HorizonRecord) -> str:
        starts, episodes = int(record.product.starts.sum()), number(len(record.product.starts), "episode")
        left_out = f", {record.left_out:,} more without so many finite rows left out" if record.left_out else ""
        steps = number(record.horizon, "control step")
        return f"{number(starts, 'start')} in {episodes}{left_out}, each followed for {steps}"

    return _listed("Products are from", records, words)


def about_roll_out_starts(records: Sequence[HorizonRecord]) -> str:
    """Say how many roll-outs of how many episodes were differentiated; empty where none was."""

    def words(record: HorizonRecord) -> str:
        found = record.rollout
        if found is None:
            return ""
        starts, episodes = number(int(found.starts.sum()), "start"), number(len(found.starts), "episode")
        return f"{starts} in {episodes} ({number(found.rows, 'row')})"

    return _listed("Roll-outs are from", records, words)


def about_length_rows(records: Sequence[HorizonRecord]) -> str:
    """Say from how many rows control steps of several lengths begin; empty where there are none."""

    def words(record: HorizonRecord) -> str:
        found = record.step_length
        if found is None:
            return ""
        lost = f", {found.left_out:,} more not finite at every length left out" if found.left_out else ""
        return f"{number(int(found.rows.sum()), 'row')} of {number(len(found.rows), 'episode')}{lost}"

    return _listed("Steps begin at", records, words)


def _listed(begin: str, records: Sequence[HorizonRecord], words: Callable[[HorizonRecord], str]) -> str:
    groups = by_what_is_said((record.environment, said) for record in records if (said := words(record)))
    parts = [f"{said} ({joined(names)})" for said, names in groups]
    return f"{begin} {'; '.join(parts)}." if parts else ""
