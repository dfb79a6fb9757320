"""Paths through the program of control steps, of many rows on all cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dynsparse.errors import UnsupportedModelError, WorkerError
from dynsparse.physics.environment import Environment
from dynsparse.physics.processes import open_pool
from dynsparse.workers import Message

__all__ = ["step_paths"]

_ROWS = 64
"""Rows of a request: a trace costs as much for one as for many, so that few are wasted."""


def step_paths(
    env: Environment,
    states: np.ndarray,
    actions: np.ndarray,
    warmstarts: np.ndarray,
    *,
    workers: int = 0,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Say whether the program of each control step has a path from each input to each output.

    Contacts, limits and branches are as they are in the row.  What is traced is the program that ``exact``
    differentiates; see ``dynsparse.physics.dependence`` for its rules.

    Args:
        env: the environment.
        states: (n, ds), n at least 1.
        actions: (n, da).
        warmstarts: (n, nv).
        workers: processes; 0 for one on each usable core.  A function is traced in this process.
        on_rows: told how many rows are finished.

    Returns:
        (n, dt, dt + da) bool; and the same with clamps that let everything pass.

    Raises:
        UnsupportedModelError: MuJoCo's C code runs it, or a function was made in another process.
        UnknownPrimitiveError: the program does something that no rule covers; named.
        WorkerError: a worker died or hung.
    """
    if env.engine == "function":
        return _of_function(env, states, actions, on_rows)
    if env.engine != "mjx":
        raise UnsupportedModelError(
            f"{env.name} is run by MuJoCo's C code, which is no program that can be traced: what is zero there has no "
            "known cause"
        )
    spans = [slice(first, first + _ROWS) for first in range(0, len(states), _ROWS)]
    columns = {"states": states, "actions": actions, "warmstarts": warmstarts}
    requests = [
        Message("paths", {}, {name: np.ascontiguousarray(x[span], dtype=np.float64) for name, x in columns.items()})
        for span in spans
    ]
    done = [0]

    def told(_index: int, reply: Message) -> None:
        done[0] += len(reply.arrays["path"])
        on_rows(done[0])

    pool = open_pool(env, "exact", workers, task="dynsparse.physics.dependence.server:serve")
    try:
        answers = pool.run(requests, told)
    finally:
        pool.close()
    for span, answer in zip(spans, answers, strict=True):
        if isinstance(answer, WorkerError):
            raise WorkerError(
                f"{env.name}: rows {span.start} to {min(span.stop, len(states)) - 1} can not be traced. {answer}"
            ) from answer
    found = [answer for answer in answers if isinstance(answer, Message)]
    path, open_path = (np.concatenate([x.arrays[name] for x in found]) for name in ("path", "open_path"))
    return path, open_path


def _of_function(
    env: Environment, states: np.ndarray, actions: np.ndarray, on_rows: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray]:
    import jax.numpy as jnp

    from dynsparse.physics.dependence.trace import DependenceTrace
    from dynsparse.physics.function_source import function_transition

    transition = function_transition(env)
    # A tangent reaches a state's numbers by the quaternion that it turns, and the other way round.
    into = env.space.lift(_generic(env)) != 0
    seeds = {
        0: np.concatenate([into, np.zeros((1, env.state_dim, env.action_dim), dtype=bool)], axis=2),
        1: np.eye(env.action_dim, env.tangent_dim + env.action_dim, k=env.tangent_dim, dtype=bool)[None],
    }
    out = np.swapaxes(into[0], 0, 1)

    def step(state: Any, action: Any) -> Any:
        return transition(state, action, jnp.zeros(0))[0]

    traces = [DependenceTrace(step, open_clamps=open_clamps) for open_clamps in (False, True)]
    found: list[list[np.ndarray]] = [[], []]
    for first in range(0, len(states), _ROWS):
        span = slice(first, first + _ROWS)
        for parts, trace in zip(found, traces, strict=True):
            pattern = trace(states[span], actions[span], seeds=seeds).pattern
            parts.append(np.einsum("ts,nsk->ntk", out, pattern.astype(np.uint8)) > 0)
        on_rows(min(first + _ROWS, len(states)))
    return np.concatenate(found[0]), np.concatenate(found[1])


def _generic(env: Environment) -> np.ndarray:
    """Return a state of which no number of any quaternion is zero."""
    state = np.ones((1, env.state_dim))
    for start in env.space.quaternions:
        state[0, start : start + 4] = (0.1, 0.5, 0.7, 0.5)
    return state
