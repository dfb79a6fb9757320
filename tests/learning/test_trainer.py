"""The trainer against gradient steps of another make: autodiff's Jacobians, and AdamW written out in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.learning.epoch import chunk_rows
from dynsparse.learning.losses import LOSSES
from dynsparse.learning.network import ACTIVATIONS, activation, dropout_masks, outputs
from dynsparse.learning.settings import ACTIVATION_NAMES, LearnSettings
from dynsparse.learning.split import split_rows
from dynsparse.learning.trainer import Trainer, TrainRows

SMALL = {"layer_width": 6, "batch_size": 8, "epochs": 2, "dropout_rate": 0.0, "precision": "float64", "seed": 3}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    jacobians = rng.normal(size=(43, 2, 3)) * (rng.random((43, 2, 3)) < 0.7)
    return TrainRows(rng.normal(size=(43, 3)), rng.normal(size=(43, 2)), jacobians, jacobians == 0)


def second_term(loss, predicted, truth, zero):
    if loss == "state-jacobian":
        return ((predicted - truth) ** 2).mean()
    if loss == "state-jacobian-l1":
        return jnp.abs(predicted - truth).mean()
    if loss == "state-jacobian-l1-regularizer":
        return jnp.abs(predicted).mean()
    return jnp.abs(predicted)[zero].mean() if loss != "state" else jnp.zeros(())


def by_another_make(settings, rows, params):
    """Train as the settings say; return the parameters at the end and both terms of each batch's loss."""
    act = activation(settings.activation)
    key, _ = jax.random.split(jax.random.PRNGKey(settings.seed))
    leaves, tree = jax.tree.flatten(params)
    first, second = ([np.zeros(x.shape) for x in leaves] for _ in range(2))
    order, terms, count = np.random.default_rng([settings.seed, 1]), [], 0

    def loss(leaves, batch, dropping, turning):
        network = jax.tree.unflatten(tree, leaves)
        masks = dropout_masks(dropping, network, 8, settings.dropout_rate) if settings.dropout_rate else ()

        def one(x, *own):
            return outputs(network, act, x[None], [mask[None] for mask in own])[0]

        state = ((jax.vmap(one)(rows.inputs[batch], *masks) - rows.outputs[batch]) ** 2).mean()
        jacobians = jax.vmap(jax.jacfwd(one))(rows.inputs[batch], *masks)
        more = second_term(settings.loss, jacobians, rows.jacobians[batch], rows.zero[batch])
        if settings.jacobian_directions:
            signs = jax.random.rademacher(turning, (8, settings.jacobian_directions, 3), jnp.float64)
            wrong = jnp.einsum("noi,nri->nro", jacobians - rows.jacobians[batch], signs)
            more = (wrong**2).sum() / (8 * settings.jacobian_directions * 2 * 3)
        return state + settings.jacobian_weight * more, (state, more)

    for _ in range(settings.epochs):
        for batch in order.permutation(len(rows.inputs))[:40].reshape(5, 8):
            key, own = jax.random.split(key)
            (_, found), slopes = jax.value_and_grad(loss, has_aux=True)(leaves, batch, *jax.random.split(own))
            terms.append([float(x) for x in found])
            count += 1
            for i, slope in enumerate(map(np.asarray, slopes)):
                first[i] = 0.9 * first[i] + 0.1 * slope
                second[i] = 0.999 * second[i] + 0.001 * slope**2
                change = (first[i] / (1 - 0.9**count)) / (np.sqrt(second[i] / (1 - 0.999**count)) + 1e-8)
                leaves[i] = leaves[i] - settings.learning_rate * (change + settings.weight_decay * leaves[i])
    return leaves, np.array(terms)


