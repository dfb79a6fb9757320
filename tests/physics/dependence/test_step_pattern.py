"""Patterns of control steps: never a slope without a path, and by hand where bodies do and do not meet."""

from __future__ import annotations

from functools import partial

import jax
import mujoco
import numpy as np
import pytest

from dynsparse.physics.control_step import StepValue, control_step
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.dependence import Dependence, DependenceTrace
from dynsparse.physics.dependence.call_pattern import CallPatterns
from dynsparse.physics.dependence.step_pattern import StepPatterns
from dynsparse.physics.engine import BatchSizes, Engine
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.probe import probe_rows
from dynsparse.physics.simulator import Simulator, build_simulator

TEMPLATE = """
<mujoco>
  <option timestep="0.005" iterations="{iterations}" ls_iterations="30" gravity="0 0 {gravity}"/>
  <worldbody>{world}</worldbody>{rest}
</mujoco>
"""
FLOOR = '<geom name="floor" type="plane" size="9 9 0.1"/>'


def simulated(
    world: str, rest: str = "", *, substeps: int = 2, gravity: float = 0.0, iterations: int = 50
) -> Simulator:
    text = TEMPLATE.format(world=world, rest=rest, gravity=gravity, iterations=iterations)
    with float64_on_cpu():
        return build_simulator(mujoco.MjModel.from_xml_string(text), substeps)


def stepped(sim: Simulator, states: np.ndarray, actions: np.ndarray | None = None) -> StepValue:
    """Run control steps without compiling anything: the trace computes values, too."""
    states = np.asarray(states, dtype=float)
    actions = np.zeros((len(states), sim.nu)) if actions is None else actions
    columns = (states[:, : sim.nq], states[:, sim.nq :], actions, np.zeros((len(states), sim.nv)))
    found = DependenceTrace(partial(control_step, sim))(*columns, varying=())
    value: StepValue = jax.tree.map(lambda x: x.values, found, is_leaf=lambda x: isinstance(x, Dependence))
    return value


def step_patterns(sim: Simulator, states: np.ndarray, actions: np.ndarray | None = None, **options) -> np.ndarray:
    value = stepped(sim, states, actions)
    assert (value.calls.residual < CONVERGED).all()
    actions = np.zeros((len(states), sim.nu)) if actions is None else actions
    return StepPatterns(sim, **options)(value, actions)


def ball(name: str, x: float, axis: str = "1 0 0", more: str = "") -> str:
    return f"""<body name="{name}" pos="{x} 0 0.1"><joint name="{name}" type="slide" axis="{axis}" {more}/>
        <geom type="sphere" size="0.1" mass="1"/></body>"""


OWN = np.tile(np.eye(2, dtype=bool), (2, 2))
"""Of two bodies that do not meet: each place and velocity by its own place and velocity."""


def test_two_balls_on_a_rail_meet_only_where_they_touch():
    sim = simulated(ball("left", 0.0) + ball("right", 0.5))
    apart, touching = step_patterns(sim, [[0.0, 0.0, 0.1, -0.2], [0.31, 0.0, 0.1, -0.2]])
    # Nothing pushes, so no velocity depends on a place.
    expected = OWN.copy()
    expected[2:, :2] = False
    np.testing.assert_array_equal(apart, expected)
    assert touching.all()


def test_two_bodies_on_the_floor_that_never_meet_have_no_path_between_them():
    sim = simulated(FLOOR + ball("one", 0.0, "0 0 1") + ball("two", 3.0, "0 0 1"), gravity=-9.81)
    value = stepped(sim, [[-0.01, -0.02, -0.1, 0.2]])
    assert value.calls.active.any(axis=(0, 1, 2)).sum() == 2  # both press
    np.testing.assert_array_equal(step_patterns(sim, [[-0.01, -0.02, -0.1, 0.2]])[0], OWN)


def test_a_limit_is_a_path_from_place_to_velocity_only_where_it_pushes():
    sim = simulated(ball("cart", 0.0, more='limited="true" range="-0.5 0.5"'), substeps=1)
    inside, beyond = step_patterns(sim, [[0.1, 0.5], [0.51, 0.5]])
    np.testing.assert_array_equal(inside, [[True, True], [False, True]])
    assert beyond.all()


def test_a_hinge_turns_its_own_inertia_so_its_place_has_a_path_even_inside_its_limit():
    # Its slope is zero by the symmetry of the turn, which no trace sees: the inertia is computed from the angle.
    world = """<body><joint type="hinge" axis="0 0 1" limited="true" range="-30 30"/>
        <geom type="sphere" size="0.1" pos="1 0 0"/></body>"""
    assert step_patterns(simulated(world, substeps=1), [[0.1, 0.5], [0.53, 0.5]]).all()


