"""What is learned and how it acts: against the policy that users load, SciPy's densities, and itself after a stop."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy import stats

from dynsparse.rollout.policy_file import load_policy, save_policy
from dynsparse.rollout.training.ppo import Experience, Learner
from dynsparse.rollout.training.settings import TrainSettings

DO, DA = 3, 2
SETTINGS = TrainSettings(
    steps=15 * 64 * 8, episodes=64, unroll_length=8, minibatches=4, epochs=2, learning_rate=1e-2, entropy_cost=1e-3,
    policy_layers=(16,), value_layers=(16,),
)  # fmt: skip


def toy(learner, rng):
    """Experience of a toy: the first action's sign is rewarded, the second's is punished, whatever is observed."""
    observation = (3.0 + 2.0 * rng.standard_normal((SETTINGS.unroll_length + 1, SETTINGS.episodes, DO))).astype(
        np.float32
    )
    acted = [learner.act(now, rng.standard_normal((len(now), DA), dtype=np.float32)) for now in observation[:-1]]
    raw, squashed, log_prob, output = (np.stack(each, axis=1) for each in zip(*acted, strict=True))
    reward = np.sign(squashed[..., 0]) - np.sign(squashed[..., 1])
    before, after = (np.moveaxis(x, 0, 1) for x in (observation[:-1], observation[1:]))
    never = np.zeros_like(reward)
    return Experience(before, after, raw, log_prob, output, reward, never, never)


def mean_action(learner):
    observation = 3.0 + 2.0 * np.random.default_rng(1).standard_normal((100, DO)).astype(np.float32)
    return learner.act(observation, np.zeros((100, DA), np.float32))[1].mean(axis=0)


@pytest.fixture(scope="module")
def taught():
    learner, rng, seen = Learner(SETTINGS, DO, DA), np.random.default_rng(0), []
    before = mean_action(learner)
    for _ in range(SETTINGS.updates):
        experience = toy(learner, rng)
        seen.append(experience.observation)
        learner.learn(experience)
    return SimpleNamespace(learner=learner, rng=rng, before=before, seen=np.concatenate(seen), kept=learner.arrays())


@pytest.fixture
def acted(taught):
    """The learner as it was taught, at observations of two sizes, and what it did there."""
    taught.learner.restore(taught.kept)
    rng = np.random.default_rng(2)
    observation = rng.uniform(-5, 10, (40, DO)).astype(np.float32)
    noise = rng.standard_normal((40, DA), dtype=np.float32)
    return observation, noise, taught.learner.act(observation, noise)


def test_actions_that_are_rewarded_become_likelier(taught):
    after = mean_action(taught.learner)
    assert after[0] > taught.before[0] + 0.5
    assert after[1] < taught.before[1] - 0.5


def test_gradient_steps_are_those_of_the_settings(taught):
    counts = [int(array) for name, array in taught.kept.items() if name.endswith(".count") and not array.ndim]
    assert SETTINGS.gradient_steps in counts


def test_the_normaliser_knows_every_observation(taught):
    weights = taught.learner.weights("toy", "Toy", {})
    seen = taught.seen.reshape(-1, DO).astype(np.float64)
    # Float32, updated fifteen times.
    np.testing.assert_allclose(weights.mean, seen.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(weights.std, seen.std(axis=0), rtol=1e-5)


def test_it_acts_as_the_policy_that_users_load(taught, acted):
    observation, noise, (raw, squashed, _, output) = acted
    save_policy("toy.safetensors", taught.learner.weights("toy", "Toy", {"steps": "7"}))
    policy = load_policy("toy.safetensors", action_low=-np.ones(DA), action_high=np.ones(DA), observation_dim=DO)
    theirs, applied = policy.act(observation, noise)
    # Float32 in another order, exponentials and tanh of fast mathematics.
    np.testing.assert_allclose(raw, theirs, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(squashed, applied, atol=1e-5)
    np.testing.assert_allclose(output[:, :DA], policy.distribution(observation)[0], rtol=1e-4, atol=1e-4)
    assert np.abs(raw).max() > 1  # somewhere tanh matters
    assert policy.weights.notes == {"steps": "7"}


def test_log_density_is_the_normal_one_with_the_correction_of_tanh(acted):
    _, _, (raw, _, log_prob, output) = acted
    raw, location, parameter = (x.astype(np.float64) for x in (raw, output[:, :DA], output[:, DA:]))
    normal = stats.norm.logpdf(raw, location, np.log1p(np.exp(parameter)) + 1e-3)
    expected = (normal - np.log(1 - np.tanh(raw) ** 2)).sum(axis=1)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-4, atol=1e-4)


def test_learning_goes_on_after_a_restore_bit_for_bit_and_without_compiling(taught):
    learner = taught.learner
    learner.restore(taught.kept)
    experience = toy(learner, np.random.default_rng(3))

    def learned():
        metrics = learner.learn(experience)
        return metrics, {name: array.tobytes() for name, array in learner.arrays().items()}

    first = learned()
    assert first != learned()  # the same experience once more is another step
    learner.restore(load(save(taught.kept)))
    assert learned() == first
    assert learner._update._cache_size() == 1
