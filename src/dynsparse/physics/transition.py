"""The control step as a pure JAX function with the exact derivative, forward and reverse."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from dynsparse.errors import ArrayError, InputError, PrecisionError, SettingError
from dynsparse.physics.call_slopes import call_slopes
from dynsparse.physics.control_step import RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS, StepValue, control_step
from dynsparse.physics.environment import Environment, float64_on_cpu
from dynsparse.physics.function_source import function_transition
from dynsparse.physics.implicit import CallSlope
from dynsparse.physics.quaternion import position_change, position_tangent, turn_slopes
from dynsparse.physics.simulator import Simulator, build_simulator

__all__ = ["TransitionFunction", "transition"]

Array = jax.Array
TransitionFunction = Callable[[ArrayLike, ArrayLike, ArrayLike], tuple[Array, Array]]

_built: dict[tuple[str, str], TransitionFunction] = {}
_building = threading.Lock()


def transition(env: Environment) -> TransitionFunction:
    """Return one control step as a pure JAX function whose derivative is the exact one.

    The function takes one row, ``(state (ds,), action (da,), warmstart (nv,))``, and returns
    ``(next_state (ds,), next_warmstart (nv,))``, all float64.  It can be transformed by ``jit``, ``vmap``, ``scan``,
    ``checkpoint``, ``jvp``, ``vjp``, ``grad``, ``jacfwd`` and ``jacrev``; reverse mode works although MJX's solver,
    a ``while_loop``, has none.  The value is that of ``step``.  ``jacfwd`` with respect to state and action gives
    ``jac_state`` and ``jac_action`` of ``linearize``.

    One call is ``env.substeps`` simulator steps, ``env.dt`` seconds; units as ``env.state_units``.  The derivative is
    always the exact one (for ``autodiff`` see ``linearize``).  Of a quaternion only the direction counts, so that a
    change along it changes nothing; ``env.space.project_jacobian`` turns ``jacfwd`` of such a model into the tangent
    coordinates of ``linearize``.

    The derivative with respect to the warm start is the true one too: zero in a solver call that converged, since
    a minimiser does not depend on where the search for it began, and the slope of the iterations in one that ran
    out of them.  ``next_warmstart`` carries a tangent as well.  So a gradient through several control steps is the
    slope of the whole roll-out, warm starts included.  ``linearize`` holds the warm start constant; to do the same
    between control steps, so that k steps give the product of k ``jac_state``, pass
    ``jax.lax.stop_gradient(warmstart)``.

    - 64-bit values must be enabled where it is called: ``jax.config.update("jax_enable_x64", True)`` at the start
      of a program, or ``with jax.enable_x64(True):`` around every use.  Nothing is changed in the configuration.
    - Actions outside the control range are neither refused nor clamped: the step and its slope go on beyond it.
      Clip or squash them in the function that is differentiated.
    - A row whose step or slope is not finite has a derivative of NaN throughout; a slope can be NaN where the step is
      finite.  In a batch that shares parameters one such row makes the whole gradient NaN, and masking its result
      afterwards does not help: replace its inputs by finite ones first, or take one gradient a row.
    - There are no second derivatives: asking for one raises an ``InputError``.  (Of an environment made of a function
      there are: it is the user's own function, its warm start has no elements.)
    - Under ``vmap`` all rows are differentiated as converged and the others again, eight or more at a time; under a
      second ``vmap`` around the first every row pays for both.  Put all rows into one ``vmap`` where speed matters.
    - On a CPU compile with ``jax.jit(..., compiler_options={"xla_cpu_use_fusion_emitters": False})``, several times
      faster where joints follow each other in a chain, and start Python with
      ``XLA_FLAGS=--xla_cpu_multi_thread_eigen=false`` where large batches are differentiated.

    Args:
        env: the environment.

    Returns:
        The function; the same one for the same environment, so that what JAX compiled is found again.  It raises
        ``PrecisionError`` in float32 and ``ArrayError`` for anything but one row of real numbers.

    Raises:
        SettingError: if ``env`` is no environment.
        UnsupportedModelError: if MJX refuses the model.
    """
    if not isinstance(env, Environment):
        raise SettingError(f"expected an environment, got {env!r}; try dynsparse.load_environment('CartpoleBalance')")
    key = env.name, env.fingerprint
    with _building:
        if key not in _built:
            _built[key] = _build(env)
        return _built[key]


def _build(env: Environment) -> TransitionFunction:
    step = jax.jit(function_transition(env) if env.engine == "function" else _of_model(env))
    name_of_env = env.name  # not the environment itself, which the function would keep
    sizes = {"state": (env.state_dim,), "action": (env.action_dim,), "warmstart": (env.nv,)}

    def transition_of_row(state: ArrayLike, action: ArrayLike, warmstart: ArrayLike) -> tuple[Array, Array]:
        given = zip(sizes.items(), (state, action, warmstart), strict=True)
        return step(*(_checked(name_of_env, name, shape, value) for (name, shape), value in given))

    transition_of_row.__name__ = transition_of_row.__qualname__ = f"transition_of_{env.name}"
    transition_of_row.__doc__ = (
        f"Return next state {sizes['state']} and next warm start {sizes['warmstart']} of one control step of "
        f"{env.name}: state {sizes['state']}, action {sizes['action']}, warm start {sizes['warmstart']}, float64."
    )
    return transition_of_row


def _of_model(env: Environment) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    # The model is made of numbers even where the first use of an environment is inside a function that JAX traces.
    with float64_on_cpu(), jax.ensure_compile_time_eval():
        sim = build_simulator(env.model, env.substeps)
        # Tied to no device: the caller's program runs where the caller wants it.
        model, template = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), (sim.model, sim.template))
    return _differentiable(replace(sim, model=model, template=template))


def _checked(environment: str, name: str, shape: tuple[int, ...], value: ArrayLike) -> Array:
    if value is None:
        raise ArrayError(f"{name} must be one row of shape {shape} for {environment}, got None; try jnp.zeros({shape})")
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise ArrayError(f"{name} must be one row of shape {shape} for {environment}: {error}") from error
    if array.shape != shape:
        several = "; use jax.vmap for several rows" if array.shape[1:] == shape else ""
        raise ArrayError(f"{name} must be one row of shape {shape} for {environment}, got {array.shape}{several}")
    if not (jnp.issubdtype(array.dtype, jnp.floating) or jnp.issubdtype(array.dtype, jnp.integer)):
        raise ArrayError(f"{name} must hold real numbers of shape {shape} for {environment}, got type {array.dtype}")
    if jnp.zeros(()).dtype != np.float64:
        raise PrecisionError(
            "exact derivatives exist in float64 only, and JAX's 64-bit values are disabled; enable them with "
            'jax.config.update("jax_enable_x64", True) before anything else, or call within jax.enable_x64(True)'
        )
    if jnp.issubdtype(array.dtype, jnp.floating) and array.dtype != np.float64:
        raise PrecisionError(
            f"{name} is {array.dtype}, and exact derivatives exist in float64 only; pass {name}.astype(jnp.float64)"
        )
    return array.astype(np.float64)


def _differentiable(sim: Simulator) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    """Tie the control step's value to its exact tangent.

    The tangent is a product with matrices that depend on values alone.  JAX transposes a product, so it never has
    to transpose the loops that made the matrices.
    """
    slopes_of = _once_only(partial(call_slopes, sim))

    def value_of(state: Array, action: Array, warmstart: Array) -> StepValue:
        return control_step(sim, state[: sim.nq], state[sim.nq :], action, warmstart)

    def result_of(value: StepValue) -> tuple[Array, Array]:
        return jnp.concatenate([value.qpos, value.qvel]), value.warmstart

    @jax.custom_jvp
    def step(state: Array, action: Array, warmstart: Array) -> tuple[Array, Array]:
        return result_of(value_of(state, action, warmstart))

    @step.defjvp
    def _(
        primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        value = value_of(*primals)
        d_state, d_action, d_warmstart = tangents
        position = position_tangent(sim, primals[0][: sim.nq], d_state[: sim.nq])
        start = _Tangent(position, d_state[sim.nq :], d_action, d_warmstart)
        end = _push(sim, value, slopes_of(value, primals[1]), start)
        moved = position_change(sim, value.qpos, end.position)
        return result_of(value), (jnp.concatenate([moved, end.qvel]), end.warmstart)

    return step


def _once_only(function: Callable[[StepValue, Array], CallSlope]) -> Callable[[StepValue, Array], CallSlope]:
    """Refuse to differentiate the slopes: they hold active set and solution constant, so their slope means nothing."""
    guarded = jax.custom_jvp(function)

    @guarded.defjvp
    def _(_primals: object, _tangents: object) -> NoReturn:
        raise InputError(
            "dynsparse.transition has first derivatives only, and a derivative of its derivative was asked for; "
            "use a first-order or Gauss-Newton method, or apply jax.lax.stop_gradient to the inputs of the inner "
            "derivative (stopping its result is too late)"
        )

    return guarded


class _Tangent(NamedTuple):
    """What an infinitesimal change of the inputs has become: (nv,), (nv,), (nu,) and (nv,)."""

    position: Array
    qvel: Array
    ctrl: Array
    warmstart: Array


class _Substep(NamedTuple):
    """Velocities at the solver calls of one substep, (stages, nv), the velocity that it left, and the slopes."""

    qvel: Array
    next_qvel: Array
    slopes: CallSlope


def _push(sim: Simulator, value: StepValue, slopes: CallSlope, start: _Tangent) -> _Tangent:
    """Carry a tangent through all substeps: linear in it, as ``chain_substeps`` is for whole Jacobians."""
    calls = value.calls
    next_qvel = jnp.concatenate([calls.qvel[1:, 0], value.qvel[None]])
    advance = _through_stages if sim.is_runge_kutta else _through_call
    substeps = _Substep(calls.qvel, next_qvel, slopes)
    end, _ = jax.lax.scan(lambda tangent, substep: (advance(sim, substep, tangent), None), start, substeps)
    return end


def _through_call(sim: Simulator, substep: _Substep, tangent: _Tangent) -> _Tangent:
    """Semi-implicit: velocity first, then position with the new velocity."""
    slope = jax.tree.map(lambda x: x[0] @ jnp.concatenate(tangent), substep.slopes)
    qvel = tangent.qvel + sim.model.opt.timestep * slope.velocity_rate
    position = _moved(sim, substep.next_qvel, tangent.position, qvel)
    return _Tangent(position, qvel, tangent.ctrl, slope.acceleration)


def _through_stages(sim: Simulator, substep: _Substep, tangent: _Tangent) -> _Tangent:
    """Runge-Kutta: four solver calls, all from the same warm start."""
    h = sim.model.opt.timestep
    stage, rates, qvels = tangent, [], []
    for i, a in enumerate((*RUNGE_KUTTA_STEPS, 0.0)):
        rates.append(substep.slopes.acceleration[i] @ jnp.concatenate(stage))
        qvels.append(stage.qvel)
        position = _moved(sim, a * substep.qvel[i], tangent.position, a * stage.qvel)
        stage = stage._replace(position=position, qvel=tangent.qvel + h * a * rates[-1])
    mean, d_mean, d_rate = (
        sum(b * x for b, x in zip(RUNGE_KUTTA_WEIGHTS, each, strict=True)) for each in (substep.qvel, qvels, rates)
    )
    position = _moved(sim, mean, tangent.position, d_mean)
    return _Tangent(position, tangent.qvel + h * d_rate, tangent.ctrl, rates[-1])


def _moved(sim: Simulator, qvel: Array, d_position: Array, d_qvel: Array) -> Array:
    """Push tangents through the integration of positions."""
    h = sim.model.opt.timestep
    moved = d_position + h * d_qvel
    for _, place in sim.rotations:
        span = slice(place, place + 3)
        back, right = turn_slopes(h * qvel[span], jnp)
        moved = moved.at[span].set(back @ d_position[span] + h * (right @ d_qvel[span]))
    return moved
