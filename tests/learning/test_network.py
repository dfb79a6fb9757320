"""The network's Jacobian, written out, against autodiff of its outputs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.learning.network import (
    ACTIVATIONS,
    Layer,
    activation,
    along,
    dropout_masks,
    init_network,
    outputs,
    with_jacobian,
)

# More inputs than outputs, fewer, and no or several hidden layers.
SIZES = [(5, 7, 6, 3), (3, 8, 5), (2, 6, 6, 4, 5), (4, 3)]


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_jacobian_is_autodiffs(name, sizes, rate):
    params = init_network(jax.random.PRNGKey(0), sizes, jnp.float64)
    params = tuple(Layer(kernel, bias + 0.1) for kernel, bias in params)
    inputs = jax.random.normal(jax.random.PRNGKey(1), (9, sizes[0]), jnp.float64)
    masks = dropout_masks(jax.random.PRNGKey(2), params, 9, rate) if rate else ()
    found, jacobian = with_jacobian(params, activation(name), inputs, masks)

    def of_row(row, *own):
        return outputs(params, activation(name), row[None], [mask[None] for mask in own])[0]

    wanted = jax.vmap(jax.jacrev(of_row))(inputs, *masks)
    np.testing.assert_allclose(found, outputs(params, activation(name), inputs, masks), rtol=1e-14)
    np.testing.assert_allclose(jacobian, wanted, rtol=1e-12, atol=1e-14)
    assert jacobian.shape == (9, sizes[-1], sizes[0])

    directions = jax.random.normal(jax.random.PRNGKey(6), (9, 2, sizes[0]), jnp.float64)
    found, moved = along(params, activation(name), inputs, directions, masks)
    np.testing.assert_allclose(found, outputs(params, activation(name), inputs, masks), rtol=1e-14)
    np.testing.assert_allclose(moved, jnp.einsum("noi,nri->nro", wanted, directions), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative_of_the_value(name):
    act, x = activation(name), jnp.concatenate([jnp.linspace(-40, 40, 81) + 0.25, jnp.array([1e3, -1e3])])
    np.testing.assert_allclose(act.slope(x), jax.vmap(jax.grad(act.value))(x), rtol=1e-14, atol=1e-15)


def test_kernels_are_kaimings_and_biases_0():
    params = init_network(jax.random.PRNGKey(3), (400, 600, 300))
    for layer, fan_in in zip(params, (400, 600), strict=True):
        assert layer.kernel.dtype == jnp.float32
        assert abs(float(layer.kernel.var()) * fan_in / 2 - 1) < 0.02  # 240,000 and 180,000 draws: 0.3 %
        assert abs(float(layer.kernel.mean())) < 1e-3
        assert not layer.bias.any()
    again = init_network(jax.random.PRNGKey(3), (400, 600, 300))
    jax.tree.map(np.testing.assert_array_equal, params, again)
    assert (init_network(jax.random.PRNGKey(4), (400, 600, 300))[0].kernel != params[0].kernel).mean() > 0.99


def test_dropout_keeps_the_mean_and_drops_the_share():
    params = init_network(jax.random.PRNGKey(0), (2, 301, 200, 1))
    masks = dropout_masks(jax.random.PRNGKey(5), params, 400, 0.1)
    assert [mask.shape for mask in masks] == [(400, 301), (400, 200)]
    for mask in masks:
        np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.9], rtol=2e-5)  # a 65,536th
        assert abs(float((mask == 0).mean()) - 0.1) < 0.005
        # Units that share a random word are dropped independently: 80,000 pairs, standard error 0.0035.
        pairs = np.asarray(mask[:, : mask.shape[1] // 2 * 2] == 0).reshape(-1, 2)
        assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.02


def test_what_can_not_be_is_refused():
    with pytest.raises(SettingError, match="no activation 'ellu'; did you mean 'elu'"):
        activation("ellu")
    with pytest.raises(SettingError, match="sizes of input and output at least"):
        init_network(jax.random.PRNGKey(0), (3,))
    with pytest.raises(SettingError, match="each size must be a whole number of at least 1, got 0"):
        init_network(jax.random.PRNGKey(0), (3, 0, 2))
