"""Horizon curves: what was counted over windows of control steps, episode by episode.  No JAX.

The first axis of every array with two of them is the block: the state's, then the action's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError

__all__ = ["ProductCurves", "RolloutCurves", "StepLengthCurves"]


@dataclass(frozen=True, eq=False)
class _Curves:
    """Arrays of known axes: e episodes, k points."""

    _AXES: ClassVar[dict[str, str]] = {}

    def __post_init__(self) -> None:
        """Check that the arrays belong together.

        Raises:
            ArrayError: They do not; says which.
        """
        sizes = {"b": 2}
        for name, axes in self._AXES.items():
            shape = getattr(self, name).shape
            known = tuple(sizes.setdefault(axis, length) for axis, length in zip(axes, shape, strict=False))
            if len(shape) != len(axes) or shape != known:
                raise ArrayError(f"expected {name} with axes {', '.join(axes)} of {sizes}, got shape {shape}")

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, for a file."""
        return {f"{prefix}_{name}": getattr(self, name) for name in self._AXES}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the fields that are no arrays."""
        return tuple(field.name for field in fields(cls) if field.name not in cls._AXES)


@dataclass(frozen=True, eq=False)
class ProductCurves(_Curves):
    """Products of one-step Jacobians over k = 1 to K control steps.

    Attributes:
        starts: (e,) windows of each episode.
        sparsity: (2, e, K) mean share of zeros of the product: elements with ``abs(x) < atol``, and those that no chain
            of one-step elements at or above ``atol`` reaches, however large dust has become there.
        structure: (2, e, K) mean share of the latter alone.  ``atol`` meets single steps only, never a product.
        untouched: (2, e, K) the same of the patterns ``x != 0``: no threshold meets anything.
        always_zero: (2, K) elements that are zero at every start.
        always_structure: (2, K) elements that no chain reaches at any start.
        cancelled: (2, K) pairs of start and element that a chain reaches and the product has below ``atol``.
        dust: (2, K) pairs that no chain reaches and the product has at or above ``atol``: one-step elements below it,
            multiplied with large ones.  They count as zeros.
        largest: (2, K) median over the starts of the largest element's size.
    """

    starts: NDArray[np.int64]
    sparsity: NDArray[np.float64]
    structure: NDArray[np.float64]
    untouched: NDArray[np.float64]
    always_zero: NDArray[np.int64]
    always_structure: NDArray[np.int64]
    cancelled: NDArray[np.int64]
    dust: NDArray[np.int64]
    largest: NDArray[np.float64]

    _AXES: ClassVar[dict[str, str]] = {
        "starts": "e",
        "sparsity": "bek",
        "structure": "bek",
        "untouched": "bek",
        "always_zero": "bk",
        "always_structure": "bk",
        "cancelled": "bk",
        "dust": "bk",
        "largest": "bk",
    }


@dataclass(frozen=True, eq=False)
class RolloutCurves(_Curves):
    """The derivative of the roll-out with its warm start carried, beside the plain product at the same starts.

    Attributes:
        starts: (e,) windows of each episode that has any.
        sparsity: (2, e, K) mean share of zeros of the roll-out's derivative.
        product: (2, e, K) the same of the plain product.
        absolute: (2, K) largest difference of an element.
        relative: (2, K) largest difference of an element over the largest element of the block at that start.
        differing: (2, K) starts at which that is more than 1e-9.
        lost: (2, K) pairs of start and element that are zero in the product and not in the roll-out.
        gained: (2, K) pairs that are zero in the roll-out and not in the product.
        rows: Rows that were differentiated.
        warm_rows: Those whose next state has a slope by the warm start.
        recomputed: Largest difference between their one-step Jacobians and the stored ones, relative as above.
    """

    starts: NDArray[np.int64]
    sparsity: NDArray[np.float64]
    product: NDArray[np.float64]
    absolute: NDArray[np.float64]
    relative: NDArray[np.float64]
    differing: NDArray[np.int64]
    lost: NDArray[np.int64]
    gained: NDArray[np.int64]
    rows: int
    warm_rows: int
    recomputed: float

    _AXES: ClassVar[dict[str, str]] = {
        "starts": "e",
        "sparsity": "bek",
        "product": "bek",
        "absolute": "bk",
        "relative": "bk",
        "differing": "bk",
        "lost": "bk",
        "gained": "bk",
    }


@dataclass(frozen=True, eq=False)
class StepLengthCurves(_Curves):
    """Jacobians of control steps of several lengths from the same rows, the action held.

    Attributes:
        counts: (k,) lengths in substeps.
        rows: (e,) rows of each episode that has any.
        sparsity: (2, e, k) mean share of zeros.
        always_zero: (2, k) elements that are zero at every row.
        timestep: Duration of a substep, s.
        substeps: Substeps of the environment's own control step; one of the counts.
        left_out: Rows of which not all lengths are finite.
    """

    counts: NDArray[np.int64]
    rows: NDArray[np.int64]
    sparsity: NDArray[np.float64]
    always_zero: NDArray[np.int64]
    timestep: float
    substeps: int
    left_out: int

    _AXES: ClassVar[dict[str, str]] = {"counts": "k", "rows": "e", "sparsity": "bek", "always_zero": "bk"}
