"""Models in MuJoCo's C code: the step against mj_step, the slope against MuJoCo's own and by hand."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.errors import SettingError, UnsupportedModelError
from dynsparse.physics.engines import make_engine
from dynsparse.physics.environment import environment_from_model

FLOATER = """<mujoco><option integrator="implicitfast"/><worldbody>
  <geom name="floor" type="plane" size="1 1 .1"/>
  <body name="b" pos="0 0 .12"><freejoint name="root"/><geom name="ball" size=".1"/>
    <body pos=".2 0 0"><joint name="h" axis="0 1 0" limited="true" range="-30 30"/>
      <geom name="arm" type="capsule" fromto="0 0 0 .2 0 0" size=".04"/></body></body></worldbody>
  <actuator><position name="a" joint="h" ctrlrange="-1 1" kp="3" timeconst="0.05"/></actuator></mujoco>"""


def environment(text=FLOATER, substeps=1):
    return environment_from_model("Floater", mujoco.MjModel.from_xml_string(text), substeps, engine="mujoco-c")


def rows(env, count=4):
    rng = np.random.default_rng(0)
    states = np.stack([env.default_state()] * count)
    states = env.space.integrate(states, 0.1 * rng.normal(size=(count, env.tangent_dim)))
    states[0, 2], states[1, 7] = 0.09, 0.6  # into the floor; beyond the limit
    return states, rng.uniform(-1, 1, (count, env.action_dim)), rng.normal(size=(count, env.nv))


def test_activations_are_part_of_the_state():
    env = environment()
    assert (env.state_dim, env.tangent_dim, env.nv) == (8 + 7 + 1, 15, 7)
    assert (env.state_names[-1], env.state_units[-1]) == ("act a", "1")
    assert env.constraint_names == ("joint limit h", "contact floor-ball", "contact floor-arm")
    assert env.constraint_kinds == ("joint limit", "contact", "contact")


def test_the_slope_is_that_of_mujocos_own_differences():
    env = environment()
    states, actions, warmstarts = rows(env)
    found = make_engine(env, "finite-difference").linearize(states, actions, warmstarts)
    assert found.derivative == "finite-difference" and found.zero_tolerance == 1e-8 and found.finite.all()
    assert found.constraint_active[0, 1] and found.constraint_active[1, 0] and not found.constraint_active[2:, 0].any()
    np.testing.assert_array_equal(found.active[:, 4], found.constraint_active[:, 1:].any(axis=1))
    assert (found.solver_residual < 1e-8).all()
    data = mujoco.MjData(env.model)
    for row in range(len(states)):
        mujoco.mj_resetData(env.model, data)
        data.qpos[:], data.qvel[:], data.act[:] = np.split(states[row], [env.nq, env.nq + env.nv])
        data.ctrl[:], data.qacc_warmstart[:] = actions[row], warmstarts[row]
        by_state, by_action = np.zeros((15, 15)), np.zeros((15, 1))
        mujoco.mjd_transitionFD(env.model, data, 1e-6, 1, by_state, by_action, None, None)
        # Both differences have a round-off of 1e-10 times the acceleration's scale of 1e3.
        np.testing.assert_allclose(found.jac_state[row], by_state, atol=1e-6)
        np.testing.assert_allclose(found.jac_action[row], by_action, atol=1e-6)
        mujoco.mj_step(env.model, data)
        np.testing.assert_array_equal(found.next_state[row], [*data.qpos, *data.qvel, *data.act])
        np.testing.assert_array_equal(found.next_warmstart[row], data.qacc_warmstart)


def test_the_filter_of_an_activation_by_hand():
    env = environment(substeps=3)
    found = make_engine(env, "finite-difference").linearize(*rows(env))
    kept = np.exp(-3 * 0.002 / 0.05)  # filterexact: act <- act + (ctrl - act)(1 - exp(-h / tau))
    np.testing.assert_allclose(found.jac_state[:, -1, -1], kept, atol=1e-9)
    np.testing.assert_allclose(found.jac_action[:, -1, 0], 1 - kept, atol=1e-9)
    assert (np.abs(found.jac_state[:, -1, :-1]) < found.zero_tolerance).all()


def test_a_step_leaves_nothing_to_the_next():
    env = environment(substeps=2)
    engine = make_engine(env, "finite-difference")
    states, actions, warmstarts = rows(env)
    alone = [engine.evaluate(states[[r]], actions[[r]], warmstarts[[r]]).next_state[0] for r in (3, 2, 1, 0)]
    np.testing.assert_array_equal(engine.evaluate(states, actions, warmstarts).next_state, alone[::-1])


def test_episodes_are_steps_one_after_the_other():
    env = environment()
    engine = make_engine(env, "finite-difference")
    states, _, warmstarts = rows(env, 2)
    actions = np.random.default_rng(1).uniform(-1, 1, (2, 3, 1))
    episodes = engine.roll_out(states, actions, warmstarts)
    second = engine.evaluate(episodes.states[:, 1], actions[:, 1], episodes.warmstarts[:, 1])
    np.testing.assert_array_equal(second.next_state, episodes.states[:, 2])


def test_the_clamp_is_off_at_a_bound():
    env = environment()
    states, _, warmstarts = rows(env, 2)
    found = make_engine(env, "finite-difference").linearize(states, np.ones((2, 1)), warmstarts)
    np.testing.assert_allclose(found.jac_action[:, -1, 0], 1 - np.exp(-0.002 / 0.05), atol=1e-9)  # not half of it


def test_a_row_that_diverges_is_not_finite_and_writes_no_log(own_folder, capfd):
    env = environment()
    states, actions, warmstarts = rows(env, 2)
    states[1, 8:15] = 1e200
    found = make_engine(env, "finite-difference").linearize(states, actions, warmstarts)
    np.testing.assert_array_equal(found.finite, [True, False])
    assert not list(own_folder.iterdir()) and not capfd.readouterr().err


@pytest.mark.parametrize("derivative", ["exact", "autodiff"])
def test_other_derivatives_are_refused(derivative):
    with pytest.raises(UnsupportedModelError, match='derivative="finite-difference" works'):
        make_engine(environment(), derivative)
    with pytest.raises(SettingError, match="has no reference"):
        make_engine(environment(), "reference")


def test_a_callback_of_the_users_is_refused():
    env = environment()
    engine = make_engine(env, "finite-difference")
    mujoco.set_mjcb_passive(lambda _model, data: data.qfrc_passive.__iadd__(data.time))
    try:
        with pytest.raises(UnsupportedModelError, match=r"mjcb_passive is set.*set_mjcb_passive\(None\)"):
            engine.evaluate(*rows(env))
    finally:
        mujoco.set_mjcb_passive(None)


def test_geoms_that_can_not_meet_have_no_name():
    text = """<mujoco><worldbody><geom name="floor" type="plane" size="1 1 .1"/>
      <body name="a"><joint name="x" type="slide" frictionloss="1"/><geom name="p" size=".1"/>
        <body name="child"><joint name="y" type="slide"/><geom name="q" size=".1"/>
          <body name="grandchild"><joint name="z" type="slide"/><geom name="r" size=".1"/></body></body></body>
      <body name="ghost"><joint name="w" type="slide"/><geom name="g" size=".1" contype="0" conaffinity="0"/></body>
      </worldbody><contact><exclude body1="world" body2="grandchild"/></contact></mujoco>"""
    env = environment(text)
    # Not p-q and q-r (child and parent), not r with the floor (excluded), not the ghost.
    assert env.constraint_names == ("sliding friction x", "contact floor-p", "contact floor-q", "contact p-r")
    data = mujoco.MjData(env.model)
    data.qpos[:] = 0.01 * np.arange(4)
    mujoco.mj_forward(env.model, data)  # MuJoCo's own filter, all geoms in one place
    pairs = {tuple(sorted(env.model.geom(int(g)).name for g in pair)) for pair in data.contact.geom}
    assert pairs == {("floor", "p"), ("floor", "q"), ("p", "r")}
