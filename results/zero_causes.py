"""Why elements of the eight environments' Jacobians are zero.

python results/zero_causes.py measure [DIR]   data sets (2,000 rows, random policy), analyses and causes, into DIR
                                              (out/zero_causes): one environment after the other; goes on where it
                                              was stopped
python results/zero_causes.py write [DIR]     writes results/zero_causes.csv and .md, and the pictures of
                                              docs/explanation/zero-causes.md, from what DIR holds
python results/zero_causes.py check           holds the labels of the audit's rows against differences, into
                                              results/zero_causes_check.csv
"""

from __future__ import annotations

import csv
import sys
from functools import partial
from pathlib import Path

import numpy as np

from dynsparse import ENVIRONMENT_NAMES, explain_zeros, load_environment
from dynsparse.analysis.cause_record import CauseRecord, holds_causes
from dynsparse.analysis.files import holds_analysis
from dynsparse.cli.front import main
from dynsparse.physics.columns import FALSE_ZERO_SLOPE, SEEN_TOLERANCE
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import probe_rows
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.report.cause_bars import draw_cause_bars
from dynsparse.report.cause_heatmap import draw_cause_heatmap
from dynsparse.report.cause_sentences import about_causes
from dynsparse.report.figure import render
from dynsparse.report.quantities import percent

RESULTS = Path(__file__).resolve().parent
PICTURES = RESULTS.parent / "docs" / "images" / "zero-causes"
ROWS, EXPLAINED, CHECKED = 2000, 256, 200
PICTURED = ("CheetahRun", "FingerSpin")
LABELS = ZERO_LABELS[1:]


def measure(folder: Path) -> None:
    """Collect, analyse and explain what is not there yet."""
    for name in sorted(ENVIRONMENT_NAMES):
        data, analysis = folder / "data" / name, folder / "analysis" / name
        steps = []
        if not holds_analysis(analysis):
            steps.append(["collect", name, "--rows", str(ROWS), "--out", str(data), "--resume"])
            steps.append(["analyze", str(data), "--out", str(analysis)])
        if not holds_causes(analysis):
            steps.append(["causes", str(data), "--out", str(analysis), "--rows", str(EXPLAINED)])
        for step in steps:
            if main(step):
                sys.exit(f"dynsparse {' '.join(step)} failed")


def write(folder: Path) -> None:
    """Write the table, the page and the pictures."""
    records = [CauseRecord.load(folder / "analysis" / name) for name in sorted(ENVIRONMENT_NAMES)]
    with open(RESULTS / "zero_causes.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["environment", "rows", "evidence_rows", "block", "elements", "label", "share", "always_zero"])
        for record in records:
            for name, block in (("state", record.state), ("action", record.action)):
                for label in ZERO_LABELS:
                    share = block.by_label[label] / (block.rows * block.elements)
                    always = block.always_by_label.get(label, "")
                    cells = [record.rows, record.evidence_rows, name, block.elements, label, f"{share:.6f}", always]
                    table.writerow([record.environment, *cells])
    (RESULTS / "zero_causes.md").write_text(_page(records), encoding="utf-8")
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / "bars.png").write_bytes(render(lambda: draw_cause_bars(records), ("png",))[0])
    for record in records:
        if record.environment in PICTURED:
            (png,) = render(partial(draw_cause_heatmap, record), ("png",))
            (PICTURES / f"{record.environment}.png").write_bytes(png)


def check() -> None:
    """Count zeros that are called structural where both central differences see the same slope of more than 1e-7."""
    names = (*ENVIRONMENT_NAMES, "FishSwim", "HopperHop")
    with open(RESULTS / "zero_causes_check.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["environment", "rows", "zeros", "structural", "structural_or_clamped_where_a_slope_is_seen"])
        for name in names:
            env = load_environment(name)
            with Linearizer(env, "exact", workers=0) as linearizer:
                probe = probe_rows(env, linearizer, CHECKED, 1)
                at = (probe.states, probe.actions, probe.warmstarts)
                slopes = difference_columns(linearizer, *at, env.space)
            labels = explain_zeros(env, *at, evidence_rows=0).labels
            fine, coarse = np.abs(slopes.central_fine), np.abs(slopes.central_coarse)
            seen = (np.minimum(fine, coarse) > FALSE_ZERO_SLOPE) & (
                np.abs(slopes.central_fine - slopes.central_coarse) <= SEEN_TOLERANCE * np.maximum(fine, coarse)
            )
            structural = labels == ZERO_LABELS.index("structural")
            pathless = structural | (labels == ZERO_LABELS.index("clamped"))
            table.writerow([name, len(probe), (labels > 0).sum(), structural.sum(), (pathless & seen).sum()])
            file.flush()


def _page(records: list[CauseRecord]) -> str:
    versions = records[0].provenance["versions"]
    lines = [
        "# Why elements are zero",
        "",
        f"{EXPLAINED} rows of {ROWS:,} of a random policy, with all its other finite rows, and rows that "
        "`explain_zeros` makes near contacts and limits, as further evidence where their solver calls converged. "
        "Share of all pairs of row and element that are zero, by cause; *zero in all*: the "
        "mean sparsity of these rows. Made by `python results/zero_causes.py measure` and `write`; mujoco "
        f"{versions['mujoco']}, jax {versions['jax']}.",
        "",
        f"| environment | {' | '.join(LABELS)} | zero in all |",
        f"| --- |{' ---: |' * (len(LABELS) + 1)}",
    ]
    for record in records:
        counts = record.by_label
        shares = [percent(counts[label] / record.pairs) for label in LABELS]
        lines.append(f"| {' | '.join([record.environment, *shares, percent(1 - counts['none'] / record.pairs)])} |")
    lines += [
        "",
        f"Elements that are zero in all {EXPLAINED} rows, by the cause of most of these rows; a block that is not "
        "listed has none:",
        "",
        f"| environment | block | {' | '.join(LABELS)} |",
        f"| --- | --- |{' ---: |' * len(LABELS)}",
    ]
    for record in records:
        for name, block in (("state", record.state), ("action", record.action)):
            cells = [str(block.always_by_label[label]) for label in LABELS]
            if not block.always_zero.any():
                continue
            lines.append(f"| {' | '.join([record.environment, name, *cells])} |")
    lines += ["", "In words:", ""]
    lines += [f"- {sentence}" for record in records for sentence in about_causes(record)]
    lines += ["", "Shifts of whole bodies that were tried:", ""]
    lines += ["| environment | shift | coordinate | holds | states | steps | error | ended by |"]
    lines += ["| --- | --- | --- | --- | ---: | ---: | ---: | --- |"]
    for record in records:
        for tried in record.symmetries:
            cells = [record.environment, tried.words, tried.coordinate]
            # Of one that does not hold, error and constraints say nothing.
            compared = [f"{tried.states:,}", f"{tried.rows:,}"]
            cells += ["yes", *compared, f"{tried.error:.0e}"] if tried.holds else ["no", *compared, "-"]
            cells.append((tried.holds and ", ".join(tried.broken_by)) or "-")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    verbs = {"measure": measure, "write": write}
    if sys.argv[1:] == ["check"]:
        check()
    elif len(sys.argv) in (2, 3) and sys.argv[1] in verbs:
        verbs[sys.argv[1]](Path(sys.argv[2] if len(sys.argv) == 3 else "out/zero_causes"))
    else:
        sys.exit(__doc__)
