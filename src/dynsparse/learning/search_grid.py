"""Search grid: the paper's three hyperparameter searches, and how much of them is run (Appendix A2.1)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dynsparse.config import PRESETS, check_count, nearest_names
from dynsparse.errors import SettingError
from dynsparse.learning.settings import LearnSettings

__all__ = [
    "DECAY_TABLES",
    "SEARCH_PRESETS",
    "WIDTH_TABLES",
    "SearchGrid",
    "SearchPreset",
    "SearchRange",
    "label_of",
    "search_preset",
]

_LABELS = {"activation": "activation-function"}

WIDTH_TABLES: Mapping[str, tuple[int, ...]] = {"a2.4": (32, 128, 512), "a2.2": (512, 1024)}
"""Layer widths of the first search, by the table of the paper that has them.  A2.2 announces other ones than A2.4
ranks; the mean of all ranks, 405.5, is that of 810 runs: 81 configurations, as there are with A2.4, and 10 seeds."""

DECAY_TABLES: Mapping[str, tuple[float, ...]] = {"a2.8": (0.01, 0.001), "a2.11": (0.0, 0.01)}
"""Weight decays of the second search, likewise.  The 0.00 of A2.11 may be 0.001 with two decimals: it has the lowest
rank there, and Table A2.1 keeps 0.001."""


@dataclass(frozen=True)
class SearchRange:
    """The values that a search tries of one hyperparameter.

    Attributes:
        name: A field of ``LearnSettings``.
        values: (v,) in the paper's order, each once.
    """

    name: str
    values: tuple[float | int | str, ...]

    def __post_init__(self) -> None:
        """Check the range."""
        known = [field.name for field in dataclasses.fields(LearnSettings) if field.name not in ("loss", "seed")]
        if self.name not in known:
            raise SettingError(
                f"a search tries settings of a training, got {self.name!r}{nearest_names(self.name, known)}"
            )
        if not self.values or len(set(self.values)) < len(self.values):
            raise SettingError(f"{self.name} must have values, each once, got {self.values!r}; name one at least")

    @property
    def label(self) -> str:
        """The hyperparameter as the paper writes it."""
        return label_of(self.name)


@dataclass(frozen=True)
class SearchGrid:
    """One search: every combination of the values, with so many seeds each.

    Attributes:
        number: 1, 2 or 3.
        ranges: What is tried; everything else has the values that earlier searches chose, or began with.
        seeds: How many.
    """

    number: int
    ranges: tuple[SearchRange, ...]
    seeds: int

    def __post_init__(self) -> None:
        """Check the grid as a whole, the values included."""
        check_count("seeds", self.seeds, 1, "the paper has 10, 5 and 5")
        names = [found.name for found in self.ranges]
        if not names or len(set(names)) < len(names):
            raise SettingError(f"a search must try hyperparameters, each once, got {', '.join(names) or 'none'}")
        self.configurations(LearnSettings())

    def configurations(self, base: LearnSettings) -> list[LearnSettings]:
        """Return every combination of the values, the last range's changing fastest.

        Args:
            base: All else.
        """
        combined = itertools.product(*(found.values for found in self.ranges))
        configurations = []
        for values in combined:
            changed: dict[str, Any] = {found.name: value for found, value in zip(self.ranges, values, strict=True)}
            configurations.append(dataclasses.replace(base, **changed))
        return configurations

    def values_of(self, settings: LearnSettings) -> dict[str, Any]:
        """Return what a configuration has of each range, by the paper's names."""
        return {found.label: getattr(settings, found.name) for found in self.ranges}


@dataclass(frozen=True)
class SearchPreset:
    """How much of the paper's searches is run; the grids are the paper's in every preset.

    Attributes:
        rows: Per environment, where they are collected for it.
        environments: Names; empty for all.
        epochs: How often every training row is used.
        seeds: Of the first, the second and the third search.
    """

    rows: int
    environments: tuple[str, ...]
    epochs: int
    seeds: tuple[int, int, int]

    def settings(self, split: str) -> LearnSettings:
        """Return what every training begins with: Table A2.1, but for a batch of 256 rows.

        Args:
            split: What models are ranked on: ``"step"`` (the paper) or ``"episode"``.
        """
        return LearnSettings(batch_size=256, epochs=self.epochs, split=split)

    def grids(self, width_table: str = "a2.4", decay_table: str = "a2.8") -> tuple[SearchGrid, ...]:
        """Return the three searches.

        Args:
            width_table: Which of ``WIDTH_TABLES`` the first one follows.
            decay_table: Which of ``DECAY_TABLES`` the second one follows.

        Raises:
            SettingError: If there is no such table.
        """
        for name, table, known in (
            ("width_table", width_table, tuple(WIDTH_TABLES)),
            ("decay_table", decay_table, tuple(DECAY_TABLES)),
        ):
            if table not in known:
                raise SettingError(f"{name} must be one of {', '.join(known)}, got {table!r}")
        first = (
            SearchRange("learning_rate", (0.01, 0.0001, 0.001)),
            SearchRange("layer_width", WIDTH_TABLES[width_table]),
            SearchRange("layer_depth", (4, 6, 2)),
            SearchRange("dropout_rate", (0.1, 0.5, 0.3)),
        )
        second = (
            SearchRange("layer_width", (512, 1024)),
            SearchRange("layer_depth", (3, 2)),
            SearchRange("weight_decay", DECAY_TABLES[decay_table]),
        )
        third = (SearchRange("activation", ("elu", "leaky-relu")),)
        return tuple(
            SearchGrid(number, ranges, seeds)
            for number, (ranges, seeds) in enumerate(zip((first, second, third), self.seeds, strict=True), 1)
        )


SEARCH_PRESETS: Mapping[str, SearchPreset] = {
    # Shows that everything runs, in about a minute on two cores: its networks have hardly begun to learn.
    "smoke": SearchPreset(PRESETS["smoke"], ("CartpoleBalance",), 2, (2, 2, 2)),
    # A rail and a pole, an arm with a symmetry, a runner in contact; six pairs of environment and seed, the fewest on
    # which a difference is called one.
    "small": SearchPreset(PRESETS["small"], ("CartpoleBalance", "ReacherHard", "CheetahRun"), 10, (2, 5, 5)),
    # The text says 5 seeds throughout; the mean of the ranks of Tables A2.3 to A2.6 says 10 for the first.
    "paper": SearchPreset(PRESETS["paper"], (), 100, (10, 5, 5)),
}
"""By name."""


def search_preset(name: str) -> SearchPreset:
    """Return a preset by its name.

    Raises:
        SettingError: If there is none; names the nearest ones.
    """
    if name not in SEARCH_PRESETS:
        raise SettingError(f"there is no preset {name!r}{nearest_names(name, tuple(SEARCH_PRESETS))}")
    return SEARCH_PRESETS[name]


def label_of(name: str) -> str:
    """Return a field of ``LearnSettings`` as the paper writes it: ``"learning-rate"``, ``"activation-function"``."""
    return _LABELS.get(name, name.replace("_", "-"))
