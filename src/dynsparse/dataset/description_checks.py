"""Description checks: which parts of a description must fit each other, and what a policy must say of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.dataset.description import DatasetDescription

__all__ = ["check_lengths", "check_policy"]

_POLICY_KEYS = ("name", "family", "sha256")


def check_lengths(description: DatasetDescription) -> None:
    """Refuse lists that do not belong together."""
    pairs = (("state_units", "state_names"), ("action_low", "action_names"), ("action_high", "action_names"))
    for name, of in pairs:
        count, expected = len(getattr(description, name)), len(getattr(description, of))
        if count != expected:
            raise SettingError(f"{name} must have one entry for each of the {expected} {of}, got {count}; complete it")
    if not description.state_names:
        raise SettingError("state_names must name at least one state variable, got none; name them")
    for index, (low, high) in enumerate(zip(description.action_low, description.action_high, strict=True)):
        if low > high:
            raise SettingError(f"action_low must not exceed action_high, got {low} and {high} of action {index}")


def check_policy(policy: Mapping[str, Any]) -> None:
    """Refuse a policy that does not say what it is."""
    if set(policy) != set(_POLICY_KEYS):
        raise SettingError(f"policy must have the keys {', '.join(_POLICY_KEYS)}, got {', '.join(policy) or 'none'}")
    if not all(isinstance(policy[key], str) and policy[key] for key in ("name", "family")):
        raise SettingError(f"policy must have a name and a family, got {policy['name']!r} and {policy['family']!r}")
    sha256 = policy["sha256"]
    if sha256 is not None and not (isinstance(sha256, str) and re.fullmatch("[0-9a-f]{64}", sha256)):
        raise SettingError(f"policy's sha256 must be 64 hexadecimal digits or None, got {sha256!r}; hash its weights")
