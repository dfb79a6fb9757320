"""Explore page: rollouts and their Jacobians in one HTML file that needs nothing else, the network included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

import numpy as np

from dynsparse.errors import InputError, SettingError
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.report.cause_looks import LOOKS
from dynsparse.report.explore_code import MagnitudeScale
from dynsparse.report.explore_payload import Exhibit, make_payload
from dynsparse.report.explore_program import page_template, script, style
from dynsparse.report.markup import element, text

__all__ = ["ExplorePage", "common_scale", "file_page", "frame_of_page"]

_THINNER = (1, 2, 4, 8)
_FEWEST_STEPS = 20
MIB = 2**20


@dataclass(frozen=True)
class ExplorePage:
    """One HTML file.

    Attributes:
        html: Its content.
        notes: What is missing or was left out; the page says so too.
    """

    html: str
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.html.encode("utf-8"))


def file_page(exhibits: Sequence[Exhibit], *, title: str, notes: Sequence[str] = (), most_bytes: int) -> ExplorePage:
    """Write one page with all rollouts inside; the same exhibits give the same bytes.

    Where that is more than it may be, it has fewer frames, then none, then fewer steps, and says so.

    Args:
        exhibits: At least one rollout, each with what is shown beside it.
        title: What was explored.
        notes: What is missing already.
        most_bytes: Most bytes of the file.

    Returns:
        The page.

    Raises:
        InputError: There is no exhibit.
        SettingError: Not even a few steps without frames fit.
    """
    if not exhibits:
        raise InputError("expected at least one rollout to show, got none; name a folder that holds a data set")
    scale = common_scale(exhibits)
    page = ExplorePage("", ())
    for chosen, note in _smaller(exhibits, most_bytes):
        told = (*notes, note) if note else tuple(notes)
        payloads = [make_payload(exhibit, scale) for exhibit in chosen]
        places = [{"id": f"rollout-{index}"} for index in range(len(payloads))]
        blocks = [
            element("script", _json(payload), type="application/json", id=place["id"])
            for payload, place in zip(payloads, places, strict=True)
        ]
        page = ExplorePage(frame_of_page(payloads, places, title=title, notes=told, blocks=blocks), told)
        if page.size <= most_bytes:
            return page
    raise SettingError(
        f"{len(exhibits)} rollouts of {_FEWEST_STEPS} steps without frames take {page.size / MIB:.1f} MiB, more than "
        f"the {most_bytes / MIB:.1f} MiB asked for; allow more with --budget-mib, or write a folder with --full"
    )


def frame_of_page(
    payloads: Sequence[dict[str, Any]],
    places: Sequence[dict[str, str]],
    *,
    title: str,
    notes: Sequence[str],
    blocks: Sequence[str] = (),
    scripts_from: str = "",
) -> str:
    """Return the HTML around the rollouts: program, style, and the list of what there is.

    Args:
        payloads: The rollouts; only what tells them apart is used.
        places: (len(payloads),) where the page finds each: ``id`` of a block, or ``src`` of a script.
        title: What is explored.
        notes: Sentences at the top.
        blocks: The rollouts themselves, where they are inside.
        scripts_from: From where the page may load more of them; empty for nowhere.
    """
    keys = ("environment", "policy", "episode", "episodeSteps", "steps", "isRollout")
    catalogue = {
        "rollouts": [{key: p[key] for key in keys} | place for p, place in zip(payloads, places, strict=True)],
        "labels": list(ZERO_LABELS),
        "looks": [{"name": x.name, "title": x.title, "colour": x.colour, "letter": x.letter} for x in LOOKS],
    }
    return Template(page_template()).substitute(
        title=text(title),
        style=style(),
        notes="".join(element("li", text(note)) for note in notes),
        scripts_from=scripts_from,
        hide_notes="" if notes else "hidden",
        catalogue=_json(catalogue),
        blocks="\n".join(blocks),
        script=script(),
    )


def common_scale(exhibits: Sequence[Exhibit]) -> MagnitudeScale:
    """Return one code for the magnitudes of all rollouts of a page: a shade means the same everywhere on it."""
    largest = [np.abs(x.rollout.jacobian[x.rollout.finite]).max(initial=0.0) for x in exhibits]
    return MagnitudeScale.over(min(x.rollout.atol for x in exhibits), float(max(largest)))


def _smaller(exhibits: Sequence[Exhibit], most_bytes: int) -> Iterator[tuple[list[Exhibit], str]]:
    """Yield ever smaller exhibits, each with the sentence that says what was left out."""
    budget = f"to keep the page under {most_bytes / MIB:g} MiB"
    drawn = [exhibit for exhibit in exhibits if exhibit.frames.pictures]
    for factor in _THINNER if drawn else _THINNER[:1]:
        every = sorted({exhibit.frames.every * factor for exhibit in drawn})
        said = f"Frames: only every {' or '.join(map(str, every))} steps, {budget}." if factor > 1 else ""
        yield [exhibit.thinned(factor) for exhibit in exhibits], said
    bare = [exhibit.thinned(None) for exhibit in exhibits]
    gone = f"Frames: none, they were left out {budget}." if drawn else ""
    if drawn:
        yield bare, gone
    steps = max(len(exhibit.rollout) for exhibit in bare) // 2
    while steps >= _FEWEST_STEPS:
        yield [exhibit.first(steps) for exhibit in bare], f"{gone} Only the first {steps} steps, {budget}.".strip()
        steps //= 2


def _json(value: object) -> str:
    """Return JSON that can stand inside a script element: nothing in it ends the element or begins a comment."""
    dense = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return dense.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
