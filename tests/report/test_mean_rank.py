"""Mean ranks against SciPy's ranks, against counting by hand, and against seeds drawn again one at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import rankdata

from dynsparse.errors import ArrayError, InputError
from dynsparse.report.mean_rank import average_ranks, rank_search
from dynsparse.report.search_ranks import SearchRun

VALUES = {"width": (8, 4), "activation": ("elu", "relu")}


def run(width, activation, loss, *, seed=1, environment="A"):
    return SearchRun(environment, seed, {"width": width, "activation": activation}, loss)


def many(environments=("A", "B"), seeds=3, seed=0, missing=0.0):
    """Runs of a whole grid whose losses have ties, and whose width matters."""
    rng = np.random.default_rng(seed)
    return [
        run(width, activation, loss, seed=number, environment=environment)
        for environment in environments
        for width in VALUES["width"]
        for activation in VALUES["activation"]
        for number in range(seeds)
        for loss in [round(float(rng.normal() + width / 4), 1)]
        if rng.random() >= missing
    ]


def test_ranks_are_those_of_scipy():
    rng = np.random.default_rng(1)
    for _ in range(20):
        losses = rng.integers(0, 6, 15).astype(float)
        losses[rng.random(15) < 0.2] = math.inf
        np.testing.assert_array_equal(average_ranks(losses), rankdata(losses))
    assert average_ranks(np.array([])).shape == (0,)


def test_a_run_that_counts_k_times_ranks_as_if_it_stood_there_k_times():
    rng = np.random.default_rng(2)
    losses = np.array([3.0, 1.0, 3.0, math.inf, 2.0, math.inf, 1.0, 7.0])
    weights = rng.integers(0, 4, (30, 8))
    found = average_ranks(losses, weights)
    for often, ranks in zip(weights, found, strict=True):
        repeated = np.repeat(np.arange(8), often)
        np.testing.assert_allclose(ranks[repeated], rankdata(losses[repeated]), rtol=0, atol=1e-12)


def test_a_loss_that_is_no_number_is_refused():
    with pytest.raises(ArrayError, match="got NaN at 1"):
        average_ranks(np.array([1.0, np.nan]))


def test_a_small_search_by_hand():
    # Ranks by hand: 0.1 -> 1; 0.2 twice -> 2 and 3, each 2.5; 0.9 -> 4; two diverged share 5 and 6; one is missing.
    runs = [
        run(8, "elu", 0.2),
        run(8, "relu", 0.1),
        run(4, "elu", 0.9),
        run(4, "relu", None),
        run(8, "elu", math.inf, seed=2),
        run(8, "relu", 0.2, seed=2),
        run(4, "elu", math.inf, seed=2),
    ]
    found = rank_search(runs, VALUES, resamples=10)
    assert found.ranks == (2.5, 1.0, 4.0, None, 5.5, 2.5, 5.5)
    assert found.ranked == {"A": 6}
    assert found.mean_of_ranks == found.expected_mean == 3.5
    assert [found.count(status) for status in ("done", "diverged", "missing")] == [4, 2, 1]
    width, activation = found.hyperparameters
    assert [row.value for row in width.values] == [8, 4]
    eight, four = width.values
    assert (eight.mean_rank, eight.runs, eight.diverged, eight.missing) == ((2.5 + 1 + 5.5 + 2.5) / 4, 4, 1, 0)
    assert (four.mean_rank, four.runs, four.diverged, four.missing) == ((4 + 5.5) / 2, 2, 1, 1)
    assert eight.share == pytest.approx(eight.mean_rank / 7)
    assert width.chosen == 8
    # relu ranks first: (1 + 2.5) / 2 against (2.5 + 4 + 5.5 + 5.5) / 4.
    assert [(row.value, row.mean_rank) for row in activation.values] == [("relu", 1.75), ("elu", 4.375)]
    assert activation.chosen == "relu"
    assert activation.is_told is None  # two seeds tell nothing


def test_ranks_are_those_inside_an_environment_whatever_its_scale():
    runs = many()
    scaled = [
        SearchRun(one.environment, one.seed, one.values, one.loss * (1000 if one.environment == "B" else 1))
        for one in runs
    ]
    found = rank_search(scaled, VALUES)
    assert found.ranks == rank_search(runs, VALUES).ranks
    for environment in ("A", "B"):
        inside = [i for i, one in enumerate(runs) if one.environment == environment]
        np.testing.assert_array_equal([found.ranks[i] for i in inside], rankdata([runs[i].loss for i in inside]))


def test_means_and_intervals_are_those_of_seeds_drawn_again_and_ranked_again():
    runs, resamples = many(environments=("A", "B", "C"), seeds=4, missing=0.1), 60
    found = rank_search(runs, VALUES, resamples=resamples, seed=5)
    rng = np.random.default_rng(5)
    draws = {name: rng.integers(0, 4, (resamples, 4)) for name in ("A", "B", "C")}

    def means(chosen):
        """Mean rank of width 8 and of width 4 over the runs of the seeds chosen in each environment, with repeats."""
        ranks, widths = [], []
        for name, seeds in chosen.items():
            drawn = [one for seed in seeds for one in runs if (one.environment, one.seed) == (name, seed)]
            ranks.extend(rankdata([one.loss for one in drawn]))
            widths.extend(one.values["width"] for one in drawn)
        ranks, widths = np.array(ranks), np.array(widths)
        return ranks[widths == 8].mean(), ranks[widths == 4].mean()

    again = np.array([means({name: draws[name][i] for name in draws}) for i in range(resamples)])
    whole = dict(zip((8, 4), means({name: range(4) for name in draws}), strict=True))
    width = found.hyperparameters[0]
    assert [row.value for row in width.values] == sorted(whole, key=whole.get) == [4, 8]
    for row, column in zip(width.values, (1, 0), strict=True):
        assert row.mean_rank == pytest.approx(whole[row.value], abs=1e-12)
        assert (row.low, row.high) == pytest.approx(np.percentile(again[:, column], [2.5, 97.5]), abs=1e-12)
        assert row.low < row.mean_rank < row.high
    lead, ahead = width.lead, again[:, 0] - again[:, 1]
    assert (lead.low, lead.high) == pytest.approx(np.percentile(ahead, [2.5, 97.5]), abs=1e-12)
    assert lead.value == pytest.approx(whole[8] - whole[4], abs=1e-12)
    assert (lead.runs, lead.strata) == (12, 3)
    # Four seeds: widened by the square root of 4/3.
    assert width.is_told is bool(lead.value - (lead.value - lead.low) * math.sqrt(4 / 3) > 0)


def test_the_mean_of_all_ranks_tells_n_even_where_environments_differ():
    runs = [one for one in many() if not (one.environment == "B" and one.seed == 2)]
    found = rank_search(runs, VALUES)
    assert found.ranked == {"A": 12, "B": 8}
    assert found.expected_mean == (12 * 13 / 2 + 8 * 9 / 2) / 20
    assert found.mean_of_ranks == pytest.approx(found.expected_mean, abs=1e-12)
    balanced = rank_search(many(), VALUES)
    assert balanced.mean_of_ranks == balanced.expected_mean == 6.5
    for found in balanced.hyperparameters:
        assert np.mean([row.mean_rank for row in found.values]) == pytest.approx(6.5)
        assert np.mean([row.share for row in found.values]) == pytest.approx(0.5)


def test_clear_differences_are_told_and_chance_is_not():
    clear = [
        run(width, activation, width + seed / 100, seed=seed, environment=name)
        for name in "AB" for seed in range(3) for width in (8, 4) for activation in ("elu", "relu")
    ]  # fmt: skip
    width, activation = rank_search(clear, VALUES).hyperparameters
    assert (width.chosen, width.is_told) == (4, True)
    # Both activations have equal losses: equal mean ranks, and the first of the search stands first.
    assert (activation.chosen, activation.is_told) == ("elu", False)
    assert (activation.lead.value, activation.lead.low, activation.lead.high) == (0, 0, 0)


def test_one_seed_in_few_environments_counts_as_certain():
    def with_interval(names, alone):
        runs = [one for one in many(names) if one.seed == 0 or one.environment not in alone]
        return rank_search(runs, VALUES, resamples=10).hyperparameters[0].values[0].low is not None

    assert with_interval("ABC", "A")
    assert not with_interval("AB", "A")
    assert not with_interval("ABC", "AB")


def test_one_seed_has_no_interval():
    found = rank_search([one for one in many() if one.seed == 0], VALUES)
    row = found.hyperparameters[0].values[0]
    assert row.mean_rank is not None
    assert (row.low, row.high, found.hyperparameters[0].lead.low) == (None, None, None)


def test_without_any_result_nothing_is_ranked_or_chosen():
    runs = [SearchRun(one.environment, one.seed, one.values, None, "lost") for one in many()]
    found = rank_search(runs, VALUES)
    assert (found.mean_of_ranks, found.expected_mean, found.ranked) == (None, None, {"A": 0, "B": 0})
    assert [one.chosen for one in found.hyperparameters] == [None, None]
    assert found.hyperparameters[0].values[0].missing == 12
    assert found.to_dict()["runs"][0]["status"] == "missing"


def test_a_value_without_runs_stands_last_and_is_not_chosen():
    runs = [one if one.values["width"] == 8 else SearchRun("A", one.seed, one.values, None) for one in many(("A",))]
    width = rank_search(runs, VALUES).hyperparameters[0]
    assert [(row.value, row.runs, row.mean_rank) for row in width.values] == [(8, 6, 3.5), (4, 0, None)]
    assert width.chosen == 8
    assert (width.lead.value, width.is_told) == (None, None)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([run(8, "elu", 1.0), run(8, "elu", 2.0)], "one run of A, 1, 8, elu, got two"),
        ([run(9, "elu", 1.0)], r"width to be one of \[8, 4\], got 9"),
    ],
)
def test_runs_that_do_not_belong_to_the_search_are_refused(runs, message):
    with pytest.raises(InputError, match=message):
        rank_search(runs, VALUES)
