"""The policy file: what is written is read, the same content gives the same bytes, and whatever is wrong is named."""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from dynsparse.errors import OutputError, OutputExistsError, PolicyError
from dynsparse.rollout.network import NetworkPolicy
from dynsparse.rollout.policy_file import load_policy, read_weights, save_policy
from dynsparse.rollout.policy_weights import PolicyWeights


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


TANH = PolicyWeights(
    name="walker 1",
    environment="Toy",
    family="tanh-normal",
    activation="swish",
    layers=((draw(3, 5), draw(5)), (draw(5, 4), draw(4))),
    mean=draw(3),
    std=np.array([1, 2, 3], np.float32),
    observation_clip=0.1,
    min_std=1 / 3,
    action_scaling="range",
    notes={"return": "812.5", "training_steps": "5000000", "author": "M\u00fcller"},
)
CLIP = PolicyWeights(
    "k", "Toy", "gaussian-clip", "elu", ((np.asfortranarray(draw(3, 2)), draw(2)),), log_std=draw(2, 1)[:, 0]
)
TENSORS = TANH.tensors()
METADATA = {
    "format": "dynsparse-policy",
    "version": "1",
    "name": "n",
    "environment": "Toy",
    "family": "tanh-normal",
    "activation": "swish",
    "layer_sizes": "3 5 4",
}


def load(path="p.safetensors", *, observation_dim=3):
    return load_policy(path, action_low=-np.ones(2), action_high=np.ones(2), observation_dim=observation_dim)


@pytest.mark.parametrize("weights", [TANH, CLIP], ids=["tanh-normal", "gaussian-clip"])
def test_what_is_written_is_read(weights):
    read = read_weights(save_policy("p.safetensors", weights))
    for name in ("name", "environment", "family", "activation", "min_std", "action_scaling", "observation_clip"):
        assert getattr(read, name) == getattr(weights, name)
    assert dict(read.notes) == dict(weights.notes)
    assert read.tensors().keys() == weights.tensors().keys()
    for name, tensor in weights.tensors().items():
        np.testing.assert_array_equal(read.tensors()[name], tensor)
    assert read.fingerprint == weights.fingerprint


def test_a_loaded_policy_acts_like_the_one_that_was_saved():
    save_policy("p.safetensors", TANH)
    observation, noise = draw(6, 3), draw(6, 2)
    loaded, kept = load(), NetworkPolicy(TANH, -np.ones(2), np.ones(2), 3)
    for found, expected in zip(loaded.act(observation, noise), kept.act(observation, noise), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (loaded.name, loaded.family, loaded.observation_dim, loaded.action_dim) == ("walker 1", "tanh-normal", 3, 2)
    assert loaded.fingerprint == TANH.fingerprint


def test_safetensors_itself_reads_the_file():
    save_policy("p.safetensors", TANH)
    with safe_open("p.safetensors", framework="numpy") as file:
        assert file.metadata()["layer_sizes"] == "3 5 4"
        assert file.metadata()["return"] == "812.5"
        np.testing.assert_array_equal(file.get_tensor("layer_0/kernel"), TANH.layers[0][0])


def test_the_same_weights_are_the_same_bytes():
    # safetensors alone writes metadata in another order every time.
    written = {save_policy(f"{i}.safetensors", TANH).read_bytes() for i in range(8)}
    assert len(written) == 1
    content = written.pop()
    assert (8 + int.from_bytes(content[:8], "little")) % 8 == 0


def test_nothing_is_overwritten_or_left_behind(tmp_path):
    save_policy("p.safetensors", TANH)
    with pytest.raises(OutputExistsError, match=r"p\.safetensors is there already"):
        save_policy("p.safetensors", CLIP)
    assert read_weights("p.safetensors").name == "walker 1"
    save_policy("p.safetensors", CLIP, overwrite=True)
    assert read_weights("p.safetensors").name == "k"
    with pytest.raises(OutputError, match=r"gone/p.safetensors.*No such file"):
        save_policy("gone/p.safetensors", TANH)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder"):
        save_policy("folder", TANH, overwrite=True)
    assert sorted(os.listdir()) == ["folder", "p.safetensors"]


def test_a_note_can_not_pass_for_a_field():
    with pytest.raises(PolicyError, match="notes must not be called family"):
        save_policy("p.safetensors", dataclasses.replace(TANH, notes={"family": "x"}))


def test_a_file_made_by_hand_needs_no_more_than_the_required_fields():
    save_file(TENSORS, "p.safetensors", metadata=METADATA)
    read = read_weights("p.safetensors")
    assert (read.min_std, read.action_scaling, read.observation_clip) == (0.001, "none", None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": None}, "format = 'dynsparse-policy', got None"),
        ({"format": "other"}, "got 'other'; write the file with save_policy"),
        ({"version": "2"}, "expected version 1 of the format, got '2'"),
        ({"name": None, "family": None}, "name, family missing"),
        ({"family": "tanh-norml"}, "did you mean 'tanh-normal'"),
        ({"activation": "gelu"}, "activation must be one of"),
        ({"layer_sizes": "3 5 5 4"}, "sizes '3 5 5 4' as its metadata say, got '3 5 4'"),
        ({"min_std": "small"}, "min_std to be a number, got 'small'"),
        ({"observation_clip": "nan"}, "observation_clip must be a finite number"),
        ({"action_scaling": "tanh"}, "action_scaling must be one of"),
    ],
)
def test_wrong_metadata_is_named_with_the_file(changed, message):
    metadata = {key: value for key, value in {**METADATA, **changed}.items() if value is not None}
    save_file(TENSORS, "p.safetensors", metadata=metadata)
    with pytest.raises(PolicyError, match=rf"^p\.safetensors: .*{message}"):
        load()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"layer_1/bias": None}, "missing: layer_1/bias, unknown: none"),
        ({"layer_0/kernel": None, "layer_0/bias": None}, "missing: layer_0/kernel"),
        (
            {"layer_1/kernel": None, "layer_1/bias": None, "layer_0/kernel": draw(3, 4), "layer_0/bias": draw(4)},
            "sizes '3 5 4' as its metadata say, got '3 4'; is a layer missing",
        ),
        ({"layer_0/weight": draw(2)}, "unknown: layer_0/weight; did you mean"),
        ({"normalizer/std": None}, "come together"),
        ({"normalizer/mean": draw(4)}, r"normalizer/mean of shape \(3,\), got \(4,\)"),
        ({"layer_0/kernel": draw(5, 3)}, r"layer_0/bias of shape \(3,\), got \(5,\)"),
        ({"layer_1/kernel": draw(4, 5)}, r"layer_1/kernel of shape \(5, out\), got \(4, 5\); is it transposed"),
        ({"layer_0/bias": draw(5).astype(np.float64)}, "layer_0/bias must be float32, got float64"),
        ({"layer_0/bias": np.full(5, np.nan, np.float32)}, "layer_0/bias holds 5 NaN"),
    ],
)
def test_wrong_tensors_are_named_with_the_file(changed, message):
    tensors = {name: tensor for name, tensor in {**TENSORS, **changed}.items() if tensor is not None}
    save_file(tensors, "p.safetensors", metadata=METADATA)
    with pytest.raises(PolicyError, match=rf"^p\.safetensors: .*{message}"):
        load()


