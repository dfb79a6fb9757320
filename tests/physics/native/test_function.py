"""Functions of a row over many: rows stand alone, turns follow on one another, what LLVM can not do XLA does."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.errors import ArrayError, PrecisionError
from dynsparse.physics import processes
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.native import function as functions
from dynsparse.physics.native.function import RowFunction
from dynsparse.physics.native.lanes import LANES


def pendulum(position, velocity, force):
    """One step of a pendulum, and its energy."""
    velocity = velocity + 0.1 * (force - jnp.sin(position))
    position = position + 0.1 * velocity
    return position, velocity, 0.5 * velocity**2 - jnp.cos(position)


def untraceable(position, velocity, force):
    position, velocity, energy = pendulum(position, velocity, force)
    return position, velocity, energy + jnp.fft.fft(position).real * 0.0


def made(function=pendulum, compilation=None, fed=((0, 0), (1, 1)), driven=2):
    return RowFunction(function, "pendulum", tuple, rows=4, compilation=compilation, fed=fed, driven=driven)


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


IN_LANES = """
import sys
import numpy as np
from dynsparse.physics.native import lanes
lanes.LANES = {lanes}
from dynsparse.physics.native import emission, machine_code
from tests.physics.native.test_function import float64_on_cpu, force, made, start
assert emission.LANES == machine_code.LANES == {lanes}
with float64_on_cpu():
    run = made()
    found = run.repeat(*start(21), force(21, 3))
assert run.is_native
sys.stdout.buffer.write(b"".join(part.tobytes() for part in found))
"""


def test_bits_do_not_depend_on_how_many_rows_a_vector_has(checkout):
    with float64_on_cpu():
        here = b"".join(part.tobytes() for part in made().repeat(*start(21), force(21, 3)))
    other = IN_LANES.format(lanes=12 - LANES)  # 4 where this processor has 8, 8 where it has 4
    done = subprocess.run([sys.executable, "-c", other], cwd=checkout, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == here


def test_a_row_that_is_not_finite_spoils_no_other():
    position, velocity = start(11)
    with float64_on_cpu():
        clean = made()(position, velocity, force(11))
        position[4] = np.nan
        spoilt = made()(position, velocity, force(11))
    for before, after in zip(clean, spoilt, strict=True):
        np.testing.assert_array_equal(np.delete(before, 4, axis=0), np.delete(after, 4, axis=0))
    assert np.isnan(spoilt[0][4]).all()


@pytest.mark.parametrize("function", [pendulum, untraceable])
def test_no_rows_are_no_rows(function):
    with float64_on_cpu():
        found = made(function)(*start(0), force(0))
        turned = made(function).repeat(*start(0), force(0, 3))
    assert [part.shape for part in found] == [(0, 2)] * 3
    assert [part.shape for part in turned] == [(0, 3, 2)] * 3


@pytest.mark.parametrize("function", [pendulum, untraceable])
def test_no_turns_are_no_turns(function):
    with float64_on_cpu():
        found = made(function).repeat(*start(5), force(5, 0))
    assert [part.shape for part in found] == [(5, 0, 2)] * 3


def test_a_result_without_numbers_is_one():
    with float64_on_cpu():
        run = RowFunction(lambda x: (x[:0], x[:0, None]), "nothing", tuple, rows=4)
        found = run(start(11)[0])
        none = RowFunction(lambda x: (), "none", tuple, rows=4)(start(11)[0])
    assert run.is_native and [part.shape for part in found] == [(11, 0), (11, 0, 1)] and none == ()


def test_rows_of_another_shape_are_refused():
    run = RowFunction(lambda x: (jnp.sin(x),), "sine", tuple, rows=4)
    with float64_on_cpu():
        run(np.ones((3, 8)))
        for shape in [(3, 2, 4), (3, 7), (3, 8, 1)]:
            with pytest.raises(ArrayError, match="sine expected rows of shapes"):
                run(np.ones(shape))


def test_less_than_float64_is_refused():
    run = made()
    with float64_on_cpu(), jax.enable_x64(False), pytest.raises(PrecisionError, match="float32"):
        run(*start(2), force(2))
    with float64_on_cpu():
        assert run(*start(2), force(2))[0].dtype == np.float64


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(f"@llvm.sin.v{LANES}f64", "@no_such_function"),  # can not be linked
        lambda text: text.replace("ret void", "ret nothing"),  # can not be parsed
    ],
)
def test_what_llvm_can_not_do_is_left_to_xla(damage, monkeypatch, capsys):
    monkeypatch.setattr(processes, "_warned", set())
    build = functions.build
    monkeypatch.setattr(functions, "build", lambda text: build(damage(text)))
    with float64_on_cpu():
        run = made()
        found = [run(*start(5), force(5)), made()(*start(5), force(5))]
        wanted = pendulum(*start(5), force(5))
    assert not run.is_native
    for one in found:
        np.testing.assert_allclose(one, wanted, rtol=1e-14, atol=1e-14)
    assert capsys.readouterr().err.count("pendulum is left to XLA") == 1


def test_what_has_no_turns_says_so():
    run = RowFunction(pendulum, "pendulum", tuple, rows=4)
    with pytest.raises(TypeError, match="pendulum has no argument"):
        run.repeat(*start(2), force(2, 3))
