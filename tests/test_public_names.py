"""The public names: each resolves, none is resolved before it is used, and type checkers see the same list."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import dynsparse


@pytest.mark.parametrize("name", dynsparse.__all__)
def test_name_is_the_object_that_its_module_defines(name):
    value = getattr(dynsparse, name)
    assert name in dir(dynsparse)
    if name != "__version__":
        assert value is getattr(importlib.import_module(dynsparse._HOME_OF_NAME[name]), name)


def test_type_checkers_see_exactly_the_public_names():
    tree = ast.parse(Path(dynsparse.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {(alias.name, node.module) for node in guarded.body for alias in node.names}
    assert seen == set(dynsparse._HOME_OF_NAME.items())
    assert {name for name, _ in seen} | {"__version__"} == set(dynsparse.__all__)


def test_every_error_class_is_public():
    errors = importlib.import_module("dynsparse.errors")
    assert set(errors.__all__) <= set(dynsparse.__all__)


def test_unknown_name_is_an_attribute_error_that_lists_the_known_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'linearise'; it has .*linearize"):
        dynsparse.linearise  # noqa: B018 - the access is the test


def test_import_resolves_nothing():
    program = "import sys, dynsparse; print(sorted(name for name in sys.modules if name.startswith('dynsparse')))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "['dynsparse']"
