"""Study command: the command that goes on with a folder of results, as its own files tell it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.config import DEFAULT_ATOL, PRESETS
from dynsparse.report.table1 import paper_table1

__all__ = ["ASKED", "SETTINGS", "StudyCommand", "read_asked", "read_command"]

SETTINGS, ASKED = "settings.json", "asked.json"
"""What a folder's results are made with; what was asked for in it."""
_EXAMPLE = "FingerSpin"
_POLICY = "paper"
"""Whose data ``dynsparse reproduce`` collects by default."""


@dataclass(frozen=True)
class StudyCommand:
    """A command that goes on with a folder.

    Attributes:
        options: What it has to say so that the settings are the folder's; empty where the defaults are.
        example: An environment of the folder: the one of the paper's Figure 4, if it is there.
    """

    options: tuple[str, ...] = ()
    example: str = _EXAMPLE

    def to_make(self, options: str, out: str = "DIR") -> str:
        """Return the command that makes something in the folder.

        Args:
            options: What to make: ``"--only horizon"``; ``ENV`` stands for ``example``.
            out: The folder.

        Returns:
            The command in one line.
        """
        made = options.replace("ENV", shlex.quote(self.example))
        return " ".join(filter(None, ("dynsparse reproduce", *self.options, made, "--out", out)))


def read_command(folder: Path) -> StudyCommand:
    """Read the command that goes on with a folder.

    Args:
        folder: Of ``dynsparse reproduce``, or any other.

    Returns:
        The command; without options where the folder does not tell.
    """
    found = _read(folder / SETTINGS)
    settings, preset = found.get("settings"), found.get("preset")
    if not isinstance(settings, dict):
        return StudyCommand()
    words: list[str] = []
    if preset is not None:
        words += ["--preset", str(preset)]
    names = read_asked(folder, "environments")
    if names and set(names) != set(paper_table1()):
        words += ["--envs", *map(shlex.quote, names)]
    defaults = {"rows": PRESETS.get(str(preset)), "policy": _POLICY, "seed": 0, "atol": DEFAULT_ATOL}
    for name, usual in defaults.items():
        if settings.get(name, usual) != usual:
            words += [f"--{name}", shlex.quote(str(settings[name]))]
    return StudyCommand(tuple(words), _EXAMPLE if not names or _EXAMPLE in names else names[0])


def read_asked(folder: Path, what: str) -> tuple[str, ...]:
    """Return what was asked for in a folder, by all commands.

    Args:
        folder: Of ``dynsparse reproduce``.
        what: ``"questions"`` or ``"environments"``.

    Returns:
        Names; none where the folder does not tell.
    """
    found = _read(folder / ASKED).get(what)
    return tuple(map(str, found)) if isinstance(found, Sequence) and not isinstance(found, str) else ()


def _read(path: Path) -> dict[str, Any]:
    """Read an object; nothing of a file that is missing or broken, which is no reason to have no report."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
