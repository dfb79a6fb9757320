"""Learning bench: the speed of each loss at each environment's dimensions, measured one after the other and printed."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.cli.output import print_table, wide_console
from dynsparse.cli.progress import Progress, open_progress
from dynsparse.learning.benchmark import LearningBench, LearningSpeed, measure_training
from dynsparse.physics.environment import load_environment

__all__ = ["measure_and_tell"]

_COLUMNS = (
    "environment",
    "loss",
    "steps/s, all seeds",
    "one seed alone",
    "torch, one seed",
    "torch, a seed a core",
    "ratio",
    "to a seed a core",
    "MiB",
    "torch MiB",
    "float32 differs",
    "float64 differs",
)


def measure_and_tell(names: Sequence[str], losses: Sequence[str], bench: LearningBench) -> list[LearningSpeed]:
    """Measure and print a table.

    Args:
        names: Environments, whose dimensions are taken.
        losses: Losses.
        bench: How.

    Returns:
        What was measured.
    """
    progress = open_progress()
    speeds: list[LearningSpeed] = []
    for name in names:
        progress.add(name, 0)
    try:
        for name in names:
            progress.phase(name, "load")
            env = load_environment(name)
            dimensions = env.state_dim, env.action_dim
            speeds += [_measure(name, dimensions, loss, bench, progress) for loss in losses]
            progress.finish(name, "done")
    finally:
        progress.close()
    console = wide_console()
    print_table(console, _COLUMNS, [_cells(speed) for speed in speeds])
    for reason in sorted({speed.reason for speed in speeds if speed.reason is not None}):
        console.print(f"torch: {reason}")
    return speeds


def _measure(
    name: str, dimensions: tuple[int, int], loss: str, bench: LearningBench, progress: Progress
) -> LearningSpeed:
    return measure_training(name, dimensions, loss, bench, lambda phase: progress.phase(name, f"{loss}: {phase}"))


def _cells(speed: LearningSpeed) -> list[str]:
    record = speed.to_dict()

    def shown(name: str, form: str = ",.1f") -> str:
        return "none" if record[name] is None else format(record[name], form)

    return [
        speed.environment,
        speed.loss,
        shown("dynsparse_steps_per_s"),
        shown("dynsparse_one_seed_steps_per_s"),
        shown("torch_steps_per_s"),
        shown("torch_side_by_side_steps_per_s"),
        shown("ratio", ".2f"),
        shown("ratio_side_by_side", ".2f"),
        shown("dynsparse_peak_rss_mib", ",.0f"),
        shown("torch_peak_rss_mib", ",.0f"),
        *(
            f"{speed.differences[precision]:.0e}" if precision in speed.differences else "none"
            for precision in ("float32", "float64")
        ),
    ]
