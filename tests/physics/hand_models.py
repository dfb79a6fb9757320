"""Small models made by hand that hold what the eight environments lack: every solver, cone and integrator."""

from __future__ import annotations

import mujoco
import numpy as np

from dynsparse.physics.environment import Environment, environment_from_model

_OPTION = """
  <option timestep="0.004" integrator="{integrator}" solver="{solver}" cone="{cone}"
          iterations="{iterations}" ls_iterations="20"/>
"""

# A cart on a foot that slides over the floor, with a two-link arm: sliding friction and a limit in the shoulder, a
# limited tendon over both links, an actuator whose gain and bias depend on position and velocity.
ARM = f"""
<mujoco>{_OPTION}
  <default><geom friction="0.7 0.01 0.002" solimp="0 0.95 0.01"/></default>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1"/>
    <body name="cart" pos="0 0 0.25">
      <joint name="slide_x" type="slide" axis="1 0 0" damping="0.3"/>
      <joint name="slide_z" type="slide" axis="0 0 1"/>
      <geom name="foot" type="sphere" size="0.2" mass="1"/>
      <body name="arm" pos="0 0 0.3">
        <joint name="shoulder" type="hinge" axis="0 1 0" limited="true" range="-40 40" frictionloss="0.4"
               damping="0.1"/>
        <geom type="capsule" size="0.03" fromto="0 0 0 0.4 0 0" mass="0.5"/>
        <body name="hand" pos="0.4 0 0">
          <joint name="elbow" type="hinge" axis="0 1 0" damping="0.05" stiffness="1"/>
          <geom name="tip" type="sphere" size="0.05" pos="0.2 0 0" mass="0.2"/>
        </body>
      </body>
    </body>
  </worldbody>
  <tendon>
    <fixed name="cable" limited="true" range="-0.6 0.6">
      <joint joint="shoulder" coef="0.7"/><joint joint="elbow" coef="0.5"/>
    </fixed>
  </tendon>
  <actuator>
    <motor name="push" joint="slide_x" gear="5" ctrllimited="true" ctrlrange="-1 1"/>
    <general name="lift" joint="shoulder" gaintype="affine" gainprm="3 0.2 0.5" biastype="affine" biasprm="0 0 -0.3"
             ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
</mujoco>
"""

# A free ball on the floor that carries a stick on a ball joint, and an arm on a hinge so that the kinds alternate.
STICK = f"""
<mujoco>{_OPTION}
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1" solimp="0 0.95 0.01"/>
    <body pos="0 0 0.21">
      <freejoint name="free"/><geom type="sphere" size="0.2" mass="1" friction="0.6 0.01 0.002"/>
      <body pos="0 0 0.2">
        <joint name="wrist" type="ball" damping="0.02"/>
        <geom type="capsule" size="0.03" fromto="0 0 0 0 0.05 0.3" mass="0.3" contype="0" conaffinity="0"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def build(
    text: str, *, integrator: str = "Euler", solver: str = "Newton", cone: str = "pyramidal", iterations: int = 3
) -> Environment:
    """Compile a model into an environment of two substeps."""
    option = {"integrator": integrator, "solver": solver, "cone": cone, "iterations": iterations}
    name = f"{'arm' if text is ARM else 'stick'} with {', '.join(map(str, option.values()))}"
    return environment_from_model(name, mujoco.MjModel.from_xml_string(text.format(**option)), 2)


def arm_rows(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """States with the foot near the floor and the shoulder near its limit, a quarter of them with it at rest."""
    rng = np.random.default_rng(seed)
    qpos = np.stack([rng.normal(size=rows), *rng.uniform([[-0.08], [-0.8], [-1]], [[0.02], [0.8], [1]], (3, rows))])
    qvel = rng.normal(size=(rows, 4))
    qvel[::4, 2] = 0.0
    return np.concatenate([qpos.T, qvel], axis=1), rng.uniform(-0.99, 0.99, (rows, 2))


def stick_rows(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """States with the ball near the floor and turned anyhow, a fifth of them at rest."""
    rng = np.random.default_rng(seed)
    place = np.stack([*rng.normal(size=(2, rows)), rng.uniform(0.18, 0.22, rows)], axis=1)
    turns = rng.normal(size=(2, rows, 4))
    turns /= np.linalg.norm(turns, axis=2, keepdims=True)
    qvel = rng.normal(size=(rows, 9))
    qvel[::5] = 0.0
    return np.concatenate([place, *turns, qvel], axis=1), np.zeros((rows, 0))
