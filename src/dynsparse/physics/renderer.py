"""Renderer: pictures of a model at given states, drawn by MuJoCo in a process of its own."""

from __future__ import annotations

import os
import sys
from types import TracebackType

import numpy as np

from dynsparse.config import check_count, nearest_names
from dynsparse.errors import RenderError, SettingError, WorkerError
from dynsparse.physics.environment import Environment, model_bytes
from dynsparse.workers import Message, WorkerPool

__all__ = ["BACKENDS", "Renderer", "camera_number"]

BACKENDS = ("egl", "osmesa")
"""What MuJoCo can draw with where there is no screen."""

MOST_PIXELS = 4096
"""Most pixels of a frame's side: what OpenGL can draw into everywhere."""

_FRAMES_AT_ONCE = 32
_TASK = "dynsparse.physics.frames:serve"
_START_SECONDS = 60.0

_ADVICE = (
    "install EGL (Debian, Ubuntu: libegl1 and libgl1-mesa-dri) or OSMesa (libosmesa6), then run the same command again"
    if sys.platform.startswith("linux")
    else "run it where a user is logged in at the screen"
)


class Renderer:
    """Draws one environment; a context manager.

    A backend of OpenGL that is broken may end the process that tries it: each is tried in a child process, which then
    does the drawing.

    Args:
        env: What to draw.
        width: Of a frame, pixels.
        height: Of a frame, pixels.
        camera: Name or number of a camera of the model; None for its first one.
        backend: What to draw with, tried alone; None for what ``MUJOCO_GL`` asks for, else each of ``BACKENDS``.

    Raises:
        RenderError: If no backend works; names what each said, and the packages to install.
        SettingError: If the model has no such camera, or a size is below 1 or above ``MOST_PIXELS``.
    """

    def __init__(
        self,
        env: Environment,
        *,
        width: int = 320,
        height: int = 240,
        camera: str | int | None = None,
        backend: str | None = None,
    ) -> None:
        for name, value, usual in (("width", width, 320), ("height", height, 240)):
            if check_count(name, value, 1, f"try {usual}") > MOST_PIXELS:
                raise SettingError(f"{name} must be at most {MOST_PIXELS} pixels, got {value}; try {usual}")
        meta = {"width": width, "height": height, "camera": camera_number(env, camera)}
        start = Message("start", meta, {"model": np.frombuffer(model_bytes(env.model), dtype=np.uint8)})
        self._name, self._size, said = env.name, (height, width), []
        asked = _asked(os.environ.get("MUJOCO_GL", "") if backend is None else backend)
        for candidate in _candidates(asked):
            variables = {"MUJOCO_GL": candidate}
            if candidate in BACKENDS:
                variables["PYOPENGL_PLATFORM"] = candidate
            pool = WorkerPool(_TASK, start, 1, environment=variables, start_timeout_s=_START_SECONDS)
            try:
                pool.start()
            except WorkerError as error:
                pool.close()
                said.append(f"{candidate or 'the default'}: {_last_line(str(error))}")
                continue
            except BaseException:
                pool.close()
                raise
            self._pool, self.backend = pool, candidate
            return
        raise RenderError(
            f"nothing can draw without a screen here ({'; '.join(said)}); "
            f"{f'MUJOCO_GL or backend asks for {asked!r} alone, leave it out, or ' if asked else ''}{_ADVICE}"
        )

    def frames(self, qpos: np.ndarray, mocap_pos: np.ndarray, mocap_quat: np.ndarray) -> np.ndarray:
        """Draw n frames.

        Args:
            qpos: (n, nq).
            mocap_pos: (n, nmocap, 3), m.
            mocap_quat: (n, nmocap, 4).

        Returns:
            (n, height, width, 3) uint8, red, green and blue.

        Raises:
            RenderError: If the process that draws died or hung.
        """
        if not len(qpos):
            return np.zeros((0, *self._size, 3), dtype=np.uint8)
        spans = [slice(first, first + _FRAMES_AT_ONCE) for first in range(0, len(qpos), _FRAMES_AT_ONCE)]
        rows = {"qpos": qpos, "mocap_pos": mocap_pos, "mocap_quat": mocap_quat}
        requests = [
            Message("frames", {}, {k: np.ascontiguousarray(x[span], dtype=np.float64) for k, x in rows.items()})
            for span in spans
        ]
        drawn = []
        for answer in self._pool.run(requests):
            if isinstance(answer, WorkerError):
                raise RenderError(f"{self._name}: a frame could not be drawn with {self.backend}. {answer}") from answer
            drawn.append(answer.arrays["frames"])
        return np.concatenate(drawn)

    def close(self) -> None:
        """End the process; harmless when repeated."""
        self._pool.close()

    def __enter__(self) -> Renderer:
        """Return the renderer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()


def camera_number(env: Environment, camera: str | int | None) -> int:
    """Return the number of a camera, -1 (free, looking at the whole model) where the model has none.

    Args:
        env: Whose model.
        camera: Name or number; None for the first one.

    Returns:
        Its number in the model.

    Raises:
        SettingError: If there is no such camera; names those that there are.
    """
    names = [env.model.camera(i).name for i in range(env.model.ncam)]
    if camera is None:
        return 0 if names else -1
    camera = str(camera)
    if camera in names:
        return names.index(camera)
    if camera.isdecimal() and int(camera) < len(names):
        return int(camera)
    if not names:
        raise SettingError(f"{env.name} has no camera, got {camera!r}; leave the camera out")
    raise SettingError(f"{env.name} has no camera {camera!r}{nearest_names(camera, names)}")


def _asked(value: str) -> str | None:
    """Return what a value of ``MUJOCO_GL`` asks for; to draw nothing is no way of drawing."""
    value = value.lower()
    return None if value in ("", "disable", "disabled", "off", "false", "0") else value


def _candidates(asked: str | None) -> tuple[str, ...]:
    if asked is not None:
        return (asked,)
    return BACKENDS if sys.platform.startswith("linux") else ("",)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].strip()[:160]