@pytest.mark.parametrize(
    ("loss", "chunk", "more"),
    [
        *((loss, 8, {}) for loss in LOSSES),
        ("state-jacobian-l1-sparse-only", 2, {}),
        ("state", 8, {"dropout_rate": 0.3}),
        ("state-jacobian-l1", 2, {"dropout_rate": 0.3}),
        ("state-jacobian", 2, {"dropout_rate": 0.3, "jacobian_directions": 3}),
    ],
)
def test_epochs_are_those_of_another_make(rows, loss, chunk, more, monkeypatch):
    """Masks and directions are drawn from the seed anew at each step, and are the same for all losses."""
    monkeypatch.setattr("dynsparse.learning.trainer.chunk_rows", lambda batch, side: chunk)
    settings = LearnSettings(**{"loss": loss, "jacobian_weight": 0.7, **SMALL, **more})
    trainer = Trainer(settings, rows)
    with jax.enable_x64(True):
        start = jax.tree.map(jnp.array, trainer.params)
        wanted, wanted_terms = by_another_make(settings, rows, start)
    terms = np.concatenate([trainer.epoch(), trainer.epoch()])
    np.testing.assert_allclose(terms, wanted_terms, rtol=1e-10, atol=1e-14)
    for found, want in zip(jax.tree.leaves(trainer.params), wanted, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-12)


def test_predictions_and_jacobians_are_of_the_network_without_dropout(rows, monkeypatch):
    monkeypatch.setattr("dynsparse.learning.trainer._EVALUATED_ROWS", 16)
    trainer = Trainer(LearnSettings(**{**SMALL, "dropout_rate": 0.5}), rows)
    found, jacobians = trainer.jacobians(rows.inputs)
    np.testing.assert_allclose(trainer.predict(rows.inputs), found, rtol=1e-14)
    with jax.enable_x64(True):
        wanted = outputs(trainer.params, activation("elu"), jnp.asarray(rows.inputs))
    np.testing.assert_allclose(found, wanted, rtol=1e-13)
    assert jacobians.shape == (43, 2, 3)


def test_the_same_seed_trains_the_same_and_another_does_not(rows):
    def trained(seed):
        trainer = Trainer(LearnSettings(**{**SMALL, "dropout_rate": 0.2, "precision": "float32", "seed": seed}), rows)
        return trainer.epoch()

    np.testing.assert_array_equal(trained(1), trained(1))
    assert trained(1).dtype == np.float32
    assert not np.array_equal(trained(1), trained(2))


def test_losses_of_one_seed_have_the_same_first_weights(rows):
    def first(loss, seed):
        return Trainer(LearnSettings(**{**SMALL, "loss": loss, "seed": seed}), rows).params

    state, *others = (first(loss, 3) for loss in LOSSES)
    for other in others:
        jax.tree.map(np.testing.assert_array_equal, state, other)
    assert (np.asarray(first("state", 4)[0].kernel) != np.asarray(state[0].kernel)).all()


def test_what_can_not_be_trained_is_refused(rows):
    with pytest.raises(SettingError, match=r"at least 512 rows to train on \(one batch\), got 43"):
        Trainer(LearnSettings(), rows)
    with pytest.raises(SettingError, match="needs the Jacobians of the rows, got none"):
        Trainer(LearnSettings(loss="state-jacobian", batch_size=8), TrainRows(rows.inputs, rows.outputs))
    for bad, why in (
        ({"loss": "state-jacobain"}, "did you mean 'state-jacobian'"),
        ({"dropout_rate": 1.0}, "dropout_rate must be a number from 0 to below 1, got 1.0; the paper has 0.1"),
        ({"test_split": 0}, "test_split must be"),
        ({"learning_rate": float("nan")}, "learning_rate must be"),
        ({"layer_depth": 0}, "layer_depth must be a whole number of at least 1"),
        ({"seed": 2**32}, "seed must be below 4294967296, got 4294967296; try 0"),
        ({"dropout_rate": 0.999999}, "dropout_rate must be at most 0.99998, got 0.999999"),
        ({"jacobian_directions": 2}, "estimates the loss 'state-jacobian' alone, got 2 with loss 'state'"),
        ({"precision": "float16"}, "precision must be one of float32, float64"),
    ):
        with pytest.raises(SettingError, match=why):
            LearnSettings(**bad)


