"""OpenGL: kept out of this process, which a broken one would stop, where a process of its own can be given up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["no_opengl_here"]


@contextlib.contextmanager
def no_opengl_here() -> Iterator[str | None]:
    """Keep MuJoCo from opening OpenGL in this process; yield what ``MUJOCO_GL`` asks for."""
    asked = os.environ.get("MUJOCO_GL")
    os.environ["MUJOCO_GL"] = "disable"
    try:
        yield asked
    finally:
        del os.environ["MUJOCO_GL"]
        if asked is not None:
            os.environ["MUJOCO_GL"] = asked
