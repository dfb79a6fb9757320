"""Models whose step has more state than qpos and qvel, or whose slope as coded is wrong, are refused by name."""

from __future__ import annotations

import mujoco
import pytest

from dynsparse.errors import SettingError, UnsupportedModelError
from dynsparse.physics.admission import admit
from dynsparse.physics.environment import environment_from_model

# Each placeholder is one thing that the model may have or not.
MODEL = """
<mujoco>
  <option {option}/>
  <worldbody>
    <geom type="plane" size="5 5 0.1"/>
    <site name="origin"/>
    <body><joint name="slide" type="slide"/><geom size="0.1" mass="1"/>
      <body><joint name="turn" type="{turn}" {joint}/><geom size="0.1" mass="1"/><site name="tip"/></body>
    </body>
  </worldbody>
  <actuator>{actuator}</actuator>
</mujoco>
"""


def model(turn="ball", joint="", actuator='<motor joint="slide"/>', option=""):
    text = MODEL.format(turn=turn, joint=joint, actuator=actuator, option=option)
    return mujoco.MjModel.from_xml_string(text)


REFUSED = {
    "activation": (
        {"actuator": '<general joint="slide" dyntype="filter" dynprm="0.1"/>'},
        "1 actuator activation states, of actuator 0 (",
    ),
    "ball limit": ({"joint": 'limited="true" range="0 30"'}, "limits on ball joints"),
    "ball spring": ({"joint": 'stiffness="2"'}, "springs on ball or free joints"),
    "ball actuator": ({"actuator": '<motor joint="turn"/>'}, "actuators on ball or free joints"),
    "ball actuator in the parent's frame": (
        {"actuator": '<motor jointinparent="turn"/>'},
        "actuators on ball or free joints",
    ),
    "reference site": ({"actuator": '<motor site="tip" refsite="origin"/>'}, "actuators with a reference site"),
    "implicit": ({"option": 'integrator="implicit"'}, "the integrator implicit$"),
    "PGS": ({"option": 'solver="PGS"'}, "the solver PGS"),
    "few CG iterations": ({"option": 'solver="CG" iterations="3"'}, "a CG solver of 3 iterations for 4 degrees"),
    "loose tolerance": ({"option": 'tolerance="1e-4"'}, "a solver tolerance of 0.0001"),
    "noslip": ({"option": 'noslip_iterations="2"'}, "noslip iterations"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_names_the_model_and_the_reason(case):
    settings, reason = REFUSED[case]
    with pytest.raises(UnsupportedModelError) as refused:
        admit(model(**settings), "Wobbler")
    told = str(refused.value)
    assert told.startswith("Wobbler can not be differentiated exactly: it has ")
    found = told.removeprefix("Wobbler can not be differentiated exactly: it has ").partition(". Open it with")[0]
    assert ";" not in found, "exactly one reason"
    assert found.startswith(reason.rstrip("$"))
    if reason.endswith("$"):
        assert found == reason[:-1]


def test_all_reasons_are_told_at_once():
    everything = model(joint='stiffness="2"', actuator='<motor joint="turn"/>', option='solver="PGS"')
    with pytest.raises(UnsupportedModelError, match=r"springs on .*; actuators on ball .*; the solver PGS\."):
        admit(everything, "Wobbler")


def advice(found, name="Wobbler", **options):
    with pytest.raises(UnsupportedModelError) as refused:
        admit(found, name, **options)
    return str(refused.value)


def test_the_way_out_is_told_for_the_command_line_and_for_the_model():
    pgs = model(option='solver="PGS"')
    told = advice(pgs)
    assert told.endswith(
        'the solver PGS. Open it with derivative="finite-difference" (collect and render: --derivative '
        'finite-difference), or set solver="Newton" in the model\'s <option>.'
    )
    both = advice(model(option='solver="PGS" integrator="implicit"'))
    assert 'solver="Newton"' in both and both.endswith("or change the model so that it has none of these.")
    assert "the model" not in advice(pgs, "Humanoid-v5").partition("PGS")[2]  # which nobody edits
    assert (
        advice(pgs, "Robot", has_others=False).partition("PGS.")[2] == ' Set solver="Newton" in the model\'s <option>.'
    )


def test_actuators_with_activations_are_named():
    named = model(actuator='<motor joint="slide"/><general name="slow" joint="slide" dyntype="filter" dynprm="0.1"/>')
    assert "1 actuator activation states, of slow (" in advice(named)


@pytest.mark.parametrize("integrator", ["Euler", "implicitfast", "RK4"])
@pytest.mark.parametrize("solver", ["Newton", "CG"])
def test_what_is_supported_passes(integrator, solver):
    admit(model(option=f'integrator="{integrator}" solver="{solver}" cone="elliptic"'), "Wobbler")


@pytest.mark.parametrize(
    "settings",
    [
        {"turn": "hinge", "joint": 'stiffness="2" limited="true" range="-30 30"', "actuator": '<motor joint="turn"/>'},
        {"actuator": '<motor site="tip"/>'},
        {"joint": 'damping="0.1"'},
    ],
)
def test_what_only_resembles_a_refused_model_passes(settings):
    admit(model(**settings), "Wobbler")


def test_a_spring_on_a_free_joint_is_refused():
    free = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><body><joint type="free" stiffness="1"/><geom size="1"/></body></worldbody></mujoco>'
    )
    with pytest.raises(UnsupportedModelError, match="springs on ball or free joints"):
        admit(free, "Kite")


def test_an_environment_is_refused_when_it_is_described():
    with pytest.raises(UnsupportedModelError, match=r"Wobbler .* the solver PGS"):
        environment_from_model("Wobbler", model(option='solver="PGS"'), 1)


@pytest.mark.parametrize("substeps", [0, -1, True])
def test_a_control_step_has_at_least_one_substep(substeps):
    with pytest.raises(SettingError, match=f"substeps must be at least 1, got {substeps}"):
        environment_from_model("Wobbler", model(), substeps)


MOCAP = """
<mujoco>
  <worldbody>
    <body name="hand" mocap="true"><geom size="0.1" {hand}/></body>
    <body name="ball" pos="1 0 0"><freejoint/><geom size="0.1" {ball}/></body>
  </worldbody>
  <equality>{equality}</equality>
</mujoco>
"""
GHOST = 'contype="0" conaffinity="0"'


@pytest.mark.parametrize(
    ("hand", "ball", "equality", "refused"),
    [
        (GHOST, "", "", False),  # a target that is only looked at, as ReacherHard's
        ("", "", "", True),
        ("", GHOST, "", False),
        (GHOST, GHOST, '<weld body1="hand" body2="ball"/>', True),
    ],
)
def test_a_mocap_body_may_be_seen_but_not_felt(hand, ball, equality, refused):
    wanted = mujoco.MjModel.from_xml_string(MOCAP.format(hand=hand, ball=ball, equality=equality))
    if not refused:
        admit(wanted, "Hand")
        return
    with pytest.raises(UnsupportedModelError, match="mocap bodies that push or pull others"):
        admit(wanted, "Hand")


def test_a_model_without_degrees_of_freedom_is_refused():
    still = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>")
    with pytest.raises(UnsupportedModelError, match="no degree of freedom"):
        admit(still, "Stone")


def test_what_mjx_refuses_is_refused_at_load():
    pair = """
    <mujoco><worldbody><geom type="cylinder" size="1 1"/>
      <body pos="0 0 3"><freejoint/><geom type="box" size="1 1 1"/></body></worldbody></mujoco>
    """
    with pytest.raises(UnsupportedModelError, match="Box can not be simulated by MJX"):
        environment_from_model("Box", mujoco.MjModel.from_xml_string(pair), 1)
