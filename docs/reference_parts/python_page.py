"""The page on Python: each public name with its signature and its docstring."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reference_parts.docstring import Docstring, item_list

__all__ = ["Chapter", "anchor", "links_of", "python_page"]

_WIDTH = 110
"""Characters of a signature in one line."""

_TOLD_AT = {"load_environment": "physics.sources.catalog"}
"""Public names that hand on to a function of the same name, which tells all."""


@dataclass(frozen=True)
class Chapter:
    """One chapter of the page.

    Attributes:
        title: Its heading.
        text: What stands before its names, Markdown.
        names: Public names of ``dynsparse``, or ``module:name`` below it, in their order.
    """

    title: str
    text: str
    names: tuple[str, ...]


def python_page(head: str, chapters: Sequence[Chapter], links: Mapping[str, str]) -> str:
    """Return the page."""
    parts = [head]
    for chapter in chapters:
        parts.append(f"## {chapter.title}")
        parts.append(chapter.text)
        parts += [_entry(name, links) for name in chapter.names]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def links_of(chapters: Sequence[Chapter]) -> dict[str, str]:
    """Return the anchor of each name, and of ``Class.attribute`` that of the class."""
    links: dict[str, str] = {}
    for chapter in chapters:
        for name in chapter.names:
            value = _value(name)
            short = name.rpartition(":")[2]
            links[short] = f"#{anchor(_heading(short, value))}"
            if inspect.isclass(value):
                attributes = (*_attributes(value), *_methods(value))
                links |= {f"{short}.{attribute}": links[short] for attribute in attributes}
    return links


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _value(name: str) -> object:
    module, _, short = name.rpartition(":")
    module = _TOLD_AT.get(name, module)
    return getattr(importlib.import_module(f"dynsparse.{module}" if module else "dynsparse"), short)


def _heading(short: str, value: object) -> str:
    return f"class `{short}`" if inspect.isclass(value) else f"`{short}`"


def _entry(name: str, links: Mapping[str, str]) -> str:
    value = _value(name)
    module, _, short = name.rpartition(":")
    parts = [f"### {_heading(short, value)}"]
    if module:
        parts.append(f"from `dynsparse.{module}`")
    if inspect.isclass(value):
        parts += _class(short, value, links)
    elif callable(value):
        parts += [_signature(short, value), Docstring.of(value).markdown(links)]
    else:
        parts.append(f"`{value!r}`" if isinstance(value, str) else ", ".join(f"`{item}`" for item in value))
    return "\n\n".join(parts)


def _class(short: str, value: type, links: Mapping[str, str]) -> list[str]:
    told, attributes, methods = Docstring.of(value), _attributes(value), _methods(value)
    # Its own members come before functions of the same name.
    links = {name: place for name, place in links.items() if name not in attributes and name not in methods}
    made = _signature(short, value) if told.section("Args") or short.endswith("Settings") else ""
    parts = [made, told.markdown(links, without=("Attributes", "Args"))]
    for title, items in (("Args", dict(told.section("Args"))), ("Attributes", attributes)):
        if items:
            parts.append(f"**{title}**\n\n{item_list(items.items(), links)}")
    for name, method in methods.items():
        parts.append(f"#### `{short}.{name}`")
        parts.append(_signature(f"{short}.{name}", method))
        parts.append(Docstring.of(method).markdown(links))
    return [part for part in parts if part]


def _attributes(value: type) -> dict[str, str]:
    """Return attributes and properties with what they mean: those of the docstring first."""
    listed: dict[str, str] = {}
    for owner in _owners(value):
        listed |= dict(Docstring.of(owner).section("Attributes"))
    for owner in _owners(value):
        for name, member in vars(owner).items():
            if name.startswith("_") or not isinstance(member, (property, functools.cached_property)):
                continue
            function = member.fget if isinstance(member, property) else member.func
            told = Docstring.of(function)
            listed.setdefault(name, " ".join(f"{told.summary} {told.text}".split()))
    return listed


def _methods(value: type) -> dict[str, object]:
    """Return public methods in the order of the source."""
    found: dict[str, object] = {}
    for owner in _owners(value):
        for name, member in vars(owner).items():
            if isinstance(member, (classmethod, staticmethod)):
                member = getattr(value, name)
            if not name.startswith("_") and (inspect.isfunction(member) or inspect.ismethod(member)):
                found.setdefault(name, member)
    return found


def _owners(value: type) -> list[type]:
    """Return the class and those of dynsparse that it is made of, its own first."""
    return [owner for owner in value.__mro__ if owner.__module__.startswith("dynsparse.") and owner.__doc__]


def _signature(name: str, value: object) -> str:
    """Return a signature as a block, an argument a line where one line would be too long."""
    signature = inspect.signature(value)  # type: ignore[arg-type] - routines alone come here
    arguments, starred = [], False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            arguments.append("*")
        starred = starred or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        arguments.append(_argument(parameter))
    returned = signature.return_annotation
    end = "" if returned is signature.empty else f" -> {_words(returned)}"
    text = f"{name}({', '.join(arguments)}){end}"
    if len(text) > _WIDTH:
        text = f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + f"){end}"
    return f"```text\n{text}\n```"


def _argument(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = stars + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_words(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        text += f" = {_default(parameter.default)}"
    return text


def _default(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value) if isinstance(value, (int, float, tuple, type(None))) else "..."


def _words(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
