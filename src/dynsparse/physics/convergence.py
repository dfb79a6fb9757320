"""The one number that decides how a solver call is differentiated."""

from __future__ import annotations

__all__ = ["CONVERGED"]

CONVERGED = 1e-8
"""A solver call whose rescaled gradient is below this is differentiated as the minimiser that it approximates."""