def test_a_policy_of_another_shape_is_refused_with_file_and_both_shapes():
    save_policy("p.safetensors", TANH)
    with pytest.raises(PolicyError, match=r"^p\.safetensors: .*17 observations and 2 actions, got one of 3 and 2"):
        load(observation_dim=17)


def test_what_is_no_safetensors_file_is_refused(tmp_path):
    whole = save_policy("whole.safetensors", TANH).read_bytes()
    (tmp_path / "folder").mkdir()
    for name, content in {
        "empty": b"",
        "short": whole[:5],
        "text": b"not a policy at all, but a text that is long enough",
        "no numbers": whole[:-7],
        "half a header": whole[:60],
        "too much": whole + b"\0" * 8,
        "list": (8).to_bytes(8, "little") + b"[1,2,3] ",
    }.items():
        (tmp_path / name).write_bytes(content)
    for name in ("empty", "short", "text", "no numbers", "half a header", "too much", "list", "folder", "gone"):
        with pytest.raises(PolicyError, match=f"can not read {name}: "):
            load(name)


def test_types_that_numpy_lacks_are_refused(tmp_path):
    header = json.dumps({"layer_0/bias": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "p").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(PolicyError, match="float32 tensors, can not read p: "):
        load("p")


def test_any_truncation_is_found(tmp_path):
    whole = save_policy("whole.safetensors", TANH).read_bytes()
    for length in range(0, len(whole), 13):
        (tmp_path / "p").write_bytes(whole[:length])
        with pytest.raises(PolicyError, match="can not read p: "):
            load("p")


def test_a_flipped_bit_is_refused_or_seen_in_the_fingerprint_or_text(tmp_path):
    # The format has no hash of its own: the fingerprint, which a data set records, tells weights apart.
    whole = save_policy("whole.safetensors", TANH).read_bytes()
    sound = read_weights("whole.safetensors")
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.permutation(len(whole))[:300]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        (tmp_path / "p").write_bytes(bytes(damaged))
        try:
            read = read_weights("p")
        except PolicyError:
            refused += 1
            continue
        text = (read.name, read.environment, dict(read.notes))
        assert read.fingerprint != sound.fingerprint or text != (sound.name, sound.environment, dict(sound.notes))
    assert 50 < refused < 300
