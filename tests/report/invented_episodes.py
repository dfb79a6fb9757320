"""Numbers of episodes that nobody measured, to go beside an analysis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dynsparse.analysis import AboveRoundOff, EpisodeRecord
from dynsparse.analysis.files import hash_arrays
from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.report.counted_numbers import count_numbers


def invented_episodes(
    report, *, kind=EpisodeRecord, returns, sparsity=(0.3, 0.3, 0.3), switches=(0.1, 0.1, 0.1), short=(9, 9, 9), **more
):
    """Episodes of 1,000 finite steps with these shares, and of 10 zero stretches these many short ones."""
    if kind is AboveRoundOff:
        more = {"atol": ABOVE_ROUND_OFF} | more
    count, states, actions = len(returns), len(report.state_names), len(report.action_names)
    steps = np.full(count, 1000)
    zeros = np.round(np.array(sparsity) * 1000 * states * (states + actions)).astype(np.int64)
    values = {
        "environment": report.environment, "policy": report.policy, "atol": report.atol,
        "state_elements": states**2, "action_elements": states * actions, "has_time": True,
        "analysis_sha256": hash_arrays(report.to_arrays()), "returns": np.array(returns, dtype=float),
        "full": np.ones(count, dtype=bool), "steps": steps, "finite": steps,
        "zeros_state": zeros, "zeros_action": zeros * 0, "pairs": steps - 1,
        "switches": np.round(np.array(switches) * 999).astype(np.int64), "stretches": np.full(count, 10),
        "stretch_steps": np.full(count, 80), "short_stretches": np.array(short), "provenance": {"command": "invented"},
        "distinct_patterns": report.local.distinct_patterns, "later_patterns": report.local.distinct_patterns,
        "censored_stretches": np.full(count, 2), "short_censored_stretches": np.minimum(short, 1),
        "nonzero_stretches": np.full(count, 20), "nonzero_stretch_steps": np.full(count, 400),
        "shorter_nonzero_stretches": np.full(count, 10), "shorter_nonzero_stretch_steps": np.full(count, 100),
    }  # fmt: skip
    return kind(**(values | more))


def with_patterns(report, patterns):
    """The same analysis with another number of patterns."""
    return replace(report, local=replace(report.local, distinct_patterns=patterns))


def counted_twice(report, *, chosen, above, patterns=(2, 2), **numbers):
    """Numbers of an environment whose switch rates, by episode, and patterns differ between two thresholds."""
    report = with_patterns(report, patterns[0])
    numbers = {"returns": [1.0] * len(chosen), "sparsity": [0.3] * len(chosen), "short": [9] * len(chosen)} | numbers
    record = invented_episodes(report, switches=chosen, **numbers)
    second = invented_episodes(
        report, kind=AboveRoundOff, switches=above, **numbers, distinct_patterns=patterns[1], later_patterns=patterns[1]
    )
    return count_numbers(report, record, second)
