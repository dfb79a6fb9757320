"""The eight environments as the paper's Table 1 and MuJoCo's own model describe them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import mujoco
import numpy as np
import pytest

from dynsparse.errors import SettingError, UnknownEnvironmentError
from dynsparse.physics.environment import ENVIRONMENT_NAMES, environment_from_model, load_environment

# ds and da as the paper's Table 1 prints them; substeps and the control step in s as Playground configures them.
TABLE = {
    "BallInCup": (8, 2, 10, 0.02),
    "CartpoleBalance": (4, 1, 1, 0.01),
    "CheetahRun": (18, 6, 1, 0.01),
    "ReacherHard": (4, 2, 4, 0.02),
    "FingerSpin": (6, 2, 4, 0.02),
    "FingerTurnEasy": (6, 2, 4, 0.02),
    "WalkerRun": (18, 6, 10, 0.025),
    "SwimmerSwimmer6": (16, 5, 10, 0.03),
}


def test_there_are_eight_in_the_papers_order():
    assert tuple(TABLE) == ENVIRONMENT_NAMES


@pytest.mark.parametrize("name", ENVIRONMENT_NAMES)
def test_dimensions_substeps_and_bounds(loaded, name):
    env = loaded(name)
    state_dim, action_dim, substeps, dt = TABLE[name]
    assert (env.name, env.state_dim, env.action_dim, env.substeps) == (name, state_dim, action_dim, substeps)
    assert env.dt == pytest.approx(dt, rel=1e-12)
    assert env.nq + env.nv == env.state_dim
    assert env.nu == env.action_dim
    assert len(env.state_names) == len(env.state_units) == state_dim
    assert len(set(env.state_names)) == state_dim
    assert len(set(env.action_names)) == action_dim
    np.testing.assert_array_equal(env.action_low, -np.ones(action_dim))
    np.testing.assert_array_equal(env.action_high, np.ones(action_dim))
    np.testing.assert_array_equal(env.default_state(), [*env.model.qpos0, *np.zeros(env.nv)])


def test_the_dimensions_are_those_that_the_paper_prints(checkout):
    with open(checkout / "tests" / "reference" / "table1.csv", newline="") as file:
        printed = {row["environment"]: (int(row["state_dim"]), int(row["action_dim"])) for row in csv.DictReader(file)}
    assert printed == {name: row[:2] for name, row in TABLE.items()}


def test_names_and_units_of_a_planar_runner(loaded):
    env = loaded("CheetahRun")
    named = dict(zip(env.state_names, env.state_units, strict=True))
    # rootx and rootz slide, rooty and the six joints of the legs turn.
    assert list(named)[:4] == ["qpos rootx", "qpos rootz", "qpos rooty", "qpos bthigh"]
    assert list(named)[9:11] == ["qvel rootx", "qvel rootz"]
    assert [named[f"qpos {joint}"] for joint in ("rootx", "rootz", "rooty", "ffoot")] == ["m", "m", "rad", "rad"]
    assert [named[f"qvel {joint}"] for joint in ("rootx", "rooty")] == ["m/s", "rad/s"]
    assert env.action_names == ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")


def test_names_and_units_of_the_cartpole(cartpole):
    assert cartpole.state_names == ("qpos slider", "qpos hinge_1", "qvel slider", "qvel hinge_1")
    assert cartpole.state_units == ("m", "rad", "m/s", "rad/s")
    assert cartpole.action_names == ("slide",)


def test_names_and_units_of_free_ball_and_nameless_joints():
    model = mujoco.MjModel.from_xml_string(
        """
        <mujoco><worldbody>
          <body><joint name="root" type="free"/><geom size="0.1"/>
            <body><joint type="ball"/><geom size="0.1"/></body>
          </body>
        </worldbody><actuator><motor site="s"/><motor name="named" site="s" ctrlrange="-3 4"/></actuator></mujoco>
        """.replace("</body>\n        </worldbody>", '</body><site name="s"/></worldbody>')
    )
    env = environment_from_model("Kite", model, 3)
    assert env.state_dim == (7 + 4) + (6 + 3)
    assert env.state_names[:7] == tuple(f"qpos root {part}" for part in ("x", "y", "z", "qw", "qx", "qy", "qz"))
    assert env.state_names[7:11] == tuple(f"qpos joint 1 {part}" for part in ("qw", "qx", "qy", "qz"))
    assert env.state_names[11:17] == tuple(f"qvel root {part}" for part in ("x", "y", "z", "wx", "wy", "wz"))
    assert env.state_names[17:] == tuple(f"qvel joint 1 {part}" for part in ("wx", "wy", "wz"))
    assert env.state_units == (*["m"] * 3, *["1"] * 8, *["m/s"] * 3, *["rad/s"] * 6)
    assert env.action_names == ("actuator 0", "named")
    np.testing.assert_array_equal(env.action_low, [-np.inf, -3])
    np.testing.assert_array_equal(env.action_high, [np.inf, 4])
    assert env.dt == pytest.approx(3 * 0.002)
    np.testing.assert_array_equal(env.sample_initial_state(5), env.default_state())


def test_an_environment_can_not_be_changed(cartpole):
    with pytest.raises(AttributeError):
        cartpole.substeps = 2
    for bounds in (cartpole.action_low, cartpole.action_high):
        with pytest.raises(ValueError, match="read-only"):
            bounds[0] = 0.0


def test_the_same_key_gives_the_same_initial_state_and_another_key_another(cartpole):
    first, again, other = (cartpole.sample_initial_state(key) for key in (3, np.int64(3), 4))
    assert first.shape == (4,)
    assert first.dtype == np.float64
    assert first.tobytes() == again.tobytes()
    assert (first != other).all()
    assert first.flags.writeable  # to be changed by the caller, as the default state is
    assert cartpole.default_state().flags.writeable
    assert np.abs(first).max() < 0.5  # near the upright pole at rest, as the task says
    # All 63 bits count.
    assert cartpole.sample_initial_state(3 + 2**32).tobytes() != first.tobytes()
    assert np.isfinite(cartpole.sample_initial_state(2**63 - 1)).all()


def test_a_second_environment_draws_the_same_initial_states(cartpole):
    again = load_environment("CartpoleBalance")
    assert again is not cartpole
    assert again.sample_initial_state(3).tobytes() == cartpole.sample_initial_state(3).tobytes()


@pytest.mark.parametrize("key", [-1, 2**63, 1.0, True, "3", None, (1, 2)])
def test_a_bad_key_is_refused(cartpole, key):
    with pytest.raises(SettingError, match=r"key must be an integer from 0 to 2\*\*63 - 1, got "):
        cartpole.sample_initial_state(key)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CheetaRun", "CheetahRun"),
        ("cartpolebalance", "CartpoleBalance"),
        ("Finger", "FingerSpin"),
        ("Swimmer", "SwimmerSwimmer6"),
        ("HumanoidWalker", "HumanoidWalk"),
        ("", "BallInCup"),
        (None, "BallInCup"),
        (7, "BallInCup"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_ones(name, nearest):
    with pytest.raises(UnknownEnvironmentError) as refused:
        load_environment(name)
    told = str(refused.value)
    assert told.startswith(f"no environment is called {name!r}; nearest: ")
    assert nearest in told
    assert refused.value.exit_code == 2


# What is compared is everything that another library in the user's process could notice.
UNCHANGED = """
import json, os, sys
import jax, mujoco
handler = lambda message: None
mujoco.set_mju_user_warning(handler)
configuration, variables = dict(jax.config.values), dict(os.environ)
import dynsparse
from dynsparse.physics.environment import ENVIRONMENT_NAMES
for name in ENVIRONMENT_NAMES:
    env = dynsparse.load_environment(name)
state = dynsparse.load_environment("CartpoleBalance").sample_initial_state(0)
changed = [k for k, v in jax.config.values.items() if configuration.get(k, v) != v]
print(json.dumps({
    "configuration": changed,
    "variables": dict(os.environ) != variables,
    "handler": mujoco.get_mju_user_warning() is handler,
    "float": jax.numpy.ones(1).dtype.name,
    "state": str(state.dtype),
}))
"""


def test_loading_leaves_no_trace(own_folder):
    done = subprocess.run([sys.executable, "-c", UNCHANGED], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == (
        '{"configuration": [], "variables": false, "handler": true, "float": "float32", "state": "float64"}\n'
    )
    assert os.listdir(own_folder) == []
