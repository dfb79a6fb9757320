"""Embedding and picture of a data set, measured on CartpoleBalance; and where nothing can draw."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.files import hash_arrays
from dynsparse.cli import main
from dynsparse.cli.embedding_measurement import embed_dataset
from dynsparse.cli.picture_measurement import picture_dataset
from dynsparse.dataset import open_dataset
from dynsparse.errors import ArrayError, SettingError
from dynsparse.physics.environment import load_environment
from dynsparse.physics.renderer import Renderer

SMALL = {"width": 64, "height": 48}
ROWS, STEPS = 120, 30


@pytest.fixture(scope="module")
def stored(tmp_path_factory, shared_cache):
    path = tmp_path_factory.mktemp("stored") / "cartpole"
    words = ["collect", "CartpoleBalance", "--rows", ROWS, "--episode-steps", STEPS, "--out", path, "--workers", 1]
    assert main([str(word) for word in words]) == 0
    return path


ASKED = {"points": 50, "fitted": 40, "perplexity": 5, "seed": 2, **SMALL}


def test_rows_have_places_and_the_moments_of_the_strip_frames(stored, own_folder, monkeypatch):
    phases, counted = [], []
    record = embed_dataset(stored, "a test", **ASKED, on_phase=phases.append, on_rows=counted.append)
    assert phases == ["count", "embed", "judge", "draw"] and counted[0] == ROWS and counted[-1] == len(record.rows)
    data = open_dataset(stored).load(["episode", "t", "jac_state", "jac_action"])
    # The first episode and the strip have places in any case.
    assert set(range(STEPS)) <= set(record.rows.tolist()) and 50 <= len(record.rows) <= 50 + STEPS + 6
    assert record.fitted.sum() == 40
    for name in ("episode", "t"):
        np.testing.assert_array_equal(getattr(record, name), data[name][record.rows])
    zeros = [(np.abs(data[name]) < 1e-15).sum(axis=(1, 2)) for name in ("jac_state", "jac_action")]
    np.testing.assert_array_equal(record.zeros, (zeros[0] + zeros[1])[record.rows])
    assert (record.elements, record.data_rows, record.dt) == (20, ROWS, 0.01)
    assert record.turning == ("qpos hinge_1",)  # the pole may turn, the slider has limits and is no angle
    assert record.provenance["extra"]["settings"]["fitted"] == 40
    # 6 control steps of 0.01 s are too long for an episode of 30: 5 times 6 of them are 31 rows.
    assert (record.strip.every, np.diff(record.strip.rows).tolist()) == (1, [1] * 5)
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    again = embed_dataset(stored, "a test", **ASKED)
    arrays, others = record.to_arrays(), again.to_arrays()
    frames = arrays.pop("frames"), others.pop("frames")
    assert hash_arrays(arrays) == hash_arrays(others)
    assert not len(frames[1]) and "install EGL" in again.strip.missing
    if not record.strip.drawn_by:
        pytest.skip(f"no OpenGL draws without a screen here: {record.strip.missing}")
    assert frames[0].shape == (6, 48, 64, 3) and record.strip.drawn_by in ("egl", "osmesa")
    assert not record.strip.missing


def test_a_frame_is_that_of_its_row(stored):
    record = picture_dataset(stored, "a test", **SMALL)
    assert (record.row, record.episode, record.t) == (14, 0, 14)  # in the midst of rows 0 to 29
    if record.missing:
        pytest.skip(f"no OpenGL draws without a screen here: {record.missing}")
    state = open_dataset(stored).take([14], ["state"])["state"]
    env = load_environment("CartpoleBalance")
    with Renderer(env, **SMALL) as renderer:
        frame = renderer.frames(state[:, : env.nq], np.zeros((1, 0, 3)), np.zeros((1, 0, 4)))[0]
    np.testing.assert_array_equal(record.frame, frame)


def test_where_nothing_draws_the_record_says_why(stored, own_folder, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    record = picture_dataset(stored, "a test", at=1.0, **SMALL)
    assert not record.frame.size and "nothing can draw without a screen here (nonsense: " in record.missing
    assert record.t == STEPS - 1
    record.save(own_folder)


def test_another_model_is_a_reason_too(stored, monkeypatch):
    monkeypatch.setattr("dynsparse.physics.environment.Environment.fingerprint", "another")
    record = picture_dataset(stored, "a test", **SMALL)
    assert "was made with another model of CartpoleBalance" in record.missing


def test_too_few_rows_and_wrong_numbers_are_refused(stored):
    for changes in ({"points": 5}, {"fitted": 0}):
        with pytest.raises(SettingError, match=f"{next(iter(changes))} must be a whole number of at least 10"):
            embed_dataset(stored, "a test", **changes)
    with pytest.raises(SettingError, match="CartpoleBalance has no camera 'fixd'"):
        picture_dataset(stored, "a test", camera="fixd", **SMALL)


def test_rows_that_are_not_finite_have_no_place(stored, monkeypatch):
    from dynsparse.cli import embedding_measurement
    from dynsparse.cli.embedding_measurement import _count

    def broken(dataset, atol, on_rows):
        known = _count(dataset, atol, on_rows)
        known.finite[5:] = False
        return known

    monkeypatch.setattr(embedding_measurement, "_count", broken)
    with pytest.raises(ArrayError, match=r"expected at least 10 finite rows in .*, got 5; collect more"):
        embed_dataset(stored, "a test")
