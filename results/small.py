"""What is kept of the small preset: its records, from which the whole report can be drawn again, and its tables.

    dynsparse reproduce --preset small --causes --embed all --out out/small
    python results/small.py out/small

copies to results/small the settings, the times, the records of each environment (not the data sets), those of the
trainings (not the weights) and the tables as CSV.  Of the embeddings only FingerSpin's is kept, which is the paper's
Figure 4; the others are as large as all else.  results/small/answers.md is what the report says of them in words.  Then

    dynsparse report results/small --out out/report.html

draws the report, and figures and tables in out/report_files.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from dynsparse.report.study_folder import read_study
from dynsparse.report.study_section import Section
from dynsparse.report.study_sections import sections_of

RESULTS = Path(__file__).resolve().parent / "small"
EMBEDDED = "FingerSpin"
KEPT = (
    "settings.json",
    "asked.json",
    "timings.json",
    "analysis/*/*.json",
    "analysis/*/*.npz",
    "learning/units/*.json",
    "tables/*.csv",
)
"""Patterns of files below the folder."""


def ship(folder: Path, results: Path = RESULTS) -> list[Path]:
    """Copy what is kept in place of what was, and return where it is.

    Args:
        folder: Of ``dynsparse reproduce``.
        results: Where to; what was there is removed.

    Raises:
        FileNotFoundError: It is no such folder.
        ValueError: It is the one that would be replaced.
    """
    if not (folder / "settings.json").exists():
        raise FileNotFoundError(f"expected a folder of dynsparse reproduce, {folder} holds no settings.json")
    if folder.resolve() == results.resolve():
        raise ValueError(f"expected the folder that was reproduced, {folder} is what was kept of it")
    fresh = results.with_name(f".{results.name}-fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    places = []
    for source in sorted(path for pattern in KEPT for path in folder.glob(pattern)):
        place = source.relative_to(folder)
        if place.name.startswith(".") or (place.stem == "embedding" and place.parent.name != EMBEDDED):
            continue
        target = fresh / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        places.append(results / place)
    # What was there goes when all the rest is.
    shutil.rmtree(results, ignore_errors=True)
    fresh.rename(results)
    return places


def answers(sections: Sequence[Section]) -> str:
    """Return what sections answer in words, and which items are missing and why, as Markdown."""
    parts = [
        "# What came out of the small preset",
        "`python results/small.py out/small` writes this: computed, not typed.",
    ]
    for section in sections:
        missing = [f"Missing: {one.what}, {one.why}" for one in section.missing]
        if not section.short and not missing:
            continue
        parts += [f"## {section.title}"]
        parts += [f"**{section.short}**"] if section.short else []
        told = [*section.sentences, *(sentence for _, folded in section.folded for sentence in folded)]
        lines = [*(told if section.short else ()), *missing]
        parts += ["\n".join(f"- {line}" for line in lines)] if lines else []
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    kept = ship(Path(sys.argv[1]))
    page = RESULTS / "answers.md"
    page.write_text(answers(sections_of(read_study(RESULTS))), encoding="utf-8")
    kept.append(page)
    print(f"{RESULTS}: {len(kept)} files, {sum(path.stat().st_size for path in kept) / 2**20:.1f} MiB")
