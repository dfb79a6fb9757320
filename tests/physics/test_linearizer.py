"""Chunks of rows, and what is left when a worker is lost."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import WorkerError
from dynsparse.physics.linearizer import CHUNK_ROWS, Linearizer, chunk_rows, close_workers, shared_linearizer
from dynsparse.workers import Message


class OneChunkLost:
    """Stands in for a pool: every request is answered by constants, but for the one at ``lost``."""

    ready: tuple[dict[str, object], ...] = ()

    def __init__(self, lost):
        self.lost = lost
        self.sizes = []

    def run(self, requests, on_reply=None):
        answers = []
        for index, request in enumerate(requests):
            rows = len(request.arrays["states"])
            self.sizes.append(rows)
            if index == self.lost:
                answers.append(WorkerError("Worker 7 was killed by SIGKILL", (index,)))
                continue
            arrays = {
                "next_state": np.full((rows, 4), float(index)),
                "next_warmstart": np.zeros((rows, 2)),
                "jac_state": np.full((rows, 4, 4), float(index)),
                "jac_action": np.zeros((rows, 4, 1)),
                "finite": np.ones(rows, dtype=bool),
                "solver_residual": np.zeros(rows),
                "active": np.ones((rows, 5), dtype=bool),
            }
            answers.append(Message(request.kind, {}, arrays))
        return answers

    def close(self):
        pass


def test_few_rows_still_occupy_several_workers_and_chunks_depend_on_the_number_of_rows_alone():
    assert [chunk_rows(n) for n in (1, 64, 256, 1000, 4096, 10**6)] == [64, 64, 64, 128, CHUNK_ROWS, CHUNK_ROWS]


def test_the_rows_of_a_lost_worker_are_named_and_the_others_kept(cartpole, random_rows):
    linearizer = Linearizer(cartpole)
    linearizer.close()
    linearizer._pool = OneChunkLost(lost=1)
    states, actions = random_rows(cartpole, 300)
    with pytest.raises(WorkerError) as raised:
        linearizer.linearize(states, actions)
    assert linearizer._pool.sizes == [64, 64, 64, 64, 44]
    assert raised.value.rows == tuple(range(64, 128))
    assert "CartpoleBalance: rows 64-127 of 300 have no result. Worker 7 was killed" in str(raised.value)
    partial = raised.value.partial
    assert partial.finite.sum() == 300 - 64
    assert not partial.finite[64:128].any()
    assert np.isnan(partial.jac_state[64:128]).all()
    assert (partial.jac_state[256:] == 4.0).all()


def test_kept_workers_are_found_again_by_what_they_simulate_and_bounded_in_number(cartpole):
    from dynsparse.physics.environment import load_environment

    close_workers()
    kept = shared_linearizer(cartpole, "exact", 1)
    assert shared_linearizer(load_environment("CartpoleBalance"), "exact", 1) is kept
    for workers in (2, 3, 4, 5):  # nothing is started before the first rows
        shared_linearizer(cartpole, "exact", workers)
    assert shared_linearizer(cartpole, "exact", 1) is not kept
    close_workers()
