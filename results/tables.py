"""Write the tables that people read from the JSON files that the commands wrote.

    python results/tables.py

results/accelerator_jacobian.json becomes results/accelerator_jacobian.md
results/accelerator_learning.json becomes results/accelerator_learning.md
results/audit.json          becomes results/audit.md
results/bench_jacobian.json becomes results/bench_jacobian.md
results/collect_speed.json  becomes results/collect_speed.md
results/dataset_codecs.json becomes results/dataset_codecs.md
results/experts.json        becomes results/experts.md, with the times in results/training
results/jacobian_scaling.json becomes results/jacobian_scaling.md
results/native_code.json    becomes results/native_code.md
results/native_code_eight.json, _four.json, as many rows to a vector, become results/native_code_eight.md, _four.md
results/start_up.json       becomes results/start_up.md
results/worker_scaling.json becomes results/worker_scaling.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent
PAPERS_STEPS = 900_000 // 512 * 100
"""Gradient steps of one of the paper's trainings: its rows, batch and epochs."""


ACCELERATOR_TEXT = """\
Float64; `jit(vmap(jacfwd(...)))` of `dynsparse.transition` (*exact*) and of the simulator's own step (*plain*) on the
same device and rows, in batches of one size; each figure is the median of five. Rows are of random roll-outs, made and
differentiated on a CPU by machine code, which is the referee of both: *off* are rows that differ by more than 1e-6 from
it, relative to the larger of 1 and the row's largest number; *largest difference* is in the same measure. Compiling
took 14 to 164 s for each.
"""

ACCELERATED_LEARNING_TEXT = """\
Gradient steps per second of a network of 2 x 512 units, batch 512, float32 without TF32; all 15 seeds of the paper
together under `vmap`, and PyTorch with the better of `vmap(jacrev)` and `vmap(jacfwd)`, one seed after the other, on
the same device in the same run. *Hours*: 15 seeds of the paper's 175,700 steps at the measured rate with dropout, tests
not counted.
"""

BENCH_TEXT = """\
Float64, two cores, one run; rows from random roll-outs, the same for all. *C rollout*: central differences by perturbed
`mujoco.rollout` on two threads. *C chained*: `mjd_transitionFD` of each substep, two threads. *Plain JAX*:
`jit(vmap(jacfwd(step)))`, batch 64, JAX's defaults, a process of its own; for SwimmerSwimmer6 these defaults compute
the kinematic chain again for each of its links (docs/how-to/flags-and-caches.md). Exact and the two C peers take turns,
and each figure is the median of its turns; plain JAX is timed afterwards. *Exact / C*: the better of the two C peers.
*Largest difference*: between exact and the rollout's differences, on smooth columns of the rows on which both
simulators *agree* about the next state. *First result*: from starting Python to 256 Jacobians, with an empty and with a
filled cache.
"""


COLLECT_TEXT = """\
`dynsparse collect` beside `linearize_batch` on the very same rows, random policy, episodes of 1,000 control steps,
two workers, both compiled; they take turns, each figure is the median of its turns. A collection also rolls the
episodes out one step after the other, rewards, names constraints, compresses, hashes and flushes to disk.
"""

CODEC_TEXT = """\
Rows of real data sets (random policy, 16,000 rows) encoded and decoded again in memory, on one core, by the store's own
functions; the best of three rounds. *By element*: the rows of one element lie side by side.
"""

WORKERS_TEXT = """\
`linearize_batch` on the same rows with one and with two workers, which take turns; each figure is the median of five.
*Parent*: processor time of the process that packs requests and takes the replies, a third one on the two cores.
"""


EXPERTS_TEXT = """\
Mean return of 30 whole episodes of 1,000 control steps with the stochastic policy, simulated in float64 by the workers
that collect data sets, from starts and noise that neither the training nor the choice of the policy has seen; 95 %
interval by Student's t over episodes.
*Aim*: for `paper` the mean return of the paper's agent (Table A1.1), reached within a tenth; for `expert` what an
expert is to reach at least; for `novice` a quarter of the expert's return, reached within a factor of two. *Steps* and
*minutes*: control steps that the policy has learned from, and how long that took on one core, evaluations included,
while the other core was busy with another training and with tests (`results/training`).
"""


