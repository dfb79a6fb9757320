"""Rank notes: what is said below a table of mean ranks."""

from __future__ import annotations

from dynsparse.report.paper_ranks import PaperRanks
from dynsparse.report.quantities import number
from dynsparse.report.search_ranks import HyperparameterRanks, SearchRanks, Value
from dynsparse.report.seed_statistics import RESAMPLES, narrowness

__all__ = ["about_choice", "about_counts", "about_intervals", "about_n", "about_paper", "value_text"]


def value_text(value: Value | None) -> str:
    """Write a value of a hyperparameter; a dash for none."""
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def about_n(ranks: SearchRanks) -> str:
    """Say how many runs were ranked, and that the mean of all ranks is the one that belongs to that number."""
    mean, wanted = ranks.mean_of_ranks, ranks.expected_mean
    if mean is None or wanted is None:
        return "No run is ranked."
    counts = set(ranks.ranked.values())
    if len(counts) == 1:
        where = next(iter(ranks.ranked)) if len(ranks.ranked) == 1 else f"each of {len(ranks.ranked)} environments"
        told = f"N = {number(counts.pop(), 'run')} ranked in {where}"
        return f"{told}; the mean of all ranks is {mean:.2f}, and (N + 1) / 2 is {wanted:.2f}."
    listed = ", ".join(f"{name} {count:,}" for name, count in ranks.ranked.items())
    told = f"N, the runs ranked in an environment, differs ({listed})"
    return f"{told}; the mean of all ranks is {mean:.2f}, and (N + 1) / 2 averaged over runs is {wanted:.2f}."


def about_choice(found: HyperparameterRanks, paper: PaperRanks) -> tuple[str, ...]:
    """Say which value has the lowest mean rank, and whether seeds tell it from the next one."""
    if found.chosen is None:
        return ("Nothing is chosen: no run is ranked.",)
    chosen = (
        f"Chosen: {found.name} {value_text(found.chosen)}, the lowest mean rank (the paper: {next(iter(paper.ranks))})."
    )
    lead = found.lead
    if lead.value is None:
        return (chosen,)
    second = value_text(found.values[1].value)
    if found.is_told is None or lead.low is None:
        return (chosen, f"Not enough data to tell it from {second}: too few seeds.")
    told = "It can be told from" if found.is_told else "It can not be told from"
    interval = f"[{lead.low:.2f}, {lead.high:.2f}]"
    choice = f"; that it is the lowest of {len(found.values):,} is not corrected for" if found.is_told else ""
    return (chosen, f"{told} {second}, whose mean rank is higher by {lead.value:.2f} {interval}{choice}.")


def about_counts(ranks: SearchRanks) -> tuple[str, ...]:
    """Say what became of runs without a loss."""
    diverged, missing, total = ranks.count("diverged"), ranks.count("missing"), len(ranks.runs)
    told = []
    if diverged:
        told.append(f"{diverged:,} of {number(total, 'run')} diverged and share the last ranks of their environment.")
    if missing:
        told.append(f"{missing:,} of {number(total, 'run')} have no result: they are missing, and not ranked.")
    return tuple(told)


def about_intervals(ranks: SearchRanks) -> str:
    """Say what the intervals are."""
    lead = ranks.hyperparameters[0].lead
    if all(row.low is None for found in ranks.hyperparameters for row in found.values):
        return "There is no interval: it takes two seeds in more than half of the environments."
    seeds = lead.runs / lead.strata
    return (
        f"Intervals: seeds drawn again inside each environment and ranked again, {RESAMPLES:,} times; with {seeds:.3g} "
        f"seeds they are {narrowness(seeds):.2f} times as wide as unbiased ones, and widened by that before a value is "
        "told from the next."
    )


def about_paper(found: HyperparameterRanks, paper: PaperRanks) -> str:
    """Say how many runs the paper's ranks tell of, and which values it ranks that are not tried here."""
    shown = {paper.printed_as(row.value) for row in found.values}
    besides = ", ".join(f"{value} ({rank:.2f})" for value, rank in paper.ranks.items() if value not in shown)
    more = f"; it also ranks {found.name} {besides}" if besides else ""
    return f"The mean of the paper's ranks is that of N = {paper.runs:.4g} runs{more}."
