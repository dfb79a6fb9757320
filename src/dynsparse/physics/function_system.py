"""A user's own system: a differentiable JAX function (state, action) -> next_state as an environment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from numpy.typing import ArrayLike

from dynsparse.errors import FunctionError
from dynsparse.physics.function_programs import export_programs
from dynsparse.physics.function_source import FunctionSource, described
from dynsparse.physics.function_trace import blank, raised, trace_array, trace_step
from dynsparse.physics.function_words import check_words
from dynsparse.physics.precision import float64_on_cpu
from dynsparse.physics.registry import check_name

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["environment_from_function"]

Function = Callable[..., Any]


def environment_from_function(
    name: str,
    step: Function,
    *,
    state_names: Sequence[str],
    action_names: Sequence[str],
    initial_state: Function | ArrayLike,
    dt: float,
    state_units: Sequence[str] | None = None,
    action_low: Sequence[float] | None = None,
    action_high: Sequence[float] | None = None,
    reward: Function | None = None,
    quaternions: Sequence[int] = (),
) -> Environment:
    """Make an environment of a differentiable JAX function of your own.

    The functions are traced here, once, in float64 on the CPU whatever JAX is set to, and exported: worker processes
    run the exported programs and never import your code, so that a lambda, a closure or a notebook's cell will do.
    What they read from outside (a global, an array) is what it was now; what they do beside returning a value
    (printing, counting, writing a file) is not seen and does not happen again.

    The derivative is the function's own forward-mode one: ``custom_jvp`` rules and ``stop_gradient`` included, right
    or wrong.  ``dynsparse audit`` holds it against differences.

    Args:
        name: what files and messages call it: letters, digits, ``_`` and ``-``; no other environment's name.
        step: ``(state (ds,), action (da,)) -> next_state (ds,)``, one row, float64, in JAX.
        state_names: (ds,) names of the state's numbers.
        action_names: (da,) names of the actions; at least one.
        initial_state: where an episode starts: ``key -> state (ds,)`` of a JAX key, or one (ds,) state.
        dt: duration of a step, s.
        state_units: (ds,) units; None for ``"1"`` throughout.
        action_low: (da,) lower bounds of the actions; None for none (the random policy then has no range).
        action_high: (da,) upper bounds.
        reward: ``(state, action, next_state) -> ()``; None for rewards of 0.
        quaternions: where in the state unit quaternions (w, x, y, z) start; their names end in ``qw``, ``qx``, ``qy``
            and ``qz``, their Jacobian is in tangent coordinates, and ``step`` has to keep their length of 1.

    Returns:
        The environment; ``register_environment`` makes it known by its name.

    Raises:
        FunctionError: one of the functions can not be traced, differentiated or exported, returns another shape or
            type, calls back to Python, or gives a NaN where an episode starts.
        SettingError: a name, unit, bound or place does not fit.
    """
    check_name(name)
    bounds = action_low, action_high
    words = check_words(name, state_names, action_names, state_units, bounds, quaternions, _numbers(initial_state))
    if isinstance(dt, bool) or not isinstance(dt, int | float | np.number) or not 0.0 < dt < math.inf:
        raise FunctionError(f"{name}: dt must be the duration of a step in s, above 0, got {dt!r}")
    state_dim, action_dim = len(words.state_names), len(words.action_names)
    state, action = blank(state_dim), blank(action_dim)
    # The generator is named, so that the user's JAX settings do not decide what a key draws.
    with float64_on_cpu(), jax.threefry_partitionable(True):
        traced = trace_step(name, step, state_dim, action_dim)
        seed = blank(dtype=np.int64)
        start = trace_array(name, "initial_state", _start(name, initial_state), (state_dim,), seed, exact=False)
        rewarded = None
        if reward is not None:
            rewarded = trace_array(name, "reward", reward, (), state, action, state, exact=False)
        about = json.dumps([name, *words.plain(), float(dt)])
        programs = export_programs(name, traced, start, rewarded, (state_dim, action_dim), about)
    source = FunctionSource(programs, traced)
    names = words.state_names, words.action_names, words.state_units
    env = described(name, names, (words.low, words.high), float(dt), words.quaternions, source)
    _try(env, source)
    return env


def _start(name: str, initial_state: Function | ArrayLike) -> Function:
    """Return the start of an episode as a function of a seed."""
    if callable(initial_state):
        given = initial_state
        return lambda seed: given(jax.random.key(seed, impl="threefry2x32"))
    try:
        state = np.asarray(initial_state)
        numbers = state.astype(np.float64) if state.dtype.kind in "fiu" else None
    except (TypeError, ValueError) as error:
        raise FunctionError(f"{name}: initial_state must be a function of a key or one state: {error}") from error
    if numbers is None:
        raise FunctionError(
            f"{name}: initial_state must be a function of a key or one state of real numbers, got {initial_state!r}"
        )
    return lambda _seed: jax.numpy.asarray(numbers)


def _numbers(initial_state: Function | ArrayLike) -> int | None:
    """Return how many numbers a state has, where that is seen before anything is traced."""
    shape = getattr(initial_state, "shape", None)
    if isinstance(initial_state, list | tuple):
        return len(initial_state)
    return int(shape[0]) if isinstance(shape, tuple) and len(shape) == 1 else None


def _try(env: Environment, source: FunctionSource) -> None:
    """Run and differentiate one row, and judge what came out.

    Raises:
        FunctionError: a number is not finite, or a quaternion is not of length 1.
    """
    action = np.clip(0.0, env.action_low, env.action_high)[None]
    runner = source.runner()
    try:
        start = runner.start(np.zeros(1, dtype=np.int64))
        end = runner.step(start, action)
        slopes = runner.slopes(start, action)
        rewards = runner.reward(start, action, end) if source.is_rewarded else np.zeros(1)
    except Exception as error:  # compiled code fails with errors of JAX's own, of several kinds
        raise raised(env.name, "the compiled function", error) from error
    _finite(env, "initial_state gives", start[0], env.state_names)
    where = "at the initial state under the action " + repr(action[0].tolist())
    _finite(env, f"step gives, {where},", end[0], env.state_names)
    _finite(env, f"reward gives, {where},", rewards, ("the reward",))
    for inputs, slope in zip((env.state_names, env.action_names), slopes, strict=True):
        for output, row in zip(env.state_names, slope[0], strict=True):
            _finite(env, f"step has, {where}, in {output!r} a slope of", row, inputs)
    for what, state in (("initial_state", start[0]), ("step", end[0])):
        for place in env.space.quaternions:
            length = float(np.linalg.norm(state[place : place + 4]))
            if abs(length - 1.0) > 1e-6:
                raise FunctionError(
                    f"{env.name}: {what} must return a quaternion of length 1 at place {place}, got length {length:g}; "
                    "divide it by its length at the end"
                )


def _finite(env: Environment, told: str, numbers: np.ndarray, names: Sequence[str]) -> None:
    for number, name in zip(numbers, names, strict=True):
        if not np.isfinite(number):
            raise FunctionError(
                f"{env.name}: {told} {number} for {name!r}; expected finite numbers where an episode starts. Look for "
                "a division by 0 or a square root or norm at 0 (jnp.where around its argument, not its result)"
            )