SCALING_TEXT = """\
One process on one core, float64; 2,048 rows from short random roll-outs, the best of the rounds, while the other core
was busy. Chains are planar, of hinges, over a floor that some of their links touch (a foot; feet touch one another
too). *Step* and *slope* are the time of one substep of one row: its value, and its exact derivative with the chain
through the substeps. *First* is tracing, building and the first call, without a cache. *Unconverged*: solver calls
that ran out of iterations and are differentiated iteration by iteration.
"""


NATIVE_TEXT = """\
The three functions of one substep, float64, 1,024 rows from random roll-outs, one core, while the other was busy;
machine code and XLA take turns, each figure is the median of its turns. *Value*: the substep. *Implicit*: the slope of
a solver call that converged. *Unrolled*: of one that did not. *Operations*: of one row, after folding. *First*:
tracing, building and the first batch. *Largest difference*: of a row, relative to the larger of 1 and its largest
number. Machine code computes {lanes} rows at once.
"""


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, the first column on the left and the others on the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def origin(provenance: dict[str, Any]) -> str:
    """Which command made the figures, when, from which commit, on what."""
    machine, versions = provenance["machine"], provenance["versions"]
    commit = (provenance["commit"] or "an installed package")[:12]
    changed = " with uncommitted changes" if provenance["uncommitted_changes"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Made by `{provenance['command']}` and `python results/tables.py`, {provenance['date'][:10]}, commit {commit}"
        f"{changed}, on {machine['cores']} cores of {machine['processor']} ({machine['system']}, "
        f"{machine['memory_gib']} GiB). {packages}.\n"
    )


def audit(record: dict[str, Any]) -> str:
    """The audit of all environments."""
    head = ("environment", "derivative", "rows", "with constraint", "smooth", "not smooth", "off", "largest error")
    rows, zeros, kinds = [], [], []
    for entry in record["environments"]:
        for derivative in ("exact", "autodiff"):
            found = entry[derivative]
            error = found["largest_error"]
            rows.append(
                [
                    entry["environment"],
                    derivative,
                    str(entry["rows"]),
                    str(entry["constrained_rows"]),
                    f"{found['smooth_columns']:,}",
                    f"{found['nonsmooth_columns']:,}",
                    f"{found['columns_off']:,}",
                    "not finite" if error is None else f"{error:.1e}",
                    f"{found['false_zeros']}",
                    f"{found['false_slopes']}",
                ]
            )
        kinds.append([entry["environment"], *map(str, entry["active_rows"].values()), str(entry["unconverged_rows"])])
        if entry["differing_zeros"] is not None:
            counts = [f"{x['elements']} (up to {x['largest']:.0e})" for x in entry["differing_zeros"].values()]
            zeros.append([entry["environment"], *(count.replace("0 (up to 0e+00)", "0") for count in counts)])
    active = record["environments"][0]["active_rows"]
    parts = [
        "# Audit of the derivatives\n",
        "Every column of the Jacobian against float64 differences of the MJX step; what the columns mean and how the\n"
        "rows were chosen: [docs/how-to/audit.md](../docs/how-to/audit.md).\n",
        markdown((*head, "false zeros", "false slopes"), rows),
        "\nRows in which a constraint of each kind exerted force, and rows with a solver call that did not converge:\n",
        markdown(("environment", *active, "unconverged"), kinds),
    ]
    if zeros:
        parts += [
            "\nElements that are zero in only one of `exact` and its formula under plain autodiff, by tolerance:\n",
            markdown(("environment", *record["environments"][0]["differing_zeros"]), zeros),
        ]
    return "\n".join([*parts, f"\n{origin(record['provenance'])}"])


