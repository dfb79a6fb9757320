"""Creation: takes a folder for a data set, new or to be gone on with, and touches nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from dynsparse.dataset.chunks import CODEC, GROUP, Codec
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.fields import FIELD_NAMES
from dynsparse.dataset.files import Files
from dynsparse.dataset.lock import LOCK_NAME, Lock
from dynsparse.dataset.place import holds_dataset, is_empty, output_errors
from dynsparse.dataset.record import BLOCKS
from dynsparse.dataset.writer import DatasetWriter
from dynsparse.errors import OutputError, OutputExistsError, SettingError

__all__ = ["create_dataset", "refuse_taken"]


def create_dataset(
    path: str | os.PathLike[str],
    description: DatasetDescription,
    *,
    resume: bool = False,
    overwrite: bool = False,
    codec: Codec = CODEC,
    files: Files | None = None,
) -> DatasetWriter:
    """Take a folder for a data set, new or to be gone on with.

    Args:
        path: The folder; made where it is missing.
        description: What it is to hold.
        resume: Go on with the data set that is there, which must have the same description; start one where none is.
        overwrite: Remove the data set that is there, but nothing else, and start anew.
        codec: How chunks are compressed.
        files: The operations on the disk; a test passes ones that fail.

    Returns:
        A writer that holds the folder until it is closed.

    Raises:
        OutputExistsError: If something is there and neither was asked for, it is no data set, or it has another
            description; names each difference.
        OutputError: If another process is writing there, which is named, or the folder can not be written.
        DatasetError: If the data set that is there is damaged, so that going on would lose what it holds.
        SettingError: If both resume and overwrite are asked for.
    """
    if resume and overwrite:
        raise SettingError("resume and overwrite exclude each other, got both; choose one")
    folder = Path(path)
    seam = files or Files()
    with output_errors(folder):
        _refuse_other_content(folder)
        if not folder.exists():
            folder.mkdir(parents=True)
            seam.fsync_folder(folder.parent)
        lock = Lock(folder)
        try:
            _refuse_other_content(folder)
            if not is_empty(folder) and not resume:
                if not overwrite:
                    raise OutputExistsError(_taken(folder))
                _remove_dataset(folder, seam)
            return DatasetWriter(folder, description, codec, seam, lock)
        except BaseException:
            lock.release()
            raise


def refuse_taken(path: str | os.PathLike[str], *, resume: bool = False, overwrite: bool = False) -> None:
    """Refuse a place as ``create_dataset`` would, without touching it: before minutes of work are put into its rows.

    Args:
        path: Folder of the data set.
        resume: See ``create_dataset``.
        overwrite: See ``create_dataset``.

    Raises:
        OutputExistsError: If something is there and neither was asked for, or it is no data set.
        OutputError: If it can not be a folder.
        SettingError: If both resume and overwrite are asked for.
    """
    if resume and overwrite:
        raise SettingError("resume and overwrite exclude each other, got both; choose one")
    folder = Path(path)
    with output_errors(folder):
        _refuse_other_content(folder)
        if not is_empty(folder) and not resume and not overwrite:
            raise OutputExistsError(_taken(folder))


def _taken(folder: Path) -> str:
    return (
        f"{folder} holds a data set; pass --resume to go on with it, --overwrite to replace it, or choose another --out"
    )


def _refuse_other_content(folder: Path) -> None:
    """Refuse a place that is neither empty nor a data set of dynsparse."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"expected a folder, {folder} is a file; choose another --out")
    if not is_empty(folder) and not holds_dataset(folder):
        held = ", ".join(sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK_NAME)[:3])
        raise OutputExistsError(
            f"expected an empty folder or a data set of dynsparse, {folder} holds {held}; nothing is overwritten, "
            "choose another --out"
        )


def _remove_dataset(folder: Path, files: Files) -> None:
    """Remove a data set, the group's metadata last: until then the folder says that it is one."""
    for name in (BLOCKS, *FIELD_NAMES):
        files.remove_tree(folder / name)
        files.fsync_folder(folder)
    files.remove(folder / GROUP)
    files.fsync_folder(folder)
