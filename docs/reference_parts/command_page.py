"""The page on the command line: each verb's options, as its dataclass says, and its examples."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from reference_parts.docstring import Docstring, linked, table_cell

from dynsparse.cli import front

__all__ = ["Option", "command_page", "options_of"]


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of a verb.

    Attributes:
        name: ``--rows``, or the word that stands for a positional argument.
        value: What follows it; empty for a flag.
        default: What it is where it is left out; empty where it must be given.
        text: What it means.
        positional: Whether it has no name.
    """

    name: str
    value: str
    default: str
    text: str
    positional: bool


def command_page(head: str, more: Mapping[str, str], links: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        head: What stands before the verbs.
        more: Verb to a sentence that leads on, Markdown.
        links: Name to where it is told.
    """
    exits = Docstring.of(front.main)
    codes = next(section.text for section in exits.sections if section.title == "Returns")
    parts = [head.strip(), f"**Exit code**: {codes.partition(': ')[2]}"]
    for name, verb in front._available().items():
        parts.append(_verb(name, verb, more.get(name, ""), links))
    return "\n\n".join(parts) + "\n"


def _verb(name: str, verb: front.Verb, more: str, links: Mapping[str, str]) -> str:
    module = importlib.import_module(verb.module)
    made = getattr(module, verb.options)
    options = options_of(made)
    words = " ".join(option.value for option in options if option.positional)
    rows = ["| option | default | |", "| --- | --- | --- |"]
    for option in options:
        shown = option.value if option.positional else f"{option.name} {option.value}".strip()
        rows.append(f"| `{table_cell(shown)}` | {table_cell(option.default)} | {table_cell(option.text)} |")
    return "\n\n".join(
        part
        for part in (
            f"## `dynsparse {name}{' ' if words else ''}{words}`",
            Docstring.of(made).markdown(links),
            more,
            "\n".join(rows),
            *_examples(module.EXAMPLES),
        )
        if part
    )


def options_of(made: type) -> list[Option]:
    """Return the options that tyro makes of a dataclass, in their order."""
    hints = typing.get_type_hints(made, include_extras=True)
    texts = _attribute_texts(made)
    found = []
    for field in dataclasses.fields(made):
        hint = hints[field.name]
        marks = getattr(hint, "__metadata__", ())
        positional = any("Positional" in repr(mark) for mark in marks)
        metavar = next((mark.metavar for mark in marks if getattr(mark, "metavar", None)), None)
        kind = typing.get_args(hint)[0] if marks else hint
        value = metavar or _words(kind, field.default)
        given = field.default is not dataclasses.MISSING
        # tyro makes a flag of what is off, and a flag that begins with "no" of what is on.
        ends = field.default is True
        found.append(
            Option(
                name=f"--{'no-' if ends else ''}{field.name.replace('_', '-')}",
                value=value,
                default="off" if ends else _default(field.default) if given else "",
                text=f"{'Leave this out: ' if ends else ''}{linked(texts[field.name], {})}",
                positional=positional,
            )
        )
    return found


def _words(kind: Any, default: object) -> str:
    """Return what stands for a value."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if kind is bool:
        return ""
    if typing.get_origin(kind) is Literal:
        return "|".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        return f"{_words(typing.get_args(kind)[0], None)} [...]"
    return {int: "N", float: "X", str: "TEXT", Path: "PATH"}[kind]


def _default(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float) and 0 < value < 1e-2:
        mantissa, _, exponent = f"{value:e}".partition("e")
        return f"`{float(mantissa):g}e{int(exponent)}`"
    return f"`{value}`"


def _attribute_texts(made: type) -> dict[str, str]:
    """Return the string below each attribute of a class."""
    (body,) = ast.parse(inspect.getsource(made)).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class is one class
    texts = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            texts[ast.unparse(before.target)] = " ".join(str(after.value.value).split())
    return texts


def _examples(text: str) -> list[str]:
    """Return the examples as a block, and what is said below them as a paragraph."""
    commands, _, rest = text.strip().partition("\n\n")
    block = "\n".join(line.strip() for line in commands.splitlines()[1:])
    return [f"```sh\n{block}\n```", " ".join(rest.split())]