def _least(*ratios: float | None) -> float | None:
    """The ratio against the better of some peers."""
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def bench(records: list[dict[str, Any]]) -> str:
    """The speeds of all environments."""
    head = (
        "environment",
        "exact, Jacobians/s",
        "C rollout",
        "C chained",
        "plain JAX",
        "exact / C",
        "exact / plain JAX",
        "largest difference",
        "agree",
        "first result cold, s",
        "warm, s",
        "worker, MiB",
    )
    rows = [
        [
            entry["environment"],
            f"{entry['dynsparse_per_s']:,.0f}",
            number(entry["mujoco_fd_per_s"], ",.0f"),
            number(entry["mujoco_chain_per_s"], ",.0f"),
            number(entry["plain_jax_per_s"], ",.0f"),
            number(_least(entry["ratio_mujoco_fd"], entry["ratio_mujoco_chain"]), ".2f"),
            number(entry["ratio_plain_jax"], ".1f"),
            number(entry["max_abs_difference"], ".0e"),
            f"{entry['agreeing_rows']} of {entry['compared_rows']}",
            f"{entry['first_result_cold_s']:.0f}",
            f"{entry['first_result_warm_s']:.0f}",
            f"{entry['peak_rss_mib']:,.0f}",
        ]
        for entry in records
    ]
    reasons = [
        f"- {entry['environment']}: {entry[name]}"
        for entry in records
        for name in ("plain_jax_reason", "mujoco_fd_reason", "mujoco_chain_reason")
        if entry.get(name)
    ]
    return "\n".join(
        [
            "# Speed of transition Jacobians\n",
            BENCH_TEXT,
            markdown(head, rows),
            *(["", *reasons] if reasons else []),
            f"\n{origin(records[0]['provenance'])}",
        ]
    )


def accelerator_jacobian(records: list[dict[str, Any]]) -> str:
    """The speeds of all environments on an accelerator."""
    head = (
        "environment",
        "rows a batch",
        "exact, Jacobians/s",
        "plain JAX",
        "exact / plain JAX",
        "exact off",
        "largest difference",
        "plain off",
        "plain's largest difference",
    )
    rows = []
    for entry in (entry for record in records for entry in record["environments"]):
        exact, plain = (entry[kind]["batches"][-1] for kind in ("exact", "plain"))
        rows.append(
            [
                entry["environment"],
                f"{exact['batch']:,}",
                f"{exact['per_s']:,.0f}",
                f"{plain['per_s']:,.0f}",
                f"{entry['ratio']:.2f}",
                f"{exact['rows_off_by_1e-6']} of {exact['refereed_rows']}",
                number(exact["relative_error_max"], ".0e"),
                f"{plain['rows_off_by_1e-6']} of {plain['refereed_rows']}",
                number(plain["relative_error_max"], ".0e"),
            ]
        )
    return _accelerator_page("Transition Jacobians", ACCELERATOR_TEXT, markdown(head, rows), records)


def accelerator_learning(records: list[dict[str, Any]]) -> str:
    """The speeds of trainings on an accelerator."""
    head = (
        "environment",
        "loss",
        "15 seeds together, steps/s",
        "with dropout",
        "torch.func, one seed",
        "ratio",
        "hours",
    )
    rows = [
        [
            entry["environment"],
            f"`{entry['loss']}`",
            f"{entry['seed_steps_per_s']:,.0f}",
            f"{entry['seed_steps_with_dropout_per_s']:,.0f}",
            f"{1 / entry['torch_step_s']:,.0f}",
            f"{entry['ratio']:.1f}",
            f"{PAPERS_STEPS * entry['seeds'] / entry['seed_steps_with_dropout_per_s'] / 3600:.2f}",
        ]
        for record in records
        for entry in record["trainings"]
    ]
    return _accelerator_page("Trainings of world models", ACCELERATED_LEARNING_TEXT, markdown(head, rows), records)


def _accelerator_page(title: str, about: str, table: str, records: list[dict[str, Any]]) -> str:
    """A page on what several runs on one device gave."""
    heading = f"# {title} on an accelerator ({records[0]['device']})\n"
    return "\n".join([heading, about, table, *(f"\n{origin(record['provenance'])}" for record in records)])


def collect_speed(record: dict[str, Any]) -> str:
    """Collection beside linearize_batch on the same rows."""
    head = ("environment", "rows", "collect, rows/s", "linearize_batch, rows/s", "ratio", "bytes a row on disk")
    rows = [
        [
            entry["environment"],
            f"{entry['rows']:,}",
            f"{entry['collect_per_s']:,.0f}",
            f"{entry['linearize_batch_per_s']:,.0f}",
            f"{entry['ratio']:.2f}",
            f"{entry['bytes_per_row']:,.0f}",
        ]
        for entry in record["environments"]
    ]
    return "\n".join(
        ["# Speed of collection\n", COLLECT_TEXT, markdown(head, rows), f"\n{origin(record['provenance'])}"]
    )


