"""Explore folder: the page beside full data, one script a rollout, which the page loads when it is chosen.

A script and no JSON: a browser that opened the page from the file system reads the former only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dynsparse.errors import OutputError
from dynsparse.report.explore_page import frame_of_page
from dynsparse.report.explore_payload import Exhibit, make_payload
from dynsparse.report.files import write_file

__all__ = ["most_steps", "rollout_bytes", "write_folder"]

_DATA = "data"
_OWN = re.compile(r"rollout-\d+\.js")
_MOST_STEPS = 10_000
_MOST_NUMBERS = 5_000_000
_FRAME_BYTES = 6_000
"""Of a frame of 320 x 240 pixels, compressed."""


def most_steps(elements: int) -> int:
    """Return how many steps of a rollout a browser holds at once: of more, text is too long and lists are.

    Args:
        elements: Of its Jacobian.
    """
    return max(1, min(_MOST_STEPS, _MOST_NUMBERS // elements))


def rollout_bytes(steps: int, elements: int, frame_every: int | None) -> int:
    """Return about how many bytes the script of a rollout has.

    Args:
        steps: Of the rollout.
        elements: Of its Jacobian.
        frame_every: Steps from one frame to the next; None without frames.
    """
    row = elements * (8 + 3 / 8) + (_FRAME_BYTES / frame_every if frame_every else 0)
    return int(steps * row * 4 / 3)


def write_folder(exhibits: Iterable[Exhibit], folder: Path, *, title: str, notes: Sequence[str] = ()) -> Path:
    """Write ``index.html`` and the data of each rollout, every element with all its digits.

    What an earlier export left there is removed: its page at once, because other numbers come below the names that it
    knows, and its data when all is written.

    Args:
        exhibits: Rollouts, each with what is shown beside it; one at a time is in memory.
        folder: Where to; made where it is missing.
        title: What was explored.
        notes: Sentences at the top of the page; read when all rollouts are written.

    Returns:
        Path of the page.

    Raises:
        OutputError: It can not be written.
    """
    _remove(folder / "index.html")
    heads: list[dict[str, Any]] = []
    places: list[dict[str, str]] = []
    for index, exhibit in enumerate(exhibits):
        payload = make_payload(exhibit, None)
        name = f"{_DATA}/rollout-{index}.js"
        dense = json.dumps(payload, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        write_file(folder / name, f"dynsparseDeliver({json.dumps(name)},{dense});\n")
        heads.append({key: value for key, value in payload.items() if not isinstance(value, (str, dict))}
                     | {key: payload[key] for key in ("environment", "policy")})  # fmt: skip
        places.append({"src": name})
    page = frame_of_page(heads, places, title=title, notes=notes, scripts_from=" 'self' file:")
    for path in sorted((folder / _DATA).glob("rollout-*.js")):
        if _OWN.fullmatch(path.name) and {"src": f"{_DATA}/{path.name}"} not in places:
            _remove(path)
    return write_file(folder / "index.html", page)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"expected to remove {path}, got: {error.strerror or error}; name another folder") from error
