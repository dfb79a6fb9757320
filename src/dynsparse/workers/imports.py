"""What a process that is dynsparse's own leaves out when it imports MJX."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, cast

__all__ = ["leave_out_warp"]

_MJX = "mujoco.mjx"


def leave_out_warp() -> None:
    """Import MJX, whenever it is imported, without Warp: more than half of the time that a process takes to start.

    MJX looks for Warp, can do without it, and uses it for an implementation that can not be differentiated.  Whoever
    imports Warp afterwards gets it.  For processes of dynsparse's own: what a user's program imports is not touched.
    """
    if _MJX not in sys.modules and "warp" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds MJX as it would be found, to be loaded without Warp."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname != _MJX:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = cast(Loader, _Loader(spec.loader))
        return spec


class _Loader:
    """A module's own loader, without Warp while it runs."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with _no_warp():
            self._loader.exec_module(module)


@contextlib.contextmanager
def _no_warp() -> Iterator[None]:
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    absent = "warp" not in modules
    if absent:
        modules["warp"] = None  # Python's own way to say that there is no such module
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # MJX prints that it is missing
            yield
    finally:
        if absent:
            modules.pop("warp", None)
