"""What the physics answers: frozen records of NumPy arrays, rows first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CONSTRAINT_KINDS", "DERIVATIVES", "Evaluation", "Linearization", "Rollout", "Transition"]

DERIVATIVES = ("exact", "autodiff", "finite-difference")

CONSTRAINT_KINDS = ("equality", "sliding friction", "joint limit", "tendon limit", "contact")


@dataclass(frozen=True)
class Transition:
    """What one control step leads to.

    Attributes:
        next_state: (ds,) qpos then qvel after the step, in the units of ``Environment.state_units``.
        next_warmstart: (nv,) qacc_warmstart after the step, m/s^2 or rad/s^2.
    """

    next_state: np.ndarray
    next_warmstart: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Control steps of many rows, without their derivative.

    Attributes:
        next_state: (n, ds).
        next_warmstart: (n, nv).
        solver_residual: (n,) largest rescaled gradient of the solver's cost over the row's substeps.
        active: (n, 5) bool; whether a constraint of each of ``CONSTRAINT_KINDS`` exerted force in any substep.
        constraint_active: (n, nc) bool; the same for each of ``Environment.constraint_names``.
        constraint_active_start: (n, nc) bool; the same at the first substep.
    """

    next_state: np.ndarray
    next_warmstart: np.ndarray
    solver_residual: np.ndarray
    active: np.ndarray
    constraint_active: np.ndarray
    constraint_active_start: np.ndarray


@dataclass(frozen=True)
class Rollout:
    """Whole episodes, every next state being the following state.

    Attributes:
        states: (episodes, T + 1, ds).
        warmstarts: (episodes, T + 1, nv) qacc_warmstart at the start of each control step.
    """

    states: np.ndarray
    warmstarts: np.ndarray


@dataclass(frozen=True)
class Linearization:
    """Control steps and their transition Jacobians.

    ``linearize`` returns one row without the leading axis ``n``; ``linearize_batch`` returns ``n`` rows.
    A Jacobian's row is an output, its column an input: ``jac_state[.., i, j]`` is d next_state_i / d state_j.
    The warm start is held constant in both.  Where joints have quaternions, a Jacobian's rows and columns are tangents
    of the state (``Environment.tangent_names``, dt = 2 nv of them), as MuJoCo's own derivatives are; else dt = ds and
    they are the state's numbers.

    Attributes:
        next_state: (n, ds).
        next_warmstart: (n, nv).
        jac_state: (n, dt, dt).
        jac_action: (n, dt, da); with respect to the applied action, the control clamp off (for ``"autodiff"`` on).
        finite: (n,) bool; False where any number of the row is not finite.
        solver_residual: (n,) largest rescaled gradient of the solver's cost over the substeps; below 1e-8 every
            solver call of the row had converged.
        active: (n, 5) bool; whether a constraint of each of ``CONSTRAINT_KINDS`` exerted force in any substep.
        constraint_active: (n, nc) bool; the same for each of ``Environment.constraint_names``.
        constraint_active_start: (n, nc) bool; the same at the first substep.
        derivative: one of ``DERIVATIVES``.
    """

    next_state: np.ndarray
    next_warmstart: np.ndarray
    jac_state: np.ndarray
    jac_action: np.ndarray
    finite: np.ndarray
    solver_residual: np.ndarray
    active: np.ndarray
    constraint_active: np.ndarray
    constraint_active_start: np.ndarray
    derivative: str

    @property
    def zero_tolerance(self) -> float:
        """The ``atol`` below which an element is a zero: differences leave noise that derivatives do not."""
        return 1e-8 if self.derivative == "finite-difference" else 1e-15
