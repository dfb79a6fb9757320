"""State and warm start differentiated together: the chain by hand, the roll-out against differences of many steps."""

from __future__ import annotations

import hashlib

import mujoco
import numpy as np
import pytest

from dynsparse.analysis.horizon_product import carried_products, k_step_products
from dynsparse.errors import SettingError, UnsupportedModelError
from dynsparse.physics.batch import Compilation
from dynsparse.physics.chain import CarriedJacobians, chain_carried, chain_substeps
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.engines import make_engine
from dynsparse.physics.environment import environment_from_model
from dynsparse.physics.horizon import CarriedWorkers
from dynsparse.physics.passing import pack
from dynsparse.physics.processes import cache_folder

from .test_chain import NU, ROWS, SUBSTEPS, TABLEAU, H, one_substep, random_slopes

STEPS = 4

# A puck that slides on the floor and spins a wheel: one Newton iteration is too few where friction holds it.
PUCK = """
<mujoco>
  <option timestep="0.01" iterations="1" ls_iterations="4"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1"/>
    <body name="puck" pos="0 0 0.1">
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="z" type="slide" axis="0 0 1"/>
      <geom name="ball" type="sphere" size="0.1" mass="1" friction="0.6 0.01 0.002" solimp="0 0.95 0.01"/>
    </body>
  </worldbody>
  <actuator><motor name="push" joint="x" gear="5" ctrllimited="true" ctrlrange="-1 1"/></actuator>
</mujoco>
"""


@pytest.mark.parametrize("stages", [1, 4])
def test_the_columns_of_state_and_action_are_those_of_the_plain_chain(stages):
    slopes, weights = random_slopes(4, stages), (TABLEAU if stages == 4 else None)
    wanted = chain_substeps(slopes, H, None, weights)
    found = chain_carried(slopes, H, None, weights, (1, SUBSTEPS))
    np.testing.assert_array_equal(found.state_by_state[:, 1], wanted[0])
    np.testing.assert_array_equal(found.state_by_action[:, 1], wanted[1])
    assert found.warmstart_by_warmstart.shape == (ROWS, 2, 4, 4)
    assert found.finite.all()


def test_state_and_warm_start_together_are_a_product_of_square_matrices():
    nv = 4
    slopes = random_slopes(nv, stages=1)
    found = chain_carried(slopes, H, None, None, (1, SUBSTEPS))
    ds = 2 * nv
    state, action, warm = slice(0, ds), slice(ds, ds + NU), slice(ds + NU, None)
    for row in range(ROWS):
        full = np.eye(ds + NU + nv)
        for k in range(SUBSTEPS):
            rate, acceleration = slopes.velocity_rate[row, k, 0], slopes.acceleration[row, k, 0]
            full = one_substep(rate, acceleration, np.eye(nv), H * np.eye(nv)) @ full
            if k + 1 not in (1, SUBSTEPS):
                continue
            wanted = CarriedJacobians(*(full[a][:, b] for a in (state, warm) for b in (state, action, warm)))
            for name, part in found._asdict().items():
                np.testing.assert_allclose(part[row, int(k > 0)], getattr(wanted, name), rtol=1e-11, atol=1e-11)


def test_a_number_that_is_not_finite_marks_its_row_and_the_lengths_after_it():
    slopes = random_slopes(4, stages=1)
    slopes.acceleration[1, 1, 0, 2, 3] = np.nan
    finite = chain_carried(slopes, H, None, None, (1, 2, SUBSTEPS)).finite
    np.testing.assert_array_equal(finite, [[True, True, True], [True, False, False]])


@pytest.fixture(scope="module")
def puck():
    return environment_from_model("Puck", mujoco.MjModel.from_xml_string(PUCK), 2)


@pytest.fixture(scope="module")
def workers(puck, shared_cache):
    """A process that carries the warm start, and an engine of this process that steps and holds it."""
    model = hashlib.sha256(pack(puck)[1]["model"].tobytes()).hexdigest()  # by which workers keep machine code
    with CarriedWorkers(puck, workers=1) as carrying:
        carrying.jacobians(*(x[:, 0] if x.ndim == 3 else x for x in rows_at(-0.004, 0.002)))  # compiles, both kinds
        yield carrying, make_engine(puck, "exact", compilation=Compilation(cache=cache_folder(), fingerprint=model))


def rows_at(low, high, rows=48):
    """Starts with the puck's centre so high above where it touches the floor, actions and warm starts."""
    rng = np.random.default_rng(3)
    states = np.stack([rng.normal(size=rows), rng.uniform(low, high, rows), *rng.normal(0, 0.3, (2, rows))], axis=1)
    return states, rng.uniform(-0.9, 0.9, (rows, STEPS, 1)), rng.normal(0, 3.0, (rows, 2))


