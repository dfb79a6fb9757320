"""Kept machine code: read again by the next process, built again where it is not what was kept or not one's own."""

from __future__ import annotations

import os
from pathlib import Path

import jax
import numpy as np
import pytest

from dynsparse.errors import PrecisionError
from dynsparse.physics import batches
from dynsparse.physics.batch import Compilation
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.native import function as functions
from dynsparse.physics.native import machine_code

from .test_function import force, made, pendulum, start


@pytest.fixture
def compilation(tmp_path):
    return Compilation(cache=str(tmp_path), fingerprint="model")


@pytest.fixture
def builds(monkeypatch):
    built = []
    build = functions.build
    monkeypatch.setattr(functions, "build", lambda text: built.append(text) or build(text))
    return built


def run(compilation, **settings):
    with float64_on_cpu():
        return made(pendulum, compilation, **settings)(*start(5), force(5))


def test_it_is_built_once(compilation, builds, tmp_path):
    first = run(compilation)
    second = run(compilation)
    assert len(builds) == 1 and len(list(tmp_path.glob("native/*"))) == 1
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_models_and_names_have_their_own(compilation, builds, tmp_path):
    run(compilation)
    run(Compilation(cache=str(tmp_path), fingerprint="other"))
    assert len(builds) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "foreign", "layout"])
def test_a_damaged_file_is_built_again(compilation, builds, tmp_path, damage):
    first = run(compilation)
    (file,) = tmp_path.glob("native/*")
    whole = file.read_bytes()
    place = len(whole) // 2
    file.write_bytes(
        {
            "truncated": whole[:-7],
            "flipped": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
            "emptied": b"",
            "layout": whole.replace(b'"inputs": [2, 2, 2]', b'"inputs": [2, 2, 1]'),
            "foreign": b"something\nelse\naltogether",
        }[damage]
    )
    assert file.read_bytes() != whole
    second = run(compilation)
    assert len(builds) == 2 and file.read_bytes() == whole
    np.testing.assert_array_equal(first[0], second[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_costs_time_alone(compilation, tmp_path):
    tmp_path.chmod(0o500)
    run(compilation)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_costs_time_alone(compilation, tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(functions, "store", full)
    run(compilation)


def test_other_turns_have_their_own(compilation, builds):
    run(compilation)
    run(compilation, fed=())
    run(compilation, fed=((0, 0),))
    run(compilation, fed=(), driven=None)
    assert len(builds) == 4


def test_code_for_other_inputs_is_not_loaded(compilation, tmp_path):
    run(compilation)
    (file,) = tmp_path.glob("native/*")
    assert machine_code.load(file, [2, 2, 2]) is not None
    assert machine_code.load(file, [2, 2, 1]) is None
    assert machine_code.load(file, [2, 2]) is None


def test_code_that_can_not_be_linked_is_built_again(compilation, builds, tmp_path):
    run(compilation)
    (file,) = tmp_path.glob("native/*")
    machine_code.store(file, b"no object file", machine_code.Layout([2, 2, 2], 1, [[2]], ["float64"]))
    run(compilation)
    assert len(builds) == 2


def test_float32_leaves_nothing_behind(compilation, builds, tmp_path):
    with jax.enable_x64(False), pytest.raises(PrecisionError):
        made(pendulum, compilation)(*start(5), force(5))
    assert not builds and not list(tmp_path.glob("native/*"))


def give_away(path, monkeypatch):
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)


class TestOthers:
    """Code that another user could have written is neither run nor added to."""

    @pytest.mark.parametrize("what", ["file", "folder"])
    @pytest.mark.parametrize("way", ["theirs", "group", "world"])
    def test_it_is_built_and_not_kept(self, compilation, builds, tmp_path, monkeypatch, what, way):
        first = run(compilation)
        (file,) = tmp_path.glob("native/*")
        whole, path = file.read_bytes(), file if what == "file" else file.parent
        if way == "theirs":
            give_away(path, monkeypatch)
        else:
            path.chmod(path.stat().st_mode | (0o020 if way == "group" else 0o002))
        file_before = file.stat()
        second = run(compilation)
        assert len(builds) == 2 and file.read_bytes() == whole
        if what == "folder":
            assert file.stat().st_ino == file_before.st_ino
        np.testing.assert_array_equal(first[0], second[0])

    def test_the_folder_is_closed_to_others(self, compilation, tmp_path):
        run(compilation)
        (file,) = tmp_path.glob("native/*")
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert not file.stat().st_mode & 0o077

    def test_their_lock_costs_no_more_than_the_turn(self, tmp_path, monkeypatch):
        def refused(*_arguments):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refused)
        with batches._turn(tmp_path / "a.lock"):
            pass

    def test_no_error_of_a_compilation_is_lost(self, tmp_path):
        with pytest.raises(OSError, match="of the compilation"), batches._turn(tmp_path / "a.lock"):
            raise OSError("of the compilation")
