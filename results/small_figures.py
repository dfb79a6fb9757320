"""The figures of README and docs that are of the small preset, made from the folder that holds its results.

    python results/small_figures.py out/small

reads OUT/figures/NAME.png and writes docs/images/small/NAME.png of each figure below, no wider than a page shows and
each under 200 KiB; a figure that OUT does not hold is named, and the exit code is 1.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "images" / "small"
FIGURES = (
    "figure-1",
    "figure-3-FingerTurnEasy",
    "figure-3-ReacherHard",
    "figure-4-FingerSpin",
    "figure-5",
    "figure-6",
    "figure-7",
    "derivatives-by-environment",
    "policies-by-environment",
    "horizon-state",
)
"""Names of the figures, as the report names them."""
MOST_BYTES = 200 * 1024
_WIDTHS = (1400, 1200, 1000, 800, 640, 480)
"""Pixels, the first that a file is small enough with; a page is about 900 wide."""
_COLOURS = (None, 256, 64)
"""Colours of the palette, where all of them are too many at any width of at least half a page."""


def shrink(content: bytes) -> bytes:
    """Return a PNG of the same picture on white, as large as fits.

    Raises:
        ValueError: None is small enough.
    """
    with Image.open(io.BytesIO(content)) as opened:
        drawn = opened.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    for colours in _COLOURS:
        for width in _WIDTHS:
            size = (width, max(1, round(picture.height * width / picture.width)))
            smaller = picture.resize(size, Image.Resampling.LANCZOS) if width < picture.width else picture
            made = io.BytesIO()
            (smaller if colours is None else smaller.quantize(colours)).save(made, "PNG", optimize=True)
            if made.tell() < MOST_BYTES:
                return made.getvalue()
    raise ValueError(f"expected a picture that fits {MOST_BYTES:,} bytes, got one of {picture.size} that never does")


def ship(folder: Path, pictures: Path = PICTURES) -> list[str]:
    """Write the figures, and return the names of those that are missing.

    Args:
        folder: Of ``dynsparse reproduce``, or of its results.
        pictures: Where to; made where it is missing.
    """
    pictures.mkdir(parents=True, exist_ok=True)
    missing = []
    for name in FIGURES:
        source = folder / "figures" / f"{name}.png"
        if source.exists():
            (pictures / f"{name}.png").write_bytes(shrink(source.read_bytes()))
        else:
            missing.append(name)
    return missing


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lacking = ship(Path(sys.argv[1]))
    if lacking:
        sys.exit(f"{sys.argv[1]}/figures holds no {', '.join(lacking)}; dynsparse report {sys.argv[1]} draws them")
