"""Transition Jacobians by central differences of ``mujoco.rollout``: every perturbed row is a roll-out."""

from __future__ import annotations

import copy

import mujoco
import numpy as np
from mujoco import rollout

from dynsparse.errors import UnsupportedModelError

__all__ = ["RolloutDifferences", "unclamped"]

BLOCK_BYTES = 8 * 2**20
"""What one call to ``mujoco.rollout`` fills at most: bounds memory; from 0.5 to 256 MiB the speed is the same."""


def unclamped(model: mujoco.MjModel) -> mujoco.MjModel:
    """Copy a model for differencing: control clamp off, and sensors off, which the peers do not need.

    Without the clamp an action on its bound has a two-sided difference.  Sensors take up to a third of
    a step's time and do not reach the next state: a peer is measured at its best.

    Raises:
        UnsupportedModelError: the state of the model is more than qpos and qvel, or positions are not
            as many as velocities.
    """
    own = copy.copy(model)
    own.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CLAMPCTRL | mujoco.mjtDisableBit.mjDSBL_SENSOR
    size = mujoco.mj_stateSize(own, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    if own.nq != own.nv or size != 1 + own.nq + own.nv:
        msg = (
            f"the MuJoCo C peers need a state of qpos and qvel with nq == nv, got nq {own.nq}, nv {own.nv} and "
            f"{size} state numbers with the time: measure a model of hinges and slides without activations"
        )
        raise UnsupportedModelError(msg)
    return own


class RolloutDifferences:
    """Central differences of the control step of MuJoCo's C engine, all perturbed rows on several threads.

    Args:
        model: the compiled model; a copy is used.
        substeps: simulation steps in one control step.
        threads: how many threads share the roll-outs.
        step: size of the perturbation, in the unit of the perturbed variable.
    """

    kind = "rollout"

    def __init__(self, model: mujoco.MjModel, substeps: int, *, threads: int = 2, step: float = 1e-6) -> None:
        self._model = unclamped(model)
        self._substeps = substeps
        self._step = step
        self._data = [mujoco.MjData(self._model) for _ in range(threads)]
        self._state_dim = self._model.nq + self._model.nv
        self._columns = self._state_dim + self._model.nu
        per_row = 2 * self._columns * substeps * (1 + self._state_dim) * 8
        self._rows_per_block = max(1, BLOCK_BYTES // per_row)
        self._ends = np.empty((0, substeps, 1 + self._state_dim))

    def jacobians(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> np.ndarray:
        """Difference the control step in every state variable and action.

        Args:
            states: (n, ds), qpos and qvel.
            actions: (n, da), applied and held over the substeps.
            warmstarts: (n, nv), held while the row is perturbed.

        Returns:
            (n, ds, ds + da), state columns first.
        """
        blocks = [
            self._block(states[i : i + self._rows_per_block], actions[i : i + self._rows_per_block],
                        warmstarts[i : i + self._rows_per_block])
            for i in range(0, len(states), self._rows_per_block)
        ]  # fmt: skip
        return np.concatenate(blocks)

    def next_state(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> np.ndarray:
        """Roll the rows forward by one control step; (n, ds)."""
        inputs = np.concatenate([states, actions], axis=1)
        return self._roll(inputs, np.ascontiguousarray(warmstarts))

    def _block(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> np.ndarray:
        rows = len(states)
        inputs = np.repeat(np.concatenate([states, actions], axis=1), 2 * self._columns, axis=0)
        inputs = inputs.reshape(rows, self._columns, 2, self._columns)
        column = np.arange(self._columns)
        inputs[:, column, 0, column] += self._step
        inputs[:, column, 1, column] -= self._step
        inputs = inputs.reshape(-1, self._columns)
        ends = self._roll(inputs, np.repeat(warmstarts, 2 * self._columns, axis=0))
        ends = ends.reshape(rows, self._columns, 2, self._state_dim)
        # Divided by 2 * step and not by the rounded distance: the state is far from 1e10 times the step.
        jac: np.ndarray = np.swapaxes(ends[:, :, 0] - ends[:, :, 1], 1, 2) / (2.0 * self._step)
        return jac

    def _roll(self, inputs: np.ndarray, warmstarts: np.ndarray) -> np.ndarray:
        count = len(inputs)
        initial = np.zeros((count, 1 + self._state_dim))
        initial[:, 1:] = inputs[:, : self._state_dim]
        control = np.ascontiguousarray(inputs[:, None, self._state_dim :])
        # Rollout fills every substep's state; the array is kept, because fresh pages cost more than a cheap step.
        if len(self._ends) < count:
            self._ends = np.empty((count, self._substeps, 1 + self._state_dim))
        states = self._ends[:count]
        rollout.rollout(
            self._model,
            self._data,
            initial,
            control,
            nstep=self._substeps,
            initial_warmstart=warmstarts,
            state=states,
            persistent_pool=True,
        )
        return states[:, -1, 1:].copy()
