"""Stored frames: what the model of a data set looks like at some of its rows, or why that can not be drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import DatasetError, InputError, RenderError, UnsupportedModelError

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset

__all__ = ["StoredFrames", "draw_rows"]


@dataclass(frozen=True, eq=False)
class StoredFrames:
    """Frames of some rows.

    Attributes:
        frames: (k, height, width, 3) uint8; none where nothing could draw.
        drawn_by: What drew them.
        missing: Why there are none; empty where there are.
    """

    frames: np.ndarray
    drawn_by: str = ""
    missing: str = ""


def draw_rows(
    dataset: Dataset,
    rows: np.ndarray,
    *,
    own: str | None = None,
    width: int = 320,
    height: int = 240,
    camera: str | int | None = None,
) -> StoredFrames:
    """Draw states of a data set.

    Args:
        dataset: The data set.
        rows: (k,) places among its rows, in increasing order.
        own: Its environment, where its name alone does not tell.
        width: Of a frame, pixels.
        height: Of a frame, pixels.
        camera: Name or number of a camera of the model; None for its first one.

    Returns:
        The frames; none, and the reason, where the model is not here, or nothing draws without a screen.

    Raises:
        SettingError: The model has no such camera, or a size is out of range.
    """
    from dynsparse.analysis.embedding_strip import NO_FRAMES
    from dynsparse.cli.opengl import no_opengl_here

    fields = ["state", *(name for name in ("mocap_pos", "mocap_quat") if name in dataset.fields)]
    stored = dataset.take(rows, fields)
    with no_opengl_here() as backend:
        from dynsparse.cli.stored import environment_of
        from dynsparse.physics.renderer import Renderer

        try:
            env = environment_of(dataset, own)
            if env.compiled is None:
                return StoredFrames(NO_FRAMES, missing=f"{env.name} is a function: there is no model to draw")
        except (DatasetError, InputError, UnsupportedModelError) as error:
            # The model is not here, or another one; numbers on disk do not need it, and the figure says so.
            return StoredFrames(NO_FRAMES, missing=str(error))
        count = len(rows)
        mocap_pos = stored.get("mocap_pos", np.zeros((count, 0, 3)))
        mocap_quat = stored.get("mocap_quat", np.zeros((count, 0, 4)))
        try:
            with Renderer(env, width=width, height=height, camera=camera, backend=backend) as renderer:
                frames = renderer.frames(stored["state"][:, : env.nq], mocap_pos, mocap_quat)
                return StoredFrames(frames, renderer.backend or "the default OpenGL")
        except RenderError as error:
            # Nothing draws here: the figure does without frames, and says why.
            return StoredFrames(NO_FRAMES, missing=str(error))
