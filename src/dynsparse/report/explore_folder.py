"""Explore folder: the page beside full data, one script a rollout, which the page loads when it is chosen.

A script and no JSON: a browser that opened the page from the file system reads the former only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dynsparse.report.explore_page import frame_of_page
from dynsparse.report.explore_payload import Exhibit, make_payload
from dynsparse.report.files import write_file

__all__ = ["write_folder"]

_DATA = "data"


def write_folder(exhibits: Iterable[Exhibit], folder: Path, *, title: str, notes: Sequence[str] = ()) -> Path:
    """Write ``index.html`` and the data of each rollout, every element with all its digits.

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
    return write_file(folder / "index.html", page)
