"""Tiny trainings from beginning to end: against Playground's own step, and against a training that was stopped."""

from __future__ import annotations

import csv
import dataclasses
import os
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file

from dynsparse.dataset import open_dataset
from dynsparse.errors import OutputExistsError, UnsupportedModelError, WorkerError
from dynsparse.physics.environment import load_environment
from dynsparse.physics.processes import open_pool
from dynsparse.rollout.collect import collect
from dynsparse.rollout.policy_file import load_policy, read_weights
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.training.folder import BEST, CURVE, FIGURE, IDENTITY, POLICIES, STATE
from dynsparse.rollout.training.settings import TrainSettings
from dynsparse.rollout.training.train import train_expert

# Twelve updates of 1,024 control steps, a point after every fourth.
SETTINGS = TrainSettings(
    steps=3 * 2048 * 2, episodes=64, unroll_length=16, minibatches=4, epochs=1, policy_layers=(16,), value_layers=(16,),
    episode_steps=50, evaluations=3, evaluation_episodes=4,
)  # fmt: skip

# Compiles in half the time.
QUICK = {"xla_cpu_use_fusion_emitters": False}


@pytest.fixture(scope="module")
def cartpole(shared_cache):
    return load_environment("CartpoleBalance")


@pytest.fixture(scope="module")
def trained(cartpole, tmp_path_factory):
    """A training without a stop, and what it told on its way."""
    path, phases, steps, points = tmp_path_factory.mktemp("trained") / "run", [], [], []
    told = {"on_phase": phases.append, "on_steps": steps.append, "on_point": points.append}
    told["draw"] = lambda curve: b"a picture of %d points" % len(curve)
    found = train_expert(cartpole, SETTINGS, path, **told)
    return SimpleNamespace(path=path, found=found, phases=phases, steps=steps, points=points)


def policies(path):
    return {file.name: file.read_bytes() for file in [*(path / POLICIES).iterdir(), path / BEST]}


def learned(points):
    """What does not depend on the clock."""
    return [repr(dataclasses.replace(point, seconds=0.0, steps_per_s=0.0)) for point in points]


def test_points_and_files_agree(trained):
    found, points = trained.found, trained.found.points
    assert [point.steps for point in points] == [4096, 8192, 12288]
    assert trained.points == list(points)
    assert trained.phases == ["compile", "train"]
    assert trained.steps == sorted(set(trained.steps)) and {4096, 8192, 12288} <= set(trained.steps)
    assert found.best == max(points, key=lambda point: point.mean_return)
    assert found.reached is None
    assert found.start_seconds > 0 and found.seconds == points[-1].seconds
    # An episode of the cart pole is rewarded with at most 1 a step.
    assert all(0 < point.return_low < point.mean_return < point.return_high < 50 for point in points)
    assert all(0 < point.training_return < 50 and point.steps_per_s > 0 for point in points)
    names = {".lock", BEST, CURVE, FIGURE, IDENTITY, POLICIES, STATE}
    assert {entry.name for entry in trained.path.iterdir()} == names
    assert (trained.path / FIGURE).read_bytes() == b"a picture of 3 points"
    kept = policies(trained.path)
    assert sorted(kept) == ["000000004096.safetensors", "000000008192.safetensors", "000000012288.safetensors", BEST]
    assert kept[BEST] == kept[f"{found.best.steps:012d}.safetensors"]
    assert found.path == trained.path / BEST


def test_the_table_on_the_disk_is_the_curve(trained):
    with (trained.path / CURVE).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    for row, point in zip(rows, trained.found.points, strict=True):
        for name, value in dataclasses.asdict(point).items():
            assert float(row[name]) == pytest.approx(value, abs=6e-4)  # three decimals


def test_a_policy_knows_what_it_is(trained, cartpole):
    best = trained.found.best
    weights = read_weights(trained.found.path)
    assert (weights.name, weights.environment) == (f"CartpoleBalance-{best.steps}", "CartpoleBalance")
    assert weights.notes["mean_return"] == f"{best.mean_return:.2f}"
    assert weights.notes["return_interval_95"] == f"{best.return_low:.2f} {best.return_high:.2f}"
    assert (weights.notes["steps"], weights.notes["return_episodes"]) == (str(best.steps), "4")
    assert weights.notes["model_sha256"] == cartpole.fingerprint


def test_the_return_is_that_of_playgrounds_own_steps_under_the_kept_policy(trained, cartpole):
    import jax

    path = trained.path / POLICIES / "000000012288.safetensors"
    policy = load_policy(path, action_low=-np.ones(1), action_high=np.ones(1), observation_dim=5)
    keys = np.random.default_rng([SETTINGS.seed, 1]).integers(0, 2**62, 4).tolist()
    rng = np.random.default_rng([SETTINGS.seed, 2])
    returns = np.zeros(4)
    with jax.enable_x64(True):
        with jax.threefry_partitionable(True):
            reset = jax.jit(cartpole.playground.reset, compiler_options=QUICK)
            drawn = [reset(jax.random.PRNGKey(key, impl="threefry2x32")) for key in keys]
        step = jax.jit(jax.vmap(cartpole.playground.step), compiler_options=QUICK)
        states = jax.tree.map(lambda *parts: np.stack(parts), *drawn)
        for _ in range(SETTINGS.episode_steps):
            noise = rng.standard_normal((4, 1), dtype=np.float32)
            states = step(states, policy.act(np.asarray(states.obs, np.float32), noise)[1])
            returns += np.asarray(states.reward)
    # Actions differ by float32's round-off from those of the compiled network, for fifty steps.
    assert trained.found.points[-1].mean_return == pytest.approx(returns.mean(), rel=1e-4)


