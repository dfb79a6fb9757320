"""Leftovers: what a stopped writer leaves in a data set, which the next one removes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dynsparse.dataset.files import PARTIAL
from dynsparse.dataset.record import BLOCKS

__all__ = ["leftovers"]

# As chunk_path writes it, and nothing else: a file of somebody else's must not be taken for a block's.
_BLOCK = re.compile(r"0|[1-9][0-9]*")


def leftovers(folder: Path, fields: Iterable[str], committed: Iterable[int]) -> Iterator[Path]:
    """Find what a stopped writer left: files that are not whole, and the chunks of uncommitted blocks.

    Args:
        folder: The data set.
        fields: Names of its fields.
        committed: Numbers of the blocks that have a record.

    Returns:
        Files, and folders with all that is in them.

    Raises:
        OSError: If a folder can not be read.
    """
    kept = {str(number) for number in committed}
    for place in (folder, folder / BLOCKS, *(folder / name for name in fields)):
        yield from sorted(place.glob(f"{PARTIAL}*"))
        if (place / "c").is_dir():
            for chunk in sorted((place / "c").iterdir()):
                if _BLOCK.fullmatch(chunk.name) and chunk.name not in kept:
                    yield chunk
