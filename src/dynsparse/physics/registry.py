"""Registry: environments of the user's own that this process knows by name."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["check_name", "register_environment", "registered", "registered_names"]

_FORM = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_GYMNASIUM = re.compile(r".*-v\d+")

_known: dict[str, Environment] = {}
_registering = threading.Lock()


def register_environment(env: Environment) -> None:
    """Make an environment known by its name in this process: ``load_environment(env.name)`` then returns it.

    A name that was registered before means the new one from now on, so that a notebook's cell can be run again.
    Other processes do not know it; worker processes of this one are told.

    Args:
        env: the environment, from ``environment_from_function``.

    Raises:
        SettingError: it is no environment, or its name is one that comes with dynsparse.
    """
    from dynsparse.physics.environment import Environment

    if not isinstance(env, Environment):
        raise SettingError(f"expected an environment, got {env!r}; make one with dynsparse.environment_from_function")
    check_name(env.name)
    with _registering:
        _known[env.name] = env


def registered(name: str) -> Environment | None:
    """Return the environment that was registered under a name, or None."""
    return _known.get(name)


def registered_names() -> tuple[str, ...]:
    """Return the names that were registered, in the order in which they first were."""
    return tuple(_known)


def check_name(name: object) -> None:
    """Refuse a name that a user's own environment can not have.

    Raises:
        SettingError: it is another environment's, or has letters that a file name or a message can not have.
    """
    from dynsparse.physics.sources.names import ALL_ENVIRONMENT_NAMES, SUITE_NAMES

    if not isinstance(name, str) or not _FORM.fullmatch(name):
        raise SettingError(
            f"expected a name of letters, digits, _ and - that begins with a letter, got {name!r}; try 'Pendulum'"
        )
    taken = name.lower() in ("all", *(known.lower() for known in (*ALL_ENVIRONMENT_NAMES, *SUITE_NAMES)))
    if taken or _GYMNASIUM.fullmatch(name):
        whose = "is an environment that comes with dynsparse" if taken else "has the form of a Gymnasium task's id"
        raise SettingError(f"{name!r} {whose}; give your own another name, such as 'My{name.partition('-')[0]}'")
