"""A JAX function as an environment: what it is then, and what is refused with its reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import dynsparse
from dynsparse.errors import FunctionError, SettingError, UnknownEnvironmentError
from dynsparse.physics.function_programs import FunctionPrograms
from dynsparse.physics.passing import pack, unpack
from dynsparse.workers import Message

PENDULUM: dict[str, Any] = {
    "state_names": ("angle", "velocity"),
    "action_names": ("torque",),
    "state_units": ("rad", "rad/s"),
    "action_low": (-2.0,),
    "action_high": (2.0,),
    "dt": 0.05,
    "initial_state": (0.3, 0.0),
}


def swing(state: jax.Array, action: jax.Array) -> jax.Array:
    velocity = state[1] + 0.05 * (action[0] - 9.81 * jnp.sin(state[0]))
    return jnp.stack([state[0] + 0.05 * velocity, velocity])


def pendulum(step: Callable[..., Any] = swing, name: str = "Pendulum", **other: Any) -> dynsparse.Environment:
    return dynsparse.environment_from_function(name, step, **{**PENDULUM, **other})


@pytest.fixture(scope="module")
def env() -> dynsparse.Environment:
    def start(key: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0)

    return pendulum(initial_state=start, reward=lambda s, a, n: -(n[0] ** 2) - 0.1 * a[0] ** 2 + s[1])


def test_describes_what_was_given(env):
    assert (env.name, env.engine, env.state_dim, env.action_dim, env.substeps, env.dt) == (
        "Pendulum", "function", 2, 1, 1, 0.05,
    )  # fmt: skip
    assert env.state_names == ("angle", "velocity") and env.state_units == ("rad", "rad/s")
    assert env.action_low.tolist() == [-2.0] and env.action_high.tolist() == [2.0]
    assert env.nv == 0 and env.constraint_names == () and env.is_rewarded
    assert env.tangent_dim == 2


def test_starts_differ_by_key_and_repeat(env):
    first, again, other = (env.sample_initial_state(key) for key in (7, 7, 2**62))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert first.dtype == np.float64 and (abs(first) < 1).all()


def test_start_may_be_one_state():
    assert pendulum(initial_state=[1, 2]).sample_initial_state(5).tolist() == [1.0, 2.0]


def test_bounds_and_units_are_optional():
    env = pendulum(action_low=None, action_high=None, state_units=None)
    assert env.action_low.tolist() == [-np.inf] and env.action_high.tolist() == [np.inf]
    assert env.state_units == ("1", "1")


def test_user_configuration_is_left_alone():
    before = jax.config.jax_enable_x64, jax.config.jax_threefry_partitionable
    pendulum()
    assert (jax.config.jax_enable_x64, jax.config.jax_threefry_partitionable) == before
    assert jnp.zeros(1).dtype == (np.float64 if before[0] else np.float32)


def test_travels_without_the_users_code(env):
    meta, arrays = pack(env)
    there = unpack(Message("start", meta, arrays))
    assert there.source.step is None and there.fingerprint == env.fingerprint
    assert (there.state_names, there.state_units, there.action_names) == (
        env.state_names, env.state_units, env.action_names,
    )  # fmt: skip
    assert there.action_low.tolist() == [-2.0] and there.dt == env.dt and there.is_rewarded
    assert there.sample_initial_state(3).tobytes() == env.sample_initial_state(3).tobytes()
    assert not any(array.dtype == object for array in arrays.values())


def test_programs_of_another_version_are_refused():
    with pytest.raises(dynsparse.WorkerError, match="step can not be read by JAX"):
        FunctionPrograms.from_arrays({"program_step": np.zeros(400, dtype=np.uint8)}, "")


def test_fingerprint_is_of_what_is_computed_and_called():
    plain = pendulum().fingerprint
    assert plain == pendulum(lambda s, a: swing(s, a)).fingerprint == pendulum().fingerprint
    others = [
        pendulum(lambda s, a: swing(s, a) * 1.0000000001),
        pendulum(name="Other"),
        pendulum(state_names=("angle", "speed")),
        pendulum(action_high=(2.5,)),
        pendulum(dt=0.06),
        pendulum(initial_state=(0.3, 0.1)),
        pendulum(reward=lambda s, a, n: n[0]),
        pendulum(reward=lambda s, a, n: n[1]),
    ]
    assert len({plain, *(other.fingerprint for other in others)}) == 1 + len(others)


def test_derivative_rule_is_part_of_the_fingerprint():
    @jax.custom_jvp
    def ruled(x: jax.Array) -> jax.Array:
        return jnp.sin(x)

    ruled.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), 2.0 * tangents[0]))
    assert pendulum(lambda s, a: ruled(s)).fingerprint != pendulum(lambda s, a: jnp.sin(s)).fingerprint


_SCRIPT = """
import jax.numpy as jnp, dynsparse
{lines}
def step(state, action):
    speed = state[1] + 0.05 * (action[0] - 9.81 * jnp.sin(state[0]))
    return jnp.stack([state[0] + 0.05 * speed, speed])
