"""Queue of units: the order in which hands get them, written out by hand."""

from __future__ import annotations

from dynsparse.executor.unit_queue import UnitQueue

from .conftest import toy


def queue_of(groups: str, attempts: int = 2) -> UnitQueue:
    """Return a queue of one unit for each letter, which is its group; a dot has none."""
    return UnitQueue([toy("square", group="" if g == "." else g, n=n) for n, g in enumerate(groups)], attempts)


def take(queue: UnitQueue, hand: str) -> int | None:
    unit = queue.take(hand)
    return None if unit is None else unit.arguments["n"]


def test_units_without_a_group_come_in_their_order():
    queue = queue_of("...")
    assert [take(queue, "a"), take(queue, "b")] == [0, 1]
    queue.finish("b")
    assert take(queue, "b") == 2
    queue.finish("a")
    assert take(queue, "a") is None and queue.waiting == 0 and queue.unfinished == 1


def test_each_hand_stays_with_its_group():
    queue = queue_of("AABBA")
    assert [take(queue, "a"), take(queue, "b")] == [0, 2]  # not 1: another hand is at A
    queue.finish("b")
    assert take(queue, "b") == 3
    queue.finish("a")
    assert take(queue, "a") == 1


def test_idle_hand_helps_another_group():
    queue = queue_of("AAAA")
    assert [take(queue, "a"), take(queue, "b")] == [0, 1]
    queue.finish("b")
    assert take(queue, "b") == 2


def test_hand_that_has_finished_its_group_begins_one_that_nobody_is_at():
    queue = queue_of("ABBAC")
    assert [take(queue, "a"), take(queue, "b")] == [0, 1]
    queue.finish("a")
    assert take(queue, "a") == 3
    queue.finish("a")
    assert take(queue, "a") == 4  # C, though the B before it waits: a hand is at B


def test_lost_unit_comes_first_again_and_only_so_often():
    queue = queue_of("..", attempts=2)
    assert [take(queue, "a"), take(queue, "b")] == [0, 1]
    unit, again = queue.lose("b")
    assert (unit.arguments["n"], again, queue.held("b")) == (1, True, None)
    assert take(queue, "c") == 1
    unit, again = queue.lose("c")
    assert (unit.arguments["n"], again) == (1, False)
    queue.finish("a")
    assert queue.unfinished == 0


def test_hand_that_is_lost_with_nothing_in_it_changes_nothing():
    queue = queue_of(".")
    assert queue.lose("a") == (None, False)
    assert take(queue, "a") == 0
