"""What changes with time, from invented records: sentences and table word for word, figures as they are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.horizon_curves import ProductCurves, RolloutCurves, StepLengthCurves
from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.answer import about_family
from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes
from dynsparse.report.horizon_answer import about_all
from dynsparse.report.horizon_figures import draw_differences, draw_horizons, draw_lengths
from dynsparse.report.horizon_numbers import (
    at_least_half,
    half_gone,
    kept,
    left_of_local,
    roll_out_at,
    shown_steps,
)
from dynsparse.report.horizon_part import horizon_part
from dynsparse.report.horizon_ratio import ratio_of_means
from dynsparse.report.horizon_rollouts import about_roll_out, about_roll_outs
from dynsparse.report.horizon_sentences import about_horizon, about_horizons, about_lengths
from dynsparse.report.item import FigureItem, TableItem, write_items

K = 12
STEPS = np.arange(1, K + 1)


def invented(name="Toy", *, episodes=4, spread=0.01, decay=0.8, warm=True):
    """Two state variables and one action: 1 of 4 elements is always zero, half of the rest at first and then less."""
    shift = spread * np.linspace(-1, 1, episodes)[:, None]
    chains = 0.99 * (1.0 + 0.005 * np.linspace(-1, 1, episodes)[:, None])
    state = 0.25 + (0.25 + shift) * decay ** (STEPS - 1)
    sparsity = np.stack([state, np.zeros((episodes, K))])
    always = np.array([np.full(K, 1), np.zeros(K, dtype=int)])
    none = np.zeros((2, K), dtype=np.int64)
    product = ProductCurves(
        starts=np.full(episodes, 10),
        sparsity=sparsity,
        # As much as at first where there is one step, less where terms cancel.
        structure=np.stack([0.25 + (state - 0.25) * np.where(STEPS == 1, 1.0, chains), sparsity[1]]),
        untouched=sparsity * 0.5,
        always_zero=always,
        always_structure=always,
        cancelled=none + np.array([[1], [0]]) * (4 * (STEPS == 10) + 2 * (STEPS == 12)),
        dust=none,
        largest=np.ones((2, K)),
    )
    grown = np.where(STEPS < 3, 0.0, 0.01 * STEPS) * np.array([[1.0], [0.5]]) * warm
    rollout = RolloutCurves(
        starts=np.array([2, 1]),
        sparsity=sparsity[:, :2] - 0.03 * warm,
        product=sparsity[:, :2],
        absolute=grown,
        relative=grown,
        differing=2 * (grown > [[0.0], [0.0325]]).astype(np.int64),
        lost=none + warm,
        gained=none,
        rows=30,
        warm_rows=7 * warm,
        recomputed=0.0,
    )
    shares = np.stack([0.5 + shift * [[1.0, 1.02, 0.99]] - [[0, 0.1, 0.4]], np.zeros((episodes, 3))])
    lengths = StepLengthCurves(
        counts=np.array([1, 5, 20]),
        rows=np.full(episodes, 8),
        sparsity=shares,
        always_zero=np.array([[1, 1, 0], [0, 0, 0]]),
        timestep=0.002,
        substeps=5,
        left_out=0,
    )
    return HorizonRecord(
        name, "paper", "exact", 1e-15, 0.01, ("x", "v"), ("push",), K, 0, product, rollout, lengths, "", {}
    )


def constant(name="Still"):
    """No local sparsity, and a warm start on which nothing depends."""
    toy = invented(name, warm=False)
    flat = np.stack([np.full((4, K), 0.25), np.zeros((4, K))])
    product = replace(toy.product, sparsity=flat, structure=flat, cancelled=toy.product.dust)
    return replace(toy, product=product)


def with_zeros(record, state):
    """Give a record other zeros in the state's block, all of them structure."""
    shares = np.stack([state, np.zeros(state.shape)])
    return replace(record, product=replace(record.product, sparsity=shares, structure=shares))


# --- numbers ----------------------------------------------------------------------------------------------------


