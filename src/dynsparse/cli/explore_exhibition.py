"""Explore exhibition: one rollout of the data sets after the other, with everything that is shown beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.cli.explore_budget import steps_of_rollout
from dynsparse.cli.explore_embedding import scatter_in
from dynsparse.cli.explore_explanation import explain_rollout, kept_causes
from dynsparse.config import nearest_names
from dynsparse.errors import SettingError
from dynsparse.report.explore_frames import FrameStrip
from dynsparse.report.explore_payload import Exhibit
from dynsparse.report.explore_rollout import Rollout, read_rollout

if TYPE_CHECKING:
    from dynsparse.cli.explore_artist import Artist
    from dynsparse.cli.explore_source import Source
    from dynsparse.cli.progress import Progress
    from dynsparse.report.explore_causes import RowCauses

__all__ = ["Exhibition", "chosen_environments"]


class Exhibition:
    """Reads, draws and explains rollouts, and notes what is missing.

    Args:
        sources: The data sets.
        kept_at: Folder that keeps causes.
        progress: Told what is done.
        artist: Draws frames; None for none.
        episode: Which one of each; None for all of them, all steps of each.
        steps: How many of its first steps; of all episodes, those that can be explained.
        atol: An element is zero when ``abs(x) < atol``; None for what the derivative allows.
        explained: Environments whose zeros are to be explained.
        own: The environment, where the data sets' name alone does not tell.
        workers: Worker processes that explain.
        notes: What is missing already.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        kept_at: Path,
        progress: Progress,
        artist: Artist | None,
        *,
        episode: int | None,
        steps: int,
        atol: float | None,
        explained: Sequence[str],
        own: str | None,
        workers: int,
        notes: Sequence[str],
    ) -> None:
        self._sources, self._kept_at, self._progress, self._artist = sources, kept_at, progress, artist
        self._episode, self._steps, self._atol, self._explained = episode, steps, atol, explained
        self._own, self._workers = own, workers
        self.notes: list[str] = list(notes)
        self.rollouts = 0

    def exhibits(self) -> Iterator[Exhibit]:
        """Yield every rollout with what is shown beside it; sentences about what is missing go to ``notes``.

        Raises:
            SettingError: A data set has no such episode.
            DatasetError: One is damaged.
        """
        for source in self._sources:
            self._progress.add(source.title, self._steps)
        for source in self._sources:
            self._progress.phase(source.title, "read")
            for episode in self._episodes(source):
                most = steps_of_rollout(source.dataset) if self._episode is None else self._steps
                rollout = read_rollout(source.dataset, episode, source.policy, steps=most, atol=self._atol)
                self._tell_of_the_rest(source, rollout)
                causes = self._causes(source, rollout)
                self.rollouts += 1
                scatter = scatter_in(source.analysis, source.dataset, rollout)
                yield Exhibit(rollout, self._frames(source, rollout), scatter, causes)
            self._progress.finish(source.title, "done")

    def _tell_of_the_rest(self, source: Source, rollout: Rollout) -> None:
        """Say which rows a folder, which else holds all of them, does not hold."""
        if self._episode is not None or len(rollout) == rollout.episode_steps:
            return
        what = f"steps of episode {rollout.episode}" if rollout.is_rollout else "states"
        self.notes.append(
            f"{source.title}: the first {len(rollout):,} of {rollout.episode_steps:,} {what} only, "
            "because a browser holds no more at once."
        )

    def _episodes(self, source: Source) -> list[int]:
        if self._episode is not None:
            return [self._episode]
        if source.dataset.description.states == "coverage":
            return [0]  # all its states at once: none of its episodes has a second step
        numbers: list[int] = np.unique(source.dataset.load(["episode"])["episode"]).tolist()
        return numbers

    def _causes(self, source: Source, rollout: Rollout) -> RowCauses | None:
        dataset, stem = source.dataset, f"{source.stem}-{rollout.episode}"
        causes, other = kept_causes(self._kept_at, stem, dataset, rollout)
        first = self._episode is not None or rollout.episode == 0
        reaches = causes is not None and len(causes.places) >= min(len(rollout), self._steps)
        if reaches or dataset.environment not in self._explained or not first:
            if other:
                self.notes.append(other)
            return causes
        name = source.title
        causes = explain_rollout(
            self._kept_at,
            stem,
            dataset,
            rollout.first(self._steps),
            own=self._own,
            workers=self._workers,
            on_phase=lambda phase: self._progress.phase(name, phase),
            on_rows=lambda done: self._progress.rows(name, done, 0),
        )
        return causes

    def _frames(self, source: Source, rollout: Rollout) -> FrameStrip:
        if self._artist is None:
            return FrameStrip.none("no frames were asked for (--no-frames)")
        self._progress.phase(source.title, "draw")
        frames = self._artist.draw(source.dataset, rollout)
        if frames.missing:
            whose = "" if self._artist.gave_up else f" of {rollout.environment}"
            note = f"No frames{whose}: {frames.missing}"
            if note not in self.notes:
                self.notes.append(note)
        return frames


def chosen_environments(asked: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    """Return the environments whose zeros are to be explained.

    Args:
        asked: What was said: names, several with commas, or ``all``.
        there: Those that are there.

    Raises:
        SettingError: One is not there; names the nearest ones.
    """
    names = tuple(name for entry in asked for name in entry.split(",") if name)
    if names == ("all",):
        return tuple(there)
    for name in names:
        if name not in there:
            raise SettingError(f"expected environments that are there, got {name!r}{nearest_names(name, tuple(there))}")
    return names
