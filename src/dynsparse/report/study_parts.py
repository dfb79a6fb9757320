"""Study parts: the parts of a report that are made of further records beside the analyses, where there are any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dynsparse.analysis import SparsityReport
from dynsparse.report.item import Part
from dynsparse.report.record_check import check_record

__all__ = ["PARTS", "PartSource", "read_parts"]


@dataclass(frozen=True)
class PartSource:
    """Where a part comes from.

    Attributes:
        name: What it is called in ``StudyResults.parts``.
        record: Module and class of its record, ``module:Class``.
        holds: Function of the same module that says whether a folder holds one.
        part: Module and function that makes the part of all records, ``module:function``.
        title: Of the section where it is missing.
        items: What it shows, as the page names it where it is missing.
        options: Those of ``dynsparse reproduce`` that make the record.
    """

    name: str
    record: str
    holds: str
    part: str
    title: str
    items: str
    options: str


def _source(name: str, record: str, holds: str, part: str, title: str, items: str, only: str) -> PartSource:
    module, _, cls = record.partition(":")
    return PartSource(name, f"dynsparse.analysis.{module}:{cls}", holds, f"dynsparse.report.{part}", title, items, only)


PARTS: tuple[PartSource, ...] = (
    _source(
        "pictures", "picture_record:PictureRecord", "holds_picture", "environment_pictures:pictures_part",
        "The environments", "Figure 1", "--only q1",
    ),
    _source(
        "embedding", "embedding_record:EmbeddingRecord", "holds_embedding", "embedding_part:embedding_part",
        "Where sparsity changes", "Figure 4", "--only q2 --embed ENV",
    ),
    _source(
        "derivatives", "derivative_record:DerivativeRecord", "holds_derivatives", "derivative_part:derivative_part",
        "What changes when the derivative is right", "The comparison of derivatives", "--only derivatives",
    ),
    _source(
        "policies", "policy_record:PolicyRecord", "holds_policies", "policy_part:policy_part",
        "What changes with the data", "The comparison of policies", "--only policies",
    ),
    _source(
        "horizon", "horizon_record:HorizonRecord", "holds_horizon", "horizon_part:horizon_part",
        "What changes with time", "Sparsity over a planning horizon", "--only horizon",
    ),
)  # fmt: skip
"""In the order of the page."""


def read_parts(
    folders: Mapping[str, Path],
    reports: Mapping[str, SparsityReport],
    expected: Sequence[str] = (),
    to_make: Callable[[str], str] = lambda _options: "",
) -> dict[str, Part]:
    """Read the records beside analyses, and make the parts that they give.

    Args:
        folders: Folder of each environment's analysis, in the order in which they are shown.
        reports: The analyses.
        expected: Environments that there should be: Figure 1 has a place for each.
        to_make: Returns the command with some options that makes a record again; empty where none does.

    Returns:
        Parts by name; one without any record is left out.

    Raises:
        InputError: If a record is damaged, or of other data than the analysis beside it.
    """
    found = {}
    for source in PARTS:
        records = _records(source, folders)
        for environment, record in records.items():
            check_record(reports[environment], record, folders[environment], to_make(source.options))
        if records:
            wanted = (expected,) if source.name == "pictures" and expected else ()
            found[source.name] = _maker(source)(records, *wanted)
    return found


def _records(source: PartSource, folders: Mapping[str, Path]) -> dict[str, Any]:
    module, _, name = source.record.partition(":")
    found = import_module(module)
    return {
        environment: getattr(found, name).load(folder)
        for environment, folder in folders.items()
        if getattr(found, source.holds)(folder)
    }


def _maker(source: PartSource) -> Callable[..., Part]:
    module, _, function = source.part.partition(":")
    maker: Callable[..., Part] = getattr(import_module(module), function)
    return maker
