"""Explore source: the data sets below a folder, each with what the page is to call its policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dynsparse.dataset import Dataset, open_dataset
from dynsparse.dataset.place import holds_dataset
from dynsparse.dataset.record import record_numbers
from dynsparse.errors import InputError
from dynsparse.provenance import content_hash
from dynsparse.report.table1 import paper_table1

__all__ = ["Source", "find_sources"]

_PLACES = ("data/*", "policies/*/*", "*")
"""Where ``reproduce`` keeps its data sets; else a folder that holds several."""


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        dataset: Its rows.
        policy: What the page calls its policy; unique for an environment.
        analysis: Folder of its analysis, which may be missing; None where there is no place for one.
    """

    dataset: Dataset
    policy: str
    analysis: Path | None

    @property
    def stem(self) -> str:
        """Name of files about it: of no other environment and policy, on file systems without capitals neither."""
        names = {"environment": self.dataset.environment, "policy": self.policy}
        readable = "".join(x if x.isalnum() or x in "-_." else "-" for x in "-".join(names.values()))
        return f"{readable}-{content_hash(names)[:12]}"

    @property
    def title(self) -> str:
        """What a progress line calls it."""
        return f"{self.dataset.environment}, {self.policy}"


def find_sources(folder: Path) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Find the data sets of a folder.

    Args:
        folder: Of ``dynsparse reproduce``, one data set, or a folder of data sets.

    Returns:
        Environments in the order of the paper's Table 1, others after them by name, of each the data that was analysed
        first; and a sentence about each data set that has no row yet.

    Raises:
        InputError: There is none.
        DatasetError: One is damaged.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing"
        raise InputError(f"expected a folder of data sets, got {what} at {folder}; {_ADVICE}")
    if holds_dataset(folder):
        paths = [folder]
    else:
        found = _once(path for place in _PLACES for path in sorted(folder.glob(place)))
        paths = [path for path in found if not path.name.startswith(".") and holds_dataset(path)]
    empty = [path for path in paths if not record_numbers(path)]
    notes = tuple(f"{_told(path, folder)} holds no committed row yet and is left out." for path in empty)
    datasets = {path: open_dataset(path) for path in paths if path not in empty}
    if not datasets:
        there = ", ".join(sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))[:3])
        held = f"data sets without a committed row ({_told(empty[0], folder)})" if empty else there or "nothing"
        raise InputError(f"expected data sets in {folder}, which holds {held}; {_ADVICE}")
    sources = [
        Source(dataset, policy, folder / "analysis" / dataset.environment if path.parent.name == "data" else None)
        for (path, dataset), policy in zip(datasets.items(), _policies(datasets, folder), strict=True)
    ]
    listed = list(paper_table1())

    def place(source: Source) -> tuple[int, str]:
        name = source.dataset.environment
        return (listed.index(name) if name in listed else len(listed), name)

    return tuple(sorted(sources, key=place)), notes


_ADVICE = "make one with dynsparse collect ENV --rows 2000 --out DIR/ENV, or run dynsparse reproduce --out DIR"


def _policies(datasets: dict[Path, Dataset], folder: Path) -> Sequence[str]:
    """Name the policy of each data set; those that an environment has twice with the place of their data."""
    names = []
    for dataset in datasets.values():
        description = dataset.description
        # Policies that come with the package are named after their environment too, which the page says by itself.
        own = str(description.policy["name"]).removeprefix(f"{dataset.environment}-")
        names.append("coverage states" if description.states == "coverage" else own)
    while True:
        keys = [(dataset.environment, name) for dataset, name in zip(datasets.values(), names, strict=True)]
        if len(set(keys)) == len(keys):
            return names
        # Places differ, so that this ends, even where a policy is called like another with its place.
        names = [
            name if keys.count(key) == 1 else f"{name} ({_told(path, folder)})"
            for path, name, key in zip(datasets, names, keys, strict=True)
        ]


def _once(paths: Iterable[Path]) -> list[Path]:
    """Leave out data that a study compared with its own, of the same environment and policy."""
    kept, seen = [], set()
    for path in paths:
        if path.name.startswith(".") or not holds_dataset(path) or not record_numbers(path):
            kept.append(path)
            continue
        description = open_dataset(path).description
        policy = (description.environment, description.policy["name"], description.policy.get("sha256"))
        key = (*policy, description.states)
        if path.parent.parent.name != "policies" or key not in seen:
            kept.append(path)
        seen.add(key)
    return kept


def _told(path: Path, folder: Path) -> str:
    return path.name if path == folder else path.relative_to(folder).as_posix()
