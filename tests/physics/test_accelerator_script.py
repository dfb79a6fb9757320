"""The script that measures an accelerator, tried on the CPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "accelerator_jacobian.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("accelerator_jacobian", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
@pytest.mark.usefixtures("shared_cache")
def test_it_measures_on_a_cpu_too(tmp_path):
    rows, out = tmp_path / "rows.npz", tmp_path / "out.json"
    command = [sys.executable, str(SCRIPT), "--envs", "CartpoleBalance"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    measuring = ["--rows", rows, "--batches", "64", "--plain-batches", "32", "--rounds", "1", "--json", out]
    for more in (["--save-rows", rows, "--count", "40"], measuring):
        told = subprocess.run([*command, *map(str, more)], env=environment, capture_output=True, text=True, timeout=300)
        assert told.returncode == 0, told.stderr[-2000:]
    record = json.loads(out.read_text())
    (found,) = record["environments"]
    assert record["device"].startswith("cpu")
    assert [one["batch"] for one in found["exact"]["batches"]] == [64]
    for one in (*found["exact"]["batches"], *found["plain"]["batches"]):
        assert one["finite"] == 1.0
        assert one["per_s"] > 0
        # Machine code made the rows and differentiated them: 40 there are, and no batch has more that are its own.
        assert one["refereed_rows"] == min(one["batch"], 40)
        assert one["relative_error_max"] < 1e-12
        assert one["rows_off_by_1e-6"] == 0
    assert found["exact"]["million_rows_s"] == pytest.approx(1e6 / found["exact"]["per_s"])
    assert found["ratio"] == pytest.approx(found["exact"]["per_s"] / found["plain"]["per_s"])


def test_rows_that_differ_from_the_referee_are_counted(script):
    rows = {"states": np.ones((4, 2)), "actions": np.ones((4, 1)), "warmstarts": np.zeros((4, 2))}
    exact = np.tile([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]], (4, 1, 1))
    exact[1, 0, 1] = 0.5  # of slopes up to 2, so that a quarter is off
    with jax.enable_x64(True):
        found = script.timed(lambda s, a, w: s**2 + a, {**rows, "jac": exact}, 4, 1)
    assert found["rows_off_by_1e-6"] == 1
    assert found["relative_error_max"] == pytest.approx(0.25)
    assert found["relative_error_median"] == 0.0
