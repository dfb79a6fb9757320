"""Zero causes, on a small model whose every answer is known, and on the eight environments' own rows."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

import dynsparse
from dynsparse.errors import ArrayError, DependenceError, SettingError, UnsupportedModelError
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.environment import environment_from_model
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import probe_rows
from dynsparse.physics.zero_causes import explain_zeros
from dynsparse.physics.zero_labels import ZERO_LABELS

# Without gravity: two balls on a rail, a hinge with a limit, two slides with a cable between them that can be taut, and
# a body that meets none of these and is moved by a motor whose force saturates.
_MODEL = """
<mujoco>
  <option timestep="0.004" gravity="0 0 0" iterations="20" ls_iterations="20"/>
  <worldbody>
    <body name="left" pos="0 0 0"><joint name="left" type="slide" axis="1 0 0"/>
      <geom name="left" size=".1" mass="1" condim="1"/></body>
    <body name="right" pos="1 0 0"><joint name="right" type="slide" axis="1 0 0"/>
      <geom name="right" size=".1" mass="2" condim="1"/></body>
    <body pos="0 2 0"><joint name="door" type="hinge" axis="0 0 1" limited="true" range="-30 30" damping=".1"/>
      <geom type="capsule" fromto="0 0 0 .3 0 0" size=".02" mass="1" contype="0" conaffinity="0"/></body>
    <body pos="0 4 0"><joint name="near" type="slide" axis="1 0 0"/>
      <geom size=".1" mass="1" contype="0" conaffinity="0"/></body>
    <body pos="0 5 0"><joint name="far" type="slide" axis="1 0 0"/>
      <geom size=".1" mass="1" contype="0" conaffinity="0"/></body>
    <body pos="0 7 0"><joint name="alone" type="slide" axis="1 0 0"/>
      <geom size=".1" mass="1" contype="0" conaffinity="0"/></body>
  </worldbody>
  <tendon><fixed name="cable" limited="true" range="-1 .5">
    <joint joint="near" coef="1"/><joint joint="far" coef="-1"/></fixed></tendon>
  <actuator><motor name="push" joint="alone" ctrllimited="true" ctrlrange="-2 2" forcelimited="true"
    forcerange="-1 1"/></actuator>