def test_half_of_the_local_sparsity_is_gone_when_the_decay_says():
    found = half_gone(invented(), 0)
    # 0.8 ** 3 = 0.512 and 0.8 ** 4 = 0.41: after five steps, and in every episode.
    assert (found.steps, found.low, found.high) == (5, 5, 5)
    assert half_gone(constant(), 0) is None
    assert half_gone(invented(), 1) is None
    slow = half_gone(invented(decay=0.99), 0)
    assert (slow.steps, slow.low, slow.high, slow.has_interval) == (None, None, None, True)
    few = half_gone(invented(episodes=2), 0)
    assert (few.steps, few.low, few.high, few.has_interval) == (5, None, None, False)


def test_an_interval_holds_the_steps_at_which_episodes_disagree():
    record = invented()
    local = 0.2 * np.array([0.5, 0.7, 0.9, 0.95])[:, None] ** (STEPS - 1)
    found = half_gone(with_zeros(record, 0.25 + local), 0)
    means = [mean_over_episodes(local[:, k] - 0.5 * local[:, 0]) for k in range(K)]
    assert found.steps == next(k for k, mean in enumerate(means, 1) if mean.value <= 0)
    assert found.low == next(k for k, mean in enumerate(means, 1) if mean.low <= 0)
    assert found.low < found.steps
    assert found.high is None


def test_a_roll_outs_share_is_the_products_moved_by_their_difference():
    record = invented()
    assert roll_out_at(record, 0, 3) == pytest.approx(record.product.sparsity[0, :, 2].mean() - 0.03)
    assert roll_out_at(replace(record, rollout=None, step_length=None, why_not="no"), 0, 3) is None
    assert shown_steps(K) == (1, 5, 10)


def test_the_interval_of_what_is_left_holds_the_shares_that_pairs_can_not_tell():
    """Fieller's ends against Student's interval of part - r x whole, for every r of a fine grid."""
    rng = np.random.default_rng(3)
    grid = np.linspace(0.0, 3.0, 3001)
    for _ in range(5):
        whole = rng.uniform(0.05, 0.2, 8)
        part = whole * rng.uniform(0.0, 1.6, 8)
        found = ratio_of_means(part, whole)
        held = grid[[mean_over_episodes(part - r * whole).side_of(0.0) == 0 for r in grid]]
        assert found.value == pytest.approx(part.sum() / whole.sum())
        assert (found.low, found.high) == (pytest.approx(held[0], abs=2e-3), pytest.approx(held[-1], abs=2e-3))
    # Of a whole that nobody can tell from 0 every ratio could be.
    assert ratio_of_means(np.ones(4), np.array([0.0, 0.0, 0.0, 1.0])).low is None
    assert ratio_of_means(np.zeros(4), whole[:4]) == EpisodeMean(0.0, 0.0, 0.0, 4, (0.0, np.inf))


def test_survival_is_judged_by_structure_and_not_by_what_became_small():
    toy = invented(decay=0.99)
    local = np.where(STEPS == 1, 0.2, 0.02) * np.array([0.9, 1.0, 1.0, 1.1])[:, None]
    hidden = np.stack([0.25 + local, np.zeros((4, K))])
    record = replace(toy, product=replace(toy.product, structure=hidden, sparsity=hidden + (toy.product.sparsity > 0)))
    assert left_of_local(record, 0, K).value == pytest.approx(0.1)
    assert half_gone(record, 0).steps == 2
    assert kept(record, 0, K).side_of(0.0) == -1


def test_episodes_far_from_a_bell_are_counted():
    left = np.array([0.0, 0.02, 0.9, 0.8, 1.0, 0.7])[:, None]
    local = 0.2 * np.where(STEPS == 1, 1.0, left)
    record = with_zeros(invented(episodes=6), 0.25 + local)
    assert at_least_half(record, 0, K) == (4, 6)
    assert ", at least half in 4 of 6 episodes)" in about_all([record])[0]
    # No episode is far below the mean; all are below a half; none has any to lose.
    near = with_zeros(invented(episodes=6), 0.25 + 0.2 * np.where(STEPS == 1, 1.0, 0.3 + 0.5 * left))
    below = with_zeros(invented(episodes=6), 0.25 + 0.2 * np.where(STEPS == 1, 1.0, 0.4 * left))
    assert at_least_half(near, 0, K) is at_least_half(below, 0, K) is at_least_half(constant(), 0, K) is None


