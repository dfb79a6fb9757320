"""The transition inside JAX: its value, its derivative both ways, and what it refuses."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynsparse
from dynsparse.errors import ArrayError, InputError, PrecisionError, SettingError
from dynsparse.physics.call_slopes import _Call, _slopes_of_batch
from dynsparse.physics.environment import ENVIRONMENT_NAMES
from dynsparse.physics.implicit import CallSlope
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import probe_rows

from .hand_models import STICK, build, stick_rows

STEPS = 10
ROWS = 8

# FingerTurnEasy has FingerSpin's model.  Every run compiles one with a limit, whose solver converges, and one with
# contacts and a tendon, whose solver often does not.
LONG = ("CheetahRun", "FingerSpin", "ReacherHard", "SwimmerSwimmer6", "WalkerRun")
NAMES = tuple(
    pytest.param(name, marks=pytest.mark.long) if name in LONG else name
    for name in ENVIRONMENT_NAMES
    if name != "FingerTurnEasy"
)

# Each environment is compiled once, so everything that is asked of it comes out of one program, and that program is
# compiled in a hurry: round-off aside, it computes the same.
HURRIED = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


class Found(NamedTuple):
    """A roll-out of n rows, and its Jacobian by columns (forward) and by rows (reverse).

    Attributes:
        end: (n, ds + nv + 1) last state, last warm start, return.
        forward: (n, ds + nv + 1, ds + STEPS * da + nv) with respect to state, actions and warm start at the start.
        reverse: same shape.
    """

    end: np.ndarray
    forward: np.ndarray
    reverse: np.ndarray


def reward(env, state):
    """Some smooth function of the state that no symmetry makes constant."""
    return jnp.sin(state) @ jnp.linspace(0.5, 1.5, env.state_dim)


def roll_out(env, steps, held, state, actions, warmstart):
    """Take ``steps`` of the actions; ``held`` cuts the tangent of the warm start between control steps."""
    function = dynsparse.transition(env)

    def body(carry, given):
        t, action = given
        state, warmstart, total = carry
        warmstart = jnp.where(held, jax.lax.stop_gradient(warmstart), warmstart)
        state, warmstart = function(state, action, warmstart)
        after = state, warmstart, total + reward(env, state)
        return jax.tree.map(partial(jnp.where, t < steps), after, carry), None

    (state, warmstart, total), _ = jax.lax.scan(body, (state, warmstart, 0.0), (jnp.arange(STEPS), actions))
    return jnp.concatenate([state, warmstart, total[None]])


def both_ways(env, steps, held, *start):
    """Linearize a roll-out of one row: what ``jvp`` and ``vjp`` do, without computing the value twice."""
    end, forward = jax.linearize(partial(roll_out, env, steps, held), *start)
    transposed = jax.linear_transpose(forward, *start)
    inputs = sum(np.size(x) for x in start)
    parts = env.state_dim, env.state_dim + STEPS * env.action_dim

    def of_column(column):
        state, actions, warmstart = jnp.split(column, parts)
        return forward(state, actions.reshape(STEPS, env.action_dim), warmstart)

    columns = jax.vmap(of_column, out_axes=1)(jnp.eye(inputs))
    rows = jax.vmap(transposed)(jnp.eye(len(end)))
    return Found(end, columns, jnp.concatenate([x.reshape(len(end), -1) for x in rows], axis=1))


class Compiled:
    """Roll-outs of the same rows, differentiated; ``found`` is called with the steps to take."""

    def __init__(self, env, linearizer, states, actions, warmstarts):
        self.env, self.linearizer = env, linearizer
        self.start = states, actions, warmstarts
        with jax.enable_x64(True):
            program = jax.jit(jax.vmap(partial(both_ways, env), in_axes=(None, None, 0, 0, 0)))
            self._program = program.lower(1, False, *self.start).compile(compiler_options=HURRIED)

    def found(self, steps, *, held=False):
        with jax.enable_x64(True):
            return Found(*map(np.asarray, self._program(steps, held, *self.start)))

    def split(self, jacobian):
        """The columns of the state, of the actions (last axis: STEPS, da) and of the warm start."""
        ds, da = self.env.state_dim, self.env.action_dim
        state, actions, warmstart = np.split(jacobian, (ds, ds + STEPS * da), axis=-1)
        return state, actions.reshape(*actions.shape[:-1], STEPS, da), warmstart


@pytest.fixture(scope="module")
def compiled(loaded, opened):
    kept = {}

    def of(name):
        if name not in kept:
            env = loaded(name)
            probed = probe_rows(env, opened(name), ROWS, 5)
            assert probed.active.any(axis=1).any()
            rng = np.random.default_rng(6)
            later = rng.uniform(env.action_low, env.action_high, (ROWS, STEPS - 1, env.action_dim))
            actions = np.concatenate([probed.actions[:, None], later], axis=1)
            kept[name] = Compiled(env, opened(name), probed.states, actions, probed.warmstarts)
        return kept[name]

    return of


def assert_close(found, wanted, relative):
    """Compare stacks of matrices, each by its largest element."""
    scale = np.maximum(1.0, np.abs(wanted).max(axis=(1, 2), keepdims=True))
    np.testing.assert_array_less(np.abs(found - wanted) / scale, relative)


def test_the_environment_left_out_has_the_model_of_another_but_for_a_damping(loaded):
    left_out, kept = loaded("FingerTurnEasy"), loaded("FingerSpin")
    names = [name for name in dir(kept.model) if isinstance(getattr(kept.model, name), np.ndarray)]
    others = {n for n in names if not np.array_equal(getattr(left_out.model, n), getattr(kept.model, n))}
    assert len(names) > 300
    assert others == {"dof_damping", "site_rgba", "site_size"}
    assert left_out.substeps == kept.substeps


@pytest.mark.parametrize("name", NAMES)
def test_one_step_is_what_linearize_batch_says(compiled, name):
    one = compiled(name)
    env, found = one.env, one.found(1)
    states, actions, warmstarts = one.start
    wanted = one.linearizer.linearize(states, actions[:, 0], warmstarts)
    # The same code compiled in two ways: round-off of an ill-conditioned solve.
    ends = np.concatenate([wanted.next_state, wanted.next_warmstart], axis=1)
    np.testing.assert_allclose(found.end[:, :-1], ends, rtol=1e-9, atol=1e-9)
    by_state, by_action, by_warmstart = one.split(found.reverse[:, : env.state_dim])
    assert_close(by_state, wanted.jac_state, 1e-9)
    assert_close(by_action[:, :, 0], wanted.jac_action, 1e-9)
    np.testing.assert_array_equal(by_action[:, :, 1:], 0.0)
    converged = wanted.solver_residual < 1e-8
    np.testing.assert_array_equal(by_warmstart[converged], 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_reverse_is_forward_transposed(compiled, name):
    for steps in (1, STEPS):
        found = compiled(name).found(steps)
        assert np.isfinite(found.forward).all()
        assert_close(found.reverse, found.forward, 1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_of_a_return_is_the_slope_of_the_roll_out(compiled, name):
    one = compiled(name)
    gradient = one.found(STEPS).reverse[:, -1]
    rng = np.random.default_rng(7)
    for inputs in (slice(None), slice(-one.env.nv, None)):  # all of them; the warm start alone
        direction = np.zeros_like(gradient)
        direction[:, inputs] = rng.normal(size=direction[:, inputs].shape)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        # A solver that stops within 1e-8 of its minimiser leaves about that much in the return: differences are wide
        # and of fourth order.  One of a single iteration stops at no tolerance, and has its kinks closer together.
        size = 1e-6 if one.env.model.opt.iterations == 1 else 3e-4
        # Rows count where two widths agree about the slope.
        wanted, narrow = differences(one, direction, size), differences(one, direction, size / 2)
        scale = np.maximum(1.0, np.abs(wanted))
        smooth = np.abs(wanted - narrow) / scale < 1e-4
        assert smooth.mean() > 0.5
        assert (np.abs((gradient * direction).sum(axis=1) - wanted) / scale)[smooth].max() < 1e-4


def differences(one, direction, size):
    """Slope of each row's return along a direction, from values alone, to fourth order."""

    def returned(step):
        moved = [x + step * d for x, d in zip(one.start, one.split(direction), strict=True)]
        states = one.linearizer.roll_out(*moved).states[:, 1:]
        return (np.sin(states) @ np.linspace(0.5, 1.5, one.env.state_dim)).sum(axis=1)

    def central(step):
        return (returned(step) - returned(-step)) / (2 * step)

    return (4 * central(size) - central(2 * size)) / 3


