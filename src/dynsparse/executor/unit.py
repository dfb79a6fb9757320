"""Unit: one piece of work, named by what decides its result."""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from dynsparse.errors import SettingError
from dynsparse.provenance import content_hash, package_versions

__all__ = ["TRUSTED", "CheckedResult", "Tell", "Unit", "UnitFunction", "check_function", "deciding_versions", "resolve"]

TRUSTED = ("dynsparse",)
"""Packages whose functions a unit may name: names come over a pipe, and what is named is run."""

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_PACKAGES = ("dynsparse", "numpy", "scipy", "jax", "jaxlib", "optax")
_KINDS = "biuf"
"""Kinds of numbers that both a pipe and a safetensors file hold: booleans, integers, floats."""

Tell = Callable[[int, int, str], None]
"""``tell(done, total, text)``: how far a unit has come, for people."""


@functools.cache
def deciding_versions() -> Mapping[str, str | None]:
    """Return the versions of the packages that decide what a unit computes."""
    return types.MappingProxyType(package_versions(_PACKAGES))


@dataclass(frozen=True, eq=False)
class Unit:
    """A piece of work whose result depends on the function, its arguments and the packages' versions alone.

    Two runs of equal units give equal results, on any machine of a kind; so a finished one is never repeated, and one
    that was lost can be run again.

    Attributes:
        function: ``"package.module:name"``, called as ``function(arguments, context, tell)``; see ``UnitFunction``.
        arguments: What decides the result; plain JSON values.
        context: Files and folders that the function reads, by name: where they are on this machine decides nothing.
            What is in them has to be named by the arguments (a data set's own hash, say).  Made absolute.
        group: Units of one group share compiled code, and run in one process where possible; empty for none.
        versions: Versions of the packages that decide the numbers.
    """

    function: str
    arguments: Mapping[str, Any]
    context: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    versions: Mapping[str, str | None] = field(default_factory=deciding_versions)

    def __post_init__(self) -> None:
        """Check the unit, and make it independent of what it was built from.

        Raises:
            SettingError: The function's name is none, or an argument is not plain JSON.
        """
        if not _FUNCTION.fullmatch(self.function):
            raise SettingError(f"expected a function such as 'package.module:name', got {self.function!r}")
        content_hash(self.arguments)
        object.__setattr__(self, "arguments", json.loads(json.dumps(dict(self.arguments))))
        object.__setattr__(self, "versions", dict(self.versions))
        object.__setattr__(self, "context", {name: os.path.abspath(path) for name, path in self.context.items()})

    @functools.cached_property
    def key(self) -> str:
        """The unit's name: SHA-256 of function, arguments and versions, 64 hexadecimal digits."""
        return content_hash({"function": self.function, "arguments": self.arguments, "versions": self.versions})


@dataclass(frozen=True, eq=False)
class CheckedResult:
    """What a unit's function returned, checked.

    Attributes:
        record: The result; plain JSON values, decided by the unit alone.
        arrays: Arrays that belong to it, by name (any shape; booleans, integers or floats), decided likewise.
        measured: What may differ from run to run, such as seconds; plain JSON values.
    """

    record: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the result here, where the unit is to blame for it.

        Raises:
            SettingError: A value is not plain JSON (NaN has no JSON form: use None), or an array holds other things.
        """
        for name in ("record", "measured"):
            content_hash(getattr(self, name))
            object.__setattr__(self, name, json.loads(json.dumps(dict(getattr(self, name)))))
        for name, array in self.arrays.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in _KINDS or array.dtype.itemsize > 8:
                what = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
                raise SettingError(
                    f"expected arrays of booleans, integers or floats in a result, got {what} under {name!r}; "
                    "try np.asarray(x, dtype=np.float64)"
                )


UnitFunction = Callable[
    [Mapping[str, Any], Mapping[str, str], Tell], tuple[Mapping[str, Any], Mapping[str, np.ndarray], Mapping[str, Any]]
]
"""``function(arguments, context, tell) -> (record, arrays, measured)``; see ``CheckedResult`` for the three.

It may be called more than once for one unit, also on two machines at the same time: it writes to no fixed place.
"""


def check_function(name: str, trusted: Sequence[str] = TRUSTED) -> None:
    """Check that a function may be run by its name.

    Args:
        name: ``"package.module:name"``.
        trusted: The packages and modules that it may be in.

    Raises:
        SettingError: It may not.
    """
    module = name.partition(":")[0]
    if not _FUNCTION.fullmatch(name) or not any(module == root or module.startswith(root + ".") for root in trusted):
        raise SettingError(f"expected a function inside {' or '.join(trusted)}, got {name!r}: no other is run by name")


def resolve(name: str, trusted: Sequence[str] = TRUSTED) -> UnitFunction:
    """Return the function of a name.

    Args:
        name: ``"package.module:name"``.
        trusted: The packages and modules that it may be in.

    Raises:
        SettingError: It may not be run, or is no function that the module itself defines.
        ImportError: The module can not be imported.
    """
    check_function(name, trusted)
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute, None)
    # What a module imported from elsewhere would be a way out of the trusted packages.
    if not isinstance(found, types.FunctionType) or found.__module__ != module:
        raise SettingError(f"expected a function {attribute!r} defined in {module}, got {found!r:.100}")
    return cast(UnitFunction, found)