def test_more_than_at_first_is_told_as_it_is():
    grown = np.where(STEPS == 1, 0.2, 0.22) * np.array([0.9, 1.0, 1.0, 1.1])[:, None] + 0.001 * (STEPS == 12)
    said = about_horizon(with_zeros(invented(), 0.25 + grown), 0)
    # (0.22 + 0.001) / 0.2, and 0.001 over more or less: sparsity may come back.
    assert said.endswith("half are gone after more than 12 steps and 110.5 % [110.4, 110.6] are left after 12, more "
                         "than at first.")  # fmt: skip


# --- sentences --------------------------------------------------------------------------------------------------


def test_sentences_of_one_environment():
    assert about_horizon(invented(), 0) == (
        "The share of zeros in Toy's ∂s'/∂s is 28.4 % [28.2, 28.5] after 10 control steps and 50.0 % [48.6, 51.4] "
        "after one: smaller. 1 of its 4 elements is zero at every start after one step, as many after 12; of the other "
        "zeros, the local ones, as far as they are structure, half are gone after 5 steps [5, 5] and 8.5 % [8.4, 8.6] "
        "are left after 12."
    )
    assert about_horizon(invented(), 1) == "Toy's ∂s'/∂a has no zero at any start, after one control step and up to 12."
    assert about_horizon(constant(), 0).endswith(
        "1 of its 4 elements is zero at every start after one step, as many after 12; no other element is zero at any "
        "start, so there is nothing local to lose."
    )
    hardly = constant()
    few = hardly.product.sparsity + np.array([[[0.0002]], [[0.0]]])
    hardly = replace(hardly, product=replace(hardly.product, sparsity=few))
    assert half_gone(hardly, 0) is None
    assert about_horizon(hardly, 0).endswith(
        "all other zeros together are below 0.05 % of the elements: there is nothing local to lose."
    )
    assert "50.0 % [45" not in about_horizon(invented(episodes=2), 0)
    assert "not enough data, 2 episodes" in about_horizon(invented(episodes=2), 0)
    assert about_horizons([invented(), constant()], 1) == (
        "∂s'/∂a has no zero at any start, after one control step and up to 12 in Toy and Still.",
    )
    dusty = invented()
    dusty = replace(dusty, product=replace(dusty.product, dust=dusty.product.dust + 3))
    # Of the zeros of Toy's 40 starts 4 of 0.2836 x 4 x 40 = 45 at k = 10, and 2 of 43 at k = 12: told once of both.
    assert about_horizons([invented(), dusty], 0)[2:] == (
        "Zeros that are no structure, as a chain of one-step elements leads there whose terms cancel or fall below the "
        "threshold: 8.9 % after 10 steps and 4.7 % after 12 steps in Toy and Toy. What is said to be left of local "
        "sparsity is without these.",
        "Zeros that round-off multiplied by large slopes lifts above the threshold, and that count as zero because no "
        "chain of one-step elements leads there: 3 after 10 steps and 3 after 12 steps in Toy.",
    )
    assert about_horizon(replace(invented(), action_names=(), product=_without_action(invented())), 1) == ""


def swapped():
    """The zeros of the state's block in that of the action."""
    toy = invented()
    return replace(toy, product=replace(toy.product, sparsity=toy.product.sparsity[::-1] / 4,
                                        always_zero=toy.product.always_zero[::-1] * 0))  # fmt: skip


def _without_action(record):
    return replace(record.product, always_zero=record.product.always_zero * [[1], [0]])


def test_sentences_of_roll_outs():
    assert about_roll_out(invented()) == (
        # Each block by itself, as it is drawn: 2 of 3 starts from the third step on, 20 of 36, and in ∂s'/∂a from the
        # seventh on, 12 of 36.
        "Toy: in 3 roll-outs of 12 control steps carrying the warm start changes by more than 1e-9 of the largest "
        "element 55.6 % of ∂s'/∂s, at most by 0.12 of it and 33.3 % of ∂s'/∂a, at most by 0.06 of it; of the elements "
        "of both, over all starts and lengths, 24 are below the threshold in the product alone and 0 in the roll-out "
        "alone; 7 of 30 rows have a slope by the warm start."
    )
    assert about_roll_outs([constant(), invented(), constant("Calm")]) == (
        about_roll_out(invented()),
        "Still and Calm: carrying the warm start changes nothing, not by a bit; 0 of 60 rows have a slope by the warm "
        "start.",
    )
    without = replace(invented(), rollout=None, step_length=None, why_not="a function has no warm start")
    assert about_roll_out(without) == "Toy: no roll-out was differentiated, because a function has no warm start."