@pytest.mark.parametrize("name", ["CartpoleBalance", "BallInCup"])
def test_warm_starts_held_give_the_product_of_the_steps_jacobians(compiled, name):
    one = compiled(name)
    states, actions, warmstarts = one.start
    product = np.eye(one.env.state_dim)
    for t in range(STEPS):
        step = one.linearizer.linearize(states, actions[:, t], warmstarts)
        product = step.jac_state @ product
        states, warmstarts = step.next_state, step.next_warmstart
    held, free = (one.split(one.found(STEPS, held=held).reverse)[0] for held in (True, False))
    assert_close(held[:, : one.env.state_dim], product, 1e-8)
    if name == "BallInCup":  # whose solver, of one iteration, does not always converge
        assert np.abs(held - free).max() > 1e-6


# --- transformations of one cheap environment --------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_float64():
    with jax.enable_x64(True):
        yield


def hurried(function, *arguments):
    """Compile a function of many rows without optimising, and apply it."""
    return jax.device_get(jax.jit(jax.vmap(function)).lower(*arguments).compile(compiler_options=HURRIED)(*arguments))


@pytest.mark.long
def test_gradient_through_checkpoints_is_the_same(compiled, in_float64):
    one = compiled("CartpoleBalance")

    def final(state, actions, warmstart):
        return jax.checkpoint(partial(roll_out, one.env, STEPS, False))(state, actions, warmstart)[-1]

    parts = hurried(jax.grad(final, argnums=(0, 1, 2)), *one.start)
    found = np.concatenate([x.reshape(ROWS, -1) for x in parts], axis=1)
    np.testing.assert_allclose(found, one.found(STEPS).reverse[:, -1], rtol=1e-10, atol=1e-10)


