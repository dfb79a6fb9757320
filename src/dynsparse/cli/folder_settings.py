"""Folder settings: what the results in a folder are made with, so that others are not mixed with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dynsparse.config import ReproduceSettings
from dynsparse.errors import OutputExistsError
from dynsparse.provenance import DECIDING_PACKAGES, content_hash, package_versions
from dynsparse.report.files import write_file
from dynsparse.report.study_command import SETTINGS

__all__ = ["FolderSettings"]

_SCHEMA = 1
_LABELS = ("preset", "environments")
"""What decides no number of an environment's analysis."""


class FolderSettings:
    """What decides the numbers in a folder, and the preset that says how much of the rest is measured.

    Environments may be added by later commands.  The preset decides sizes of sections and trainings: under another one
    what took hours would be measured over, smaller or larger, so it is refused like any other setting.
    """

    def __init__(self, settings: ReproduceSettings) -> None:
        """Note the settings and the versions.

        Args:
            settings: What the results are made with.
        """
        self._preset = settings.preset
        self._deciding = {key: value for key, value in settings.to_dict().items() if key not in _LABELS}
        # A table of two versions' numbers would belong to neither; those of the data sets inside are among them.
        self._deciding["versions"] = package_versions(DECIDING_PACKAGES)

    @property
    def hash(self) -> str:
        """Name of the settings that decide the numbers of an analysis: the preset does not."""
        return content_hash(self._deciding)

    def check(self, folder: Path) -> None:
        """Refuse a folder that belongs to other settings, and say which.

        Raises:
            OutputExistsError: It does, or its settings can not be read.
        """
        path = folder / SETTINGS
        if not path.exists():
            return
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found, preset = dict(content["settings"]), content.get("preset", self._preset)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutputExistsError(
                f"expected {path} to hold settings, can not read it: {error}; choose another --out"
            ) from error
        differing = _differences({"preset": preset, **found}, {"preset": self._preset, **self._deciding})
        if differing:
            raise OutputExistsError(
                f"{folder} holds results of other settings: {differing}; choose another --out or the same settings"
            )

    def write(self, folder: Path) -> None:
        """Note them in a folder that has none, or none of a preset.

        Raises:
            OutputError: It can not be written.
        """
        content = {"schema": _SCHEMA, "preset": self._preset, "settings": self._deciding, "settings_hash": self.hash}
        text = json.dumps(content, indent=1) + "\n"
        path = folder / SETTINGS
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_file(path, text)


def _differences(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    found, asked = ({**given, **given.get("versions", {}), "versions": None} for given in (found, asked))
    keys = sorted({*found, *asked})
    parts = [f"{k} is {found.get(k)!r} there and {asked.get(k)!r} here" for k in keys if found.get(k) != asked.get(k)]
    return ", ".join(parts)
