"""What changes with time at rows of a real data set, held against loops over what the data set holds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.analysis.horizon_starts import choose_starts
from dynsparse.cli import main
from dynsparse.cli.horizon_measurement import _check_states, _why_not, measure_horizon
from dynsparse.dataset import open_dataset
from dynsparse.errors import ArrayError, SettingError

ROWS, EPISODE, HORIZON = 90, 30, 6


@pytest.fixture(scope="module")
def stored(tmp_path_factory, shared_cache):
    path = tmp_path_factory.mktemp("data") / "cartpole"
    words = ["collect", "CartpoleBalance", "--rows", str(ROWS), "--episode-steps", str(EPISODE), "--out", str(path)]
    assert main([*words, "--workers", "1"]) == 0
    return path


def measured(path, **changed):
    made = {"horizon": HORIZON, "starts": 8, "rollouts": 5, "rows": 6, "lengths": (1, 3), "seed": 1, "atol": 1e-15}
    return measure_horizon(path, "a command", workers=1, **{**made, **changed})


def test_a_record_of_a_data_set_is_what_loops_over_its_rows_say(stored, own_folder):
    phases, done = [], []
    record = measured(stored, on_phase=phases.append, on_rows=done.append)
    assert phases == ["multiply", "roll out", "lengthen"]
    assert done[-1] == 6
    data = open_dataset(stored).load(["jac_state", "jac_action", "finite", "episode", "next_state", "state"])
    chosen = choose_starts(data["episode"], data["finite"], horizon=HORIZON, starts=8, seed=1)
    shares = np.zeros((2, 3, HORIZON))
    always = np.ones((HORIZON, 4, 5), dtype=bool)
    for row, episode in zip(chosen.rows, chosen.episode, strict=True):
        product = np.hstack([data["jac_state"][row], data["jac_action"][row]])
        for k in range(HORIZON):
            assert data["episode"][row + k] == episode
            product = data["jac_state"][row + k] @ product if k else product
            zeros = np.abs(product) < 1e-15
            always[k] &= zeros
            shares[:, episode, k] += np.array([zeros[:, :4].mean(), zeros[:, 4:].mean()]) / 8
    np.testing.assert_array_equal(record.product.starts, [8, 8, 8])
    np.testing.assert_allclose(record.product.sparsity, shares, atol=1e-12)
    np.testing.assert_array_equal(record.product.always_zero[0], always[:, :, :4].sum(axis=(1, 2)))
    # The slider's column: three of sixteen, however many steps.
    np.testing.assert_array_equal(record.product.always_zero[0], np.full(HORIZON, 3))
    # All of its solver calls converge: nothing depends on the warm start, and the stored Jacobians come again.
    rollout = record.rollout
    assert rollout.starts.sum() == 5
    assert (rollout.absolute == 0).all()
    assert (rollout.warm_rows, rollout.recomputed) == (0, 0.0)
    np.testing.assert_array_equal(record.step_length.counts, [1, 3])
    assert record.step_length.rows.sum() == 6
    record.save(own_folder)
    assert HorizonRecord.load(own_folder).to_dict() == record.to_dict()


def test_a_horizon_beyond_every_episode_is_cut_and_one_without_finite_rows_refused(stored, monkeypatch):
    from dynsparse.cli import horizon_measurement

    monkeypatch.setattr(horizon_measurement, "_why_not", lambda _dataset, _env: "it is left out here")
    record = measured(stored, horizon=100, starts=3)
    assert (record.horizon, record.rollout, record.why_not) == (EPISODE, None, "it is left out here")
    np.testing.assert_array_equal(record.product.starts, [1, 1, 1])
    for size in ("rollouts", "rows", "starts", "horizon"):
        with pytest.raises(SettingError, match=size):
            measured(stored, **{size: 0})
    with pytest.raises(SettingError, match="atol"):
        measured(stored, atol=0.0)


def about(**changed):
    values = {"states": "rollout", "derivative": "exact", "dtype": "float64", **changed}
    return SimpleNamespace(path="data", description=SimpleNamespace(**values))


@pytest.mark.parametrize(
    ("dataset", "env", "said"),
    [
        (about(), SimpleNamespace(engine="mjx", nv=2), ""),
        (about(), SimpleNamespace(engine="function", nv=0), "a function has no warm start"),
        (about(derivative="autodiff"), SimpleNamespace(engine="mjx", nv=2), "the derivative autodiff"),
        (about(dtype="float32"), SimpleNamespace(engine="mjx", nv=2), "stored in float32"),
    ],
)
def test_where_nothing_is_computed_anew_the_record_says_why(dataset, env, said):
    found = _why_not(dataset, env)
    assert found.startswith(said) if not said else said in found
    assert bool(found) == bool(said)


def test_coverage_states_have_no_horizon():
    with pytest.raises(SettingError, match="do not follow each other"):
        _check_states(about(states="coverage"))


def test_rows_that_are_never_finite_have_no_horizon():
    with pytest.raises(ArrayError, match="finite rows that follow each other"):
        choose_starts(np.zeros(9, dtype=int), np.zeros(9, dtype=bool), horizon=3, starts=2, seed=0)
