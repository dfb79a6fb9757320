"""Study folder: reads whatever records a folder of results holds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dynsparse.analysis import AboveRoundOff, CauseRecord, EpisodeRecord, SparsityReport
from dynsparse.analysis.cause_record import holds_causes
from dynsparse.errors import InputError
from dynsparse.report.gallery import QUESTIONS
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_table import ExpectedRuns
from dynsparse.report.record_check import check_record
from dynsparse.report.search_study import SEARCH_FILE, read_search
from dynsparse.report.study import LearningStudy, StudyResults, learning_study
from dynsparse.report.study_command import SETTINGS, read_asked, read_command
from dynsparse.report.study_parts import read_parts
from dynsparse.report.table1 import paper_table1
from dynsparse.report.timings_table import TIMINGS_SCHEMA

__all__ = ["in_papers_order", "read_study"]

_PLACES = ("", "*/", "analysis/*/")
_TIMINGS = "timings.json"
_LEARNING, _SEARCH = ("learning/units", "units"), ("search", "")


def in_papers_order(names: Sequence[str]) -> list[str]:
    """Sort environments as the paper's Table 1 lists them, others after them by name."""
    listed = list(paper_table1())
    return sorted(names, key=lambda name: (listed.index(name) if name in listed else len(listed), name))


def read_study(
    folder: str | os.PathLike[str],
    *,
    expected: Sequence[str] | None = None,
    runs: ExpectedRuns | None = None,
    questions: Sequence[str] = QUESTIONS,
) -> StudyResults:
    """Read the records in a folder of ``reproduce``, of ``analyze``, or one that holds several of the latter.

    Args:
        folder: The folder.
        expected: Environments that there should be; None for those that were ever asked for in the folder.
        runs: Trainings that there should be; None for every combination of what is on record.
        questions: Which of the paper's questions are to be answered.

    Returns:
        What is there.

    Raises:
        InputError: If there is no analysis, several of one environment, or a record is damaged, or of other data than
            the analysis beside it.
    """
    root = Path(folder)
    analyses = _analyses(root)
    names = in_papers_order(list(analyses))
    places = {name: analyses[name][0] for name in names}
    reports = {name: analyses[name][1] for name in names}
    whole, command = (root / SETTINGS).exists(), read_command(root)
    expected = read_asked(root, "environments") if expected is None else expected
    wanted = tuple(in_papers_order([*{*expected, *names}]))
    learning, search = None, None
    if "q4" in questions:
        learning = _learning(root, runs, whole)
        kept = [root / place / SEARCH_FILE for place in _SEARCH if (root / place / SEARCH_FILE).exists()]
        search = read_search(kept[0]) if kept else None
    causes = {name: CauseRecord.load(places[name]) for name in names if holds_causes(places[name])}
    for name, record in causes.items():
        check_record(reports[name], record, places[name], "dynsparse causes DATASET --out DIR --overwrite")
    return StudyResults(
        reports=tuple(reports.values()),
        expected=wanted,
        episodes={name: EpisodeRecord.load(places[name]) for name in names if EpisodeRecord.is_in(places[name])},
        above_round_off={name: AboveRoundOff.load(places[name]) for name in names if AboveRoundOff.is_in(places[name])},
        causes=causes,
        learning=learning,
        search=search,
        parts=read_parts(
            places, reports, wanted, (lambda options: command.to_make(options, str(root))) if whole else lambda _: ""
        ),
        timings=_timings(root / _TIMINGS),
        whole=whole,
        questions=questions,
        command=command,
    )


def _analyses(root: Path) -> dict[str, tuple[Path, SparsityReport]]:
    """Return each environment's analysis with its folder."""
    found_at = [path.parent for place in _PLACES for path in root.glob(f"{place}analysis.json")]
    # A name with a dot is one that a stopped command left half written.
    folders = sorted({folder for folder in found_at if not folder.name.startswith(".") or folder == root})
    if not folders:
        if (root / "zarr.json").exists():
            raise InputError(f"expected analyses, {root} is a data set; first: dynsparse analyze {root} --out DIR")
        raise InputError(f"expected analyses in {root}, found none; make one with dynsparse analyze DATASET --out DIR")
    found: dict[str, tuple[Path, SparsityReport]] = {}
    for folder in folders:
        report = SparsityReport.load(folder)
        if report.environment in found:
            raise InputError(
                f"expected one analysis of {report.environment} in {root}, found several ({folder} is one); "
                "make a report of each by itself"
            )
        found[report.environment] = (folder, report)
    return found


def _learning(root: Path, runs: ExpectedRuns | None, whole: bool) -> LearningStudy | None:
    """Return what was learned: in a folder of a reproduction, or beside the analyses."""
    # A search of its own folder keeps its trainings there too: they differ in their settings.
    own = whole or (root / SEARCH_FILE).exists()
    for place in _LEARNING[:1] if own else _LEARNING:
        folder = root / place
        if any(path for path in folder.glob("*.json") if not path.name.startswith(".")):
            return learning_study(read_learning_records(folder), runs)
    return None


def _timings(path: Path) -> Mapping[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as error:
        raise InputError(f"expected timings in {path}, can not read them ({error!r}); remove the file") from error
    # Those of another version are no reason to stop, and the next run replaces them.
    return found if found.get("schema") == TIMINGS_SCHEMA else None
