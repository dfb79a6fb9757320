"""What a rendering worker does: draw a model at given states, by MuJoCo and whichever OpenGL its process has.

Imported in worker processes only: a broken OpenGL ends the process that tries it.
"""

from __future__ import annotations

import mujoco
import numpy as np

from dynsparse.errors import WorkerError
from dynsparse.physics.sources.bare import read_model
from dynsparse.workers import Message

__all__ = ["FrameServer", "serve"]


class FrameServer:
    """Serves ``frames`` requests of one model."""

    def __init__(self, start: Message) -> None:
        """Open OpenGL, and draw one frame to see that it works.

        Args:
            start: meta ``width``, ``height`` and ``camera`` (number); array ``model``, the bytes of an MJB file.
        """
        self._model = read_model(start)
        width, height = int(start.number("width")), int(start.number("height"))
        # MuJoCo draws into a buffer whose size the model gives.
        visual = self._model.vis.global_
        visual.offwidth, visual.offheight = max(width, visual.offwidth), max(height, visual.offheight)
        self._data = mujoco.MjData(self._model)
        self._camera = int(start.number("camera"))
        try:
            self._renderer = mujoco.Renderer(self._model, height, width)
            self._frame(self._model.qpos0, self._data.mocap_pos.copy(), self._data.mocap_quat.copy())
        except Exception as error:  # PyOpenGL raises whatever went wrong where it happened
            raise WorkerError(f"{type(error).__name__}: {error}") from error

    def __call__(self, request: Message) -> Message:
        """Draw n frames: arrays ``qpos`` (n, nq), ``mocap_pos`` (n, nmocap, 3) and ``mocap_quat`` (n, nmocap, 4)."""
        rows = (request.arrays[name] for name in ("qpos", "mocap_pos", "mocap_quat"))
        return Message("frames", {}, {"frames": np.stack([self._frame(*row) for row in zip(*rows, strict=True)])})

    def _frame(self, qpos: np.ndarray, mocap_pos: np.ndarray, mocap_quat: np.ndarray) -> np.ndarray:
        data = self._data
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = qpos, mocap_pos, mocap_quat
        mujoco.mj_forward(self._model, data)
        self._renderer.update_scene(data, camera=self._camera)
        frame: np.ndarray = self._renderer.render()
        return frame.copy()


def serve(start: Message) -> FrameServer:
    """Make the handler of a worker (the task that the parent names)."""
    return FrameServer(start)
