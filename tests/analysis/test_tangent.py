"""Analysis in tangent coordinates: a body that turns about one axis, with a quaternion in its state."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dynsparse.analysis import ArrayRows, RowDescription, SparsityReport, analyze
from dynsparse.errors import ArrayError

STATE = ("qpos body z", *(f"qpos body q{part}" for part in "wxyz"), "qvel body z")
TANGENT = ("qpos body z", *(f"qpos body r{axis}" for axis in "xyz"), "qvel body z")
STEPS = 6


def spinning(coordinates="tangent", episodes=2):
    """Height and its velocity couple; of the rotation each part carries itself over; contact couples height and rx.

    Always zero of ∂s'/∂s: 25 - 5 (diagonal) - 1 (height from velocity) - 1 (rx from height, in odd steps) = 18.
    """
    t = np.tile(np.arange(STEPS), episodes)
    jac_state = np.tile(np.eye(5), (len(t), 1, 1))
    jac_state[:, 0, 4] = 0.1
    jac_state[t % 2 == 1, 1, 0] = 0.5
    jac_action = np.zeros((len(t), 5, 1))
    jac_action[:, 4, 0] = 1.0
    arrays = {"jac_state": jac_state, "jac_action": jac_action, "finite": np.ones(len(t), dtype=bool)}
    arrays |= {"episode": np.repeat(np.arange(episodes), STEPS), "t": t}
    names, places = (STATE, (1,)) if coordinates == "tangent" else (TANGENT, ())
    return ArrayRows(
        RowDescription("Body", names, ("lift",), {"name": "random"}, "exact", STEPS, "rollout", places), arrays
    )


def test_rows_and_columns_are_named_as_the_tangents_are():
    report = analyze(spinning(), provenance={})
    assert (report.coordinates, report.state_names, report.action_names) == ("tangent", TANGENT, ("lift",))
    assert report.global_sparsity.state.always_zero_count == 18
    assert report.global_sparsity.state.zero_frequency[1, 0] == 0.5
    assert report.local.state.sparsity_mean == pytest.approx(18.5 / 25)
    # The one element that changes: zero and not in turns.
    assert report.temporal is not None
    assert (report.temporal.zero.mean, report.temporal.pattern_switch_rate) == (1.0, 1.0)


def test_numbers_are_those_of_the_same_matrices_in_flat_coordinates():
    tangent, flat = (analyze(spinning(which), provenance={}) for which in ("tangent", "state"))
    told, other = tangent.to_dict(), flat.to_dict()
    assert told.pop("coordinates") == "tangent"
    assert told == other  # a flat analysis says nothing of coordinates: its file is what it was
    for name, array in flat.to_arrays().items():
        np.testing.assert_array_equal(tangent.to_arrays()[name], array)


def test_report_is_read_back_with_its_coordinates(tmp_path):
    report = analyze(spinning())
    report.save(tmp_path)
    again = SparsityReport.load(tmp_path)
    assert again.to_dict() == report.to_dict()
    told = json.loads((tmp_path / "analysis.json").read_text())
    assert (told["coordinates"], told["state_dim"], told["state_names"]) == ("tangent", 5, list(TANGENT))
    assert spinning().description.to_dict()["quaternions"] == [1]


def test_jacobians_of_the_states_own_numbers_are_refused():
    source = spinning()
    wide = {**source.arrays, "jac_state": np.zeros((12, 6, 6)), "jac_action": np.zeros((12, 6, 1))}
    with pytest.raises(ArrayError, match=r"must have shapes \(n, 5, 5\) and \(n, 5, 1\)"):
        analyze(ArrayRows(source.description, wide), provenance={})


def test_unknown_coordinates_are_refused():
    report = analyze(spinning(), provenance={})
    values = {name: getattr(report, name) for name in report.__dataclass_fields__}
    with pytest.raises(ArrayError, match="coordinates must be one of state, tangent, got 'polar'"):
        SparsityReport(**values | {"coordinates": "polar"})
