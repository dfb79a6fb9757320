"""Steps and Jacobians of a JAX function as an environment, against hand, differences and JAX itself."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynsparse
from dynsparse.errors import ArrayError, PrecisionError, SettingError
from dynsparse.physics.audit import audit_environment
from dynsparse.physics.engines import make_engine
from dynsparse.physics.linearizer import Linearizer

from .functions import own_environment, ring_module


@pytest.fixture(scope="module")
def ring() -> dynsparse.Environment:
    env: dynsparse.Environment = ring_module().ring()
    return env


def ring_rows(env: dynsparse.Environment, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of which many have overlapping carts, none of them on the point of touching."""
    rng = np.random.default_rng(4)
    states = rng.normal(0.0, 0.3, (rows, env.state_dim))
    return states, rng.uniform(-5.0, 5.0, (rows, env.action_dim))


def ring_by_hand(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ring's Jacobian, written out: semi-implicit Euler of linear springs, drag and overlaps."""
    m = ring_module()
    n, h = m.CARTS, m.DT / m.MASS
    stiff, driven = np.zeros((n, n)), np.zeros((n, 2))
    for i in range(n):
        after = (i + 1) % n
        stiff[i, i] -= m.SPRING
        if state[i] - state[after] - m.GAP > 0:  # cart i pushes the next one, which pushes back
            stiff[i, i] -= m.STIFFNESS
            stiff[i, after] += m.STIFFNESS
            stiff[after, i] += m.STIFFNESS
            stiff[after, after] -= m.STIFFNESS
    for column, cart in enumerate(m.DRIVEN):
        driven[cart, column] = h
    velocity = np.hstack([h * stiff, (1 - h * m.DRAG) * np.eye(n)])
    place = np.hstack([np.eye(n), np.zeros((n, n))]) + m.DT * velocity
    return np.vstack([place, velocity]), np.vstack([m.DT * driven, driven])


def test_ring_is_as_written_by_hand(ring):
    states, actions = ring_rows(ring, 70)  # more than one batch
    found = dynsparse.linearize_batch(ring, states, actions, workers=1)
    by_hand = [ring_by_hand(state) for state in states]
    assert np.mean([(jac[6:, :6] != 0).sum() > 6 for jac, _ in by_hand]) > 0.1, "expected rows in which carts touch"
    np.testing.assert_allclose(found.jac_state, [jac for jac, _ in by_hand], rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.jac_action, [jac for _, jac in by_hand], rtol=0, atol=1e-16)
    # Where the hand has none there is none at all: not a small number.
    assert ((found.jac_state == 0) == (np.array([jac for jac, _ in by_hand]) == 0)).all()
    assert found.finite.all() and not found.solver_residual.any() and found.derivative == "exact"
    assert found.next_warmstart.shape == (70, 0) and found.constraint_active.shape == (70, 0)


def test_one_row_is_a_row_of_many(ring):
    states, actions = ring_rows(ring, 3)
    many = dynsparse.linearize_batch(ring, states, actions, workers=1)
    for i in range(3):
        one = dynsparse.linearize(ring, states[i], actions[i])
        np.testing.assert_allclose(one.next_state, many.next_state[i], rtol=1e-15, atol=1e-16)
        np.testing.assert_allclose(one.jac_state, many.jac_state[i], rtol=1e-15, atol=1e-16)
        assert one.next_state.tobytes() == dynsparse.step(ring, states[i], actions[i]).next_state.tobytes()


def test_differences_agree_and_say_what_they_are(ring):
    states, actions = ring_rows(ring, 5)
    exact = make_engine(ring, "exact").linearize(states, actions, np.zeros((5, 0)))
    other = make_engine(ring, "finite-difference").linearize(states, actions, np.zeros((5, 0)))
    assert other.derivative == "finite-difference"
    np.testing.assert_allclose(other.jac_state, exact.jac_state, rtol=0, atol=1e-8)
    np.testing.assert_allclose(other.jac_action, exact.jac_action, rtol=0, atol=1e-8)
    assert (other.jac_state != exact.jac_state).any()


def test_autodiff_is_the_same_and_a_reference_is_not_needed(ring):
    states, actions = ring_rows(ring, 2)
    found = [dynsparse.linearize(ring, states[0], actions[0], derivative=kind) for kind in ("exact", "autodiff")]
    assert found[0].jac_state.tobytes() == found[1].jac_state.tobytes()
    assert [each.derivative for each in found] == ["exact", "autodiff"]
    with pytest.raises(SettingError, match="its exact derivative is plain autodiff already"):
        make_engine(ring, "reference")


def mixing() -> dynsparse.Environment:
    """Products of matrices, sines, a branch and a loop: what a compiler reorders if it can."""
    weights = np.random.default_rng(0).normal(size=(2, 17, 17)) / 4

    def step(state: jax.Array, action: jax.Array) -> jax.Array:
        hidden = jnp.tanh(jnp.asarray(weights[0]) @ state + jnp.pad(action, (0, 16)))
        hidden = jax.lax.fori_loop(0, 3, lambda i, x: x + 0.1 * jnp.sin(x) / (i + 1), hidden)
        return jax.lax.cond(state[0] > 0, lambda: jnp.asarray(weights[1]) @ hidden, lambda: hidden)

    return own_environment("Mixing", step, 17)


def test_a_row_does_not_depend_on_its_place_or_its_neighbours():
    env, rng = mixing(), np.random.default_rng(1)
    states, actions = rng.normal(size=(150, 17)), rng.uniform(-1.0, 1.0, (150, 1))
    order = rng.permutation(150)
    engine, nothing = make_engine(env, "exact"), np.zeros((150, 0))
    whole, shuffled = (
        engine.linearize(states, actions, nothing),
        engine.linearize(states[order], actions[order], nothing),
    )
    few = engine.linearize(states[:7], actions[:7], nothing[:7])
    for name in ("next_state", "jac_state", "jac_action"):
        assert getattr(whole, name)[order].tobytes() == getattr(shuffled, name).tobytes()
        assert getattr(whole, name)[:7].tobytes() == getattr(few, name).tobytes()


def test_what_ran_is_differentiated_as_if_it_had_not():
    env, rng = mixing(), np.random.default_rng(2)
    engine, states, actions = make_engine(env, "exact"), rng.normal(size=(4, 17)), rng.uniform(-1, 1, (4, 3, 1))
    run = engine.run(states, actions, np.zeros((4, 0)))
    rolled = engine.roll_out(states, actions, np.zeros((4, 0)))
    assert rolled.states[:, 1:].tobytes() == run["next_state"].tobytes() and rolled.warmstarts.shape == (4, 4, 0)
    rows = {"state": rolled.states[:, 1], "action": actions[:, 1], "warmstart": np.zeros((4, 0))}
    later = engine.differentiate_run({**rows, **{name: array[:, 1] for name, array in run.items()}})
    at_once = engine.linearize(rows["state"], rows["action"], rows["warmstart"])
    assert later.jac_state.tobytes() == at_once.jac_state.tobytes()
    assert later.next_state.tobytes() == at_once.next_state.tobytes()


def test_derivative_is_that_of_jax(ring):
    m, (states, actions) = ring_module(), ring_rows(ring, 1)
    with jax.enable_x64(True):
        by_jax = jax.jacfwd(m.step, argnums=(0, 1))(jnp.asarray(states[0]), jnp.asarray(actions[0]))
    found = dynsparse.linearize(ring, states[0], actions[0])
    for ours, theirs in zip((found.jac_state, found.jac_action), by_jax, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-15)


def spinning() -> dynsparse.Environment:
    """A free top: a quaternion, and its angular velocity in the body's frame, driven about one axis."""

    def step(state: jax.Array, action: jax.Array) -> jax.Array:
        q, rate = state[:4], state[4:]
        rate = rate + 0.1 * jnp.stack([action[0], 0.0, 0.0])
        angle = 0.1 * jnp.sqrt(jnp.sum(rate**2) + 1e-30)
        turn = jnp.concatenate([jnp.cos(angle / 2)[None], jnp.sin(angle / 2) * 0.1 * rate / angle])
        w, v = q[0] * turn[0] - q[1:] @ turn[1:], q[0] * turn[1:] + turn[0] * q[1:] + jnp.cross(q[1:], turn[1:])
        return jnp.concatenate([w[None], v, rate])

    names = [f"pose {part}" for part in ("qw", "qx", "qy", "qz")] + ["rate x", "rate y", "rate z"]
    return own_environment("Top", step, 7, names=names, start=[1.0, 0, 0, 0, 0.1, 0.2, 0.3], quaternions=(0,))


def test_quaternions_are_differentiated_as_rotations():
    env, rng = spinning(), np.random.default_rng(3)
    assert env.tangent_dim == 6 and env.tangent_names[:3] == ("pose rx", "pose ry", "pose rz")
    states = rng.normal(size=(6, 7))
    states[:, :4] /= np.linalg.norm(states[:, :4], axis=1, keepdims=True)
    actions, nothing = rng.uniform(-1, 1, (6, 1)), np.zeros((6, 0))
    exact = make_engine(env, "exact").linearize(states, actions, nothing)
    other = make_engine(env, "finite-difference").linearize(states, actions, nothing)
    assert exact.jac_state.shape == (6, 6, 6) and exact.jac_action.shape == (6, 6, 1)
    np.testing.assert_allclose(other.jac_state, exact.jac_state, rtol=0, atol=1e-8)
    np.testing.assert_allclose(other.jac_action, exact.jac_action, rtol=0, atol=1e-8)
    # A turn of the body beforehand is the inverse of the step's own turn of it; the rates do not see the pose at all.
    rate = states[:, 4:] + 0.1 * actions * np.array([1.0, 0, 0])
    for row in range(6):
        x, y, z = -0.1 * rate[row]
        size = np.linalg.norm([x, y, z])
        skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) / size
        rotation = np.eye(3) + np.sin(size) * skew + (1 - np.cos(size)) * skew @ skew
        np.testing.assert_allclose(exact.jac_state[row, :3, :3], rotation, rtol=0, atol=1e-14)
    assert not exact.jac_state[:, 3:, :3].any()
    assert (exact.jac_state[:, 3:, 3:] == np.eye(3)).all()


