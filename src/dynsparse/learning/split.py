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
    """Places of rows, each increasing, no row in both.

    Attributes:
        train: (k,).
        test: (m,).
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(episode: NDArray[np.integer], finite: NDArray[np.bool_], kind: str, share: float, seed: int) -> Split:
    """Draw a test set.

    Args:
        episode: (n,) number of each row's episode.
        finite: (n,) rows that are not are in neither set.
        kind: ``"step"``: single rows are drawn, and their neighbours in time train the model that is tested on them;
            ``"episode"``: whole episodes.
        share: Of the rows, or of the episodes, that is kept for testing.
        seed: What they are drawn from.

    Returns:
        The split.

    Raises:
        SettingError: If the kind is unknown, or one of the sets would be empty.
    """
    if kind not in SPLITS:
        raise SettingError(f"split must be one of {', '.join(SPLITS)}, got {kind!r}; try episode")
    rows = np.flatnonzero(finite)
    units = rows if kind == "step" else np.unique(episode[rows])
    count = round(share * len(units))
    if not 0 < count < len(units):
        what = "row" if kind == "step" else "episode"
        raise SettingError(
            f"a test split of {share:g} of {len(units)} {what}{'' if len(units) == 1 else 's'} leaves "
            f"{'none to test on' if count == 0 else 'none to train on'}; collect more, or choose another share"
        )
    drawn = np.random.default_rng([seed, 0]).permutation(units)[:count]
    tested = np.isin(rows if kind == "step" else episode[rows], drawn)
    return Split(rows[~tested], rows[tested])