def test_a_training_that_ends_early_or_is_stopped_goes_on_to_the_same_policies(trained, cartpole, own_folder):
    first = trained.found.points[0]
    found = train_expert(cartpole, SETTINGS, "run", target_return=first.mean_return)
    assert found.reached is True
    assert learned(found.points) == learned([first])

    def stop(_point):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_expert(cartpole, SETTINGS, "run", resume=True, on_point=stop)
    told = []
    found = train_expert(cartpole, SETTINGS, "run", resume=True, on_point=told.append)
    assert told == [found.points[2]]
    assert learned(found.points) == learned(trained.found.points)
    assert policies(own_folder / "run") == policies(trained.path)
    ours, whole = load_file(own_folder / "run" / STATE), load_file(trained.path / STATE)
    assert {name: (x.dtype, x.shape, x.tobytes()) for name, x in ours.items()} == {
        name: (x.dtype, x.shape, x.tobytes()) for name, x in whole.items()
    }


def test_a_worker_that_is_lost_between_two_points_is_not_followed_by_one_that_knows_nothing(
    trained, cartpole, own_folder, monkeypatch
):
    pools = []

    def opened(*args, **more):
        pools.append(open_pool(*args, **more))
        return pools[-1]

    def kill(_point):
        (pid,) = pools[0].pids
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)

    monkeypatch.setattr("dynsparse.rollout.training.train.open_pool", opened)
    with pytest.raises(WorkerError, match=r"CartpoleBalance: the training stopped\. .*\(--resume goes on\)"):
        train_expert(cartpole, SETTINGS, "run", on_point=kill)
    (first, *_) = sorted((trained.path / POLICIES).iterdir())
    assert [path.name for path in (own_folder / "run" / POLICIES).iterdir()] == [first.name]
    assert (own_folder / "run" / POLICIES / first.name).read_bytes() == first.read_bytes()


def test_a_training_that_diverges_stops_and_says_what_to_try(cartpole, own_folder):
    settings = dataclasses.replace(SETTINGS, reward_scaling=1e30)  # its square is no float32
    with pytest.raises(WorkerError, match="the training diverged at update 1; try a lower learning_rate"):
        train_expert(cartpole, settings, "run")
    assert not list((own_folder / "run" / POLICIES).iterdir())


def test_a_finished_training_starts_no_worker(trained, cartpole, no_worker):
    before = policies(trained.path)
    found = train_expert(cartpole, SETTINGS, trained.path, resume=True)
    assert (found.points, found.best, found.path) == (trained.found.points, trained.found.best, trained.found.path)
    assert (found.seconds, found.start_seconds) == (0.0, 0.0)
    assert policies(trained.path) == before
    # What was reached already needs no worker either.
    goal = found.best.mean_return
    assert train_expert(cartpole, SETTINGS, trained.path, resume=True, target_return=goal).reached is True
    assert train_expert(cartpole, SETTINGS, trained.path, resume=True, target_return=goal + 1).reached is False


def test_the_policy_collects(trained, cartpole):
    collect(cartpole, CollectSettings(rows=20, policy=str(trained.found.path), episode_steps=10), "data", workers=1)
    dataset = open_dataset("data")
    rows = dataset.load()
    assert dataset.description.policy["sha256"] == read_weights(trained.found.path).fingerprint
    np.testing.assert_allclose(rows["action"], np.tanh(rows["action_raw"]), rtol=1e-12)
    assert rows["finite"].all() and rows["action"].std() > 0.1


def test_a_place_that_is_taken_is_refused_and_stays_as_it_was(trained, cartpole, no_worker):
    before = policies(trained.path)
    with pytest.raises(OutputExistsError, match="holds a training already; go on with it by --resume"):
        train_expert(cartpole, SETTINGS, trained.path)
    with pytest.raises(OutputExistsError, match=r"differs in seed \(there 0, asked for 1\); choose another --out"):
        train_expert(cartpole, dataclasses.replace(SETTINGS, seed=1), trained.path, resume=True)
    assert policies(trained.path) == before


def test_a_model_without_a_task_is_refused(own_folder):
    import mujoco

    from dynsparse.physics.environment import environment_from_model

    text = """<mujoco><worldbody><body><joint name="x" type="slide"/><geom size="0.1"/></body></worldbody>
      <actuator><motor joint="x" ctrllimited="true" ctrlrange="-1 1"/></actuator></mujoco>"""
    env = environment_from_model("bare", mujoco.MjModel.from_xml_string(text), 1)
    with pytest.raises(UnsupportedModelError, match="bare is a model without a task"):
        train_expert(env, SETTINGS, "run")
    assert not list(own_folder.iterdir())