def test_quaternion_that_does_not_stay_one_is_refused():
    names = [f"pose {part}" for part in ("qw", "qx", "qy", "qz")]
    with pytest.raises(dynsparse.FunctionError, match="step must return a quaternion of length 1 at place 0, got len"):
        own_environment("Grows", lambda s, a: 1.01 * s, 4, names=names, start=[1.0, 0, 0, 0], quaternions=(0,))
    with pytest.raises(dynsparse.FunctionError, match="initial_state must return a quaternion of length 1"):
        own_environment("Long", lambda s, a: s, 4, names=names, start=[2.0, 0, 0, 0], quaternions=(0,))
    with pytest.raises(SettingError, match="place 0 must end in qw, qx, qy and qz, got w, x, y, z"):
        own_environment("Named", lambda s, a: s, 4, names=list("wxyz"), quaternions=(0,))


def test_row_that_is_not_finite_is_marked_alone():
    env = own_environment("Root", lambda s, a: jnp.sqrt(s) + a[0], 2, start=[1.0, 1.0])
    found = dynsparse.linearize_batch(env, [[1.0, 4.0], [-1.0, 1.0], [0.0, 1.0]], np.zeros((3, 1)), workers=1)
    assert found.finite.tolist() == [True, False, False]
    assert found.jac_state[0].tolist() == [[0.5, 0.0], [0.0, 0.25]]


