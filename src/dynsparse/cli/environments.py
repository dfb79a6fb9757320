"""The environments that a verb was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.errors import SettingError, UnknownEnvironmentError

__all__ = ["environment_names"]


def environment_names(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the environments that were asked for, each once; all eight for none or for ``all``.

    Names may be given as several words or with commas; an unknown one is refused before anything is computed.
    ``FILE.py:NAME`` runs that file, registers its environment and stands for its name.

    Raises:
        UnknownEnvironmentError: there is no such environment; names the nearest ones.
        FunctionError: a file of the user's own fails.
        SettingError: two of them have environments of one name.
    """
    from dynsparse.cli.environment_file import is_environment_file, load_environment_file
    from dynsparse.physics.environment import ENVIRONMENT_NAMES
    from dynsparse.physics.sources.catalog import ALL_ENVIRONMENT_NAMES, unknown_environment

    names = tuple(name for entry in asked for name in entry.split(",") if name)
    if not names or names == ("all",):
        return ENVIRONMENT_NAMES
    found: dict[str, str] = {}
    for name in names:
        known = name
        if is_environment_file(name):
            known = load_environment_file(name).name
        elif name not in ALL_ENVIRONMENT_NAMES:
            raise UnknownEnvironmentError(unknown_environment(name))
        if found.setdefault(known, name) != name:
            raise SettingError(f"expected environments of different names, {found[known]} and {name} are both {known}")
    return tuple(found)
