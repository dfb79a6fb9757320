from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.cli import executors, reproduction, study
from dynsparse.cli.section_run import SectionOutcome
from dynsparse.dataset import finite_rows
from dynsparse.errors import DynsparseError, WorkerError
from dynsparse.executor import Answer, CheckedResult, Event
from dynsparse.executor.unit import resolve
from dynsparse.learning.unit import run_unit
from dynsparse.physics.linearization import Evaluation
from dynsparse.physics.state_space import StateSpace
from dynsparse.rollout.policies import random_actions_of

NAMES = ("qpos slider", "qpos hinge_1", "qvel slider", "qvel hinge_1")

# A linear system that forgets: its Jacobians are known, and differences of its step agree with them.
BY_STATE = np.full((4, 4), 0.2)
BY_STATE[1:, 0] = 0.0
BY_ACTION = np.full((4, 1), 0.5)


def step(states, actions):
    return states @ BY_STATE.T + actions @ BY_ACTION.T


class FakeCollector:
    """Stands in for a pool of workers, to test what is done around it: order, resume, errors, Ctrl-C."""

    def __init__(self, env, settings, lab):
        self.env, self.settings, self.lab = env, settings, lab
        self.compile_seconds, self.peak_rss_mib = 0.5, 100.0

    @property
    def pids(self):
        return () if self.lab.worker is None else (self.lab.worker.pid,)

    def warm_up(self):
        self.lab.started.append(self.env.name)
        if self.env.name in self.lab.failing:
            raise WorkerError(f"{self.env.name}: worker 7 was killed by SIGKILL\nwhile it started", rows=(3,))
        if self.env.name in self.lab.blocking:
            self.lab.blocked.set()
            self.lab.worker.wait(30)
            raise WorkerError("the worker was killed")

    def make(self, description, blocks, commit, *, on_rows):
        done = bad = 0
        for number in blocks:
            arrays = self._block(description, number)
            done += len(arrays["t"])
            bad += int((~arrays["finite"]).sum())
            on_rows(done, bad)
            commit(number, arrays)
            self.lab.committed.append((self.env.name, number))
            if self.env.name in self.lab.dying:
                raise WorkerError(f"{self.env.name}: rows 0 to 9 have no result. Worker 7 died.", rows=range(10))

    def _block(self, description, number):
        place = description.block_rows(number)
        rows = np.arange(place.start, place.stop)
        episode, t = np.divmod(rows, description.episode_steps)
        actions, states = np.empty((len(rows), 1)), np.empty((len(rows) + 1, 4))
        for which in np.unique(episode):
            inside = np.flatnonzero(episode == which)
            drawn = random_actions_of(self.env, self.settings.seed, int(which), description.episode_steps, 5)
            actions[inside] = drawn[: len(inside)]
        following = np.empty((len(rows), 4))
        for i in range(len(rows)):
            if t[i] == 0:
                states[i] = 0.1 * episode[i]
            following[i] = states[i + 1] = step(states[i], actions[i])
        last = (t == description.episode_steps - 1) | (rows == description.rows - 1)
        jacobian = np.broadcast_to(BY_STATE, (len(rows), 4, 4)).copy()
        jacobian[np.isin(rows, self.lab.nonfinite)] = np.nan
        flags = np.zeros((len(rows), 1), dtype=bool)
        arrays = {
            "state": states[:-1], "next_state": following, "action": actions, "action_raw": actions,
            "warmstart": np.zeros((len(rows), 2)), "jac_state": jacobian,
            "jac_action": np.broadcast_to(BY_ACTION, (len(rows), 4, 1)).copy(), "reward": np.zeros(len(rows)),
            "terminated": last & False, "truncated": last, "episode": episode, "t": t, "constraint_active": flags,
            "constraint_active_start": flags, "solver_residual": np.zeros(len(rows)),
        }  # fmt: skip
        self.lab.actions[self.env.name] = actions
        return arrays | {"finite": finite_rows(arrays)}

    def evaluate(self, states, actions, warmstarts=None):
        none = np.zeros((len(states), 5), dtype=bool)
        return Evaluation(step(states, actions), warmstarts, np.zeros(len(states)), none, none[:, :1], none[:, :1])

    def close(self):
        self.lab.closed.append(self.env.name)


