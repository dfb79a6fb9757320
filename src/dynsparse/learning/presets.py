"""Learning presets: how much of the paper's experiment of Section 5.4 is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dynsparse.config import nearest_names
from dynsparse.errors import SettingError
from dynsparse.learning.settings import LearnSettings

__all__ = ["LEARNING_PRESETS", "LearningPreset", "learning_preset"]


@dataclass(frozen=True)
class LearningPreset:
    """Seeds and settings; the rows of a data set are those of the preset of the same name in ``dynsparse.config``.

    Attributes:
        seeds: How many.
        settings: Of every training but for loss and seed.
    """

    seeds: int
    settings: LearnSettings


LEARNING_PRESETS: Mapping[str, LearningPreset] = {
    # Shows that everything runs, in two minutes on two cores; its networks are too small and too early to judge.
    # A quarter for testing: of four episodes, a tenth would be none.
    "smoke": LearningPreset(2, LearnSettings(layer_width=64, batch_size=128, epochs=8, test_split=0.25)),
    # The paper's network, losses and optimiser, on a fiftieth of its rows for a fifth of its epochs: at most two hours
    # on two cores.
    "small": LearningPreset(3, LearnSettings(epochs=20)),
    "paper": LearningPreset(15, LearnSettings()),
}
"""By name; "paper" has everything of Table A2.1, but that whole episodes are kept for testing besides single steps."""


def learning_preset(name: str) -> LearningPreset:
    """Return a preset by its name.

    Raises:
        SettingError: If there is none; names the nearest ones.
    """
    if name not in LEARNING_PRESETS:
        raise SettingError(f"there is no preset {name!r}{nearest_names(name, tuple(LEARNING_PRESETS))}")
    return LEARNING_PRESETS[name]
