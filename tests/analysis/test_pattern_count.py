from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from dynsparse.analysis import pattern_count
from dynsparse.analysis.pattern_count import PatternCount, hash_patterns


def test_a_hash_is_the_same_for_ever():
    # Integers of Python do the sum of the docstring; the multipliers are the generator's first outputs.
    raw = [int(number) for number in np.random.PCG64(pattern_count._SEED).random_raw(6)]
    pattern = np.zeros((1, 40), dtype=bool)
    pattern[0, [0, 9, 39]] = True
    # Bits are packed first element highest, bytes lowest first: element 0 is bit 7, 9 is bit 6 of byte 1.
    words = (0x80 | 0x40 << 8, 0x01)
    halves = [(raw[half] + words[0] * raw[2 + half] + words[1] * raw[4 + half]) % 2**64 >> 32 for half in (0, 1)]
    assert hash_patterns(pattern).tolist() == [halves[0] << 32 | halves[1]]
    assert hash_patterns(pattern).tolist() == [4694205017819095711]


def test_no_two_of_all_small_patterns_share_a_hash():
    every = np.array(list(itertools.product([False, True], repeat=12)))
    assert len(np.unique(hash_patterns(every))) == 2**12


def test_any_single_element_changes_the_hash():
    patterns = np.concatenate([np.zeros((1, 432), bool), np.eye(432, dtype=bool)])
    assert len(np.unique(hash_patterns(patterns))) == 433


@pytest.mark.parametrize("merge_at", [0, 7, 65_536])
def test_counts_equal_those_of_a_dictionary(monkeypatch, merge_at):
    monkeypatch.setattr(pattern_count, "_MERGE_AT", merge_at)
    rng = np.random.default_rng(1)
    pool = rng.random((60, 45)) < 0.5
    zero = pool[rng.integers(0, 60, 700) * rng.integers(0, 2, 700)]
    count = PatternCount()
    for start, stop in itertools.pairwise((0, 0, 1, 3, 400, 401, 700)):
        count.update(zero[start:stop])
    expected = Counter(row.tobytes() for row in zero)
    assert count.distinct == len(expected)
    assert count.shares(5) == tuple(number / 700 for _, number in expected.most_common(5))


def test_nothing_counted_has_no_patterns():
    count = PatternCount()
    assert (count.distinct, count.shares()) == (0, ())
