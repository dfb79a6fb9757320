"""Products over a horizon against loops and paths by hand; starts; counts; records on disk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.horizon_count import ProductCount, count_rollout, count_step_lengths
from dynsparse.analysis.horizon_product import carried_products, k_step_products, structural_products
from dynsparse.analysis.horizon_record import HorizonRecord, holds_horizon
from dynsparse.analysis.horizon_starts import choose_starts, evenly, longest_horizon
from dynsparse.errors import ArrayError, InputError, SettingError
from dynsparse.physics.chain import CarriedJacobians

ATOL = 1e-15
M, K, DT, DA, NV = 3, 4, 4, 1, 2


def windows(seed=0, density=1.0):
    rng = np.random.default_rng(seed)
    state, action = rng.normal(size=(M, K, DT, DT)), rng.normal(size=(M, K, DT, DA))
    return state * (rng.random(state.shape) < density), action * (rng.random(action.shape) < density)


# --- products ---------------------------------------------------------------------------------------------------


def test_products_are_those_of_a_loop_over_windows():
    state, action = windows()
    for k, product in enumerate(k_step_products(state, action), start=1):
        for window in range(M):
            by_state, by_action = np.eye(DT), action[window, 0]
            for step in range(k):
                by_state = state[window, step] @ by_state
                by_action = state[window, step] @ by_action if step else by_action
            np.testing.assert_allclose(product[window, :, :DT], by_state, rtol=1e-12)
            np.testing.assert_allclose(product[window, :, DT:], by_action, rtol=1e-12)
    assert k == K


def test_patterns_multiply_to_what_a_walk_through_every_chain_reaches():
    state, action = (x != 0 for x in windows(1, density=0.3))
    for k, reached in enumerate(structural_products(state, action), start=1):
        for window in range(M):
            for column in range(DT + DA):
                first = state[window, 0, :, column] if column < DT else action[window, 0, :, column - DT]
                alive = set(np.flatnonzero(first))
                for step in range(1, k):
                    alive = {row for row in range(DT) for at in alive if state[window, step, row, at]}
                assert set(np.flatnonzero(reached[window, :, column])) == alive


def carried(seed=2, warm=1.0):
    rng = np.random.default_rng(seed)
    shapes = [(rows, columns) for rows in (DT, NV) for columns in (DT, DA, NV)]
    steps = CarriedJacobians(*(rng.normal(size=(M, K, *shape)) for shape in shapes))
    return steps._replace(state_by_warmstart=warm * steps.state_by_warmstart)


def test_the_carried_product_is_that_of_whole_matrices():
    steps = carried()
    for k, product in enumerate(carried_products(steps), start=1):
        for window in range(M):
            whole = None
            for step in range(k):
                one = [part[window, step] for part in steps]
                square = np.block([[one[0], one[2]], [one[3], one[5]]])
                start = np.block([[one[0], one[1]], [one[3], one[4]]])
                whole = start if whole is None else square @ whole
            np.testing.assert_allclose(product[window], whole[:DT], rtol=1e-11, atol=1e-12)


def test_where_nothing_depends_on_the_warm_start_it_is_the_plain_product_bit_for_bit():
    steps = carried(warm=0.0)
    plain = k_step_products(steps.state_by_state, steps.state_by_action)
    for one, other in zip(carried_products(steps), plain, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(M, 0, DT, DT), (M, K, DT, DT + 1), (M, K, DT)])
def test_windows_that_are_none_are_refused(shape):
    with pytest.raises(ArrayError, match="windows of shapes"):
        next(k_step_products(np.zeros(shape), np.zeros((M, K, DT, DA))))


# --- starts -----------------------------------------------------------------------------------------------------


def test_windows_stay_inside_episodes_and_off_rows_that_are_not_finite():
    episode = np.repeat([4, 5, 9], [10, 3, 12])
    finite = np.ones(25, dtype=bool)
    finite[[5, 24]] = False
    found = choose_starts(episode, finite, horizon=4, starts=100, seed=0)
    # By hand: episode 4 has rows 0-9 without 5, episode 5 is too short, episode 9 has rows 13-23.
    np.testing.assert_array_equal(found.rows, [0, 1, 6, 13, 14, 15, 16, 17, 18, 19, 20])
    np.testing.assert_array_equal(found.episode, [4, 4, 4, *[9] * 8])
    assert found.left_out == 1


def test_starts_are_spread_and_an_episodes_own():
    episode = np.repeat([0, 1], [100, 80])
    finite = np.ones(180, dtype=bool)
    found = choose_starts(episode, finite, horizon=11, starts=7, seed=3)
    first = found.rows[found.episode == 0]
    assert len(first) == 7
    np.testing.assert_array_equal((first * 7) // 90, np.arange(7))  # one in each seventh of the 90 starts
    assert found.rows[found.episode == 1].max() <= 180 - 11
    alone = choose_starts(episode[100:], finite[100:], horizon=11, starts=7, seed=3)
    np.testing.assert_array_equal(alone.rows + 100, found.rows[found.episode == 1])
    other = choose_starts(episode, finite, horizon=11, starts=7, seed=4)
    assert not np.array_equal(other.rows, found.rows)


def test_every_number_can_be_drawn_and_none_twice():
    drawn = [evenly(10, 4, np.random.default_rng(seed)) for seed in range(200)]
    assert all((np.diff(one) > 0).all() for one in drawn)
    np.testing.assert_array_equal(np.unique(drawn), np.arange(10))


def test_a_horizon_is_no_longer_than_the_longest_episode():
    episode = np.repeat([0, 1], [3, 8])
    assert [longest_horizon(episode, wanted) for wanted in (5, 8, 50)] == [5, 8, 8]
    with pytest.raises(SettingError, match="horizon"):
        longest_horizon(episode, 0)
    with pytest.raises(ArrayError, match="at least one episode"):
        longest_horizon(episode[:0], 5)
    with pytest.raises(ArrayError, match="4 finite rows"):
        choose_starts(episode, np.zeros(11, dtype=bool), horizon=4, starts=2, seed=0)


# --- counts -----------------------------------------------------------------------------------------------------


def cancelling():
    """Two steps of two state variables and one action, in which terms cancel and dust becomes visible.

    Window 0: [[1, 1], [0, 1]] then [[1, -1], [0, 1]]: the product's upper right element is 1 - 1 = 0 by two chains.
    Window 1: an element of 1e-16 times 1e6: no chain of visible elements, and 1e-10 in the product.
    """
    state = np.array(
        [
            [[[1.0, 1.0], [0.0, 1.0]], [[1.0, -1.0], [0.0, 1.0]]],
            [[[1.0, 0.0], [1e-16, 1.0]], [[1.0, 0.0], [0.0, 1e6]]],
        ]
    )
    return state, np.array([[[[0.0], [2.0]]] * 2, [[[0.0], [0.0]]] * 2])


def test_zeros_by_structure_by_cancelling_and_dust_are_told_apart():
    count = ProductCount(2, 1, 2, ATOL)
    state, action = cancelling()
    count.add([(state[:1], action[:1]), (state[1:], action[1:])])  # one episode in two pieces
    count.add([(state[1:], action[1:])])
    found = count.result()
    np.testing.assert_array_equal(found.starts, [2, 1])
    # One step: window 0 has one zero of four, window 1 two of four, one of them not if nothing is too small.
    # Two steps: window 0 has two, one of them by cancelling; window 1 two all the same, as no chain reaches its dust.
    np.testing.assert_allclose(found.sparsity[0], [[0.375, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(found.structure[0], [[0.375, 0.375], [0.5, 0.5]])
    np.testing.assert_allclose(found.untouched[0], [[0.25, 0.25], [0.25, 0.25]])
    np.testing.assert_array_equal(found.cancelled, [[0, 1], [0, 0]])
    np.testing.assert_array_equal(found.dust, [[0, 2], [0, 0]])
    # The action: window 0 reaches both variables in two steps, window 1 none.
    np.testing.assert_allclose(found.sparsity[1], [[0.75, 0.5], [1.0, 1.0]])
    # The lower left element is never reached, whatever dust says; the upper right one is in window 0, and cancels.
    np.testing.assert_array_equal(found.always_zero, [[1, 2], [1, 0]])
    np.testing.assert_array_equal(found.always_structure, [[1, 1], [1, 0]])
    np.testing.assert_allclose(found.largest[0], [1.0, 1e6])


def test_dust_beside_large_slopes_takes_no_local_sparsity_away():
    """By hand, 2 x 2: the second step multiplies the first variable's 1e-16 by 1e9, and only in one of the episodes.

    After two steps the lower left element is 1e-7 in the first episode and 0 in the second, and no chain leads there in
    either: it is zero at every start.  The upper right one is 0 in the first episode and 3 in the second.  So the local
    sparsity is one element of four in the first episode and none in the second, and never what is left of subtracting
    two always-zero elements from one.
    """
    count = ProductCount(2, 1, 2, ATOL)
    no_action = np.ones((1, 2, 2, 1))
    dusty = np.array([[[[1.0, 0.0], [1e-16, 1.0]], [[1.0, 0.0], [0.0, 1e9]]]])
    clean = np.array([[[[1.0, 3.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]])
    for state in (dusty, clean):
        count.add([(state, no_action)])
    found = count.result()
    np.testing.assert_array_equal(found.dust[0], [0, 1])
    np.testing.assert_array_equal(found.always_zero[0], [1, 1])
    np.testing.assert_array_equal(found.sparsity[0], [[0.5, 0.5], [0.25, 0.25]])
    made = HorizonRecord("Toy", "random", "exact", ATOL, 0.04, ("x", "v"), ("push",), 2, 0, found, None, None, "no", {})
    np.testing.assert_array_equal(made.local(0), [[0.25, 0.25], [0.0, 0.0]])
    with pytest.raises(ArrayError, match="among the zeros of each episode"):
        replace(made, product=replace(found, sparsity=found.sparsity - 0.01))


def test_local_sparsity_is_never_below_zero_whatever_the_sizes():
    rng = np.random.default_rng(5)
    for elements in range(30):
        count = ProductCount(3, 2, 6, ATOL)
        for starts in (1, 3, 7):
            size = 10.0 ** rng.uniform(-20, 6, size=(starts, 6, 3, 5))
            both = size * (rng.random(size.shape) < 0.2 + 0.02 * elements)
            count.add([(both[..., :3], both[..., 3:])])
        found = count.result()
        for block, width in enumerate((9, 6)):
            assert (found.sparsity[block] - found.always_zero[block] / width >= 0).all()
            assert (found.sparsity[block] >= found.structure[block]).all()


def test_no_window_is_no_count():
    count = ProductCount(2, 1, 2, ATOL)
    with pytest.raises(ArrayError, match="at least one episode"):
        count.result()
    with pytest.raises(ArrayError, match="at least one window"):
        count.add([])
    with pytest.raises(ArrayError, match="windows of shapes"):
        count.add([(np.zeros((1, 3, 2, 2)), np.zeros((1, 3, 2, 1)))])


def test_roll_outs_are_held_against_products_start_by_start():
    steps = carried(warm=0.0)
    steps.state_by_warmstart[1, 2] = 1e-3  # the second window's third step alone reads its warm start
    steps.state_by_state[:, :, 0, 1:] = 0.0
    steps.state_by_action[:, :, 0] = 0.0
    steps.state_by_warmstart[:, :, 0] = 0.0
    stored = steps.state_by_state.copy(), steps.state_by_action.copy()
    stored[0][2, 1, 1, 1] *= 1.5
    rows = np.array([[0, 1, 2, 3], [1, 2, 3, 4], [20, 21, 22, 23]])
    found = count_rollout(steps, stored, np.array([0, 0, 6]), rows, ATOL)
    np.testing.assert_array_equal(found.starts, [2, 1])
    np.testing.assert_array_equal(found.differing, [[0, 0, 1, 1], [0, 0, 1, 1]])
    assert not found.absolute[:, :2].any()
    expected = [np.abs(a - b) for a, b in zip(carried_products(steps), k_step_products(*steps[:2]), strict=True)]
    np.testing.assert_allclose(found.absolute[0], [x[:, :, :DT].max() for x in expected])
    assert (found.relative[:, 2:] > 1e-9).all()
    np.testing.assert_allclose(found.sparsity[0], 3 / 16)
    np.testing.assert_allclose(found.product[1], 1 / 4)
    assert not found.lost.any()
    assert not found.gained.any()
    assert (found.rows, found.warm_rows) == (9, 1)
    scale = max(np.abs(stored[0][2, 1]).max(), np.abs(steps.state_by_state[2, 1]).max())
    np.testing.assert_allclose(found.recomputed, np.abs(stored[0] - steps.state_by_state).max() / scale)


def test_zeros_that_only_one_of_the_two_has_are_counted():
    steps = carried(warm=0.0)
    steps = CarriedJacobians(*(part[:1, :2].copy() for part in steps))
    steps.state_by_state[0, :, 0] = 0.0
    steps.state_by_warmstart[0, 1, 0] = 1.0  # the product's first row is zero, the roll-out's is not
    found = count_rollout(steps, (steps[0], steps[1]), np.array([3]), np.array([[0, 1]]), ATOL)
    np.testing.assert_array_equal(found.lost, [[0, DT], [0, DA]])
    broken = steps._replace(state_by_state=np.full_like(steps[0], np.nan))
    with pytest.raises(ArrayError, match="finite roll-outs"):
        count_rollout(broken, (steps[0], steps[1]), np.array([3]), np.array([[0, 1]]), ATOL)


def test_step_lengths_are_counted_by_episode_without_rows_that_are_lost():
    steps = carried()
    steps.state_by_state[0, 1:, 2] = 0.0
    steps.state_by_state[2, 3, 0, 0] = np.nan
    made = {"timestep": 0.01, "substeps": 2, "atol": ATOL}
    found = count_step_lengths(steps, np.array([1, 1, 7]), [1, 2, 5, 10], **made)
    np.testing.assert_array_equal(found.rows, [2])
    np.testing.assert_allclose(found.sparsity[0], [[0, 1 / 8, 1 / 8, 1 / 8]])
    assert found.left_out == 1
    with pytest.raises(ArrayError, match="finite after 10 substeps"):
        count_step_lengths(CarriedJacobians(*(p[2:] for p in steps)), np.array([7]), [1, 2, 5, 10], **made)


# --- records ----------------------------------------------------------------------------------------------------


def record():
    count = ProductCount(2, 1, 2, ATOL)
    state, action = cancelling()
    for window in (0, 1):
        count.add([(state[window : window + 1], action[window : window + 1])])
    rng = np.random.default_rng(0)
    shapes = [(rows, columns) for rows in (2, 1) for columns in (2, 1, 1)]
    steps = CarriedJacobians(*(rng.normal(size=(2, 2, *shape)) for shape in shapes))
    rollout = count_rollout(steps, (steps[0], steps[1]), np.array([0, 1]), np.array([[0, 1], [5, 6]]), ATOL)
    lengths = count_step_lengths(steps, np.array([0, 1]), [1, 4], timestep=0.01, substeps=4, atol=ATOL)
    return HorizonRecord(
        "Toy", "random", "exact", ATOL, 0.04, ("x", "v"), ("push",), 2, 1, count.result(), rollout, lengths, "", {}
    )


def test_a_record_comes_back_as_it_was(own_folder):
    kept = record()
    assert not holds_horizon(own_folder)
    kept.save(own_folder)
    assert holds_horizon(own_folder)
    again = HorizonRecord.load(own_folder)
    assert again.to_dict() == kept.to_dict()
    for name, array in kept.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], array)
    np.testing.assert_allclose(again.local(0), kept.product.sparsity[0] - np.array([1, 2]) / 4)
    alone = replace(kept, rollout=None, step_length=None, why_not="no warm start")
    alone.save(own_folder)
    assert HorizonRecord.load(own_folder).rollout is None


def test_damage_is_found(own_folder):
    kept = record()
    kept.save(own_folder)
    path = own_folder / "horizon.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"horizon": 3}))
    with pytest.raises(InputError, match="not what was written"):
        HorizonRecord.load(own_folder)
    path.unlink()
    with pytest.raises(InputError, match="horizon"):
        HorizonRecord.load(own_folder)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"horizon": 3}, "over 3 control steps"),
        ({"why_not": "no reason"}, "a reason where curves are missing"),
        ({"rollout": None}, "a reason where curves are missing"),
        ({"state_names": ("x",)}, "count elements"),
    ],
)
def test_numbers_that_do_not_belong_together_are_refused(changed, said):
    with pytest.raises(ArrayError, match=said):
        replace(record(), **changed)


def test_curves_of_other_shapes_are_refused():
    product = record().product
    with pytest.raises(ArrayError, match="expected structure"):
        replace(product, structure=product.structure[:, :1])
    lengths = record().step_length
    with pytest.raises(ArrayError, match="own 3 substeps"):
        replace(record(), step_length=replace(lengths, substeps=3))
