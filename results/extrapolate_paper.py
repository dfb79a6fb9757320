"""How long the paper preset would take, from how long a smaller one took.

    python results/extrapolate_paper.py out/small

prints a Markdown table: seconds of each stage as OUT/timings.json has them, how many times as much the paper preset
does there, and the product.  What a stage takes whatever its size (compiling, starting) is multiplied too, so that the
product is too large rather than too small, the more so the smaller the preset is.  Rows are those of OUT/settings.json;
environments are counted in OUT/analysis, where that is kept, and are all eight otherwise.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.cli.horizon_measurement import measure_horizon
from dynsparse.cli.section_run import SectionPlan
from dynsparse.cli.stage_clock import TIMINGS
from dynsparse.cli.study_preset import study_preset
from dynsparse.config import PRESETS
from dynsparse.learning.presets import learning_preset
from dynsparse.learning.search_grid import search_preset

WHOLE = "paper"
_ALL = 8
_TOGETHER = "sections"
"""A stage that is made of others."""
_SECONDS = ("measured_seconds", "wall_seconds", "seconds")
"""What a stage took: beside others, its share of the cores; else, or in older folders, its time on the wall."""


@dataclass(frozen=True)
class Study:
    """How much a study does.

    Attributes:
        preset: Name of its preset.
        rows: Per environment.
        environments: How many.
        relearned: In how many of them models were trained on plain autodiff's Jacobians too; None for as many as the
            preset names, or all where it names none.
    """

    preset: str
    rows: int
    environments: int
    relearned: int | None = None


@dataclass(frozen=True)
class Stage:
    """A stage of a study, and of the paper's.

    Attributes:
        name: What it is called.
        seconds: How long it took; None where it was not run, or not to its end.
        ratio: How many times as much the paper preset does.
        reason: What was counted.
    """

    name: str
    seconds: float | None
    ratio: float
    reason: str

    @property
    def whole(self) -> float | None:
        """Seconds that it would take with the paper preset; None where it was not run."""
        return None if self.seconds is None else self.seconds * self.ratio


def stages(timings: Mapping[str, Any], done: Study) -> list[Stage]:
    """Return every stage with its ratio.

    Args:
        timings: Content of ``timings.json``.
        done: How much was done in that time.
    """
    known = {
        stage["name"]: _seconds(stage)
        for stage in timings["stages"]
        if stage["name"] != _TOGETHER and stage.get("whole", True)
    }
    whole = Study(WHOLE, PRESETS[WHOLE], _ALL)
    named = dict.fromkeys((*_AMOUNTS, *known))
    found = []
    for name in named:
        amount, reason = _AMOUNTS.get(name, (lambda _study: 1.0, "as much"))
        found.append(Stage(name, known.get(name), amount(whole) / amount(done), reason))
    return found


def table(found: list[Stage], cores: int) -> str:
    """Return the table in Markdown, with the sum below it."""
    lines = [
        f"| stage | measured, {cores} cores | times | paper preset | what grows |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for stage in found:
        told = [_time(stage.seconds), f"{stage.ratio:,.3g}" if stage.ratio < 1000 else f"{stage.ratio:,.0f}"]
        lines.append(f"| {stage.name} | {' | '.join(told)} | {_time(stage.whole)} | {stage.reason} |")
    measured = math.fsum(stage.seconds or 0.0 for stage in found)
    whole = math.fsum(stage.whole or 0.0 for stage in found)
    missing = [stage.name for stage in found if stage.seconds is None]
    without = f" without {', '.join(missing)}" if missing else ""
    lines.append(f"| all{without} | {_time(measured)} | | {_time(whole)} | |")
    return "\n".join(lines) + "\n"


def _seconds(stage: Mapping[str, Any]) -> float:
    return float(next(stage[key] for key in _SECONDS if stage.get(key) is not None))


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not run whole"
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} s"


def _plan(study: Study, section: str) -> SectionPlan:
    return next(plan for plan in study_preset(study.preset).sections if plan.section == section)


def _rows_of(section: str) -> Callable[[Study], float]:
    """Return what counts the rows of a section, no more than there are, in all environments where it is measured."""

    def count(study: Study) -> float:
        plan = _plan(study, section)
        where = study.environments if plan.environments is None else min(len(plan.environments), study.environments)
        return float(min(plan.sizes["rows"], study.rows) * where)

    return count


def _embedding(study: Study) -> float:
    return float(min(_plan(study, "embedding").sizes["points"], study.rows))


def _horizon(study: Study) -> float:
    """Count starts of chains, which each episode has; roll-outs and lengths of a step grow no faster."""
    starts = _plan(study, "horizon").sizes.get(
        "starts", inspect.signature(measure_horizon).parameters["starts"].default
    )
    return float(starts * study.rows * study.environments)


def _trainings(study: Study) -> float:
    """Count linearly in the units of a layer: small layers are bound by what each operation costs whatever its size."""
    preset = learning_preset(study.preset)
    return float(study.environments * study.rows * preset.seeds * preset.settings.epochs * preset.settings.layer_width)


def _relearned(study: Study) -> float:
    named = study_preset(study.preset).relearned
    # A preset that leaves it out has no such stage; any number does.
    where = study.relearned or min(len(named or ()), study.environments) or study.environments
    return _trainings(study) * where / study.environments


def _searches(study: Study) -> float:
    preset = search_preset(study.preset)
    runs = sum(math.prod(len(part.values) for part in grid.ranges) * grid.seeds for grid in preset.grids())
    return float(runs * (len(preset.environments) or study.environments) * preset.epochs * study.rows)


_AMOUNTS: Mapping[str, tuple[Callable[[Study], float], str]] = {
    "data": (lambda study: float(study.rows * study.environments), "rows"),
    "pictures": (lambda study: float(study.environments), "environments"),
    "embedding": (_embedding, "embedded rows"),
    "causes": (_rows_of("causes"), "explained rows"),
    "derivatives": (_rows_of("derivatives"), "rows, environments"),
    "policies": (_rows_of("policies"), "rows, environments"),
    "horizon": (_horizon, "starts of an episode, episodes"),
    "q4": (_trainings, "rows, epochs, seeds, units of a layer"),
    "relearned": (_relearned, "rows, epochs, seeds, units of a layer"),
    "search": (_searches, "rows, epochs, trainings"),
    "report": (lambda study: float(study.environments), "environments"),
    "explore": (lambda study: float(study.environments), "environments"),
}
"""Of each stage what it does how much of, and in words."""


def main(folder: Path) -> None:
    """Read a folder of ``dynsparse reproduce``, and print."""
    timings, settings = (json.loads((folder / name).read_text("utf-8")) for name in (TIMINGS, "settings.json"))
    environments = len(list((folder / "analysis").glob("[!.]*"))) or _ALL
    records = (json.loads(path.read_text("utf-8")) for path in folder.glob("analysis/[!.]*/derivatives.json"))
    relearned = sum(bool(record.get("scores")) for record in records)
    done = Study(timings["preset"], settings["settings"]["rows"], environments, relearned or None)
    print(table(stages(timings, done), timings["cores"]), end="")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
