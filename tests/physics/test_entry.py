"""The ways in which users start Python: a script without a guard, standard input, a notebook; and its sudden end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

BODY = """
import json, numpy as np, dynsparse
env = dynsparse.load_environment("CartpoleBalance")
states = np.tile(env.default_state(), (70, 1))
states[:, 3] = np.arange(70) / 10
found = dynsparse.linearize_batch(env, states, np.zeros((70, 1)), workers=1)
from dynsparse.physics.linearizer import _shared
pids = [pid for linearizer in _shared.values() for pid in linearizer.pids]
print(json.dumps({"pids": pids, "finite": found.finite.tolist(), "slopes": found.jac_state[:, 1, 3].tolist()}))
"""

# What runs a notebook's cells: no file of its own, and an event loop that is already running.
NOTEBOOK = f"""
import asyncio, sys
main = sys.modules["__main__"]
del main.__file__
async def cell():
    exec(compile({BODY!r}, "<cell>", "exec"), main.__dict__)
asyncio.run(cell())
"""


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self").exists()


def gone(pids: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(running(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("way", ["script", "standard input", "notebook"])
def test_a_batch_works_however_python_was_started(way, own_folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")  # what a script of the user's lies beside
    script = elsewhere / "script.py"
    script.write_text(NOTEBOOK if way == "notebook" else BODY)
    done = subprocess.run(
        [sys.executable, "-" if way == "standard input" else str(script)],
        input=BODY if way == "standard input" else None,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)  # printed once: no worker ran the script again
    assert told["finite"] == [True] * 70
    # An upright pole that turns by w for 10 ms: its angle grows by 0.01 w, less what little friction takes.
    np.testing.assert_allclose(told["slopes"], 0.01, rtol=1e-2)
    assert len(told["pids"]) == 1
    assert gone(told["pids"], 5)
    assert os.listdir(own_folder) == []
    assert sorted(path.name for path in elsewhere.iterdir()) == ["script.py"]


BUSY = """
import threading, numpy as np, dynsparse
from dynsparse.physics.linearizer import Linearizer
env = dynsparse.load_environment("CartpoleBalance")
linearizer = Linearizer(env, workers=2)
linearizer.warm_up()
print(*linearizer.pids, flush=True)
states = np.tile(env.default_state(), (200_000, 1))
while True:
    linearizer.linearize(states, np.zeros((200_000, 1)))
"""


def test_workers_end_when_a_busy_program_is_killed(own_folder):
    program = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(pid) for pid in program.stdout.readline().split()]
        assert len(pids) == 2
        assert all(running(pid) for pid in pids)
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
        program.stdout.close()
    assert gone(pids, 5)
    assert os.listdir(own_folder) == []


# The step of a small model with a contact, before and after all that the library does.
UNTOUCHED = """
import jax, mujoco, numpy as np
from mujoco import mjx

model = mujoco.MjModel.from_xml_string(
    '<mujoco><worldbody><geom type="plane" size="1 1 1"/>'
    '<body pos="0 0 0.09"><joint name="a" type="slide" axis="0 0 1"/><joint/><geom size="0.1" mass="1"/></body>'
    '</worldbody><actuator><motor joint="a"/></actuator></mujoco>'
)

def results():
    jax.clear_caches()
    put, data = mjx.put_model(model), mjx.make_data(model)
    def after(qvel):
        out = mjx.step(put, data.replace(qvel=qvel))
        return out.qpos, out.qvel, out.qacc_warmstart
    at = jax.numpy.array([-0.5, 3.0])
    return [np.asarray(x) for x in jax.tree.leaves((jax.jit(after)(at), jax.jit(jax.jacfwd(after))(at)))]

before = results()
import dynsparse
from dynsparse.physics.environment import environment_from_model
dynsparse.load_environment("CartpoleBalance")
env = environment_from_model("Foot", model, 2)
found = dynsparse.linearize(env, env.default_state(), [0.0])
assert found.finite and found.next_state.dtype == np.float64
after = results()
assert all(x.dtype == np.float32 for x in before)
print(len(before), [(x.dtype, x.tobytes()) for x in before] == [(x.dtype, x.tobytes()) for x in after])
"""


@pytest.mark.long
def test_mjx_computes_and_differentiates_the_same_before_and_after(own_folder):
    # Without optimisation: what is compared is what JAX traces, and three programs are compiled.
    variables = os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    done = subprocess.run([sys.executable, "-c", UNTOUCHED], capture_output=True, text=True, env=variables, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "6 True\n"
    assert os.listdir(own_folder) == []
