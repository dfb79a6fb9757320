"""Search data: the data sets that a search trains on, collected for it or left by an earlier command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dynsparse.cli.progress import open_progress
from dynsparse.cli.reproduction import Reproduction
from dynsparse.cli.result_folder import ResultFolder
from dynsparse.cli.result_places import DATA
from dynsparse.config import ReproduceSettings
from dynsparse.dataset import open_dataset
from dynsparse.errors import DatasetError

__all__ = ["collected_data", "given_data"]


def given_data(folder: Path, environments: Sequence[str]) -> dict[str, Path]:
    """Return the data sets that ``dynsparse reproduce`` or ``search`` left in a folder.

    Args:
        folder: Its ``--out``.
        environments: Which.

    Returns:
        Folder of each environment's data set.

    Raises:
        DatasetError: If one is not there, or is of another environment.
    """
    datasets = {name: folder / DATA / name for name in environments}
    lacking = [name for name, path in datasets.items() if not path.is_dir()]
    if lacking:
        there = sorted(path.name for path in (folder / DATA).glob("[!.]*") if path.is_dir())
        raise DatasetError(
            f"expected {folder / DATA} to hold data sets of {', '.join(environments)}, as dynsparse reproduce leaves "
            f"them, got none of {', '.join(lacking)}; there are {', '.join(there) or 'none'}: name these by --envs, or "
            "another --data"
        )
    for name, path in datasets.items():
        found = open_dataset(path).environment
        if found != name:
            raise DatasetError(f"expected {path} to be a data set of {name}, it is one of {found}; name another --data")
    return datasets


@contextmanager
def collected_data(out: Path, settings: ReproduceSettings, workers: int, command: str) -> Iterator[dict[str, Path]]:
    """Hold a folder, and collect, verify, audit and analyse what is not there yet.

    Args:
        out: The folder.
        settings: What to collect.
        workers: Worker processes in all.
        command: The command, for the record.

    Yields:
        Folder of each environment's data set.

    Raises:
        OutputExistsError: If it holds something else, or results of other settings.
        OutputError: If it can not be written, or another process writes there.
    """
    folder = ResultFolder(out, settings)
    try:
        waiting = [name for name in settings.environments if folder.finished(name) is None]
        if len(waiting) < len(settings.environments):
            there = [name for name in settings.environments if name not in waiting]
            print(f"data already there, not repeated: {', '.join(there)}", flush=True)
        if waiting:
            progress = open_progress()
            try:
                failures = Reproduction(settings, folder, progress, command).run(waiting, workers)
            finally:
                progress.close()
            for failure in failures.values():
                raise failure
        yield {name: folder.dataset(name) for name in settings.environments}
    finally:
        folder.close()