def test_rows_are_checked_as_of_any_environment(ring):
    with pytest.raises(ArrayError, match=r"state must have shape \(ds\) = \(12\) for Ring, got \(3,\)"):
        dynsparse.linearize(ring, [0.0] * 3, [0.0, 0.0])
    with pytest.raises(dynsparse.ActionRangeError, match=r"force 3 = .*outside \[-5, 5\]"):
        dynsparse.step(ring, [0.0] * 12, [0.0, 5.5])


def test_transition_is_the_users_function(ring):
    m, (states, actions) = ring_module(), ring_rows(ring, 1)
    step = dynsparse.transition(ring)
    assert dynsparse.transition(m.ring()) is step, "expected the function that was compiled before"
    none = np.zeros(0)
    with jax.enable_x64(True):
        end, start = step(states[0], actions[0], none)
        np.testing.assert_array_equal(end, jax.jit(m.step)(states[0], actions[0]))
        by_state, by_action = jax.jacrev(lambda s, a: step(s, a, none)[0], argnums=(0, 1))(states[0], actions[0])
    assert start.shape == (0,)
    by_hand = ring_by_hand(states[0])
    np.testing.assert_allclose(by_state, by_hand[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(by_action, by_hand[1], rtol=0, atol=1e-16)


def test_transition_has_second_derivatives_and_runs_through_scan():
    step = dynsparse.transition(own_environment("Square", lambda s, a: s**2 * a[0], 1, start=[1.0]))

    def last(state: jax.Array) -> jax.Array:
        actions = jnp.ones((3, 1))
        return jax.lax.scan(lambda x, a: (step(x, a, jnp.zeros(0))[0], None), state, actions)[0][0]

    with jax.enable_x64(True):
        assert float(jax.hessian(lambda s: last(s))(jnp.array([2.0]))[0, 0]) == 8 * 7 * 2.0**6  # of x^8
    with pytest.raises(PrecisionError, match="float64 only"):
        step(np.zeros(1), np.zeros(1), np.zeros(0))


def test_audit_is_clean_and_sees_a_slope_that_is_not_the_functions(ring):
    audit = audit_environment(ring, rows=40, workers=1)
    assert audit.clean and audit.rows == 40 and audit.constrained_rows == 0
    lying = own_environment("Lying", lambda s, a: jnp.sin(jax.lax.stop_gradient(s)) + 0.1 * s + a[0], 2)
    found = audit_environment(lying, rows=20, workers=1)
    assert not found.clean and found.columns["exact"].columns_off > 0


_SCRIPT = """
import jax.numpy as jnp, numpy as np, dynsparse
def make(rate):
    return lambda state, action: state * rate + action[0]
env = dynsparse.environment_from_function("Closure", make(0.5), state_names=["x"], action_names=["u"], dt=1.0,
    initial_state=lambda key: jnp.ones(1))
found = dynsparse.linearize_batch(env, np.ones((300, 1)), np.zeros((300, 1)), workers=2)
assert (found.jac_state == 0.5).all() and (found.next_state == 0.5).all() and (found.jac_action == 1.0).all()
print("ran once")
"""


def test_closure_of_a_program_without_a_file_reaches_workers(tmp_path):
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "ran once\n"), done.stderr


def test_program_from_standard_input_reaches_workers(tmp_path):
    done = subprocess.run([sys.executable, "-"], input=_SCRIPT, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "ran once\n"), done.stderr


def test_side_effects_happen_while_tracing_only():
    """As documented: a program that is exported holds what is returned, nothing else."""
    seen: list[int] = []

    def step(state: jax.Array, action: jax.Array) -> jax.Array:
        seen.append(1)
        return state + action[0]

    env = own_environment("Noted", step, 1)
    traced = len(seen)
    dynsparse.linearize(env, [1.0], [0.0])
    with Linearizer(env, workers=1) as linearizer:
        linearizer.linearize(np.ones((3, 1)), np.zeros((3, 1)))
    assert len(seen) == traced
