"""Workers end when their parent does, however it ends, and leave nothing behind.

The parents here are what users run: scripts without a ``__main__`` guard, and standard input.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dynsparse.workers

from .conftest import HERE, running, wait_until

LIBRARY = str(Path(dynsparse.workers.__file__).resolve().parents[2])

# Written without a guard on purpose: a worker that imported it would start pools of its own.
SCRIPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
print("imported", flush=True)
from dynsparse.workers import Message, WorkerPool
sign = os.environ["SIGN"]
pool = WorkerPool(os.environ["TASK"], Message("start", {"sign": sign + ".1"}), 2)
if os.environ["CALL"] == "start":
    pool.start()
elif os.environ["CALL"] == "idle":
    pool.start()
    print(*pool.pids, flush=True)
elif os.environ["CALL"] == "forked":
    pool.start()
    if os.fork() == 0:
        pool.close()
        try:
            pool.run([])
        except Exception as error:
            print(type(error).__name__, flush=True)
        sys.exit()
    os.wait()
    print(*pool.pids, *(reply.kind for reply in pool.run([Message("environment")] * 2)), flush=True)
else:
    pool.run([Message(os.environ["CALL"], {"sign": f"{sign}.{n}"}) for n in (1, 2)])
"""


class Parent:
    """A user's program with workers, in a process group of its own."""

    def __init__(self, folder: Path, call: str, *, script: bool = True, task: str = "toy_tasks:obedient") -> None:
        path = folder / "script.py"
        path.write_text(SCRIPT)
        self.sign = folder / "sign"
        variables = {"SIGN": str(self.sign), "TASK": task, "CALL": call}
        self.process = subprocess.Popen(
            [sys.executable, str(path) if script else "-"],
            stdin=subprocess.DEVNULL if script else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join([LIBRARY, str(HERE)])},
            start_new_session=True,
        )
        if self.process.stdin is not None:
            self.process.stdin.write(SCRIPT)
            self.process.stdin.close()
            self.process.stdin = None

    def busy_workers(self, count: int) -> list[int]:
        """Return the process ids of the workers once so many are inside their task."""
        signs = [Path(f"{self.sign}.{n + 1}") for n in range(count)]
        assert wait_until(lambda: all(sign.exists() and sign.read_text() for sign in signs), 10.0)
        return [int(sign.read_text()) for sign in signs]

    def finish(self) -> tuple[int, str, str]:
        """Return exit code, output and errors of the program, which has to end soon."""
        output, errors = self.process.communicate(timeout=10)
        return self.process.returncode, output, errors


@pytest.mark.parametrize("script", [True, False], ids=["script", "standard input"])
def test_workers_end_when_the_parent_is_killed(script: bool, tmp_path: Path, temporary: Path) -> None:
    parent = Parent(tmp_path, "hang", script=script)
    pids = parent.busy_workers(2)
    assert all(running(pid) for pid in pids) and len(os.listdir(temporary)) == 2
    parent.process.kill()
    code, output, _ = parent.finish()
    assert code == -signal.SIGKILL and output == "imported\n"
    assert wait_until(lambda: not any(running(pid) for pid in pids))


def test_what_workers_had_started_ends_when_the_parent_is_killed(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "employ")
    pids = parent.busy_workers(2)
    assert all(running(pid) for pid in pids)
    parent.process.kill()
    parent.finish()
    assert wait_until(lambda: not any(running(pid) for pid in pids))


def test_workers_that_are_starting_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "start", task="toy_tasks:slow_to_start")
    (pid,) = parent.busy_workers(1)
    parent.process.kill()
    parent.finish()
    assert wait_until(lambda: not running(pid))


@pytest.mark.parametrize("script", [True, False], ids=["script", "standard input"])
def test_ctrl_c_ends_the_run_and_its_workers(script: bool, tmp_path: Path, temporary: Path) -> None:
    parent = Parent(tmp_path, "hang", script=script)
    pids = parent.busy_workers(2)
    os.killpg(parent.process.pid, signal.SIGINT)
    code, output, errors = parent.finish()
    assert code == -signal.SIGINT and "KeyboardInterrupt" in errors
    assert output == "imported\n"
    assert not any(running(pid) for pid in pids) and os.listdir(temporary) == []


def test_ctrl_c_that_reaches_a_worker_does_not_end_it(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "hang")
    pids = parent.busy_workers(2)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert not wait_until(lambda: not all(running(pid) for pid in pids), 0.3)
    parent.process.kill()
    parent.finish()
    assert wait_until(lambda: not any(running(pid) for pid in pids))


def test_a_program_that_forgets_to_close_ends_cleanly(tmp_path: Path, temporary: Path) -> None:
    code, output, errors = Parent(tmp_path, "idle").finish()
    assert (code, errors) == (0, "")
    pids = [int(pid) for pid in output.split()[1:]]
    assert len(pids) == 2 and not any(running(pid) for pid in pids) and os.listdir(temporary) == []


def test_a_forked_process_leaves_the_workers_alone(tmp_path: Path) -> None:
    code, output, errors = Parent(tmp_path, "forked").finish()
    assert (code, errors) == (0, "")
    first, second, third = output.splitlines()
    assert (first, second) == ("imported", "WorkerError")
    assert len(third.split()) == 4 and third.split()[2:] == ["seen", "seen"]


def test_workers_end_though_a_forked_process_holds_their_pipes(tmp_path: Path) -> None:
    program = SCRIPT + "\nif os.fork() == 0:\n    import time; time.sleep(60)\nos.kill(os.getpid(), 9)\n"
    parent = Parent.__new__(Parent)
    parent.process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            **{"SIGN": str(tmp_path / "sign"), "TASK": "toy_tasks:obedient", "CALL": "idle"},
            "PYTHONPATH": os.pathsep.join([LIBRARY, str(HERE)]),
        },
        start_new_session=True,
    )
    try:
        parent.process.wait(10)
        assert parent.process.stdout is not None and parent.process.stderr is not None
        assert parent.process.stdout.readline() == "imported\n"
        pids = [int(pid) for pid in parent.process.stdout.readline().split()]
        assert len(pids) == 2
        assert wait_until(lambda: not any(running(pid) for pid in pids))
    finally:
        os.killpg(parent.process.pid, signal.SIGKILL)
        parent.process.stdout.close()
        parent.process.stderr.close()


def test_the_worker_module_started_by_hand_says_so_and_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "dynsparse.workers.child"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": LIBRARY},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "started by dynsparse.workers.WorkerPool" in done.stderr
    assert (tmp_path / "precious").exists()


def test_the_users_folder_does_not_stand_in_for_modules(tmp_path: Path) -> None:
    (tmp_path / "toy_tasks.py").write_text("raise SystemExit('the wrong module')\n")
    code, _, errors = Parent(tmp_path, "idle").finish()
    assert (code, errors) == (0, "")
