"""Runs of units: nothing that is finished is repeated, nothing that was begun is lost, nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import dynsparse
from dynsparse.errors import OutputError
from dynsparse.executor import LocalExecutor, Unit, UnitStore, run_units
from dynsparse.provenance import collect_provenance

from .conftest import HERE, TRUSTED, lines, numbers, running, toy, wait_until

LIBRARY = str(Path(dynsparse.__file__).resolve().parent.parent)


def squares(log: Path, count: int, seconds: float = 0.0) -> list[Unit]:
    return [toy("square", context={"log": str(log)}, n=n, seconds=seconds) for n in range(count)]


def local(workers: int = 1) -> LocalExecutor:
    return LocalExecutor(workers, trusted=TRUSTED)


def test_second_run_does_nothing_and_says_so(tmp_path):
    units, store, log = squares(tmp_path / "log", 3), UnitStore(tmp_path / "units"), tmp_path / "log"
    first = run_units(units, store, local())
    assert (first.done, first.failed, first.skipped, first.complete) == (tuple(u.key for u in units), {}, (), True)
    events = []
    second = run_units(units, store, local(), on_event=lambda event: events.append((event.kind, event.unit.key)))
    assert (second.done, second.skipped, second.complete) == ((), tuple(u.key for u in units), True)
    assert events == [("skipped", unit.key) for unit in units]
    assert len(lines(log)) == 3


def test_more_units_of_a_sweep_do_not_repeat_the_first(tmp_path):
    log, store = tmp_path / "log", UnitStore(tmp_path / "units")
    run_units(squares(log, 2), store, local())
    outcome = run_units(squares(log, 4), store, local())
    assert (len(outcome.done), len(outcome.skipped)) == (2, 2)
    assert [line.split()[0] for line in lines(log)] == ["0", "1", "2", "3"]


def test_equal_units_are_run_once(tmp_path):
    outcome = run_units([*squares(tmp_path / "log", 1)] * 3, UnitStore(tmp_path / "units"), local())
    assert len(outcome.done) == len(lines(tmp_path / "log")) == 1


def test_failed_unit_is_recorded_tried_again_and_does_not_stop_the_others(tmp_path):
    store, log = UnitStore(tmp_path / "units"), tmp_path / "log"
    bad = toy("fail", context={"log": str(log)}, type="ValueError")
    units = [bad, *squares(log, 2)]
    events = []
    outcome = run_units(units, store, local(), on_event=lambda event: events.append((event.kind, event.text)))
    assert len(outcome.done) == 2 and not outcome.complete
    assert outcome.failed == {bad.key: "ValueError: no such thing"}
    assert ("failed", "ValueError: no such thing") in events
    record = store.record(bad.key)
    assert (record["status"], record["error"], record["result"]) == ("failed", "ValueError: no such thing", None)
    assert 'raise {"ValueError"' in record["traceback"]
    again = run_units(units, store, local())
    assert (again.done, list(again.failed), len(again.skipped)) == ((), [bad.key], 2)
    assert Counter(line.split()[0] for line in lines(log)) == {"fail": 2, "0": 1, "1": 1}


def test_provenance_names_the_run_and_the_machine_of_each_unit(tmp_path):
    store = UnitStore(tmp_path / "units")
    provenance = collect_provenance("dynsparse learn data", 7)
    run_units([toy("square", n=1)], store, local(), provenance=provenance)
    (record,) = store.records()
    assert (record["provenance"]["command"], record["provenance"]["seed"]) == ("dynsparse learn data", 7)
    assert record["provenance"]["machine"] == provenance.to_dict()["machine"]
    assert record["measured"]["seconds"] >= 0


def test_event_of_a_finished_unit_comes_when_it_is_on_the_disk(tmp_path):
    store, seen = UnitStore(tmp_path / "units"), []

    def look(event):
        if event.kind == "done":
            seen.append(store.is_done(event.unit.key))

    run_units(squares(tmp_path / "log", 2), store, local(), on_event=look)
    assert seen == [True, True]


def test_folder_of_another_run_is_refused_before_anything_starts(tmp_path):
    store, log = UnitStore(tmp_path / "units"), tmp_path / "log"
    with UnitStore(tmp_path / "units").hold(), pytest.raises(OutputError, match="being written by process"):
        run_units(squares(log, 1), store, local())
    assert lines(log) == []


def test_error_in_a_callback_ends_the_run_and_its_processes(tmp_path):
    log, store = tmp_path / "log", UnitStore(tmp_path / "units")

    def refuse(event):
        if event.kind == "done":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run_units(squares(log, 4, seconds=0.2), store, local(2), on_event=refuse)
    assert not any(running(int(line.split()[1])) for line in lines(log))
    assert run_units(squares(log, 4, seconds=0.2), store, local(2)).complete


# --- stopped from outside ---------------------------------------------------------------------------------------

# Without a guard on purpose: a process that imported it would begin a run of its own.
PROGRAM = """
import signal, sys
from pathlib import Path
from dynsparse.executor import LocalExecutor, UnitStore, run_units
sys.path.insert(0, sys.argv[1])
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from dynsparse.executor import Unit
log = {"log": sys.argv[2]}
units = [Unit("toy_units:square", {"n": n, "seconds": 0.1}, log) for n in range(12)]
outcome = run_units(units, UnitStore(Path("units")), LocalExecutor(2, trusted=("toy_units",)))
print(len(outcome.done), len(outcome.skipped))
"""


@pytest.fixture
def begin(tmp_path, temporary):
    """Return what starts the program, which ends with the test at the latest."""
    started = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(HERE), str(tmp_path / "log")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": LIBRARY},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_run_that_is_stopped_goes_on_without_repeating(tmp_path, begin, how):
    log, store = tmp_path / "log", UnitStore(tmp_path / "units")
    process = begin()
    assert wait_until(lambda: len(store.keys) >= 3)
    process.send_signal(how)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == -how
    assert errors == "" or how is signal.SIGINT
    pids = {int(line.split()[1]) for line in lines(log)}
    assert wait_until(lambda: not any(running(pid) for pid in pids))
    done = {store.record(key)["unit"]["n"] for key in store.keys}
    assert 3 <= len(done) < 12

    output, errors = begin().communicate(timeout=30)
    assert (output, errors) == (f"{12 - len(done)} {len(done)}\n", "")
    times = Counter(int(line.split()[0]) for line in lines(log))
    assert set(times) == set(range(12)) and all(times[n] == 1 for n in done)
    assert sum(times.values()) <= 12 + 2  # no more than what the two processes had begun
    undisturbed = UnitStore(tmp_path / "undisturbed")
    run_units([toy("square", n=n, seconds=0.1) for n in range(12)], undisturbed, local(2))
    assert numbers(store) == numbers(undisturbed) and len(store.keys) == 12


def test_second_run_in_the_same_folder_is_told_who_is_at_work(tmp_path, begin):
    store = UnitStore(tmp_path / "units")
    process = begin()
    assert wait_until(lambda: len(store.keys) >= 1)
    with pytest.raises(OutputError, match=f"being written by process {process.pid}"):
        run_units(squares(tmp_path / "log", 1), store, local())
    assert process.communicate(timeout=30)[0] == "12 0\n"
