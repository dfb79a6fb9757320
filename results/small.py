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
    """
    if not (folder / "settings.json").exists():
        raise FileNotFoundError(f"expected a folder of dynsparse reproduce, {folder} holds no settings.json")
    shutil.rmtree(results, ignore_errors=True)
    copied = []
    for source in sorted(path for pattern in KEPT for path in folder.glob(pattern)):
        place = source.relative_to(folder)
        if place.name.startswith(".") or (place.stem == "embedding" and place.parent.name != EMBEDDED):
            continue
        target = results / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        copied.append(target)
    return copied


def answers(sections: Sequence[Section]) -> str:
    """Return what sections answer in words, as Markdown; those that answer nothing are left out."""
    parts = [
        "# What came out of the small preset",
        "`python results/small.py out/small` writes this: computed, not typed.",
    ]
    for section in sections:
        if section.short:
            parts += [f"## {section.title}", f"**{section.short}**"]
            told = [*section.sentences, *(sentence for _, folded in section.folded for sentence in folded)]
            parts += ["\n".join(f"- {sentence}" for sentence in told)] if told else []
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    kept = ship(Path(sys.argv[1]))
    page = RESULTS / "answers.md"
    page.write_text(answers(sections_of(read_study(RESULTS))), encoding="utf-8")
    kept.append(page)
    print(f"{RESULTS}: {len(kept)} files, {sum(path.stat().st_size for path in kept) / 2**20:.1f} MiB")
