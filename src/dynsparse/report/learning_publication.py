"""Learning publication: figures, tables and page of learned world models, written from their records alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.report.files import write_file
from dynsparse.report.learning_gallery import all_drawings, write_learning_figures
from dynsparse.report.learning_page import learning_page
from dynsparse.report.learning_records import LearningRecords
from dynsparse.report.learning_results import LearningResults, learning_results
from dynsparse.report.learning_table import ExpectedRuns, LearningTable, make_learning_table
from dynsparse.report.score_files import score_files
from dynsparse.report.seed_statistics import RESAMPLES

__all__ = ["LearningPublication", "publish_learning"]


@dataclass(frozen=True)
class LearningPublication:
    """What was published.

    Attributes:
        table: The runs.
        results: What was computed, one a test set.
        page: Path of ``learning.html``.
        tables: Paths of the tables.
        figures: Paths of the figures.
    """

    table: LearningTable
    results: tuple[LearningResults, ...]
    page: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]


def publish_learning(
    records: LearningRecords,
    out: str | os.PathLike[str],
    provenance: Mapping[str, Any] | None = None,
    expected: ExpectedRuns | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    on_part: Callable[[str], None] | None = None,
) -> LearningPublication:
    """Compute statistics over seeds and write everything that is made of them; the same records give the same bytes.

    Written are ``learning.html``, ``learning_scores.md``, ``learning_scores.csv``, ``learning_contact.csv``,
    ``learning_dimensions.csv``, ``learning_differences.csv``, and ``figures/`` as PNG and PDF.

    Args:
        records: Trainings and referees.
        out: Folder to write into; made where it is missing.
        provenance: Where the page itself comes from; its date would make the bytes differ, leave it out for equal ones.
        expected: The runs that there should be; None for every combination of what is on record.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        on_part: Told what is made next.

    Returns:
        Paths, and what was computed.

    Raises:
        InputError: If trainings do not belong together, or an environment's name is no name for a file.
        OutputError: If the folder can not be written.
        SettingError: If ``resamples`` or ``seed`` is not a number that it can be.
    """
    tell = on_part or (lambda part: None)
    folder = Path(out)
    table = make_learning_table(records, expected)
    tell("statistics")
    results = tuple(learning_results(table, split, resamples=resamples, seed=seed) for split in table.splits)
    tell("tables")
    contents = score_files(table, results, resamples=resamples, seed=seed)
    tables = tuple(write_file(folder / f"learning_{name}", content) for name, content in contents.items())
    tell("figures")
    drawings = all_drawings(results)
    figures = tuple(path for drawn in drawings for path in write_learning_figures(drawn, folder / "figures"))
    tell("page")
    page = write_file(
        folder / "learning.html", learning_page(table, results, provenance, drawings, resamples=resamples, seed=seed)
    )
    return LearningPublication(table, results, page, tables, figures)
