"""Plain values: what a JSON file can hold, brought into one form and compared key by key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from dynsparse.errors import SettingError
from dynsparse.provenance import content_hash

__all__ = [
    "INFINITIES",
    "equal_values",
    "flat_values",
    "number_list",
    "place_list",
    "plain_mapping",
    "string_list",
    "told_value",
]

INFINITIES = {math.inf: "Infinity", -math.inf: "-Infinity"}
"""The words by which JSON holds an infinite bound (it has no number for it)."""


def flat_values(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Spread mappings out: ``{"versions": {"jax": v}}`` becomes ``{"versions.jax": v}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flat_values(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def equal_values(there: Mapping[str, Any], here: Mapping[str, Any], key: str) -> bool:
    """Whether a key has one value in both, or is in neither; 1, 1.0 and True are three values, as in their JSON."""
    if (key in there) != (key in here):
        return False
    return json.dumps(there.get(key)) == json.dumps(here.get(key))


def told_value(values: Mapping[str, Any], key: str) -> str:
    """Return a value for a message, a long one cut."""
    if key not in values:
        return "absent"
    text = repr(values[key])
    return text if len(text) <= 80 else text[:77] + "..."


def string_list(name: str, values: Any) -> tuple[str, ...]:
    """Return names as a tuple; anything else is a ``SettingError`` that says which setting."""
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise SettingError(f"{name} must be a list of names, got {values!r:.120}; pass a tuple of str")
    return tuple(values)


def number_list(name: str, values: Any) -> tuple[float, ...]:
    """Return bounds as floats; an infinite one may come as the word that JSON holds."""
    infinities = {word: bound for bound, word in INFINITIES.items()}
    try:
        listed = values.tolist() if hasattr(values, "tolist") else list(values)
        bounds = tuple(float(infinities[v] if isinstance(v, str) else v) for v in listed)
    except (TypeError, ValueError, KeyError) as error:
        raise SettingError(f"{name} must be a list of numbers, got {values!r:.120}; pass a tuple of float") from error
    if any(math.isnan(bound) for bound in bounds):
        raise SettingError(f"{name} must not be NaN, got {bounds}; use inf where the control range has no end")
    return bounds


def place_list(name: str, values: Any) -> tuple[int, ...]:
    """Return places in a list as whole numbers; anything else is a ``SettingError`` that says which setting."""
    listed = isinstance(values, (list, tuple))
    if not listed or not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        raise SettingError(f"{name} must be a list of places, got {values!r:.120}; pass a tuple of int")
    return tuple(values)


def plain_mapping(name: str, values: Any) -> dict[str, Any]:
    """Return a copy of a mapping of plain JSON values."""
    if not isinstance(values, Mapping):
        raise SettingError(f"{name} must be a mapping of plain JSON values, got {values!r:.120}; pass a dict")
    content_hash(values)  # refuses what JSON can not hold
    copy: dict[str, Any] = json.loads(json.dumps(dict(values)))
    return copy
