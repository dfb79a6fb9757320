"""Embeddings against brute force: two blobs far apart, neighbours counted one by one, samples counted by hand."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from dynsparse.analysis.embedding import embed_points
from dynsparse.analysis.embedding_features import TransitionSpace, turning_hinges
from dynsparse.analysis.embedding_neighbours import find_neighbours, shared_variance
from dynsparse.analysis.embedding_sample import stratified_sample
from dynsparse.analysis.embedding_stretch import choose_stretch
from dynsparse.errors import ArrayError, SettingError


def blobs(count=120, seed=3):
    """Two clouds in five dimensions, far apart, each with a sparsity of its own; every other point is fitted."""
    generator = np.random.default_rng(seed)
    side = np.arange(count) % 2
    points = generator.standard_normal((count, 5)) * 0.3
    points[:, 0] += 10.0 * side
    fitted = generator.random(count) < 0.6
    return points, fitted, np.where(side == 1, 0.5, 0.25)


@pytest.fixture(scope="module")
def embedded():
    points, fitted, _ = blobs()
    return embed_points(points, fitted, perplexity=10, seed=1)


# --- the space ----------------------------------------------------------------------------------------------------


def test_hinges_without_a_limit_turn():
    names = ("qpos slider", "qpos hinge", "qpos elbow", "qvel hinge", "qpos ball qw")
    units = ("m", "rad", "rad", "rad/s", "1")
    assert turning_hinges(names, units, ("joint limit elbow", "contact a-b", "tendon limit hinge")) == (1,)
    assert turning_hinges(names, units, ()) == (1, 2)


def test_a_turn_more_is_no_distance_and_half_a_turn_is_the_largest():
    angles = np.array([0.1, 0.1 + 2 * np.pi, 0.1 + np.pi, 0.1 + np.pi / 2])[:, None]
    still = np.zeros((4, 1))
    points = TransitionSpace(turning=(0,)).points(angles, still, angles)
    gaps = np.linalg.norm(points - points[0], axis=1)
    assert gaps[1] < 1e-12
    assert gaps[2] == gaps.max() and gaps[3] == pytest.approx(gaps[2] / np.sqrt(2))
    # Without it a turn is further than half of one.
    gaps = np.linalg.norm(TransitionSpace().points(angles, still, angles) - 0, axis=1)
    assert gaps[1] > gaps[3]


def test_every_variable_weighs_the_same_and_a_constant_nothing():
    generator = np.random.default_rng(0)
    state = generator.standard_normal((50, 4)) * [1.0, 100.0, 3.0, 0.0] + [0, 5, 1, 7.1]
    action = generator.random((50, 2))
    points = TransitionSpace(turning=(2,)).points(state, action, state)
    # State: two plain columns, cosine and sine, a constant; two actions; the state again.
    assert points.shape == (50, 5 + 2 + 5)
    squares = (points**2).mean(axis=0)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-12)
    expected = [1, 1, 1, 0, 1, 1, 1, 1, 1, 0]
    found = [
        *squares[:2],
        squares[2:4].sum(),
        squares[4],
        *squares[5:7],
        *squares[7:9],
        squares[9:11].sum(),
        squares[11],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(points[:, 0], (state[:, 0] - state[:, 0].mean()) / state[:, 0].std())


def test_both_signs_of_a_quaternion_are_one_place():
    generator = np.random.default_rng(1)
    states = generator.standard_normal((30, 6))
    states[:, 1:5] /= np.linalg.norm(states[:, 1:5], axis=1, keepdims=True)
    turned = states.copy()
    turned[::2, 1:5] *= -1
    space, action = TransitionSpace(quaternions=(1,)), np.zeros((30, 1))
    points = space.points(states, action, states)
    assert points.shape == (30, 2 * (1 + 9 + 1) + 1)
    np.testing.assert_allclose(points, space.points(turned, action, turned), atol=1e-12)
    assert (points[:, 1:10] ** 2).mean(axis=0).sum() == pytest.approx(3.0)  # as three variables


def test_rows_that_are_not_finite_are_refused():
    state = np.zeros((3, 2))
    for bad in (np.full((3, 2), np.nan), np.zeros((2, 2)), np.zeros((3, 3))):
        with pytest.raises(ArrayError, match="leave rows out that are not finite"):
            TransitionSpace().points(state, np.zeros((3, 1)), bad)


# --- the sample ---------------------------------------------------------------------------------------------------


def test_every_stratum_is_represented_and_has_its_share():
    strata = np.repeat([7, 0, 3, 9], [900, 90, 9, 1])
    generator = np.random.default_rng(5)
    chosen = stratified_sample(generator.permutation(strata), 100, np.random.default_rng(0))
    assert len(chosen) == len(set(chosen.tolist())) == 100 and (np.diff(chosen) > 0).all()
    drawn = stratified_sample(strata, 100, np.random.default_rng(0))
    # One each; the other 96 by what is left: 899, 89, 8 and 0 of 996 make 86.65, 8.58, 0.77 and 0.
    assert np.bincount(strata[drawn]).tolist() == [1 + 8, 0, 0, 1 + 1, 0, 0, 0, 1 + 87, 0, 1]
    np.testing.assert_array_equal(drawn, stratified_sample(strata, 100, np.random.default_rng(0)))
    assert (drawn != stratified_sample(strata, 100, np.random.default_rng(1))).any()


def test_fewer_rows_than_strata_are_spread_over_them():
    strata = np.repeat(np.arange(10), 5)
    drawn = stratified_sample(strata, 4, np.random.default_rng(0))
    assert strata[drawn].tolist() == [0, 3, 6, 9]
    np.testing.assert_array_equal(stratified_sample(strata, 99, np.random.default_rng(0)), np.arange(50))
    with pytest.raises(SettingError, match="size must be a whole number of at least 1"):
        stratified_sample(strata, 0, np.random.default_rng(0))
    with pytest.raises(ArrayError, match="expected a whole number a row"):
        stratified_sample(strata / 2, 4, np.random.default_rng(0))


# --- t-SNE --------------------------------------------------------------------------------------------------------


def test_two_blobs_stay_two_and_placed_points_fall_into_theirs(embedded):
    _, fitted, sparsity = blobs()
    assert embedded.points.shape == (120, 2) and embedded.points.dtype == np.float32
    assert np.isfinite(embedded.points).all() and embedded.kl_divergence > 0
    centres = [embedded.points[fitted & (sparsity == value)].mean(axis=0) for value in (0.25, 0.5)]
    nearer = np.argmin([np.linalg.norm(embedded.points - centre, axis=1) for centre in centres], axis=0)
    np.testing.assert_array_equal(nearer, (sparsity == 0.5).astype(int))


def test_the_same_seed_gives_the_same_bytes(embedded):
    points, fitted, _ = blobs()
    again = embed_points(points, fitted, perplexity=10, seed=1)
    assert again.points.tobytes() == embedded.points.tobytes() and again.kl_divergence == embedded.kl_divergence
    other = embed_points(points, fitted, perplexity=10, seed=2)
    assert other.points.tobytes() != embedded.points.tobytes()


def test_what_else_is_placed_moves_no_point(embedded, monkeypatch):
    points, fitted, _ = blobs()
    told = []
    monkeypatch.setattr("dynsparse.analysis.embedding._CHUNK", 7)
    one = embed_points(points, fitted, perplexity=10, seed=1, on_points=told.append)
    np.testing.assert_allclose(one.points, embedded.points, atol=1e-3)
    count = int(fitted.sum())
    assert told == [*range(count, 120, 7), 120]


def test_perplexity_is_what_the_points_allow():
    points, fitted, _ = blobs(count=24)
    assert embed_points(points, fitted, perplexity=30).perplexity == (fitted.sum() - 1) // 3
    with pytest.raises(SettingError, match="perplexity must be at least 1, got 0"):
        embed_points(points, fitted, perplexity=0)


@pytest.mark.parametrize("change", [lambda p, f: (p[:, 0], f), lambda p, f: (p * np.nan, f), lambda p, f: (p, f[1:])])
def test_what_can_not_be_embedded_is_refused(change):
    points, fitted, _ = blobs()
    with pytest.raises(ArrayError, match="expected n finite points"):
        embed_points(*change(points, fitted))
    few = np.zeros(120, dtype=bool)
    few[:9] = True
    with pytest.raises(ArrayError, match="expected at least 10 points to fit, got 9"):
        embed_points(points, few)


def test_rows_that_are_all_the_same_have_places():
    points = np.repeat(np.array([[1.0, 2.0], [3.0, 4.0]]), 20, axis=0)
    found = embed_points(points, np.arange(40) % 4 > 0, perplexity=5)
    assert np.isfinite(found.points).all()


def test_importing_the_analysis_brings_no_opentsne():
    program = (
        "import sys, dynsparse.analysis.embedding, dynsparse.analysis.embedding_record\n"
        "print(sorted({'openTSNE', 'sklearn', 'jax', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


# --- neighbours ---------------------------------------------------------------------------------------------------


def one_by_one(points, known, place, count, episode=None):
    """The nearest known points of one, by sorting all distances."""
    others = [k for k in known if (k != place if episode is None else episode[k] != episode[place])]
    return set(sorted(others, key=lambda k: float(((points[k] - points[place]) ** 2).sum()))[:count])


def test_neighbours_are_those_found_one_by_one(embedded):
    points, fitted, sparsity = blobs()
    generator = np.random.default_rng(8)
    sparsity = sparsity + generator.integers(0, 3, len(sparsity)) / 16  # exact in binary: equal means equal
    episode = np.arange(120) // 15
    known = np.flatnonzero(fitted)
    found = find_neighbours(points, embedded.points, fitted, sparsity, episode, count=6, most=25)
    assert found.elsewhere and found.count == 6 and len(found.judged) == 50
    assert fitted[found.judged].sum() == 25
    for index, place in enumerate(found.judged):
        near = [one_by_one(x.astype(float), known, place, 6) for x in (points, embedded.points)]
        assert found.kept[index] == len(near[0] & near[1]) / 6
        for x, name in ((points, "space"), (embedded.points, "plane")):
            other = sorted(one_by_one(x.astype(float), known, place, 6, episode))
            alike = np.mean([sparsity[k] == sparsity[place] for k in other])
            assert getattr(found, f"alike_{name}")[index] == pytest.approx(alike)
            assert getattr(found, f"mean_{name}")[index] == pytest.approx(np.mean(sparsity[other]))


def test_blobs_of_their_own_sparsity_agree_and_shuffled_ones_do_not(embedded):
    points, fitted, sparsity = blobs()
    each = np.arange(120)
    found = find_neighbours(points, embedded.points, fitted, sparsity, each)
    assert found.alike_plane.mean() > 0.99 and found.alike_space.mean() == 1.0
    assert shared_variance(sparsity[found.judged], found.mean_plane) > 0.98
    share = np.mean(sparsity[fitted] == 0.5)
    chance = share**2 + (1 - share) ** 2
    assert found.shuffled_alike.mean() == pytest.approx(chance, abs=0.02)
    # Of k shuffled neighbours the mean errs by 1/k of the variance more than the mean of all.
    assert found.shuffled_shared.mean() == pytest.approx(-1 / found.count, abs=0.04)
    mixed = np.random.default_rng(0).permutation(sparsity)
    found = find_neighbours(points, embedded.points, fitted, mixed, each)
    assert abs(found.alike_plane.mean() - chance) < 0.08
    assert shared_variance(mixed[found.judged], found.mean_plane) < 0.15


def test_a_plane_of_chance_keeps_as_many_neighbours_as_chance():
    generator = np.random.default_rng(4)
    space, plane = generator.standard_normal((600, 4)), generator.standard_normal((600, 2))
    fitted = np.ones(600, dtype=bool)
    found = find_neighbours(space, plane, fitted, np.zeros(600), np.arange(600), permutations=2)
    assert found.kept.mean() == pytest.approx(10 / 599, abs=0.005)
    same = find_neighbours(space[:, :2], space[:, :2], fitted, np.zeros(600), np.arange(600), permutations=2)
    assert same.kept.min() == 1.0
    assert shared_variance(np.zeros(3), np.zeros(3)) is None and shared_variance(np.zeros(0), np.zeros(0)) is None


def test_one_episode_alone_is_compared_with_itself(embedded):
    points, fitted, sparsity = blobs()
    found = find_neighbours(points, embedded.points, fitted, sparsity, np.zeros(120, dtype=int), permutations=1)
    assert not found.elsewhere and found.alike_space.mean() == 1.0
    with pytest.raises(ArrayError, match="with 3 fitted points at least, got 120, 120, 120 and 119"):
        find_neighbours(points, embedded.points, fitted, sparsity, np.zeros(119, dtype=int))


# --- the stretch --------------------------------------------------------------------------------------------------


def all_stretches(zeros, finite, episode, frames, every, usual):
    """Every stretch that qualifies, with the sum of its changes."""
    for start in range(len(zeros) - (frames - 1) * every):
        moments = range(start, start + frames * every, every)
        whole = range(start, moments[-1] + 1)
        one = len({episode[i] for i in whole}) == 1 and all(finite[i] for i in whole)
        if one and all(zeros[i] in usual for i in moments):
            yield start, sum(abs(zeros[a] - zeros[b]) for a, b in pairwise(moments))


def test_the_stretch_is_the_one_that_changes_most():
    generator = np.random.default_rng(11)
    zeros = generator.choice([2, 3, 8, 20], size=400, p=[0.4, 0.4, 0.18, 0.02])
    episode, finite = np.arange(400) // 100, generator.random(400) > 0.01
    patterns = zeros.astype(np.uint64)
    found = choose_stretch(zeros, patterns, finite, episode, frames=5, every=3)
    changes = dict(all_stretches(zeros, finite, episode, 5, 3, {2, 3, 8}))
    assert max(changes.values()) == changes[found.places[0]] == np.abs(np.diff(zeros[found.places])).sum()
    assert found.switches == np.count_nonzero(np.diff(zeros[found.places]))
    assert np.diff(found.places).tolist() == [3] * 4
    between = patterns[found.places[0] : found.places[-1] + 1]
    assert found.pattern_switches == (between[1:] != between[:-1]).sum()
    best = [start for start, change in changes.items() if change == max(changes.values())]
    most = [(patterns[s + 1 : s + 13] != patterns[s : s + 12]).sum() for s in best]
    assert found.places[0] == best[int(np.argmax(most))]  # the first of those with most switches in between


def test_without_a_change_the_first_stretch_is_shown_and_without_a_long_episode_none():
    same, finite = np.full(20, 3), np.ones(20, dtype=bool)
    found = choose_stretch(same, same.astype(np.uint64), finite, np.zeros(20), frames=4, every=2)
    assert (found.places.tolist(), found.switches, found.pattern_switches) == ([0, 2, 4, 6], 0, 0)
    # A row that is like no other is avoided.
    rare = np.r_[9, np.full(39, 3)]
    found = choose_stretch(rare, rare.astype(np.uint64), rare > 0, np.zeros(40), frames=4, every=2)
    assert (found.places.tolist(), found.switches) == ([1, 3, 5, 7], 0)
    short = np.arange(20) // 5
    found = choose_stretch(same, same.astype(np.uint64), finite, short, frames=4, every=2)
    assert (found.places.tolist(), found.every) == ([0, 1, 2, 3], 1)
    assert choose_stretch(same, same.astype(np.uint64), finite, np.arange(20), frames=4) is None
    with pytest.raises(ArrayError, match="of one length"):
        choose_stretch(same, same[1:].astype(np.uint64), finite, short)
