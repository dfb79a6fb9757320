"""Flat scores: the nested scores of a model as metrics under dotted names, such as ``"normalized.auprc"``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["SCHEMA", "SPLITS", "Metrics", "finite_number", "flat_scores"]

SCHEMA = 1
"""Of the scores, and of the records that hold them."""

SPLITS = ("step", "episode")
"""The two test sets of a model: single control steps out of episodes that it was trained on (the paper's), and whole
episodes that it never saw."""

_WORDS = ("environment", "policy", "derivative")

Metrics = Mapping[str, float | None]
"""Metric by dotted name; None where it has no meaning."""


def flat_scores(final: Mapping[str, Any], initial: Mapping[str, Any], environment: str) -> dict[str, Metrics]:
    """Flatten the scores of one model, or referee, on both test sets.

    Args:
        final: Split -> scores as their maker's ``to_dict`` gives them; None for a test set that the run lacks.
        initial: Split -> scores before training, under names that begin with ``"initial."``.
        environment: Whose they must be.

    Returns:
        Split -> metric by dotted name.  Beside every sparsity stands the ``relative_sparsity``, its ratio to the true
        one; None where nothing is truly zero.

    Raises:
        ValueError: If they are of another schema or environment, or hold what is no finite number.
    """
    flat: dict[str, Metrics] = {}
    for split in SPLITS:
        scores = final.get(split)
        if scores is None:
            continue
        if scores["schema"] != SCHEMA or scores["environment"] != environment:
            raise ValueError(f"scores of schema {scores['schema']!r} of {scores['environment']!r}")
        metrics = _flatten(scores)
        metrics |= _flatten(initial.get(split) or {}, "initial.")
        groups = [f"contact.{name}.normalized." for name in ("active", "inactive")]
        for where in ("normalized.", "raw.", "initial.", *groups):
            share = _ratio(metrics.get(f"{where}sparsity"), metrics.get(f"{where}true_sparsity"))
            metrics[f"{where}relative_sparsity"] = share
        flat[split] = metrics
    return flat


def _flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, float | None]:
    """List the numbers of nested scores by dotted name; items of lists by threshold, steps, or place."""
    flat: dict[str, float | None] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, Mapping):
            flat |= _flatten(inner, f"{name}.")
        elif key == "threshold_sweep":
            flat |= {f"{name}.{point['atol']:g}": finite_number(name, point["sparsity"]) for point in inner}
        elif key == "open_loop":
            for point in inner:
                flat[f"{name}.{point['steps']}"] = finite_number(name, point["mse"])
                flat[f"{name}.{point['steps']}.diverged"] = finite_number(name, point.get("diverged", 0))
        elif isinstance(inner, Sequence) and not isinstance(inner, str):
            flat |= {f"{name}.{index}": finite_number(name, item) for index, item in enumerate(inner)}
        elif key not in _WORDS:
            flat[name] = finite_number(name, inner)
    return flat


def finite_number(name: str, value: Any) -> float | None:
    """Return a number or None, under a name for the message.

    Raises:
        ValueError: If it is anything else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} of {value!r}")
    return float(value)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
