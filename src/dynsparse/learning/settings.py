"""Settings of a training of a world model, the paper's by default (Table A2.1)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from dynsparse.config import check_atol, check_count, nearest_names
from dynsparse.errors import SettingError
from dynsparse.learning.losses import LOSSES
from dynsparse.learning.normalizer import FACTORS

__all__ = ["ACTIVATION_NAMES", "SPLITS", "LearnSettings"]

ACTIVATION_NAMES = ("elu", "leaky-relu", "relu")

SPLITS = ("both", "step", "episode")
"""What is kept for testing: single control steps, whose neighbours in time are then in the training set (the paper's
"randomize-steps"), or whole episodes; both keeps whole episodes, and then steps of those that are left, so that one
model is tested on either set."""

_SEEDS = 2**32
"""JAX's keys hold 32 bits of a seed where 64-bit numbers are off: a larger one would share its network with another."""

_MOST_DROPOUT = 0.99998
"""Masks are drawn to a 65,536th: beyond, no unit would be left."""

_PRECISIONS = ("float32", "float64")


@dataclass(frozen=True)
class LearnSettings:
    """Everything that decides a model but the data.

    Attributes:
        loss: One of ``LOSSES``.
        jacobian_weight: What the second term is multiplied by.
        jacobian_directions: 0 for whole Jacobians (the paper); r for their products with r random directions of each
            row, drawn anew at each step, whose mean is that of ``"state-jacobian"`` at a fraction of its cost.
        seed: What the network, the split, the order of rows and the dropout are drawn from; below 2^32.
        layer_width: Units of each hidden layer.
        layer_depth: Hidden layers.
        activation: One of ``ACTIVATION_NAMES``.
        dropout_rate: Share of hidden units left out in training.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW, decoupled.
        batch_size: Rows of a gradient step; what is left of an epoch's last batch is left out.
        epochs: How often every training row is used.
        split: One of ``SPLITS``.
        test_split: Share of the rows, of the episodes, or of each, that is kept for testing.
        test_rows: Rows of each test set that models are tested and scored on at most.
        atol: Zero threshold of the simulator's Jacobian.
        model_atol: Zero threshold of the model's normalised Jacobian.
        factor: How Jacobians are normalised, one of ``FACTORS``.
        precision: ``"float32"`` or ``"float64"``.
    """

    loss: str = "state"
    jacobian_weight: float = 1.0
    jacobian_directions: int = 0
    seed: int = 0
    layer_width: int = 512
    layer_depth: int = 2
    activation: str = "elu"
    dropout_rate: float = 0.1
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    batch_size: int = 512
    epochs: int = 100
    split: str = "both"
    test_split: float = 0.1
    test_rows: int = 10_000
    atol: float = 1e-12
    model_atol: float = 1e-6
    factor: str = "derived"
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Check the settings as a whole."""
        for name, known in (
            ("loss", LOSSES),
            ("activation", ACTIVATION_NAMES),
            ("split", SPLITS),
            ("factor", FACTORS),
            ("precision", _PRECISIONS),
        ):
            value = getattr(self, name)
            if value not in known:
                raise SettingError(
                    f"{name} must be one of {', '.join(known)}, got {value!r}{nearest_names(str(value), known)}"
                )
        for name in ("layer_width", "layer_depth", "batch_size", "epochs", "test_rows"):
            check_count(name, getattr(self, name), 1, f"the paper has {getattr(LearnSettings, name)}")
        check_count("seed", self.seed, 0, "try 0")
        if self.seed >= _SEEDS:
            raise SettingError(f"seed must be below {_SEEDS}, got {self.seed}; try 0")
        check_count("jacobian_directions", self.jacobian_directions, 0, "0 takes whole Jacobians")
        if self.jacobian_directions and self.loss != "state-jacobian":
            raise SettingError(
                f"jacobian_directions estimates the loss 'state-jacobian' alone, got {self.jacobian_directions} with "
                f"loss {self.loss!r}; leave it at 0"
            )
        check_atol(self.atol)
        check_atol(self.model_atol)
        for name, least, below in (
            ("jacobian_weight", 0.0, math.inf),
            ("dropout_rate", 0.0, 1.0),
            ("learning_rate", 0.0, math.inf),
            ("weight_decay", 0.0, math.inf),
            ("test_split", 0.0, 1.0),
        ):
            value = getattr(self, name)
            good = isinstance(value, int | float) and not isinstance(value, bool) and least <= value < below
            if not good or (value == 0 and name in ("learning_rate", "test_split")):
                raise SettingError(
                    f"{name} must be a number from 0 to below {below:g}, got {value!r}; "
                    f"the paper has {getattr(LearnSettings, name):g}"
                )
        if self.dropout_rate > _MOST_DROPOUT:
            raise SettingError(f"dropout_rate must be at most {_MOST_DROPOUT}, got {self.dropout_rate}; try 0.1")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)
