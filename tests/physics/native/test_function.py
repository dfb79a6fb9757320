"""Functions of a row over many: rows stand alone, turns follow on one another, machine code is kept and checked."""

from __future__ import annotations

import os

import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.physics.batch import Compilation
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.native import function as functions
from dynsparse.physics.native.function import RowFunction


def pendulum(position, velocity, force):
    """One step of a pendulum, and its energy."""
    velocity = velocity + 0.1 * (force - jnp.sin(position))
    position = position + 0.1 * velocity
    return position, velocity, 0.5 * velocity**2 - jnp.cos(position)


def untraceable(position, velocity, force):
    position, velocity, energy = pendulum(position, velocity, force)
    return position, velocity, energy + jnp.fft.fft(position).real * 0.0


def made(function=pendulum, compilation=None):
    return RowFunction(function, "pendulum", tuple, rows=4, compilation=compilation, fed=((0, 0), (1, 1)), driven=2)


def start(rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 2)), rng.normal(size=(rows, 2))


def force(*shape):
    return np.random.default_rng(1).normal(size=(*shape, 2))


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 16, 21])
def test_a_row_is_the_same_alone_and_among_others(rows):
    position, velocity = start(rows)
    run = made()
    with float64_on_cpu():
        together = run(position, velocity, force(rows))
        alone = [run(position[i : i + 1], velocity[i : i + 1], force(rows)[i : i + 1]) for i in range(rows)]
        wanted = pendulum(position, velocity, force(rows))
    for k, part in enumerate(together):
        np.testing.assert_array_equal(part, np.concatenate([one[k] for one in alone]))
        np.testing.assert_allclose(part, wanted[k], rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("function", [pendulum, untraceable])
@pytest.mark.parametrize("rows", [3, 11])
def test_turns_are_single_calls_one_after_the_other_bit_for_bit(function, rows):
    position, velocity = start(rows)
    given = force(rows, 5)
    with float64_on_cpu():
        run = made(function)
        found = run.repeat(position, velocity, given)
        for turn in range(5):
            position, velocity, energy = run(position, velocity, given[:, turn])
            for part, one in zip(found, (position, velocity, energy), strict=True):
                np.testing.assert_array_equal(part[:, turn], one)
    assert run.is_native is (function is pendulum)


def test_a_row_that_is_not_finite_spoils_no_other():
    position, velocity = start(11)
    with float64_on_cpu():
        clean = made()(position, velocity, force(11))
        position[4] = np.nan
        spoilt = made()(position, velocity, force(11))
    for before, after in zip(clean, spoilt, strict=True):
        np.testing.assert_array_equal(np.delete(before, 4, axis=0), np.delete(after, 4, axis=0))
    assert np.isnan(spoilt[0][4]).all()


def test_no_rows_are_no_rows():
    with float64_on_cpu():
        found = made()(*start(0), force(0))
    assert [part.shape for part in found] == [(0, 2)] * 3


def test_what_has_no_turns_says_so():
    run = RowFunction(pendulum, "pendulum", tuple, rows=4)
    with pytest.raises(TypeError, match="pendulum has no argument"):
        run.repeat(*start(2), force(2, 3))


class TestKeptCode:
    """Machine code is read again by the next process, and built again where it is not what was kept."""

    @pytest.fixture
    def compilation(self, tmp_path):
        return Compilation(cache=str(tmp_path), fingerprint="model")

    @pytest.fixture
    def builds(self, monkeypatch):
        built = []
        build = functions.build
        monkeypatch.setattr(functions, "build", lambda text: built.append(text) or build(text))
        return built

    def run(self, compilation, function=pendulum):
        with float64_on_cpu():
            return made(function, compilation)(*start(5), force(5))

    def test_it_is_built_once(self, compilation, builds, tmp_path):
        first = self.run(compilation)
        second = self.run(compilation)
        assert len(builds) == 1 and len(list(tmp_path.glob("native/*"))) == 1
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_other_models_and_names_have_their_own(self, compilation, builds, tmp_path):
        self.run(compilation)
        self.run(Compilation(cache=str(tmp_path), fingerprint="other"))
        assert len(builds) == 2

    @pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "foreign"])
    def test_a_damaged_file_is_built_again(self, compilation, builds, tmp_path, damage):
        first = self.run(compilation)
        (file,) = tmp_path.glob("native/*")
        whole = file.read_bytes()
        place = len(whole) // 2
        file.write_bytes(
            {
                "truncated": whole[:-7],
                "flipped": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
                "emptied": b"",
                "foreign": b"something\nelse\naltogether",
            }[damage]
        )
        second = self.run(compilation)
        assert len(builds) == 2 and file.read_bytes() == whole
        np.testing.assert_array_equal(first[0], second[0])

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_can_not_be_written_costs_time_alone(self, compilation, tmp_path):
        tmp_path.chmod(0o500)
        self.run(compilation)
        assert not list(tmp_path.iterdir())

    def test_a_full_disk_costs_time_alone(self, compilation, tmp_path, monkeypatch):
        def full(*_arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(functions, "store", full)
        self.run(compilation)
