"""Functions as environments, for the tests of several modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import dynsparse

__all__ = ["RING", "own_environment", "ring_module"]

RING = Path(__file__).parents[2] / "examples" / "ring.py"


@cache
def ring_module() -> ModuleType:
    """Return the documented example."""
    spec = importlib.util.spec_from_file_location("ring_example", RING)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ring_example"] = module
    spec.loader.exec_module(module)
    return module


def own_environment(
    name: str,
    step: Callable[..., Any],
    width: int,
    *,
    names: Sequence[str] | None = None,
    start: Sequence[float] | None = None,
    **other: Any,
) -> dynsparse.Environment:
    """Return an environment of ``width`` numbers and one action between -1 and 1."""
    return dynsparse.environment_from_function(
        name,
        step,
        state_names=names or [f"x{i}" for i in range(width)],
        action_names=["u"],
        action_low=[-1.0],
        action_high=[1.0],
        dt=0.1,
        initial_state=[0.0] * width if start is None else start,
        **other,
    )
