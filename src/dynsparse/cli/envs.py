"""``dynsparse envs``: the environments and what their states and actions are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.rollout.experts import ShippedExpert

__all__ = ["EXAMPLES", "Envs"]

EXAMPLES = """\
examples:
  dynsparse envs
  dynsparse envs --json | python3 -m json.tool
"""


@dataclass(frozen=True)
class Envs:
    """List the environments: dimensions, substeps, control step, solver iterations, returns of the shipped policies.

    Playground's locomotion and manipulation tasks, Gymnasium's MuJoCo tasks and model files (.xml) are environments
    too, which are not listed here: see the how-to on environments of your own.
    """

    json: bool = False
    """Write JSON, with the names, units and bounds of every state variable and action, and all that is known of the
    policies."""

    def run(self) -> int:
        """Print the table.

        Returns:
            The exit code.
        """
        from dynsparse.physics.environment import ENVIRONMENT_NAMES, load_environment
        from dynsparse.physics.sources.catalog import ALL_ENVIRONMENT_NAMES

        names = (*ENVIRONMENT_NAMES, *(name for name in ALL_ENVIRONMENT_NAMES if name not in ENVIRONMENT_NAMES))
        listed = [_describe(load_environment(name)) for name in names]
        if self.json:
            print(json.dumps(listed, indent=1))
        else:
            _print_table(listed)
        return 0


def _describe(env: Environment) -> dict[str, Any]:
    from dynsparse.physics.environment import ENVIRONMENT_NAMES
    from dynsparse.rollout.experts import shipped_experts

    return {
        "name": env.name,
        "paper": env.name in ENVIRONMENT_NAMES,
        "state_dim": env.state_dim,
        "tangent_dim": env.tangent_dim,
        "action_dim": env.action_dim,
        "substeps": env.substeps,
        "dt": env.dt,
        "iterations": int(env.model.opt.iterations),
        "ls_iterations": int(env.model.opt.ls_iterations),
        "state_names": list(env.state_names),
        "state_units": list(env.state_units),
        "tangent_names": list(env.tangent_names),
        "action_names": list(env.action_names),
        "action_low": env.action_low.tolist(),
        "action_high": env.action_high.tolist(),
        "experts": {level: _skill(expert) for level, expert in shipped_experts(env.name).items()},
    }


def _skill(expert: ShippedExpert) -> dict[str, Any]:
    return {
        "mean_return": expert.mean_return,
        "return_interval_95": [expert.return_low, expert.return_high],
        "episodes": expert.episodes,
        "steps": expert.steps,
    }


def _cell(key: str, value: Any) -> str:
    if key == "paper":
        return "yes" if value else ""
    return f"{value:g}" if key == "dt" else str(value)


def _print_table(listed: list[dict[str, Any]]) -> None:
    from dynsparse.cli.output import table, wide_console
    from dynsparse.rollout.experts import LEVELS

    columns = ("environment", "paper", "state dim", "tangent dim", "action dim", "substeps", "dt (s)", "iterations")
    keys = ("name", "paper", "state_dim", "tangent_dim", "action_dim", "substeps", "dt", "iterations")
    rows = [[_cell(key, entry[key]) for key in keys] for entry in listed]
    for row, entry in zip(rows, listed, strict=True):
        known = entry["experts"]
        row.extend(f"{known[level]['mean_return']:.1f}" if level in known else "-" for level in LEVELS)
    wide_console().print(table((*columns, *LEVELS), rows))
    print("paper: of the paper's eight; tangent dim: rows of a Jacobian")
    print("novice, paper, expert: mean return of the policies that come with dynsparse")