env = dynsparse.environment_from_function("P", step, state_names=("a", "b"), action_names=("u",), dt=0.05,
    initial_state=(0.0, 0.0))
print(env.fingerprint)
"""


def test_fingerprint_is_the_same_in_other_processes_and_places(tmp_path):
    """Also where JAX computes in float64 already, and the lines stand elsewhere in another file."""
    found = set()
    for place, lines in (("a", ""), ("b", "import jax\n\njax.config.update('jax_enable_x64', True)\n")):
        path = tmp_path / place / f"{place}.py"
        path.parent.mkdir()
        path.write_text(_SCRIPT.format(lines=lines))
        found.add(subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout.strip())
    assert len(found) == 1 and len(found.pop()) == 64


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"name": "CheetahRun"}, "'CheetahRun' is an environment that comes with dynsparse"),
        ({"name": "cheetahrun"}, "is an environment that comes with dynsparse"),
        ({"name": "all"}, "comes with dynsparse"),
        ({"name": "Hopper-v5"}, "form of a Gymnasium task's id"),
        ({"name": "a/b"}, "letters, digits"),
        ({"name": ""}, "letters, digits"),
        ({"name": 3}, "letters, digits"),
        ({"state_names": "ab"}, r'state_names must be several strings such as \("angle"'),
        ({"state_names": ("angle", 2)}, "state_names must be several strings"),
        ({"state_names": 2}, "state_names must be several strings"),
        ({"state_names": ("a", "a")}, "distinct state_names, 'a' is there 2 times"),
        ({"state_names": ()}, "at least one of state_names"),
        ({"action_names": ()}, "at least one of action_names"),
        ({"state_units": ("rad",)}, "got 2 state_names and 1 state_units for the 2 numbers of initial_state"),
        (
            {"state_names": ("a", "b"), "state_units": ("1", "1", "1"), "initial_state": (0.0, 0.0, 0.0)},
            "got 2 state_names and 3 state_units for the 3 numbers of initial_state",
        ),
        ({"name": "Go1Getup"}, "'Go1Getup' is an environment that comes with dynsparse"),
        ({"action_low": (-1.0, -1.0)}, "action_low must be 1 numbers"),
        ({"action_low": ("low",)}, "action_low must be 1 numbers"),
        ({"action_high": (float("nan"),)}, "action_high must be 1 numbers"),
        ({"action_high": (-2.0,)}, "expected action_low below action_high, 'torque' has -2 and -2"),
        (
            {"quaternions": (0,)},
            r"^Pendulum: a quaternion at place 0 takes the numbers 0 to 3 of the state, which has 2 "
            r"\(angle, velocity\); quaternions are the places where each starts$",
        ),
        ({"quaternions": (1, 3)}, "a quaternion at place 1 takes the numbers 1 to 4"),
        ({"quaternions": (-1,)}, "four numbers each, from place 0 on, got one at place -1"),
        ({"quaternions": 0}, "quaternions must be whole numbers, the places in the state where each starts, got 0"),
    ],
)
def test_description_that_does_not_fit_is_refused(other, told):
    with pytest.raises(SettingError, match=told):
        pendulum(**other)


@pytest.mark.parametrize("dt", [0.0, -1.0, float("inf"), float("nan"), "0.05", True])
def test_duration_is_refused(dt):
    with pytest.raises(FunctionError, match="Pendulum: dt must be the duration of a step"):
        pendulum(dt=dt)


@jax.custom_vjp
def backward_only(x: jax.Array) -> jax.Array:
    return x


backward_only.defvjp(lambda x: (x, None), lambda _residual, g: (g,))


def outside(s: jax.Array, _a: jax.Array) -> Any:
    return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((2,), np.float64), s)


def printing(s: jax.Array, _a: jax.Array) -> jax.Array:
    jax.debug.print("state {}", s)
    return s


def looping_outside(s: jax.Array, a: jax.Array) -> Any:
    return jax.lax.cond(s[0] > 0, lambda: outside(s, a), lambda: s)


def narrowed(s: jax.Array, a: jax.Array) -> jax.Array:
    return jnp.sin(s.astype(jnp.float32)).astype(jnp.float64) + a


def looping_narrowed(s: jax.Array, _a: jax.Array) -> jax.Array:
    return lax.fori_loop(0, 3, lambda _, y: jax.jit(lambda z: z.astype(jnp.bfloat16).astype(float))(y), s)


def dividing(_s: jax.Array, _a: jax.Array) -> float:
    return 1 / 0


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (3, "step must be a function, got 3 of type int"),
        (lambda s: s, "step raised TypeError"),
        (lambda s, a: (s, a), r"one array of shape \(2,\) and type float64, got tuple; stack"),
        (lambda s, a: None, "got NoneType"),
        (lambda s, a: s[:1], r"got shape \(1,\) and type float64"),
        (lambda s, a: s[None], r"got shape \(1, 2\)"),
        (lambda s, a: s.astype(jnp.float32), "type float32; leave out what converts to float32"),
        (
            narrowed,
            r"float64 throughout, got convert_element_type to float32 \(from .*test_function_system.py.*leave out",
        ),
        (looping_narrowed, "float64 throughout, got convert_element_type to bfloat16"),
        (lambda s, a: lax.reduce_precision(s, 8, 23), "float64 throughout, got reduce_precision to float64 of 23 bits"),
        (lambda s, a: s.astype(int), "type int64"),
        (lambda s, a: s + 1j, "type complex128"),
        (
            lambda s, a: jnp.asarray(np.sin(s)),
            r"JAX can not trace step in .*test_function_system.py, line \d+: it uses",
        ),
        (lambda s, a: s if s[0] > 0 else -s, "jnp.where or jax.lax.cond for if"),
        (lambda s, a: s * float(s[0]), "uses the values of its arguments in Python"),
        (dividing, r"step raised ZeroDivisionError in .*test_function_system.py, line \d+: division by zero"),
        (outside, "step uses pure_callback, which leaves JAX"),
        (looping_outside, "step uses pure_callback, which leaves JAX"),
        (printing, "step uses debug_print, which leaves JAX"),
        (lambda s, a: backward_only(s), "no forward-mode derivative in JAX: .*custom_vjp"),
        (lambda s, a: s + np.random.default_rng().random(2), "something else each time it is traced"),
        (lambda s, a: s / (s[1] * 0), "step gives, at the initial state .* for 'angle'; expected finite"),
        (lambda s, a: s + jnp.sqrt(s[1]), "a slope of (inf|nan) for"),
        (lambda s, a: s + jnp.sqrt(a[0]), "in 'angle' a slope of (inf|nan) for"),
    ],
)
def test_function_that_can_not_be_an_environment_is_refused(step, told):
    with pytest.raises(FunctionError, match=f"Pendulum: .*{told}"):
        pendulum(step)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"initial_state": (0.0,)}, r"initial_state must return one array of shape \(2,\) of real numbers"),
        ({"initial_state": "zero"}, "initial_state must be a function of a key or one state of real numbers"),
        ({"initial_state": [[0.0], [0.0, 1.0]]}, "initial_state must be a function of a key or one state"),
        ({"initial_state": (0.0, float("nan"))}, "initial_state gives nan for 'velocity'"),
        ({"initial_state": lambda key: jnp.stack([key, key])}, "initial_state must return one array"),
        ({"reward": 1.0}, "reward must be a function"),
        ({"reward": lambda s, a, n: n}, r"reward must return one array of shape \(\)"),
        ({"reward": lambda s, a, n: 0.0 / n[1] * 0.0, "initial_state": (0.0, 0.0)}, "reward gives, .* nan"),
        ({"reward": lambda s, a: s[0]}, "reward raised TypeError"),
        ({"reward": lambda s, a, n: outside(s, a)[0]}, "reward uses pure_callback"),
    ],
)
def test_start_and_reward_are_checked(other, told):
    with pytest.raises(FunctionError, match=f"Pendulum: {told}"):
        pendulum(**other)


def test_constants_of_float32_are_taken_as_they_are():
    """An array that was made before 64-bit values were on is a number like others; the step is float64 all the same."""
    mass = jnp.asarray(0.1, dtype=jnp.float32)
    env = pendulum(lambda s, a: s * mass)
    assert dynsparse.step(env, [1.0, 2.0], [0.0]).next_state.tolist() == [float(mass), 2.0 * float(mass)]


def test_what_is_no_number_of_the_state_may_be_narrow():
    """Constants, truth values and integers are the same in float32, inside branches and loops too."""
    table = np.array([0.5, 0.25])

    def step(s, a):
        mask = (s > 0).astype(jnp.float32) + jnp.floor(s[0]).astype(int).astype(jnp.float32)
        half = lax.fori_loop(0, 3, lambda i, y: y + jnp.asarray(table).astype(jnp.float32)[i % 2] * mask, s)
        return lax.cond(a[0] > 0, lambda y: y * 2, lambda y: y + jnp.asarray(table, dtype=jnp.float32), half)

    found = dynsparse.step(pendulum(step), [1.5, -1.0], [0.0]).next_state
    assert found.tolist() == [1.5 + 1.25 * 2 + 0.5, -1.0 + 1.25 * 1 + 0.25]


def test_name_is_known_once_registered_and_the_last_counts():
    with pytest.raises(UnknownEnvironmentError):
        dynsparse.load_environment("KnownPendulum")
    first, second = pendulum(name="KnownPendulum"), pendulum(name="KnownPendulum", dt=0.1)
    dynsparse.register_environment(first)
    assert dynsparse.load_environment("KnownPendulum") is first
    dynsparse.register_environment(second)
    assert dynsparse.load_environment("KnownPendulum") is second


def test_only_environments_are_registered():
    with pytest.raises(SettingError, match="expected an environment, got 'Pendulum'"):
        dynsparse.register_environment("Pendulum")
    with pytest.raises(SettingError, match="comes with dynsparse"):
        dynsparse.register_environment(dynsparse.load_environment("CartpoleBalance"))


def test_function_has_no_model(env):
    with pytest.raises(dynsparse.UnsupportedModelError, match="Pendulum is a function, which has no MuJoCo model"):
        _ = env.model
