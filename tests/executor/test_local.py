"""Local executor: each unit is answered once, whatever its function does to its process."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from dynsparse.errors import ExecutorError, SettingError
from dynsparse.executor import LocalExecutor, Unit
from dynsparse.executor.server import UnitServer
from dynsparse.executor.unit import CheckedResult
from dynsparse.workers import Message

from .conftest import TRUSTED, lines, running, toy


def run(units, workers=1, on_event=lambda event: None, **options):
    """Run units; return answers by the units' place."""
    executor = LocalExecutor(workers, trusted=TRUSTED, **options)
    answers = {answer.unit.key: answer for answer in executor.run(units, Path(), on_event)}
    assert len(answers) == len(units)
    return [answers[unit.key] for unit in units]


def test_results_come_back_bit_by_bit():
    (answer,) = run([toy("square", n=3)])
    assert answer.error == "" and answer.result.record == {"square": 9}
    assert answer.result.arrays["x"].tobytes() == b"\0\0\0\0\0\0\x80?\0\0\0@"  # 0, 1, 2 in float32
    assert answer.result.arrays["n"].shape == () and answer.result.arrays["n"] == 3
    assert answer.result.measured["seconds"] >= 0 and answer.machine["cores"] >= 1


def test_process_has_one_thread_no_accelerator_and_what_the_user_set(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    (answer,) = run([toy("surroundings")], variables={"MKL_NUM_THREADS": "2"})
    assert answer.result.record == {
        "variables": {
            "NPROC": "1",
            "XLA_FLAGS": "--xla_cpu_enable_fast_math=false --xla_cpu_multi_thread_eigen=false",
            "JAX_PLATFORMS": "cpu",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "2",
        },
        "jax": False,  # a unit that needs none does not wait for it
    }


def test_flag_that_the_user_set_keeps_its_value(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=true")
    (answer,) = run([toy("surroundings")])
    assert answer.result.record["variables"]["XLA_FLAGS"] == "--xla_cpu_multi_thread_eigen=true"


def test_group_stays_in_one_process_and_the_process_stays(tmp_path):
    units = [toy("square", group=group, n=n, seconds=0.2) for n, group in enumerate("AABABB")]
    pids = [answer.result.measured["pid"] for answer in run(units, workers=2)]
    assert len({pids[n] for n in (0, 1, 3)}) == 1 and len({pids[n] for n in (2, 4, 5)}) == 1
    assert len(set(pids)) == 2 and os.getpid() not in pids


def test_idle_process_helps_another_group():
    units = [toy("square", group="A", n=n, seconds=0.3) for n in range(6)]
    pids = [answer.result.measured["pid"] for answer in run(units, workers=2)]
    assert len(set(pids)) == 2


def test_numbers_do_not_depend_on_how_many_processes_there_are():
    units = [toy("learn", group="net", seed=seed) for seed in range(3)]
    one, two = run(units, workers=1), run(units, workers=2)
    assert len({answer.result.record["trace"] for answer in one}) == 3
    (other,) = run(units[:1], variables={"NPROC": "8", "XLA_FLAGS": ""})
    assert other.result.record != one[0].result.record  # these units would show a sum that is shared otherwise
    for a, b in zip(one, two, strict=True):
        assert a.result.record == b.result.record
        assert [x.tobytes() for x in a.result.arrays.values()] == [x.tobytes() for x in b.result.arrays.values()]


def test_progress_is_told_in_order():
    events = []
    run([toy("stages")], on_event=lambda event: events.append((event.kind, event.done, event.total, event.text)))
    assert events == [("started", 0, 0, ""), *(("progress", n, 3, f"stage {n}") for n in (1, 2, 3))]


def test_progress_that_comes_too_fast_is_thinned_out():
    events = []
    run([toy("chatter", n=20_000)], on_event=lambda event: events.append(event.kind))
    assert events.count("progress") < 100


# --- what goes wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ValueError", "SystemExit"])
def test_unit_that_raises_fails_at_once_and_its_process_goes_on(tmp_path, kind):
    log = {"log": str(tmp_path / "log")}
    failed, done = run([toy("fail", context=log, type=kind), toy("square", context=log, n=2)])
    assert failed.error == f"{kind}: no such thing" and failed.result is None
    assert "toy_units.py" in failed.traceback
    assert done.result.record == {"square": 4}
    first, second = lines(tmp_path / "log")  # neither again nor in another process
    assert first.split()[1] == second.split()[1]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("nan", "SettingError: expected plain JSON"),
        ("object", "SettingError: expected plain JSON"),
        ("array", "SettingError: expected arrays of booleans"),
        ("none", r"SettingError: expected toy_units:unfit to return \(record, arrays, measured\), got NoneType"),
    ],
)
def test_unit_that_returns_what_can_not_be_stored_fails(what, why):
    (answer,) = run([toy("unfit", what=what)])
    with pytest.raises(SettingError, match=why.partition(": ")[2]):
        raise SettingError(answer.error.partition(": ")[2])
    assert answer.error.startswith("SettingError: ")


