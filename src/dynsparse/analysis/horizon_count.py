"""Horizon count: what is added up, episode by episode, into horizon curves.  No JAX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.horizon_curves import ProductCurves, RolloutCurves, StepLengthCurves
from dynsparse.analysis.horizon_product import carried_products, k_step_products, structural_products
from dynsparse.analysis.zeros import is_zero, row_sparsity
from dynsparse.errors import ArrayError

if TYPE_CHECKING:
    from dynsparse.physics.chain import CarriedJacobians

__all__ = ["SAME", "ProductCount", "count_rollout", "count_step_lengths"]

SAME = 1e-9
"""Relative difference above which two derivatives count as different: far above round-off, far below what matters."""


class ProductCount:
    """Counts zeros of products, one episode after the other.

    Args:
        state_dim: dt.
        action_dim: da.
        horizon: K.
        atol: An element is zero when ``abs(x) < atol``.
    """

    def __init__(self, state_dim: int, action_dim: int, horizon: int, atol: float) -> None:
        self._dims, self._horizon, self._atol = (state_dim, action_dim), horizon, atol
        self._starts: list[int] = []
        self._zeros: list[NDArray[np.int64]] = []
        self._largest: list[NDArray[np.float64]] = []
        self._always = np.ones((2, horizon, state_dim, state_dim + action_dim), dtype=bool)
        self._pairs = np.zeros((2, 2, horizon), dtype=np.int64)

    def add(self, windows: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> None:
        """Count the windows of one episode.

        Args:
            windows: (m, K, dt, dt) and (m, K, dt, da) Jacobians in pieces, each with m at least 1; one is in memory.

        Raises:
            ArrayError: The shapes are others, or there is no piece.
        """
        starts, total = 0, np.zeros((3, 2, self._horizon), dtype=np.int64)
        for jac_state, jac_action in windows:
            total += self._counted(jac_state, jac_action)
            starts += len(jac_state)
        if not starts:
            raise ArrayError("expected at least one window of an episode, got none")
        self._starts.append(starts)
        self._zeros.append(total)

    def _counted(self, jac_state: NDArray[Any], jac_action: NDArray[Any]) -> NDArray[np.int64]:
        """Count some windows; return their zeros of each kind, block and length: (3, 2, K)."""
        dt, da = self._dims
        expected = ((self._horizon, dt, dt), (self._horizon, dt, da))
        if (jac_state.shape[1:], jac_action.shape[1:]) != expected or not len(jac_state):
            raise ArrayError(f"expected windows of shapes {expected}, got {jac_state.shape} and {jac_action.shape}")
        seen = structural_products(~is_zero(jac_state, self._atol), ~is_zero(jac_action, self._atol))
        dusty = structural_products(jac_state != 0, jac_action != 0)
        products = k_step_products(jac_state, jac_action)
        zeros = np.empty((3, 2, self._horizon), dtype=np.int64)
        largest = np.empty((2, self._horizon, len(jac_state)))
        for k, (product, chain, any_chain) in enumerate(zip(products, seen, dusty, strict=True)):
            small = is_zero(product, self._atol)
            # What no chain reaches is zero whatever size dust has by then: one-step zeros times large slopes.
            zero = small | ~chain
            self._always[:, k] &= np.stack([zero.all(axis=0), ~chain.any(axis=0)])
            for block, span in enumerate(_spans(dt)):
                for kind, found in enumerate((zero, ~chain, ~any_chain)):
                    zeros[kind, block, k] = np.count_nonzero(found[:, :, span])
                for kind, found in enumerate((small & chain, ~small & ~chain)):
                    self._pairs[kind, block, k] += found[:, :, span].sum()
                largest[block, k] = np.abs(product[:, :, span]).max(axis=(1, 2), initial=0.0)
        self._largest.append(largest)
        return zeros

    def result(self) -> ProductCurves:
        """Return what was counted.

        Raises:
            ArrayError: No episode was.
        """
        if not self._starts:
            raise ArrayError("expected windows of at least one episode, got none")
        starts, (dt, da) = np.array(self._starts, dtype=np.int64), self._dims
        # One division of whole numbers: an element that is zero at every start then never weighs more than it counts.
        elements = np.maximum(np.array([dt * dt, dt * da]), 1)
        pairs = elements[:, None, None] * starts[:, None]
        sparsity, structure, untouched = np.stack(self._zeros, axis=2) / pairs
        always = np.stack([self._always[..., span].sum(axis=(2, 3)) for span in _spans(dt)], axis=1)
        return ProductCurves(
            starts,
            sparsity,
            structure,
            untouched,
            always[0],
            always[1],
            self._pairs[0],
            self._pairs[1],
            np.median(np.concatenate(self._largest, axis=2), axis=2),
        )


def count_rollout(
    steps: CarriedJacobians,
    stored: tuple[NDArray[Any], NDArray[Any]],
    episode: NDArray[Any],
    rows: NDArray[Any],
    atol: float,
) -> RolloutCurves:
    """Hold the derivative of roll-outs, warm start carried, against the product of the one-step Jacobians.

    Args:
        steps: Fields (m, K, rows, columns): state and warm start together.
        stored: (m, K, dt, dt) and (m, K, dt, da) Jacobians as the data set holds them.
        episode: (m,) episode of each window; windows of an episode follow each other.
        rows: (m, K) place of each row in the data set, to count those that several windows share once.
        atol: An element is zero when ``abs(x) < atol``.

    Returns:
        The curves, of those windows of which every row is finite.

    Raises:
        ArrayError: There is none.
    """
    kept = np.asarray(steps.finite.all(axis=1))
    if not kept.any():
        raise ArrayError(f"expected finite roll-outs, none of {len(kept)} is; take a shorter horizon")
    steps, stored = type(steps)(*(part[kept] for part in steps)), (stored[0][kept], stored[1][kept])
    episode, rows = episode[kept], rows[kept]
    m, horizon, dt, _ = steps.state_by_state.shape
    shares = np.empty((2, 2, m, horizon))
    absolute, relative = np.zeros((2, 2, horizon))
    differing, lost, gained = np.zeros((3, 2, horizon), dtype=np.int64)
    plain = k_step_products(steps.state_by_state, steps.state_by_action)
    for k, (carried, product) in enumerate(zip(carried_products(steps), plain, strict=True)):
        for block, span in enumerate(_spans(dt)):
            one, other = carried[:, :, span], product[:, :, span]
            zeros, before = is_zero(one, atol), is_zero(other, atol)
            shares[:, block, :, k] = row_sparsity(zeros.reshape(m, -1)), row_sparsity(before.reshape(m, -1))
            apart, ratio = _apart(one, other)
            absolute[block, k], relative[block, k] = apart.max(), ratio.max()
            differing[block, k] = (ratio > SAME).sum()
            lost[block, k], gained[block, k] = (before & ~zeros).sum(), (zeros & ~before).sum()
    numbers, first = np.unique(episode, return_index=True)
    shares = np.stack([shares[:, :, episode == number].mean(axis=2) for number in numbers[np.argsort(first)]], axis=2)
    warm = (steps.state_by_warmstart != 0).any(axis=(2, 3))
    pairs = zip((steps.state_by_state, steps.state_by_action), stored, strict=True)
    flat = [[x.reshape(m * horizon, dt, -1) for x in pair] for pair in pairs]
    return RolloutCurves(
        starts=_in_order(episode),
        sparsity=shares[0],
        product=shares[1],
        absolute=absolute,
        relative=relative,
        differing=differing,
        lost=lost,
        gained=gained,
        rows=len(np.unique(rows)),
        warm_rows=len(np.unique(rows[warm])),
        recomputed=float(max(_apart(*pair)[1].max(initial=0.0) for pair in flat)),
    )


def count_step_lengths(
    steps: CarriedJacobians,
    episode: NDArray[Any],
    counts: Sequence[int],
    *,
    timestep: float,
    substeps: int,
    atol: float,
) -> StepLengthCurves:
    """Count zeros of control steps of several lengths.

    Args:
        steps: Fields (n, c, rows, columns) after each of the counts; rows of which not all are finite are left out.
        episode: (n,) episode of each row, in order.
        counts: (c,) lengths in substeps.
        timestep: Duration of a substep, s.
        substeps: Substeps of the environment's own control step.
        atol: An element is zero when ``abs(x) < atol``.

    Returns:
        The curves.

    Raises:
        ArrayError: No row is finite at all lengths.
    """
    kept = np.asarray(steps.finite.all(axis=1))
    if not kept.any():
        raise ArrayError(f"expected rows that are finite after {counts[-1]} substeps, none of {len(kept)} is")
    blocks = [is_zero(part[kept], atol) for part in (steps.state_by_state, steps.state_by_action)]
    number = episode[kept]
    each = np.stack([[row_sparsity(x[:, c].reshape(len(x), -1)) for c in range(len(counts))] for x in blocks])
    episodes = number[np.sort(np.unique(number, return_index=True)[1])]
    return StepLengthCurves(
        counts=np.array(counts, dtype=np.int64),
        rows=_in_order(number),
        sparsity=np.stack([each[:, :, number == one].mean(axis=2) for one in episodes], axis=1),
        always_zero=np.stack([x.all(axis=0).sum(axis=(1, 2)) for x in blocks]),
        timestep=timestep,
        substeps=substeps,
        left_out=int((~kept).sum()),
    )


def _spans(state_dim: int) -> tuple[slice, slice]:
    return slice(0, state_dim), slice(state_dim, None)


def _apart(one: NDArray[Any], other: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each matrix's largest difference, and that over the largest element of either; (m, rows, columns)."""
    apart = np.abs(one - other).max(axis=(1, 2), initial=0.0)
    scale = np.maximum(np.abs(one), np.abs(other)).max(axis=(1, 2), initial=0.0)
    return apart, apart / np.where(scale > 0, scale, 1.0)


def _in_order(episode: NDArray[Any]) -> NDArray[np.int64]:
    """Count how often each episode occurs, in the order of their first rows."""
    _, first, count = np.unique(episode, return_index=True, return_counts=True)
    return np.asarray(count[np.argsort(first)], dtype=np.int64)
