"""One control step and its transition Jacobian: of one row here, of many rows on all cores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Linearization, Transition
from dynsparse.physics.rows import check_derivative, check_row, check_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dynsparse.physics.engines import StepEngine

__all__ = ["linearize", "linearize_batch", "step"]

_engines: dict[tuple[str, str], StepEngine] = {}
_building = threading.Lock()


def step(env: Environment, state: ArrayLike, action: ArrayLike, warmstart: ArrayLike | None = None) -> Transition:
    """Run one control step of one row, in this process.

    The first call of an environment compiles for some seconds.  The user's JAX configuration is not changed.

    Args:
        env: the environment.
        state: (ds,) qpos then qvel, float64.
        action: (da,) applied action, inside the control range.
        warmstart: (nv,) qacc_warmstart, m/s^2 or rad/s^2; None for zeros.

    Returns:
        The next state and the next warm start.

    Raises:
        ArrayError: for a wrong shape or type, or a number that is not finite.
        ActionRangeError: for an action outside the control range.
        PrecisionError: for float32.
    """
    states, actions, warmstarts = check_row(env, state, action, warmstart)
    with _building:
        result = _engine(env, env.derivatives[0]).evaluate(states, actions, warmstarts)
    return Transition(result.next_state[0], result.next_warmstart[0])


def linearize(
    env: Environment,
    state: ArrayLike,
    action: ArrayLike,
    warmstart: ArrayLike | None = None,
    derivative: str = "exact",
) -> Linearization:
    """Run and differentiate one control step of one row, in this process.

    The first call of an environment compiles for half a minute; for many rows use ``linearize_batch``.

    Args:
        env: the environment.
        state: (ds,) qpos then qvel, float64.
        action: (da,) applied action, inside the control range; the derivative is taken with the clamp off.
        warmstart: (nv,) qacc_warmstart, m/s^2 or rad/s^2; None for zeros.  Held constant in the derivative.
        derivative: ``"exact"`` (the slope of the coded step at every scale from 1e-8 up), ``"autodiff"`` (plain
            ``jacfwd`` over MJX, clamp and all: what the paper used), or ``"finite-difference"`` (central at 1e-6;
            its zeros need a tolerance of 1e-8).

    Returns:
        One row, without a leading axis.

    Raises:
        ArrayError: for a wrong shape or type, or a number that is not finite.
        ActionRangeError: for an action outside the control range.
        PrecisionError: for float32 where ``"exact"`` is asked for.
        SettingError: for an unknown derivative.
        UnsupportedModelError: for a derivative that there is none of, of a model opened with "finite-difference".
    """
    rows = check_row(env, state, action, warmstart, check_derivative(env, derivative))
    with _building:
        batch = _engine(env, derivative).linearize(*rows)
    return Linearization(
        batch.next_state[0],
        batch.next_warmstart[0],
        batch.jac_state[0],
        batch.jac_action[0],
        batch.finite[0],
        batch.solver_residual[0],
        batch.active[0],
        batch.constraint_active[0],
        batch.constraint_active_start[0],
        derivative,
    )


def linearize_batch(
    env: Environment,
    states: ArrayLike,
    actions: ArrayLike,
    warmstarts: ArrayLike | None = None,
    derivative: str = "exact",
    workers: int = 0,
) -> Linearization:
    """Run and differentiate one control step of each of many rows, in worker processes.

    The workers are kept for the next call and end with the program (or with ``close_workers``).  Results do not
    depend on the number of workers.  Works from a script without a ``__main__`` guard, from standard input and
    from a notebook.

    Args:
        env: the environment.
        states: (n, ds) qpos then qvel, float64.
        actions: (n, da) applied actions, inside the control range.
        warmstarts: (n, nv) qacc_warmstart, m/s^2 or rad/s^2; None for zeros.
        derivative: as in ``linearize``.
        workers: how many processes; 0 for one on each usable core.

    Returns:
        n rows.  A row in which any number is not finite has ``finite`` False; the others are not affected.

    Raises:
        ArrayError: for a wrong shape or type, or a number that is not finite; names the row.
        ActionRangeError: for an action outside the control range; names the row and the bounds.
        PrecisionError: for float32 where ``"exact"`` is asked for.
        SettingError: for an unknown derivative or a negative number of workers.
        UnsupportedModelError: as ``linearize``.
        WorkerError: if a worker died or hung; ``rows`` are the rows without a result.
    """
    from dynsparse.physics.linearizer import shared_linearizer

    rows = check_rows(env, states, actions, warmstarts, check_derivative(env, derivative))
    return shared_linearizer(env, derivative, workers).linearize(*rows)


def _engine(env: Environment, derivative: str) -> StepEngine:
    """Return the engine of this process, built when first asked for."""
    from dynsparse.physics.batch import Compilation
    from dynsparse.physics.engine import BatchSizes
    from dynsparse.physics.engines import make_engine
    from dynsparse.physics.processes import cache_folder

    key = env.fingerprint, derivative
    if key not in _engines:
        # Fusion recomputes kinematic chains; this option spares it without touching the user's environment.
        compilation = Compilation(
            {"xla_cpu_use_fusion_emitters": False}, cache=cache_folder(), fingerprint=env.fingerprint
        )
        _engines[key] = make_engine(env, derivative, BatchSizes.single(), compilation)
    return _engines[key]
