"""Section: one measurement of a study beside the counts of zeros, of one environment at a time."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from dynsparse.analysis import files
from dynsparse.analysis.zeros import at_least_above_round_off
from dynsparse.errors import InputError, SettingError
from dynsparse.provenance import DECIDING_PACKAGES, package_versions

__all__ = ["DECIDED", "SECTIONS", "Record", "Section", "decided_by", "plain", "section_named"]

DECIDED = "section"
"""Entry of a record's provenance that says what decided its numbers."""
_DECIDING = ("dataset", "sizes", "seed", "atol")


class Record(Protocol):
    """What a section measures: a frozen dataclass that files hold beside the analysis."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Settings, seeds and versions that made it."""

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
        packages: Packages that decide its numbers beside those that decide everything.
        above_round_off: Whether zeros are counted above round-off where the study counts below it: what it compares is
            no number that the paper prints, and round-off is no difference.
    """

    name: str
    title: str
    function: str
    stem: str
    fields: Mapping[str, str]
    packages: tuple[str, ...] = ()
    above_round_off: bool = False

    def atol(self, chosen: float) -> float:
        """Return the threshold that it counts zeros at.

        Args:
            chosen: The study's.
        """
        return at_least_above_round_off(chosen) if self.above_round_off else chosen

    @property
    def versions(self) -> dict[str, str | None]:
        """Versions of the packages that decide its numbers."""
        return package_versions((*DECIDING_PACKAGES, *self.packages))

    def is_there(self, folder: Path) -> bool:
        """Whether a record lies in a folder, of whatever."""
        return files.holds_analysis(folder, self.stem)

    def lacks(self, folder: Path, decided: Mapping[str, Any]) -> str:
        """Say why its record has to be measured, or measured again.

        Args:
            folder: Where the record lies.
            decided: What decides the numbers; see ``decided_by``.  What is not in it is not asked.

        Returns:
            The reason in words; empty where the record is whole and of exactly this.
        """
        if not self.is_there(folder):
            return "there is no record"
        try:
            found, _ = files.read(folder, self.stem)
            before = found["provenance"]["extra"].get(DECIDED)
        except (InputError, KeyError, TypeError, AttributeError):
            return "its record is damaged"
        if not isinstance(before, dict):
            return "its record does not say what it was measured with"
        parts = [
            f"{name} was {_told(before.get(name))} and is {_told(wanted)}"
            for name, wanted in json.loads(json.dumps(dict(decided))).items()
            if before.get(name) != wanted
        ]
        return ", ".join(parts)

    def load_function(self) -> Callable[..., Record]:
        """Import the function that measures it."""
        module, _, name = self.function.partition(":")
        return cast(Callable[..., Record], getattr(importlib.import_module(module), name))


def decided_by(section: Section, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides a section's numbers, as its record keeps it.

    Args:
        section: Which.
        arguments: Of its unit: ``dataset``, ``sizes``, ``seed`` and ``atol``.
    """
    return {name: arguments[name] for name in _DECIDING} | {"versions": section.versions}


def _told(value: Any) -> str:
    """Say what a value is, shortly: of a hash its first digits."""
    if isinstance(value, dict):
        return " ".join(f"{name} {_told(part)}" for name, part in value.items()) or "nothing"
    text = "missing" if value is None else str(value)
    return text if len(text) < 64 else text[:12]


def _section(
    name: str,
    title: str,
    function: str,
    stem: str,
    packages: tuple[str, ...] = (),
    *,
    above_round_off: bool = False,
    **fields: str,
) -> Section:
    return Section(name, title, f"dynsparse.cli.{function}", stem, fields, packages, above_round_off)


SECTIONS: tuple[Section, ...] = (
    _section("pictures", "What it looks like", "picture_measurement:picture_dataset", "picture"),
    _section(
        "embedding",
        "Sparsity over the states",
        "embedding_measurement:embed_dataset",
        "embedding",
        ("openTSNE", "scikit-learn"),
    ),
    _section("causes", "Why is it zero?", "explanation:explain_dataset", "causes"),
    _section(
        "derivatives",
        "What changes when the derivative is right",
        "derivative_comparison:compare_derivatives",
        "derivatives",
        above_round_off=True,
    ),
    _section(
        "policies",
        "What changes with the data",
        "policy_comparison:compare_policies",
        "policies",
        above_round_off=True,
        folder=".",
    ),
    _section(
        "horizon", "What changes with time", "horizon_measurement:measure_horizon", "horizon", above_round_off=True
    ),
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
