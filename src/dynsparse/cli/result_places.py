"""Result places: where a reproduction's results are in its folder, an environment each."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.cli.folder_settings import FolderSettings
from dynsparse.config import ReproduceSettings
from dynsparse.dataset.files import PARTIAL, Files
from dynsparse.errors import OutputError

__all__ = ["ANALYSES", "DATA", "ResultPlaces"]

ANALYSES, DATA = "analysis", "data"


class ResultPlaces:
    """Where a reproduction's results are in ``OUT``: a data set and an analysis of each environment.

    An environment appears by the rename of a folder written aside, whole or not at all.
    """

    def __init__(self, path: Path, settings: ReproduceSettings) -> None:
        """Look at a folder that somebody holds; nothing is written.

        Args:
            path: The folder.
            settings: What the results are made with.
        """
        self.path = path
        self._settings = FolderSettings(settings)

    @property
    def settings_hash(self) -> str:
        """Name of the settings that decide the numbers."""
        return self._settings.hash

    def finished(self, environment: str) -> SparsityReport | None:
        """Return an environment's record if it is there.

        Args:
            environment: Name of the environment.

        Returns:
            The record, or none.

        Raises:
            InputError: If the files are there but broken.
        """
        folder = self.path / ANALYSES / environment
        return SparsityReport.load(folder) if folder.exists() else None

    def dataset(self, environment: str) -> Path:
        """Return where an environment's data set is or will be."""
        return self.path / DATA / environment

    def commit(self, record: SparsityReport, *episodes: EpisodeRecord) -> Path:
        """Make an environment's results appear, whole or not at all.

        Args:
            record: Its analysis.
            episodes: What each of its episodes is like, at one threshold or two.

        Returns:
            The folder.

        Raises:
            OutputError: If it can not be written.
        """
        target = self.path / ANALYSES / record.environment
        # A name that no other writer has: on a cluster, a unit that counts as lost may be at it still.
        aside = self.path / ANALYSES / f"{PARTIAL}{secrets.token_hex(8)}-{record.environment}"
        try:
            aside.mkdir()
            record.save(aside)  # flushed to disk by itself
            for beside in episodes:
                beside.save(aside)
            aside.rename(target)
            Files().fsync_folder(target.parent)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"expected to write {target}, got: {error.strerror or error}; make room, then run the command again"
            ) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return target
