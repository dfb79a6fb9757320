"""``FILE.py:NAME``: an environment that a Python file of the user's own makes."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynsparse.errors import DynsparseError, FunctionError, UnknownEnvironmentError

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["is_environment_file", "load_environment_file"]

_FORM = re.compile(r"(?P<file>.+\.py):(?P<name>[^:/\\]*)")


def is_environment_file(entry: str) -> bool:
    """Tell whether an argument has the form FILE.py:NAME, or is a Python file without a NAME."""
    return _FORM.fullmatch(entry) is not None or entry.endswith(".py")


def load_environment_file(entry: str) -> Environment:
    """Run a Python file and take an environment from it.

    The file is run as ``python FILE.py`` does, its folder first on the path, except that ``__name__`` is not
    ``"__main__"``.  NAME is an environment there, or a function without arguments that returns one; it is registered.

    Args:
        entry: ``FILE.py:NAME``.

    Returns:
        The environment.

    Raises:
        UnknownEnvironmentError: there is no such file, or nothing of this name in it.
        FunctionError: the file fails, with its last line; or NAME is no environment.
    """
    from dynsparse.physics.environment import Environment
    from dynsparse.physics.registry import register_environment

    found = _FORM.fullmatch(entry)
    if found is None or not found["name"]:
        raise UnknownEnvironmentError(
            f"expected FILE.py:NAME with the name of an environment in the file, got {entry!r}; try "
            f"{entry.rstrip(':')}:pendulum where the file says pendulum = dynsparse.environment_from_function(...)"
        )
    path, name = Path(found["file"]), found["name"]
    module = _run(path)
    if name not in module:
        offered = [key for key, value in module.items() if isinstance(value, Environment) or _is_own(value, module)]
        told = f"; it has {', '.join(offered)}" if offered else ", nor any environment"
        raise UnknownEnvironmentError(f"nothing in {path} is called {name!r}{told}")
    env = module[name]
    if callable(env) and not isinstance(env, Environment):
        env = _called(path, name, env)
    if not isinstance(env, Environment):
        raise FunctionError(
            f"expected {name} in {path} to be an environment or a function that returns one, got "
            f"{type(env).__name__}; make one with dynsparse.environment_from_function"
        )
    register_environment(env)
    return env


def _run(path: Path) -> dict[str, Any]:
    """Run a file and return what it defines."""
    if not path.is_file():
        raise UnknownEnvironmentError(f"there is no file {path}; expected FILE.py:NAME")
    # A name of its own, so that a file called jax.py or numpy.py hides nothing.
    module_name = f"dynsparse_user_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UnknownEnvironmentError(f"{path} can not be imported as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except DynsparseError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything, and what it was is told
        raise _failed(path, error) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return vars(module)


def _called(path: Path, name: str, function: Any) -> object:
    try:
        return function()
    except DynsparseError:
        raise
    except (Exception, SystemExit) as error:  # as above
        raise _failed(path, error, f"{name}() in ") from error


def _failed(path: Path, error: BaseException, what: str = "") -> FunctionError:
    """Say what the user's file raised, and on which of its lines."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path.resolve())]
    frames = frames or [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    lines = str(error).strip().splitlines()
    where = f"{path}, line {line}" if line else str(path)
    told = f": {lines[0]}" if lines else ""
    return FunctionError(f"{what}{where} raised {type(error).__name__}{told}; run python {path} to see all of it")


def _is_own(value: object, module: dict[str, Any]) -> bool:
    """Tell whether something is a function that the file defines, which may return an environment."""
    return callable(value) and getattr(value, "__module__", None) == module.get("__name__")