def test_settings_know_the_activations_that_there_are():
    assert tuple(ACTIVATIONS) == ACTIVATION_NAMES


@pytest.mark.parametrize(
    ("batch", "side", "rows"),
    [(512, 18, 32), (512, 4, 128), (512, 1, 512), (256, 16, 32), (509, 18, 509), (500, 18, 25), (8, 2, 8), (7, 900, 7)],
)
def test_a_chunk_divides_the_batch_and_stays_in_the_cache_where_it_can(batch, side, rows):
    assert chunk_rows(batch, side) == rows


def test_random_directions_are_the_jacobian_loss_in_the_mean(rows):
    def second_terms(directions, seeds):
        settings = [
            LearnSettings(loss="state-jacobian", jacobian_directions=directions, **{**SMALL, "batch_size": 43} | own)
            for own in ({"seed": seed} for seed in seeds)
        ]
        return np.array([Trainer(x, rows).epoch()[0, 1] for x in settings])

    # The network is that of the seed, so that both are of the same network.
    seeds = range(40)
    whole, drawn = second_terms(0, seeds), second_terms(30, seeds)
    ratio = drawn / whole - 1
    assert np.abs(ratio).max() > 1e-3  # they are drawn
    assert abs(ratio.mean()) < 4 * ratio.std() / np.sqrt(len(seeds))
    assert ratio.std() < 0.1


EPISODE = np.repeat(np.arange(7), 10)
FINITE = np.arange(70) % 23 != 5


def test_a_split_by_step_takes_a_share_of_the_finite_rows():
    found = split_rows(EPISODE, FINITE, "step", 0.1, 0)
    assert found.episode is None
    assert list(found.tests) == ["step"]
    assert len(found.step) == round(0.1 * FINITE.sum())
    np.testing.assert_array_equal(np.sort(np.concatenate([found.train, found.step])), np.flatnonzero(FINITE))
    assert len(np.unique(EPISODE[found.step])) > 2
    again, other = (split_rows(EPISODE, FINITE, "step", 0.1, seed).step for seed in (0, 1))
    np.testing.assert_array_equal(found.step, again)
    assert not np.array_equal(found.step, other)


def test_a_split_by_episode_tears_none_apart():
    found = split_rows(EPISODE, FINITE, "episode", 0.3, 0)
    assert found.step is None
    assert len(np.unique(EPISODE[found.episode])) == 2
    assert not set(EPISODE[found.episode]) & set(EPISODE[found.train])
    np.testing.assert_array_equal(np.sort(np.concatenate([found.train, found.episode])), np.flatnonzero(FINITE))


def test_both_keeps_whole_episodes_and_steps_of_the_others():
    found = split_rows(EPISODE, FINITE, "both", 0.3, 0)
    assert list(found.tests) == ["step", "episode"]
    assert len(np.unique(EPISODE[found.episode])) == 2
    assert len(found.step) == round(0.3 * (FINITE & ~np.isin(EPISODE, EPISODE[found.episode])).sum())
    rest = np.concatenate([found.train, found.step])
    assert not set(EPISODE[found.episode]) & set(EPISODE[rest])
    np.testing.assert_array_equal(np.sort(np.concatenate([rest, found.episode])), np.flatnonzero(FINITE))
    assert (np.diff(found.step) > 0).all()
    np.testing.assert_array_equal(found.episode, split_rows(EPISODE, FINITE, "episode", 0.3, 0).episode)


@pytest.mark.parametrize(
    ("kind", "share", "why"),
    [
        ("episode", 0.01, "of 7 episodes leaves none to test on"),
        ("episode", 0.99, "of 7 episodes leaves none to train on"),
        ("both", 0.01, "of 7 episodes leaves none to test on"),
        ("step", 0.001, "of 67 rows leaves none to test on"),
        ("steps", 0.1, "split must be one of both, step, episode"),
    ],
)
def test_a_split_that_leaves_nothing_is_refused(kind, share, why):
    with pytest.raises(SettingError, match=why):
        split_rows(EPISODE, FINITE, kind, share, 0)