def jacobian_scaling(record: dict[str, Any]) -> str:
    """Cost of a substep by the size of the model."""
    head = ("model", "nv", "constraint rows", "substeps", "unconverged", "step, us", "slope, us", "first, s")
    rows = [
        [
            entry["model"] + ("" if entry["native"] else " (by XLA)"),
            str(entry["nv"]),
            str(entry["constraint_rows"]),
            str(entry["substeps"]),
            f"{entry['unconverged']:.0%}",
            f"{entry['step_us']:.2f}",
            f"{entry['slope_us']:.1f}",
            f"{entry['first_s']:.0f}",
        ]
        for entry in record["models"]
    ]
    return "\n".join(
        ["# Cost by size of the model\n", SCALING_TEXT, markdown(head, rows), f"\n{origin(record['provenance'])}"]
    )


def native_code(record: dict[str, Any]) -> str:
    """Machine code beside XLA."""
    head = ("environment", "function", "operations", "machine code, us", "XLA, us", "ratio", "first, s", "by XLA, s")
    rows = [
        [
            entry["environment"],
            entry["function"],
            f"{entry['operations']:,}",
            f"{entry['native_us']:.2f}",
            f"{entry['xla_us']:.1f}",
            f"{entry['xla_us'] / entry['native_us']:.0f}",
            f"{entry['native_first_s']:.1f}",
            f"{entry['xla_first_s']:.1f}",
            f"{entry['largest_difference']:.0e}",
        ]
        for entry in record["functions"]
    ]
    table = markdown((*head, "largest difference"), rows)
    text = NATIVE_TEXT.format(lanes=record.get("lanes", 8))  # eight before it was recorded
    return "\n".join(["# Machine code beside XLA\n", text, table, f"\n{origin(record['provenance'])}"])


def start_up(record: dict[str, Any]) -> str:
    """A process that loads an environment, with and without Warp."""
    kinds = (("as it is", "as_it_is"), ("without Warp", "without_warp"))
    rows = [[told, *(f"{record[kind][unit]:.1f}" for unit in ("wall_s", "cpu_s"))] for told, kind in kinds]
    text = (
        "A new Python process imports dynsparse and loads CartpoleBalance; nothing is compiled. Both take turns, "
        f"medians of {record['rounds']} each.\n"
    )
    table = markdown(("MJX", "wall clock, s", "processor, s"), rows)
    return "\n".join(["# Starting a process\n", text, table, f"\n{origin(record['provenance'])}"])


def dataset_codecs(record: dict[str, Any]) -> str:
    """Bytes and speed of codecs and chunk lengths."""
    head = (
        "environment",
        "codec",
        "shuffle",
        "by element",
        "rows a chunk",
        "bytes a row",
        "of raw",
        "written, rows/s",
        "read, rows/s",
    )
    rows = [
        [
            entry["environment"],
            entry["codec"]
            + (f" {entry['level']}" if entry["level"] else "")
            + (" (chosen)" if entry["chosen"] else ""),
            entry["shuffle"],
            "yes" if entry["transposed"] else "no",
            f"{entry['rows_per_chunk']:,}",
            f"{entry['bytes_per_row']:,.0f}",
            f"{entry['bytes_per_row'] / entry['raw_bytes_per_row']:.0%}",
            f"{entry['rows_written_per_s']:,.0f}",
            f"{entry['rows_read_per_s']:,.0f}",
        ]
        for entry in record["measured"]
    ]
    return "\n".join(["# Codecs and chunks\n", CODEC_TEXT, markdown(head, rows), f"\n{origin(record['provenance'])}"])


def number(value: float | None, form: str) -> str:
    """A number, or that there is none."""
    return "none" if value is None else f"{value:{form}}"


def worker_scaling(record: dict[str, Any]) -> str:
    """What a second worker brings, and cost a row at two numbers of rows."""
    head = ("environment", "rows", "one worker, us a row", "two workers, us a row", "ratio", "parent, us a row")
    rows = [
        [
            entry["environment"],
            f"{size['rows']:,}",
            f"{size['one_worker_us_per_row']:.2f}",
            f"{size['two_workers_us_per_row']:.2f}",
            f"{size['ratio']:.2f}",
            f"{size['parent_us_per_row']:.2f}",
        ]
        for entry in record["environments"]
        for size in entry["sizes"]
    ]
    return "\n".join(
        ["# One worker and two\n", WORKERS_TEXT, markdown(head, rows), f"\n{origin(record['provenance'])}"]
    )


