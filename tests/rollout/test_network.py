"""The policy network against numbers worked out by hand, against Brax's own, and against itself in other batches."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from dynsparse.errors import PolicyError
from dynsparse.rollout.network import NetworkPolicy
from dynsparse.rollout.policy_weights import ACTIVATIONS, PolicyWeights

LOW, HIGH = np.array([-2.0, 0.0]), np.array([4.0, 0.5])


def f32(*rows):
    return np.array(rows if len(rows) > 1 else rows[0], dtype=np.float32)


def weights(sizes=(3, 5, 4), seed=0, **changed):
    """Random weights of some layer sizes; two actions out of four outputs."""
    rng = np.random.default_rng(seed)
    layers = tuple(
        (rng.normal(size=(a, b)).astype(np.float32), rng.normal(size=b).astype(np.float32))
        for a, b in itertools.pairwise(sizes)
    )
    given = {"name": "toy", "environment": "Toy", "family": "tanh-normal", "activation": "swish", "layers": layers}
    return PolicyWeights(**{**given, "action_scaling": "range", **changed})


def policy(made=None, low=LOW, high=HIGH, observation_dim=3):
    return NetworkPolicy(made or weights(), low, high, observation_dim)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("swish", lambda x: x / (1 + math.exp(-x))),
        ("silu", lambda x: x / (1 + math.exp(-x))),
        ("elu", lambda x: x if x > 0 else math.exp(x) - 1),
        ("relu", lambda x: x if x > 0 else 0.0),
        ("tanh", math.tanh),
    ],
)
def test_activations_are_their_formulas(name, expected):
    x = np.array([-20.0, -1.5, -1e-3, 0.0, 0.25, 3.0, 20.0], dtype=np.float32)
    found = ACTIVATIONS[name](x)
    assert found.dtype == np.float32
    # A few roundings of float32, each 6e-8 of numbers up to 20.
    np.testing.assert_allclose(found, [expected(float(v)) for v in x], rtol=1e-6, atol=3e-6)
    assert np.isfinite(ACTIVATIONS[name](f32([-1e30, 1e30]))).all()


def test_tanh_normal_by_hand():
    # Two observations, one hidden layer of three, one action.  The normaliser turns (5, 1) into ((5-1)/2, (1-3)/4)
    # = (2, -0.5).  Hidden, before relu: 2*[1,0,2] - 0.5*[4,2,0] + [0.5,0,-1] = [0.5, -1, 3]; after: [0.5, 0, 3].
    # Output: 0.5*[2,0] + 3*[0,1] + [-0.5, -3] = [0.5, 0]: location 0.5, standard deviation log(2) + 0.25.
    made = PolicyWeights(
        "hand",
        "Hand",
        "tanh-normal",
        "relu",
        ((f32([1, 0, 2], [4, 2, 0]), f32([0.5, 0, -1])), (f32([2, 0], [7, 7], [0, 1]), f32([-0.5, -3]))),
        mean=f32([1, 3]),
        std=f32([2, 4]),
        min_std=0.25,
        action_scaling="range",
    )
    hand = NetworkPolicy(made, np.array([-2.0]), np.array([4.0]), 2)
    raw, action = hand.act(np.array([[5.0, 1.0], [5.0, 1.0]]), f32([0.0], [2.0]))
    expected = np.array([[0.5], [0.5 + 2 * (math.log(2) + 0.25)]])
    np.testing.assert_allclose(raw, expected, rtol=1e-6)  # float32
    # -2 + 6 (tanh + 1) / 2
    np.testing.assert_allclose(action, -2 + 3 * (np.tanh(expected) + 1), rtol=1e-6)
    assert raw.dtype == action.dtype == np.float64
    np.testing.assert_array_equal(hand.act(np.array([[5.0, 1.0]]))[0], raw[:1])


def test_gaussian_clip_by_hand():
    # No hidden layer: location (x + 2y, 3x - 1); log_std (log 2, 0).
    made = PolicyWeights(
        "hand",
        "Hand",
        "gaussian-clip",
        "tanh",
        ((f32([1, 3], [2, 0]), f32([0, -1])),),
        log_std=f32([math.log(2), 0]),
    )
    raw, action = policy(made, observation_dim=2).act(np.array([[1.0, 0.5], [-2.0, 3.0]]), f32([1.5, -3.0], [0.0, 1.0]))
    np.testing.assert_allclose(raw, [[2 + 3, 2 - 3], [4, -7 + 1]], rtol=1e-6)
    np.testing.assert_allclose(action, [[4, 0], [4, 0]], rtol=1e-6)  # the ends of the range
    free = NetworkPolicy(made, np.full(2, -np.inf), np.full(2, np.inf), 2)
    np.testing.assert_array_equal(free.act(np.array([[1.0, 0.5]]))[1], [[2.0, 2.0]])


def test_the_normalised_observation_is_clipped():
    made = weights(mean=np.zeros(3, np.float32), std=f32([1, 2, 1]), observation_clip=1.5)
    far, edge = np.array([[9.0, -9.0, 0.5]]), np.array([[1.5, -3.0, 0.5]])
    np.testing.assert_array_equal(policy(made).act(far)[0], policy(made).act(edge)[0])
    unclipped = policy(dataclasses.replace(made, observation_clip=None))
    assert not np.array_equal(unclipped.act(far)[0], unclipped.act(edge)[0])


def test_network_is_that_of_brax():
    import jax
    from brax.training.acme.running_statistics import NestedMeanStd, normalize
    from brax.training.agents.ppo import networks

    made = networks.make_ppo_networks(3, 2, normalize, policy_hidden_layer_sizes=(8, 6))
    brax_weights = made.policy_network.init(jax.random.PRNGKey(0))
    rng = np.random.default_rng(1)
    mean, std = f32([1, -2, 0.5]), f32([0.5, 2, 3])
    observation, noise = rng.normal(size=(7, 3)).astype(np.float32), rng.normal(size=(7, 2)).astype(np.float32)
    logits = made.policy_network.apply(NestedMeanStd(mean=mean, std=std), brax_weights, observation)
    distribution = made.parametric_action_distribution
    normal = distribution.create_dist(logits)

    layers = [brax_weights["params"][f"hidden_{i}"] for i in range(3)]
    pairs = tuple((np.asarray(layer["kernel"]), np.asarray(layer["bias"])) for layer in layers)
    ours = policy(PolicyWeights("b", "B", "tanh-normal", "swish", pairs, mean, std), -np.ones(2), np.ones(2))
    # The order of float32 sums differs: a few roundings of 6e-8 through three layers.
    location, scale = ours.distribution(observation)
    np.testing.assert_allclose(location, normal.loc, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scale, normal.scale, rtol=1e-5, atol=1e-6)
    raw, action = ours.act(observation, noise)
    np.testing.assert_allclose(action, distribution.postprocess(normal.loc + normal.scale * noise), atol=1e-5)
    np.testing.assert_allclose(ours.act(observation)[1], distribution.mode(logits), atol=1e-5)
    assert np.abs(raw).max() > 1  # somewhere tanh matters


@pytest.mark.parametrize("sizes", [(3, 2), (3, 1, 4), (3, 33, 17, 2), (7, 64, 64, 6), (1, 3, 2)])
@pytest.mark.parametrize("activation", ["swish", "elu"])
def test_an_episode_does_not_depend_on_the_others_bit_for_bit(sizes, activation):
    made = weights(sizes, activation=activation)
    one = policy(made, -np.ones(sizes[-1] // 2), np.ones(sizes[-1] // 2), sizes[0])
    rng = np.random.default_rng(3)
    observation = rng.normal(size=(37, sizes[0]))
    noise = rng.normal(size=(37, sizes[-1] // 2)).astype(np.float32)
    raw, action = one.act(observation, noise)
    for rows in (slice(0, 1), slice(5, 7), slice(4, 20), slice(3, 37), slice(36, 37), slice(30, 3, -2)):
        some = one.act(observation[rows], noise[rows])
        np.testing.assert_array_equal(some[0], raw[rows])
        np.testing.assert_array_equal(some[1], action[rows])
    assert one.act(observation[:0], noise[:0])[1].shape == (0, sizes[-1] // 2)


def test_memory_order_of_a_kernel_decides_nothing():
    made = weights((7, 64, 4))
    turned = dataclasses.replace(made, layers=tuple((np.asfortranarray(k), b) for k, b in made.layers))
    observation = np.random.default_rng(0).normal(size=(5, 7))
    ours, other = (policy(m, observation_dim=7) for m in (made, turned))
    np.testing.assert_array_equal(ours.act(observation)[0], other.act(observation)[0])
    assert ours.fingerprint == other.fingerprint


def test_actions_stay_inside_the_range_however_large_they_were_sampled():
    low, high = np.array([-2.0, -7.0]), np.array([-0.9, 1.0])
    assert low[0] + (high[0] - low[0]) > high[0]  # which is why there is a clip after scaling
    extreme = policy(low=low, high=high).apply(np.array([[1e30, 1e30], [-1e30, -1e30], [9.0, -9.0]]))
    np.testing.assert_array_equal(extreme[:2], [high, low])
    # float32 would round tanh(9) = 1 - 3e-8 to 1.
    assert (extreme[2] < high).all()
    assert (extreme[2] > low).all()


def test_without_scaling_an_action_is_the_tanh_itself():
    made = weights(action_scaling="none")
    raw, action = policy(made, np.array([-1.0, -3.0]), np.array([1.0, 2.0])).act(np.ones((2, 3)))
    np.testing.assert_array_equal(action, np.tanh(raw))


@pytest.mark.parametrize(
    ("made", "low", "high", "message"),
    [
        ({"action_scaling": "none"}, [-1.0, -0.5], [1.0, 1.0], "do not fit into the control range.*'range'"),
        ({"action_scaling": "none"}, [-1.0, -1.0], [0.9, 1.0], "do not fit into the control range"),
        ({"action_scaling": "range"}, [-1.0, -np.inf], [1.0, 1.0], "needs a bounded control range"),
    ],
)
def test_a_squashed_action_outside_the_range_is_refused(made, low, high, message):
    with pytest.raises(PolicyError, match=message):
        policy(weights(**made), np.array(low), np.array(high))


@pytest.mark.parametrize(("observations", "actions"), [(4, 2), (3, 1), (3, 3)])
def test_another_environments_policy_is_refused_with_both_shapes(observations, actions):
    expected = rf"of {observations} observations and {actions} actions, got one of 3 and 2 \(layers \(3, 5, 4\)\)"
    with pytest.raises(PolicyError, match=expected):
        policy(low=-np.ones(actions), high=np.ones(actions), observation_dim=observations)


def test_a_nan_in_the_output_names_the_row():
    observation = np.zeros((5, 3))
    observation[3, 1] = np.nan
    with pytest.raises(PolicyError, match=r"policy 'toy'.*row 3 of the batch.*observation was not finite") as caught:
        policy().act(observation, np.zeros((5, 2), np.float32))
    assert caught.value.row == 3
    # Finite weights that overflow on a finite observation.
    kernel, bias = weights((3, 4)).layers[0]
    huge = weights(layers=((kernel * np.float32(1e38), bias),))
    with pytest.raises(PolicyError, match=r"row 1 of the batch \(1 such rows\); look at its weights") as caught:
        policy(huge).act(np.array([[0.0, 0.0, 0.0], [1e3, 1e3, 1e3]]))
    assert caught.value.row == 1


@pytest.mark.parametrize(
    ("observation", "noise", "message"),
    [
        ((2, 4), None, r"observation of shape \(2, 3\), got \(2, 4\)"),
        ((2, 3), (1, 2), r"noise of shape \(2, 2\), got \(1, 2\)"),
    ],
)
def test_arrays_of_other_shapes_are_refused_when_acting(observation, noise, message):
    with pytest.raises(PolicyError, match=message):
        policy().act(np.zeros(observation), None if noise is None else np.zeros(noise, np.float32))


_K, _B = np.zeros((3, 4), np.float32), np.zeros(4, np.float32)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"family": "tanh_normal"}, "family must be one of .*did you mean 'tanh-normal'"),
        ({"activation": "Swich"}, "activation must be one of .*did you mean 'swish'"),
        ({"action_scaling": "rnge"}, "action_scaling must be one of .*'range'"),
        ({"min_std": -1.0}, "min_std must be a finite number of at least 0, got -1.0"),
        ({"observation_clip": math.nan}, "observation_clip must be a finite number"),
        ({"layers": ()}, "at least one layer"),
        ({"layers": ((_K.T, _B),)}, r"layer_0/bias of shape \(3,\), got \(4,\)"),
        ({"layers": ((_K, _B), (_K, _B))}, r"layer_1/kernel of shape \(4, out\), got \(3, 4\)"),
        ({"layers": ((_B, _B),)}, r"layer_0/kernel of shape \(in, out\), got \(4,\)"),
        ({"layers": ((_K[:, :3], _B[:3]),)}, "2 numbers per action, got 3 numbers"),
        ({"layers": ((_K.astype(np.float64), _B),)}, "layer_0/kernel must be float32, got float64"),
        ({"layers": ((_K, f32([0, np.nan, np.inf, 0])),)}, "layer_0/bias holds 2 NaN or infinite"),
        ({"mean": np.zeros(3, np.float32)}, "normalizer/mean and normalizer/std come together"),
        ({"mean": _B, "std": np.ones(3, np.float32)}, r"normalizer/mean of shape \(3,\), got \(4,\)"),
        ({"mean": _K[:, 0], "std": f32([1, 0, 1])}, "normalizer/std must be above 0, its smallest element is 0.0"),
        ({"log_std": _B[:2]}, "scale in the network's output, got log_std"),
        ({"family": "gaussian-clip", "action_scaling": "none"}, "needs log_std"),
        ({"family": "gaussian-clip", "log_std": _B}, "action_scaling must be 'none'"),
        (
            {"family": "gaussian-clip", "log_std": _B[:2], "action_scaling": "none"},
            r"log_std of shape \(4,\), got \(2,\)",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(PolicyError, match=message):
        weights((3, 4), **changed)


def test_fingerprint_is_of_what_decides_the_actions():
    made = weights()
    same = [{"name": "other"}, {"environment": "Other"}, {"notes": {"return": "3"}}, {"activation": "silu"}]
    assert {dataclasses.replace(made, **change).fingerprint for change in same} == {made.fingerprint}
    (kernel, bias), last = made.layers
    nudged = kernel.copy()
    nudged[1, 2] = np.nextafter(nudged[1, 2], np.float32(9))
    others = [
        {"layers": ((nudged, bias), last)},
        {"activation": "elu"},
        {"min_std": 0.01},
        {"action_scaling": "none"},
        {"observation_clip": 10.0},
        {"mean": np.zeros(3, np.float32), "std": np.ones(3, np.float32)},
    ]
    prints = {dataclasses.replace(made, **change).fingerprint for change in others}
    assert len(prints | {made.fingerprint}) == len(others) + 1
    assert len(made.fingerprint) == 64
