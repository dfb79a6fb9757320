"""Explore budget: what a folder with everything would take, told before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dynsparse.errors import SettingError
from dynsparse.report.explore_folder import most_steps, rollout_bytes

if TYPE_CHECKING:
    from dynsparse.cli.explore_source import Source
    from dynsparse.dataset import Dataset

__all__ = ["check_folder_budget", "steps_of_rollout"]

_MIB = 2**20


def steps_of_rollout(dataset: Dataset) -> int:
    """Return how many steps of each rollout of a data set a folder holds at most."""
    description = dataset.description
    tangent = len(description.tangent_names)
    return most_steps(tangent * (tangent + len(description.action_names)))


def check_folder_budget(sources: Sequence[Source], most_mib: float, frame_every: int | None) -> None:
    """Refuse a folder of more than so many MiB.

    Args:
        sources: The data sets.
        most_mib: What it may take.
        frame_every: Steps from one frame to the next; None without frames.

    Raises:
        SettingError: It would take more; says how much, and which data set most of it.
    """
    sizes = {source.title: _bytes(source.dataset, frame_every) / _MIB for source in sources}
    if sum(sizes.values()) <= most_mib:
        return
    largest = max(sizes, key=lambda title: sizes[title])
    rows = next(source.dataset.rows for source in sources if source.title == largest)
    raise SettingError(
        f"--full would write about {_told(sum(sizes.values()))} MiB, more than the {_told(most_mib)} it may take, of "
        f"them {_told(sizes[largest])} for {largest} ({rows:,} rows); leave --full out, name a smaller data set, or "
        "allow more with --budget-mib"
    )


def _told(mib: float) -> str:
    return f"{mib:,.0f}" if mib >= 10 else f"{mib:.2g}"


def _bytes(dataset: Dataset, frame_every: int | None) -> int:
    description = dataset.description
    tangent = len(description.tangent_names)
    elements = tangent * (tangent + len(description.action_names))
    rollouts = dataset.episodes if description.states == "rollout" else 1
    steps = min(-(-dataset.rows // rollouts), most_steps(elements))
    return rollouts * rollout_bytes(steps, elements, frame_every)
