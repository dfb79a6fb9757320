"""Coverage states: every range is filled to both its ends, evenly, and a row depends on seed and index alone."""

from __future__ import annotations

import itertools
import subprocess
import sys
import warnings

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, qmc

from dynsparse.errors import SettingError
from dynsparse.rollout.coverage import MOST_ROWS, coverage_states
from dynsparse.rollout.ground import find_lifts
from dynsparse.rollout.state_range import (
    ABOVE_REFERENCE,
    BELOW_GROUND,
    HINGE_SPEED,
    SLIDE_REACH,
    SLIDE_SPEED,
    StateRange,
    uniform_rotations,
)

from .coverage_models import HOPPER, KITE, STRING, build

ROWS = 1024
"""A power of 2: that many points of the sequence are balanced in every coordinate."""


@pytest.fixture(scope="module")
def hopper():
    return build(HOPPER)


@pytest.fixture(scope="module")
def hopper_rows(hopper):
    return coverage_states(hopper, 0, 0, ROWS)


@pytest.fixture(scope="module")
def kite_rows():
    return coverage_states(build(KITE), 0, 0, ROWS)


@pytest.fixture(scope="module")
def string_rows():
    return coverage_states(build(STRING), 0, 0, ROWS)


def fills(column, low, high):
    """Tell whether numbers fill an interval evenly, its ends included: one in each of ``len(column)`` equal parts.

    That is what a coordinate of a scrambled Sobol' sequence does, and no independent random numbers do.
    """
    parts = np.floor((column - low) / (high - low) * len(column)).clip(0, len(column) - 1)
    return bool(((column >= low) & (column <= high)).all() and len(np.unique(parts)) == len(column))


def test_shapes_names_and_no_warm_start(hopper, hopper_rows):
    assert hopper_rows.states.shape == (ROWS, 10)
    assert hopper_rows.actions.shape == (ROWS, 2)
    assert hopper_rows.penetrating.shape == (ROWS,)
    assert hopper_rows.penetrating.dtype == bool
    np.testing.assert_array_equal(hopper_rows.warmstarts, np.zeros((ROWS, 5)))
    assert hopper.state_names[:5] == tuple(
        f"qpos {name}" for name in ("root_x", "root_z", "root_turn", "ankle", "tail")
    )


def test_limited_joints_reach_two_percent_beyond_both_limits(hopper_rows):
    # -30 to 70 degrees are 100 wide, 0.1 to 0.3 m are 0.2 wide.
    assert fills(hopper_rows.states[:, 3], np.deg2rad(-32), np.deg2rad(72))
    assert fills(hopper_rows.states[:, 4], 0.096, 0.304)
    assert (hopper_rows.states[:, 3] < np.deg2rad(-30)).any()
    assert (hopper_rows.states[:, 3] > np.deg2rad(70)).any()
    assert (hopper_rows.states[:, 4] < 0.1).any()
    assert (hopper_rows.states[:, 4] > 0.3).any()


def test_joints_without_limits_and_velocities_and_actions_fill_their_ranges(hopper_rows):
    states = hopper_rows.states
    assert fills(states[:, 0], -SLIDE_REACH, SLIDE_REACH)
    assert fills(-states[:, 2], -np.pi, np.pi)
    assert states[:, 2].min() > -np.pi
    for column, speed in zip(
        range(5, 10), (SLIDE_SPEED, SLIDE_SPEED, HINGE_SPEED, HINGE_SPEED, SLIDE_SPEED), strict=True
    ):
        assert fills(states[:, column], -speed, speed)
    assert fills(hopper_rows.actions[:, 0], -2, 5)
    assert fills(hopper_rows.actions[:, 1], 0, 0.5)


def test_random_numbers_would_not_pass_for_evenly_spread():
    assert not fills(np.random.default_rng(0).uniform(-1, 1, ROWS), -1, 1)
    assert fills(np.linspace(-1, 1, ROWS), -1, 1)
    assert not fills(np.linspace(-1, 1.01, ROWS), -1, 1)


def test_rows_are_spread_better_than_random_ones_in_all_coordinates_together(hopper_rows):
    # root_z is left out: it is even in height above the ground and not in itself.
    states = np.delete(hopper_rows.states, 1, axis=1)
    joined = np.concatenate([states, hopper_rows.actions], axis=1)
    cube = (joined - joined.min(axis=0)) / np.ptp(joined, axis=0)
    random = np.random.default_rng(0).random(cube.shape)
    assert qmc.discrepancy(cube) < 0.5 * qmc.discrepancy(random)


def test_heights_go_from_below_the_ground_to_above_the_reference(hopper_rows):
    # By hand: the lowest of trunk and foot.  The leg is a pendulum of 0.5 m below the hip, turned with the root; the
    # foot sits in the ankle, so that the ankle does not move it.
    states = hopper_rows.states
    hip = 0.8 + states[:, 1]
    foot = hip - 0.5 * np.cos(states[:, 2]) - 0.1
    clearance = np.minimum(foot, hip - 0.05)
    assert fills(clearance, -BELOW_GROUND - 1e-12, 0.2 + ABOVE_REFERENCE + 1e-12)
    # Of a range of 0.45 m, 0.05 m are below the ground.
    assert hopper_rows.penetrating.mean() == pytest.approx(0.05 / 0.45, abs=2 / ROWS)
    np.testing.assert_array_equal(hopper_rows.penetrating, clearance < 0)


