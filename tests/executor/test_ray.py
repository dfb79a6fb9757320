"""Ray executor, on a real cluster of two nodes with raylets of their own: as at home, number by number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import dynsparse
from dynsparse.dataset.files import PARTIAL
from dynsparse.errors import ExecutorError
from dynsparse.executor import LocalExecutor, RayExecutor, UnitStore, run_units

from .cluster import Cluster
from .conftest import HERE, TRUSTED, lines, numbers, running, toy, wait_until

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds Ray's processes by /proc"),
    pytest.mark.timeout(300),
]

LIBRARY = str(Path(dynsparse.__file__).resolve().parent.parent)
TOYS = {"PYTHONPATH": str(HERE)}


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two nodes: the head, and ``node``."""
    made = Cluster()
    try:
        made.node = made.add()
        yield made
    finally:
        made.close()


@pytest.fixture
def on_ray(cluster, monkeypatch):
    """Return what runs units on the cluster."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def executor(**options):
        return RayExecutor(cluster.address, trusted=TRUSTED, variables=TOYS, **options)

    return executor


def learning(log: Path | None = None):
    context = {} if log is None else {"log": str(log)}
    return [toy("learn", group="net", context=context, seed=seed, seconds=0.3) for seed in range(6)]


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """What the learning units find in child processes of this one."""
    folder = tmp_path_factory.mktemp("at_home")
    store = UnitStore(folder / "units")
    sys.path.insert(0, str(HERE))
    try:
        assert run_units(learning(), store, LocalExecutor(1, trusted=TRUSTED)).complete
    finally:
        sys.path.remove(str(HERE))
    return numbers(store)


def test_numbers_are_those_of_local_processes_and_bad_units_stop_nobody(cluster, on_ray, at_home, tmp_path, capfd):
    log, store, events = tmp_path / "log", UnitStore(tmp_path / "units"), []
    log.touch()
    bad = toy("fail", context={"log": str(log)}, type="ValueError")
    unlucky = toy("die", context={"log": str(log), "survive": str(tmp_path / "survive")})
    units = [bad, unlucky, *learning(log)]
    outcome = run_units(units, store, on_ray(), on_event=events.append)
    assert outcome.failed == {bad.key: "ValueError: no such thing"}
    assert Counter(line.split()[0] for line in lines(log)) == {"fail": 1, "die": 2, "learn": 6}
    assert store.record(unlucky.key)["result"] == {"survived": True}
    assert [event.unit.key for event in events if event.kind == "lost"] == [unlucky.key]

    found = numbers(store)
    assert {key: found[key] for key in at_home} == at_home
    pids = {int(line.split()[-1]) for line in lines(log) if line.startswith("learn")}
    assert len(pids) >= 2 and os.getpid() not in pids  # both nodes worked
    assert [event.text for event in events if event.kind == "progress"][-1].startswith("loss ")
    assert wait_until(lambda: not any(running(pid) for pid in pids))
    assert capfd.readouterr() == ("", "")  # Ray says nothing of its own

    # The store does not care who finished a unit.
    again = run_units(units, store, LocalExecutor(1, trusted=TRUSTED))
    assert len(again.skipped) == 7 and set(again.failed) == {bad.key}


def test_driver_that_is_stopped_leaves_no_worker_and_a_folder_to_go_on_with(cluster, on_ray, tmp_path):
    log, store = tmp_path / "log", UnitStore(tmp_path / "units")
    program = (
        "import signal, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"  # as the command line does
        "from dynsparse.executor import RayExecutor, Unit, UnitStore, run_units\n"
        "units = [Unit('toy_units:square', {'n': n, 'seconds': 0.5}, {'log': sys.argv[2]}) for n in range(8)]\n"
        "executor = RayExecutor(sys.argv[3], trusted=('toy_units',), variables={'PYTHONPATH': sys.argv[1]})\n"
        "run_units(units, UnitStore(Path('units')), executor)\n"
    )
    log.touch()
    with subprocess.Popen(
        [sys.executable, "-c", program, str(HERE), str(log), cluster.address],
        env={**os.environ, "PYTHONPATH": LIBRARY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as driver:
        try:
            assert wait_until(lambda: len(store.keys) >= 2, 30)
        finally:
            driver.send_signal(signal.SIGTERM)
        assert driver.wait(20) == -signal.SIGINT
    pids = {int(line.split()[1]) for line in lines(log)}
    assert pids and wait_until(lambda: not any(running(pid) for pid in pids))
    done = {record["unit"]["n"] for record in store.records()}
    assert 2 <= len(done) < 8
    units = [toy("square", context={"log": str(log)}, n=n, seconds=0.5) for n in range(8)]
    outcome = run_units(units, store, LocalExecutor(2, trusted=TRUSTED))
    assert outcome.complete and len(outcome.skipped) == len(done)
    times = Counter(int(line.split()[0]) for line in lines(log))
    assert set(times) == set(range(8)) and all(times[n] == 1 for n in done)


def test_unit_that_hangs_on_ray_is_given_up(cluster, on_ray, tmp_path):
    log = tmp_path / "log"
    units = [toy("hang", context={"log": str(log)}), toy("square", n=2)]
    log.touch()
    outcome = run_units(units, UnitStore(tmp_path / "units"), on_ray(timeout_s=0.5))
    assert outcome.done == (units[1].key,)
    assert "it hung for 0.5 s" in outcome.failed[units[0].key]
    pids = {int(line.split()[1]) for line in lines(log)}
    assert len(pids) == 3 and wait_until(lambda: not any(running(pid) for pid in pids))


def may_mount() -> bool:
    try:
        return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not may_mount(), reason="a node with file systems of its own needs unshare and the right to mount")
def test_node_with_another_file_system_and_other_variables_is_refused(cluster, on_ray, tmp_path):
    shared = tmp_path / "shared"
    (shared / "dataset").mkdir(parents=True)
    (shared / "dataset" / "zarr.json").write_text("{}")
    mount = 'mount -t tmpfs none "$0" && mkdir "$0/units" "$0/dataset" && exec "$@"'
    other = cluster.add(["unshare", "--mount", "sh", "-c", mount, str(shared)], {"JAX_ENABLE_X64": "1"})
    log = tmp_path / "log"
    units = [toy("square", context={"log": str(log), "dataset": str(shared / "dataset")}, n=n) for n in range(3)]
    log.touch()
    try:
        with pytest.raises(ExecutorError) as caught:
            run_units(units, UnitStore(shared / "units"), on_ray())
    finally:
        cluster.kill(other)
    text = str(caught.value)
    assert text.startswith("1 of 3 nodes can not run these units: node ")
    assert "it does not share the output folder (can not read .partial-" in text and "No such file" in text
    assert f"it does not share {shared / 'dataset'} (folder " in text
    assert "it has JAX_ENABLE_X64='1', here it is None" in text
    assert "\n" not in text
    assert lines(log) == []
    assert [path.name for path in (shared / "units").iterdir() if path.name.startswith(PARTIAL)] == []


# The last one: it leaves one node.
def test_node_killed_in_the_middle_every_unit_is_committed_once(cluster, on_ray, at_home, tmp_path):
    log, events, commits = tmp_path / "log", [], Counter()

    class CountingStore(UnitStore):
        def commit(self, unit, result, provenance):
            written = super().commit(unit, result, provenance)
            commits[unit.key] += written
            return written

    def kill_one(event):
        events.append(event)
        told = {e.unit.key for e in events if e.kind == "progress"}
        # In the middle of two units, one on each node.
        if commits and len(told - set(commits)) == 2 and cluster.node is not None:
            cluster.kill(cluster.node)
            cluster.node = None

    store = CountingStore(tmp_path / "units")
    log.touch()
    outcome = run_units(learning(log), store, on_ray(), on_event=kill_one)
    assert cluster.node is None
    assert outcome.complete and len(outcome.done) == 6
    assert commits == dict.fromkeys(outcome.done, 1)
    (lost,) = [event for event in events if event.kind == "lost"]
    assert lost.text.startswith("node ") and lost.unit.key in commits
    times = Counter(line.split()[1] for line in lines(log))
    assert times[str(lost.unit.arguments["seed"])] == 2 and sum(times.values()) == 7  # what was lost ran again
    assert numbers(store) == at_home
