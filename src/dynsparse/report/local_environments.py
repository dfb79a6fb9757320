"""Local environments: which have local sparsity to speak of, zeros of some rows only, and what the others have."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.cause_switches import joined
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.horizon_numbers import LEAST_LOCAL

__all__ = ["LEAST", "about_without_local", "has_local", "local_size", "local_sparsity"]

LEAST = f"{100 * LEAST_LOCAL:g} %"
"""Share of the elements below which nothing is said to be local, as over a planning horizon."""


def local_sparsity(found: CountedNumbers) -> EpisodeMean:
    """Return the share of elements that are zero in a row beyond those that are zero in every row.

    Args:
        found: Numbers at one threshold.

    Returns:
        The mean with its interval; without a value where it is not known how many elements are always zero.
    """
    always, zeros = found.always, found.sparsity
    if always is None or zeros.value is None:
        return EpisodeMean(None, None, None, 0)
    bounds = (0.0, 1.0 - always)
    if found.patterns == 1:
        # By subtraction, rounding would leave something.
        ends = None if zeros.low is None else 0.0
        return EpisodeMean(0.0, ends, ends, zeros.episodes, bounds)
    value, low, high = (None if end is None else end - always for end in (zeros.value, zeros.low, zeros.high))
    return EpisodeMean(value, low, high, zeros.episodes).within(bounds)


def has_local(one: Counted) -> bool:
    """Whether an environment's local sparsity is large enough to speak of, or larger than nothing and not known."""
    share = local_sparsity(one.lead).value
    return one.lead.patterns > 1 and (share is None or share >= LEAST_LOCAL)


def local_size(found: CountedNumbers) -> str:
    """Write a local sparsity that is too small to speak of: ``"0.002 %"``, or ``"none"``."""
    share = local_sparsity(found).value
    return f"{100 * share:.1g} %" if share and found.patterns > 1 else "none"


def about_without_local(counted: Sequence[Counted]) -> str:
    """Say who has no local sparsity to speak of, and what they have.

    Args:
        counted: Numbers, one an environment.

    Returns:
        To stand in a sentence, such as ``"less than 0.05 % in CartpoleBalance (0.002 %), none in ReacherHard"``; empty
        where all have some.
    """
    none = [one.environment for one in counted if one.lead.patterns == 1]
    few = [one for one in counted if one.lead.patterns > 1 and not has_local(one)]
    hardly = [f"{one.environment} ({local_size(one.lead)})" for one in few]
    parts = [f"less than {LEAST} in {joined(hardly)}"] if hardly else []
    return ", ".join([*parts, *([f"none in {joined(none)}"] if none else [])])