def differences(engine, states, actions, warmstarts, size):
    """Central differences of the state after all steps, by state and first action; the warm starts run along."""
    ends = []
    for sign in (1, -1):
        moved_states, moved_actions = [], []
        for column in range(states.shape[1] + actions.shape[2]):
            ds, da = np.zeros(states.shape[1]), np.zeros_like(actions)
            if column < states.shape[1]:
                ds[column] = sign * size
            else:
                da[:, 0, column - states.shape[1]] = sign * size
            moved_states.append(states + ds)
            moved_actions.append(actions + da)
        repeated = np.tile(warmstarts, (len(moved_states), 1))
        rolled = engine.roll_out(np.concatenate(moved_states), np.concatenate(moved_actions), repeated)
        ends.append(rolled.states[:, -1].reshape(len(moved_states), *states.shape))
    return np.moveaxis((ends[0] - ends[1]) / (2 * size), 0, 2)


def both_products(workers, states, actions, warmstarts):
    """Return both products over a roll-out, the steps that they are made of, and the solver's residuals."""
    carrying, engine = workers
    rolled = engine.roll_out(states, actions, warmstarts)
    rows = [x[:, :STEPS].reshape(-1, x.shape[2]) for x in (rolled.states, actions, rolled.warmstarts)]
    single, told = engine.linearize(*rows), []
    found = carrying.jacobians(*rows, on_rows=told.append)
    assert told[-1] == len(rows[0])
    np.testing.assert_array_equal(found.state_by_state[:, 0], single.jac_state)
    np.testing.assert_array_equal(found.state_by_action[:, 0], single.jac_action)
    steps = CarriedJacobians(*(x.reshape(len(states), STEPS, *x.shape[2:]) for x in found))
    *_, carried = carried_products(steps)
    *_, plain = k_step_products(steps.state_by_state, steps.state_by_action)
    return carried, plain, steps, single.solver_residual


def test_with_unconverged_calls_the_roll_out_is_what_differences_see_and_the_plain_product_is_not(workers):
    rows = rows_at(-0.004, 0.002)
    carried, plain, steps, residual = both_products(workers, *rows)
    coarse, fine = (differences(workers[1], *rows, size) for size in (1e-5, 1e-6))
    assert (residual > CONVERGED).mean() > 0.1
    assert steps.state_by_warmstart.any()
    scale = np.maximum(1.0, np.abs(fine).max(axis=(1, 2)))
    smooth = np.abs(coarse - fine).max(axis=(1, 2)) < 1e-5 * scale
    # The line search takes other branches from one iteration to the next: many kinks in four steps of two substeps.
    assert smooth.sum() >= 12
    errors = [(np.abs(x - fine).max(axis=(1, 2)) / scale)[smooth] for x in (carried, plain)]
    assert errors[0].max() < 1e-5
    assert (errors[1] > 1e-2).sum() >= 3


def test_with_converged_calls_both_products_are_the_same_bit_for_bit(workers):
    rows = rows_at(0.5, 1.0)
    carried, plain, steps, residual = both_products(workers, *rows)
    assert (residual < CONVERGED).all()
    assert not steps.state_by_warmstart.any()
    np.testing.assert_array_equal(carried, plain)
    np.testing.assert_allclose(carried, differences(workers[1], *rows, 1e-6), atol=1e-7)


def test_a_longer_control_step_is_a_roll_out_with_the_action_held(workers):
    states, actions, warmstarts = rows_at(-0.004, 0.002)
    held = np.repeat(actions[:, :1], STEPS, axis=1)
    carried, plain, steps, _ = both_products(workers, states, held, warmstarts)
    found = workers[0].jacobians(states, held[:, 0], warmstarts, counts=[1, 2 * STEPS])
    np.testing.assert_allclose(found.state_by_state[:, 1], carried[:, :, :4], rtol=1e-9, atol=1e-9)
    assert np.abs(plain - carried).max() > 1e-2
    # The held action acts in every step: its derivative is the sum over the step in which it is changed.
    total = np.zeros_like(found.state_by_action[:, 1])
    for first in range(STEPS):
        *_, later = carried_products(CarriedJacobians(*(part[:, first:] for part in steps)))
        total += later[:, :, 4:]
    np.testing.assert_allclose(found.state_by_action[:, 1], total, rtol=1e-9, atol=1e-9)
    assert np.abs(found.state_by_state[:, 0] - steps.state_by_state[:, 0]).max() > 1e-3


@pytest.mark.parametrize("counts", [[], [0, 1], [2, 2], [3, 1]])
def test_lengths_that_are_none_are_refused(no_worker, puck, counts):
    states, actions, warmstarts = rows_at(0.5, 1.0)
    with CarriedWorkers(puck, workers=1) as carrying, pytest.raises(SettingError, match="rising numbers of substeps"):
        carrying.jacobians(states, actions[:, 0], warmstarts, counts=counts)


def test_no_row_and_no_mjx_are_refused(no_worker, puck):
    with CarriedWorkers(puck, workers=1) as carrying, pytest.raises(SettingError, match="at least one row"):
        carrying.jacobians(np.zeros((0, 4)), np.zeros((0, 1)), np.zeros((0, 2)))
    in_c = environment_from_model("Puck in C", puck.model, 2, engine="mujoco-c")
    with pytest.raises(UnsupportedModelError, match="MuJoCo C"):
        CarriedWorkers(in_c)
