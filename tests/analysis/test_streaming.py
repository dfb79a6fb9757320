from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynsparse.analysis import pattern_count
from dynsparse.analysis.global_sparsity import analyze_global
from dynsparse.analysis.source import ArrayRows
from dynsparse.analysis.streaming import analyze
from dynsparse.errors import ArrayError, SettingError


def random_arrays(episodes, steps, ds, da, seed):
    """Rows whose zeros come and go, some of them tiny numbers and some rows not finite."""
    rng = np.random.default_rng(seed)
    rows = episodes * steps
    values = rng.normal(size=(rows, ds, ds + da)) * 10.0 ** rng.uniform(-22, 2, (rows, ds, ds + da))
    values[rng.random(values.shape) < 0.4] = 0.0
    values[rng.random(rows) < 0.1, 0, -1] = np.inf
    values[0] = 1.0
    return {
        "jac_state": values[:, :, :ds],
        "jac_action": values[:, :, ds:],
        "finite": np.append([True], rng.random(rows - 1) < 0.95),
        "episode": np.repeat(np.arange(episodes), steps) + 5,
        "t": np.tile(np.arange(steps), episodes),
    }


@settings(max_examples=25, deadline=None, derandomize=True)
@given(cuts=st.sets(st.integers(1, 7)), seed=st.integers(0, 1000))
def test_no_split_into_blocks_changes_a_bit(make_source, cuts, seed):
    arrays = random_arrays(8, 5, 3, 2, seed)
    whole = analyze(make_source(arrays), provenance={})
    split = analyze(make_source(arrays, [5 * cut for cut in sorted(cuts)]), provenance={})
    assert split.to_dict() == whole.to_dict()
    assert {name: array.tobytes() for name, array in split.to_arrays().items()} == {
        name: array.tobytes() for name, array in whole.to_arrays().items()
    }


def test_streamed_counts_equal_those_of_whole_arrays(make_source):
    arrays = random_arrays(8, 5, 3, 2, seed=3)
    streamed = analyze(make_source(arrays, range(5, 40, 5)), 1e-9, provenance={}).global_sparsity
    whole = analyze_global(arrays["jac_state"], arrays["jac_action"], arrays["finite"], 1e-9)
    assert streamed.threshold_sweep == whole.threshold_sweep
    assert (streamed.rows, streamed.nonfinite_rows, streamed.atol) == (40, whole.nonfinite_rows, 1e-9)
    assert np.array_equal(streamed.state.zero_frequency, whole.state.zero_frequency)
    assert np.array_equal(streamed.action.zero_frequency, whole.action.zero_frequency)


def test_a_transposed_block_is_another_answer(make_source, switched, report):
    # (x, y) is zero in the 8 rows of B, (y, x) in the 7 rows of A.
    assert report.global_sparsity.state.zero_frequency == pytest.approx(np.array([[0, 8 / 15], [7 / 15, 8 / 15]]))
    assert report.global_sparsity.action.zero_frequency == pytest.approx(np.array([[1], [8 / 15]]))
    turned = analyze(make_source(switched | {"jac_state": switched["jac_state"].transpose(0, 2, 1)}), provenance={})
    assert turned.global_sparsity.state.zero_frequency == pytest.approx(np.array([[0, 7 / 15], [8 / 15, 8 / 15]]))


def test_the_report_says_what_was_analysed(make_source, switched):
    told = []
    source = make_source(switched, [6, 12], policy={"name": "expert"}, derivative="autodiff", environment="Sled")
    found = analyze(source, audit={"rows": 3}, on_rows=lambda done, nonfinite: told.append((done, nonfinite)))
    assert told == [(6, 0), (12, 0), (15, 0)]
    assert (found.environment, found.policy, found.derivative) == ("Sled", "expert", "autodiff")
    assert (found.rows, found.episodes, found.nonfinite_rows, found.atol) == (15, 3, 0, 1e-15)
    assert (found.state_names, found.action_names) == (("x", "y"), ("u",))
    assert found.audit == {"rows": 3}
    assert found.provenance["extra"]["dataset"]["policy"] == {"name": "expert"}


def test_arrays_in_memory_are_a_data_set_too(make_source, switched, report):
    rows = ArrayRows(make_source(switched).description, switched)
    assert (rows.rows, rows.episodes) == (15, 3)
    assert analyze(rows, provenance={"seed": 0}).to_dict() == report.to_dict()


