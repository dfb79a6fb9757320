"""Explore artist: draws the frames of rollouts, or says why it can not."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import DatasetError, InputError, RenderError, UnsupportedModelError
from dynsparse.report.explore_frames import FrameStrip, encode_frames

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset
    from dynsparse.physics.renderer import Renderer
    from dynsparse.report.explore_rollout import Rollout

__all__ = ["Artist"]

WIDTH, HEIGHT = 320, 240
"""Of a frame, pixels."""


class Artist:
    """Draws one rollout after the other; a context manager, under which OpenGL stays out of this process.

    Args:
        every: Steps from one frame to the next.
        own: The environment of the data sets, where its name alone does not tell.
        backend: What MuJoCo draws with; None for whatever works.
    """

    def __init__(self, every: int, *, own: str | None = None, backend: str | None = None) -> None:
        self._every, self._own, self._backend = every, own, backend
        self._renderer: Renderer | None = None
        self._model: object = None
        self._nq = 0
        self._nowhere = ""

    @property
    def gave_up(self) -> bool:
        """Whether nothing at all can be drawn here."""
        return bool(self._nowhere)

    def draw(self, dataset: Dataset, rollout: Rollout) -> FrameStrip:
        """Draw every so many-th step of a rollout.

        Args:
            dataset: The data set that it is of.
            rollout: Its steps.

        Returns:
            The frames; without any, and with the reason, where its model or OpenGL is not here.
        """
        if self._nowhere:
            return FrameStrip.none(self._nowhere)
        try:
            renderer = self._open(dataset)
            moments = np.arange(0, len(rollout), self._every)
            mocap = rollout.mocap_pos[moments], rollout.mocap_quat[moments]
            frames = renderer.frames(rollout.state[moments, : self._nq], *mocap)
        except RenderError as error:
            # No other rollout can be drawn either; the page does without frames, and says why.
            self._nowhere = str(error)
            return FrameStrip.none(self._nowhere)
        except (DatasetError, InputError, UnsupportedModelError) as error:
            # The model is not here, which numbers on disk do not need; the page says so in the frames' place.
            return FrameStrip.none(str(error))
        return encode_frames(frames, self._every)

    def _open(self, dataset: Dataset) -> Renderer:
        """Return a renderer of a data set's model, the last one where it is of the same."""
        from dynsparse.cli.stored import environment_of
        from dynsparse.physics.renderer import Renderer

        model = (dataset.environment, dataset.description.extras.get("model_sha256"))
        if self._renderer is not None and model == self._model:
            return self._renderer
        self.close()
        if dataset.description.extras.get("engine") == "function":
            raise InputError(f"{dataset.environment} is a function: there is no model to draw")
        env = environment_of(dataset, self._own)
        self._renderer = Renderer(env, width=WIDTH, height=HEIGHT, backend=self._backend)
        self._model, self._nq = model, env.nq
        return self._renderer

    def close(self) -> None:
        """End the process that draws; harmless when repeated."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def __enter__(self) -> Artist:
        """Return the artist."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process that draws."""
        self.close()
