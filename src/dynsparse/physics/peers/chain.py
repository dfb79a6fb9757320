"""Transition Jacobians by ``mjd_transitionFD``: one simulation step at a time, chained by matrix products."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import mujoco
import numpy as np

from dynsparse.physics.peers.rollout import unclamped

__all__ = ["ChainedDifferences"]


class ChainedDifferences:
    """Central differences of each simulation step of MuJoCo's C engine, chained over a control step.

    Args:
        model: the compiled model; a copy is used.
        substeps: simulation steps in one control step.
        threads: how many threads share the rows (``mjd_transitionFD`` lets go of Python's lock).
        step: size of the perturbation, in the unit of the perturbed variable.
    """

    kind = "chain"

    def __init__(self, model: mujoco.MjModel, substeps: int, *, threads: int = 2, step: float = 1e-6) -> None:
        self._model = unclamped(model)
        self._substeps = substeps
        self._step = step
        self._data = [mujoco.MjData(self._model) for _ in range(threads)]
        self._threads = ThreadPoolExecutor(threads)

    def jacobians(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> np.ndarray:
        """Difference each simulation step and chain the matrices.

        The warm start of a substep is the one that the step before left behind; its own tangent is dropped.

        Args:
            states: (n, ds), qpos and qvel.
            actions: (n, da), applied and held over the substeps.
            warmstarts: (n, nv), of the first substep.

        Returns:
            (n, ds, ds + da), state columns first.
        """
        jac = np.empty((len(states), states.shape[1], states.shape[1] + actions.shape[1]))
        shares = np.array_split(np.arange(len(states)), len(self._data))
        jobs = [
            self._threads.submit(self._share, data, rows, states, actions, warmstarts, jac)
            for data, rows in zip(self._data, shares, strict=True)
        ]
        for job in jobs:
            job.result()
        return jac

    def _share(
        self,
        data: mujoco.MjData,
        rows: np.ndarray,
        states: np.ndarray,
        actions: np.ndarray,
        warmstarts: np.ndarray,
        jac: np.ndarray,
    ) -> None:
        model, state_dim = self._model, states.shape[1]
        one_state = np.empty((state_dim, state_dim))
        one_action = np.empty((state_dim, actions.shape[1]))
        for row in rows:
            mujoco.mj_resetData(model, data)
            data.qpos[:] = states[row, : model.nq]
            data.qvel[:] = states[row, model.nq :]
            data.ctrl[:] = actions[row]
            data.qacc_warmstart[:] = warmstarts[row]
            by_state = np.eye(state_dim)
            by_action = np.zeros((state_dim, actions.shape[1]))
            for _ in range(self._substeps):
                mujoco.mjd_transitionFD(model, data, self._step, 1, one_state, one_action, None, None)
                by_state = one_state @ by_state
                by_action = one_state @ by_action + one_action
                mujoco.mj_step(model, data)
            jac[row, :, :state_dim] = by_state
            jac[row, :, state_dim:] = by_action