def test_float32_rows_are_counted_with_the_same_threshold(make_source, switched, report):
    small = {name: switched[name].astype(np.float32) for name in ("jac_state", "jac_action")}
    found = analyze(make_source(switched | small), provenance={"seed": 0})
    assert found.to_dict() == report.to_dict()


@pytest.mark.parametrize("atol", [-1e-15, float("nan"), 0.0, float("inf")])
def test_threshold_without_a_meaning_is_refused(make_source, switched, atol):
    with pytest.raises(SettingError, match="atol"):
        analyze(make_source(switched), atol)


def test_an_audit_that_is_not_plain_json_is_refused(make_source, switched):
    with pytest.raises(SettingError, match="JSON"):
        analyze(make_source(switched), audit={"worst": float("nan")})


def test_rows_none_of_which_is_finite_are_refused(make_source, make_switched):
    with pytest.raises(ArrayError, match="at least one row must be finite, got 4 rows"):
        analyze(make_source(make_switched(["NN", "NN"])))


def test_no_rows_are_refused(make_source, switched):
    with pytest.raises(ArrayError, match="at least one row"):
        analyze(make_source({name: array[:0] for name, array in switched.items()}))


@pytest.mark.parametrize(
    ("field", "array", "message"),
    [
        ("jac_state", np.ones((15, 3, 2)), "jac_state must have shape"),
        ("jac_action", np.ones((15, 3, 1)), "jac_action must have shape"),
        ("jac_action", np.ones((14, 2, 1)), "jac_action must have shape"),
        ("finite", np.ones(14, bool), "finite must have shape"),
        ("episode", np.zeros((15, 1)), "episode must have shape"),
        ("t", np.zeros(3), "t must have shape"),
        ("t", np.zeros(15, int), r"in row 1 \(episode 0\) where 1 was expected"),
        ("episode", np.zeros(15, int), r"got 0 in row 6 \(episode 0\) where 6 was expected"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(make_source, switched, field, array, message):
    source = make_source(switched)
    source._arrays = switched | {field: array}
    with pytest.raises(ArrayError, match=message):
        analyze(source)


def test_names_that_do_not_fit_the_arrays_are_refused(make_source, switched):
    with pytest.raises(ArrayError, match="by the names of their variables"):
        analyze(make_source(switched, action_names=("u", "v")))


def test_a_block_that_holds_a_part_of_an_episode_is_refused(make_source, switched):
    with pytest.raises(ArrayError, match=r"got 2 in row 8 \(episode 1\) where 0 was expected; give whole episodes"):
        analyze(make_source(switched, [8]))


def test_rows_that_are_missing_are_noticed(make_source, switched):
    source = make_source(switched)
    source.rows = 16
    with pytest.raises(ArrayError, match="16 rows, got 15"):
        analyze(source)


def test_memory_does_not_grow_with_the_rows(make_source, monkeypatch):
    monkeypatch.setattr(pattern_count, "_BLOCKS_AT", 4)  # or the few blocks of a test would all wait to be merged

    def peak(episodes):
        arrays = random_arrays(episodes, 50, 6, 3, seed=0)
        # Two patterns only: what is kept of a pattern is meant to grow with their number.
        arrays["jac_state"] = np.broadcast_to(np.eye(6), (episodes * 50, 6, 6))
        arrays["jac_action"] = np.broadcast_to(np.ones((6, 3)), (episodes * 50, 6, 3))
        source = make_source(arrays, range(50, episodes * 50, 50))
        tracemalloc.start()
        analyze(source, provenance={})
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(10), peak(100)
    assert many < 1.2 * few  # room for the interpreter's own bookkeeping; the rows alone are ten times as many


def test_the_threshold_follows_the_derivative():
    from dynsparse.config import atol_for, zero_tolerance

    assert (zero_tolerance("exact"), zero_tolerance("autodiff"), zero_tolerance("finite-difference")) == (
        1e-15,
        1e-15,
        1e-8,
    )
    assert atol_for("finite-difference") == 1e-8 and atol_for("finite-difference", 1e-6) == 1e-6
    with pytest.raises(SettingError, match=r"at least 1e-08 for finite-difference Jacobians.*got 1e-15"):
        atol_for("finite-difference", 1e-15)
