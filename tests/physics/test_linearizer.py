"""The chunks in which workers are fed, and what is left when one of them dies."""

from __future__ import annotations

import os
import signal
import threading
import time

import mujoco
import numpy as np
import pytest

from dynsparse.errors import WorkerError
from dynsparse.physics import linearizer as linearizer_module
from dynsparse.physics.environment import environment_from_model
from dynsparse.physics.linearization import Linearization
from dynsparse.physics.linearizer import CHUNK_ROWS, Linearizer, chunk_rows, close_workers, shared_linearizer

FLOATS = ("next_state", "next_warmstart", "jac_state", "jac_action", "solver_residual")

# Compiles in two seconds: what is tested here does not depend on the model.
SLIDER = """
<mujoco><worldbody>
  <body><joint name="a" type="slide" damping="0.5"/><geom size="0.1" mass="{mass}"/></body>
</worldbody><actuator><motor joint="a"/></actuator></mujoco>
"""


def slider(mass=2.0, substeps=1):
    return environment_from_model("Slider", mujoco.MjModel.from_xml_string(SLIDER.format(mass=mass)), substeps)


@pytest.fixture(scope="module")
def linearizer(shared_cache):
    with Linearizer(slider(), workers=1) as opened:
        opened.warm_up()
        yield opened


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(600, 2)), rng.normal(size=(600, 1))


@pytest.fixture(scope="module")
def undisturbed(linearizer, rows):
    return linearizer.linearize(*rows)


@pytest.mark.parametrize(
    ("rows", "row_bytes", "size"),
    [
        (1, 48, 64),
        (64, 48, 64),
        (512, 48, 64),
        (513, 48, 128),
        (600, 48, 128),
        (2049, 3456, 320),
        (10**6, 48, 4096),
        (10**6, 3456, 576),  # WalkerRun
        (10**6, 10**5, 256),
    ],
)
def test_few_rows_go_in_small_chunks_and_many_in_large_ones(rows, row_bytes, size):
    assert chunk_rows(rows, row_bytes) == size <= CHUNK_ROWS


def test_warming_up_starts_and_compiles_and_is_measured(linearizer):
    assert len(linearizer.pids) == 1
    assert linearizer.compile_seconds > 0.1
    assert 50 < linearizer.peak_rss_mib < 4000


def test_finished_rows_are_counted_as_they_come(linearizer, rows):
    states, actions = rows
    blown = states.copy()
    blown[[3, 400], 1] = np.inf  # refused by the public functions; here it stands for a row that blows up
    counted = []
    found = linearizer.linearize(blown, actions, on_rows=lambda *count: counted.append(count))
    assert counted == [(128, 1), (256, 1), (384, 1), (512, 2), (600, 2)]
    np.testing.assert_array_equal(np.flatnonzero(~found.finite), [3, 400])


def test_an_idle_worker_that_died_is_replaced_unseen(linearizer, rows, undisturbed):
    dead = linearizer.pids[0]
    os.kill(dead, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while linearizer.pids and time.monotonic() < deadline:
        time.sleep(0.01)
    found = linearizer.linearize(*rows)
    assert dead not in linearizer.pids
    assert len(linearizer.pids) == 1
    for field in FLOATS:
        np.testing.assert_array_equal(getattr(found, field), getattr(undisturbed, field))


def dies_over_its_next_request(linearizer):
    """Let the worker die over a request that it has been given and never begins."""
    pid = linearizer.pids[0]
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()


def test_a_killed_worker_is_told_with_its_rows_and_the_others_are_kept(linearizer, rows, undisturbed):
    dies_over_its_next_request(linearizer)
    with pytest.raises(WorkerError, match=r"^Slider: rows 0-127 of 600 have no result\. Worker \d+ was killed") as lost:
        linearizer.linearize(*rows)
    assert lost.value.rows == tuple(range(128))
    assert lost.value.exit_code == 1
    partial = lost.value.partial
    assert isinstance(partial, Linearization)
    assert partial.derivative == "exact"
    missing = np.isin(np.arange(600), lost.value.rows)
    np.testing.assert_array_equal(partial.finite, ~missing)
    for field in FLOATS:
        found, wanted = getattr(partial, field), getattr(undisturbed, field)
        assert np.isnan(found[missing]).all()
        np.testing.assert_array_equal(found[~missing], wanted[~missing])
    # The next call works again, with a worker of its own.
    np.testing.assert_array_equal(linearizer.linearize(*rows).jac_state, undisturbed.jac_state)


def test_the_last_chunk_ends_where_the_rows_do(linearizer, rows):
    dies_over_its_next_request(linearizer)
    with pytest.raises(WorkerError, match="rows 0-39 of 40") as lost:
        linearizer.linearize(*(part[:40] for part in rows))
    assert lost.value.rows == tuple(range(40))
    assert lost.value.partial is None


def test_whatever_a_caller_raises_ends_the_call_and_not_the_linearizer(linearizer, rows, undisturbed):
    def stop(*_count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        linearizer.linearize(*rows, on_rows=stop)
    np.testing.assert_array_equal(linearizer.linearize(*rows).jac_state, undisturbed.jac_state)


def test_lost_episodes_are_called_episodes(linearizer, monkeypatch):
    pool = linearizer._pool

    def run(requests, _on_reply=None, *, keep=True):
        return [WorkerError("Worker 7 hung for 1 s.", (i,)) for i in range(len(requests))]

    monkeypatch.setattr(pool, "run", run)
    with pytest.raises(WorkerError, match=r"episodes 0-63, 64-69 of 70 have no result\. Worker 7 hung") as lost:
        linearizer.roll_out(np.zeros((70, 2)), np.zeros((70, 3, 1)))
    assert lost.value.partial is None


def test_a_closed_linearizer_has_no_workers_and_computes_no_more(rows):
    opened = Linearizer(slider(), workers=1)
    opened.close()
    opened.close()
    assert opened.pids == ()
    with pytest.raises(WorkerError, match="a closed pool"):
        opened.linearize(*rows)


@pytest.fixture
def nothing_shared():
    close_workers()
    yield
    close_workers()


def test_later_calls_get_the_same_linearizer_whoever_loaded_the_model(nothing_shared):
    first = shared_linearizer(slider(), "exact", 1)
    assert shared_linearizer(slider(), "exact", 1) is first
    for other in (
        shared_linearizer(slider(), "exact", 2),
        shared_linearizer(slider(), "autodiff", 1),
        shared_linearizer(slider(mass=3.0), "exact", 1),
    ):
        assert other is not first
    assert shared_linearizer(slider(), "exact", 1) is first


def test_the_linearizer_that_was_not_used_for_longest_ends(nothing_shared, rows):
    kept = [shared_linearizer(slider(substeps=n), "exact", 1) for n in (1, 2, 3, 4)]
    assert shared_linearizer(slider(substeps=1), "exact", 1) is kept[0]
    shared_linearizer(slider(substeps=5), "exact", 1)
    with pytest.raises(WorkerError, match="a closed pool"):
        kept[1].linearize(*rows)
    assert len(linearizer_module._shared) == 4
    for n in (1, 3, 4):
        assert shared_linearizer(slider(substeps=n), "exact", 1) is kept[n - 1]


def test_closing_the_shared_ones_lets_them_be_opened_again(nothing_shared):
    first = shared_linearizer(slider(), "exact", 1)
    close_workers()
    assert shared_linearizer(slider(), "exact", 1) is not first
