"""The README's commands and code do what it says; that all commands parse, tests/docs looks at."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from dynsparse.cli import main

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL_WORDS = {"make", "dynsparse", "pip"}


@pytest.fixture
def readme(checkout):
    return (checkout / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return [body for found, body in FENCE.findall(text) if found == language]


def commands(text):
    return [shlex.split(line) for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]


def test_there_are_commands_and_all_are_ones_that_are_checked_here(readme):
    found = commands(readme)
    assert {words[0] for words in found} == SHELL_WORDS
    assert ["make", "demo"] in found
    assert ["make", "setup", "&&", "source", ".venv/bin/activate"] in found


def test_the_quick_command_runs(readme, capsys):
    assert ["dynsparse", "envs"] in commands(readme)
    assert main(["envs"]) == 0
    printed = capsys.readouterr().out
    assert "SwimmerSwimmer6" in printed
    assert printed.count("\n") > 8


def test_the_python_lines_print_what_the_readme_shows(readme, own_folder):
    (code,) = blocks(readme, "python")
    (shown,) = blocks(readme, "text")
    assert len([line for line in code.splitlines() if line.strip() and not line.startswith("import")]) == 3
    # A script without a main guard, as a reader would save it.
    (own_folder / "three_lines.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "three_lines.py"], capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown


def test_the_first_screens_show_what_a_new_user_looks_for(readme):
    """In this order: a figure, how to install it, Python with its output, the demo, the page, how to score a model."""
    places = [
        readme.index(words)
        for words in (
            "![",
            "pip install .",
            "```python",
            "```text",
            "make demo",
            "dynsparse explore",
            "dynsparse.score(",
        )
    ]
    assert places == sorted(places)
    assert readme[: places[-1]].count("\n") < 100


def test_the_picture_is_small_enough_for_a_page(checkout):
    picture = checkout / "docs/images/CheetahRun.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 150_000
