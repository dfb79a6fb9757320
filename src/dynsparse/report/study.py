"""Study: everything that a reproduction measured, as its one report needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynsparse.analysis import CauseRecord, SparsityReport
from dynsparse.analysis.episode_record import AboveRoundOff, EpisodeRecord
from dynsparse.errors import InputError
from dynsparse.report.cause import Cause
from dynsparse.report.cause_section import check_causes
from dynsparse.report.counted_numbers import Counted, count_all
from dynsparse.report.gallery import QUESTIONS
from dynsparse.report.item import Part
from dynsparse.report.learning_drawing import LearningDrawing
from dynsparse.report.learning_gallery import all_drawings
from dynsparse.report.learning_records import LearningRecords
from dynsparse.report.learning_results import LearningResults, learning_results
from dynsparse.report.learning_table import ExpectedRuns, LearningTable, make_learning_table
from dynsparse.report.search_study import SearchStudy
from dynsparse.report.seed_statistics import RESAMPLES
from dynsparse.report.study_command import StudyCommand
from dynsparse.report.table1 import Table1Row, make_table1

__all__ = ["LearningStudy", "StudyResults", "learning_study"]


@dataclass(frozen=True, eq=False)
class LearningStudy:
    """What was learned.

    Attributes:
        table: The runs.
        results: What was computed, one a test set.
        drawings: The figures on each test set.
    """

    table: LearningTable
    results: tuple[LearningResults, ...]
    drawings: tuple[tuple[LearningDrawing, ...], ...]


def learning_study(
    records: LearningRecords, expected: ExpectedRuns | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> LearningStudy:
    """Compute what there is to say about trained models.

    Args:
        records: Trainings and referees.
        expected: The runs that there should be; None for every combination of what is on record.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The study.

    Raises:
        InputError: If trainings do not belong together.
    """
    table = make_learning_table(records, expected)
    results = tuple(learning_results(table, split, resamples=resamples, seed=seed) for split in table.splits)
    return LearningStudy(table, results, all_drawings(results))


@dataclass(frozen=True, eq=False)
class StudyResults:
    """What there is; everything but the analyses may be missing.

    Attributes:
        reports: Analyses, one an environment, in the order in which they are shown.
        expected: Environments that there should be; those without an analysis are shown as missing.
        episodes: What each episode is like, by environment.
        above_round_off: What each episode is like at 1e-12, where the analysis is at a smaller threshold.
        causes: Why elements are zero, by environment.
        learning: What was learned; None where nothing was trained.
        search: Hyperparameter searches; None where none was run.
        parts: What others measured, by the names of ``study_parts``.
        timings: How long it took; None where that is not known.
        whole: Whether all items of the paper are wanted, so that a missing one is shown with what makes it.
        questions: Which of the paper's questions are answered.
        table: Table 1; None to make it of the analyses.
        reasons: Why columns are always zero; None to make them of analyses and causes.
        command: The command that goes on with the folder, for what is missing.
    """

    reports: tuple[SparsityReport, ...]
    expected: tuple[str, ...]
    episodes: Mapping[str, EpisodeRecord] = field(default_factory=dict)
    above_round_off: Mapping[str, AboveRoundOff] = field(default_factory=dict)
    causes: Mapping[str, CauseRecord] = field(default_factory=dict)
    learning: LearningStudy | None = None
    search: SearchStudy | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    timings: Mapping[str, Any] | None = None
    whole: bool = False
    questions: Sequence[str] = QUESTIONS
    table: Sequence[Table1Row] | None = None
    reasons: Sequence[Cause] | None = None
    command: StudyCommand = field(default_factory=StudyCommand)

    def __post_init__(self) -> None:
        """Check that there is one analysis an environment, and that what stands beside is of it.

        Raises:
            InputError: There is none, or two of one environment, or records of other analyses.
        """
        names = [report.environment for report in self.reports]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not self.reports or twice:
            raise InputError(
                f"expected one analysis for each environment, got {f'several of {twice[0]}' if twice else 'none'}; "
                "write one report for each set of analyses"
            )
        check_causes(self.reports, self.causes)
        for report in self.reports:
            for records in (self.episodes, self.above_round_off):
                if report.environment in records:
                    records[report.environment].check(report)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the environments without an analysis."""
        there = {report.environment for report in self.reports}
        return tuple(name for name in self.expected if name not in there)

    @property
    def counted(self) -> tuple[Counted, ...]:
        """Numbers of Q2 and Q3, one an environment, in the order of the analyses."""
        return count_all(self.reports, self.episodes, self.above_round_off)

    @property
    def table1(self) -> tuple[tuple[Table1Row, ...], tuple[Cause, ...]]:
        """Table 1, and why its columns are zero."""
        rows, reasons = make_table1(self.reports, self.causes)
        return (
            rows if self.table is None else tuple(self.table),
            reasons if self.reasons is None else tuple(self.reasons),
        )