def test_a_row_that_is_not_finite_has_no_derivative_and_disturbs_no_other(compiled, in_float64):
    one = compiled("CartpoleBalance")
    function = dynsparse.transition(one.env)
    states, actions, warmstarts = one.start
    blown = np.concatenate([states, np.full((1, 4), np.nan)])
    rows = blown, np.append(actions[:, 0], [[0.0]], axis=0), np.append(warmstarts, [[0.0, 0.0]], axis=0)
    by_rows = hurried(lambda *row: jax.jacrev(lambda s: function(s, *row[1:])[0])(row[0]), *rows)
    np.testing.assert_allclose(by_rows[:-1], one.found(1).reverse[:, :4, :4], rtol=1e-10, atol=1e-10)
    assert np.isnan(by_rows[-1]).all()


def test_value_is_that_of_step(cartpole, in_float64):
    row = cartpole.sample_initial_state(3), np.array([0.4]), np.array([0.3, -0.2])
    found, wanted = dynsparse.transition(cartpole)(*row), dynsparse.step(cartpole, *row)
    # Compiled once with and once without XLA's fusion: the last bits may differ.
    np.testing.assert_allclose(found[0], wanted.next_state, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(found[1], wanted.next_warmstart, rtol=1e-13, atol=1e-13)


def test_second_use_compiles_nothing_and_changes_no_setting(cartpole, loaded, in_float64, caplog):
    function = dynsparse.transition(cartpole)
    assert dynsparse.transition(dynsparse.load_environment("CartpoleBalance")) is function
    assert dynsparse.transition(loaded("ReacherHard")) is not function
    row = cartpole.sample_initial_state(0), np.zeros(1), np.zeros(2)
    before = dict(jax.config.values)
    first = function(*row)
    with caplog.at_level("WARNING"), jax.log_compiles(True):
        second = function(*row)
    assert not [record for record in caplog.records if "ompil" in record.getMessage()]
    assert dict(jax.config.values) == before
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_actions_beyond_the_range_go_on(cartpole, in_float64):
    function = jax.jit(dynsparse.transition(cartpole))
    state, warmstart = cartpole.sample_initial_state(0), np.zeros(2)
    ends = [function(state, np.array([a]), warmstart)[0] for a in (0.5, 1.0, 1.5)]
    np.testing.assert_allclose(ends[2] - ends[1], ends[1] - ends[0], rtol=1e-6)
    assert np.abs(ends[2] - ends[1]).max() > 1e-3


# --- what it refuses ---------------------------------------------------------------------------------------------


def test_float32_is_refused_with_what_to_do(cartpole):
    function = dynsparse.transition(cartpole)
    row = cartpole.sample_initial_state(0), np.zeros(1), np.zeros(2)
    with jax.enable_x64(False), pytest.raises(PrecisionError, match=r'jax_enable_x64", True\).*jax.enable_x64\(True\)'):
        function(*row)
    with jax.enable_x64(True), pytest.raises(PrecisionError, match=r"action is float32.*astype"):
        jax.jit(function)(row[0], jnp.zeros(1, jnp.float32), row[2])


def test_wrong_rows_are_refused(cartpole, in_float64):
    function = dynsparse.transition(cartpole)
    with pytest.raises(ArrayError, match=r"state must be one row of shape \(4,\).*got \(3, 4\); use jax.vmap"):
        function(np.zeros((3, 4)), np.zeros(1), np.zeros(2))
    with pytest.raises(ArrayError, match=r"action must be one row of shape \(1,\) for CartpoleBalance, got \(\)$"):
        function(np.zeros(4), 0.5, np.zeros(2))
    with pytest.raises(ArrayError, match=r"warmstart must hold real numbers.*complex"):
        function(np.zeros(4), np.zeros(1), np.zeros(2, complex))
    with pytest.raises(ArrayError, match=r"warmstart must be one row.*got None; try jnp.zeros\(\(2,\)\)"):
        function(np.zeros(4), np.zeros(1), None)
    with pytest.raises(ArrayError, match=r"action must be one row of shape \(1,\) for CartpoleBalance: "):
        function(np.zeros(4), ["left"], np.zeros(2))
    with pytest.raises(SettingError, match=r"got 'CartpoleBalance'; try dynsparse.load_environment"):
        dynsparse.transition("CartpoleBalance")


def test_the_function_says_what_it_is(cartpole):
    function = dynsparse.transition(cartpole)
    assert function.__name__ == "transition_of_CartpoleBalance"
    assert "state (4,), action (1,), warm start (2,), float64" in function.__doc__


def test_second_derivatives_are_refused(compiled, in_float64):
    one = compiled("CartpoleBalance")
    function = dynsparse.transition(one.env)

    def cost(state, action, warmstart):
        return function(state, action, warmstart)[0].sum()

    def of_action(action):
        return cost(np.zeros(4), action, np.zeros(2))

    for hessian in (jax.hessian(of_action), jax.jacfwd(jax.jacfwd(of_action)), jax.jacrev(jax.jacfwd(of_action))):
        with pytest.raises(InputError, match="first derivatives only"):
            hessian(np.zeros(1))

    def stopped(state, action, warmstart):  # what the message advises
        return action.sum() * jax.grad(cost, argnums=1)(state, jax.lax.stop_gradient(action), warmstart).sum()

    states, actions, warmstarts = one.start
    found = hurried(jax.grad(stopped, argnums=1), states, actions[:, 0], warmstarts)
    slopes = one.split(one.found(1).reverse[:, :4])[1][:, :, 0].sum(axis=1)
    assert np.abs(slopes).min() > 1e-6
    np.testing.assert_allclose(found, slopes, rtol=1e-9)


# --- how the solver calls of a batch are dealt with ---------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 8, 100])
def test_unconverged_calls_are_differentiated_again_in_as_many_rounds_as_it_takes(rows, in_float64):
    rng = np.random.default_rng(rows)
    residual = np.where(rng.random(rows) < 0.7, 1.0, 0.0)
    residual[::17] = np.nan  # is differentiated again too
    number = np.arange(rows, dtype=float)
    calls = _Call(number, number, number, number, number, residual)

    def slope(factor):
        return lambda call: CallSlope(factor * call.qpos[None, None], call.qvel[None, None])

    found = jax.jit(partial(_slopes_of_batch, slope(1.0), slope(-1.0)))(calls)
    wanted = np.where(residual < 1e-8, number, -number)
    np.testing.assert_array_equal(found.acceleration[:, 0, 0], wanted)
    np.testing.assert_array_equal(found.velocity_rate[:, 0, 0], number)


# --- a model with quaternions, and four solver calls a substep ----------------------------------------------------


@pytest.mark.long
def test_quaternions_and_runge_kutta(shared_cache, in_float64, monkeypatch):
    env = build(STICK, integrator="RK4")
    states, actions = stick_rows(6)
    warmstarts = np.zeros((6, env.nv))
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    with Linearizer(env, workers=1) as linearizer:
        wanted = linearizer.linearize(states, actions)

    def both(state, *rest):
        end, forward = jax.linearize(lambda s: dynsparse.transition(env)(s, *rest)[0], state)
        (rows,) = jax.vmap(jax.linear_transpose(forward, state))(jnp.eye(env.state_dim))
        return end, jax.vmap(forward, out_axes=1)(jnp.eye(env.state_dim)), rows

    end, forward, reverse = (np.asarray(x) for x in hurried(both, states, actions, warmstarts))
    np.testing.assert_allclose(end, wanted.next_state, rtol=1e-9, atol=1e-9)
    assert_close(reverse, forward, 1e-10)
    projected, _ = env.space.project_jacobian(forward, np.zeros((6, env.state_dim, 0)), states, end)
    assert_close(projected, wanted.jac_state, 1e-9)
    # And the four numbers of a quaternion: their length changes nothing, before or after.
    for start in env.space.quaternions:
        span = slice(start, start + 4)
        assert np.abs(forward[:, :, span] @ states[:, span, None]).max() < 1e-12
        assert np.abs(end[:, None, span] @ forward[:, span]).max() < 1e-12
