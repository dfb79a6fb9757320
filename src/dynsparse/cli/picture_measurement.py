"""What an environment looks like: one state of its data set, drawn (Figure 1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dynsparse.analysis.picture_record import PictureRecord

__all__ = ["picture_dataset"]


def picture_dataset(
    path: Path,
    command: str,
    *,
    width: int = 320,
    height: int = 240,
    camera: str | int | None = None,
    at: float = 0.5,
    seed: int = 0,
    atol: float | None = None,
    workers: int = 0,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> PictureRecord:
    """Draw a state in the midst of the first episode, where the policy does what it does.

    Args:
        path: Folder of the data set.
        command: The command, for the record.
        width: Of the frame, pixels.
        height: Of the frame, pixels.
        camera: Name or number of a camera of the model; None for its first one.
        at: Where in the first episode: 0 for its first row, 1 for its last one; the finite row next to it is drawn.
        seed: Noted in the record; nothing is drawn by lot.
        atol: Of no meaning here; every section is given it.
        workers: Of no meaning here: one process draws.
        on_phase: Told what begins.
        on_rows: Told how many rows are drawn.

    Returns:
        The record; it says why there is no frame where nothing can draw.

    Raises:
        SettingError: The model has no such camera, or a size is out of range.
        DatasetError: The data set is damaged.
    """
    from dynsparse.analysis.picture_record import PictureRecord
    from dynsparse.cli.stored_frames import draw_rows
    from dynsparse.dataset import open_dataset
    from dynsparse.provenance import collect_provenance
    from dynsparse.rollout.stored_rows import identity

    dataset = open_dataset(path)
    on_phase("choose")
    known = dataset.load(["finite", "episode", "t"])
    first = np.flatnonzero(known["episode"] == known["episode"][0])
    finite = first[known["finite"][first]]
    candidates = finite if len(finite) else first
    row = int(candidates[np.abs(candidates - at * (len(first) - 1)).argmin()])
    on_phase("draw")
    drawn = draw_rows(dataset, np.array([row]), width=width, height=height, camera=camera)
    on_rows(1)
    settings = {"width": width, "height": height, "camera": camera, "at": at}
    return PictureRecord(
        environment=dataset.environment,
        policy=str(dataset.description.policy["name"]),
        row=row,
        episode=int(known["episode"][row]),
        t=int(known["t"][row]),
        dt=dataset.description.dt,
        frame=drawn.frames[0] if len(drawn.frames) else np.zeros((0, 0, 3), dtype=np.uint8),
        drawn_by=drawn.drawn_by,
        missing=drawn.missing,
        provenance=collect_provenance(command, seed, dataset=identity(dataset), settings=settings).to_dict(),
    )
