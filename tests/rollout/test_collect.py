"""Collection with real environments and real workers: rows against Playground, bytes against interruptions."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dynsparse.dataset import open_dataset, verify_dataset
from dynsparse.errors import OutputExistsError, PolicyError, SettingError, WorkerError
from dynsparse.physics.environment import load_environment
from dynsparse.rollout.collect import collect, describe, fill_dataset
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.policies import initial_key
from dynsparse.rollout.policy_file import save_policy
from dynsparse.rollout.policy_weights import PolicyWeights
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.stored_rows import audit_dataset, recompute_rows, sample_rows

# Several blocks of many short episodes, the last one cut.
SETTINGS = CollectSettings(rows=1190, episode_steps=25, seed=3)


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    """Blocks of eight short episodes and requests of sixteen: a data set of a thousand rows has several of both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dynsparse.rollout.collect.BLOCK_BYTES", 100_000)
        patch.setattr("dynsparse.rollout.plan.REQUEST_ROWS", 16 * 25)
        yield


@pytest.fixture(scope="module")
def cartpole(shared_cache):
    return load_environment("CartpoleBalance")


@pytest.fixture(scope="module")
def collector(cartpole):
    with Collector(cartpole, SETTINGS, workers=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def collected(cartpole, collector, tmp_path_factory):
    path = tmp_path_factory.mktemp("collected") / "data"
    told = []
    found = fill_dataset(cartpole, SETTINGS, path, collector, on_rows=lambda done, bad: told.append((done, bad)))
    assert told[-1] == (1190, 0)
    assert (found.rows, found.new_rows, found.nonfinite_rows) == (1190, 1190, 0)
    return path


def content(path):
    return {file.relative_to(path): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_what_is_collected_is_verified(collected):
    report = verify_dataset(collected)
    assert report.ok
    assert (report.rows, report.episodes, report.stray) == (1190, 48, 0)
    rows = open_dataset(collected).load()
    assert rows["truncated"].sum() == 48
    assert not rows["terminated"].any()
    # An action is held for five steps, and drawn anew for each episode.
    action = rows["action"].reshape(-1)[: 47 * 25].reshape(47, 5, 5)
    assert (action == action[:, :, :1]).all()
    assert len(np.unique(action[:, :, 0])) == 47 * 5
    assert (rows["warmstart"][1:][rows["t"][1:] > 0] != 0).all()


@pytest.mark.parametrize("name", [pytest.param("CartpoleBalance", marks=pytest.mark.long), "ReacherHard"])
def test_states_and_rewards_are_playgrounds_own(name, own_folder):
    """Playground's reset and step, run by themselves, lead to the same states and rewards, targets included."""
    import jax

    env = load_environment(name)
    steps = 12
    collect(env, CollectSettings(rows=2 * steps, episode_steps=steps, seed=1), own_folder / "data", workers=1)
    rows = open_dataset(own_folder / "data").load()
    with jax.enable_x64(True):
        reset, step = jax.jit(env.playground.reset), jax.jit(env.playground.step)
        for episode in range(2):
            with jax.threefry_partitionable(True):
                state = reset(jax.random.PRNGKey(initial_key(env, 1, episode), impl="threefry2x32"))
            for row in np.flatnonzero(rows["episode"] == episode):
                np.testing.assert_allclose(rows["state"][row, : env.nq], state.data.qpos, atol=1e-9)
                np.testing.assert_allclose(rows["warmstart"][row], state.data.qacc_warmstart, rtol=1e-7, atol=1e-7)
                if env.nmocap:
                    np.testing.assert_allclose(rows["mocap_pos"][row], state.data.mocap_pos, atol=1e-12)
                state = step(state, rows["action"][row])
                # Round-off of another compilation, carried through twelve steps.
                np.testing.assert_allclose(rows["next_state"][row, env.nq :], state.data.qvel, atol=1e-8)
                np.testing.assert_allclose(rows["reward"][row], state.reward, atol=1e-9)
    if env.nmocap:
        assert np.ptp(rows["mocap_pos"][:, 0, 0]) > 0  # each episode has a target of its own


def test_the_named_limit_pushes_where_the_cart_is_beyond_the_rail(cartpole, own_folder):
    collect(cartpole, CollectSettings(rows=1500, states="coverage"), own_folder / "data", workers=1)
    dataset = open_dataset(own_folder / "data")
    assert dataset.description.constraint_names == ("joint limit slider",)
    rows = dataset.load()
    beyond = np.abs(rows["state"][:, 0]) > 1.8
    assert 20 < beyond.sum() < 200  # 2 % at both ends, and what the velocity does not matter for at the start
    np.testing.assert_array_equal(rows["constraint_active_start"][:, 0] <= beyond, True)
    # Pushed only where the limit is not left fast enough to need no push.
    assert rows["constraint_active_start"][beyond, 0].mean() > 0.4
    assert rows["truncated"].all()
    assert (rows["episode"] == np.arange(1500)).all()
    assert not rows["penetrating"].any()  # the model has no contacts


def test_bytes_do_not_depend_on_workers_or_on_a_stop(cartpole, collected, collector, own_folder):
    collect(cartpole, SETTINGS, own_folder / "two", workers=2)
    assert content(own_folder / "two") == content(collected)

    class StopError(Exception):
        pass

    def stop(done, _bad):
        if done >= 600:
            raise StopError

    with pytest.raises(StopError):
        fill_dataset(cartpole, SETTINGS, own_folder / "stopped", collector, on_rows=stop)
    before = content(own_folder / "stopped")
    assert 0 < len([path for path in before if path.parent.name == "blocks"]) < describe(cartpole, SETTINGS).blocks
    found = fill_dataset(cartpole, SETTINGS, own_folder / "stopped", collector, resume=True)
    assert content(own_folder / "stopped") == content(collected)
    assert found.rows == 1190
    again = collect(cartpole, SETTINGS, own_folder / "stopped", resume=True)
    assert (again.new_rows, again.compile_seconds) == (0, 0.0)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process of its own")
def test_three_kills_of_a_real_collection_lose_nothing(own_folder):
    """SIGKILL at random moments, two workers; what was committed stays, and the end is the same to the byte."""
    command = [
        sys.executable, "-m", "dynsparse.cli", "collect", "CartpoleBalance",
        "--rows", "450000", "--episode-steps", "1000", "--workers", "2", "--resume", "--out",
    ]  # fmt: skip
    rng = np.random.default_rng()
    killed = own_folder / "killed"
    committed: dict[str, bytes] = {}
    for _ in range(3):
        with subprocess.Popen([*command, str(killed)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 300
            grown = len(committed)
            while len(records(killed)) <= grown:  # until it has added something
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.2))  # three of them do not end it, however fast the machine is today
            assert process.poll() is None  # it was at work
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        now = records(killed)
        assert committed.items() <= now.items()
        committed = now
    assert subprocess.run([*command, str(killed)], capture_output=True, timeout=300).returncode == 0
    assert committed.items() <= records(killed).items()
    assert verify_dataset(killed).ok
    whole = own_folder / "whole"
    assert subprocess.run([*command, str(whole)], capture_output=True, timeout=300).returncode == 0
    assert content(whole) == content(killed)


def records(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.glob("blocks/[0-9]*.json")}


def test_other_settings_are_refused_and_each_is_named(cartpole, collected):
    before = content(collected)
    for change, told in (({"seed": 4}, "seed is 3 there and 4 here"), ({"dtype": "float32"}, "dtype")):
        with pytest.raises(OutputExistsError, match=told):
            collect(cartpole, dataclasses.replace(SETTINGS, **change), collected, resume=True)
    with pytest.raises(OutputExistsError, match="--resume"):
        collect(cartpole, SETTINGS, collected)
    assert content(collected) == before


def test_stored_rows_are_computed_again_bit_for_bit(collected, collector):
    dataset = open_dataset(collected)
    stored = sample_rows(dataset, 300, seed=5)
    assert len(np.unique(stored["episode"] * 25 + stored["t"])) == 300
    found = recompute_rows(stored, collector)
    assert (found.rows, found.identical, found.flags) == (300, 300, 0)
    assert found.bitwise

    # An altered row is found, in whatever field.
    for name in ("jac_state", "next_state", "reward"):
        altered = {key: array.copy() for key, array in stored.items()}
        altered[name].reshape(300, -1)[7, 0] = np.nextafter(altered[name].reshape(300, -1)[7, 0], 2.0)
        found = recompute_rows(altered, collector)
        assert (found.identical, found.ok) == (299, True)
        altered[name].reshape(300, -1)[7, 0] += 1e-3
        assert not recompute_rows(altered, collector).ok
    flipped = {**stored, "constraint_active": ~stored["constraint_active"]}
    assert not recompute_rows(flipped, collector).ok


def test_the_stored_derivatives_are_audited(cartpole, collected, collector):
    dataset = open_dataset(collected)
    audit = audit_dataset(dataset, cartpole, collector, rows=60, seed=1)
    assert audit.clean
    assert (audit.rows, audit.judged) == (60, "exact")
    # The rows are stepped by the functions that made them: not a bit apart.
    assert audit.next_state_difference == 0.0

    class Wrong:
        description, rows, path = dataset.description, dataset.rows, dataset.path

        def take(self, indices):
            arrays = dataset.take(indices)
            arrays["jac_state"][:, 2, 1] += 1e-3
            return arrays

    assert not audit_dataset(Wrong(), cartpole, collector, rows=60, seed=1).clean


def policy(noise=-1.0, lean=1.0, upright=0.0):
    kernel = np.zeros((5, 2), dtype=np.float32)
    kernel[0, 0], kernel[1, 0] = lean, upright  # by the cart's position, and the cosine of the pole's angle
    layers = ((kernel, np.array([0.1, noise], dtype=np.float32)),)
    return PolicyWeights("lean", "CartpoleBalance", "tanh-normal", "swish", layers, action_scaling="range")


def test_a_policy_file_chooses_the_actions(cartpole, collector, own_folder):
    save_policy("lean.safetensors", policy())
    settings = dataclasses.replace(SETTINGS, rows=100, policy="lean.safetensors")
    collect(cartpole, settings, "data", workers=1)
    dataset = open_dataset("data")
    rows = dataset.load()
    assert dataset.description.policy["name"] == "lean"
    assert len(dataset.description.policy["sha256"]) == 64
    np.testing.assert_allclose(rows["action"], np.tanh(rows["action_raw"]), rtol=1e-12)
    # The mean leans on the position (observation 0), the noise is softplus(-1) + 0.001 wide.
    noise = rows["action_raw"][:, 0] - rows["state"][:, 0] - 0.1
    assert abs(noise.std() - (np.log1p(np.exp(-1.0)) + 1e-3)) < 0.1
    assert abs(noise.mean()) < 0.15
    # Workers without the policy compute the same rows: rewards included, which it did not look at.
    assert recompute_rows(sample_rows(dataset, 100, 0), collector).bitwise
    with pytest.raises(OutputExistsError, match="policy"):
        save_policy("lean.safetensors", policy(noise=0.0), overwrite=True)
        collect(cartpole, settings, "data", workers=1, resume=True)


def test_a_policy_that_fails_names_its_episode_and_step(cartpole, own_folder):
    # Beyond float32 where the pole stands up and the cart stands right of 0.13 m: not at once, and not everywhere.
    save_policy("wild.safetensors", policy(lean=3e38, upright=3e38))
    settings = dataclasses.replace(SETTINGS, rows=4000, episode_steps=1000, policy="wild.safetensors")
    with pytest.raises(WorkerError, match=r"PolicyError: .*at control step \d+ in episode \d+"):
        collect(cartpole, settings, "data", workers=1)


def test_a_policy_of_another_shape_is_refused_before_anything_is_written_or_removed(cartpole, collected, own_folder):
    layers = ((np.zeros((3, 2), np.float32), np.zeros(2, np.float32)),)
    save_policy("wide.safetensors", PolicyWeights("wide", "X", "tanh-normal", "swish", layers, action_scaling="range"))
    settings = dataclasses.replace(SETTINGS, policy="wide.safetensors")
    with pytest.raises(PolicyError, match=r"wide\.safetensors.*5.*3"):
        collect(cartpole, settings, "data", workers=1)
    assert not Path("data").exists()
    before = content(collected)
    with pytest.raises(PolicyError):
        collect(cartpole, settings, collected, workers=1, overwrite=True)
    assert content(collected) == before


def test_a_policy_file_that_changes_meanwhile_is_refused(cartpole, own_folder):
    save_policy("lean.safetensors", policy())
    settings = dataclasses.replace(SETTINGS, rows=50, policy="lean.safetensors")
    with (
        Collector(cartpole, settings, workers=1, policy_sha256="0" * 64) as other,
        pytest.raises(WorkerError, match="has changed since the collection began"),
    ):
        other.warm_up()


def test_long_episodes_are_made_in_several_requests_of_the_same_bytes(cartpole, collector, own_folder):
    """Whole episodes at once and seven control steps at a time: where an episode stands is handed on."""
    save_policy("lean.safetensors", policy())
    lean = dataclasses.replace(SETTINGS, policy="lean.safetensors")
    with Collector(cartpole, lean, workers=1) as leaning:
        for given, workers in (("random", collector), ("lean.safetensors", leaning)):
            settings = dataclasses.replace(SETTINGS, rows=215, policy=given)
            fill_dataset(cartpole, settings, f"whole {given}", workers)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("dynsparse.rollout.plan.REQUEST_ROWS", 7 * 8)
                patch.setattr("dynsparse.rollout.plan.WAVE_BYTES", 1)  # and a wave for each block, of eight episodes
                fill_dataset(cartpole, settings, f"pieces {given}", workers)
            assert content(own_folder / f"pieces {given}") == content(own_folder / f"whole {given}")


def test_float32_is_half_the_size_and_can_not_be_computed_again(cartpole, collector, own_folder):
    fill_dataset(cartpole, dataclasses.replace(SETTINGS, rows=100, dtype="float32"), "small", collector)
    dataset = open_dataset("small")
    assert verify_dataset("small").ok
    assert dataset.load(["jac_state"])["jac_state"].dtype == np.float32
    with pytest.raises(SettingError, match="float64"):
        sample_rows(dataset, 10, 0)


def test_a_model_without_a_task_is_collected_without_reward(own_folder):
    import mujoco

    from dynsparse.physics.environment import environment_from_model

    text = """<mujoco><worldbody><body><joint name="x" type="slide"/><geom size="0.1"/></body></worldbody>
      <actuator><motor joint="x" ctrllimited="true" ctrlrange="-1 1"/></actuator></mujoco>"""
    env = environment_from_model("bare", mujoco.MjModel.from_xml_string(text), 1)
    dataset = open_dataset(collect(env, CollectSettings(6, episode_steps=3), own_folder / "bare", workers=1).path)
    assert dataset.description.extras["reward"] == "none"
    rows = dataset.load(["state", "next_state", "action", "reward", "jac_state", "jac_action"])
    np.testing.assert_array_equal(rows["reward"], 0.0)
    np.testing.assert_array_equal(rows["state"][[0, 3]], 0.0)  # the reference configuration at rest
    np.testing.assert_array_equal(rows["state"][1:3], rows["next_state"][:2])
    # A sphere of 0.1 m and 1000 kg/m^3 on a rail: by hand.
    dt, mass = 0.002, 1000 * 4 / 3 * np.pi * 0.1**3
    np.testing.assert_allclose(rows["jac_state"], np.broadcast_to([[1, dt], [0, 1]], (6, 2, 2)), atol=1e-15)
    np.testing.assert_allclose(
        rows["jac_action"], np.broadcast_to([[dt**2 / mass], [dt / mass]], (6, 2, 1)), rtol=1e-12
    )
