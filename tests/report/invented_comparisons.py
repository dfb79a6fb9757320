"""Records of compared derivatives and policies, from Jacobians of two states and one action."""

from __future__ import annotations

import numpy as np

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.analysis.derivative_variant import EXACT, compare_jacobians
from dynsparse.analysis.element_groups import ElementGroup, ElementRow
from dynsparse.analysis.episode_sparsity import EpisodeSparsityCount
from dynsparse.analysis.policy_record import PolicyRecord, PolicyRows
from dynsparse.analysis.rows import RowBlock

STEPS, EPISODES = 10, 4
NUMBER = np.repeat(np.arange(EPISODES), STEPS)
T = np.tile(np.arange(STEPS), EPISODES)
NAMES = ("qpos slider", "qvel slider"), ("push",)


def stack(zeros=0):
    """Rows of ones, in which ``zeros`` elements, counted from the first, are zero."""
    flat = np.ones((EPISODES * STEPS, 6))
    flat[:, :zeros] = 0.0
    return flat.reshape(-1, 2, 3)


def split(whole):
    return whole[:, :, :2], whole[:, :, 2:]


def derivatives(environment, plain, single, exact=None, scores=()):
    exact = stack(2) if exact is None else exact
    pairs = {EXACT: split(exact), ("autodiff", "float64"): split(plain), ("autodiff", "float32"): split(single)}
    variants = compare_jacobians(pairs, NUMBER, T, atol=1e-15)
    first = np.zeros(EPISODES, dtype=np.int64)
    return DerivativeRecord(environment, "paper", 1e-15, *NAMES, np.arange(EPISODES), first, variants, scores, {})


def policy_rows(policy, whole, active, returns=1.0):
    count = EpisodeSparsityCount(2, 1, temporal=policy != "coverage")
    count.update(RowBlock.from_arrays(*split(whole), 1e-15, episode=NUMBER, t=T))
    on = np.asarray(active, dtype=np.int64).reshape(EPISODES, 1)
    return PolicyRows(policy, count.result(), np.full(EPISODES, returns), on, on[:, 0], {"name": policy})


def policies(environment, missing=None):
    """Two policies: under "random" the slider's limit is on in one row of the last episode, under "paper" never."""
    moved = stack(1)
    moved[-1, 0, 0] = -3.0
    rows = (policy_rows("random", moved, [0, 0, 0, 1]), policy_rows("paper", stack(1), [0] * EPISODES))
    shown = ElementRow("random", 3, 9, (1.81, 0.0), (-3.0,), ("joint limit slider",))
    group = ElementGroup(
        ((0, 0),), ("joint limit slider",), {"random": (1,), "paper": (0,)}, {"random": 1, "paper": 0},
        {"random": 1, "paper": 0}, (3.0,), (shown,),
    )  # fmt: skip
    return PolicyRecord(
        environment, 1e-15, STEPS, *NAMES, NAMES[0], ("joint limit slider",), rows, missing or {}, (group,), {}
    )
