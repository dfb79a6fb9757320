"""``dynsparse analyze``: which elements of a data set's Jacobians are zero: always, at which states, for how long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from dynsparse.config import atol_for, check_atol
from dynsparse.errors import InputError, OutputError, OutputExistsError

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset

__all__ = ["EXAMPLES", "Analyze"]

EXAMPLES = """\
examples:
  dynsparse analyze data/cheetah --out out/cheetah
  dynsparse audit data/cheetah --json out/audit.json
  dynsparse analyze data/cheetah --out out/cheetah --audit out/audit.json --overwrite
  dynsparse report out/cheetah
"""


@dataclass(frozen=True)
class Analyze:
    """Answer Q1, Q2 and Q3 for one data set; writes OUT/analysis.json and .npz, OUT/episodes.json and .npz.

    The latter hold return and sparsity of each episode, on which the intervals of a report rest.  Below 1e-12 the
    same numbers are counted there too, above round-off, and written to OUT/above_round_off.json and .npz.
    """

    dataset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """Folder of the data set."""

    out: Path
    """Folder for the files."""

    atol: float | None = None
    """An element of the Jacobian is zero when abs(x) < atol; left out: 1e-15, or 1e-8 for finite differences."""

    audit: Path | None = None
    """What dynsparse audit wrote about this data set, to be kept with the answers."""

    overwrite: bool = False
    """Replace an analysis that is there."""

    def run(self) -> int:
        """Analyse and write.

        Returns:
            The exit code.
        """
        if self.atol is not None:
            check_atol(self.atol)
        _check_place(self.out, self.overwrite)

        from dynsparse.analysis import AboveRoundOff, EpisodeCount, analyze
        from dynsparse.cli.progress import open_progress
        from dynsparse.dataset import open_dataset
        from dynsparse.provenance import collect_provenance

        dataset = open_dataset(self.dataset)
        atol = atol_for(dataset.description.derivative, self.atol)
        audit = None if self.audit is None else _read_audit(self.audit, dataset)
        description = dataset.description.to_dict()
        command = f"dynsparse analyze {self.dataset.name} --atol {atol!r}"
        provenance = collect_provenance(command, dataset.description.seed, dataset=description).to_dict()
        episodes = EpisodeCount(dataset)
        progress = open_progress()
        progress.add(dataset.environment, dataset.rows)
        progress.phase(dataset.environment, "analyze")
        try:
            report = analyze(
                dataset,
                atol,
                audit=audit,
                provenance=provenance,
                on_rows=lambda done, bad: progress.rows(dataset.environment, done, bad),
                episodes=episodes,
            )
            progress.finish(dataset.environment, "done")
        finally:
            progress.close()
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            report.save(self.out)
            episodes.record(report).save(self.out)
            above = episodes.above_round_off(report)
            if above is None:
                AboveRoundOff.remove(self.out)
            else:
                above.save(self.out)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"expected to write {self.out}, got: {error.strerror or error}; choose another --out"
            ) from error
        state, action = report.global_sparsity.state, report.global_sparsity.action
        print(
            f"{report.environment}: {state.always_zero_count} of {state.elements} state elements and "
            f"{action.always_zero_count} of {action.elements} action elements are zero in all {report.rows:,} rows; "
            f"{100 * report.local.combined.sparsity_mean:.1f} % are in the mean of the rows"
        )
        print(
            f"wrote {self.out / 'analysis.json'} and {self.out / 'analysis.npz'}; "
            f"draw them: dynsparse report {self.out}"
        )
        return 0


def _check_place(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"expected --out to name a folder, {out} is a file; choose another")
    from dynsparse.analysis.files import holds_analysis

    if holds_analysis(out) and not overwrite:
        raise OutputExistsError(f"{out} holds an analysis and is kept; choose another --out, or add --overwrite")


def _read_audit(path: Path, dataset: Dataset) -> Mapping[str, Any]:
    """Return the record of a data set, or else of its environment and derivative, from an audit's file."""
    from dynsparse.provenance import content_hash

    description = dataset.description
    try:
        entries = list(json.loads(path.read_text(encoding="utf-8"))["environments"])
        of_dataset = {entry["dataset"]["description_sha256"]: entry for entry in entries if entry.get("dataset")}
        others = {(entry["environment"], entry["judged"]): entry for entry in entries if not entry.get("dataset")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"expected a file of dynsparse audit --json, can not read {path}: {error!r}") from error
    found = of_dataset.get(content_hash(description.to_dict()))
    found = found or others.get((description.environment, description.derivative))
    if found is None:
        raise InputError(
            f"expected an audit of {dataset.path}, or of {description.environment} with derivative "
            f"{description.derivative}, in {path}, found none; make one: dynsparse audit {dataset.path} --json FILE"
        )
    record: Mapping[str, Any] = found
    return record
