"""MuJoCo's warnings kept out of standard error and of MUJOCO_LOG.TXT."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import mujoco

__all__ = ["quiet_mujoco"]

_warnings = threading.RLock()


@contextlib.contextmanager
def quiet_mujoco() -> Iterator[None]:
    """Drop what MuJoCo warns of: old attributes in models of others, and numbers that a NaN row shows anyway."""
    with _warnings:  # the handler is one for the whole process
        handler = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda _message: None)
        try:
            yield
        finally:
            mujoco.set_mju_user_warning(handler)
