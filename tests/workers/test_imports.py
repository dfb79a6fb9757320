"""Processes of dynsparse's own import MJX without Warp; what a user's program imports stays as it is."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from dynsparse.workers import Message, WorkerPool

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("warp"), reason="Warp is not installed")

LEFT_OUT = """
import sys
before = list(sys.meta_path)
from dynsparse.workers.imports import leave_out_warp
leave_out_warp()
from mujoco import mjx
import mujoco.mjx.warp
assert not mujoco.mjx.warp.WARP_INSTALLED
assert "warp" not in sys.modules and sys.meta_path == before
assert mjx.__spec__.name == "mujoco.mjx" and mjx.__file__
import warp
assert warp.__file__
"""

FAILS = """
import sys
from dynsparse.workers.imports import leave_out_warp
leave_out_warp()
sys.modules["jax"] = None
try:
    import mujoco.mjx
except ImportError:
    assert "warp" not in sys.modules
    del sys.modules["jax"]
    import mujoco.mjx.warp
    print(mujoco.mjx.warp.WARP_INSTALLED)
"""

TOO_LATE = """
import sys
import warp
from dynsparse.workers.imports import leave_out_warp
before = list(sys.meta_path)
leave_out_warp()
assert sys.meta_path == before
"""

LOADED = """
import dynsparse, sys
dynsparse.load_environment("CartpoleBalance")
import mujoco.mjx.warp
print(mujoco.mjx.warp.WARP_INSTALLED)
"""


def told(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mjx_is_imported_without_warp_and_says_nothing_and_warp_can_be_imported_after():
    assert told(LEFT_OUT) == ""


def test_an_import_that_fails_leaves_nothing_behind():
    assert told(FAILS) == "True\n"


def test_warp_that_is_there_already_stays():
    assert told(TOO_LATE) == ""


def test_a_program_of_the_users_has_warp():
    assert told(LOADED) == "True\n"


def test_a_worker_does_without():
    with WorkerPool("toy_tasks:warp_of", Message("start"), 1) as pool:
        (reply,) = pool.run([Message("which")])
    assert reply.meta["installed"] is False
