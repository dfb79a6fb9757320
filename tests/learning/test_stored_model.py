"""A model read back: the very function that was scored when it was trained."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

import dynsparse
from dynsparse.errors import ModelError
from dynsparse.learning.learn_data import LearnData, StoredRows
from dynsparse.learning.learned_model import LearnedModel
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.stored_model import load_world_model
from dynsparse.learning.trainer import Trainer
from dynsparse.learning.unit import dataset_identity, run_unit

from .switched_rows import made_arrays, store

SETTINGS = LearnSettings(
    loss="state-jacobian", layer_width=6, batch_size=16, epochs=2, test_split=0.2, activation="relu"
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Train and keep a model as ``learn`` does; return the record's path, and the data set's."""
    folder = tmp_path_factory.mktemp("kept")
    store(folder / "data", made_arrays(episodes=10))
    unit = {"kind": "train", "environment": "Toy", "dataset": dataset_identity(str(folder / "data"))}
    unit["settings"] = SETTINGS.to_dict()
    result = run_unit(unit, {"dataset": str(folder / "data")}, lambda *_: None)
    path = folder / "key.json"
    path.write_text(json.dumps({"unit": unit, "status": "done", "result": result.record}))
    save_file({name: np.ascontiguousarray(array) for name, array in result.arrays.items()}, folder / "key.safetensors")
    return path, folder / "data", result.record


def test_a_model_read_back_is_the_one_that_was_trained(kept):
    path, data, _ = kept
    rows = StoredRows.read(dynsparse.open_dataset(data))
    prepared = LearnData.prepare(rows, SETTINGS)
    trainer = Trainer(SETTINGS, prepared.train)
    for _ in range(SETTINGS.epochs):
        trainer.epoch()
    wanted = LearnedModel(trainer, prepared.normalizer)
    model = load_world_model(path)
    state, action = rows.arrays["state"][:9], rows.arrays["action"][:9]
    found = np.array([model(s, a) for s, a in zip(state, action, strict=True)])
    np.testing.assert_allclose(found, wanted.predict(state, action), rtol=1e-4, atol=1e-5)
    by_state, by_action = jax.vmap(jax.jacfwd(model, argnums=(0, 1)))(state, action)
    both = np.concatenate([by_state, by_action], axis=2)
    np.testing.assert_allclose(both, wanted.jacobians(state, action), rtol=1e-3, atol=1e-4)
    assert (model.environment, model.settings) == ("Toy", SETTINGS)


def test_it_can_be_scored_as_any_model(kept):
    path, data, _ = kept
    score = dynsparse.score(load_world_model(path), dynsparse.open_dataset(data))
    assert score.derivative == "jax"
    assert 0 < score.mse < 10
    assert score.rows == 200


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: told | {"status": "failed"}, "a unit of kind 'train' that is 'failed'"),
        (lambda told: told | {"unit": told["unit"] | {"kind": "referees"}}, "a unit of kind 'referees'"),
        (lambda told: {"unit": told["unit"]}, "KeyError: 'status'"),
    ],
)
def test_what_is_no_trained_model_is_refused(kept, tmp_path, change, why):
    path, _, _ = kept
    other = tmp_path / "other.json"
    other.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ModelError, match=f"expected the record of a training that is done, .*{why}"):
        load_world_model(other)


def test_a_network_that_is_not_there_or_broken_is_told(kept, tmp_path):
    path, _, _ = kept
    alone = tmp_path / "alone.json"
    alone.write_text(path.read_text())
    with pytest.raises(ModelError, match=r"name units/KEY\.json of dynsparse learn"):
        load_world_model(alone)
    alone.with_suffix(".safetensors").write_bytes(b"no network")
    with pytest.raises(ModelError, match="SafetensorError"):
        load_world_model(alone)
