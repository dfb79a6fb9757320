"""Network: a multilayer perceptron whose Jacobian with respect to its input is written out, for many rows at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dynsparse.config import check_count, nearest_names
from dynsparse.errors import SettingError

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Layer",
    "Params",
    "along",
    "dropout_masks",
    "init_network",
    "outputs",
    "with_jacobian",
]


class Layer(NamedTuple):
    """One affine map.

    Attributes:
        kernel: (in, out).
        bias: (out,).
    """

    kernel: jax.Array
    bias: jax.Array


Params = tuple[Layer, ...]


class Activation(NamedTuple):
    """A function of one number, and its derivative.

    Attributes:
        value: The function.
        slope: Its derivative, written out; at a kink the one from the left.
    """

    value: Callable[[jax.Array], jax.Array]
    slope: Callable[[jax.Array], jax.Array]


_LEAK = 0.01
_LEVELS = 65_536


ACTIVATIONS: Mapping[str, Activation] = {
    "elu": Activation(jax.nn.elu, lambda x: jnp.where(x > 0, 1.0, jnp.exp(jnp.minimum(x, 0.0)))),
    "leaky-relu": Activation(lambda x: jnp.where(x > 0, x, _LEAK * x), lambda x: jnp.where(x > 0, 1.0, _LEAK)),
    "relu": Activation(lambda x: jnp.maximum(x, 0.0), lambda x: jnp.where(x > 0, 1.0, 0.0)),
}


def activation(name: str) -> Activation:
    """Return an activation by its name.

    Raises:
        SettingError: If there is none; names the nearest ones.
    """
    if name not in ACTIVATIONS:
        raise SettingError(f"there is no activation {name!r}{nearest_names(name, tuple(ACTIVATIONS))}")
    return ACTIVATIONS[name]


def init_network(key: jax.Array, sizes: Sequence[int], dtype: jnp.dtype | type = jnp.float32) -> Params:
    """Draw a network: kernels by Kaiming's normal rule (variance 2 / in), biases 0.

    Args:
        key: What it is drawn from.
        sizes: Lengths of the input, of each hidden layer, and of the output.
        dtype: Of the numbers.

    Returns:
        The layers.

    Raises:
        SettingError: If there are fewer than two sizes, or one is below 1.
    """
    if len(sizes) < 2:
        raise SettingError(f"expected sizes of input and output at least, got {tuple(sizes)}; try (24, 512, 512, 18)")
    for size in sizes:
        check_count("each size", size, 1, "try 512")
    keys = jax.random.split(key, len(sizes) - 1)
    return tuple(
        Layer(math.sqrt(2 / before) * jax.random.normal(k, (before, after), dtype), jnp.zeros(after, dtype))
        for k, before, after in zip(keys, sizes[:-1], sizes[1:], strict=True)
    )


def dropout_masks(key: jax.Array, params: Params, rows: int, rate: float | jax.Array) -> tuple[jax.Array, ...]:
    """Draw which hidden units of each row are kept: 0, or 1 / (1 - rate) for those that are.

    Args:
        key: What they are drawn from.
        params: The network.
        rows: n.
        rate: Share of units that is dropped, from 0 to below 1, to the next 65,536th.

    Returns:
        (n, width) for each hidden layer.
    """
    # Two units a random word: at these sizes the draw is a third of a gradient step on the state alone.
    keep = jnp.round((1 - rate) * _LEVELS)
    keys = jax.random.split(key, len(params) - 1)

    def mask(key: jax.Array, layer: Layer) -> jax.Array:
        width, dtype = len(layer.bias), layer.bias.dtype
        words = jax.random.bits(key, (rows, -(-width // 2)), jnp.uint32)
        drawn = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(rows, -1)[:, :width]
        return (drawn < keep).astype(dtype) * (_LEVELS / keep).astype(dtype)

    return tuple(mask(k, layer) for k, layer in zip(keys, params[:-1], strict=True))


def outputs(params: Params, act: Activation, inputs: jax.Array, masks: Sequence[jax.Array] = ()) -> jax.Array:
    """Return (n, out) outputs of (n, in) inputs.

    Args:
        params: The network.
        act: After each layer but the last.
        inputs: (n, in).
        masks: See ``dropout_masks``; none for evaluation.
    """
    x = inputs
    for i, layer in enumerate(params[:-1]):
        x = act.value(x @ layer.kernel + layer.bias)
        x = x * masks[i] if masks else x
    return x @ params[-1].kernel + params[-1].bias


def with_jacobian(
    params: Params, act: Activation, inputs: jax.Array, masks: Sequence[jax.Array] = ()
) -> tuple[jax.Array, jax.Array]:
    """Return outputs and Jacobians.

    With D_l the diagonal matrix of a row's slopes, J = W_L^T D_(L-1) W_(L-1)^T ... D_1 W_1^T.  Multiplied from the
    side with fewer rows, all rows together: one product of matrices (n min(in, out), width) and (width, width) for each
    hidden layer beyond the first.

    Args:
        params: The network.
        act: After each layer but the last.
        inputs: (n, in).
        masks: See ``dropout_masks``; the Jacobian is that of the network with these units left out.

    Returns:
        (n, out) outputs, and (n, out, in) Jacobians, row = output, column = input.
    """
    x, slopes = inputs, []
    for i, layer in enumerate(params[:-1]):
        before = x @ layer.kernel + layer.bias
        x, slope = act.value(before), act.slope(before)
        if masks:
            x, slope = x * masks[i], slope * masks[i]
        slopes.append(slope)
    found = x @ params[-1].kernel + params[-1].bias
    first, last = params[0].kernel, params[-1].kernel
    if not slopes:
        return found, jnp.broadcast_to(last.T, (len(inputs), *last.T.shape))
    if last.shape[1] <= first.shape[0]:
        jacobian = last.T[None] * slopes[-1][:, None, :]
        for layer, slope in zip(params[-2:0:-1], slopes[-2::-1], strict=True):
            jacobian = (jacobian @ layer.kernel.T) * slope[:, None, :]
        return found, jacobian @ first.T
    transposed = first[None] * slopes[0][:, None, :]
    for layer, slope in zip(params[1:-1], slopes[1:], strict=True):
        transposed = (transposed @ layer.kernel) * slope[:, None, :]
    return found, jnp.swapaxes(transposed @ last, 1, 2)


def along(
    params: Params, act: Activation, inputs: jax.Array, directions: jax.Array, masks: Sequence[jax.Array] = ()
) -> tuple[jax.Array, jax.Array]:
    """Return outputs, and the Jacobians' products with a few directions, which cost less than the Jacobians.

    Args:
        params: The network.
        act: After each layer but the last.
        inputs: (n, in).
        directions: (n, r, in) of each row.
        masks: See ``dropout_masks``.

    Returns:
        (n, out) outputs, and (n, r, out) derivatives of the outputs along each direction.
    """
    x, moved = inputs, directions
    for i, layer in enumerate(params[:-1]):
        before = x @ layer.kernel + layer.bias
        x, slope = act.value(before), act.slope(before)
        if masks:
            x, slope = x * masks[i], slope * masks[i]
        moved = (moved @ layer.kernel) * slope[:, None, :]
    return x @ params[-1].kernel + params[-1].bias, moved @ params[-1].kernel
