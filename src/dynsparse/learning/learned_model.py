"""Learned model: a trained network in the units of the data set, as scores ask for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.trainer import Trainer

__all__ = ["LearnedModel"]


@dataclass(frozen=True, eq=False)
class LearnedModel:
    """A model as it is now: it changes while its trainer trains.

    Attributes:
        trainer: The network.
        normalizer: What its rows were normalised by.
    """

    trainer: Trainer
    normalizer: Normalizer

    derivative = "given"

    def predict(self, state: NDArray[np.float64], action: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Return (n, ds) next states of (n, ds) states and (n, da) actions."""
        found = self.trainer.predict(self.normalizer.inputs(state, action))
        return self.normalizer.next_states(found.astype(np.float64))

    def jacobians(self, state: NDArray[np.float64], action: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Return (n, ds, ds + da), row = next state, column = state, then action."""
        _, found = self.trainer.jacobians(self.normalizer.inputs(state, action))
        return self.normalizer.raw_jacobians(found.astype(np.float64))
