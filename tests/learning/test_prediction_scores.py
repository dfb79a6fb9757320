"""Scores of next states, against NumPy row by row."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dynsparse.learning.prediction_scores import OPEN_LOOP_STEPS, score_predictions
from dynsparse.learning.predictions import Predictions

from .switched_rows import made_arrays, scored


@pytest.fixture(scope="module")
def rows():
    return scored(made_arrays())


@pytest.fixture
def found(rows):
    rng = np.random.default_rng(1)
    return Predictions(
        "given",
        rows.jacobian,
        rows.next_state + rng.normal(size=rows.next_state.shape),
        rows.windows.next_state + rng.normal(size=rows.windows.next_state.shape),
    )


ALL = np.ones(120, dtype=bool)


@pytest.mark.parametrize("kind", ["all", "contact", "none"])
def test_every_number_is_what_a_loop_over_rows_gives(rows, found, kind):
    which = {"all": ALL, "contact": rows.contact, "none": ~rows.contact}[kind]
    scores = score_predictions(found, rows, which)
    chosen = np.flatnonzero(which)
    assert len(chosen) > 0
    normal = rows.normalizer
    errors = np.array(
        [normal.outputs(found.next_state[i : i + 1]) - normal.outputs(rows.next_state[i : i + 1]) for i in chosen]
    )
    np.testing.assert_allclose(scores.mse_per_dimension, (errors[:, 0] ** 2).mean(axis=0), rtol=1e-12)
    assert scores.mse == pytest.approx((errors**2).mean())
    for d in range(3):
        change = [rows.next_state[i, d] - rows.state[i, d] for i in chosen]
        guessed = [found.next_state[i, d] - rows.state[i, d] for i in chosen]
        residual = sum((a - b) ** 2 for a, b in zip(change, guessed, strict=True))
        assert scores.r2_per_dimension[d] == pytest.approx(1 - residual / (len(chosen) * np.var(change)))
    assert scores.r2 == pytest.approx(np.mean(scores.r2_per_dimension))
    for told in scores.open_loop:
        # Every row starts a window here; episodes have 20 steps.
        long = [i for i in chosen if i % 20 + told.steps <= 20]
        assert told.windows == len(long)
        assert told.diverged == 0
        if not long:
            assert told.mse is None
            continue
        ends = [
            normal.outputs(a[None, told.steps - 1]) - normal.outputs(b[None, told.steps - 1])
            for a, b in zip(found.trajectory[long], rows.windows.next_state[long], strict=True)
        ]
        assert told.mse == pytest.approx((np.array(ends) ** 2).mean())
    assert [told.steps for told in scores.open_loop] == [1, 5, 10, 25, 50] == list(OPEN_LOOP_STEPS)


def test_a_window_that_diverges_leaves_no_error_and_is_counted(rows, found):
    found.trajectory[3, 4:] = np.nan  # row 3 is at step 3 of its episode
    found.trajectory[7, 4:] = 1e300  # finite, but its square is not
    by_steps = {told.steps: told for told in score_predictions(found, rows, ALL).open_loop}
    assert (by_steps[1].mse is not None, by_steps[1].diverged) == (True, 0)
    assert (by_steps[5].mse, by_steps[5].diverged, by_steps[5].windows) == (None, 2, 6 * 16)
    assert (by_steps[25].mse, by_steps[25].diverged, by_steps[25].windows) == (None, 0, 0)


def test_a_change_that_is_constant_has_no_r2(rows, found):
    state, following = rows.state.copy(), rows.next_state.copy()
    # Moved by the same step everywhere, up to the round-off of numbers of size 1e3.
    state[:, 1] *= 1e3
    following[:, 1] = state[:, 1] + 0.1
    assert np.ptp(following[:, 1] - state[:, 1]) > 0
    moved = dataclasses.replace(rows, state=state, next_state=following)
    scores = score_predictions(found, moved, ALL)
    assert scores.r2_per_dimension[1] is None
    assert scores.r2 == pytest.approx(np.mean([scores.r2_per_dimension[0], scores.r2_per_dimension[2]]))
    still = dataclasses.replace(rows, state=following, next_state=following)
    scores = score_predictions(found, still, ALL)
    assert scores.r2 is None
    assert scores.mse is not None


def test_one_row_has_an_error_but_no_r2(rows, found):
    scores = score_predictions(found, rows, np.arange(120) == 5)
    assert scores.mse is not None
    assert scores.r2_per_dimension == (None, None, None)


def test_what_is_too_large_for_a_number_is_none_and_plain_json_never_holds_nan(rows, found):
    found.next_state[0, 2] = 1e200
    scores = score_predictions(found, rows, ALL)
    assert (scores.mse, scores.mse_per_dimension[2]) == (None, None)
    assert scores.mse_per_dimension[0] is not None
    read = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert set(read) == {"mse", "mse_per_dimension", "r2", "r2_per_dimension", "open_loop"}
    assert set(read["open_loop"][0]) == {"steps", "mse", "windows", "diverged"}


def test_without_next_states_or_rows_there_are_no_scores(rows, found):
    assert score_predictions(Predictions("given", rows.jacobian), rows, ALL) is None
    assert score_predictions(found, rows, ~ALL) is None
    alone = score_predictions(Predictions("given", rows.jacobian, found.next_state), rows, ALL)
    assert alone.mse is not None
    assert [(told.mse, told.windows) for told in alone.open_loop] == [(None, 0)] * 5


def test_windows_count_by_the_row_that_they_start_from_where_not_every_row_starts_one():
    rows = scored(made_arrays(episodes=20))
    windows = rows.windows
    assert (len(rows), len(windows.place)) == (400, 256)
    # Off by 1 deviation where the window starts in contact, by 2 elsewhere.
    off = np.where(rows.state[windows.place, 0] > 0, 1.0, 2.0)
    scale = rows.normalizer.output_std + rows.normalizer.epsilon
    moved = Predictions("given", rows.jacobian, rows.next_state, windows.next_state + off[:, None, None] * scale)
    for which, wanted in ((rows.contact, 1), (~rows.contact, 4)):
        assert score_predictions(moved, rows, which).open_loop[1].mse == pytest.approx(wanted)
