"""Requests of a collection: every row once, in an order that each episode can follow, whoever answers first."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynsparse.rollout import plan as planning
from dynsparse.rollout.plan import Plan
from dynsparse.workers import Message

from .toy import description, made


def reply(request):
    """Return rows as a worker would, and where the episodes stand after them."""
    episodes, meta = request.arrays["episodes"].tolist(), request.meta
    rows = made(episodes, **meta)
    assert len(rows["state"])  # nobody is asked for nothing
    return Message("collect", {}, rows | {"end_at": np.array([[e, meta["first"] + meta["steps"]] for e in episodes])})


def carry_out(plan, workers, order):
    """Serve a plan with workers that answer in a drawn order; return the blocks."""
    blocks, todo, busy = {}, list(range(len(plan))), {}
    while todo or busy:
        while len(busy) < workers and (index := next((i for i in todo if plan.ready(i)), None)) is not None:
            todo.remove(index)
            busy[index] = plan[index]
        assert busy, "nothing can be done, and nothing is"
        index = sorted(busy)[order(len(busy))]
        request = busy.pop(index)
        if request.meta["first"]:  # it goes on where these episodes stood
            at = [[e, request.meta["first"]] for e in request.arrays["episodes"].tolist()]
            assert request.arrays["at"].tolist() == at
        for number, arrays in plan.take(index, reply(request)):
            assert number not in blocks
            blocks[number] = arrays
    return blocks


@given(
    rows=st.integers(1, 400),
    steps=st.integers(1, 9),
    per_block=st.integers(1, 20),
    workers=st.integers(1, 3),
    most=st.integers(1, 60),
    at_once=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
def test_every_block_is_made_whatever_the_order_of_the_replies(rows, steps, per_block, workers, most, at_once, seed):
    toy = description(rows, steps, per_block)
    rng = np.random.default_rng(seed)
    missing = [number for number in range(toy.blocks) if rng.random() < 0.8]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "REQUEST_ROWS", most)
        patch.setattr(planning, "EPISODES_AT_ONCE", at_once)
        plan = Plan(toy, missing, workers)
        blocks = carry_out(plan, workers, lambda count: int(rng.integers(count)))
    assert sorted(blocks) == missing
    assert not plan._ends and not plan._waves  # nothing is held that nobody waits for
    for number, arrays in blocks.items():
        place = toy.block_rows(number)
        episode, t = np.divmod(np.arange(place.start, place.stop), steps)
        np.testing.assert_array_equal(arrays["state"], np.stack([100.0 * episode + t, -t], axis=1))
        np.testing.assert_array_equal(arrays["jac_action"][:, 0, 0], 100.0 * episode + t)


def test_every_worker_has_something_to_do_from_the_start():
    plan = Plan(description(rows=64 * 3, per_block=64), [0], 3)
    assert sum(plan.ready(index) for index in range(len(plan))) >= 3


def test_only_two_waves_are_held():
    toy = description(rows=128 * 64, steps=128, per_block=16)
    plan = Plan(toy, range(toy.blocks), 1)
    first = [plan._pieces[index].wave for index in range(len(plan)) if plan.ready(index)]
    assert set(first) == {0, 1} and toy.blocks == 4
    list(plan.take(0, reply(plan[0])))
    assert {plan._pieces[index].wave for index in range(len(plan)) if plan.ready(index)} == {0, 1, 2}


def test_coverage_asks_for_neighbours_alone_and_shares_them_out():
    toy = description(rows=3000, steps=1, per_block=1000, states="coverage")
    plan = Plan(toy, [0, 2], 3)
    asked = [(request.kind, request.meta["first"], request.meta["rows"]) for request in plan]
    assert asked == [("cover", 0, 667), ("cover", 667, 333), ("cover", 2000, 667), ("cover", 2667, 333)]
    assert all(plan.ready(index) for index in range(len(plan)))


def test_short_episodes_fill_their_requests():
    toy = description(rows=7 * 20_000, steps=7, per_block=8192)
    plan = Plan(toy, range(toy.blocks), 2)
    sizes = [len(request.arrays["episodes"]) for request in plan]
    assert sum(sizes) == 20_000
    assert 250 < min(sizes) <= max(sizes) <= 18 * 16  # 288 episodes of 7 steps are 2016 rows


def test_an_episode_that_is_over_is_not_asked_for():
    plan = Plan(description(rows=5000 + 100, steps=5000), [0], 2)
    asked = [(plan._pieces[i].episodes.tolist(), plan._pieces[i].first) for i in range(len(plan))]
    assert asked == [([0], 0), ([1], 0), ([0], 2048), ([0], 4096)]
    assert [plan._pieces[i].before for i in range(len(plan))] == [-1, -1, 0, 2]


def test_memory_is_reckoned_in_the_type_that_is_computed_in():
    small, large = (dataclasses.replace(description(), dtype=dtype) for dtype in ("float32", "float64"))
    assert planning.row_bytes(small) == planning.row_bytes(large) == 8 * (4 + 2 + 2 * 2 + 2 + 1 + 2 + 2) + 5


def test_what_is_lost_is_named_to_the_end_of_its_episodes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "REQUEST_ROWS", 4)
        plan = Plan(description(rows=11, per_block=2), [0, 1], 1)
    lost = {(request.arrays["episodes"].tolist()[0], request.meta["first"]): i for i, request in enumerate(plan)}
    assert plan.rows(lost[0, 0]).tolist() == list(range(11))
    assert plan.rows(lost[0, 1]).tolist() == [1, 2, 4, 5, 7, 8, 10]
