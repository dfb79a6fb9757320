"""One control step in MuJoCo's C code, as a function of state, action and warm start alone."""

from __future__ import annotations

import copy

import mujoco
import numpy as np

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.c_constraints import CConstraints

__all__ = ["CStep"]

_ALL = mujoco.mjtState.mjSTATE_INTEGRATION
_SET = {
    "time": mujoco.mjtState.mjSTATE_TIME,
    "qpos": mujoco.mjtState.mjSTATE_QPOS,
    "qvel": mujoco.mjtState.mjSTATE_QVEL,
    "act": mujoco.mjtState.mjSTATE_ACT,
    "warmstart": mujoco.mjtState.mjSTATE_WARMSTART,
    "ctrl": mujoco.mjtState.mjSTATE_CTRL,
}
_FULL = (mujoco.mjtWarning.mjWARN_CONTACTFULL, mujoco.mjtWarning.mjWARN_CNSTRFULL)


class CStep:
    """Control steps of a model, one at a time; nothing of an earlier one is left.

    The control clamp is off, so that an action on its bound has a slope to both sides, and MuJoCo does not put a
    simulation that diverges back to its start: its numbers stay what they became.

    Args:
        model: the compiled model; a copy is changed.
        substeps: simulation steps in one control step.
    """

    def __init__(self, model: mujoco.MjModel, substeps: int) -> None:
        self._model = own = copy.copy(model)
        disabled = mujoco.mjtDisableBit
        own.opt.disableflags |= int(disabled.mjDSBL_CLAMPCTRL | disabled.mjDSBL_AUTORESET | disabled.mjDSBL_SENSOR)
        self._data, self._substeps = mujoco.MjData(own), substeps
        self._blank = np.zeros(mujoco.mj_stateSize(own, int(_ALL)))
        mujoco.mj_getState(own, self._data, self._blank, int(_ALL))
        self._places = {name: self._place(int(part)) for name, part in _SET.items()}
        self._ends = [own.nq, own.nq + own.nv]
        self.constraints = CConstraints(own)

    def end(self, state: np.ndarray, action: np.ndarray, warmstart: np.ndarray) -> np.ndarray:
        """Return the (ds,) state after one control step."""
        self._begin(state, action, warmstart)
        mujoco.mj_step(self._model, self._data, self._substeps)
        return self._state()

    def whole(
        self, state: np.ndarray, action: np.ndarray, warmstart: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float, np.ndarray, np.ndarray]:
        """Run one control step and look at each solver call in it.

        Args:
            state: (ds,).
            action: (da,).
            warmstart: (nv,).

        Returns:
            (ds,) next state, (nv,) next warm start, largest rescaled gradient of the solver's cost, and (nc,) which
            constraints exerted force in any substep, and in the first.  With Runge-Kutta each substep's last call.
        """
        self._begin(state, action, warmstart)
        residual, flags = 0.0, []
        for _ in range(self._substeps):
            mujoco.mj_step(self._model, self._data)
            residual = max(residual, self._residual())
            flags.append(self.constraints.active(self._data))
        active: np.ndarray = np.logical_or.reduce(flags)
        return self._state(), self._data.qacc_warmstart.copy(), residual, active, flags[0]

    def check_memory(self, name: str) -> None:
        """Refuse a model whose contacts did not all fit.

        Raises:
            UnsupportedModelError: some were left out of a step.
        """
        if any(self._data.warning[int(kind)].number for kind in _FULL):
            raise UnsupportedModelError(
                f"{name} has more contacts than fit into its memory, so that MuJoCo leaves some out; give it <size "
                'memory="..."/>'
            )

    def _begin(self, state: np.ndarray, action: np.ndarray, warmstart: np.ndarray) -> None:
        numbers = self._blank.copy()
        qpos, qvel, act = np.split(state, self._ends)
        for name, part in (("qpos", qpos), ("qvel", qvel), ("act", act), ("ctrl", action), ("warmstart", warmstart)):
            numbers[self._places[name]] = part
        mujoco.mj_setState(self._model, self._data, numbers, int(_ALL))

    def _state(self) -> np.ndarray:
        data = self._data
        return np.concatenate([data.qpos, data.qvel, data.act])

    def _residual(self) -> float:
        """The gradient of the solver's cost where it stopped, rescaled as MuJoCo does."""
        model, data = self._model, self._data
        force = np.empty(model.nv)
        mujoco.mj_mulM(model, data, force, data.qacc)
        size = np.linalg.norm(force - data.qfrc_smooth - data.qfrc_constraint)
        return float(size / (model.stat.meaninertia * max(1, model.nv)))

    def _place(self, part: int) -> slice:
        """Where a part of the state lies among all: they lie in the order of their bits."""
        start = mujoco.mj_stateSize(self._model, int(_ALL) & (part - 1))
        return slice(start, start + mujoco.mj_stateSize(self._model, part))