def test_sentences_of_lengths():
    assert about_lengths(invented()) == (
        "With a control step of 10 ms, Toy's own, the share of zeros in ∂s'/∂s is 40.0 % [38.6, 41.4]; with 2 ms "
        "50.0 % [48.6, 51.4] (larger), with 40 ms 10.0 % [8.6, 11.4] (smaller)."
    )
    assert about_lengths(invented(), 1) == ""
    assert about_lengths(invented(episodes=2)).count("not enough data") == 2


def test_the_answer_over_all_environments():
    records = [invented(), invented("Slow", decay=0.99), constant(), invented("Few", episodes=2), invented("Wide")]
    between = 0.5 + np.array([-0.3, -0.1, 0.1, 0.3])[:, None] * (STEPS > 1)
    local = 0.2 * np.where(STEPS == 1, 1.0, between)
    records[4] = with_zeros(records[4], 0.25 + local)
    first, second, *roll_outs = about_all(records)
    assert first == (
        "Local sparsity of ∂s'/∂s: it survives 12 control steps, at least half of it is left, in Slow (88.6 % [88.0, "
        "89.2]); it does not survive 12 control steps, less than half of it is left, in Toy (8.5 % [8.4, 8.6]); what "
        "is left after 12 control steps can not be told from half of it in Wide (50.0 % [8.9, 91.1]); there is not "
        "enough data (fewer than 3 episodes, or too wide an interval) in Few (8.5 %, no interval of 2 episodes); there "
        "is none to lose (below 0.05 % of the elements after one step) in Still."
    )
    assert second == (
        "Local sparsity of ∂s'/∂a: there is none to lose (below 0.05 % of the elements after one step) in Toy, Slow, "
        "Still, Few and Wide."
    )
    assert roll_outs == [
        "In Still the derivative of the roll-out with its warm start carried is the product of one-step Jacobians, "
        "within 1e-9.",
        # 24 zeros in each of four environments; of 3 roll-outs, 12 steps and 6 elements in each.
        "It is another than the product in Toy (0.12), Slow (0.12), Few (0.12) and Wide (0.12): largest difference "
        "over the largest element. Over all starts and lengths, 96 of 864 elements there are zero in one and not "
        "in the other.",
        # Toy, Slow and Wide: Few has too few episodes, and Still nothing to lose.
        *about_family(3),
        "Products are from 40 starts in 4 episodes, each followed for 12 control steps (Toy, Slow, Still and Wide); 20 "
        "starts in 2 episodes, each followed for 12 control steps (Few).",
    ]
    left = about_all([replace(invented(), left_out=2)])
    assert left[-1].startswith(
        "Products are from 40 starts in 4 episodes, 2 more without so many finite rows left out,"
    )
    assert left[2].startswith("The derivative of the roll-out with its warm start carried is another than the product")


# --- table and figures ------------------------------------------------------------------------------------------


