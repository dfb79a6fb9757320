"""FILE.py:NAME on the command line: an environment of the user's own from beginning to end, and broken files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dynsparse.cli import main
from dynsparse.cli.environment_file import is_environment_file, load_environment_file
from dynsparse.errors import FunctionError, UnknownEnvironmentError

PENDULUM = """\
import jax.numpy as jnp

import dynsparse
from sibling import GRAVITY


def step(state, action):
    velocity = state[1] + 0.05 * (action[0] - GRAVITY * jnp.sin(state[0]))
    return jnp.stack([state[0] + 0.05 * velocity, velocity])


def make(name="Pendulum"):
    return dynsparse.environment_from_function(
        name, step, state_names=("angle", "velocity"), action_names=("torque",), action_low=(-2.0,),
        action_high=(2.0,), dt=0.05, initial_state=(0.3, 0.0),
    )


pendulum = make()
number = 3
if __name__ == "__main__":
    raise AssertionError("it is imported, not run")
"""


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def folder(own_folder: Path) -> Path:
    (own_folder / "own").mkdir()
    (own_folder / "own" / "pendulum.py").write_text(PENDULUM)
    (own_folder / "own" / "sibling.py").write_text("GRAVITY = 9.81\n")
    return own_folder / "own"


def test_the_whole_way(folder, capsys):
    entry = "own/pendulum.py:pendulum"
    assert run("audit", entry, "--rows", 30, "--workers", 1) == 0
    assert "exact: off on none of" in capsys.readouterr().out
    assert run("collect", entry, "--rows", 300, "--episode-steps", 60, "--out", "data", "--workers", 1) == 0
    assert "300 rows (300 new" in capsys.readouterr().out
    assert run("verify", "data", "--recompute", 50, "--env", entry, "--workers", 1) == 0
    assert "50 of 50 rows are equal bit for bit" in capsys.readouterr().out
    assert run("audit", "data", "--env", entry, "--rows", 30, "--json", "audit.json", "--workers", 1) == 0
    assert json.loads(Path("audit.json").read_text())["environments"][0]["environment"] == "Pendulum"
    assert run("analyze", "data", "--out", "out", "--audit", "audit.json") == 0
    assert "0 of 4 state elements and 0 of 2 action elements are zero" in capsys.readouterr().out
    assert run("report", "out", "--out", "page.html") == 0
    assert "Pendulum" in Path("page.html").read_text()
    # What was collected is told from another function of the same name, and from no function at all.
    (folder / "sibling.py").write_text("GRAVITY = 9.82\n")
    sys.modules.pop("sibling")
    assert run("verify", "data", "--recompute", 5, "--env", entry) == 1
    assert "data was made with another function, start, reward, bounds or names than" in capsys.readouterr().err
    assert run("verify", "data", "--recompute", 5) == 1
    assert "say where it is with --env FILE.py:NAME" in capsys.readouterr().err
    assert run("verify", "data", "--recompute", 5, "--env", "CartpoleBalance") == 1
    assert "data is of Pendulum, and --env CartpoleBalance is CartpoleBalance" in capsys.readouterr().err
    sys.modules.pop("sibling")


def test_function_that_returns_one_will_do(folder):
    assert load_environment_file("own/pendulum.py:make").name == "Pendulum"
    assert str(folder) not in sys.path


def test_forms():
    assert is_environment_file("a.py:b") and is_environment_file("x/a.py:b") and is_environment_file("a.py")
    assert is_environment_file("a.py:")
    assert not any(is_environment_file(entry) for entry in ("CheetahRun", "all", "a.xml", "data/a.python"))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("own/absent.py:x", "there is no file own/absent.py"),
        ("own/pendulum.py", "expected FILE.py:NAME with the name of an environment"),
        ("own/pendulum.py:", "expected FILE.py:NAME with the name of an environment"),
        ("own/pendulum.py:absent", "nothing in own/pendulum.py is called 'absent'; it has step, make, pendulum"),
        ("own/sibling.py:x", "nothing in own/sibling.py is called 'x', nor any environment"),
        ("own:x", "no environment is called 'own:x'"),
    ],
)
@pytest.mark.usefixtures("folder", "no_worker")
def test_what_is_not_there_is_named(entry, told, capsys):
    assert run("collect", entry, "--rows", 10, "--out", "data") == 2
    assert told in capsys.readouterr().err
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 3\n", "expected x in own/broken.py to be an environment or a function that returns one, got int"),
        ("def x():\n    return 3\n", "expected x in own/broken.py to be an environment or a function that returns"),
        ("y = 1\n\nx = y / 0\n", "own/broken.py, line 3 raised ZeroDivisionError: division by zero; run python"),
        ("import json\n\njson.loads('{')\n", "own/broken.py, line 3 raised JSONDecodeError"),
        ("x = (\n", "own/broken.py, line 1 raised SyntaxError"),
        ("import absent_module\n", "own/broken.py, line 1 raised ModuleNotFoundError: No module named 'absent_module'"),
        ("import sys\nsys.exit(3)\n", "own/broken.py, line 2 raised SystemExit: 3"),
        ("def x():\n    y = 1\n    return y.z\n", "x() in own/broken.py, line 3 raised AttributeError"),
        ("def x(y):\n    pass\n", "x() in own/broken.py raised TypeError"),
        (
            "import dynsparse\nx = dynsparse.environment_from_function('P', lambda s, a: s[:1], state_names=['a', 'b'],"
            " action_names=['u'], dt=1.0, initial_state=[0, 0])\n",
            "P: step must return one array of shape (2,)",
        ),
    ],
)
def test_broken_file_says_where(folder, text, told, capsys):
    (folder / "broken.py").write_text(text)
    assert run("audit", "own/broken.py:x") == 2
    error = capsys.readouterr().err
    assert told in error and "Traceback" not in error


def test_two_of_one_name_are_refused(folder, capsys):
    assert run("audit", "own/pendulum.py:pendulum", "own/pendulum.py:make") == 2
    assert "expected environments of different names" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_option_without_use_is_refused(capsys):
    assert run("audit", "own/pendulum.py:pendulum", "--env", "own/pendulum.py:pendulum") == 2
    assert "got no data set" in capsys.readouterr().err
    assert run("verify", "data", "--env", "own/pendulum.py:pendulum") == 2
    assert "got no --recompute" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_reference_of_a_function_is_refused(no_worker, capsys):
    assert run("audit", "own/pendulum.py:pendulum", "--reference") == 2
    assert "whose exact derivative is plain autodiff: there is no reference" in capsys.readouterr().err


def test_errors_are_of_their_kind(folder):
    with pytest.raises(UnknownEnvironmentError):
        load_environment_file("own/absent.py:x")
    (folder / "broken.py").write_text("x = 1\n")
    with pytest.raises(FunctionError):
        load_environment_file("own/broken.py:x")
