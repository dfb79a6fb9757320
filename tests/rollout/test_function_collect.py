"""Data sets of a JAX function of the user's own: bytes, rows looked at again, what can not be collected."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynsparse
from dynsparse.errors import SettingError, UnsupportedModelError
from dynsparse.rollout.collect import collect, describe, fill_dataset
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.stored_rows import audit_dataset, recompute_rows, sample_rows
from dynsparse.rollout.training.settings import expert_settings
from dynsparse.rollout.training.train import train_expert

SETTINGS = CollectSettings(1500, episode_steps=60, seed=3)


@pytest.fixture(scope="module")
def example(checkout):
    """What the documented example defines, by name."""
    return runpy.run_path(str(checkout / "examples" / "ring.py"))


@pytest.fixture(scope="module")
def ring(example):
    return example["ring"]()


@pytest.fixture(scope="module")
def stored(ring, tmp_path_factory, shared_cache):
    path = tmp_path_factory.mktemp("function") / "ring"
    collect(ring, SETTINGS, path, workers=1)
    return path


def contents(path):
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(Path(path).rglob("*"))
        if file.is_file()
    }


def test_bytes_do_not_depend_on_the_number_of_workers(ring, stored, tmp_path):
    collect(ring, SETTINGS, tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == contents(stored)


def test_stopped_and_resumed_it_has_the_same_bytes(ring, tmp_path, monkeypatch):
    monkeypatch.setattr("dynsparse.rollout.collect.BLOCK_BYTES", 2**18)  # several blocks
    collect(ring, SETTINGS, tmp_path / "whole", workers=1)
    blocks = describe(ring, SETTINGS).blocks
    assert blocks > 2

    class StoppedError(Exception):
        pass

    def stop(done: int, _bad: int) -> None:
        if done >= 700:
            raise StoppedError

    with Collector(ring, SETTINGS, workers=2) as collector:
        with pytest.raises(StoppedError):
            fill_dataset(ring, SETTINGS, tmp_path / "part", collector, on_rows=stop)
        assert dynsparse.open_dataset(tmp_path / "part").rows < 1500
    assert collect(ring, SETTINGS, tmp_path / "part", workers=2, resume=True).new_rows < 1500
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_rows_are_what_the_function_says(ring, stored):
    dataset = dynsparse.open_dataset(stored)
    rows = dataset.load(["state", "action", "next_state", "reward", "jac_state", "t", "warmstart"])
    same = rows["t"][1:] > 0
    assert rows["next_state"][:-1][same].tobytes() == rows["state"][1:][same].tobytes()
    assert rows["warmstart"].shape == (1500, 0)
    expected = -(rows["next_state"][:, :6] ** 2).sum(axis=1) - 1e-3 * (rows["action"] ** 2).sum(axis=1)
    np.testing.assert_allclose(rows["reward"], expected, rtol=1e-13, atol=1e-15)
    step = dynsparse.transition(ring)
    with jax.enable_x64(True):
        ends, _ = jax.vmap(lambda s, a: step(s, a, jnp.zeros(0)))(rows["state"][:50], rows["action"][:50])
    np.testing.assert_allclose(rows["next_state"][:50], ends, rtol=0, atol=1e-15)
    assert dataset.description.extras["engine"] == "function"
    assert dataset.description.extras["model_sha256"] == ring.fingerprint


def test_always_zero_is_what_the_hand_counts(stored):
    """Of each cart's two rows: its own place, both neighbours' and its own velocity; a force on each of two carts."""
    report = dynsparse.analyze(dynsparse.open_dataset(stored))
    state, action = (report.to_dict()["global"][block] for block in ("state", "action"))
    assert (state["always_zero"], state["elements"]) == (144 - 12 * 4, 144)
    assert (action["always_zero"], action["elements"]) == (24 - 2 * 2, 24)


def test_stored_rows_are_computed_again_and_audited(ring, stored):
    dataset = dynsparse.open_dataset(stored)
    settings = CollectSettings(rows=1500, seed=3)
    with Collector(ring, settings, workers=1) as collector:
        again = recompute_rows(sample_rows(dataset, 60, 0), collector)
        audit = audit_dataset(dataset, ring, collector, rows=60)
    assert again.bitwise and again.rows == 60
    assert audit.clean and audit.rows == 60


def test_score_tells_who_knows_when_neighbours_touch(example, stored):
    m, dataset = example, dynsparse.open_dataset(stored)

    def always_touching(state: jax.Array, action: jax.Array) -> jax.Array:
        """The ring without its branch: neighbours push and pull all the time."""
        place, velocity = state[:6], state[6:]
        push = m["STIFFNESS"] * (place - jnp.roll(place, -1) - m["GAP"])
        force = -m["SPRING"] * place - m["DRAG"] * velocity - push + jnp.roll(push, 1)
        force = force.at[jnp.array(m["DRIVEN"])].add(action)
        velocity = velocity + m["DT"] * force
        return jnp.concatenate([place + m["DT"] * velocity, velocity])

    truth, other = (dynsparse.score(model, dataset) for model in (m["step"], always_touching))
    assert truth.auprc == pytest.approx(1.0) and truth.leak < 1e-6
    assert other.auprc < truth.auprc and other.leak > 10 * truth.leak


def test_without_a_reward_there_is_none(tmp_path):
    env = dynsparse.environment_from_function(
        "Bare", lambda s, a: 0.5 * s + a, state_names=["x"], action_names=["u"], action_low=[-1], action_high=[1],
        dt=1.0, initial_state=lambda key: jax.random.normal(key, (1,)),
    )  # fmt: skip
    collect(env, CollectSettings(20, episode_steps=5), tmp_path / "bare", workers=1)
    dataset = dynsparse.open_dataset(tmp_path / "bare")
    assert not dataset.load(["reward"])["reward"].any() and dataset.description.extras["reward"] == "none"
    starts = dataset.load(["state"])["state"][::5, 0]
    assert len(set(starts.tolist())) == 4, "expected every episode to start somewhere else"


def test_range_of_random_actions_is_needed(tmp_path):
    env = dynsparse.environment_from_function(
        "Unbounded", lambda s, a: s + a, state_names=["x"], action_names=["u"], dt=1.0, initial_state=[0.0]
    )
    with pytest.raises(SettingError, match="policy 'random'"):
        collect(env, CollectSettings(20), tmp_path / "none", workers=1)
    assert not (tmp_path / "none").exists()


def test_what_needs_a_model_is_refused_before_anything_runs(ring, tmp_path, no_worker):
    with pytest.raises(UnsupportedModelError, match="Ring is a function, which has no joints"):
        collect(ring, CollectSettings(64, states="coverage"), tmp_path / "none", workers=1)
    settings = expert_settings("CartpoleBalance")
    with pytest.raises(UnsupportedModelError, match=r"Ring is .* no task of MuJoCo Playground"):
        train_expert(ring, settings, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_another_function_does_not_go_on_with_the_data_set(ring, stored):
    step = dynsparse.transition(ring)
    other = dynsparse.environment_from_function(
        "Ring", lambda s, a: step(s, a, jnp.zeros(0))[0] * 1.0001, state_names=ring.state_names,
        state_units=ring.state_units, action_names=ring.action_names, action_low=ring.action_low,
        action_high=ring.action_high, dt=ring.dt, initial_state=[0.0] * 12,
    )  # fmt: skip
    with pytest.raises(dynsparse.OutputExistsError, match="model_sha256"):
        collect(other, SETTINGS, stored, workers=1, resume=True)
