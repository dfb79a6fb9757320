"""Payload: what the explore page knows of one rollout, as plain JSON values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.report.explore_causes import RowCauses
from dynsparse.report.explore_code import MagnitudeScale, bits, encoded, nibbles
from dynsparse.report.explore_frames import FrameStrip
from dynsparse.report.explore_rollout import ROUND_OFF, Rollout
from dynsparse.report.explore_scatter import Scatter

__all__ = ["Exhibit", "make_payload"]

_GRID = 2**16 - 1
"""Cells of the grid on which points lie, each way."""


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One rollout and all that is shown beside it.

    Attributes:
        rollout: Its steps.
        frames: Its pictures.
        scatter: Its place in the embedding.
        causes: Why its elements are zero; None where that was not measured.
    """

    rollout: Rollout
    frames: FrameStrip
    scatter: Scatter
    causes: RowCauses | None = None

    def thinned(self, factor: int | None) -> Exhibit:
        """Return it with every so many-th frame, or none of them.

        Args:
            factor: How many of its frames stand between two that stay; None for no frame.
        """
        if not self.frames.pictures:
            return self
        if factor is None:
            return replace(self, frames=FrameStrip.none("frames were left out to keep the page small"))
        return replace(self, frames=self.frames.thinned(factor))

    def first(self, steps: int) -> Exhibit:
        """Return its first steps alone."""
        return replace(
            self,
            rollout=self.rollout.first(steps),
            frames=self.frames.first(steps),
            scatter=replace(self.scatter, own=self.scatter.own[:steps]),
        )


def make_payload(exhibit: Exhibit, scale: MagnitudeScale | None) -> dict[str, Any]:
    """Write a rollout down; the same exhibit gives the same values.

    Numbers lie row after row: bits eight to a byte (``bits``), labels two (``nibbles``), floats little-endian.

    Args:
        exhibit: What is shown.
        scale: Code of the magnitudes; None keeps every element in full, eight bytes each.

    Returns:
        Plain JSON values under string keys.
    """
    rollout = exhibit.rollout
    zero = rollout.zero
    kept = rollout.finite[:, None, None] & ~zero
    jacobian = np.where(kept, rollout.jacobian, 0.0)
    payload: dict[str, Any] = {
        "environment": rollout.environment,
        "policy": rollout.policy,
        "episode": rollout.episode,
        "episodeSteps": rollout.episode_steps,
        "isRollout": rollout.is_rollout,
        "steps": len(rollout),
        "dt": rollout.dt,
        "atol": rollout.atol,
        "derivative": rollout.derivative,
        "stateNames": list(rollout.state_names),
        "stateUnits": list(rollout.state_units),
        "tangentNames": list(rollout.tangent_names),
        "tangentUnits": list(rollout.tangent_units),
        "actionNames": list(rollout.action_names),
        "constraintNames": list(rollout.constraint_names),
        "finite": encoded(bits(rollout.finite)),
        "zero": encoded(bits(zero)),
        "roundOff": ROUND_OFF,
        # Where zeros are counted above it, nothing lies between.
        "small": encoded(bits(rollout.small)) if rollout.atol < ROUND_OFF else None,
        "negative": encoded(bits(jacobian < 0)),
        "active": encoded(bits(rollout.active)),
        "state": _floats(rollout.state, "<f4"),
        "action": _floats(rollout.action, "<f4"),
        "reward": _floats(rollout.reward, "<f4"),
        "causes": _causes(exhibit.causes, len(rollout)),
        "frames": _frames(exhibit.frames),
        "scatter": _scatter(exhibit.scatter),
    }
    if scale is None:
        return payload | {"values": _floats(jacobian, "<f8")}
    codes = scale.encode(jacobian, kept)
    return payload | {"magnitude": encoded(codes.tobytes()), "scale": [scale.low, scale.high]}


def _floats(array: np.ndarray, kind: str) -> str:
    return encoded(np.ascontiguousarray(array, dtype=kind).tobytes())


def _causes(causes: RowCauses | None, steps: int) -> dict[str, Any] | None:
    if causes is None:
        return None
    labels = causes.labels[:steps]
    return {"steps": len(labels), "labels": encoded(nibbles(labels))}


def _frames(frames: FrameStrip) -> dict[str, Any]:
    if not frames.pictures:
        return {"missing": frames.missing}
    return {"every": frames.every, "type": frames.type, "pictures": [encoded(x) for x in frames.pictures]}


def _scatter(scatter: Scatter) -> dict[str, Any]:
    """Put the points on a grid: both axes by one scale, so that distances stay comparable."""
    every = np.concatenate([scatter.points, scatter.own])
    every = every[np.isfinite(every).all(axis=1)]
    if scatter.missing or not len(every):
        return {"missing": scatter.missing or "no row of the data set is embedded"}
    low = every.min(axis=0)
    span = max(float((every.max(axis=0) - low).max()), 1e-300)
    on_grid = np.rint((scatter.points - low) / span * _GRID).astype("<u2")
    shown: NDArray[np.bool_] = np.asarray(np.isfinite(scatter.own).all(axis=1))
    own = np.rint((np.where(shown[:, None], scatter.own, low) - low) / span * _GRID).astype("<u2")
    sparsity = np.rint(np.clip(scatter.sparsity, 0, 1) * _GRID).astype("<u2")
    return {
        "points": encoded(on_grid.tobytes()),
        "sparsity": encoded(sparsity.tobytes()),
        "own": encoded(own.tobytes()),
        "shown": encoded(bits(shown)),
    }
