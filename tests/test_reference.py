"""The pages made of docstrings: they are up to date, and hold every public name and every option."""

from __future__ import annotations

import importlib
import re

import pytest
import tyro

import dynsparse
from dynsparse.cli import front

ENTRY = re.compile(r"^### (?:class )?`(\w+)`$", re.MULTILINE)


@pytest.fixture
def reference(checkout):
    return {path.name: path.read_text("utf-8") for path in (checkout / "docs/reference").glob("*.md")}


@pytest.fixture
def parts(checkout, monkeypatch):
    """What the generator is made of; its folder is on the path as when it is run."""
    monkeypatch.syspath_prepend(str(checkout / "docs"))

    def part(name):
        return importlib.import_module(f"reference_parts.{name}")

    return part


@pytest.fixture
def generator(parts):
    return importlib.import_module("generate_reference")


def test_committed_pages_are_what_the_docstrings_say(generator):
    stale = generator.stale(generator.pages())
    assert stale == [], "run python docs/generate_reference.py"


def test_every_public_name_has_its_entry(reference):
    told = set(ENTRY.findall(reference["python-api.md"]))
    errors = set(re.findall(r"^\| `(\w+Error)` \|", reference["errors.md"], re.MULTILINE))
    assert set(dynsparse.__all__) - {"__version__"} == (told & set(dynsparse.__all__)) | errors
    assert not told & errors


def test_every_verb_and_option_is_there(reference, parts):
    sections = dict(re.findall(r"^## `dynsparse ([\w-]+).*?`\n(.*?)(?=^## |\Z)", reference["cli.md"], re.M | re.S))
    assert set(sections) == set(front._available())
    for name, verb in front._available().items():
        made = getattr(importlib.import_module(verb.module), verb.options)
        with pytest.warns(DeprecationWarning, match="get_parser"):
            parser = tyro.extras.get_parser(made, config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff))
        # What tyro takes is the referee of what the generator reads from the dataclass.
        taken = {string for action in parser._actions for string in action.option_strings} - {"-h", "--help"}
        options = parts("command_page").options_of(made)
        assert {option.name for option in options if not option.positional} == taken
        assert all(f"| `{string}" in sections[name] for string in taken)
        assert all(option.text for option in options)


def test_a_docstring_becomes_markdown(parts):
    told = parts("docstring").Docstring.of(
        """Say it.

        First ``x``.  Then ``known``.

        Args:
            x: What it is,
                on two lines, of ``known``.
            *more: The rest.

        Returns:
            (n,) numbers.

        Raises:
            KnownError: If not.
        """
    )
    assert told.markdown({"known": "#known", "KnownError": "errors.md", "x": "#x"}, without=("Returns",)) == (
        "Say it.\n\nFirst [`x`](#x). Then [`known`](#known).\n\n**Args**\n\n"
        "- `x`: What it is, on two lines, of [`known`](#known).\n- `*more`: The rest.\n\n"
        "**Raises**\n\n- [`KnownError`](errors.md): If not."
    )


@pytest.mark.parametrize("text", ["", "Say it.\n\nArgs:\n    no colon here\n", "Say it.\n\nReturns:\n    x\n\nMore.\n"])
def test_a_docstring_that_can_not_be_read_is_refused(parts, text):
    with pytest.raises(ValueError, match="expected"):
        parts("docstring").Docstring.of(text)


def test_a_changed_page_is_seen(generator, tmp_path, monkeypatch):
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    (tmp_path / "a.md").write_text("as it is\n")
    (tmp_path / "b.md").write_text("as it was\n")
    assert generator.stale({"a.md": "as it is\n", "b.md": "as it is\n", "c.md": ""}) == ["b.md", "c.md"]
    assert generator.main(["--other"]) == 2