def test_a_tendon_ties_two_carts_where_it_is_taut():
    rest = """<tendon><fixed limited="true" range="-1 1"><joint joint="a" coef="1"/><joint joint="b" coef="-1"/></fixed>
        </tendon><actuator><motor joint="a"/></actuator>"""
    sim = simulated(ball("a", 0.0) + ball("b", 3.0), rest)
    slack, taut = step_patterns(sim, [[0.0, 0.0, 0.3, 0.1], [1.0, -0.01, 0.3, 0.1]], np.array([[0.5], [0.5]]))
    expected = np.zeros((4, 5), dtype=bool)
    expected[:, :4] = OWN
    expected[2:, :2] = False
    expected[[0, 2], 4] = True  # the motor moves its own cart
    np.testing.assert_array_equal(slack, expected)
    assert taut.all()


def test_links_of_one_body_meet_through_its_inertia_and_an_idle_clamp_is_told_from_an_open_one():
    world = f"""<body><joint name="x" type="slide" axis="1 0 0"/><geom type="sphere" size="0.1" mass="1"/>
        <body><joint name="turn" type="hinge" axis="0 1 0"/><geom type="sphere" size="0.1" pos="0 0 0.4" mass="1"/>
        </body></body>{ball("alone", 9.0)}"""
    rest = """<actuator><motor joint="turn" forcelimited="true" forcerange="-1 1"/></actuator>"""
    sim = simulated(world, rest, substeps=1)
    states, actions = np.array([[0.0, 0.3, 0.0, 0.2, 0.5, 0.1]] * 2), np.array([[0.5], [2.0]])
    free, clamped = step_patterns(sim, states, actions)
    _, opened = step_patterns(sim, states, actions, open_clamps=True)
    # Slide and hinge move each other; the third body moves alone.
    np.testing.assert_array_equal(free[3:, 3:6], [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(free[3:, 6], [True, True, False])
    assert not clamped[:, 6].any()
    np.testing.assert_array_equal(opened[:, 6], free[:, 6])


def _differences(model: mujoco.MjModel, substeps: int, sim: Simulator, state, action) -> np.ndarray:
    """Central differences of MuJoCo's C step, in tangents: (2 nv, 2 nv + nu)."""
    data, nv, step = mujoco.MjData(model), sim.nv, 1e-5

    def after(change: np.ndarray) -> np.ndarray:
        mujoco.mj_resetData(model, data)
        data.qpos[:] = state[: sim.nq]
        mujoco.mj_integratePos(model, data.qpos, change[:nv], 1.0)
        data.qvel[:] = state[sim.nq :] + change[nv : 2 * nv]
        data.ctrl[:] = action + change[2 * nv :]
        mujoco.mj_step(model, data, substeps)
        return np.concatenate([data.qpos, data.qvel])

    columns = []
    for unit in step * np.eye(2 * nv + sim.nu):
        high, low = after(unit), after(-unit)
        moved = np.zeros(nv)
        mujoco.mj_differentiatePos(model, moved, 1.0, low[: sim.nq], high[: sim.nq])
        columns.append(np.concatenate([moved, high[sim.nq :] - low[sim.nq :]]) / (2 * step))
    return np.stack(columns, axis=1)


TREES = """
<mujoco>
  <option timestep="0.004" integrator="{integrator}" cone="{cone}" iterations="{iterations}" ls_iterations="20"/>
  <worldbody>
    <geom type="plane" size="9 9 0.1" solimp="0 0.95 0.01"/>
    <body pos="0 0 0.2"><joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 0 1"/>
      <geom type="sphere" size="0.2" friction="0.7 0.01 0.002"/></body>
    <body pos="4 0 2"><joint type="ball" damping="0.02"/>
      <geom type="capsule" size="0.03" fromto="0 0 0 0 0.1 0.4"/></body>
    <body pos="8 0 2"><joint name="h" type="hinge" axis="0 1 0" limited="true" range="-40 40" frictionloss="0.1"/>
      <geom type="capsule" size="0.03" fromto="0 0 0 0.4 0 0"/></body>
  </worldbody>
  <actuator><motor joint="h"/></actuator>
</mujoco>
"""
"""Three trees that never meet: a foot that slides over the floor, a stick on a ball joint, a hinge with a limit."""


def _tree_states(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    turns = rng.normal(size=(rows, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    feet = np.stack([rng.normal(size=rows), rng.uniform(-0.02, 0.01, rows)], axis=1)
    hinge = rng.uniform(0.6, 0.75, (rows, 1))
    return np.concatenate([feet, turns, hinge, rng.normal(size=(rows, 6))], axis=1), rng.uniform(-1, 1, (rows, 1))


@pytest.mark.parametrize(
    ("integrator", "cone", "iterations"),
    [("Euler", "pyramidal", 60), ("implicitfast", "elliptic", 60), ("RK4", "pyramidal", 60), ("Euler", "elliptic", 1)],
)
def test_where_mujoco_moves_there_is_a_path(integrator, cone, iterations):
    options = {"integrator": integrator, "cone": cone}
    model = mujoco.MjModel.from_xml_string(TREES.format(iterations=iterations, **options))
    with float64_on_cpu():
        sim = build_simulator(model, 2)
    states, actions = _tree_states(4)
    value = stepped(sim, states, actions)
    patterns = StepPatterns(sim)(value, actions)
    exact = mujoco.MjModel.from_xml_string(TREES.format(iterations=200, **options))
    for state, action, pattern in zip(states, actions, patterns, strict=True):
        slopes = _differences(exact, 2, sim, state, action)
        # 1e-10 of noise over a step of 1e-5.
        assert not ((np.abs(slopes) > 1e-4) & ~pattern).any()
    converged = (value.calls.residual < CONVERGED).all(axis=(1, 2))
    assert converged.all() == (iterations > 1)
    tree = np.array([0, 0, 1, 1, 1, 2])
    apart = np.concatenate([tree, tree])[:, None] != np.concatenate([tree, tree, [2]])
    assert not patterns[converged][:, apart].any()


@pytest.mark.parametrize(
    "name", [*(pytest.param(name, marks=pytest.mark.long) for name in ("BallInCup", "CheetahRun")), "FingerSpin"]
)
def test_where_the_exact_jacobian_has_a_slope_there_is_a_path(loaded, opened, name):
    env, linearizer = loaded(name), opened(name)
    rows = probe_rows(env, linearizer, 12, seed=5)
    found = linearizer.linearize(rows.states, rows.actions, rows.warmstarts)
    engine = Engine(env.model, env.substeps, sizes=BatchSizes.single())
    sim = engine.simulator
    value = _traced_steps(sim, rows.states, rows.actions, rows.warmstarts)
    np.testing.assert_allclose(np.concatenate([value.qpos, value.qvel], axis=1), found.next_state, rtol=1e-6, atol=1e-6)
    patterns = StepPatterns(sim)(value, rows.actions)
    jacobian = np.concatenate([found.jac_state, found.jac_action], axis=2)
    missed = (np.abs(jacobian) > 1e-12) & ~patterns
    assert not missed[found.finite].any()
    assert rows.active.any()


def _traced_steps(sim, states, actions, warmstarts):
    found = DependenceTrace(partial(control_step, sim))(
        states[:, : sim.nq], states[:, sim.nq :], actions, warmstarts, varying=()
    )
    return jax.tree.map(lambda x: x.values, found, is_leaf=lambda x: isinstance(x, Dependence))


def test_a_row_without_numbers_has_every_path():
    sim = simulated(ball("left", 0.0) + ball("right", 0.5), substeps=1, iterations=2)
    states = np.array([[0.0, 0.0, 0.0, np.nan], [0.0, 0.0, 0.1, 0.2]])
    patterns = StepPatterns(sim)(stepped(sim, states), np.zeros((2, 0)))
    assert patterns[0].all() and not patterns[1].all()


def test_iterations_that_ran_out_pass_on_the_warm_start_and_couple_what_shares_a_line_search():
    sim = simulated(FLOOR + ball("one", 0.0, "0 0 1") + ball("two", 3.0, "0 0 1"), gravity=-9.81, iterations=1)
    calls = CallPatterns(sim)
    qpos, qvel, ctrl = np.array([[-0.01, -0.02]]), np.array([[-0.1, 0.2]]), np.zeros((1, 0))
    held = calls.converged(qpos, qvel, ctrl, np.array([[3.0, 4.0]])).acceleration[0]
    np.testing.assert_array_equal(held, [[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0]])
    run = calls.unconverged(qpos, qvel, ctrl, np.array([[3.0, 4.0]])).acceleration[0]
    assert run[:, :4].all()
