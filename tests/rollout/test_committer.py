"""Blocks stored in a thread of its own: all of them, in order, and no error lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from dynsparse.errors import OutputError
from dynsparse.rollout.committer import Committer


class Writer:
    def __init__(self, failing=None, gate=None):
        self.stored, self.failing, self.gate = [], failing, gate

    def commit(self, number, arrays):
        if self.gate is not None:
            self.gate.wait(10)
        if number == self.failing:
            raise OutputError("the disk is full")
        self.stored.append((number, arrays["t"].tolist(), threading.current_thread().name))


def block(number):
    return number, {"t": np.arange(number)}


def test_everything_is_stored_in_order_before_the_end():
    writer = Writer()
    with Committer(writer) as committer:
        for number in range(30):
            committer.commit(*block(number))
    assert [number for number, _, _ in writer.stored] == list(range(30))
    assert writer.stored[3][1] == [0, 1, 2]
    assert {name for _, _, name in writer.stored} == {"dynsparse-committer"}
    assert not [thread for thread in threading.enumerate() if thread.name == "dynsparse-committer"]


def test_a_full_disk_reaches_whoever_collects_and_nothing_after_it_is_stored():
    writer = Writer(failing=2)
    with pytest.raises(OutputError, match="the disk is full"), Committer(writer) as committer:
        for number in range(1000):  # more than may wait: it is neither deaf nor stuck
            committer.commit(*block(number))
    assert [number for number, _, _ in writer.stored] == [0, 1]


def test_a_failure_of_the_last_block_is_not_lost():
    with pytest.raises(OutputError), Committer(Writer(failing=0)) as committer:
        committer.commit(*block(0))


def test_after_the_collectors_own_error_what_was_whole_is_stored():
    writer = Writer()
    with pytest.raises(ZeroDivisionError), Committer(writer) as committer:
        for number in range(5):
            committer.commit(*block(number))
        raise ZeroDivisionError
    assert [number for number, _, _ in writer.stored] == [0, 1, 2, 3, 4]


def test_after_an_interruption_what_waits_is_dropped():
    gate = threading.Event()
    writer = Writer(gate=gate)

    def interrupted():
        with Committer(writer) as committer:
            for number in range(5):
                committer.commit(*block(number))
            threading.Timer(0.2, gate.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [number for number, _, _ in writer.stored] == [0]  # the one in hand