def test_unit_whose_process_dies_is_begun_again_in_a_new_one(tmp_path):
    context = {"log": str(tmp_path / "log"), "survive": str(tmp_path / "survive")}
    events = []
    units = [toy("die", context=context), *(toy("square", n=n) for n in range(3))]
    answers = run(units, on_event=lambda event: events.append((event.kind, event.unit.function, event.text)))
    assert answers[0].result.record == {"survived": True}
    assert [answer.result.record["square"] for answer in answers[1:]] == [0, 1, 4]
    pids = [line.split()[1] for line in lines(tmp_path / "log")]
    assert len(pids) == len(set(pids)) == 2
    (text,) = [text for kind, _, text in events if kind == "lost"]
    assert "was killed by SIGKILL while it ran unit" in text and "last words" in text


def test_unit_whose_process_always_dies_fails_after_two(tmp_path):
    context = {"log": str(tmp_path / "log")}
    failed, done = run([toy("die", context=context), toy("square", n=2)])
    assert failed.error.startswith("its process was lost 2 times: Worker ") and "SIGKILL" in failed.error
    assert len(lines(tmp_path / "log")) == 2
    assert done.result.record == {"square": 4}


def test_unit_that_hangs_is_killed_with_what_it_started(tmp_path):
    context = {"log": str(tmp_path / "log")}
    began = time.monotonic()
    failed, done = run([toy("employ", context=context), toy("square", n=2)], workers=2, timeout_s=0.5)
    assert "hung for 0.5 s" in failed.error and done.result.record == {"square": 4}
    assert time.monotonic() - began < 15
    pids = [int(pid) for line in lines(tmp_path / "log") for pid in line.split()[1:]]
    assert len(pids) == 4 and not any(running(pid) for pid in pids)


def test_unit_that_tells_progress_does_not_hang():
    (answer,) = run([toy("stages")], timeout_s=0.8)  # 1.2 s in all, 0.4 s between signs of life
    assert answer.result is not None


def test_closed_iterator_leaves_no_process(tmp_path):
    log = tmp_path / "log"
    executor = LocalExecutor(2, trusted=TRUSTED)
    units = [toy("square", context={"log": str(log)}, n=1), toy("hang", context={"log": str(log)})]
    answers = executor.run(units, Path(), lambda event: None)
    assert isinstance(next(answers).result, CheckedResult)
    answers.close()
    pids = [int(line.split()[1]) for line in lines(log)]
    assert pids and not any(running(pid) for pid in pids)


def test_process_that_can_not_start_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ExecutorError, match=r"no process could be started to run units: .*could not be started"):
        run([toy("square", n=1)])


def test_untrusted_function_is_refused_before_anything_starts(no_process):
    with pytest.raises(SettingError, match="inside dynsparse, got 'toy_units:square'"):
        list(LocalExecutor(1).run([toy("square", n=1)], Path(), lambda event: None))


@pytest.fixture
def no_process(monkeypatch):
    def refuse(*_args):
        raise AssertionError("a process was started")

    monkeypatch.setattr("dynsparse.executor.local.WorkerProcess", refuse)


def test_untrusted_function_that_comes_over_the_pipe_is_not_run(tmp_path):
    meta = {"function": "os:mkdir", "arguments": str(tmp_path / "made"), "context": {}}
    reply = UnitServer(["dynsparse"]).answer(Message("begin", meta))
    assert reply.kind == "failed" and "inside dynsparse, got 'os:mkdir'" in reply.meta["text"]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("name", "value"), [("workers", -1), ("timeout_s", 0.0), ("timeout_s", float("nan"))])
def test_impossible_number_is_refused(name, value):
    with pytest.raises(SettingError, match=r"Expected a number|expected timeout_s"):
        LocalExecutor(**{name: value})


def test_no_units_start_no_process(no_process):
    assert list(LocalExecutor(1).run([], Path(), lambda event: None)) == []


def test_function_of_the_package_is_run_by_default():
    unit = Unit("dynsparse.provenance:content_hash", {"a": 1})  # trusted, and of another kind
    (answer,) = LocalExecutor(1).run([unit], Path(), lambda event: None)
    assert answer.error.startswith("TypeError: content_hash() takes")
