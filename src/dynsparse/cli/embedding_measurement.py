"""Where in (s, a, s') sparsity changes: the transitions of a data set in the plane, and some as frames (Figure 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

if TYPE_CHECKING:
    from dynsparse.analysis.embedding_features import TransitionSpace
    from dynsparse.analysis.embedding_record import EmbeddingRecord
    from dynsparse.analysis.embedding_stretch import Stretch
    from dynsparse.analysis.embedding_strip import Strip
    from dynsparse.dataset import Dataset

__all__ = ["embed_dataset"]

_FRAME_SECONDS = 0.06
"""About how much time passes from one frame to the next, s: enough for something to have moved."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is known of all rows before any is embedded; (n,) each."""

    zeros: np.ndarray
    patterns: np.ndarray
    finite: np.ndarray
    episode: np.ndarray
    t: np.ndarray
    elements: int


def embed_dataset(
    path: Path,
    command: str,
    *,
    points: int = 100_000,
    fitted: int = 20_000,
    perplexity: float | None = None,
    frames: int = 6,
    width: int = 320,
    height: int = 240,
    camera: str | int | None = None,
    seed: int = 0,
    atol: float | None = None,
    workers: int = 0,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> EmbeddingRecord:
    """Embed transitions of a data set, by t-SNE of a stratified sample among which the others are placed.

    Rows that have a place in any case: those of the first episode, which ``explore`` plays, and those of the strip.

    Args:
        path: Folder of the data set.
        command: The command, for the record.
        points: About how many rows get a place; all finite ones where there are fewer.
        fitted: How many of them are fitted; each number of zeros that occurs is among them.
        perplexity: About how many neighbours a point attends to; None for 30.
        frames: Moments of the strip.
        width: Of a frame, pixels.
        height: Of a frame, pixels.
        camera: Name or number of a camera of the model; None for its first one.
        seed: Decides the samples.
        atol: An element is zero when ``abs(x) < atol``; None for what fits the derivative.
        workers: Of no meaning here: t-SNE in one thread is the same everywhere, and one process draws.
        on_phase: Told what begins.
        on_rows: Told how many rows are done with.

    Returns:
        The record.

    Raises:
        SettingError: A number is out of range, or the model has no such camera.
        ArrayError: There are too few finite rows.
        DatasetError: The data set is damaged.
    """
    from dynsparse.analysis.embedding import FEWEST_FITTED, PERPLEXITY, embed_points
    from dynsparse.analysis.embedding_features import TransitionSpace, turning_hinges
    from dynsparse.analysis.embedding_neighbours import find_neighbours
    from dynsparse.analysis.embedding_record import EmbeddingRecord
    from dynsparse.analysis.embedding_sample import stratified_sample
    from dynsparse.config import atol_for
    from dynsparse.dataset import open_dataset
    from dynsparse.provenance import collect_provenance, package_versions
    from dynsparse.rollout.stored_rows import identity

    check_count("points", points, FEWEST_FITTED, "try 20000")
    check_count("fitted", fitted, FEWEST_FITTED, "try 2000")
    dataset = open_dataset(path)
    description = dataset.description
    atol = atol_for(description.derivative, atol)
    on_phase("count")
    known = _count(dataset, atol, on_rows)
    finite = np.flatnonzero(known.finite)
    if len(finite) < FEWEST_FITTED:
        raise ArrayError(f"expected at least {FEWEST_FITTED} finite rows in {path}, got {len(finite)}; collect more")
    stretch = _stretch(dataset, known, frames)
    generator = np.random.default_rng(seed)
    rows = _chosen(known, finite, stretch, points, generator)
    is_fitted = np.zeros(len(rows), dtype=bool)
    is_fitted[stratified_sample(known.zeros[rows], fitted, generator)] = True
    turning = turning_hinges(description.state_names, description.state_units, description.constraint_names)
    on_phase("embed")
    space = _points(dataset, rows, TransitionSpace(turning, tuple(description.quaternions)))
    perplexity = PERPLEXITY if perplexity is None else perplexity
    found = embed_points(space, is_fitted, perplexity=perplexity, seed=seed, on_points=on_rows)
    on_phase("judge")
    sparsity = known.zeros[rows] / max(known.elements, 1)
    neighbours = find_neighbours(space, found.points, is_fitted, sparsity, known.episode[rows], seed=seed)
    on_phase("draw")
    settings = {"points": points, "fitted": fitted, "perplexity": perplexity, "frames": frames, "camera": camera}
    return EmbeddingRecord(
        environment=dataset.environment,
        policy=str(description.policy["name"]),
        data_rows=dataset.rows,
        finite_rows=len(finite),
        elements=known.elements,
        atol=atol,
        dt=description.dt,
        rows=rows,
        points=found.points,
        zeros=known.zeros[rows],
        fitted=is_fitted,
        episode=known.episode[rows],
        t=known.t[rows],
        turning=tuple(description.state_names[place] for place in turning),
        perplexity=found.perplexity,
        kl_divergence=found.kl_divergence,
        neighbours=neighbours,
        strip=_strip(dataset, stretch, width=width, height=height, camera=camera),
        provenance=collect_provenance(
            command,
            seed,
            dataset=identity(dataset),
            settings=settings,
            packages=package_versions(("openTSNE", "scikit-learn", "scipy")),
        ).to_dict(),
    )


def _count(dataset: Dataset, atol: float, on_rows: Callable[[int], None]) -> _Rows:
    """Read all Jacobians once, one block in memory at a time."""
    from dynsparse.analysis.pattern_count import hash_patterns
    from dynsparse.analysis.rows import RowBlock

    names = ("zeros", "patterns", "finite", "episode", "t")
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    elements = done = 0
    for read in dataset.blocks(["jac_state", "jac_action", "finite", "episode", "t"]):
        block = RowBlock.from_arrays(read["jac_state"], read["jac_action"], atol, finite=read["finite"])
        elements = block.zero.shape[1]
        found = (block.zero.sum(axis=1), hash_patterns(block.zero), block.finite, read["episode"], read["t"])
        for name, array in zip(names, found, strict=True):
            parts[name].append(array)
        done += block.rows
        on_rows(done)
    joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return _Rows(**joined, elements=elements)


def _chosen(
    known: _Rows, finite: np.ndarray, stretch: Stretch | None, points: int, generator: np.random.Generator
) -> np.ndarray:
    """Return the rows that get a place."""
    from dynsparse.analysis.embedding_sample import stratified_sample

    sampled = finite[stratified_sample(known.zeros[finite], points, generator)]
    first = finite[known.episode[finite] == known.episode[0]]
    moments = np.zeros(0, dtype=np.int64) if stretch is None else stretch.places
    return np.unique(np.concatenate([sampled, first, moments])).astype(np.int64)


def _points(dataset: Dataset, rows: np.ndarray, space: TransitionSpace) -> np.ndarray:
    stored = dataset.take(rows, ["state", "action", "next_state"])
    return space.points(stored["state"], stored["action"], stored["next_state"])


def _stretch(dataset: Dataset, known: _Rows, frames: int) -> Stretch | None:
    from dynsparse.analysis.embedding_stretch import choose_stretch

    if dataset.description.states == "coverage":
        return None
    every = max(1, round(_FRAME_SECONDS / dataset.description.dt))
    return choose_stretch(known.zeros, known.patterns, known.finite, known.episode, frames=frames, every=every)


def _strip(dataset: Dataset, stretch: Stretch | None, *, width: int, height: int, camera: str | int | None) -> Strip:
    from dynsparse.analysis.embedding_strip import NO_FRAMES, Strip
    from dynsparse.cli.stored_frames import draw_rows

    if stretch is None:
        alone = dataset.description.states == "coverage"
        reason = "its states do not follow each other in time" if alone else "no episode is long enough for a strip"
        return Strip(np.zeros(0, dtype=np.int64), NO_FRAMES, missing=reason)
    drawn = draw_rows(dataset, stretch.places, width=width, height=height, camera=camera)
    return Strip(
        rows=stretch.places.astype(np.int64),
        frames=drawn.frames,
        every=stretch.every,
        switches=stretch.switches,
        pattern_switches=stretch.pattern_switches,
        drawn_by=drawn.drawn_by,
        missing=drawn.missing,
    )
