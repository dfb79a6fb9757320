"""The normaliser against NumPy, and its factor against autodiff of the mapping that the paper defines."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.errors import ArrayError, SettingError
from dynsparse.learning.normalizer import Normalizer


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    scale = np.array([1e-3, 1.0, 300.0])
    return {
        "state": 1e4 + scale * rng.normal(size=(101, 3)),
        "action": rng.uniform(-1, 1, (101, 2)),
        "next_state": -5 + scale[::-1] * rng.normal(size=(101, 3)),
    }


def in_blocks(rows, *cuts):
    parts = {name: np.split(array, cuts) for name, array in rows.items()}
    return ({name: part[i] for name, part in parts.items()} for i in range(len(cuts) + 1))


@pytest.mark.parametrize("cuts", [(), (1, 50, 50)], ids=["one block", "blocks, one of them empty"])
def test_means_and_deviations_are_numpys(rows, cuts):
    found = Normalizer.fit(in_blocks(rows, *cuts))
    inputs = np.concatenate([rows["state"], rows["action"]], axis=1)
    np.testing.assert_allclose(found.input_mean, inputs.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.input_std, inputs.std(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.output_mean, rows["next_state"].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.output_std, rows["next_state"].std(axis=0), rtol=1e-9)


def test_z_scores_have_mean_0_and_deviation_1_and_can_be_undone(rows):
    found = Normalizer.fit([rows])
    inputs, outputs = found.inputs(rows["state"], rows["action"]), found.outputs(rows["next_state"])
    for scores in (inputs, outputs):
        np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(scores.std(axis=0), 1, rtol=1e-4)  # epsilon beside a deviation of 1e-3
    np.testing.assert_allclose(found.next_states(outputs), rows["next_state"], rtol=1e-13)


def test_jacobians_are_those_of_the_normalised_mapping(rows):
    found = Normalizer.fit([rows])
    matrix = np.random.default_rng(1).normal(size=(3, 5))

    def mapping(given):
        return jnp.sin(matrix @ given) * given[:3]

    def normalised(scores):
        given = scores * (found.input_std + found.epsilon) + found.input_mean
        return (mapping(given) - found.output_mean) / (found.output_std + found.epsilon)

    inputs = np.concatenate([rows["state"], rows["action"]], axis=1)
    with jax.enable_x64(True):
        raw = np.asarray(jax.vmap(jax.jacfwd(mapping))(inputs))
        wanted = np.asarray(jax.vmap(jax.jacfwd(normalised))(found.inputs(rows["state"], rows["action"])))
    scaled = found.jacobians(raw[:, :, :3], raw[:, :, 3:])
    np.testing.assert_allclose(scaled, wanted, rtol=1e-6, atol=1e-9 * np.abs(wanted).max())
    np.testing.assert_allclose(found.raw_jacobians(scaled), raw, rtol=1e-12)


def test_the_printed_factor_is_the_inverse_of_the_derived_one(rows):
    found = Normalizer.fit([rows])
    np.testing.assert_allclose(found.jacobian_factor("printed") * found.jacobian_factor("derived"), 1)
    assert not np.allclose(found.jacobian_factor("printed"), found.jacobian_factor("derived"))
    with pytest.raises(SettingError, match="factor must be one of derived, printed, got 'upside-down'"):
        found.jacobian_factor("upside-down")


def test_a_constant_variable_becomes_0(rows):
    rows["action"][:, 1] = 0.25
    found = Normalizer.fit([rows])
    np.testing.assert_array_equal(found.inputs(rows["state"], rows["action"])[:, 4], 0)


def test_rows_that_are_not_finite_and_no_rows_are_refused(rows):
    rows["next_state"][7, 1] = np.nan
    with pytest.raises(ArrayError, match="got 1 that are not; leave them out by 'finite'"):
        Normalizer.fit([rows])
    with pytest.raises(ArrayError, match="got none"):
        Normalizer.fit([{name: array[:0] for name, array in rows.items()}])


def test_parts_that_do_not_fit_are_refused():
    good = np.zeros(2)
    with pytest.raises(ArrayError, match=r"input mean and std of one shape \(d,\), got \(2,\) and \(3,\)"):
        Normalizer(good, np.zeros(3), good, good)
    with pytest.raises(ArrayError, match="finite output means and standard deviations of at least 0"):
        Normalizer(good, good, good, np.array([1.0, -1.0]))
    with pytest.raises(SettingError, match="epsilon must be a finite number above 0, got 0"):
        Normalizer(good, good, good, good, 0.0)