def test_the_table_holds_a_line_for_each_block():
    part = horizon_part({"Toy": invented(), "Still": constant()})
    (table,) = (item for item in part.items if isinstance(item, TableItem))
    assert table.name == "horizon"
    first = dict(zip(table.columns, table.cells[0], strict=True))
    assert first["zeros, k = 1"] == "50.0 % [48.6, 51.4]"
    assert first["half of local gone"] == "5 steps [5, 5]"
    assert first["cancelled, k = 10"] == "8.9 %"
    assert first["roll-out differs"] == "55.6 %"
    assert first["by at most"] == "0.12"
    assert first["starts (episodes)"] == "40 (4)"
    values = [dict(zip(table.csv_fields, row, strict=True)) for row in table.values]
    assert (values[1]["jacobian"], values[1]["zeros_5"], values[1]["half_gone"]) == ("action", 0.0, None)
    assert first["local left, k = 12"] == "8.5 % [8.4, 8.6]"
    assert values[0]["local_left_12"] == pytest.approx(0.99 * 0.8**11, rel=1e-3)
    assert values[0]["local_left_12_low"] < values[0]["local_left_12"] < values[0]["local_left_12_high"]
    assert (values[0]["cancelled_10"], values[0]["cancelled_12"]) == (4 / 45, 2 / 43)
    assert values[1]["local_left_12"] is None
    mean = mean_over_episodes(invented().product.sparsity[0, :, 4])
    assert tuple(values[0][f"zeros_5{end}"] for end in ("", "_low", "_high")) == (mean.value, mean.low, mean.high)
    assert (values[0]["starts"], values[0]["episodes"], values[0]["roll_out_starts"]) == (40, 4, 3)
    assert values[0]["roll_out_differs"] == pytest.approx(20 / 36)
    assert (values[0]["half_gone"], values[0]["half_gone_low"], values[0]["half_gone_high"]) == (5, 5, 5)
    assert len(table.cells) == 4


def test_figures_show_what_the_records_hold():
    toy, still = invented(), constant()
    horizons = draw_horizons([toy, still], 0)
    assert [axes.get_title(loc="left") for axes in horizons.axes] == ["Toy", "Still"]
    product, structure, roll_outs = horizons.axes[0].lines
    lines = draw_horizons([swapped()], 1).axes[0].lines
    # What is drawn with the same line has the same colour in both figures, and no block has that of the patterns.
    assert lines[1].get_color() == structure.get_color()
    assert len({line.get_color() for line in (product, structure, roll_outs, lines[0])}) == 4
    np.testing.assert_allclose(product.get_ydata(), 100 * toy.product.sparsity[0].mean(axis=0))
    np.testing.assert_allclose(structure.get_ydata(), 100 * toy.product.structure[0].mean(axis=0))
    np.testing.assert_array_equal(roll_outs.get_xdata(), [1, 2, 5, 10])
    np.testing.assert_allclose(roll_outs.get_ydata(), [100 * roll_out_at(toy, 0, k) for k in (1, 2, 5, 10)])
    lengths = draw_lengths([toy])
    np.testing.assert_allclose(lengths.axes[0].lines[0].get_xdata(), [2, 10, 40])
    assert [x.get_text() for x in lengths.axes[0].get_xticklabels()] == ["2", "10", "40"]
    differences = draw_differences([toy, still])
    shown = differences.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(shown[2:], toy.rollout.relative[0, 2:])
    assert (shown[:2] > 0).all()
    assert (shown[:2] < toy.rollout.relative[0, 2:].min()).all()


def test_a_part_is_written_and_says_what_is_not_drawn(own_folder):
    alone = replace(invented(), rollout=None, step_length=None, why_not="the derivative is autodiff")
    part = horizon_part({"Toy": alone})
    assert [item.name for item in part.items] == ["horizon-state", "horizon"]  # ∂s'/∂a has no zero
    part = horizon_part({"Toy": invented(), "Still": constant()})
    # The answer first, then each environment by itself; what is the same of both once.
    assert part.sentences[: len(about_all([invented(), constant()]))] == about_all([invented(), constant()])
    assert part.sentences.count(about_horizon(invented(), 0)) == part.sentences.count(about_lengths(invented())) == 1
    assert part.sentences[-2] == about_roll_out(invented())
    names = [item.name for item in part.items]
    assert names == ["horizon-state", "horizon-length", "horizon-difference", "horizon"]
    said = {item.name: item.sentences[0] for item in part.items if isinstance(item, FigureItem)}
    assert said["horizon-state"].startswith("Products are from 40 starts in 4 episodes, each followed for 12")
    assert said["horizon-length"] == "Steps begin at 32 rows of 4 episodes (Toy and Still)."
    assert said["horizon-difference"] == "Roll-outs are from 3 starts in 2 episodes (30 rows) (Toy and Still)."
    part = horizon_part({"Toy": invented()})  # one panel each: drawing is what takes the time
    paths = write_items(part.items, own_folder)
    assert sorted({path.stem for path in paths}) == sorted(names)
    assert all(path.stat().st_size > 300 for path in paths)
