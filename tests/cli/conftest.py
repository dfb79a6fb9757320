from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.cli import reproduction
from dynsparse.errors import WorkerError

NAMES = ("qpos slider", "qpos hinge_1", "qvel slider", "qvel hinge_1")


class FakeLinearizer:
    """Stands in for a pool of workers, to test what is done around it: order, resume, errors, Ctrl-C."""

    def __init__(self, env, lab):
        self.env, self.lab = env, lab
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

    def roll_out(self, initial_states, actions):
        self.lab.actions[self.env.name] = actions
        episodes, steps = actions.shape[:2]
        return SimpleNamespace(states=np.zeros((episodes, steps + 1, 4)), warmstarts=np.zeros((episodes, steps + 1, 2)))

    def linearize(self, states, actions, warmstarts, *, on_rows):
        n = len(states)
        jac_state = np.ones((n, 4, 4))
        jac_state[:, 1:, 0] = 0.0
        jac_action = np.ones((n, 4, 1))
        finite = np.ones(n, dtype=bool)
        for row in self.lab.nonfinite:
            jac_state[row], finite[row] = np.nan, False
        on_rows(n, int((~finite).sum()))
        return SimpleNamespace(jac_state=jac_state, jac_action=jac_action, finite=finite)

    def close(self):
        self.lab.closed.append(self.env.name)


@pytest.fixture
def lab(monkeypatch):
    """Replace environments and workers by fakes, and tell what was done with them."""
    lab = SimpleNamespace(
        started=[],
        closed=[],
        failing=set(),
        blocking=set(),
        nonfinite=(),
        actions={},
        blocked=threading.Event(),
        worker=None,
    )

    def environment(name):
        return SimpleNamespace(
            name=name,
            state_dim=4,
            action_dim=1,
            nv=2,
            state_names=NAMES,
            action_names=("slide",),
            action_low=np.array([-1.0]),
            action_high=np.array([1.0]),
            sample_initial_state=lambda key: np.zeros(4),
        )

    monkeypatch.setattr(reproduction, "open_environment", environment)
    monkeypatch.setattr(reproduction, "open_linearizer", lambda env, derivative, workers: FakeLinearizer(env, lab))
    monkeypatch.setattr(reproduction, "_LOOK_SECONDS", 0.01)
    return lab
