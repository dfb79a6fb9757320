"""Paths of a function's steps, span by span."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax

import dynsparse
from dynsparse.physics.dependence.paths import step_paths


def test_a_function_is_traced_in_spans_and_tells_of_each():
    env = dynsparse.environment_from_function(
        "Spans",
        lambda s, a: jnp.stack([jnp.where(s[0] > 0, s[1], s[0]), lax.stop_gradient(s[1]) + jnp.clip(a[0], -1.0, 1.0)]),
        state_names=("x", "y"),
        action_names=("u",),
        initial_state=np.ones(2),
        dt=0.1,
    )
    states, actions = np.ones((150, 2)), np.zeros((150, 1))
    states[140, 0], actions[100] = -1.0, 2.0
    told: list[int] = []
    path, open_path = step_paths(env, states, actions, np.zeros((150, 0)), on_rows=told.append)
    assert told == [64, 128, 150]
    usual = np.array([[False, True, False], [False, True, True]])
    assert (path[np.delete(np.arange(150), [100, 140])] == usual).all()
    assert path[140, 0].tolist() == [True, False, False]
    assert not path[100, 1, 2] and open_path[100, 1, 2]
