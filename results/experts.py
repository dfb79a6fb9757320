"""Ship experts from trainings, and measure those that are shipped.

    python results/experts.py ship CheetahRun RUN    # RUN: what dynsparse train-expert left
    python results/experts.py measure                # all that are shipped, into results/experts.csv and .json
    python results/experts.py draw                   # frames of them all, into docs/images/experts

Ship chooses three policies along the curve of a training: the one with the best evaluation (expert), the one whose
evaluation is nearest to the paper's return (paper) and to a quarter of the expert's (novice).  Measuring runs 30 whole
episodes of each with the stochastic policy, in float64, by the workers that collect data sets, from starts and noise
that no training has seen.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dynsparse.config import EPISODE_STEPS
from dynsparse.physics.environment import ENVIRONMENT_NAMES, load_environment
from dynsparse.physics.renderer import Renderer
from dynsparse.provenance import collect_provenance, script_command
from dynsparse.report.clip import draw_strip
from dynsparse.report.figure import render
from dynsparse.report.files import write_file
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.experts import LEVELS, PAPER_RETURNS, shipped_file
from dynsparse.rollout.policy_file import read_weights, save_policy
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.training.curve import mean_interval
from dynsparse.rollout.training.folder import CURVE, POLICIES

HERE = Path(__file__).resolve().parent
CURVES = HERE / "training"
FRAMES = HERE.parent / "docs" / "images" / "experts"
COLUMNS_DRAWN = 6
EPISODES, SEED = 30, 0
EPISODES_OF_CHOICE = 240
"""Half-trained policies reach their aim in one episode and miss it in the next: thirty would not tell them apart."""

CLOSE = 0.03
"""A policy whose return is this near to its aim, as a share of it, is taken without a look at others."""

TRIES = 4
"""Policies near an aim that are run to choose one."""

EXPERT_TARGETS = {
    "CartpoleBalance": 998.0,
    "BallInCup": 960.0,
    "FingerSpin": 920.0,
    "ReacherHard": 950.0,
    "SwimmerSwimmer6": 585.0,
    "FingerTurnEasy": 950.0,
    "CheetahRun": 850.0,
    "WalkerRun": 600.0,
}
"""What an expert's return is to be at least."""


@dataclass(frozen=True)
class Candidate:
    """A policy along the curve of a training."""

    evaluated: float
    path: Path
    seconds: float


def measured(environment: str, path: Path, seed: int = SEED, episodes: int = EPISODES) -> np.ndarray:
    """Return the returns of whole episodes."""
    settings = CollectSettings(episodes * EPISODE_STEPS, str(path), seed=seed)
    with Collector(load_environment(environment), settings) as collector:
        return collector.roll_out(episodes, EPISODE_STEPS).returns


def aim(environment: str, level: str, expert: float) -> float:
    """Return what a level's mean return is to be near, or at least for an expert."""
    if level == "paper":
        return PAPER_RETURNS[environment]
    return EXPERT_TARGETS[environment] if level == "expert" else expert / 4


def reached(level: str, mean: float, goal: float) -> bool:
    """Tell whether a level is what it is to be: novices within a factor of two, the paper's within a tenth."""
    if level == "expert":
        return mean >= goal
    return abs(mean - goal) <= 0.1 * goal if level == "paper" else 0.5 * goal <= mean <= 2 * goal


def along(run: Path) -> list[Candidate]:
    """Return the policies along a training."""
    with (run / CURVE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        Candidate(
            float(row["mean_return"]), run / POLICIES / f"{int(row['steps']):012d}.safetensors", float(row["seconds"])
        )
        for row in rows
    ]


def chosen(environment: str, level: str, candidates: list[Candidate]) -> Candidate:
    """Return the policy of a level, by the training's evaluations and by episodes that are not those of the table."""
    best = max(candidates, key=lambda candidate: candidate.evaluated)
    if level == "expert":
        return best
    goal = aim(environment, level, best.evaluated)
    tried = []
    for candidate in sorted(candidates, key=lambda candidate: abs(candidate.evaluated - goal))[:TRIES]:
        mean = float(measured(environment, candidate.path, SEED + 1, EPISODES_OF_CHOICE).mean())
        tried.append((abs(mean - goal), candidate))
        if abs(mean - goal) <= CLOSE * goal:
            break
    return min(tried, key=lambda pair: pair[0])[1]


def keep_curve(environment: str, level: str, candidate: Candidate) -> None:
    """Keep the curve that a policy is a point of: the expert's, or one with more points of its beginning."""
    CURVES.mkdir(exist_ok=True)
    curve = CURVES / f"{environment}.csv"
    if level == "expert":
        shutil.copy(candidate.path.parent.parent / CURVE, curve)
        return
    with curve.open(encoding="utf-8") as file:
        known = {int(row["steps"]) for row in csv.DictReader(file)}
    if int(candidate.path.stem) not in known:
        shutil.copy(candidate.path.parent.parent / CURVE, CURVES / f"{environment}-early.csv")


