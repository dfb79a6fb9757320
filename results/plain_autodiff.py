"""What plain autodiff returns for a spinner at rest, against differences of every step size.

    python results/plain_autodiff.py measure    writes results/plain_autodiff.csv (about a minute)
    python results/plain_autodiff.py draw       draws docs/images/plain-autodiff.png from it

The element is d qvel hinge' / d qvel hinge of FingerSpin, finger and spinner at rest, no control, nothing touching.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).resolve().parent
TABLE = RESULTS / "plain_autodiff.csv"
PICTURE = RESULTS.parent / "docs" / "images" / "plain-autodiff.png"
STEPS = 10.0 ** -np.arange(3.0, 13.01, 0.25)
HINGE = 5


def measure() -> list[dict[str, float]]:
    """Difference the control step at the spinner's velocity by each step size; both derivatives beside it."""
    from dynsparse import Linearization, load_environment
    from dynsparse.physics.linearizer import Linearizer

    env = load_environment("FingerSpin")
    state = env.sample_initial_state(0).copy()
    state[env.nq :] = 0.0
    moved = np.repeat(state[None], 2 * len(STEPS), axis=0)
    moved[: len(STEPS), HINGE] += STEPS
    moved[len(STEPS) :, HINGE] -= STEPS
    slopes = {}
    for derivative in ("exact", "autodiff"):
        with Linearizer(env, derivative) as linearizer:
            found: Linearization = linearizer.linearize(state[None], np.zeros((1, env.action_dim)))
            slopes[derivative] = float(found.jac_state[0, HINGE, HINGE])
            ends = linearizer.evaluate(moved, np.zeros((len(moved), env.action_dim))).next_state[:, HINGE]
    differences = (ends[: len(STEPS)] - ends[len(STEPS) :]) / (2.0 * STEPS)
    return [
        {"step_rad_per_s": step, "difference": float(difference), **slopes}
        for step, difference in zip(STEPS.tolist(), differences, strict=True)
    ]


def write(rows: list[dict[str, float]]) -> None:
    """Write the table."""
    with open(TABLE, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw() -> None:
    """Draw the distance of each derivative from the differences, against the step size."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with open(TABLE, newline="", encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    step, difference = (np.array([row[name] for row in rows]) for name in ("step_rad_per_s", "difference"))
    figure, axes = plt.subplots(figsize=(7.0, 4.2), layout="constrained")
    axes.axvspan(step.min() / 2, 1e-8, color="0.92", zorder=0)
    axes.text(1.2e-13, 1e-5, "plateaus of\nthe solver:\nit keeps its\nfirst guess", va="center", color="0.35")
    for name, style in (("autodiff", "s-C1"), ("exact", "o-C0")):
        # A distance of exactly zero has no logarithm: it is drawn at the size of the last bit of the slope.
        distance = np.maximum(np.abs(difference - rows[0][name]), 1e-18)
        label = f"{name}: {rows[0][name]:.6g}"
        axes.loglog(step, distance, style, markersize=4, linewidth=1.2, label=label)
    axes.set_xlim(step.min() / 2, step.max() * 2)
    axes.set_ylim(1e-19, 1e4)
    axes.set_xlabel("step size of the central difference (rad/s)")
    axes.set_ylabel("|difference $-$ derivative|")
    axes.legend(title="d next qvel hinge / d qvel hinge", loc="center right", bbox_to_anchor=(0.98, 0.55))
    axes.grid(alpha=0.3)
    figure.savefig(PICTURE, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        write(measure())
    elif sys.argv[1:] == ["draw"]:
        draw()
    else:
        sys.exit(__doc__)
