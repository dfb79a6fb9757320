"""Sections of parts: few sentences open, the others folded away, none lost."""

from __future__ import annotations

import pytest

from dynsparse.report.item import Part
from dynsparse.report.study_section import of_part


@pytest.mark.parametrize("count", [0, 1, 5, 6, 12])
def test_at_most_five_sentences_of_a_part_are_open(count):
    said = tuple(f"Sentence {place} of the part." for place in range(count))
    html = of_part(Part("here", "A part", said)).html()
    opened, _, folded = html.partition("<details")
    assert [sentence for sentence in said if sentence in opened] == list(said[:5])
    assert [sentence for sentence in said if sentence in folded] == list(said[5:])
    assert bool(folded) == (count > 5)
