"""Policy weights: what decides a trained policy's actions, checked part against part."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import nearest_names
from dynsparse.errors import PolicyError
from dynsparse.provenance import content_hash

__all__ = ["ACTIVATIONS", "FAMILIES", "SCALINGS", "PolicyWeights", "check_shape"]

FAMILIES = ("tanh-normal", "gaussian-clip")
"""How a network's output and noise become an action."""

SCALINGS = ("range", "none")
"""Whether a squashed action in [-1, 1] is stretched over the control range or applied as it is."""

Float32 = NDArray[np.float32]


def _swish(x: Float32) -> Float32:
    # x sigmoid(x), written with tanh, which does not overflow.
    half = np.float32(0.5)
    result: Float32 = x * (half + half * np.tanh(half * x))
    return result


def _elu(x: Float32) -> Float32:
    return np.where(x > 0, x, np.expm1(np.minimum(x, np.float32(0))))


ACTIVATIONS: Mapping[str, Callable[[Float32], Float32]] = {
    "swish": _swish,
    "silu": _swish,
    "elu": _elu,
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "tanh": np.tanh,
}
"""Functions after each layer but the last."""


@dataclass(frozen=True, eq=False)
class PolicyWeights:
    """Everything that decides a policy's actions but the control range, and what a reader wants to know about it.

    Attributes:
        name: how files and messages call the policy.
        environment: name of the environment that it was trained on.
        family: one of ``FAMILIES``.
        activation: one of ``ACTIVATIONS``.
        layers: kernel (in, out) and bias (out,) of each layer, float32, from the observation to the output: 2 da
            numbers (location, then scale parameter) for ``tanh-normal``, da (location) for ``gaussian-clip``.
        mean: (do,) subtracted from the observation, float32; None without a normaliser.
        std: (do,) that the difference is divided by, float32, above 0.
        observation_clip: the normalised observation is clipped to plus or minus this; None for no clip.
        log_std: (da,) log of the noise's standard deviation, float32, for ``gaussian-clip`` only.
        min_std: added to the standard deviation of ``tanh-normal`` (0.001 in Brax).
        action_scaling: one of ``SCALINGS``; ``gaussian-clip`` knows only ``"none"``.
        notes: free text: training steps, return, ...
    """

    name: str
    environment: str
    family: str
    activation: str
    layers: tuple[tuple[Float32, Float32], ...]
    mean: Float32 | None = None
    std: Float32 | None = None
    observation_clip: float | None = None
    log_std: Float32 | None = None
    min_std: float = 0.001
    action_scaling: str = "none"
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the parts fit each other.

        Raises:
            PolicyError: If they do not, or a number is NaN or infinite; names the tensor and gives both shapes.
        """
        for what, value, known in (
            ("family", self.family, FAMILIES),
            ("activation", self.activation, tuple(ACTIVATIONS)),
            ("action_scaling", self.action_scaling, SCALINGS),
        ):
            if value not in known:
                raise PolicyError(
                    f"{what} must be one of {', '.join(known)}, got {value!r}{nearest_names(value, known)}"
                )
        for what, number in (("min_std", self.min_std), ("observation_clip", self.observation_clip)):
            if number is not None and not (math.isfinite(number) and number >= 0):
                raise PolicyError(f"{what} must be a finite number of at least 0, got {number!r}")
        if not self.layers:
            raise PolicyError(
                "expected at least one layer, got none; name them layer_0/kernel, layer_0/bias, layer_1/..."
            )
        self._check_family()
        self._check_shapes()
        for name, tensor in self.tensors().items():
            if tensor.dtype != np.float32:
                raise PolicyError(f"{name} must be float32, got {tensor.dtype}; convert it")
            if not np.isfinite(tensor).all():
                raise PolicyError(f"{name} holds {np.count_nonzero(~np.isfinite(tensor))} NaN or infinite numbers")
        if self.std is not None and not (self.std > 0).all():
            raise PolicyError(f"normalizer/std must be above 0, its smallest element is {self.std.min()}")

    @property
    def observation_dim(self) -> int:
        """Length of an observation, do."""
        return int(self.layers[0][0].shape[0])

    @property
    def action_dim(self) -> int:
        """Number of actions, da."""
        return int(self.layers[-1][1].shape[0]) // self._outputs_per_action

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Length of the observation, of each hidden layer, of the output."""
        return (self.observation_dim, *(int(bias.shape[0]) for _, bias in self.layers))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what decides the actions: name, environment and notes do not."""
        deciding = {
            "family": self.family,
            "activation": "swish" if self.activation == "silu" else self.activation,
            "observation_clip": self.observation_clip,
            "min_std": self.min_std,
            "action_scaling": self.action_scaling,
            "tensors": {
                name: [list(tensor.shape), hashlib.sha256(np.ascontiguousarray(tensor, "<f4").tobytes()).hexdigest()]
                for name, tensor in self.tensors().items()
            },
        }
        return content_hash(deciding)

    def tensors(self) -> dict[str, Float32]:
        """Return the arrays under their names in a file."""
        named: dict[str, Float32] = {}
        for i, (kernel, bias) in enumerate(self.layers):
            named |= {f"layer_{i}/kernel": kernel, f"layer_{i}/bias": bias}
        optional = {"normalizer/mean": self.mean, "normalizer/std": self.std, "log_std": self.log_std}
        return named | {name: tensor for name, tensor in optional.items() if tensor is not None}

    @property
    def _outputs_per_action(self) -> int:
        return 2 if self.family == "tanh-normal" else 1

    def _check_family(self) -> None:
        clipped = self.family == "gaussian-clip"
        if clipped != (self.log_std is not None):
            wanted = (
                "needs log_std (da,), got none" if clipped else "has its scale in the network's output, got log_std"
            )
            raise PolicyError(f"family {self.family!r} {wanted}")
        if clipped and self.action_scaling != "none":
            raise PolicyError("family 'gaussian-clip' clips to the control range itself: action_scaling must be 'none'")
        if (self.mean is None) != (self.std is None):
            raise PolicyError("normalizer/mean and normalizer/std come together, got only one of them; add the other")

    def _check_shapes(self) -> None:
        width: int | None = None
        for i, (kernel, bias) in enumerate(self.layers):
            if kernel.ndim != 2 or 0 in kernel.shape or (width is not None and kernel.shape[0] != width):
                wanted = "(in, out)" if width is None else f"({width}, out)"
                raise PolicyError(
                    f"expected layer_{i}/kernel of shape {wanted}, got {kernel.shape}; is it transposed, as in PyTorch?"
                )
            check_shape(f"layer_{i}/bias", bias, (kernel.shape[1],))
            width = kernel.shape[1]
        if (width or 0) % self._outputs_per_action:
            raise PolicyError(f"family {self.family!r} needs an output of 2 numbers per action, got {width} numbers")
        for name, tensor, length in (
            ("normalizer/mean", self.mean, self.observation_dim),
            ("normalizer/std", self.std, self.observation_dim),
            ("log_std", self.log_std, self.action_dim),
        ):
            if tensor is not None:
                check_shape(name, tensor, (length,))


def check_shape(name: str, array: NDArray[np.floating[Any]], expected: tuple[int, ...]) -> None:
    """Refuse an array of another shape.

    Raises:
        PolicyError: Names the array and gives both shapes.
    """
    if array.shape != expected:
        raise PolicyError(f"expected {name} of shape {expected}, got {array.shape}")
