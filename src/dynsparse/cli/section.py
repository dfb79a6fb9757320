"""Section: one measurement of a study beside the counts of zeros, of one environment at a time."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from dynsparse.errors import SettingError

__all__ = ["SECTIONS", "Record", "Section", "plain", "section_named"]


class Record(Protocol):
    """What a section measures: a record that files hold beside the analysis."""

    def save(self, folder: Path) -> object:
        """Write the files."""


@dataclass(frozen=True)
class Section:
    """One measurement, and where its record lies.

    Attributes:
        name: What the command line calls it.
        title: What it answers.
        function: ``"module:function"`` that measures it, imported in the process that does:
            ``function(path, command, *, seed, atol, workers, on_phase, on_rows, ...) -> Record``.
        stem: Name of the record's files without suffix.
        fields: Folders of the study that it reads or writes beside the data set, by the name of the argument.
    """

    name: str
    title: str
    function: str
    stem: str
    fields: Mapping[str, str]

    def is_measured(self, folder: Path) -> bool:
        """Whether its record lies in a folder."""
        return (folder / f"{self.stem}.json").exists()

    def load_function(self) -> Callable[..., Record]:
        """Import the function that measures it."""
        module, _, name = self.function.partition(":")
        return cast(Callable[..., Record], getattr(importlib.import_module(module), name))


def _section(name: str, title: str, function: str, stem: str, **fields: str) -> Section:
    return Section(name, title, f"dynsparse.cli.{function}", stem, fields)


SECTIONS: tuple[Section, ...] = (
    _section("pictures", "What it looks like", "picture_measurement:picture_dataset", "picture"),
    _section("embedding", "Sparsity over the states", "embedding_measurement:embed_dataset", "embedding"),
    _section("causes", "Why is it zero?", "explanation:explain_dataset", "causes"),
    _section(
        "derivatives",
        "What changes when the derivative is right",
        "derivative_comparison:compare_derivatives",
        "derivatives",
    ),
    _section("policies", "What changes with the data", "policy_comparison:compare_policies", "policies", folder="."),
    _section("horizon", "What changes with time", "horizon_measurement:measure_horizon", "horizon"),
)
"""In the order in which a report shows them."""


def section_named(name: str) -> Section:
    """Return a section by its name.

    Raises:
        SettingError: There is none.
    """
    found = {section.name: section for section in SECTIONS}
    if name not in found:
        raise SettingError(f"there is no section {name!r}; there are {', '.join(found)}")
    return found[name]


def plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as a unit's JSON values hand them on: lists become tuples again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}
