"""A user's own model file: read from its own folder alone, compiled as MuJoCo does, refused by name."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import mujoco
import numpy as np
import pytest

import dynsparse
from dynsparse.errors import EnvironmentFileError, SettingError, UnknownEnvironmentError, UnsupportedModelError
from dynsparse.physics.engines import make_engine
from dynsparse.physics.environment import load_environment

ARM = """<mujoco model="arm">
  <worldbody>
    <body name="upper"><joint name="shoulder" axis="0 1 0" limited="true" range="-90 90"/>
      <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03"/></body>
  </worldbody>
  <actuator><motor name="push" joint="shoulder" ctrllimited="true" ctrlrange="-1 1"/></actuator>{more}
</mujoco>"""


def stl(path, size=0.1):
    corners = size * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = [corners[list(face)].ravel() for face in ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))]
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *face, 0) for face in faces)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0" * 80 + struct.pack("<I", 4) + body)


def write(text, name="arm.xml"):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(text, *, name="arm.xml", error=EnvironmentFileError, **options):
    with pytest.raises(error) as found:
        load_environment(write(text, name), **options)
    return str(found.value)


def test_a_model_is_described_and_its_episodes_start_at_its_keyframe(own_folder):
    env = load_environment(write(ARM.format(more='<keyframe><key qpos="1.5" qvel="2"/></keyframe>')), substeps=4)
    assert (env.name, env.engine, env.substeps, env.dt) == ("arm", "mjx", 4, 0.008)
    assert env.state_names == ("qpos shoulder", "qvel shoulder") and not env.is_rewarded
    starts = np.stack([env.sample_initial_state(key) for key in range(200)])
    np.testing.assert_array_equal(starts[7], env.sample_initial_state(7))
    assert 1.4 <= starts[:, 0].min() < 1.45 and starts[:, 0].max() == np.pi / 2  # clipped inside the joint's range
    assert abs(starts[:, 1].mean() - 2) < 0.03 and abs(starts[:, 1].std() - 0.1) < 0.02
    still = load_environment("arm.xml", initial_noise=0)
    np.testing.assert_array_equal(still.sample_initial_state(3), [1.5, 2.0])
    assert still.fingerprint != env.fingerprint  # other substeps


def test_without_a_keyframe_it_starts_around_its_reference_turned_joints_included(own_folder):
    ball = '<mujoco><worldbody><body pos="0 0 1"><freejoint name="root"/><geom size=".1"/></body></worldbody></mujoco>'
    env = load_environment(write(ball, "ball.xml"))
    starts = np.stack([env.sample_initial_state(key) for key in range(50)])
    np.testing.assert_allclose(np.linalg.norm(starts[:, 3:7], axis=1), 1, atol=1e-12)
    change = env.space.difference(np.broadcast_to(env.default_state(), starts.shape), starts)[:, :6]
    assert 0.08 < np.abs(change).max() <= 0.1 + 1e-12


def test_includes_meshes_and_directories_are_found_and_compiled_as_mujoco_does(own_folder):
    stl(Path("robot/meshes/Leg Part.stl"))
    stl(Path("robot/meshes/sub/foot.stl"), 0.05)
    write("<mujocoinclude><asset><mesh file='Leg Part.stl'/><mesh name='foot' file='sub/foot.stl' scale='2 2 2'/>"
          "</asset></mujocoinclude>", "robot/parts/assets.xml")  # fmt: skip
    write(ARM.format(more=""), "robot/parts/other.xml")
    text = """<mujoco><compiler meshdir="meshes/"/><include file="parts/assets.xml"/>
      <asset><model name="arm" file="parts/other.xml"/></asset>
      <worldbody><body><joint name="x" type="slide"/><geom type="mesh" mesh="Leg Part"/>
        <geom type="mesh" mesh="foot"/></body><attach model="arm" body="upper" prefix="second-"/></worldbody>
    </mujoco>"""
    env = load_environment(write(text, "robot/robot.xml"))
    assert env.state_names[:2] == ("qpos x", "qpos second-shoulder")
    direct = mujoco.MjModel.from_xml_path("robot/robot.xml")
    for name in ("mesh_vert", "body_mass", "body_inertia", "body_ipos", "jnt_range", "geom_size"):
        np.testing.assert_array_equal(getattr(env.model, name), getattr(direct, name))


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("/etc/passwd", "is absolute"),
        ("../secret.stl", "goes up"),
        ("meshes/../../secret.stl", "goes up"),
        ("C:\\secret.stl", "is absolute"),
        ("..\\secret.stl", "goes up"),
        ("link.stl", "a link that leads out"),
        ("linked/secret.stl", "a link that leads out"),
        ("nothing.stl", "there is no file"),
        ("folder", "to be a file"),
    ],
)
@pytest.mark.parametrize("element", ["mesh", "include", "texture", "model", "hfield", "skin"])
def test_nothing_outside_its_folder_is_read(own_folder, element, reference, told):
    stl(Path("outside/secret.stl"))
    Path("inside/folder").mkdir(parents=True)
    Path("inside/link.stl").symlink_to(Path("outside/secret.stl").resolve())
    Path("inside/linked").symlink_to(Path("outside").resolve())
    inner = (
        f'<{element} name="thing" file="{reference}"/>' if element != "include" else f'<include file="{reference}"/>'
    )
    where = inner if element == "include" else f"<asset>\n{inner}</asset>"
    message = refused(ARM.format(more=where), name="inside/arm.xml")
    line = 6 if element == "include" else 7
    assert told in message and re.search(rf"<{element}> in line {line} of arm.xml, file", message)


def test_directories_of_the_compiler_stay_inside_too(own_folder):
    stl(Path("outside/secret.stl"))
    Path("inside").mkdir()
    for setting in ("meshdir", "assetdir"):
        for folder, told in ((str(Path("outside").resolve()), "is absolute"), ("../outside", "goes up")):
            more = f'<compiler {setting}="{folder}"/><asset><mesh file="secret.stl"/></asset>'
            assert told in refused(ARM.format(more=more), name="inside/arm.xml")


def test_a_link_inside_the_folder_is_followed(own_folder):
    stl(Path("real.stl"))
    Path("link.stl").symlink_to("real.stl")
    load_environment(write(ARM.format(more='<asset><mesh file="link.stl"/></asset>')))


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE mujoco SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE m [<!ENTITY a "b">]>',
        '<!DOCTYPE m [<!ENTITY % a "">]>',
    ],
)
def test_document_types_and_entities_are_refused(own_folder, head):
    assert "a document type or an entity" in refused(head + ARM.format(more=""))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<mujoco>\n<worldbody>\n</mujoco>", "arm.xml is no XML: mismatched tag in line 3"),
        ("", "arm.xml is no XML: no element found in line 1"),
        ("<robot/>", "expected arm.xml to begin with <mujoco>, got <robot>"),
        ("<mujoco><extension><plugin plugin='x'/></extension></mujoco>", "<extension> in line 1 of arm.xml: plugins"),
        ("<mujoco><include file='arm.xml'/></mujoco>", "is included already"),
        ("<mujoco><include/></mujoco>", "expected the file to include, got none"),
        ("<mujoco><asset><model file='arm.xml'/></asset></mujoco>", "holds itself"),
        ("<mujoco><size memory='1P'/></mujoco>", "memory='1P' is more than"),
        (
            "<mujoco><worldbody><replicate count='1000'><replicate count='1000'/></replicate></worldbody></mujoco>",
            "more than 10,000 copies",
        ),
    ],
)
def test_what_is_no_model_is_refused(own_folder, text, told):
    assert told in refused(text)


def test_mujocos_own_words_name_the_users_line(own_folder):
    write(
        "<mujocoinclude>\n\n<worldbody><geom size='.1'\n /><body>\n<jiont/></body></worldbody></mujocoinclude>",
        "part.xml",
    )
    message = refused("<mujoco>\n<include file='part.xml'/></mujoco>")
    assert "MuJoCo can not compile arm.xml" in message and "line 5 of part.xml" in message and "\n" not in message


def test_a_missing_file_and_a_name_that_is_no_path_are_told(own_folder):
    with pytest.raises(EnvironmentFileError, match=r"there is no file nowhere/robot\.xml"):
        load_environment("nowhere/robot.xml")
    with pytest.raises(EnvironmentFileError, match="there is no file robot; expected the path of a model"):
        load_environment(Path("robot"))
    Path("robots").mkdir()
    write(ARM.format(more=""), "robots/arm.xml")
    with pytest.raises(UnknownEnvironmentError, match=r"robots is a folder; .*; there are robots/arm\.xml"):
        load_environment("robots")
    write("", "arm.txt")
    with pytest.raises(UnknownEnvironmentError, match=r"arm\.txt is a file that is no model; a model ends in \.xml"):
        load_environment("arm.txt")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"substeps": 0}, "substeps must be at least 1, got 0"),
        ({"substeps": 1.5}, "substeps must be at least 1"),
        ({"derivative": "exakt"}, "derivative must be one of exact, autodiff, finite-difference, got 'exakt'"),
        ({"initial_noise": -1}, "initial_noise must be a number from 0, got -1"),
        ({"initial_noise": float("nan")}, "initial_noise must be a number from 0, got nan"),
    ],
)
def test_settings_that_can_not_be_are_refused(own_folder, options, told):
    assert told in refused(ARM.format(more=""), error=SettingError, **options)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('<option solver="PGS"/>', "the solver PGS"),
        ('<actuator><position joint="shoulder" timeconst="0.1"/></actuator>', "1 actuator activation states, of act"),
        ('<worldbody><body><joint type="slide"/><geom type="ellipsoid" size=".1 .2 .3"/></body><geom type="box" '
         'size=".1 .2 .3"/></worldbody>', "by MJX: (mjtGeom.mjGEOM_ELLIPSOID, mjtGeom.mjGEOM_BOX)"),
    ],
)  # fmt: skip
def test_what_mjx_can_not_take_is_named_and_opens_in_c(own_folder, more, told):
    message = refused(ARM.format(more=more), error=UnsupportedModelError)
    assert told in message and 'derivative="finite-difference"' in message
    env = load_environment("arm.xml", substeps=2, derivative="finite-difference")
    assert env.engine == "mujoco-c" and env.derivatives == ("finite-difference",)
    state = env.sample_initial_state(0)
    found = dynsparse.linearize(env, state, np.zeros(env.action_dim), derivative="finite-difference")
    assert found.finite and found.jac_state.shape == (env.tangent_dim,) * 2 and found.zero_tolerance == 1e-8
    with pytest.raises(UnsupportedModelError, match='derivative="finite-difference" works'):
        dynsparse.linearize(env, state, np.zeros(env.action_dim))
    one = dynsparse.step(env, state, np.zeros(env.action_dim))
    np.testing.assert_array_equal(one.next_state, found.next_state)


def test_what_no_engine_can_take_is_refused_in_c_too(own_folder):
    more = '<actuator><general joint="shoulder" gaintype="user"/></actuator><option><flag sleep="enable"/></option>'
    message = refused(ARM.format(more=more), error=UnsupportedModelError, derivative="finite-difference")
    assert "user-defined actuators" in message and "sleeping islands" in message


def test_both_engines_agree_on_a_model_that_both_can_take(own_folder):
    path = write(ARM.format(more=""))
    exact, c = load_environment(path, substeps=2), load_environment(path, substeps=2, derivative="finite-difference")
    assert exact.fingerprint != c.fingerprint
    states, actions = np.stack([exact.sample_initial_state(k) for k in range(3)]), np.full((3, 1), 0.5)
    one = make_engine(exact, "exact").linearize(states, actions, np.zeros((3, 1)))
    two = make_engine(c, "finite-difference").linearize(states, actions, np.zeros((3, 1)))
    np.testing.assert_allclose(one.next_state, two.next_state, atol=1e-12)
    np.testing.assert_allclose(one.jac_state, two.jac_state, atol=1e-8)
    np.testing.assert_allclose(one.jac_action, two.jac_action, atol=1e-8)


def test_a_file_called_like_an_environment_is_told_from_it(own_folder):
    assert load_environment(write(ARM.format(more=""), "CheetahRun.xml")).name == "model-CheetahRun"
    assert load_environment(write(ARM.format(more=""), "my arm (2).xml")).name == "my-arm-2"
    assert load_environment(write(ARM.format(more=""), "Go1Getup.xml")).name == "model-Go1Getup"


def test_the_example_is_two_bodies_with_quaternions_that_can_meet(checkout):
    from dynsparse.physics.switches import switches_of

    env = load_environment(checkout / "examples" / "arm.xml", substeps=4)
    # Three hinges, a ball joint and a free box: nv = 3 + 3 + 6; two quaternions more numbers in the state.
    assert (env.tangent_dim, env.state_dim, env.action_dim) == (24, 26, 3)
    assert "contact arm-box" in switches_of(env).names
