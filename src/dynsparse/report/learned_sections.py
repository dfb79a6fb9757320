"""Learned sections: Q4 and the hyperparameter searches in the study's report."""

from __future__ import annotations

from dynsparse.report.learned_answer import answer_q4, more_on_q4
from dynsparse.report.learned_data import about_few_episodes
from dynsparse.report.learning_page import learning_section
from dynsparse.report.missing_runs import about_missing, uneven_means
from dynsparse.report.search_study import search_items
from dynsparse.report.settings_table import settings_table
from dynsparse.report.study import StudyResults
from dynsparse.report.study_section import Missing, Section

__all__ = ["learned_sections", "search_sections"]

_Q4 = "Q4: Does naive MLP training recover the ground-truth dynamics' sparsity?"


def learned_sections(results: StudyResults) -> list[Section]:
    """Return the sections of Q4.

    Args:
        results: What there is.

    Returns:
        The answer with the paper's figures, and what else there is to see of trained models; where nothing was trained,
        what is missing.
    """
    found = results.learning
    if found is None:
        command = results.command.to_make("--only q4")
        missing = Missing("Figures 8, A2.1 and A2.2", "no trained models are on record", command)
        return [Section("q4", _Q4, items=(settings_table(None),), missing=(missing,))]
    answer, table = answer_q4(found.results), found.table
    papers = tuple(one.item() for drawn in found.drawings for one in drawn if one.is_papers)
    doubts = tuple(filter(None, (*uneven_means(found.results), about_few_episodes(table))))
    runs = about_missing(table)
    told = (*answer.sentences, *doubts, *([runs] if table.missing else []))
    folded = (*more_on_q4(found.results), *([] if table.missing else [("Runs", (runs,))]))
    others = [[one for one in drawn if not one.is_papers] for drawn in found.drawings]
    # Of the last test set only, the most honest: each file is drawn once more.
    files = tuple(one.item() for one in others[-1] if one.environment is None)
    first = Section("q4", _Q4, answer.short, told, (*papers, settings_table(table)), files=files, folded=folded)
    more = [
        Section(anchor, f"Q4: {title[0].lower()}{title[1:]}", ready=html)
        for anchor, title, html in learning_section(table, found.results, others)
        if anchor != "learning-summary"  # it stands above
    ]
    return [first, *more]


def search_sections(results: StudyResults) -> list[Section]:
    """Return the section of the hyperparameter searches.

    Args:
        results: What there is.

    Returns:
        Tables A2.2 to A2.13, as they were run or as the paper prints them; nothing where neither is wanted.
    """
    if results.search is None and not results.whole:
        return []
    items = search_items(results.search)
    missing: tuple[Missing, ...] = ()
    if results.search is None:
        missing = (Missing("Tables A2.2 to A2.13", "no search is on record", results.command.to_make("--search")),)
    said = () if results.search is None else results.search.sentences
    return [Section("searches", "Hyperparameter searches", "", said, items, missing)]
