"""Sparsity and audit of all 25 tasks of the DM control suite in MuJoCo Playground.

    python results/dm_control.py measure FOLDER [NAME ...]   adds to results/dm_control.json, task by task
    python results/dm_control.py write                       writes results/dm_control.csv and .md from it

A task that is measured already is left alone, so that it can be stopped at any time.  FOLDER holds the data sets.
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent
RECORD = RESULTS / "dm_control.json"
ROWS, AUDIT_ROWS, SEED, ATOL = 5000, 200, 0, 1e-15

COLUMNS = (
    "environment", "state_dim", "tangent_dim", "action_dim", "substeps", "rows", "nonfinite_rows",
    "always_zero_state", "elements_state", "always_zero_action", "elements_action", "sparsity_state",
    "sparsity_action", "sparsity_combined", "distinct_patterns", "pattern_switch_rate", "zero_duration",
    "audit_rows", "audit_smooth_columns", "audit_columns_off", "audit_false_zeros", "audit_false_slopes",
    "audit_largest_error", "audit_unconverged_rows", "audit_constrained_rows",
)  # fmt: skip

TEXT = """\
`python results/dm_control.py measure FOLDER`: {rows:,} rows of the random policy (episodes of 1,000 control steps, seed
{seed}), exact derivative, an element is zero below {atol:g}; {machine}, {date}.
*ds*: numbers of a state; *2 nv*: numbers of its tangent, which are the Jacobian's rows. *always zero*: elements that
are zero in every finite row. *sparsity*: mean over rows of the share of zeros, of both blocks together. *switches*:
share of consecutive steps between which the pattern differs. The audit holds {audit} other rows, half of them made near
contacts and limits, against central differences on the manifold; *off*: smooth columns further than 1e-5 from them.
"""


def measure(folder: Path, names: list[str]) -> None:
    """Collect, analyse and audit each task that is not in the record yet."""
    from dynsparse.physics.sources.names import ALL_ENVIRONMENT_NAMES

    for name in names or ALL_ENVIRONMENT_NAMES:
        record = _read()
        if name not in record["environments"]:
            print(name, flush=True)
            record["environments"][name] = _measure(name, folder / name)
            record["provenance"] = _provenance()
            RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def write() -> None:
    """Write the table that programs read and the one that people do."""
    record = _read()
    rows = [record["environments"][name] for name in sorted(record["environments"])]
    with open(RESULTS / "dm_control.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    provenance = record["provenance"]
    lines = [
        TEXT.format(rows=ROWS, seed=SEED, atol=ATOL, audit=AUDIT_ROWS, **provenance),
        "| task | ds | 2 nv | da | always zero ∂s'/∂s | ∂s'/∂a | sparsity | switches | audit: smooth columns | off "
        "| false zeros | largest error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        share = 100 * row["always_zero_state"] / row["elements_state"]
        lines.append(
            f"| {row['environment']} | {row['state_dim']} | {row['tangent_dim']} | {row['action_dim']} | "
            f"{row['always_zero_state']} of {row['elements_state']:,} ({share:.1f} %) | {row['always_zero_action']} | "
            f"{100 * row['sparsity_combined']:.1f} % | {100 * row['pattern_switch_rate']:.1f} % | "
            f"{row['audit_smooth_columns']:,} | {row['audit_columns_off']} | {row['audit_false_zeros']} | "
            f"{row['audit_largest_error']:.0e} |"
        )
    (RESULTS / "dm_control.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _measure(name: str, path: Path) -> dict[str, Any]:
    from dynsparse import analyze, load_environment, open_dataset
    from dynsparse.physics.audit import audit_rows
    from dynsparse.physics.linearizer import Linearizer
    from dynsparse.physics.probe import probe_rows
    from dynsparse.rollout.collect import collect
    from dynsparse.rollout.settings import CollectSettings

    env = load_environment(name)
    collect(env, CollectSettings(ROWS, seed=SEED), path, resume=True)
    report = analyze(open_dataset(path), ATOL)
    with Linearizer(env, "exact", workers=0) as linearizer:
        probe = probe_rows(env, linearizer, AUDIT_ROWS, SEED)
        found = linearizer.linearize(probe.states, probe.actions, probe.warmstarts)
        audit = audit_rows(env, linearizer, probe, found, seed=SEED, atol=ATOL)
    columns, counted = audit.columns["exact"], report.global_sparsity
    local, temporal = report.local, report.temporal
    return {
        "environment": name,
        "state_dim": env.state_dim,
        "tangent_dim": env.tangent_dim,
        "action_dim": env.action_dim,
        "substeps": env.substeps,
        "rows": report.rows,
        "nonfinite_rows": report.nonfinite_rows,
        "always_zero_state": counted.state.always_zero_count,
        "elements_state": counted.state.elements,
        "always_zero_action": counted.action.always_zero_count,
        "elements_action": counted.action.elements,
        "sparsity_state": local.state.sparsity_mean,
        "sparsity_action": local.action.sparsity_mean,
        "sparsity_combined": local.combined.sparsity_mean,
        "distinct_patterns": local.distinct_patterns,
        "pattern_switch_rate": None if temporal is None else temporal.pattern_switch_rate,
        "zero_duration": None if temporal is None else temporal.zero.mean,
        "audit_rows": audit.rows,
        "audit_smooth_columns": columns.smooth_columns,
        "audit_columns_off": columns.columns_off,
        "audit_false_zeros": int(columns.false_zero.sum()),
        "audit_false_slopes": int(columns.false_slope.sum()),
        "audit_largest_error": columns.largest_error,
        "audit_unconverged_rows": audit.unconverged_rows,
        "audit_constrained_rows": audit.constrained_rows,
    }


def _read() -> dict[str, Any]:
    if RECORD.exists():
        found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
        return found
    return {"schema": 1, "environments": {}, "provenance": {}}


def _provenance() -> dict[str, Any]:
    from dynsparse.provenance import collect_provenance

    found = collect_provenance("python results/dm_control.py measure FOLDER", SEED).to_dict()
    return {"machine": "two x86-64 cores", "date": datetime.now(UTC).date().isoformat(), "record": found}


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"] and len(sys.argv) > 2:
        measure(Path(sys.argv[2]), sys.argv[3:])
    elif sys.argv[1:] == ["write"]:
        write()
    else:
        sys.exit(__doc__)
