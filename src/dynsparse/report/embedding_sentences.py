"""Embedding sentences: whether clusters may be read off an embedding, and whether sparsity is local in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.embedding_record import EmbeddingRecord
from dynsparse.report.answer import about_family
from dynsparse.report.episode_statistics import SHARE, EpisodeMean, mean_over_episodes
from dynsparse.report.quantities import number, percent, share_with_interval

__all__ = ["about_embedding", "about_localities", "judged_mean", "local_side", "shuffled_range"]

_HALF = 0.5
_POINT = "A point is a transition (s, a, s'), and its colour the share of zeros in its Jacobian."
_AGAINST = " (neighbours with as many zeros, against those if sparsity is shuffled)"


def judged_mean(record: EmbeddingRecord, name: str, group: str | None = None) -> EpisodeMean:
    """Average what was found of the judged points, over episodes.

    Args:
        record: The embedding.
        name: One of ``kept``, ``alike_plane`` and ``alike_space``.
        group: ``"fitted"`` or ``"placed"``; None for both.

    Returns:
        The mean of the episodes' means, with its interval.
    """
    found = record.neighbours
    values: NDArray[np.float64] = getattr(found, name)
    own = np.ones(len(values), dtype=bool)
    if group is not None:
        own = record.fitted[found.judged] == (group == "fitted")
    episodes = record.episode[found.judged[own]]
    return mean_over_episodes([values[own][episodes == number].mean() for number in np.unique(episodes)], SHARE)


def shuffled_range(record: EmbeddingRecord) -> tuple[float, float]:
    """Return within which 95 % of the shares lie that neighbours have in common where sparsity is shuffled."""
    low, high = np.quantile(record.neighbours.shuffled_alike, (0.025, 0.975))
    return float(low), float(high)


def local_side(record: EmbeddingRecord) -> int | None:
    """Return 1 where neighbours in the plane have more in common than shuffled ones; 0 where that can not be told.

    None where there are too few episodes, or all rows have the same number of zeros.
    """
    if _is_constant(record):
        return None
    side = judged_mean(record, "alike_plane").side_of(shuffled_range(record)[1])
    return None if side is None else max(side, 0)


def about_embedding(record: EmbeddingRecord) -> tuple[str, ...]:
    """Say what an embedding shows, and how far it may be trusted.

    Args:
        record: The embedding.

    Returns:
        Sentences.
    """
    return (*_about_points(record), _about_kept(record), _about_sparsity(record), _about_strip(record))


def about_localities(records: Mapping[str, EmbeddingRecord]) -> tuple[str, ...]:
    """Say in how many environments sparsity is local in the plane.

    Args:
        records: Embeddings by environment.

    Returns:
        A sentence for each answer that occurs.
    """
    if len(records) == 1:
        return (*_about_only(*next(iter(records.items()))), _POINT)
    constant = [name for name, record in records.items() if _is_constant(record)]
    sides = {name: local_side(record) for name, record in records.items() if name not in constant}
    told = []
    for side, said in (
        (1, f"Sparsity is local in (s, a, s'), as far as the plane shows it, in {{}}{_AGAINST}: {{}}."),
        (0, f"It can not be told from chance in {{}}{_AGAINST}: {{}}."),
        (None, f"Not enough data to tell in {{}}{_AGAINST}: {{}}."),
    ):
        names = [_with_numbers(name, records[name]) for name, found in sides.items() if found == side]
        if names:
            told.append(said.format(number(len(names), "environment"), "; ".join(names)))
    if constant:
        told.append(f"In all embedded rows of {', '.join(constant)} the number of zeros is the same.")
    told += about_family(sum(side is not None for side in sides.values()))
    return (*told, _POINT)


def _about_only(name: str, record: EmbeddingRecord) -> list[str]:
    """Say whether sparsity is local in the only embedding that there is."""
    where = f"in {name}, the one embedding on record"
    if _is_constant(record):
        return [f"In all embedded rows of {name}, the one embedding on record, the number of zeros is the same."]
    low, high = shuffled_range(record)
    mean = share_with_interval(judged_mean(record, "alike_plane"))
    said = {
        1: f"Sparsity is local in (s, a, s'), as far as the plane shows it, {where}",
        0: f"Whether sparsity is local in (s, a, s') can not be told from chance {where}",
        None: f"Whether sparsity is local in (s, a, s'): not enough data {where}",
    }[local_side(record)]
    shuffled = percent((low + high) / 2)
    return [f"{said}: neighbours have as many zeros in {mean} of the cases, in {shuffled} if sparsity is shuffled."]


def _is_constant(record: EmbeddingRecord) -> bool:
    return bool((record.zeros == record.zeros[0]).all())


def _with_numbers(name: str, record: EmbeddingRecord) -> str:
    low, high = shuffled_range(record)
    mean = judged_mean(record, "alike_plane")
    return f"{name} {share_with_interval(mean)} against {percent((low + high) / 2)}"


def _about_points(record: EmbeddingRecord) -> tuple[str, ...]:
    fitted = int(record.fitted.sum())
    placed = len(record.rows) - fitted
    all_rows = "all" if len(record.rows) == record.data_rows else f"{len(record.rows):,} of"
    cost = f"{record.kl_divergence:.2f}"
    rest = f", {placed:,} placed among them" if placed else ""
    said = (
        f"Transitions of the {record.policy} policy, {all_rows} {record.data_rows:,}: {fitted:,} fitted by t-SNE "
        f"(perplexity {record.perplexity:g}, KL divergence {cost}){rest}."
    )
    if not record.turning:
        return (said,)
    angles = ", ".join(name.removeprefix("qpos ") for name in record.turning)
    return (said, f"Angles without limits ({angles}) are compared by cosine and sine, so that a full turn is none.")


def _about_kept(record: EmbeddingRecord) -> str:
    count, fitted = record.neighbours.count, int(record.fitted.sum())
    chance = percent(min(count / max(fitted - 1, 1), 1.0))
    fit, place = judged_mean(record, "kept", "fitted"), judged_mean(record, "kept", "placed")
    said = f"Of the {count} nearest neighbours in (s, a, s'), {share_with_interval(fit)} are so in the plane"
    if place.value is not None:
        said += f" ({share_with_interval(place)} of one that was placed)"
    side = fit.side_of(_HALF)
    verdict = {
        1: "most neighbours in the plane are so in truth; clusters may be read, distances between them may not",
        0: "that can not be told from half; regions may be read, single neighbours may not",
        -1: "fewer than half of the neighbours in the plane are so in truth; regions may be read, clusters may not",
        None: "not enough data for an interval",
    }[side]
    return f"{said}, {chance} by chance: {verdict}."


def _about_sparsity(record: EmbeddingRecord) -> str:
    if _is_constant(record):
        return f"All these rows have {number(int(record.zeros[0]), 'zero')} of {record.elements} elements."
    low, high = shuffled_range(record)
    plane, space = judged_mean(record, "alike_plane"), judged_mean(record, "alike_space")
    whose = "of other episodes " if record.neighbours.elsewhere else ""
    said = (
        f"Neighbours {whose}in the plane have as many zeros as the transition itself in {share_with_interval(plane)} "
        f"of the cases ({share_with_interval(space)} in (s, a, s') itself), {percent(low)} to {percent(high)} if "
        "sparsity is shuffled"
    )
    shared = record.quality("fitted")["shared_plane"]
    if shared is not None:
        explained = percent(max(float(shared), 0.0))
        said += f", and their mean explains {explained} of the variance of sparsity (of all points, no interval)"
    verdict = {
        1: "sparsity is local in the plane",
        0: "that can not be told from chance",
        None: "not enough data to tell",
    }[local_side(record)]
    return f"{said}: {verdict}."


def _about_strip(record: EmbeddingRecord) -> str:
    strip = record.strip
    if not len(strip.rows):
        return f"There are no frames: {strip.missing}."
    seconds = strip.every * record.dt
    values = [percent(float(value)) for value in record.sparsity[record.strip_places]]
    first = record.strip_places[0]
    said = (
        f"The path is episode {int(record.episode[first])} from t = {int(record.t[first])} on, {strip.every} control "
        f"{'step' if strip.every == 1 else 'steps'} ({seconds:.3g} s) from one frame to the next, sparsity "
        f"{', '.join(values)}"
    )
    if strip.switches:
        said += (
            f": the stretch of the data along which sparsity changes most, {strip.switches} of {len(values) - 1} times "
            f"with {number(strip.pattern_switches, 'switch', 'switches')} of the pattern"
        )
    else:
        said += ": no stretch of the data changes between sparsities that occur often"
    return said + (f". Frames are missing: {strip.missing}." if strip.missing else ".")
