"""Symmetries, on small models whose answer is known: what commutes with a shift, and what breaks it."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.physics.environment import Environment, environment_from_model
from dynsparse.physics.linearization import Evaluation
from dynsparse.physics.switches import switches_of
from dynsparse.physics.symmetry import find_symmetries, held_against, shifts
from dynsparse.physics.zero_labels import ZeroEvidence

_RAIL = """
<mujoco><option gravity="{gravity}"/><worldbody>
  <geom name="wall" type="plane" size="5 5 1" pos="{wall} 0 0" euler="0 90 0"/>
  <body name="cart"><joint name="rail" type="slide" axis="1 0 0"/><geom size=".1" mass="1"/>
    <body name="pole"><joint name="hinge" type="hinge" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 .2 0 0 .6" size=".02" mass=".2" contype="0" conaffinity="0"/></body></body>
  <body name="drone" pos="0 3 0"><freejoint name="free"/>
    <geom type="box" size=".1 .2 .3" contype="0" conaffinity="0"/></body>
</worldbody></mujoco>
"""


class InC:
    """The same control step by MuJoCo C: no compile, and an engine of its own."""

    def __init__(self, env: Environment):
        self.env, self.data = env, mujoco.MjData(env.model)

    def evaluate(self, states, actions, warmstarts=None):
        ends, active = [], []
        for state in states:
            mujoco.mj_resetData(self.env.model, self.data)
            self.data.qpos[:], self.data.qvel[:] = np.split(state, [self.env.nq])
            mujoco.mj_step(self.env.model, self.data)
            ends.append(np.concatenate([self.data.qpos, self.data.qvel]))
            active.append([self.data.ncon > 0] * len(self.env.constraint_names))
        residual, flags = np.zeros(len(states)), np.array(active)
        return Evaluation(np.array(ends), warmstarts, residual, flags, flags, flags)


def build(gravity: str = "0 0 -9.81", wall: float = -50.0) -> Environment:
    return environment_from_model("rail", mujoco.MjModel.from_xml_string(_RAIL.format(gravity=gravity, wall=wall)), 1)


def rows(env: Environment, count: int = 12):
    rng = np.random.default_rng(0)
    tangents = rng.normal(size=(count, env.tangent_dim))
    states = env.space.integrate(env.default_state(), tangents)
    return states, np.zeros((count, 0)), np.zeros((count, env.nv))


def found(env: Environment):
    return {x.shift.name: x for x in find_symmetries(env, InC(env), *rows(env))}


def test_only_joints_of_bodies_that_stand_in_the_world_move_a_whole():
    candidates = {shift.name: shift for shift in shifts(build())}
    # The pole's hinge turns the pole alone; of a free joint the three positions.
    assert list(candidates) == ["qpos rail", "qpos free x", "qpos free y", "qpos free z"]
    assert candidates["qpos rail"].words == "translation of cart along x"
    # Behind the rail and the hinge, whose tangents come first.
    assert [candidates[f"qpos free {axis}"].column for axis in "xyz"] == [2, 3, 4]


def test_translations_are_symmetries_as_far_as_nothing_is_touched():
    symmetries = found(build())
    assert all(symmetry.holds for symmetry in symmetries.values())
    assert symmetries["qpos rail"].error < 1e-12
    rail = symmetries["qpos rail"]
    assert (rail.rows, rail.states, rail.largest, rail.broken_by) == (96, 12, 10.0, ())


def test_what_a_shift_touches_breaks_the_symmetry_and_is_named():
    symmetry = found(build(wall=-4.0))["qpos rail"]
    assert symmetry.broken_by == ("contact cart-world",)
    assert symmetry.holds and symmetry.skipped >= 12


def test_a_spring_to_the_world_leaves_no_symmetry():
    text = _RAIL.format(gravity="0 0 -9.81", wall=-50).replace('axis="1 0 0"', 'axis="1 0 0" stiffness="3"')
    env = environment_from_model("sprung", mujoco.MjModel.from_xml_string(text), 1)
    symmetries = find_symmetries(env, InC(env), *rows(env))
    assert [symmetry.shift.name for symmetry in symmetries if not symmetry.holds] == ["qpos rail"]


@pytest.mark.parametrize(("gravity", "holds"), [("0 0 -9.81", False), ("0 0 0", True)])
def test_turning_a_body_about_its_hinge_is_a_symmetry_without_gravity(gravity, holds):
    text = f"""
    <mujoco><option gravity="{gravity}"/><worldbody><body name="arm"><joint name="shoulder" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 .5 0 0" size=".02"/>
      <body name="hand" pos=".5 0 0"><joint name="wrist" axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 .3 0 0" size=".02"/></body></body></worldbody>
      <contact><exclude body1="arm" body2="hand"/></contact></mujoco>"""
    env = environment_from_model("arm", mujoco.MjModel.from_xml_string(text), 1)
    (symmetry,) = find_symmetries(env, InC(env), *rows(env))
    assert symmetry.shift.words == "rotation of arm about y"
    assert symmetry.holds is holds


def test_rows_whose_jacobian_is_known_contradict_a_symmetry_or_say_what_ends_it():
    env = build()
    symmetries, switches = tuple(found(env).values()), switches_of(env)
    assert switches.names == ("contact cart-world",)
    nonzero = np.zeros((3, env.tangent_dim, env.tangent_dim), dtype=bool)
    nonzero[:, 0, 0] = True  # its own coordinate
    nonzero[1, 1, 0] = True  # the hinge by the rail, while the cart touches
    evidence = ZeroEvidence(nonzero, np.array([[False], [True], [False]]))
    rail = held_against(symmetries, evidence, switches)[0]
    assert rail.holds and rail.broken_by == ("contact cart-world",) and rail.contradicted == 0
    nonzero[2, 1, 0] = True  # and once with nothing on
    rail = held_against(symmetries, evidence, switches)[0]
    assert not rail.holds and rail.contradicted == 1


def test_one_state_proves_nothing_however_often_it_is_shifted():
    env = build()
    states, actions, warmstarts = rows(env, 7)
    assert all(x.rows == 56 and not x.holds for x in find_symmetries(env, InC(env), states, actions, warmstarts))


def test_states_without_numbers_prove_nothing():
    env = build()
    states, actions, warmstarts = rows(env)
    states = np.full_like(states, np.nan)
    assert not any(symmetry.holds for symmetry in find_symmetries(env, InC(env), states, actions, warmstarts))
