"""Exact transition Jacobians of robot simulators, and the sparsity patterns in them.

The names below are resolved when first used, so that ``import dynsparse`` costs nothing and touches
neither JAX nor MuJoCo.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynsparse.analysis.pattern import SparsityPattern
    from dynsparse.analysis.sparsity_report import SparsityReport
    from dynsparse.analysis.streaming import analyze
    from dynsparse.dataset.reader import Dataset, open_dataset
    from dynsparse.errors import (
        ActionRangeError,
        ArrayError,
        DatasetError,
        DependenceError,
        DivergenceError,
        DynsparseError,
        EnvironmentFileError,
        ExecutorError,
        FunctionError,
        InputError,
        ModelError,
        OutputError,
        OutputExistsError,
        PolicyError,
        PrecisionError,
        RenderError,
        SettingError,
        UnknownEnvironmentError,
        UnknownPrimitiveError,
        UnsupportedModelError,
        WorkerError,
    )
    from dynsparse.learning.score import Score, score
    from dynsparse.physics.environment import ENVIRONMENT_NAMES, Environment, load_environment
    from dynsparse.physics.function_system import environment_from_function
    from dynsparse.physics.linearization import Linearization, Transition
    from dynsparse.physics.linearize import linearize, linearize_batch, step
    from dynsparse.physics.linearizer import close_workers
    from dynsparse.physics.registry import register_environment
    from dynsparse.physics.state_space import StateSpace
    from dynsparse.physics.transition import transition
    from dynsparse.physics.zero_causes import ZeroCauses, explain_zeros

__version__ = "0.1.0"

__all__ = [
    "ENVIRONMENT_NAMES",
    "ActionRangeError",
    "ArrayError",
    "Dataset",
    "DatasetError",
    "DependenceError",
    "DivergenceError",
    "DynsparseError",
    "Environment",
    "EnvironmentFileError",
    "ExecutorError",
    "FunctionError",
    "InputError",
    "Linearization",
    "ModelError",
    "OutputError",
    "OutputExistsError",
    "PolicyError",
    "PrecisionError",
    "RenderError",
    "Score",
    "SettingError",
    "SparsityPattern",
    "SparsityReport",
    "StateSpace",
    "Transition",
    "UnknownEnvironmentError",
    "UnknownPrimitiveError",
    "UnsupportedModelError",
    "WorkerError",
    "ZeroCauses",
    "__version__",
    "analyze",
    "close_workers",
    "environment_from_function",
    "explain_zeros",
    "linearize",
    "linearize_batch",
    "load_environment",
    "open_dataset",
    "register_environment",
    "score",
    "step",
    "transition",
]

_HOME_OF_NAME = {
    "ENVIRONMENT_NAMES": "dynsparse.physics.environment",
    "Environment": "dynsparse.physics.environment",
    "load_environment": "dynsparse.physics.environment",
    "environment_from_function": "dynsparse.physics.function_system",
    "register_environment": "dynsparse.physics.registry",
    "Linearization": "dynsparse.physics.linearization",
    "Transition": "dynsparse.physics.linearization",
    "linearize": "dynsparse.physics.linearize",
    "linearize_batch": "dynsparse.physics.linearize",
    "step": "dynsparse.physics.linearize",
    "close_workers": "dynsparse.physics.linearizer",
    "StateSpace": "dynsparse.physics.state_space",
    "transition": "dynsparse.physics.transition",
    "ZeroCauses": "dynsparse.physics.zero_causes",
    "explain_zeros": "dynsparse.physics.zero_causes",
    "SparsityPattern": "dynsparse.analysis.pattern",
    "SparsityReport": "dynsparse.analysis.sparsity_report",
    "analyze": "dynsparse.analysis.streaming",
    "Dataset": "dynsparse.dataset.reader",
    "open_dataset": "dynsparse.dataset.reader",
    "Score": "dynsparse.learning.score",
    "score": "dynsparse.learning.score",
} | {name: "dynsparse.errors" for name in __all__ if name.endswith("Error")}


def __getattr__(name: str) -> Any:
    """Resolve a public name from the module that defines it, once."""
    home = _HOME_OF_NAME.get(name)
    if home is None:
        raise AttributeError(f"module 'dynsparse' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