</mujoco>
"""
JOINTS = ("left", "right", "door", "near", "far", "alone")
LEFT, RIGHT, DOOR, NEAR, FAR, ALONE = range(6)
APART, TOUCHING, AT_LIMIT, TAUT, PUSHED = range(5)


def states() -> np.ndarray:
    """Each row switches one thing on: nothing, the balls touch, the door is at its limit, the cable is taut."""
    found = np.zeros((5, 12))
    found[TOUCHING, [LEFT, RIGHT]] = 0.45, -0.4
    found[AT_LIMIT, DOOR] = 0.55
    found[TAUT, [NEAR, FAR]] = 0.4, -0.2
    found[:, 6:] = 0.1 * np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
    return found


@pytest.fixture(scope="module")
def env():
    return environment_from_model("toys", mujoco.MjModel.from_xml_string(_MODEL), 2)


@pytest.fixture(scope="module")
def causes(env, shared_cache):
    actions = np.zeros((5, 1))
    actions[PUSHED] = 1.5  # beyond the motor's force range, inside its control range
    return explain_zeros(env, states(), actions, evidence_rows=0, workers=1)


def label(causes, row: int, output: str, by: str) -> str:
    names = causes.state_names + causes.action_names
    return ZERO_LABELS[causes.labels[row, names.index(output), names.index(by)]]


def off(causes, row: int, output: str, by: str) -> str:
    names = causes.state_names + causes.action_names
    which = causes.constraint_off[row, names.index(output), names.index(by)]
    return causes.constraint_names[which] if which >= 0 else ""


def test_two_balls_on_a_rail_apart_and_touching(causes):
    for output, by in (("left", "right"), ("right", "left")):
        for kind in ("qpos", "qvel"):
            element = f"qvel {output}", f"{kind} {by}"
            assert label(causes, APART, *element) == "contact-off"
            assert off(causes, APART, *element) == "contact left-right"
            assert label(causes, TOUCHING, *element) == "none"


def test_a_hinge_inside_and_at_its_limit(causes):
    element = "qvel door", "qpos door"
    assert label(causes, APART, *element) == "limit-off"
    assert off(causes, APART, *element) == "joint limit door"
    assert label(causes, AT_LIMIT, *element) == "none"


def test_a_slack_and_a_taut_cable(causes):
    for output, by in (("near", "far"), ("far", "near")):
        element = f"qvel {output}", f"qvel {by}"
        assert label(causes, APART, *element) == "limit-off"
        assert off(causes, APART, *element) == "tendon limit cable"
        assert label(causes, TAUT, *element) == "none"


@pytest.mark.parametrize("row", [APART, TOUCHING, AT_LIMIT, TAUT])
def test_bodies_that_never_meet_have_no_path_even_while_both_are_pushed(causes, row):
    # In TOUCHING and AT_LIMIT the solver has work to do for one group; a solve couples no more than its component.
    for output, by in (("alone", "left"), ("left", "alone"), ("door", "near"), ("near", "door"), ("far", "right")):
        for kind in ("qpos", "qvel"):
            assert label(causes, row, f"qvel {output}", f"{kind} {by}") == "structural"


def test_a_motor_at_its_force_limit_is_clamped(causes):
    assert label(causes, PUSHED, "qvel alone", "push") == "clamped"
    assert label(causes, APART, "qvel alone", "push") == "none"
    assert label(causes, PUSHED, "qvel left", "push") == "structural"


def test_every_zero_has_a_label_and_nothing_else_has(env, causes):
    with Linearizer(env, workers=1) as linearizer:
        actions = np.zeros((5, 1))
        actions[PUSHED] = 1.5
        found = linearizer.linearize(states(), actions)
    zero = np.abs(np.concatenate([found.jac_state, found.jac_action], axis=2)) < causes.atol
    np.testing.assert_array_equal(causes.labels > 0, zero)
    assert sum(causes.counts().values()) == causes.labels.size


def test_no_shift_holds_for_five_states_though_one_changes_nothing(causes):
    found = {symmetry.shift.name: symmetry for symmetry in causes.symmetries}
    assert list(found) == [f"qpos {joint}" for joint in JOINTS]  # every joint stands in the world
    # In some row each but the last presses on something, deeper where it is shifted; and five states prove nothing.
    assert [name for name, symmetry in found.items() if symmetry.error < 1e-12] == ["qpos alone"]
    assert found["qpos alone"].states == 5 and not found["qpos alone"].holds


def test_made_rows_show_what_the_given_ones_do_not(env):
    alone = states()[[APART]]
    without = explain_zeros(env, alone, np.zeros((1, 1)), evidence_rows=0, workers=1)
    assert label(without, 0, "qvel left", "qpos right") == "structural"
    # The inertia about the hinge is computed through the angle, and comes out the same.
    assert label(without, 0, "qvel door", "qpos door") == "numerical"
    probed = explain_zeros(env, alone, np.zeros((1, 1)), evidence_rows=40, workers=1)
    assert probed.evidence_rows == 40
    assert label(probed, 0, "qvel door", "qpos door") == "limit-off"


def test_a_function_has_no_constraints_and_its_own_branches():
    import jax.numpy as jnp

    def step(state, action):
        a, b, c = state
        pulled = jnp.where(c > 0, b, 0.0)
        return jnp.stack([a + 0.1 * pulled, b + jnp.clip(action[0], -1.0, 1.0), c - c * b])

    system = dynsparse.environment_from_function(
        "Branches", step, state_names=("a", "b", "c"), action_names=("u",), state_units=("1", "1", "1"),
        action_low=(-2.0,), action_high=(2.0,), dt=0.1, initial_state=np.array([0.5, 0.5, 0.5]),
    )  # fmt: skip
    rows = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, -0.5], [0.5, 1.0, 0.5]])
    found = explain_zeros(system, rows, np.array([[0.5], [0.5], [1.5]]), workers=1)
    # c enters a through a comparison alone; b enters it while c is above zero.
    assert [label(found, row, "a", "b") for row in range(3)] == ["none", "structural", "none"]
    assert [label(found, row, "a", "c") for row in range(3)] == ["structural"] * 3
    assert [label(found, row, "b", "u") for row in range(3)] == ["none", "none", "clamped"]
    # 1 - b is zero at b = 1 by its numbers alone.
    assert [label(found, row, "c", "c") for row in range(3)] == ["none", "none", "numerical"]


@pytest.mark.parametrize("name", ["CartpoleBalance", pytest.param("ReacherHard", marks=pytest.mark.long)])
def test_no_zero_is_structural_where_differences_see_a_slope(loaded, opened, name):
    env, linearizer = loaded(name), opened(name)
    probe = probe_rows(env, linearizer, 60, seed=3)
    slopes = difference_columns(linearizer, probe.states, probe.actions, probe.warmstarts, env.space)
    found = explain_zeros(env, probe.states, probe.actions, probe.warmstarts, evidence_rows=0, workers=1)
    structural = found.labels == ZERO_LABELS.index("structural")
    seen = np.minimum(np.abs(slopes.central_fine), np.abs(slopes.central_coarse)) > 1e-7
    assert seen.any() and not (structural & seen).any()
    if name == "ReacherHard":  # the shoulder turns the whole arm
        names = found.state_names
        column = names.index("qpos shoulder")
        others = [row for row in range(4) if row != column]
        assert (found.labels[:, others, column] == ZERO_LABELS.index("symmetry")).all()


def refused(env, error, match, **given):
    with pytest.raises(error, match=match):
        explain_zeros(env, states(), np.zeros((5, 1)), **given)


def test_bad_input_is_refused(env):
    jac, active = (np.zeros((5, 12, 12)), np.zeros((5, 12, 1))), np.zeros((5, len(env.constraint_names)), dtype=bool)
    for atol in (0.0, np.nan, np.inf, "1"):
        refused(env, SettingError, "atol", atol=atol)
    refused(env, SettingError, "evidence_rows", evidence_rows=1.5)
    refused(env, SettingError, "together", jacobians=jac)
    refused(env, SettingError, "together", constraint_active=active)
    lost = jac[0].copy(), jac[1]
    lost[0][1, 0, 0] = np.nan
    refused(env, ArrayError, "row 1 of toys is not", jacobians=lost, constraint_active=active)
    wide = jac[0], np.zeros((5, 12, 2))
    refused(env, ArrayError, r"shapes \(5, 12, 12\) and \(5, 12, 1\)", jacobians=wide, constraint_active=active)
    refused(env, ArrayError, "type bool", jacobians=jac, constraint_active=active[:2])
    refused(env, ArrayError, "type bool", jacobians=jac, constraint_active=active.astype(int))
    in_c = environment_from_model("toys", env.model, 2, engine="mujoco-c")
    refused(in_c, UnsupportedModelError, "finite differences leave noise")


def test_a_slope_without_a_path_is_an_error_and_no_label(env):
    jac = np.zeros((5, 12, 12)), np.zeros((5, 12, 1))
    jac[0][2, JOINTS.index("alone") + 6, JOINTS.index("left")] = 1e-3
    active = np.zeros((5, len(env.constraint_names)), dtype=bool)
    match = "row 2 of toys has a slope of next qvel alone by qpos left"
    refused(env, DependenceError, match, jacobians=jac, constraint_active=active, evidence_rows=0, workers=1)


def test_given_rows_are_evidence(env, causes):
    # What the other rows of a data set show is learned from them: row 0 alone switches nothing.
    actions = np.zeros((5, 1))
    with Linearizer(env, workers=1) as linearizer:
        found = linearizer.linearize(states(), actions)
    more = found.jac_state, found.jac_action, found.constraint_active
    alone = explain_zeros(env, states()[[APART]], actions[:1], evidence=more, evidence_rows=0, workers=1)
    assert alone.evidence_rows == 5
    assert label(alone, 0, "qvel left", "qpos right") == "contact-off"
    switches = dict(zip(alone.constraint_names, alone.members, strict=True))
    assert switches["contact left-right"] == ("contact left-right",)
    assert alone.active_rows[alone.constraint_names.index("contact left-right")] == 1
    names = alone.state_names
    by = alone.switched_by[names.index("qvel left"), names.index("qpos right")]
    assert [name for name, flag in zip(alone.constraint_names, by, strict=True) if flag] == ["contact left-right"]
    # A row whose solver ran out of iterations teaches nothing, and is labelled all the same.
    told = np.arange(5) != TOUCHING
    given = {"jacobians": more[:2], "constraint_active": more[2], "converged": told, "evidence_rows": 0, "workers": 1}
    untaught = explain_zeros(env, states(), actions, **given)
    assert label(untaught, APART, "qvel left", "qpos right") == "structural"
    assert label(untaught, TOUCHING, "qvel left", "qpos right") == "none"
    refused(env, ArrayError, r"shape \(5,\), bool", **{**given, "converged": told[:2]})
