"""Derivative variant: what one derivative in one precision says of rows that the exact one is known at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.episode_sparsity import EpisodeSparsity, EpisodeSparsityCount
from dynsparse.analysis.rows import RowBlock
from dynsparse.errors import ArrayError
from dynsparse.physics.columns import OFF_TOLERANCE
from dynsparse.physics.environment_audit import ROUND_OFF

__all__ = ["EXACT", "DerivativeVariant", "Jacobians", "compare_jacobians"]

EXACT = ("exact", "float64")
"""Derivative and precision that all others are held against."""

Jacobians = tuple[NDArray[np.float64], NDArray[np.float64]]
"""(n, dt, dt) ∂s'/∂s and (n, dt, da) ∂s'/∂a."""

_ARRAYS = ("nonfinite", "off", "lost", "gained", "lost_elements", "gained_elements")


@dataclass(frozen=True, eq=False)
class DerivativeVariant:
    """One derivative in one precision.

    Attributes:
        derivative: ``"exact"`` or ``"autodiff"``.
        precision: ``"float64"`` or ``"float32"``.
        sparsity: Q1 to Q3 over the rows in which this one and the exact one are finite.
        reference: The same by the exact derivative, over the same rows.
        nonfinite: (e,) rows of each stretch in which this one is not finite.
        off: (e,) rows of each stretch, of those finite in both, that have a column further than 1e-5 from the exact
            one, relative to max(1, largest element of the exact column): the audit's measure.
        lost: (e,) pairs of row and element that are zero by the exact derivative and not by this one.
        gained: (e,) pairs that are zero by this one and not by the exact one.
        lost_elements: (dt, dt + da) the same as ``lost``, by element.
        gained_elements: (dt, dt + da) the same as ``gained``, by element.
        largest_error: Largest distance of a column, relative as above; 0 without rows.
        largest_differing: Largest size, by the derivative that has it larger, of an element that is zero by one of the
            two alone; 0 where there is none.
    """

    derivative: str
    precision: str
    sparsity: EpisodeSparsity
    reference: EpisodeSparsity
    nonfinite: NDArray[np.int64]
    off: NDArray[np.int64]
    lost: NDArray[np.int64]
    gained: NDArray[np.int64]
    lost_elements: NDArray[np.int64]
    gained_elements: NDArray[np.int64]
    largest_error: float
    largest_differing: float

    def __post_init__(self) -> None:
        """Check that the arrays belong together.

        Raises:
            ArrayError: They do not.
        """
        episodes, elements = (self.sparsity.episodes,), self.sparsity.zeros.shape
        if self.reference.zeros.shape != elements or not np.array_equal(self.reference.finite, self.sparsity.finite):
            raise ArrayError(
                f"expected the exact numbers of the same rows beside those of {self.derivative}, got others"
            )
        for name in _ARRAYS:
            expected = elements if name.endswith("_elements") else episodes
            if getattr(self, name).shape != expected:
                raise ArrayError(f"{name} must have shape {expected}, got {getattr(self, name).shape}")
        for name in ("lost", "gained"):
            if getattr(self, name).sum() != getattr(self, f"{name}_elements").sum():
                raise ArrayError(f"{name} must count the same pairs by stretch and by element")

    @property
    def key(self) -> tuple[str, str]:
        """Derivative and precision."""
        return (self.derivative, self.precision)

    @property
    def off_rows(self) -> int:
        """Rows that are off."""
        return int(self.off.sum())

    @property
    def off_share(self) -> NDArray[np.float64]:
        """(e,) share of the rows of each stretch that are off; NaN where none is finite."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.off / self.sparsity.finite.astype(np.float64))

    @property
    def is_same(self) -> bool:
        """Whether no row is off, and the same elements are zero everywhere."""
        return not self.off.any() and not self.differing

    @property
    def differing(self) -> int:
        """Pairs of row and element that are zero by one of the two alone."""
        return int(self.lost.sum() + self.gained.sum())

    @property
    def is_round_off(self) -> bool:
        """Whether no row is off, and all that is zero by one of the two alone is what rounding leaves of a sum."""
        return not self.off.any() and self.largest_differing < ROUND_OFF

    def to_dict(self) -> dict[str, Any]:
        """Return what a reader of the JSON file wants to see."""
        counts = {f"{name}_rows": int(getattr(self, name).sum()) for name in ("nonfinite", "off")}
        zeros = {f"zeros_{name}": int(getattr(self, name).sum()) for name in ("lost", "gained")}
        about = {"derivative": self.derivative, "precision": self.precision}
        largest = {"largest_error": self.largest_error, "largest_differing": self.largest_differing}
        return {**about, **largest, **counts, **zeros, **self.sparsity.to_dict()}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by names that begin with derivative and precision."""
        prefix = f"{self.derivative}_{self.precision}_"
        numbers = self.sparsity.to_arrays(prefix) | self.reference.to_arrays(f"{prefix}reference_")
        return numbers | {f"{prefix}{name}": getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> DerivativeVariant:
        """Read what ``to_dict`` and ``to_arrays`` gave.

        Raises:
            KeyError: Something is missing.
            ArrayError: The arrays do not belong together.
        """
        prefix = f"{found['derivative']}_{found['precision']}_"
        return cls(
            derivative=found["derivative"],
            precision=found["precision"],
            sparsity=EpisodeSparsity.from_arrays(arrays, prefix),
            reference=EpisodeSparsity.from_arrays(arrays, f"{prefix}reference_"),
            largest_error=float(found["largest_error"]),
            largest_differing=float(found["largest_differing"]),
            **{name: arrays[f"{prefix}{name}"] for name in _ARRAYS},
        )


def compare_jacobians(
    jacobians: Mapping[tuple[str, str], Jacobians],
    number: NDArray[np.int64],
    t: NDArray[np.int64],
    *,
    atol: float,
    temporal: bool = True,
    finite: NDArray[np.bool_] | None = None,
) -> tuple[DerivativeVariant, ...]:
    """Hold derivatives of the same rows against the exact one.

    Args:
        jacobians: By derivative and precision; ``EXACT`` is one of them, and comes first in the result.
        number: (n,) which stretch each row belongs to.
        t: (n,) control steps since the stretch began.
        atol: An element is zero when ``abs(x) < atol``.
        temporal: Whether the rows of a stretch follow each other in time.
        finite: (n,) false for rows that the data set itself calls not finite.

    Returns:
        One variant each.

    Raises:
        ArrayError: The shapes do not belong together, or no row is finite by the exact derivative.
    """
    blocks = {
        key: RowBlock.from_arrays(*pair, atol, finite=finite if key == EXACT else None, episode=number, t=t)
        for key, pair in jacobians.items()
    }
    exact = blocks[EXACT]
    if not exact.finite.any():
        raise ArrayError(f"expected rows that are finite by the exact derivative, got none among {exact.rows}")
    order = (EXACT, *(key for key in blocks if key != EXACT))
    return tuple(_variant(key, blocks[key], exact, temporal) for key in order)


def _variant(key: tuple[str, str], block: RowBlock, exact: RowBlock, temporal: bool) -> DerivativeVariant:
    both = block.finite & exact.finite
    own, other = _only(block, both), _only(exact, both)
    error = np.zeros(block.rows)
    error[both] = _errors(_whole(block)[both], _whole(exact)[both])
    differ = own.zero != other.zero
    found = {"lost": differ & other.zero, "gained": differ & own.zero}
    begins = np.flatnonzero(exact.starts)

    def by_stretch(counts: NDArray[Any]) -> NDArray[np.int64]:
        return np.asarray(np.add.reduceat(counts.astype(np.int64), begins))

    return DerivativeVariant(
        *key,
        sparsity=_counted(own, temporal),
        reference=_counted(other, temporal),
        nonfinite=by_stretch(~block.finite),
        off=by_stretch(error > OFF_TOLERANCE),
        lost=by_stretch(found["lost"].sum(axis=1)),
        gained=by_stretch(found["gained"].sum(axis=1)),
        lost_elements=_by_element(found["lost"], block.state_dim),
        gained_elements=_by_element(found["gained"], block.state_dim),
        largest_error=float(error.max(initial=0.0)),
        largest_differing=float(np.maximum(_flat(block), _flat(exact))[differ].max(initial=0.0)),
    )


def _only(block: RowBlock, kept: NDArray[np.bool_]) -> RowBlock:
    """Return the block with fewer finite rows."""
    return RowBlock(block.jac_state, block.jac_action, kept, block.starts, block.zero & kept[:, None])


def _counted(block: RowBlock, temporal: bool) -> EpisodeSparsity:
    count = EpisodeSparsityCount(block.state_dim, block.action_dim, temporal=temporal)
    count.update(block)
    return count.result()


def _whole(block: RowBlock) -> NDArray[np.float64]:
    return np.concatenate([block.jac_state, block.jac_action], axis=2)


def _flat(block: RowBlock) -> NDArray[np.float64]:
    """Return (n, dt * dt + dt * da) sizes, in the order of ``RowBlock.zero``."""
    parts = (block.jac_state, block.jac_action)
    return np.concatenate([np.abs(part).reshape(block.rows, part[0].size) for part in parts], axis=1)


def _errors(jacobian: NDArray[np.float64], exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the largest distance of a column over max(1, largest element of the exact column)."""
    scale = np.maximum(1.0, np.abs(exact).max(axis=1))
    return np.asarray((np.abs(jacobian - exact).max(axis=1) / scale).max(axis=1))


def _by_element(pairs: NDArray[np.bool_], states: int) -> NDArray[np.int64]:
    """Return (dt, dt + da) counts of (n, dt * dt + dt * da) flags, whose state block comes first."""
    counts = np.count_nonzero(pairs, axis=0)
    state, action = np.split(counts, [states**2])
    actions = len(action) // states
    return np.concatenate([state.reshape(states, states), action.reshape(states, actions)], axis=1).astype(np.int64)
