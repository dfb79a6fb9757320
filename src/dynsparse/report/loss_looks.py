"""Loss looks: how each loss, and each referee, is named and drawn in every figure and table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["BASELINE", "EVERYTHING", "FREQUENCY", "IDENTITY", "INITIAL", "LossLook", "in_usual_order", "look_of"]

BASELINE = "state"
"""The loss that all others are paired with."""

FREQUENCY = "training-frequency"
"""The referee that knows how often each element is non-zero in the training rows, and nothing of the state."""

IDENTITY = "identity"
"""The referee that predicts that nothing changes."""

EVERYTHING = "all-ones"
"""The referee to which everything depends on everything: what a score is by chance."""


@dataclass(frozen=True)
class LossLook:
    """How a loss or a referee looks; in grey, line and marker tell them apart.

    Attributes:
        name: As in the records.
        label: What is written on paper.
        meaning: What it is, for the page.
        colour: Of lines and markers.
        line: Line style.
        marker: Marker.
        is_loss: False for a referee, which is drawn hollow.
    """

    name: str
    label: str
    meaning: str
    colour: str
    line: Any
    marker: str
    is_loss: bool = True


# Colours of Okabe and Ito, in the order of their grey values; the paper's order of losses.
_LOSSES = (
    LossLook("state", "state", "mean squared error of the next state", "#000000", "-", "o"),
    LossLook("state-jacobian", "+ MSE(J)", "and of the Jacobian", "#0072B2", "--", "s"),
    LossLook("state-jacobian-l1", "+ MAE(J)", "and the mean absolute error of the Jacobian", "#D55E00", "-.", "^"),
    LossLook(
        "state-jacobian-l1-regularizer",
        "+ L1(J)",
        "and the mean absolute value of the predicted Jacobian",
        "#009E73",
        ":",
        "D",
    ),
    LossLook(
        "state-jacobian-l1-sparse-only",
        "+ SAE(J)",
        "and the mean absolute value of the predicted Jacobian where the true one is zero",
        "#CC79A7",
        (0, (5, 1, 1, 1, 1, 1)),
        "v",
    ),
)
_REFEREE = "#555555"
_REFEREES = (
    LossLook("constant", "constant", "the mean next state, whatever the state", _REFEREE, ":", "d", False),
    LossLook(IDENTITY, "identity", "the state itself", _REFEREE, "--", "d", False),
    LossLook(EVERYTHING, "all ones", "everything depends on everything", _REFEREE, ":", "d", False),
    LossLook(
        FREQUENCY, "frequency", "how often each element is non-zero in the training rows", _REFEREE, "--", "d", False
    ),
    LossLook("truth", "truth", "the simulator's own Jacobian", _REFEREE, "-", "d", False),
)
INITIAL = LossLook("initial", "initial", "networks before training", _REFEREE, "-", "o", False)
"""The untrained network of Figure 8."""

_KNOWN = {look.name: look for look in (*_LOSSES, *_REFEREES)}
# For losses that the paper does not have.
_SPARE = (("#E69F00", "P", (0, (1, 1))), ("#56B4E9", "X", (0, (3, 1, 1, 1))), ("#7F7F7F", "*", (0, (8, 2))))


def look_of(name: str) -> LossLook:
    """Return the look of a loss or referee; one without a look of its own gets a spare one by its name."""
    if name in _KNOWN:
        return _KNOWN[name]
    colour, marker, line = _SPARE[sum(name.encode()) % len(_SPARE)]
    return LossLook(name, name, name, colour, line, marker)


def in_usual_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names of losses, or of referees, as the paper lists them, others after them by name."""
    known = list(_KNOWN)
    return tuple(sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name)))
