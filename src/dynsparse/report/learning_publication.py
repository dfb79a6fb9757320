"""Learning publication: figures, tables and page of learned world models, written from their records alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.comparison import Comparison
from dynsparse.report.files import write_file
from dynsparse.report.learned_data import about_few_episodes, data_table
from dynsparse.report.learning_dimensions import dimension_scores
from dynsparse.report.learning_gallery import all_drawings, write_learning_figures
from dynsparse.report.learning_page import learning_page
from dynsparse.report.learning_records import LearningRecords
from dynsparse.report.learning_results import LearningResults, learning_results
from dynsparse.report.learning_sentences import about_chances, about_intervals, about_scores
from dynsparse.report.learning_table import ExpectedRuns, LearningTable, make_learning_table
from dynsparse.report.missing_runs import about_missing, uneven_means
from dynsparse.report.panel_grid import about_test
from dynsparse.report.score_markdown import markdown, markdown_table
from dynsparse.report.score_tables import differences_csv, label_table, scores_csv
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
    notes = [
        *map(_summary, results),
        about_missing(table),
        *uneven_means(results),
        *filter(None, [about_few_episodes(table)]),
        about_intervals(table, resamples, seed),
        about_scores(table, results),
        about_chances(results),
        markdown_table(data_table(table)),
        markdown_table(label_table(table)),
    ]
    contents = {
        "learning_scores.md": markdown(results, notes),
        "learning_scores.csv": scores_csv(_scores(results)),
        "learning_contact.csv": scores_csv(_contact(results)),
        "learning_dimensions.csv": scores_csv(dimension_scores(table, resamples, seed), overall=False),
        "learning_differences.csv": differences_csv(results),
    }
    tables = tuple(write_file(folder / name, content) for name, content in contents.items())
    tell("figures")
    drawings = all_drawings(results)
    figures = tuple(path for drawn in drawings for path in write_learning_figures(drawn, folder / "figures"))
    tell("page")
    page = write_file(
        folder / "learning.html", learning_page(table, results, provenance, drawings, resamples=resamples, seed=seed)
    )
    return LearningPublication(table, results, page, tables, figures)


def _summary(found: LearningResults) -> str:
    said = " ".join(filter(None, (about_training(found), about_answer(found))))
    return f"**Tested on {about_test(found.split)}.** {said}"


def _scores(results: tuple[LearningResults, ...]) -> list[Comparison]:
    return [one for found in results for one in (*found.scores.values(), *found.thresholds.sparsity)]


def _contact(results: tuple[LearningResults, ...]) -> list[Comparison]:
    """List what is split by contact."""
    pairs = []
    for found in results:
        # The open-loop errors of some numbers of steps stand in both.
        others = (pair for pair in found.open_loop_contact.values() if pair not in found.contact.values())
        pairs += [*found.contact.values(), *others]
    return [one for pair in pairs for one in (pair.active, pair.inactive)]
