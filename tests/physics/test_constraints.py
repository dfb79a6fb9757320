"""Names of constraints, and which row of MJX's belongs to which: against rows counted by hand and MuJoCo's contacts."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.physics.constraints import constraint_rows

from .hand_models import ARM, arm_rows, build

# One of everything, in an order that MJX changes: it sorts equalities by type, and contacts by condim.
EVERYTHING = """
<mujoco>
  <option cone="{cone}"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1" condim="3"/>
    <body name="a" pos="0 0 1">
      <joint name="turn" type="hinge" axis="0 1 0" limited="true" range="-40 40" frictionloss="0.4"/>
      <geom name="ball" type="sphere" size="0.1" condim="1"/>
      <geom type="sphere" size="0.1" pos="1 0 0" condim="4"/>
    </body>
    <body name="b" pos="0 3 1">
      <joint name="lift" type="slide" axis="0 0 1" limited="true" range="-1 1"/>
      <joint name="push" type="slide" axis="1 0 0"/>
      <geom name="box" type="sphere" size="0.1" contype="0" conaffinity="0"/>
    </body>
  </worldbody>
  <tendon>
    <fixed name="rope" limited="true" range="-1 1" frictionloss="0.1"><joint joint="lift" coef="1"/></fixed>
  </tendon>
  <equality>
    <joint name="gear" joint1="push" joint2="lift"/>
    <connect body1="a" body2="b" anchor="0 0 0"/>
  </equality>
</mujoco>
"""


@pytest.mark.parametrize(("cone", "friction_rows"), [("pyramidal", (4, 6)), ("elliptic", (3, 4))])
def test_every_row_belongs_to_the_constraint_that_mjx_lays_there(cone, friction_rows):
    found = constraint_rows(mujoco.MjModel.from_xml_string(EVERYTHING.format(cone=cone)))
    assert found.names == (
        "equality 1",  # unnamed; a connect comes before a joint's equality in MJX
        "equality gear",
        "sliding friction turn",
        "sliding friction rope",
        "joint limit turn",
        "joint limit lift",
        "tendon limit rope",
        "contact floor-ball",
        "contact floor-a.1",
    )
    assert found.kinds == (0, 0, 1, 1, 2, 2, 3, 4, 4)
    assert found.members.tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6]
    # Floor and ball have condim max(3, 1), floor and the other sphere max(3, 4).
    assert found.slots.tolist() == [0] * friction_rows[0] + [1] * friction_rows[1]
    assert found.pairs.tolist() == [[0, 1], [0, 2]]


def test_kinds_are_active_where_any_of_their_constraints_is():
    found = constraint_rows(mujoco.MjModel.from_xml_string(EVERYTHING.format(cone="pyramidal")))
    active = np.zeros((3, 9), dtype=bool)
    active[1, [1, 8]] = True
    active[2, 5] = True
    assert found.by_kind(active).astype(int).tolist() == [[0] * 5, [1, 0, 0, 0, 1], [0, 0, 1, 0, 0]]


def test_constraints_that_are_switched_off_have_no_name():
    model = mujoco.MjModel.from_xml_string(EVERYTHING.format(cone="pyramidal"))
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT) | int(mujoco.mjtDisableBit.mjDSBL_LIMIT)
    assert [name.split()[0] for name in constraint_rows(model).names] == ["equality"] * 2 + ["sliding"] * 2
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONSTRAINT)
    assert constraint_rows(model).names == ()


def test_equal_names_are_told_apart():
    text = """<mujoco><worldbody>
      <body name="x"><joint type="slide" limited="true" range="0 1"/><geom name="x.1" size="1"/><geom size="1"/></body>
      <body pos="5 0 0"><joint type="slide"/><geom name="y" size="1"/></body></worldbody></mujoco>"""
    names = constraint_rows(mujoco.MjModel.from_xml_string(text)).names
    assert names == ("joint limit 0", "contact x.1-y", "contact x.1-y (2)")


def test_forces_are_found_where_mujoco_finds_them():
    """MuJoCo's C engine, at the first substep, names the same limits and contacts; spheres collide alike in both."""
    from dynsparse.physics.engine import BatchSizes, Engine

    env = build(ARM, iterations=50)
    states, actions = arm_rows(40)
    engine = Engine(env.model, env.substeps, sizes=BatchSizes(value=8))
    found = engine.evaluate(states, actions, np.zeros((40, env.nv))).constraint_active_start
    data = mujoco.MjData(env.model)
    for row in range(40):
        mujoco.mj_resetData(env.model, data)
        data.qpos[:], data.qvel[:], data.ctrl[:] = states[row, : env.nq], states[row, env.nq :], actions[row]
        mujoco.mj_forward(env.model, data)
        expected = set()
        for kind, thing, force in zip(data.efc_type, data.efc_id, data.efc_force, strict=True):
            if not force:
                continue
            if kind == int(mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT):
                expected.add(f"joint limit {env.model.joint(thing).name}")
            elif kind == int(mujoco.mjtConstraint.mjCNSTR_LIMIT_TENDON):
                expected.add(f"tendon limit {env.model.tendon(thing).name}")
            elif kind == int(mujoco.mjtConstraint.mjCNSTR_CONTACT_PYRAMIDAL):
                geoms = [env.model.geom(geom).name for geom in sorted(data.contact[thing].geom)]
                expected.add(f"contact {'-'.join(geoms)}")
            elif abs(force) >= env.model.dof_frictionloss[thing]:  # slides
                expected.add(f"sliding friction {env.model.joint(env.model.dof_jntid[thing]).name}")
        named = {name for name, active in zip(env.constraint_names, found[row], strict=True) if active}
        assert named == expected, row
    assert found.any(axis=0).sum() >= 4
