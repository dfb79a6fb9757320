from __future__ import annotations

import os

import numpy as np
import pytest

from dynsparse.errors import SettingError, UnsupportedModelError, WorkerError
from dynsparse.physics import benchmark
from dynsparse.physics.benchmark import BenchSettings, measure_jacobians
from dynsparse.physics.environment import load_environment
from dynsparse.physics.peers.first_result import first_result_seconds
from dynsparse.physics.peers.rollout import unclamped
from dynsparse.physics.peers.timing import PeerProcess


@pytest.fixture(scope="module")
def cartpole():
    return load_environment("CartpoleBalance")


QUICK = BenchSettings(rows=256, rounds=1, seconds=0.05, compared=64)


def test_one_run_measures_everything_and_the_results_agree(cartpole, monkeypatch):
    monkeypatch.setattr(benchmark, "first_result_seconds", lambda name, rows, cache: 2.0)
    phases = []
    record = measure_jacobians(cartpole, QUICK, phases.append).to_dict()
    assert phases == ["first result, cold", "first result, warm", "compile", "measure 1 of 1", "plain jax"]
    assert record["environment"] == "CartpoleBalance"
    assert record["rows"] == 256
    rates = [record[f"{name}_per_s"] for name in ("dynsparse", "mujoco_fd", "mujoco_chain", "plain_jax")]
    assert min(rates) > 0
    assert record["ratio_mujoco_fd"] == record["dynsparse_per_s"] / record["mujoco_fd_per_s"]
    assert record["compared_rows"] == record["agreeing_rows"] == 64
    # Differences at 1e-6 carry 1e-16 / 1e-6 of round-off times a speed of up to 10; plain autodiff carries none.
    assert 0.0 < record["max_abs_difference"] < 1e-8
    assert record["max_abs_difference_plain_jax"] < 1e-12
    assert record["peak_rss_mib"] > 50


def test_plain_jax_that_takes_too_long_is_named_and_the_rest_stands(cartpole, monkeypatch):
    monkeypatch.setattr(benchmark, "first_result_seconds", lambda name, rows, cache: 2.0)
    settings = BenchSettings(rows=64, rounds=1, seconds=0.05, compared=64, plain_timeout_s=0.5)
    record = measure_jacobians(cartpole, settings).to_dict()
    assert record["plain_jax_per_s"] is None
    assert record["ratio_plain_jax"] is None
    assert record["max_abs_difference_plain_jax"] is None
    assert "0.5 s" in record["plain_jax_reason"]
    assert record["ratio_mujoco_fd"] > 0


def test_a_peer_leaves_nothing_in_the_folder_of_its_user(cartpole, tmp_path):
    zero = np.zeros((64, 4)), np.zeros((64, 1)), np.zeros((64, 2))
    with PeerProcess(cartpole, "rollout") as peer:
        speed = peer.measure(*zero, seconds=0.01)
    assert speed.jac.shape == (64, 4, 5)
    assert not list(tmp_path.iterdir())


def test_the_first_result_is_timed_in_a_process_of_its_own(tmp_path):
    cache = tmp_path / "cache"
    seconds = first_result_seconds("CartpoleBalance", 2, str(cache))
    assert seconds > 1  # importing JAX and MuJoCo alone takes longer
    assert os.listdir(cache)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_first_result_that_fails_says_why():
    with pytest.raises(WorkerError, match=r"exit code 1: .*no environment is called 'Nowhere'"):
        first_result_seconds("Nowhere", 2, "")
    with pytest.raises(WorkerError, match=r"no first result within 0\.01 s"):
        first_result_seconds("CartpoleBalance", 2, "", timeout_s=0.01)


def test_settings_without_a_meaning_are_refused():
    for wrong in ({"rows": 63}, {"compared": 1}, {"rounds": 0}, {"seconds": float("nan")}, {"cores": 0}):
        with pytest.raises(SettingError, match=f"expected {next(iter(wrong))} to be"):
            BenchSettings(**wrong)


def test_a_model_whose_state_is_more_than_positions_and_velocities_is_refused():
    import mujoco

    ball = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><freejoint/><geom size='0.1'/></body></worldbody></mujoco>"
    )
    with pytest.raises(UnsupportedModelError, match="nq 7, nv 6"):
        unclamped(ball)


def test_the_peers_switch_the_clamp_off_in_a_copy(cartpole):
    import mujoco

    clamp = int(mujoco.mjtDisableBit.mjDSBL_CLAMPCTRL)
    before = int(cartpole.model.opt.disableflags)
    assert unclamped(cartpole.model).opt.disableflags & clamp
    assert int(cartpole.model.opt.disableflags) == before
    assert not before & clamp


def test_peers_that_fail_are_null_with_their_reason_and_ours_stands(cartpole, monkeypatch):
    def fail(self, *rows, seconds):
        raise WorkerError("Worker 7 hung for 600 s")

    monkeypatch.setattr(benchmark, "first_result_seconds", lambda name, rows, cache: 2.0)
    monkeypatch.setattr(PeerProcess, "measure", fail)
    record = measure_jacobians(cartpole, QUICK).to_dict()
    assert record["mujoco_fd_per_s"] is record["ratio_mujoco_fd"] is record["max_abs_difference"] is None
    assert record["mujoco_fd_reason"] == "rollout did not finish: Worker 7 hung for 600 s"
    assert record["mujoco_chain_reason"].startswith("chain did not finish")
    assert record["dynsparse_per_s"] > 0