class HereAndNow:
    """Runs units in this process, and fails those that it is told to."""

    def __init__(self):
        self.ran, self.failing, self.stopping = [], (), None
        self.error = "WorkerError: no memory"

    def run(self, units, folder, on_event):
        for unit in units:
            settings = unit.arguments["settings"]
            name = unit.arguments["kind"], settings["loss"], settings["seed"]
            if name == self.stopping:
                raise KeyboardInterrupt
            self.ran.append(name)
            on_event(Event("started", unit))
            if name in self.failing:
                yield Answer(unit, None, self.error)
                continue
            tell = partial(self._tell, unit, on_event)
            yield Answer(unit, CheckedResult(*run_unit(unit.arguments, unit.context, tell)))

    @staticmethod
    def _tell(unit, on_event, done, total, text):
        on_event(Event("progress", unit, done, total, text))


class AnyUnits:
    """Runs units of every kind one after the other in this process, as a cluster's machines would in theirs."""

    def __init__(self):
        self.ran = []

    def run(self, units, folder, on_event):
        for unit in units:
            self.ran.append((unit.function.rpartition(":")[2], unit.arguments["environment"]))
            on_event(Event("started", unit))
            try:
                found = resolve(unit.function)(unit.arguments, unit.context, lambda *_: None)
            except DynsparseError as error:
                yield Answer(unit, None, f"{type(error).__name__}: {error}")
                continue
            yield Answer(unit, CheckedResult(*found))


@pytest.fixture
def units_here(monkeypatch):
    """Run units of every kind in this process, and tell which."""
    executor = AnyUnits()
    monkeypatch.setattr(executors, "make_executor", lambda name, workers, address: executor)
    return executor


@pytest.fixture
def new_executor():
    """Return what makes an executor that runs units in this process."""
    return HereAndNow


@pytest.fixture
def here(monkeypatch, new_executor):
    """Run units in this process, and tell which."""
    executor = new_executor()
    monkeypatch.setattr(executors, "make_executor", lambda name, workers, address: executor)
    return executor


@pytest.fixture
def only_line(capsys):
    """Return the one line, progress aside, that a verb wrote on standard error."""

    def line():
        err = capsys.readouterr().err
        assert "Traceback" not in err
        (found,) = [line for line in err.splitlines() if not line.startswith("[")]
        assert found.startswith("dynsparse: ")
        return found

    return line


@pytest.fixture
def published():
    """Draw and write what ``reproduce`` found; without, a laboratory's reproduction ends before that."""


@pytest.fixture
def lab(monkeypatch, request):
    """Replace environments and workers by fakes, and tell what was done with them."""
    lab = SimpleNamespace(
        started=[],
        closed=[],
        committed=[],
        failing=set(),
        dying=set(),
        blocking=set(),
        nonfinite=(),
        actions={},
        blocked=threading.Event(),
        worker=None,
        planned=[],
    )

    def environment(name):
        return SimpleNamespace(
            name=name,
            state_dim=4,
            action_dim=1,
            nv=2,
            nmocap=0,
            state_names=NAMES,
            state_units=("m", "rad", "m/s", "rad/s"),
            action_names=("slide",),
            action_low=np.array([-1.0]),
            action_high=np.array([1.0]),
            constraint_names=("joint limit slider",),
            active_kinds=lambda active: np.zeros((len(active), 5), dtype=bool),
            substeps=1,
            dt=0.01,
            fingerprint="0" * 64,
            engine="mjx",
            source=SimpleNamespace(config={}, kind="model"),
            space=StateSpace(4),
            tangent_dim=4,
            is_rewarded=True,
            check_derivative=lambda derivative: None,
        )

    monkeypatch.setattr(reproduction, "open_environment", environment)
    monkeypatch.setattr(reproduction, "open_collector", lambda env, rows, workers: FakeCollector(env, rows, lab))
    monkeypatch.setattr(reproduction, "_LOOK_SECONDS", 0.01)

    def sections(plans, datasets, *_args, **_more):
        lab.planned += [(plan.section, name) for name in datasets for plan in plans if plan.covers(name)]
        return SectionOutcome({}, ())

    monkeypatch.setattr(study, "run_sections", sections)

    def exploring(self):
        lab.planned.append(("explore", ""))
        return nullcontext()

    monkeypatch.setattr(study.Study, "exploring", exploring)
    # Drawing takes seconds: only where the drawn is looked at.
    if "published" not in request.fixturenames:
        monkeypatch.setattr(study.Study, "publish", lambda self, expected, questions, runs: None)
    return lab