def ship(environment: str, runs: list[Path], levels: list[str]) -> None:
    """Put policies of some trainings into the package, each with its measured return."""
    candidates = [candidate for run in runs for candidate in along(run)]
    for level in sorted(levels):  # the expert first: its curve may hold the others
        candidate = chosen(environment, level, candidates)
        weights = read_weights(candidate.path)
        if weights.environment != environment:
            raise SystemExit(f"{candidate.path} was trained on {weights.environment}, not on {environment}")
        mean, low, high = mean_interval(measured(environment, candidate.path))
        notes = {
            **weights.notes,
            "level": level,
            "mean_return": f"{mean:.2f}",
            "return_interval_95": f"{low:.2f} {high:.2f}",
            "return_episodes": str(EPISODES),
            "training_seconds": f"{candidate.seconds:.0f}",
        }
        target = shipped_file(environment, level)
        target.parent.mkdir(exist_ok=True)
        save_policy(target, dataclasses.replace(weights, name=f"{environment}-{level}", notes=notes), overwrite=True)
        print(f"{target.name}: {mean:.1f} ({low:.1f} to {high:.1f}), {notes['steps']} steps", flush=True)
        keep_curve(environment, level, candidate)


def measure() -> None:
    """Measure every shipped policy, and write the table."""
    rows: list[dict[str, Any]] = []
    for environment in ENVIRONMENT_NAMES:
        paths = {level: shipped_file(environment, level) for level in LEVELS}
        found = {level: measured(environment, path) for level, path in paths.items() if path.exists()}
        for level, returns in found.items():
            weights = read_weights(paths[level])
            mean, low, high = mean_interval(returns)
            goal = aim(environment, level, float(found["expert"].mean() if "expert" in found else np.nan))
            row = {
                "environment": environment,
                "level": level,
                "mean_return": round(mean, 2),
                "return_low": round(low, 2),
                "return_high": round(high, 2),
                "lowest": round(float(returns.min()), 2),
                "highest": round(float(returns.max()), 2),
                "episodes": EPISODES,
                "seed": SEED,
                "aim": round(goal, 2),
                "reached": "yes" if reached(level, mean, goal) else "no",
                "steps_learned": int(weights.notes["steps"]),
                "training_seconds": int(weights.notes["training_seconds"]),
                "training_seed": json.loads(weights.notes["settings"])["seed"],
                "sha256": weights.fingerprint,
            }
            rows.append(row)
            print(*(row[name] for name in ("environment", "level", "mean_return", "aim", "reached")), flush=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_file(HERE / "experts.csv", text.getvalue())
    record = {
        "provenance": collect_provenance(script_command(), SEED).to_dict(),
        "paper_returns": dict(PAPER_RETURNS),
        "experts": rows,
    }
    write_file(HERE / "experts.json", json.dumps(record, indent=1) + "\n")


def draw(environments: list[str]) -> None:
    """Draw frames of each level's first episode, a row a level, as a picture of few colours."""
    FRAMES.mkdir(exist_ok=True)
    for environment in environments:
        env, frames, labels = load_environment(environment), [], []
        with Renderer(env, width=320, height=240) as renderer:
            for level in LEVELS:
                settings = CollectSettings(EPISODE_STEPS, str(shipped_file(environment, level)), seed=SEED)
                with Collector(env, settings, workers=1) as collector:
                    episode = collector.roll_out(1, EPISODE_STEPS)
                moments = np.linspace(0, 0.4 * EPISODE_STEPS, COLUMNS_DRAWN).round().astype(int)
                mocap = (np.repeat(x, len(moments), axis=0) for x in (episode.mocap_pos, episode.mocap_quat))
                frames.append(renderer.frames(episode.state[0, moments, : env.nq], *mocap))
                labels += [f"{level}, {moment * env.dt:.2f} s" for moment in moments]
        strip = partial(draw_strip, np.concatenate(frames), labels, environment, columns=COLUMNS_DRAWN)
        (png,) = render(strip, ("png",))
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(FRAMES / f"{environment}.png", optimize=True)
        print(FRAMES / f"{environment}.png", flush=True)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    shipping = verbs.add_parser("ship")
    shipping.add_argument("environment", choices=ENVIRONMENT_NAMES)
    shipping.add_argument("runs", nargs="+", type=Path)
    shipping.add_argument("--levels", nargs="+", choices=LEVELS, default=list(LEVELS))
    verbs.add_parser("measure")
    drawing = verbs.add_parser("draw")
    drawing.add_argument("environments", nargs="*", default=list(ENVIRONMENT_NAMES))
    asked = parser.parse_args()
    if asked.verb == "ship":
        ship(asked.environment, asked.runs, asked.levels)
    elif asked.verb == "draw":
        draw(asked.environments)
    else:
        measure()
    return 0


if __name__ == "__main__":
    sys.exit(main())
