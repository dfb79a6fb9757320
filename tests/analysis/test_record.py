from __future__ import annotations

import json

import numpy as np
import pytest

from dynsparse.analysis.global_sparsity import analyze_global
from dynsparse.analysis.record import AnalysisRecord
from dynsparse.errors import InputError


@pytest.fixture
def record():
    state = np.array([[[1.0, 0.5], [0.0, 0.9]], [[1.0, 0.0], [0.0, 0.9]]])
    sparsity = analyze_global(state, np.array([[[0.0], [0.1]]] * 2))
    return AnalysisRecord("Toy", "random", "exact", 1, ("qpos a", "qvel a"), ("push",), sparsity, {"seed": 0})


def test_files_hold_the_contract(record, tmp_path):
    record.save(tmp_path)
    found = json.loads((tmp_path / "analysis.json").read_text())
    assert found["schema"] == 1
    assert found["audit"] is None
    assert (found["rows"], found["episodes"], found["state_dim"], found["action_dim"]) == (2, 1, 2, 1)
    assert found["global"] == {
        "state": {"always_zero": 1, "elements": 4, "fraction": 0.25},
        "action": {"always_zero": 1, "elements": 2, "fraction": 0.5},
    }
    assert found["threshold_sweep"][0].keys() >= {"atol", "zero_fraction"}
    with np.load(tmp_path / "analysis.npz", allow_pickle=False) as file:
        assert file["zero_frequency_state"].tolist() == [[0.0, 0.5], [1.0, 0.0]]
        assert file["zero_frequency_action"].tolist() == [[1.0], [0.0]]


def test_what_is_read_is_what_was_written(record, tmp_path):
    record.save(tmp_path)
    loaded = AnalysisRecord.load(tmp_path)
    assert loaded.to_dict() == record.to_dict()
    assert np.array_equal(loaded.sparsity.state.zero_frequency, record.sparsity.state.zero_frequency)


def test_broken_files_are_refused(record, tmp_path):
    with pytest.raises(InputError, match="can not read"):
        AnalysisRecord.load(tmp_path)
    record.save(tmp_path)
    (tmp_path / "analysis.npz").write_bytes((tmp_path / "analysis.npz").read_bytes()[:100])
    with pytest.raises(InputError, match="can not read"):
        AnalysisRecord.load(tmp_path)


def test_files_of_two_analyses_are_refused(record, tmp_path):
    record.save(tmp_path)
    frequency = record.sparsity.state.zero_frequency
    np.savez(tmp_path / "analysis.npz", zero_frequency_state=frequency.T * 0, zero_frequency_action=np.ones((2, 1)))
    with pytest.raises(InputError, match="belong together"):
        AnalysisRecord.load(tmp_path)


def test_another_schema_is_refused(record, tmp_path):
    record.save(tmp_path)
    found = json.loads((tmp_path / "analysis.json").read_text())
    (tmp_path / "analysis.json").write_text(json.dumps(found | {"schema": 2}))
    with pytest.raises(InputError, match="schema 1"):
        AnalysisRecord.load(tmp_path)
