"""The benchmark: what is compared is the same training, and the record says which figure is whose."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dynsparse.errors import SettingError, WorkerError
from dynsparse.learning import benchmark
from dynsparse.learning.benchmark import LearningBench, LearningSpeed, measure_training
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer, TrainRows

SMALL = LearningBench(rows=400, rounds=1, seconds=0.01, layer_width=4, batch_size=16)


def test_without_torch_its_figures_are_null_and_the_reason_is_told(monkeypatch):
    monkeypatch.setattr(benchmark, "_torch_version", lambda python: (None, "that Python has no PyTorch"))
    phases = []
    record = measure_training("Toy", (3, 2), "state-jacobian", SMALL, phases.append).to_dict()
    assert record["dynsparse_steps_per_s"] > 0
    assert record["dynsparse_one_seed_steps_per_s"] > 0
    assert 50 < record["dynsparse_peak_rss_mib"] < 20_000
    assert record["torch_reason"] == "that Python has no PyTorch"
    for name in ("torch_steps_per_s", "torch_kind", "ratio", "ratio_one_seed", "ratio_side_by_side"):
        assert record[name] is None
    assert phases == ["compile", "measure 1 of 1"]


def test_a_python_without_torch_is_recognised(tmp_path):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    assert benchmark._torch_version(str(script))[1].startswith("that Python has no PyTorch: pip install torch")
    assert "can not be run" in benchmark._torch_version(str(tmp_path / "none"))[1]


def test_the_ratio_is_to_the_best_of_torch_one_seed_at_a_time():
    rates = {
        "dynsparse": (30.0, 20.0, 10.0),
        "dynsparse, one seed": (15.0, 14.0, 12.0),
        "torch jacrev, 1 thread": (4.0, 5.0, 6.0),
        "torch jacrev, 2 threads": (8.0, 8.0, 2.0),
        "torch jacfwd, 1 thread": (1.0, 1.0, 1.0),
        "torch jacrev, side by side": (9.0, 10.0, 11.0),
    }
    memory = {"dynsparse": 500.0, "torch jacrev, 2 threads": 900.0, "torch jacrev, 1 thread": 1.0}
    record = LearningSpeed("Toy", "state-jacobian", rates, memory, None, {}, "2.13.0", SMALL).to_dict()
    assert (record["torch_kind"], record["torch_steps_per_s"]) == ("torch jacrev, 2 threads", 8.0)
    assert (record["dynsparse_peak_rss_mib"], record["torch_peak_rss_mib"]) == (500.0, 900.0)
    assert (record["ratio"], record["ratio_one_seed"], record["ratio_side_by_side"]) == (2.5, 1.75, 2.0)


def test_the_job_is_the_training_that_the_package_would_do(tmp_path):
    job = dict(np.load(benchmark._write_job(tmp_path / "job.npz", (3, 2), "state-jacobian", SMALL, "float64")))
    settings = LearnSettings(
        loss="state-jacobian", seed=0, layer_width=4, batch_size=16, dropout_rate=0.0, precision="float64"
    )
    trainer = Trainer(settings, TrainRows(job["inputs"], job["outputs"], job["jacobians"], job["zero"]))
    for index, layer in enumerate(trainer.params):
        np.testing.assert_array_equal(layer.kernel, job[f"layer_{index}_kernel"])
    # The order of the first epoch: its first batch's loss, by hand, is what the trainer tells.
    rows, x = job["order"][0], job["inputs"][job["order"][0]].astype(np.float64)
    slopes, kernels = [], [job[f"layer_{i}_kernel"] for i in range(3)]
    for i in range(2):
        x = x @ kernels[i]
        slopes.append(np.where(x > 0, 1, np.exp(np.minimum(x, 0))))
        x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    found = np.einsum("il,nl,lk,nk,ko->noi", kernels[0], slopes[0], kernels[1], slopes[1], kernels[2])
    wanted = [((x @ kernels[2] - job["outputs"][rows]) ** 2).mean(), ((found - job["jacobians"][rows]) ** 2).mean()]
    np.testing.assert_allclose(trainer.epoch()[0], wanted, rtol=1e-10)
    assert (job["jacobians"][job["zero"]] == 0).all()


def test_a_training_that_stops_is_told():
    command = [sys.executable, "-c", "import sys; sys.exit('no memory')"]
    with (
        benchmark._running(command, {}) as child,
        pytest.raises(WorkerError, match="a training that is timed stopped: no memory"),
    ):
        child.ask({"seconds": 1})


def test_settings_without_a_meaning_are_refused():
    with pytest.raises(SettingError, match="rows must be a whole number of at least 512"):
        LearningBench(rows=10)
    with pytest.raises(SettingError, match="seconds must be above 0"):
        LearningBench(seconds=0)
    with pytest.raises(SettingError, match="expected rows for 20 batches to compare, got 1"):
        measure_training("Toy", (3, 2), "state", LearningBench(rows=16, batch_size=16, layer_width=4))