def experts(record: dict[str, Any]) -> str:
    """How good the shipped policies are, and how long they learned."""
    head = ("environment", "policy", "mean return", "95 % interval", "lowest", "aim", "reached", "steps", "minutes")
    rows = []
    for entry in record["experts"]:
        rows.append(
            [
                entry["environment"],
                entry["level"],
                f"{entry['mean_return']:.1f}",
                f"{entry['return_low']:.1f} to {entry['return_high']:.1f}",
                f"{entry['lowest']:.1f}",
                f"{'at least ' if entry['level'] == 'expert' else ''}{entry['aim']:.1f}",
                entry["reached"],
                f"{entry['steps_learned'] / 1e6:.1f} million",
                f"{entry['training_seconds'] / 60:.1f}",
            ]
        )
    return "\n".join(["# Shipped policies\n", EXPERTS_TEXT, markdown(head, rows), f"\n{origin(record['provenance'])}"])


def bench_learning(records: list[dict[str, Any]]) -> str:
    """The speeds of trainings."""
    head = (
        "environment",
        "loss",
        "a seed on each core, steps/s",
        "one seed",
        "torch.func, one seed",
        "torch.func, a seed on each core",
        "ratio",
        "ratio to a seed on each core",
        "float32 differs",
        "float64 differs",
    )
    rows = [
        [
            entry["environment"],
            f"`{entry['loss']}`",
            number(entry["dynsparse_steps_per_s"], ".1f"),
            number(entry["dynsparse_one_seed_steps_per_s"], ".1f"),
            number(entry["torch_steps_per_s"], ".1f"),
            number(entry["torch_side_by_side_steps_per_s"], ".1f"),
            number(entry["ratio"], ".2f"),
            number(entry["ratio_side_by_side"], ".2f"),
            number(entry["max_relative_difference"].get("float32"), ".0e"),
            number(entry["max_relative_difference"].get("float64"), ".0e"),
        ]
        for entry in records
    ]
    text = (
        "Gradient steps per second of a network of 2 x 512 units, batch 512, no dropout; medians of rounds in which "
        "all took turns. PyTorch with the better of `vmap(jacrev)` and `vmap(jacfwd)`, of one thread and all. The "
        "first ratio compares the steps of all seeds, which dynsparse trains side by side, with PyTorch one seed at "
        "a time. Largest relative differences are of the losses of the first "
        f"{records[0]['compared_steps']} steps.\n"
    )
    return "\n".join(
        ["# Trainings of world models\n", text, markdown(head, rows), f"\n{origin(records[0]['provenance'])}"]
    )


def bench_learning_memory(records: list[dict[str, Any]]) -> str:
    """The most memory of a process."""
    head = ("environment", "loss", "dynsparse, MiB of a process", "torch.func, MiB")
    rows = [
        [
            entry["environment"],
            f"`{entry['loss']}`",
            number(entry["dynsparse_peak_rss_mib"], ",.0f"),
            number(entry["torch_peak_rss_mib"], ",.0f"),
        ]
        for entry in records
    ]
    text = f"Peak resident memory of a training of {records[0]['rows']:,} rows.\n"
    return "\n".join(["# Memory of trainings\n", text, markdown(head, rows), f"\n{origin(records[0]['provenance'])}"])


TABLES = {
    "accelerator_jacobian": accelerator_jacobian,
    "accelerator_learning": accelerator_learning,
    "audit": audit,
    "bench_jacobian": bench,
    "bench_learning": bench_learning,
    "bench_learning_losses": bench_learning,
    "bench_learning_memory": bench_learning_memory,
    "collect_speed": collect_speed,
    "dataset_codecs": dataset_codecs,
    "experts": experts,
    "jacobian_scaling": jacobian_scaling,
    "native_code": native_code,
    "native_code_eight": native_code,
    "native_code_four": native_code,
    "start_up": start_up,
    "worker_scaling": worker_scaling,
}


def main() -> None:
    """Write the tables whose JSON file is there."""
    for name, table in TABLES.items():
        source = RESULTS / f"{name}.json"
        if source.exists():
            (RESULTS / f"{name}.md").write_text(table(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
