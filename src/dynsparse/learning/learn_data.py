"""Learning data: the rows of a data set, split and normalised for one training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import SettingError
from dynsparse.learning.losses import needs_jacobian
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.scored_rows import ScoredRows
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.split import split_rows
from dynsparse.learning.trainer import TrainRows
from dynsparse.learning.zero_count import ZeroCount
from dynsparse.physics.state_space import StateSpace

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset

__all__ = ["FIELDS", "LearnData", "StoredRows", "refuse_too_small"]

FIELDS = (
    "state",
    "action",
    "next_state",
    "jac_state",
    "jac_action",
    "constraint_active",
    "episode",
    "t",
    "finite",
)

_ROWS_AT_A_TIME = 2_000
"""Rows that are normalised at a time: lifted, those of Humanoid take some 200 MB in float64."""


@dataclass(frozen=True, eq=False)
class StoredRows:
    """All rows of a data set in memory.

    Attributes:
        environment: Name of the environment.
        policy: Name of the policy.
        state_names: (ds,) names of the state variables.
        arrays: The fields ``FIELDS``.
        quaternions: Where in the state each unit quaternion starts.
    """

    environment: str
    policy: str
    state_names: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]
    quaternions: tuple[int, ...] = ()

    @classmethod
    def read(cls, dataset: Dataset) -> StoredRows:
        """Read a data set.

        Raises:
            DatasetError: If a file is missing, altered or can not be decoded.
        """
        description = dataset.description
        return cls(
            dataset.environment,
            str(description.policy["name"]),
            description.state_names,
            dataset.load(FIELDS),
            description.quaternions,
        )


def refuse_too_small(dataset: Dataset, settings: LearnSettings, seeds: Sequence[int]) -> None:
    """Refuse a data set that can not be split, or leaves no batch to train on, before anything is started.

    Args:
        dataset: The data set.
        settings: Split and size of a batch.
        seeds: What splits are drawn from.

    Raises:
        SettingError: If it is too small; says what there is.
        DatasetError: If a file is missing, altered or can not be decoded.
    """
    found = dataset.load(["episode", "finite"])
    for seed in seeds:
        split = split_rows(found["episode"], found["finite"], settings.split, settings.test_split, seed)
        if len(split.train) < settings.batch_size:
            raise SettingError(
                f"expected at least {settings.batch_size} rows of {dataset.environment} to train on (one batch), got "
                f"{len(split.train)} of {dataset.rows}; collect more, or choose a smaller batch_size"
            )


@dataclass(frozen=True, eq=False)
class LearnData:
    """What one training needs.

    Attributes:
        train: Normalised rows to train on.
        tests: Rows to test on, by the name of the test set: ``"step"``, ``"episode"``.
        normalizer: Mean and standard deviation of the rows to train on.
        episodes: How many episodes the rows of ``"train"`` and of each test set are from.
    """

    train: TrainRows
    tests: Mapping[str, ScoredRows]
    normalizer: Normalizer
    episodes: Mapping[str, int]

    @classmethod
    def prepare(cls, rows: StoredRows, settings: LearnSettings) -> LearnData:
        """Split and normalise.

        Nothing of a test set is used for training, neither for the means and standard deviations nor for the
        frequencies of zeros that a referee goes by.

        A network knows nothing of quaternions: it maps normalised numbers to normalised numbers.  So that its Jacobian
        can be compared with the simulator's, which is of tangents, that one is lifted: to the derivative of the step
        that takes a quaternion of any length for its direction.  An element of a lifted Jacobian is zero where all of
        the tangent's that enter it are.  Tests, in contrast, score in tangents.

        Args:
            rows: The data set.
            settings: Split, seed, thresholds and factor.

        Returns:
            The data.

        Raises:
            SettingError: If there are too few rows or episodes to split.
            ArrayError: If no row is finite.
        """
        arrays = rows.arrays
        split = split_rows(arrays["episode"], arrays["finite"], settings.split, settings.test_split, settings.seed)
        used = {name: arrays[name][split.train] for name in ("state", "action", "next_state")}
        normalizer = Normalizer.fit([used])
        zeros = _count_zeros(arrays, split.train, settings.atol)
        dtype = np.dtype(settings.precision)
        jacobians = zero = None
        if needs_jacobian(settings.loss):
            space = StateSpace(normalizer.state_dim, rows.quaternions)
            jacobians, zero = _normalized(arrays, split.train, space, normalizer, settings, dtype)
        train = TrainRows(
            normalizer.inputs(used["state"], used["action"]).astype(dtype),
            normalizer.outputs(used["next_state"]).astype(dtype),
            jacobians,
            zero,
        )
        tests = {
            name: ScoredRows.from_arrays(
                arrays,
                _drawn(index, settings),
                normalizer=normalizer,
                training_zero_frequency=zeros.training_frequency,
                changing=zeros.changing,
                environment=rows.environment,
                policy=rows.policy,
                zero_atol=settings.atol,
                quaternions=rows.quaternions,
            )
            for name, index in split.tests.items()
        }
        sets = {"train": split.train} | {name: test.index for name, test in tests.items()}
        episodes = {name: len(np.unique(arrays["episode"][index])) for name, index in sets.items()}
        return cls(train, tests, normalizer, episodes)


def _normalized(
    arrays: Mapping[str, NDArray[Any]],
    train: NDArray[np.int64],
    space: StateSpace,
    normalizer: Normalizer,
    settings: LearnSettings,
    dtype: np.dtype[Any],
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Return normalised, lifted Jacobians of the rows to train on, and where the simulator's are zero."""
    shape = (len(train), *normalizer.jacobian_factor().shape)
    jacobians, zero = np.empty(shape, dtype), np.empty(shape, dtype=bool)
    for part in _parts(len(train)):  # the whole in float64 would be held twice
        own, at, to = (np.asarray(arrays[name][train[part]]) for name in ("jac_state", "state", "next_state"))
        state, action = space.lift_jacobian(own, np.asarray(arrays["jac_action"][train[part]]), at, to)
        zero[part] = np.abs(np.concatenate([state, action], axis=2)) < settings.atol
        jacobians[part] = normalizer.jacobians(state, action, settings.factor)
    return jacobians, zero


def _parts(rows: int) -> Iterator[slice]:
    return (slice(first, first + _ROWS_AT_A_TIME) for first in range(0, rows, _ROWS_AT_A_TIME))


def _count_zeros(arrays: Mapping[str, NDArray[Any]], train: NDArray[np.int64], atol: float) -> ZeroCount:
    finite = np.asarray(arrays["finite"], dtype=bool)
    trained = np.zeros(len(finite), dtype=bool)
    trained[train] = True
    zeros = ZeroCount(atol)
    for part in _parts(len(finite)):
        both = np.concatenate([arrays[name][part] for name in ("jac_state", "jac_action")], axis=2)
        zeros.add(both, finite[part], trained[part])
    return zeros


def _drawn(index: NDArray[np.int64], settings: LearnSettings) -> NDArray[np.int64]:
    if len(index) <= settings.test_rows:
        return index
    drawn = np.random.default_rng([settings.seed, 3]).permutation(len(index))[: settings.test_rows]
    return index[np.sort(drawn)]
