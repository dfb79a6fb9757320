"""The environments that a verb was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.errors import UnknownEnvironmentError

__all__ = ["environment_names"]


def environment_names(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the environments that were asked for, each once; all eight for none or for ``all``.

    Names may be given as several words or with commas; an unknown one is refused before anything is computed.

    Raises:
        UnknownEnvironmentError: there is no such environment; names the nearest ones.
    """
    from dynsparse.physics.environment import ENVIRONMENT_NAMES
    from dynsparse.physics.sources.catalog import ALL_ENVIRONMENT_NAMES, unknown_environment

    names = tuple(name for entry in asked for name in entry.split(",") if name)
    if not names or names == ("all",):
        return ENVIRONMENT_NAMES
    for name in names:
        if name not in ALL_ENVIRONMENT_NAMES:
            raise UnknownEnvironmentError(unknown_environment(name))
    return tuple(dict.fromkeys(names))
