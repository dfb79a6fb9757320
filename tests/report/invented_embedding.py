"""Embeddings whose numbers are known: neighbours are alike, or kept, as often as is said."""

from __future__ import annotations

import numpy as np

from dynsparse.analysis.embedding_neighbours import Neighbours
from dynsparse.analysis.embedding_record import EmbeddingRecord
from dynsparse.analysis.embedding_strip import NO_FRAMES, Strip

COUNT, EPISODES = 80, 4


def invented(environment="Toy", *, kept=0.75, alike=0.9, apart=0.01, episodes=EPISODES, zeros=None, strip="frames"):
    """Rows of four episodes, half of them fitted; an episode's shares differ from the mean by ``apart``."""
    episode = np.arange(COUNT) * episodes // COUNT
    zeros = np.where(np.arange(COUNT) % 8 < 4, 0, 6) if zeros is None else np.full(COUNT, zeros)
    places = np.arange(COUNT)
    rim = 2 * np.pi * places / COUNT
    points = np.stack([np.cos(rim), np.sin(rim)], axis=1) * (1 + zeros[:, None] / 12)
    off = apart * np.where(episode % 2 == 0, 1, -1)
    sparsity = zeros / 12
    neighbours = Neighbours(
        judged=places,
        kept=kept + off,
        alike_plane=alike + off,
        alike_space=alike + off,
        mean_plane=0.5 * sparsity + 0.5 * sparsity.mean(),
        mean_space=sparsity,
        shuffled_alike=np.full(9, 0.5),
        shuffled_shared=np.full(9, -0.1),
        count=10,
        elsewhere=True,
    )
    moments = np.array([0, 3, 6, 9, 12, 15])
    strips = {
        "frames": Strip(moments, film(6), every=3, switches=3, pattern_switches=4, drawn_by="egl"),
        "none": Strip(moments, NO_FRAMES, every=3, switches=3, pattern_switches=4, missing="nothing can draw here"),
        "no rows": Strip(np.zeros(0, dtype=np.int64), NO_FRAMES, missing="no episode is long enough for a strip"),
    }
    return EmbeddingRecord(
        environment=environment, policy="random", data_rows=COUNT, finite_rows=COUNT, elements=12, atol=1e-15, dt=0.02,
        rows=places, points=points.astype(np.float32), zeros=zeros, fitted=places % 2 == 0, episode=episode,
        t=places % (COUNT // episodes), turning=("qpos hinge",), perplexity=10.0, kl_divergence=0.5,
        neighbours=neighbours, strip=strips[strip],
    )  # fmt: skip


def film(count):
    """Frames of one colour each."""
    return np.repeat(40 * np.arange(count, dtype=np.uint8)[:, None], 6 * 8 * 3, axis=1).reshape(count, 6, 8, 3)
