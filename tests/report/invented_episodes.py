"""Numbers of episodes that nobody measured, to go beside an analysis."""

from __future__ import annotations

import numpy as np

from dynsparse.analysis import EpisodeRecord
from dynsparse.analysis.files import hash_arrays


def invented_episodes(report, *, returns, sparsity=(0.3, 0.3, 0.3), switches=(0.1, 0.1, 0.1), short=(9, 9, 9), **more):
    """Episodes of 1,000 finite steps with these shares, and of 10 zero stretches these many short ones."""
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
    }  # fmt: skip
    return EpisodeRecord(**(values | more))