def test_free_bodies_are_lifted_and_turned_anyhow(kite_rows):
    states = kite_rows.states
    assert fills(states[:, 0], 0.3 - SLIDE_REACH, 0.3 + SLIDE_REACH)
    assert fills(states[:, 1], -SLIDE_REACH, SLIDE_REACH)
    # A ball of radius 0.2 over a floor at height 1, at 1.5 in the reference: clearance 0.3.
    assert fills(states[:, 2] - 0.2 - 1.0, -BELOW_GROUND - 1e-12, 0.3 + ABOVE_REFERENCE + 1e-12)
    np.testing.assert_array_equal(kite_rows.penetrating, states[:, 2] < 1.2)
    for start in (3, 7):
        np.testing.assert_allclose(np.linalg.norm(states[:, start : start + 4], axis=1), 1.0, rtol=1e-14)
    assert fills(-states[:, 11], -np.pi, np.pi)
    speeds = [*[SLIDE_SPEED] * 3, *[HINGE_SPEED] * 7]
    assert all(fills(column, -v, v) for column, v in zip(states[:, 12:].T, speeds, strict=True))
    assert kite_rows.actions.shape == (ROWS, 0)


def test_rotations_are_uniform():
    found = uniform_rotations(np.random.default_rng(0).random((4000, 3)))
    # Independent: four normal numbers, divided by their norm, are uniform on the sphere.
    normal = np.random.default_rng(1).normal(size=(4000, 4))
    expected = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    for mix in ([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0.5, -0.5, 0.5, 0.5]):
        assert kstest(found @ mix, expected @ mix).pvalue > 0.001
    # Angles drawn evenly are not rotations drawn evenly, and the test sees it.
    angle = np.pi * np.random.default_rng(2).random(4000)
    assert kstest(np.cos(angle / 2), np.abs(expected[:, 0])).pvalue < 1e-9


def test_tendons_stay_in_their_widened_range_and_reach_beyond_it(string_rows):
    length = np.hypot(string_rows.states[:, 0], string_rows.states[:, 1])
    # 0.1 to 0.3 m, and 2 % of 0.2 m at both ends.
    assert length.min() >= 0.096 - 1e-12
    assert length.max() <= 0.304 + 1e-12
    assert (length < 0.1).any()
    assert (length > 0.3).any()
    # Evenly over the ring: the square of the length is uniform.
    assert kstest((length**2 - 0.096**2) / (0.304**2 - 0.096**2), "uniform").pvalue > 0.001
    assert fills(string_rows.states[:, 2], -SLIDE_SPEED, SLIDE_SPEED)


def test_a_tendon_out_of_reach_gets_the_closest_position():
    far = build(STRING.replace('range="0.1 0.3"', 'range="5 6"'))
    rows = coverage_states(far, 0, 0, 4)
    # The longest string is the diagonal of 0.5 by 0.5; the best of 200 draws is near it.
    assert (np.hypot(rows.states[:, 0], rows.states[:, 1]) > 0.9 * np.hypot(0.5, 0.5)).all()


@pytest.mark.parametrize("text", [HOPPER, KITE, STRING], ids=["hopper", "kite", "string"])
def test_penetration_is_what_the_engine_finds_in_a_step(text):
    env = build(text)
    rows = coverage_states(env, 3, 0, 200)
    found = []
    for state, action in zip(rows.states, rows.actions, strict=True):
        data = mujoco.MjData(env.model)
        data.qpos[:], data.qvel[:], data.ctrl[:] = state[: env.nq], state[env.nq :], action
        mujoco.mj_step1(env.model, data)
        found.append(any(contact.dist < 0 for contact in data.contact))
    np.testing.assert_array_equal(rows.penetrating, found)
    assert text is STRING or 0 < sum(found) < 200


def test_a_contact_inside_its_margin_is_no_penetration():
    env = build(HOPPER.replace('size="5 5 0.1"', 'size="5 5 0.1" margin="9"'))
    rows = coverage_states(env, 0, 0, 128)
    data = mujoco.MjData(env.model)
    data.qpos[:] = rows.states[~rows.penetrating][0, : env.nq]
    mujoco.mj_forward(env.model, data)
    assert data.ncon > 0
    assert 0 < rows.penetrating.sum() < 64


