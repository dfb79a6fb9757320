"""Machine code steps and differentiates as XLA does, which runs MJX itself."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest

from dynsparse.physics.batch import BatchFunction
from dynsparse.physics.control_step import control_step
from dynsparse.physics.engine import Engine
from dynsparse.physics.environment import float64_on_cpu, load_environment
from dynsparse.physics.implicit import CallSlope, implicit_slope
from dynsparse.physics.native.function import RowFunction

ROWS = 24


LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("WalkerRun", "BallInCup")]


@pytest.fixture(scope="module", params=["FingerSpin", *LONG])
def rolled(request):
    """An engine and rows along random roll-outs of it, with what it says of them."""
    env = load_environment(request.param)
    engine = Engine(env.model, env.substeps)
    rng = np.random.default_rng(0)
    actions = rng.uniform(env.action_low, env.action_high, (ROWS, 40, env.action_dim))
    start = np.repeat(env.default_state()[None], ROWS, axis=0)
    start[:, env.nq :] += 0.1 * rng.normal(size=(ROWS, env.nv))
    found = engine.roll_out(start, actions, np.zeros((ROWS, env.nv)))
    # Row i is step i of episode i: free flight, landing and rest.
    rows = found.states[range(ROWS), range(ROWS)], actions[range(ROWS), range(ROWS)]
    return engine, (*rows, found.warmstarts[range(ROWS), range(ROWS)])


def close(found, wanted):
    scale = np.maximum(1.0, np.abs(wanted).max())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9 * scale)


def test_a_control_step_is_that_of_mjx(rolled):
    engine, (states, actions, warmstarts) = rolled
    sim = engine.simulator
    found = engine.step(states, actions, warmstarts)
    assert engine.stepper.is_native
    with float64_on_cpu():
        by_xla = BatchFunction(partial(control_step, sim), ROWS)
        wanted = by_xla(states[:, : sim.nq], states[:, sim.nq :], actions, warmstarts)
    for got, one in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert got.dtype == one.dtype
        if got.dtype == bool:
            np.testing.assert_array_equal(got, one)
        else:
            close(got, one)
    assert wanted.calls.active.any()  # something pushed


def test_slopes_are_those_of_xla(rolled):
    engine, (states, actions, warmstarts) = rolled
    sim = engine.simulator
    value = engine.step(states, actions, warmstarts)
    call = states[:, : sim.nq], states[:, sim.nq :], actions, value.calls.acceleration[:, 0, 0]
    with float64_on_cpu():
        wanted = BatchFunction(partial(implicit_slope, sim), ROWS)(*call)
        found = RowFunction(partial(implicit_slope, sim), "implicit", lambda parts: CallSlope(*parts), rows=ROWS)(*call)
    for got, one in zip(found, wanted, strict=True):
        close(got, one)


def test_several_steps_are_single_ones_bit_for_bit(rolled):
    engine, (states, actions, warmstarts) = rolled
    given = np.stack([actions, -actions, 0.5 * actions], axis=1)
    with float64_on_cpu():
        several = engine.stepper.several(states, given, warmstarts)
        for t in range(3):
            one = engine.stepper(states, given[:, t], warmstarts)
            for whole, part in zip(jax.tree.leaves(several), jax.tree.leaves(one), strict=True):
                np.testing.assert_array_equal(whole[:, t], part)
            states, warmstarts = np.concatenate([one.qpos, one.qvel], axis=1), one.warmstart
