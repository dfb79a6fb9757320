"""Small models made by hand with every kind of joint that coverage treats in its own way."""

from __future__ import annotations

import functools

import mujoco

from dynsparse.physics.environment import Environment, environment_from_model

# A walker of one leg.  Its foot's sphere (radius 0.1) hangs 0.5 below the hip, whose body rests at 0.8: clearance 0.2.
HOPPER = """
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1" pos="0 0 0"/>
    <body name="hip" pos="0 0 0.8">
      <joint name="root_x" type="slide" axis="1 0 0"/>
      <joint name="root_z" type="slide" axis="0 0 1"/>
      <joint name="root_turn" type="hinge" axis="0 1 0"/>
      <geom name="trunk" type="sphere" size="0.05" mass="1"/>
      <body name="leg" pos="0 0 -0.5">
        <joint name="ankle" type="hinge" axis="0 1 0" limited="true" range="-30 70"/>
        <geom name="foot" type="sphere" size="0.1" mass="1"/>
      </body>
      <body name="tail" pos="0 0.3 0">
        <joint name="tail" type="slide" axis="0 1 0" limited="true" range="0.1 0.3"/>
        <geom name="tail" type="sphere" size="0.01" mass="0.1" contype="0" conaffinity="0"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="ankle" joint="ankle" ctrllimited="true" ctrlrange="-2 5"/>
    <motor name="tail" joint="tail" ctrllimited="true" ctrlrange="0 0.5"/>
  </actuator>
</mujoco>
"""

# A free ball of radius 0.2 over a floor at height 1, with a stick on a ball joint, and a hinge after them.
KITE = """
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1" pos="0 0 1"/>
    <body pos="0.3 0 1.5">
      <freejoint name="free"/><geom type="sphere" size="0.2" mass="1"/>
      <body pos="0 0 0.2">
        <joint name="wrist" type="ball"/>
        <geom type="capsule" size="0.03" fromto="0 0 0 0 0.05 0.3" mass="0.3" contype="0" conaffinity="0"/>
      </body>
    </body>
    <body pos="9 9 9"><joint name="wheel" axis="0 1 0"/><geom size="0.1" pos="0.1 0 0"/></body>
  </worldbody>
</mujoco>
"""

# Two beads on crossed rails, tied by a string of 0.1 to 0.3 m: most positions drawn at first stretch it.
STRING = """
<mujoco>
  <worldbody>
    <body name="a"><joint name="a" type="slide" axis="1 0 0"/><geom size="0.01"/><site name="a"/></body>
    <body name="b"><joint name="b" type="slide" axis="0 1 0"/><geom size="0.01"/><site name="b"/></body>
  </worldbody>
  <tendon>
    <spatial name="string" limited="true" range="0.1 0.3"><site site="a"/><site site="b"/></spatial>
  </tendon>
  <actuator><motor name="pull" joint="a" ctrllimited="true" ctrlrange="-1 1"/></actuator>
</mujoco>
"""


@functools.cache
def build(text: str, name: str = "Toy") -> Environment:
    """Compile a model into an environment of one substep."""
    return environment_from_model(name, mujoco.MjModel.from_xml_string(text), 1)
