"""Derivatives and policies compared on CartpoleBalance: against the stored Jacobians, counted by brute force."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.analysis.policy_record import PolicyRecord, holds_policies
from dynsparse.cli.derivative_comparison import compare_derivatives
from dynsparse.cli.derivative_learning import DerivativeLearning
from dynsparse.cli.policy_comparison import compare_policies
from dynsparse.dataset import create_dataset, open_dataset
from dynsparse.errors import ArrayError, OutputExistsError, SettingError
from dynsparse.executor import Answer
from dynsparse.executor.unit import CheckedResult
from dynsparse.learning.settings import LearnSettings
from dynsparse.physics.environment import load_environment
from dynsparse.rollout.collect import collect, describe
from dynsparse.rollout.settings import CollectSettings

ROWS, STEPS = 120, 40
SMALL = {"rows": ROWS, "episode_steps": STEPS, "seed": 1, "atol": 1e-15, "workers": 1}


@pytest.fixture(scope="module")
def env():
    return load_environment("CartpoleBalance")


@pytest.fixture(scope="module")
def policies(tmp_path_factory, shared_cache, env):
    """Data sets under two policies and of coverage states, and what was measured of them."""
    study = tmp_path_factory.mktemp("study")
    main = study / "data" / "CartpoleBalance"
    collect(env, CollectSettings(ROWS, "paper", seed=1, episode_steps=STEPS), main, workers=1)
    phases = []
    record = compare_policies(
        main, "command", folder=study, policies=("random", "paper", "coverage"), on_phase=phases.append, **SMALL
    )
    assert phases == ["random", "paper", "coverage", "measure"]
    # The study's own data set is the one of the paper's policy: it is not collected twice.
    assert not (study / "policies" / "paper").exists()
    return {"paper": main} | {p: study / "policies" / p / "CartpoleBalance" for p in ("random", "coverage")}, record


def test_policies_are_counted_as_they_are_stored(policies):
    out, record = policies
    assert [rows.policy for rows in record.policies] == ["random", "paper", "coverage"]
    for rows in record.policies:
        stored = open_dataset(out[rows.policy]).load()
        whole = np.concatenate([stored["jac_state"], stored["jac_action"]], axis=2)
        assert np.array_equal(rows.sparsity.zeros, (np.abs(whole) < 1e-15).sum(axis=0))
        assert np.array_equal(rows.active.sum(axis=0), stored["constraint_active"].sum(axis=0))
        episodes = [stored["episode"] == number for number in np.unique(stored["episode"])]
        assert rows.sparsity.combined == pytest.approx([(np.abs(whole[one]) < 1e-15).mean() for one in episodes])
        if rows.policy == "coverage":
            assert rows.sparsity.episodes == ROWS and np.isnan(rows.sparsity.switch_rate).all()
        else:
            assert rows.returns == pytest.approx([stored["reward"][one].sum() for one in episodes])


def test_the_rail_is_found_to_make_the_difference(policies):
    out, record = policies
    # In 40 steps no policy drives the cart to the end of its rail; coverage states are beyond it in some rows.
    (group,) = record.groups
    assert group.constraints == ("joint limit slider",) and group.zero_in == ("random", "paper")
    assert {element[1] for element in group.elements} == {0} and len(group.elements) == 3
    assert group.active == group.both and group.active["coverage"] > 0 == group.active["paper"]
    stored = open_dataset(out["coverage"]).load()
    beyond = np.flatnonzero((np.abs(stored["jac_state"][:, 1:, 0]) > 0).any(axis=1))
    assert len(beyond) == group.active["coverage"] and [row.episode for row in group.rows] == beyond[:5].tolist()
    for row in group.rows:
        assert row.constraints == ("joint limit slider",) and abs(row.state[0]) > 1.79
        values = [stored["jac_state"][row.episode][element] for element in group.elements]
        assert row.values == pytest.approx(values, abs=0.0)


def test_again_is_the_same_and_starts_nothing(policies, no_worker, tmp_path):
    out, record = policies
    study = out["paper"].parents[1]
    again = compare_policies(out["paper"], "command", folder=study, policies=("random", "paper", "coverage"), **SMALL)
    first, second = record.to_dict(), again.to_dict()
    assert first | {"provenance": 0} == second | {"provenance": 0}
    assert record.provenance["extra"] == again.provenance["extra"]
    record.save(tmp_path)
    assert holds_policies(tmp_path) and PolicyRecord.load(tmp_path).to_dict() == first


def test_another_data_set_in_the_way_is_refused(policies, no_worker):
    out, _ = policies
    study = out["paper"].parents[1]
    with pytest.raises(OutputExistsError, match=r"seed is 1 there and 2 here.*remove the folder .*random.CartpoleBal"):
        compare_policies(out["paper"], "command", folder=study, policies=("random",), **{**SMALL, "seed": 2})


@pytest.mark.parametrize("order", [("paper", "expert"), ("expert", "paper")])
def test_one_checkpoint_under_two_names_is_measured_once(policies, no_worker, tmp_path, order):
    out, _ = policies
    # Nothing is collected for either: the study's own data are of these weights, whatever they are called.
    record = compare_policies(out["paper"], "command", folder=tmp_path, policies=order, **SMALL)
    assert [rows.policy for rows in record.policies] == [order[0]] and record.same_as == {order[1]: order[0]}
    assert record.rows_of(order[1]) is record.policies[0] and not (tmp_path / "policies").exists()
    record.save(tmp_path)
    assert PolicyRecord.load(tmp_path).same_as == record.same_as
    with pytest.raises(ArrayError, match="stand for novice too"):
        dataclasses.replace(record, same_as={"novice": "coverage"})


@pytest.fixture(scope="module")
def compared(policies):
    path = policies[0]["random"]
    return compare_derivatives(path, "command", rows=60, episodes=3, seed=0, atol=1e-15, workers=1)


def test_plain_autodiff_of_a_step_that_converges_is_the_exact_derivative(compared, tmp_path):
    exact, plain, single = compared.variants
    assert compared.rows == 60 and plain.largest_error < 1e-12 and plain.is_round_off and not compared.differs
    assert 1e-9 < single.largest_error < 1e-3 and single.sparsity.episodes == 3
    assert exact.sparsity.always_zero_state == 3
    compared.save(tmp_path)
    assert DerivativeRecord.load(tmp_path).to_dict() == compared.to_dict()


def test_the_rows_are_those_of_the_data_set(compared, policies):
    stored = open_dataset(policies[0]["random"]).load()
    kept = np.concatenate([
        np.flatnonzero(stored["episode"] == episode)[first : first + 20]
        for episode, first in zip(compared.episode, compared.first, strict=True)
    ])  # fmt: skip
    zero = np.abs(np.concatenate([stored["jac_state"], stored["jac_action"]], axis=2)[kept]) < 1e-15
    assert np.array_equal(compared.exact.sparsity.zeros, zero.sum(axis=0))


class Canned:
    """Answers every training with the same scores, but for an AUPRC that grows with the seed."""

    def __init__(self):
        self.datasets = []

    def run(self, units, folder, on_event):
        for unit in units:
            self.datasets.append(unit.context["dataset"])
            auprc = 0.5 + 0.1 * unit.arguments["settings"]["seed"]
            scores = {"schema": 1, "environment": "CartpoleBalance", "normalized": {"auprc": auprc, "sparsity": 0.1}}
            result = {"environment": "CartpoleBalance", "final": {"step": scores, "episode": None}, "initial": {}}
            yield Answer(unit, CheckedResult(result))


def test_models_are_trained_on_the_data_set_and_on_its_twin(compared, policies, env, tmp_path):
    dataset, executor = open_dataset(policies[0]["random"]), Canned()
    settings = LearnSettings(layer_width=4, layer_depth=1, batch_size=16, epochs=1, test_split=0.34)
    learning = DerivativeLearning(tmp_path, settings, (0, 1), executor)
    found = learning.extend(compared, dataset, env, 1)
    path = tmp_path / "autodiff" / "CartpoleBalance"
    assert executor.datasets == [str(dataset.path)] * 4 + [str(path)] * 4
    assert [(s.derivative, s.loss, s.seed) for s in found.scores] == [
        (derivative, loss, seed)
        for derivative in ("exact", "autodiff")
        for loss in ("state", "state-jacobian-l1")
        for seed in (0, 1)
    ]
    assert [s.metrics["normalized.auprc"] for s in found.scores] == pytest.approx([0.5, 0.6] * 4)
    assert found.scores[0].metrics["prediction.mse"] is None
    assert learning.is_done(found) and not learning.is_done(compared)
    # Other seeds, or other epochs, are other scores: what is on record would be of something else.
    assert not dataclasses.replace(learning, seeds=(0,)).is_done(found)
    assert not dataclasses.replace(learning, settings=dataclasses.replace(settings, epochs=2)).is_done(found)
    # The twin is what collect makes: everything is as it was but for the Jacobians, which here are equal to round-off.
    twin = open_dataset(path)
    wanted = CollectSettings(ROWS, seed=1, episode_steps=STEPS, derivative="autodiff")
    assert twin.description == describe(env, wanted)
    own, other = twin.load(), dataset.load()
    for name, array in own.items():
        if name.startswith("jac_"):
            assert np.abs(array - other[name]).max() < 1e-12 and not np.array_equal(array, other[name])
        else:
            assert np.array_equal(array, other[name]), name
    # Once more: nothing is trained or computed again.
    assert learning.extend(compared, dataset, env, 1).scores == found.scores and len(executor.datasets) == 8


def test_what_is_not_exact_is_refused(policies, tmp_path, no_worker):
    path = policies[0]["random"]
    dataset = open_dataset(path)
    description = dataclasses.replace(dataset.description, derivative="autodiff")
    with create_dataset(tmp_path / "twin", description) as writer:
        for block in dataset.blocks():
            writer.commit(block.number, block.arrays)
    given = {"rows": 10, "seed": 0, "atol": 1e-15, "workers": 1}
    with pytest.raises(SettingError, match="expected exact Jacobians"):
        compare_derivatives(tmp_path / "twin", "command", **given)
    with pytest.raises(SettingError, match="atol"):
        compare_derivatives(Path(path), "command", **{**given, "atol": 0.0})
