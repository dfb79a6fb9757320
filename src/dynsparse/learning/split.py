"""Split: which rows train a model, and which test it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import SettingError
from dynsparse.learning.settings import SPLITS

__all__ = ["Split", "split_rows"]


@dataclass(frozen=True, eq=False)
class Split:
    """Places of rows, each increasing, no row in two of them.

    Attributes:
        train: (k,).
        step: (m,) single control steps, whose neighbours in time are in ``train``; None where there are none.
        episode: (j,) whole episodes; None where there are none.
    """

    train: NDArray[np.int64]
    step: NDArray[np.int64] | None
    episode: NDArray[np.int64] | None

    @property
    def tests(self) -> dict[str, NDArray[np.int64]]:
        """The test sets that there are, by their names ``"step"`` and ``"episode"``."""
        named = {"step": self.step, "episode": self.episode}
        return {name: rows for name, rows in named.items() if rows is not None}


def split_rows(episode: NDArray[np.integer], finite: NDArray[np.bool_], kind: str, share: float, seed: int) -> Split:
    """Draw test sets.

    Args:
        episode: (n,) number of each row's episode.
        finite: (n,) rows that are not are in no set.
        kind: ``"step"``: single rows are drawn, and their neighbours in time train the model that is tested on them;
            ``"episode"``: whole episodes; ``"both"``: whole episodes, then single rows of the other episodes.
        share: Of the rows, or of the episodes, that is kept for testing; for ``"both"`` of the episodes, and of the
            rows of the other episodes.
        seed: What they are drawn from.

    Returns:
        The split.

    Raises:
        SettingError: If the kind is unknown, or one of the sets would be empty.
    """
    if kind not in SPLITS:
        raise SettingError(f"split must be one of {', '.join(SPLITS)}, got {kind!r}; try episode")
    rows = np.flatnonzero(finite)
    whole = single = None
    if kind in ("both", "episode"):
        drawn = _drawn(np.unique(episode[rows]), share, "episode", np.random.default_rng([seed, 2]))
        tested = np.isin(episode[rows], drawn)
        rows, whole = rows[~tested], rows[tested]
    if kind in ("both", "step"):
        drawn = _drawn(rows, share, "row", np.random.default_rng([seed, 0]))
        rows, single = rows[~np.isin(rows, drawn)], np.sort(drawn)
    return Split(rows, single, whole)


def _drawn(units: NDArray[np.integer], share: float, what: str, rng: np.random.Generator) -> NDArray[np.int64]:
    count = round(share * len(units))
    if not 0 < count < len(units):
        raise SettingError(
            f"a test split of {share:g} of {len(units)} {what}{'' if len(units) == 1 else 's'} leaves "
            f"{'none to test on' if count == 0 else 'none to train on'}; collect more, or choose another share"
        )
    return np.asarray(rng.permutation(units)[:count], dtype=np.int64)
