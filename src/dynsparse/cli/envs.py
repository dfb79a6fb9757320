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
    """List the environments: dimensions, substeps, control step, solver iterations, returns of the shipped policies."""

    json: bool = False
    """Write JSON, with the names, units and bounds of every state variable and action, and all that is known of the
    policies."""

    def run(self) -> int:
        """Print the table.

        Returns:
            The exit code.
        """
        from dynsparse.physics.environment import ENVIRONMENT_NAMES, load_environment

        listed = [_describe(load_environment(name)) for name in ENVIRONMENT_NAMES]
        if self.json:
            print(json.dumps(listed, indent=1))
        else:
            _print_table(listed)
        return 0


def _describe(env: Environment) -> dict[str, Any]:
    from dynsparse.rollout.experts import shipped_experts

    return {
        "name": env.name,
        "state_dim": env.state_dim,
        "action_dim": env.action_dim,
        "substeps": env.substeps,
        "dt": env.dt,
        "iterations": int(env.model.opt.iterations),
        "ls_iterations": int(env.model.opt.ls_iterations),
        "state_names": list(env.state_names),
        "state_units": list(env.state_units),
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


def _print_table(listed: list[dict[str, Any]]) -> None:
    from dynsparse.cli.output import table, wide_console
    from dynsparse.rollout.experts import LEVELS

    columns = ("environment", "state dim", "action dim", "substeps", "dt (s)", "iterations")
    keys = ("name", "state_dim", "action_dim", "substeps", "dt", "iterations")
    rows = [[f"{entry[key]:g}" if key == "dt" else str(entry[key]) for key in keys] for entry in listed]
    for row, entry in zip(rows, listed, strict=True):
        known = entry["experts"]
        row.extend(f"{known[level]['mean_return']:.1f}" if level in known else "-" for level in LEVELS)
    wide_console().print(table((*columns, *LEVELS), rows))
    print("novice, paper, expert: mean return of the policies that come with dynsparse")