@pytest.mark.parametrize("text", [HOPPER, STRING], ids=["hopper", "string"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(cuts=st.lists(st.integers(1, 39), max_size=4, unique=True), seed=st.integers(0, 3))
def test_any_split_into_blocks_gives_the_same_rows(text, cuts, seed):
    env = build(text)
    whole = coverage_states(env, seed, 0, 40)
    edges = [0, *sorted(cuts), 40]
    for first, last in itertools.pairwise(edges):
        block = coverage_states(env, seed, first, last - first)
        for name in ("states", "actions", "warmstarts", "penetrating"):
            np.testing.assert_array_equal(getattr(block, name), getattr(whole, name)[first:last])


def test_seed_and_name_decide_the_rows(hopper, hopper_rows):
    assert not np.array_equal(coverage_states(hopper, 1, 0, 8).states, hopper_rows.states[:8])
    assert not np.array_equal(coverage_states(build(HOPPER, "Twin"), 0, 0, 8).states, hopper_rows.states[:8])
    far = coverage_states(hopper, 0, 10_000_000, 2)
    assert np.isfinite(far.states).all()
    assert not np.array_equal(far.states[0], far.states[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 1), "seed must be a whole number of at least 0"),
        ((0, -1, 1), "first must be a whole number of at least 0"),
        ((0, 0, 0), "count must be a whole number of at least 1"),
        ((0, MOST_ROWS - 1, 2), f"indices below {MOST_ROWS}, got {MOST_ROWS}; start again with another seed"),
    ],
)
def test_impossible_blocks_are_refused(hopper, arguments, message):
    with pytest.raises(SettingError, match=message):
        coverage_states(hopper, *arguments)


def test_a_control_range_without_end_is_refused():
    free = build(STRING.replace('ctrllimited="true" ctrlrange="-1 1"', ""), "Free")
    with pytest.raises(SettingError, match="coverage needs a bounded control range, Free"):
        coverage_states(free, 0, 0, 1)


# --- lifts ------------------------------------------------------------------------------------------------------


def lifted(text):
    """Return the names of the joints that are lifts."""
    model = mujoco.MjModel.from_xml_string(text)
    return [model.joint(lift.joint).name for lift in find_lifts(model)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ["root_z"]),
        ('pos="0 0 0"/>', 'pos="0 0 0" euler="0 40 0"/>', ["root_z"]),
        # Tilted by 60 degrees, the ground is climbed by the other slide.
        ('pos="0 0 0"/>', 'pos="0 0 0" euler="0 60 0"/>', ["root_x"]),
        ('size="5 5 0.1"', 'size="5 5 0.1" contype="0" conaffinity="0"', []),
        ('type="plane" size="5 5 0.1"', 'type="box" size="5 5 0.1"', []),
        ('name="root_z" type="slide"', 'name="root_z" type="slide" limited="true" range="0 1"', []),
        ('name="root_x" type="slide" axis="1 0 0"', 'name="root_x" type="hinge" axis="1 0 0"', []),
        ("<mujoco>", '<mujoco><option><flag contact="disable"/></option>', []),
    ],
)
def test_a_lift_is_a_free_slide_along_the_normal_of_a_ground_that_can_be_touched(old, new, expected):
    assert old in HOPPER
    assert lifted(HOPPER.replace(old, new, 1)) == expected


def test_a_lift_inside_a_lift_is_an_ordinary_slide():
    inner = HOPPER.replace(
        'name="tail" type="slide" axis="0 1 0" limited="true" range="0.1 0.3"', 'name="tail" type="slide" axis="0 0 1"'
    )
    assert lifted(inner) == ["root_z"]
    assert lifted(KITE) == ["free"]


def test_a_slide_that_goes_down_is_moved_the_other_way():
    model = mujoco.MjModel.from_xml_string(
        HOPPER.replace('name="root_z" type="slide" axis="0 0 1"', 'name="root_z" type="slide" axis="0.3 0 -1"')
    )
    (lift,) = find_lifts(model)
    data = mujoco.MjData(model)
    for clearance in (-0.03, 0.0, 0.7):
        data.qpos[:] = [0.2, 0.4, 2.0, 0.3, 0.2]
        lift.move(model, data, clearance)
        mujoco.mj_kinematics(model, data)
        lowest = min(data.geom("trunk").xpos[2] - 0.05, data.geom("foot").xpos[2] - 0.1)
        assert lowest == pytest.approx(clearance, abs=1e-12)


def test_a_state_range_of_one_hinge_has_no_lift_and_one_number():
    states = StateRange(
        mujoco.MjModel.from_xml_string(
            '<mujoco><worldbody><body><joint/><geom size="0.1" pos="1 0 0"/></body></worldbody></mujoco>'
        )
    )
    assert (states.position_dim, states.velocity_dim) == (1, 1)
    # The ends: 0 is pi, and what is almost 1 almost -pi.
    np.testing.assert_allclose(
        states.positions(np.array([[0.0], [0.5], [1 - 1e-9]]))[:, 0], [np.pi, 0, -np.pi], atol=1e-8
    )
    np.testing.assert_allclose(states.velocities(np.array([[0.0], [0.75]])), [[-HINGE_SPEED], [HINGE_SPEED / 2]])


def test_policies_and_coverage_need_no_jax():
    program = (
        "import sys, dynsparse.rollout.policies, dynsparse.rollout.policy_file, dynsparse.rollout.coverage;"
        "print([name for name in ('jax', 'brax', 'mujoco_playground', 'mujoco.mjx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_no_count_makes_scipy_warn(hopper):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for count in (1, 2, 3, 7):
            assert len(coverage_states(hopper, 0, 0, count).states) == count
