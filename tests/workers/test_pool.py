"""A pool answers every request in order, whatever its workers do."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dynsparse.errors import SettingError, WorkerError
from dynsparse.workers import Message, WorkerPool
from dynsparse.workers.crew import Crew
from dynsparse.workers.process import WorkerProcess, start_message
from dynsparse.workers.protocol import encode

from .conftest import running, wait_until


def pool(task: str = "obedient", workers: int = 2, *, batch_timeout_s: float = 20.0, **meta: str | int) -> WorkerPool:
    """Return a pool for a toy task."""
    return WorkerPool(
        f"toy_tasks:{task}", Message("start", meta), workers, start_timeout_s=20.0, batch_timeout_s=batch_timeout_s
    )


def double(value: float, seconds: float = 0.0) -> Message:
    """Return a request to double a number."""
    return Message("double", {"seconds": seconds}, {"x": np.array([value])})


def values(replies: list[Message | WorkerError]) -> list[float | None]:
    """Return the doubled numbers, None for errors."""
    return [float(reply.arrays["x"][0]) if isinstance(reply, Message) else None for reply in replies]


def test_replies_are_in_the_order_of_requests_and_each_is_announced_here() -> None:
    announced: list[int] = []
    threads: set[int] = set()

    def on_reply(index: int, reply: Message) -> None:
        announced.append(index)
        threads.add(threading.get_ident())
        assert reply.kind == "doubled"

    with pool() as workers:
        # The first request is slow: the other worker takes the rest, but for the one that was given out beforehand.
        replies = workers.run([double(0.0, 0.4), *(double(float(n)) for n in range(1, 6))], on_reply)
    assert values(replies) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert sorted(announced) == [0, 1, 2, 3, 4, 5] and announced[-2:] == [0, 2]
    assert threads == {threading.get_ident()}
    pids = [reply.meta["pid"] for reply in replies if isinstance(reply, Message)]
    assert pids[0] == pids[2] and pids[1] == pids[3] == pids[4] == pids[5] != pids[0]


def test_a_worker_goes_on_while_its_reply_is_taken(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    begun: list[bool] = []

    def on_reply(index: int, _reply: Message) -> None:
        if index == 0:
            begun.append(wait_until(sign.exists))

    with pool(workers=1) as workers:
        workers.run([double(0.0), Message("mark", {"sign": str(sign)})], on_reply)
    assert begun == [True]


def test_a_run_that_is_interrupted_leaves_no_request_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    dismiss, interrupts = Crew.dismiss, [KeyboardInterrupt()]

    def interrupted(crew: Crew, lost: Sequence[WorkerProcess]) -> None:
        if lost and interrupts:
            raise interrupts.pop()
        dismiss(crew, lost)

    with pool(workers=1) as workers:
        workers.start()
        monkeypatch.setattr(Crew, "dismiss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workers.run([Message("die", {"code": 3}), double(13.0)])
        announced: list[int] = []
        replies = workers.run([double(float(n)) for n in range(4)], lambda index, _reply: announced.append(index))
        assert (values(replies), announced) == ([0.0, 2.0, 4.0, 6.0], [0, 1, 2, 3])


def test_a_request_that_can_not_be_read_costs_the_one_before_it_nothing() -> None:
    worker = WorkerProcess({})
    try:
        worker.tell(start_message("toy_tasks:obedient", Message("start")), "started", 20.0)
        worker.tell(encode(double(1.0, 0.2)), "worked on request 0", 20.0)
        worker.tell([b"no message at all" * 10], "worked on request 1", 20.0)
        answers = []
        with pytest.raises(WorkerError, match=r"exit code 1 while it worked on request 1.*The parent sent no message"):
            while True:
                assert wait_until(lambda: bool(select.select([worker.read_descriptor], [], [], 0)[0]))
                answer = worker.pump()
                if answer is not None:
                    answers.append(answer.kind)
        assert answers == ["ready", "doubled"]
    finally:
        worker.kill()
        worker.clean_up()


def test_near_the_end_a_request_waits_for_the_worker_that_is_free_first() -> None:
    with pool() as workers:
        replies = workers.run([double(0.0, 0.4), double(1.0), double(2.0)])
    pids = [reply.meta["pid"] for reply in replies if isinstance(reply, Message)]
    assert pids[1] == pids[2] != pids[0]


def test_a_request_waits_until_it_is_ready_and_others_overtake_it() -> None:
    answered: list[int] = []

    def ready(index: int) -> bool:
        return index != 1 or 3 in answered

    with pool() as workers:
        requests = [double(float(n), 0.2 if n == 0 else 0.0) for n in range(4)]
        replies = workers.run(requests, lambda index, _reply: answered.append(index), ready=ready)
    assert values(replies) == [0.0, 2.0, 4.0, 6.0]
    assert sorted(answered) == [0, 1, 2, 3] and answered.index(1) > max(answered.index(2), answered.index(3))


def test_who_waits_for_a_reply_that_never_comes_is_told() -> None:
    answered: list[int] = []
    with pool(workers=1) as workers:
        requests = [double(0.0), Message("die", {"code": 3}), double(2.0), double(3.0)]
        replies = workers.run(
            requests, lambda index, _reply: answered.append(index), ready=lambda index: index != 2 or 1 in answered
        )
    assert values(replies) == [0.0, None, None, 6.0]
    assert "code 3" in str(replies[1]) or "status 3" in str(replies[1])
    assert isinstance(replies[2], WorkerError) and "waits for a request that has no reply" in str(replies[2])
    assert replies[2].rows == (2,)


def test_workers_are_started_when_needed_and_kept() -> None:
    with pool(workers=3) as workers:
        assert workers.pids == () and workers.ready == []
        assert workers.run([]) == []
        assert workers.pids == ()
        workers.run([double(1.0)])
        first = workers.pids
        assert len(first) == 1
        workers.start()
        assert len(workers.pids) == 3 and workers.pids[:1] == first
        assert [meta["compile_seconds"] for meta in workers.ready] == [1.5] * 3
        assert all(float(str(meta["seconds"])) >= 0 for meta in workers.ready)
        assert 5 < workers.peak_rss_mib < 500
        pids = workers.pids
    assert workers.pids == () and not any(running(pid) for pid in pids)


def test_reported_memory_is_the_workers_own() -> None:
    ballast = np.ones(2**25)  # 256 MiB; ru_maxrss of a child started by vfork would hold them
    with pool(workers=1) as workers:
        workers.start()
        assert workers.peak_rss_mib < 200
    assert ballast[0] == 1.0


def test_start_message_reaches_the_factory() -> None:
    with pool("echo", 1, colour="red") as workers:
        (reply,) = workers.run([Message("k", {"n": 1}, {"x": np.arange(3)})])
    assert isinstance(reply, Message)
    assert reply.meta["start"] == {"colour": "red", "task": "toy_tasks:echo"} and reply.meta["n"] == 1
    assert reply.number("seconds") >= 0 and reply.number("peak_rss_mib") > 1


def test_big_arrays_pass_both_ways() -> None:
    arrays = [np.random.default_rng(seed).normal(size=(400, 1000)) for seed in range(3)]
    with pool("echo") as workers:
        replies = workers.run([Message("k", {}, {"x": array}) for array in arrays])
    for array, reply in zip(arrays, replies, strict=True):
        assert isinstance(reply, Message)
        np.testing.assert_array_equal(reply.arrays["x"], array)


@pytest.mark.parametrize(
    ("how", "words"),
    [({"signal": int(signal.SIGKILL)}, "was killed by SIGKILL"), ({"code": 3}, "ended with exit code 3")],
    ids=["killed", "exit"],
)
def test_a_worker_that_dies_costs_its_request_alone(how: dict[str, int], words: str) -> None:
    with pool() as workers:
        replies = workers.run([double(1.0), double(2.0), Message("die", how), double(3.0), double(4.0)])
        workers.start()
        assert len(workers.ready) == 3 and len(workers.pids) == 2
        error = replies[2]
        assert isinstance(error, WorkerError) and error.rows == (2,)
        assert words in str(error) and "request 2" in str(error)
        assert "'these are the last words'" in str(error) and "\n" not in str(error)
        assert values(replies) == [2.0, 4.0, None, 6.0, 8.0]
        assert values(workers.run([double(5.0)])) == [10.0]


@pytest.mark.parametrize("kind", ["hang", "stop"])
def test_a_worker_that_hangs_or_is_stopped_is_replaced(kind: str) -> None:
    with pool(batch_timeout_s=0.5) as workers:
        workers.start()
        before = set(workers.pids)
        replies = workers.run([Message(kind), double(1.0), double(2.0)])
        error = replies[0]
        assert isinstance(error, WorkerError) and error.rows == (0,)
        assert "hung for 0.5 s while it worked on request 0" in str(error)
        assert values(replies) == [None, 2.0, 4.0]
        workers.start()
        gone = before - set(workers.pids)
        assert len(gone) == 1 and not running(gone.pop())


def test_a_stopped_worker_that_does_not_read_is_replaced() -> None:
    with pool(workers=1, batch_timeout_s=0.5) as workers:
        workers.start()
        os.kill(workers.pids[0], signal.SIGSTOP)
        error, reply = workers.run([Message("double", {}, {"x": np.ones(10**6)}), double(1.0)])
        assert isinstance(error, WorkerError) and "hung for 0.5 s" in str(error)
        assert values([reply]) == [2.0]


def test_telling_a_worker_that_has_just_died_finds_out_how() -> None:
    worker = WorkerProcess({})
    try:
        os.kill(worker.pid, signal.SIGKILL)
        assert wait_until(lambda: not worker.alive)
        worker.tell([b"its pipe is broken"], "worked on request 0", 5.0)
        with pytest.raises(WorkerError, match="was killed by SIGKILL while it worked on request 0"):
            worker.pump()
    finally:
        worker.kill()
        worker.clean_up()


def test_what_a_hung_worker_had_started_ends_with_it(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    with pool(workers=1, batch_timeout_s=0.8) as workers:
        (error,) = workers.run([Message("employ", {"sign": str(sign)})])
    assert isinstance(error, WorkerError) and "hung" in str(error)
    assert wait_until(lambda: not running(int(sign.read_text())))


def test_a_worker_is_not_overdue_because_the_caller_was_away() -> None:
    with pool(batch_timeout_s=0.6) as workers:
        workers.start()
        replies = workers.run([double(1.0), double(2.0, 0.3)], lambda index, reply: time.sleep(0.8))
    assert values(replies) == [2.0, 4.0]


def test_a_worker_that_died_while_idle_is_replaced_unnoticed() -> None:
    with pool(workers=1) as workers:
        workers.start()
        (pid,) = workers.pids
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: workers.pids == ())
        assert values(workers.run([double(1.0)])) == [2.0]


@pytest.mark.parametrize("kind", ["ValueError", "SystemExit"])
def test_a_handler_that_raises_goes_on(kind: str) -> None:
    with pool(workers=1) as workers:
        replies = workers.run([double(1.0), Message("fail", {"type": kind}), double(2.0)])
        assert len(workers.ready) == 1
    error = replies[1]
    assert isinstance(error, WorkerError) and error.rows == (1,)
    assert str(error) == f"Request 1 failed in its worker: {kind}: no such thing"
    assert "in fail" in error.__notes__[0]
    assert values(replies) == [2.0, None, 4.0]


def test_a_reply_that_can_not_be_sent_is_an_error() -> None:
    with pool(workers=1) as workers:
        error, reply = workers.run([Message("unsendable"), double(1.0)])
        assert len(workers.ready) == 1
    assert isinstance(error, WorkerError) and "boolean or numeric array under 'x'" in str(error)
    assert values([reply]) == [2.0]


def test_a_worker_that_sends_nonsense_is_replaced() -> None:
    with pool(workers=1) as workers:
        error, reply = workers.run([Message("garble"), double(1.0)])
        assert len(workers.ready) == 2
    assert isinstance(error, WorkerError) and "sent no message while it worked on request 0" in str(error)
    assert values([reply]) == [2.0]


def test_stray_prints_stay_out_of_the_replies(capfd: pytest.CaptureFixture[str]) -> None:
    with pool(workers=1) as workers:
        chat, death = workers.run([Message("chat"), Message("die", {"code": 1})])
    assert isinstance(chat, Message) and chat.kind == "chatted"
    assert chat.meta["read"] == ""
    assert isinstance(death, WorkerError)
    assert "'python native grandchild these are the last words'" in str(death)
    assert capfd.readouterr() == ("", "")


def test_a_worker_that_prints_for_ever_is_not_held_up_and_keeps_no_disk(temporary: Path) -> None:
    with pool(workers=1) as workers:
        workers.start()
        (log,) = temporary.glob("*/stderr")
        log.write_bytes(b"noise\n" * 300_000)
        workers.run([double(1.0)])
        assert log.stat().st_size < 1000


@pytest.mark.parametrize("call", ["start", "run"])
def test_a_factory_that_raises_is_not_tried_again(call: str, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    with pool("hopeless", 1, attempts=str(attempts)) as workers:
        with pytest.raises(WorkerError) as failure:
            workers.start() if call == "start" else workers.run([double(1.0)])
        assert str(failure.value) == "A worker could not start: RuntimeError: no such model"
        assert workers.pids == ()
    assert attempts.read_text() == "x"


def test_a_start_that_dies_is_tried_once_more(tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    with pool("stillborn", 1, attempts=str(attempts)) as workers:
        with pytest.raises(WorkerError, match="ended with exit code 7 while it started"):
            workers.run([double(1.0)])
        assert attempts.read_text() == "xx"
    attempts.unlink()
    with pool("stillborn", 1, attempts=str(attempts), lives=2) as workers:
        # One start in two dies, but never two in a row: the pool does not give up.
        replies = workers.run([double(1.0), Message("die", {"code": 1}), double(2.0)])
        assert values(replies) == [2.0, None, 4.0]


def test_a_pool_that_gave_up_tries_again_in_the_next_run(tmp_path: Path) -> None:
    with pool("stillborn", 1, attempts=str(tmp_path / "attempts"), lives=3) as workers:
        with pytest.raises(WorkerError, match="while it started"):
            workers.run([double(1.0)])
        assert values(workers.run([double(1.0)])) == [2.0]


def test_the_other_workers_do_the_work_of_one_that_can_not_be_replaced(tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    with pool("stillborn", 2, attempts=str(attempts), lives=1) as workers:
        workers.start()
        attempts.unlink()
        attempts.mkdir()  # from here on the factory raises
        replies = workers.run([Message("die", {"code": 1}), *(double(float(n), 0.3) for n in range(1, 5))])
        assert len(workers.pids) == 1
    assert values(replies) == [None, 2.0, 4.0, 6.0, 8.0]


def test_when_workers_can_not_be_replaced_what_is_done_is_kept(tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    with pool("stillborn", 1, attempts=str(attempts), lives=1) as workers:
        workers.start()
        attempts.unlink()
        attempts.mkdir()  # from here on the factory raises
        replies = workers.run([double(1.0), Message("die", {"code": 1}), double(2.0), double(3.0)])
    assert values(replies) == [2.0, None, None, None]
    assert [reply.rows for reply in replies if isinstance(reply, WorkerError)] == [(1,), (2,), (3,)]
    assert "could not start: IsADirectoryError" in str(replies[3])


def test_a_start_that_hangs_is_given_up(tmp_path: Path) -> None:
    start = Message("start", {"sign": str(tmp_path / "sign")})
    workers = WorkerPool("toy_tasks:slow_to_start", start, 1, start_timeout_s=0.8)
    with workers, pytest.raises(WorkerError, match=r"hung for 0\.8 s while it started"):
        workers.start()


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("no_such_module:f", "ModuleNotFoundError"),
        ("toy_tasks:no_such_factory", "Expected a factory 'no_such_factory' in toy_tasks"),
        ("toy_tasks:Path", "Path"),
    ],
)
def test_a_task_that_is_not_there(task: str, words: str) -> None:
    with WorkerPool(task, Message("start"), 1) as workers, pytest.raises(WorkerError, match=words):
        workers.start()


def test_what_a_worker_sees(monkeypatch: pytest.MonkeyPatch, temporary: Path, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    start = Message("start")
    with WorkerPool("toy_tasks:obedient", start, 1, environment={"TOY_VARIABLE": "seen"}) as workers:
        (seen,) = workers.run([Message("environment")])
        assert isinstance(seen, Message)
        folder = Path(str(seen.meta["folder"]))
        assert folder.is_relative_to(temporary) and folder.exists()
    assert not folder.exists()
    assert seen.meta["variable"] == "seen" and "TOY_VARIABLE" not in os.environ
    assert seen.meta["pythonpath"] is None and seen.meta["listing"] == []
    assert str(seen.meta["main"]).endswith("child.py")
    path = seen.meta["path"]
    assert isinstance(path, list) and "" not in path and str(tmp_path) not in path


def test_an_exception_in_a_callback_ends_the_busy_workers_alone() -> None:
    def on_reply(index: int, reply: Message) -> None:
        raise KeyError("callback")

    with pool() as workers:
        workers.start()
        before = workers.pids
        with pytest.raises(KeyError, match="callback"):
            workers.run([double(1.0), Message("hang")], on_reply)
        assert len(workers.pids) == 1 and workers.pids[0] in before
        assert values(workers.run([double(1.0)])) == [2.0]


def test_close_is_idempotent_and_final() -> None:
    workers = pool(workers=1)
    workers.start()
    (pid,) = workers.pids
    workers.close()
    workers.close()
    assert not running(pid)
    with pytest.raises(WorkerError, match="closed pool"):
        workers.run([double(1.0)])


def test_a_pool_that_is_forgotten_ends_its_workers() -> None:
    workers = pool(workers=1)
    workers.start()
    (pid,) = workers.pids
    del workers
    assert wait_until(lambda: not running(pid))


def test_a_run_inside_a_run_is_refused_and_one_beside_it_waits() -> None:
    refusals: list[str] = []
    with pool(workers=1) as workers:

        def on_reply(index: int, reply: Message) -> None:
            for call in (lambda: workers.run([double(1.0)]), workers.start, workers.close):
                with pytest.raises(WorkerError) as refusal:
                    call()
                refusals.append(str(refusal.value))

        assert values(workers.run([double(1.0)], on_reply)) == [2.0]
        assert len(refusals) == 3 and all("inside" in refusal for refusal in refusals)
        results: list[list[float | None]] = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(values(workers.run([double(n)] * 3))))
            for n in (1.0, 2.0)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(str, results)) == ["[2.0, 2.0, 2.0]", "[4.0, 4.0, 4.0]"]


def test_impossible_settings_are_refused() -> None:
    for timeout in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SettingError, match="batch_timeout_s"):
            WorkerPool("toy_tasks:echo", Message("start"), 1, batch_timeout_s=timeout)
    with pytest.raises(SettingError, match=r"package\.module:factory"):
        WorkerPool("toy_tasks", Message("start"), 1)
    with pytest.raises(SettingError, match="workers"):
        WorkerPool("toy_tasks:echo", Message("start"), -1)


def test_a_temporary_folder_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(prefix: str) -> str:
        raise PermissionError(13, "Permission denied", prefix)

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pool(workers=1) as workers, pytest.raises(WorkerError, match=r"temporary folder.*try another TMPDIR"):
        workers.run([double(1.0)])
