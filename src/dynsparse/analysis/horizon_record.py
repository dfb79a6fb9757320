"""Horizon record: sparsity over k control steps and over the length of one, and how files hold it.  No JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.horizon_curves import ProductCurves, RolloutCurves, StepLengthCurves
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.errors import ArrayError

__all__ = ["BLOCKS", "HorizonRecord", "holds_horizon"]


BLOCKS = ("state", "action")
"""What the first axis of the curves counts."""


@dataclass(frozen=True, eq=False)
class HorizonRecord(StoredRecord):
    """How sparse the Jacobian over several control steps is, in one data set.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions.
        derivative: Which transition Jacobian.
        atol: An element is zero when ``abs(x) < atol``.
        dt: Duration of a control step, s.
        state_names: (dt,) names of a Jacobian's rows and first columns.
        action_names: (da,) names of its last columns.
        horizon: K, most control steps.
        left_out: Episodes without so many finite rows that follow each other.
        product: Products of one-step Jacobians.
        rollout: Derivatives of roll-outs beside them; None where there are none.
        step_length: Control steps of several lengths; None where there are none.
        why_not: Why the two are missing; empty where they are not.
        provenance: Settings, seeds and versions that made it.
    """

    STEM = "horizon"

    environment: str
    policy: str
    derivative: str
    atol: float
    dt: float
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    horizon: int
    left_out: int
    product: ProductCurves
    rollout: RolloutCurves | None
    step_length: StepLengthCurves | None
    why_not: str
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check that numbers and curves belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        lengths = {"product": self.product.sparsity.shape[2]}
        if self.rollout is not None:
            lengths["rollout"] = self.rollout.sparsity.shape[2]
        if set(lengths.values()) != {self.horizon}:
            raise ArrayError(f"expected curves over {self.horizon} control steps, got {lengths}")
        if self.step_length is not None and self.step_length.substeps not in self.step_length.counts:
            raise ArrayError(
                f"expected the own {self.step_length.substeps} substeps among {self.step_length.counts.tolist()}"
            )
        if (self.rollout is None or self.step_length is None) != bool(self.why_not):
            raise ArrayError("expected a reason where curves are missing, and none where they are not")
        for name, largest in (("always_zero", self.product.always_zero), ("always", self.product.always_structure)):
            if (largest > np.array([self.elements(b) for b in (0, 1)])[:, None]).any():
                raise ArrayError(f"expected {name} to count elements of {len(self.state_names)} rows, got {largest}")
        least = min(float(self.local(block).min(initial=0.0)) for block in (0, 1))
        if least < 0.0:
            raise ArrayError(
                f"expected what is zero at every start among the zeros of each episode, got {-least:.3g} of the "
                "elements too few; measure again: dynsparse reproduce --only horizon"
            )

    @property
    def steps(self) -> NDArray[np.int64]:
        """(K,) the numbers of control steps, from 1."""
        return np.arange(1, self.horizon + 1)

    def elements(self, block: int) -> int:
        """Return how many elements a block has: 0 for the state's, 1 for the action's."""
        return len(self.state_names) * len(self.action_names if block else self.state_names)

    def local(self, block: int) -> NDArray[np.float64]:
        """Return each episode's local sparsity: zeros beyond the elements that are zero at every start; never below 0.

        Args:
            block: 0 for the state's, 1 for the action's.

        Returns:
            (e, K) shares of all elements.
        """
        always = self.product.always_zero[block] / max(self.elements(block), 1)
        return np.asarray(self.product.sparsity[block] - always)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``horizon.json`` holds, besides the hashes that ``save`` adds."""
        return {
            "schema": files.SCHEMA,
            "environment": self.environment,
            "policy": self.policy,
            "derivative": self.derivative,
            "atol": self.atol,
            "dt": self.dt,
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            "horizon": self.horizon,
            "left_out": self.left_out,
            "episodes": len(self.product.starts),
            "starts": int(self.product.starts.sum()),
            "sparsity_mean": _by_block(self.product.sparsity.mean(axis=1)),
            "structure_mean": _by_block(self.product.structure.mean(axis=1)),
            "always_zero": _by_block(self.product.always_zero),
            "rollout": _rollout(self.rollout),
            "step_length": _step_length(self.step_length),
            "why_not": self.why_not,
            "provenance": dict(self.provenance),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``horizon.npz`` holds, by name."""
        arrays = self.product.to_arrays("product")
        for name, curves in (("rollout", self.rollout), ("step_length", self.step_length)):
            arrays |= {} if curves is None else curves.to_arrays(name)
        return arrays

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold."""

        def curves(kind: type[Any], prefix: str, scalars: Mapping[str, Any]) -> Any:
            own = {name.removeprefix(f"{prefix}_"): x for name, x in arrays.items() if name.startswith(f"{prefix}_")}
            return kind(**own, **{name: scalars[name] for name in kind.names()})

        rollout, step_length = found["rollout"], found["step_length"]
        return cls(
            environment=found["environment"],
            policy=found["policy"],
            derivative=found["derivative"],
            atol=found["atol"],
            dt=found["dt"],
            state_names=tuple(found["state_names"]),
            action_names=tuple(found["action_names"]),
            horizon=found["horizon"],
            left_out=found["left_out"],
            product=curves(ProductCurves, "product", {}),
            rollout=None if rollout is None else curves(RolloutCurves, "rollout", rollout),
            step_length=None if step_length is None else curves(StepLengthCurves, "step_length", step_length),
            why_not=found["why_not"],
            provenance=found["provenance"],
        )


def holds_horizon(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a record of horizons, sound or not."""
    return files.holds_analysis(folder, HorizonRecord.STEM)


def _by_block(values: NDArray[Any]) -> dict[str, list[Any]]:
    return {name: values[block].tolist() for block, name in enumerate(BLOCKS)}


def _rollout(curves: RolloutCurves | None) -> dict[str, Any] | None:
    if curves is None:
        return None
    return {
        "starts": int(curves.starts.sum()),
        "relative": _by_block(curves.relative),
        "differing": _by_block(curves.differing),
        **{name: getattr(curves, name) for name in curves.names()},
    }


def _step_length(curves: StepLengthCurves | None) -> dict[str, Any] | None:
    if curves is None:
        return None
    return {
        "counts": curves.counts.tolist(),
        "sparsity_mean": _by_block(curves.sparsity.mean(axis=1)),
        "always_zero": _by_block(curves.always_zero),
        **{name: getattr(curves, name) for name in curves.names()},
    }
