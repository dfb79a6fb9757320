"""The environments that a verb was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["environment_names", "is_model_path", "open_environment"]


def environment_names(asked: Sequence[str], *, models: bool = False) -> tuple[str, ...]:
    """Return the environments that were asked for, each once; all eight for none or for ``all``.

    Names may be given as several words or with commas; an unknown one is refused before anything is computed.
    ``FILE.py:NAME`` runs that file, registers its environment and stands for its name.

    Args:
        asked: what was said.
        models: whether the path of a model (.xml) will do, which stands for itself.

    Raises:
        UnknownEnvironmentError: there is no such environment; names the nearest ones.
        EnvironmentFileError: there is no such model file.
        FunctionError: a file of the user's own fails.
        SettingError: two of them have environments of one name, or a model's path will not do.
    """
    from dynsparse.cli.environment_file import is_environment_file, load_environment_file
    from dynsparse.physics.environment import ENVIRONMENT_NAMES
    from dynsparse.physics.sources.catalog import check_name

    names = tuple(name for entry in asked for name in entry.split(",") if name)
    if not names or names == ("all",):
        return ENVIRONMENT_NAMES
    found: dict[str, str] = {}
    for name in names:
        known = name
        if is_environment_file(name):
            known = load_environment_file(name).name
        elif is_model_path(name):
            _check_model(name, models)
        else:
            check_name(name)
        if found.setdefault(known, name) != name:
            raise SettingError(f"expected environments of different names, {found[known]} and {name} are both {known}")
    return tuple(found)


def open_environment(
    name: str, *, substeps: int | None = None, derivative: str = "exact", initial_noise: float | None = None
) -> Environment:
    """Load what ``environment_names`` gave.

    Args:
        name: the environment.
        substeps: of a model file.
        derivative: what it is opened for; with ``"finite-difference"`` MuJoCo's C code runs a model file or a Gymnasium
            task, and others are run as they always are.
        initial_noise: scale of the noise where episodes of a model file or a Gymnasium task start.
    """
    from dynsparse.physics.environment import load_environment
    from dynsparse.physics.sources.catalog import opens_in_c

    in_c = derivative == "finite-difference" and opens_in_c(name)
    options = {
        "substeps": substeps,
        "derivative": "finite-difference" if in_c else None,
        "initial_noise": initial_noise,
    }
    return load_environment(name, **{option: value for option, value in options.items() if value is not None})


def is_model_path(name: str) -> bool:
    """Tell whether a word of the command line is the path of a model file."""
    from dynsparse.cli.environment_file import is_environment_file
    from dynsparse.physics.sources.catalog import is_model_file

    return is_model_file(name) and not is_environment_file(name)


def _check_model(path: str, models: bool) -> None:
    from dynsparse.physics.sources.model_path import check_model_path

    if not models:
        raise SettingError(
            f"expected environments by name, got the model file {path}; collect, audit and render take model files"
        )
    check_model_path(path)
