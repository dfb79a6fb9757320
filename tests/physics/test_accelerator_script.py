"""The script that measures an accelerator, tried on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "accelerator_jacobian.py"


@pytest.mark.usefixtures("shared_cache")
def test_it_measures_on_a_cpu_too(tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, str(SCRIPT), "--envs", "CartpoleBalance", "--batches", "32", "64", "--rounds", "1"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([*command, "--json", str(out)], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads(out.read_text())
    (found,) = record["environments"]
    assert record["device"].startswith("cpu")
    assert [one["batch"] for one in found["batches"]] == [32, 64]
    assert all(one["finite"] == 1.0 and one["per_s"] > 0 for one in found["batches"])
    assert found["million_rows_s"] == pytest.approx(1e6 / found["per_s"])
