"""The folder of a training: whole at any moment, refused where it is not what it is taken for."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from dynsparse.dataset.files import PARTIAL, Files
from dynsparse.errors import OutputError, OutputExistsError
from dynsparse.rollout.training.curve import Point, curve_csv
from dynsparse.rollout.training.folder import (
    BEST,
    CURVE,
    FIGURE,
    IDENTITY,
    POLICIES,
    STATE,
    TrainingFolder,
    identity_of,
    refuse_training,
)
from dynsparse.rollout.training.settings import TrainSettings
from dynsparse.workers import Message


def identity(seed=0, rate=3e-4, jax="1.0"):
    settings = TrainSettings(seed=seed, learning_rate=rate).to_dict()
    return identity_of("Toy", "0" * 64, settings, {"jax": jax, "numpy": "2.0"})


def point(steps, mean):
    return Point(steps, steps / 100, mean, mean - 1.5, mean + 1.5, 4, math.nan if steps == 10 else 3.25, 100.0)


def state(steps):
    arrays = {"learner x": np.arange(6.0).reshape(2, 3).T + steps, "fleet age": np.array(steps)}
    return Message("restore", {"rng": f'{{"at": {steps}}}'}, arrays)


POINTS = (point(10, 1.0), point(20, 5.0), point(30, 4.0))


def opened(path, *, resume=False, overwrite=False, which=None):
    folder = TrainingFolder(path, which or identity(), resume=resume, overwrite=overwrite)
    folder.begin()
    return folder


def keep(folder, one):
    folder.keep(one, b"policy %d" % one.steps, state(one.steps))


@pytest.fixture
def run(own_folder):
    """A training of three points."""
    with opened(own_folder / "run") as folder:
        for one in POINTS:
            keep(folder, one)
    return own_folder / "run"


def content(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def assert_state_of_the_last_point(path):
    with opened(path, resume=True) as folder:
        found, expected = folder.state, state(30)
    assert (found.kind, found.meta) == ("restore", expected.meta)
    assert sorted(found.arrays) == sorted(expected.arrays)
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def test_what_was_kept_is_there_again(run):
    with opened(run, resume=True) as folder:
        assert [repr(one) for one in folder.points] == [repr(one) for one in POINTS]
        assert folder.best == POINTS[1]
    assert_state_of_the_last_point(run)
    assert (run / BEST).read_bytes() == b"policy 20"
    assert (run / CURVE).read_bytes() == curve_csv(list(POINTS))
    assert sorted(content(run / POLICIES)) == [f"0000000000{steps}.safetensors" for steps in (10, 20, 30)]
    assert (run / POLICIES / "000000000010.safetensors").read_bytes() == b"policy 10"


@pytest.mark.parametrize("failing", ["000000000020.safetensors", BEST, CURVE, STATE])
def test_a_write_that_fails_at_any_file_loses_no_more_than_its_point(failing, own_folder, run):
    write, stopped = Files.write_whole, own_folder / "stopped"

    def fail(self, path, data):
        if path.name == failing:
            path.with_name(PARTIAL + path.name).write_bytes(data[:3])
            raise OSError(28, "No space left on device")
        write(self, path, data)

    with opened(stopped) as folder:
        keep(folder, POINTS[0])
        with pytest.MonkeyPatch.context() as patch, pytest.raises(OutputError, match=r"No space left.*; make room"):
            patch.setattr(Files, "write_whole", fail)
            keep(folder, POINTS[1])
    with opened(stopped, resume=True) as folder:
        assert [one.steps for one in folder.points] == [10]
        assert folder.state.meta == state(10).meta
        for one in POINTS[1:]:
            keep(folder, one)
    found, whole = content(stopped), content(run)
    # The order of its text is drawn anew for every file.
    assert len(found.pop(STATE)) == len(whole.pop(STATE))
    assert found == whole
    assert_state_of_the_last_point(stopped)


@pytest.mark.parametrize("left", ["notes.txt", PARTIAL + STATE])
def test_overwriting_leaves_nothing_of_the_old_training_and_what_is_not_its_own(left, run):
    (run / FIGURE).write_bytes(b"drawn")
    (run / left).write_bytes(b"abc")
    with opened(run, overwrite=True, which=identity(seed=1)) as folder:
        assert (folder.points, folder.best, folder.state) == ([], None, None)
        keep(folder, POINTS[0])
    (run / left).unlink(missing_ok=True)
    assert sorted(content(run)) == sorted(
        [".lock", CURVE, BEST, f"{POLICIES}/000000000010.safetensors", STATE, IDENTITY]
    )


def test_nothing_is_removed_before_the_training_begins(own_folder, run):
    before = content(own_folder)
    TrainingFolder(run, identity(seed=1), resume=False, overwrite=True).close()
    assert content(own_folder) == before
    TrainingFolder(own_folder / "new", identity(), resume=False, overwrite=False).close()
    assert sorted(content(own_folder / "new")) == [".lock"]


def test_the_figure_lies_beside_the_curve(run):
    with opened(run, resume=True) as folder:
        folder.draw(b"drawn")
    assert (run / FIGURE).read_bytes() == b"drawn"


def test_one_that_was_stopped_before_its_first_point_begins_again(own_folder):
    opened(own_folder / "run").close()
    with opened(own_folder / "run", resume=True) as folder:
        assert (folder.points, folder.best, folder.state) == ([], None, None)
    (own_folder / "earlier" / POLICIES).mkdir(parents=True)
    (own_folder / "earlier" / f"{PARTIAL}{IDENTITY}").write_text("{")
    opened(own_folder / "earlier").close()
    assert (own_folder / "earlier" / IDENTITY).read_bytes() == (own_folder / "run" / IDENTITY).read_bytes()


def test_places_that_are_taken_are_refused_before_anything_is_written(own_folder, run):
    (own_folder / "file").write_text("mine")
    (own_folder / "other").mkdir()
    (own_folder / "other" / "notes.txt").write_text("mine")
    (own_folder / "damaged").mkdir()
    (own_folder / "damaged" / IDENTITY).write_text('{"format": "some')
    before = content(own_folder)
    for name, flags, told in (
        ("file", {}, "expected a folder, .*file is a file"),
        ("file", {"overwrite": True}, "expected a folder"),
        ("other", {}, "other holds something that is no training"),
        ("other", {"resume": True}, "other holds something that is no training"),
        ("other", {"overwrite": True}, "other holds something that is no training"),
        ("damaged", {"resume": True}, "damaged holds something that is no training"),
        ("run", {}, "run holds a training already; go on with it by --resume, replace it by --overwrite"),
        ("run", {"resume": True, "overwrite": True}, "expected --resume or --overwrite, got both"),
    ):
        with pytest.raises(OutputExistsError, match=told):
            opened(own_folder / name, **flags)
        with pytest.raises(OutputExistsError, match=told):
            refuse_training(own_folder / name, **{"resume": False, "overwrite": False} | flags)
    assert content(own_folder) == before
    for place in ("nowhere", "run"):
        refuse_training(own_folder / place, resume=True, overwrite=False)
    assert not (own_folder / "nowhere").exists()


def test_other_settings_are_refused_and_each_is_named(run):
    before = content(run)
    with pytest.raises(OutputExistsError) as caught:
        opened(run, resume=True, which=identity(seed=1, rate=1e-3, jax="1.1"))
    told = str(caught.value)
    for name, there, here in (("seed", 0, 1), ("learning_rate", 3e-4, 1e-3), ("jax", "1.0", "1.1")):
        assert f"{name} (there {there!r}, asked for {here!r})" in told
    assert told.count("(there") == 3
    assert content(run) == before
    opened(run, resume=True).close()  # the one that was refused holds nothing


def test_a_damaged_state_is_refused_with_its_name(run):
    whole = (run / STATE).read_bytes()
    unparsed, unnamed = whole.replace(b"[[10, ", b"[[10; "), whole.replace(b'"points"', b'"pointz"')
    for damaged in (b"", whole[:5], whole[:60], whole[:-3], b"no state at all", unparsed, unnamed):
        assert damaged != whole
        (run / STATE).write_bytes(damaged)
        with pytest.raises(OutputError, match=r"expected .*state\.safetensors to be what a training left"):
            opened(run, resume=True)
    (run / STATE).write_bytes(whole)
    opened(run, resume=True).close()


def test_a_second_writer_is_told_who_holds_the_folder(run):
    with opened(run, resume=True):
        for flags in ({"resume": True}, {"overwrite": True}):
            with pytest.raises(OutputError, match=f"run is being written by process {os.getpid()}; wait for it"):
                opened(run, **flags)
    assert len(content(run / POLICIES)) == 3
    opened(run, resume=True).close()
