"""``dynsparse envs``: the environments and what their states and actions are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["EXAMPLES", "Envs"]

EXAMPLES = """\
examples:
  dynsparse envs
  dynsparse envs --json | python3 -m json.tool
"""


@dataclass(frozen=True)
class Envs:
    """List the environments: dimensions, substeps, duration of a control step, solver iterations."""

    json: bool = False
    """Write JSON, with the names, units and bounds of every state variable and action."""

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
    }


def _print_table(listed: list[dict[str, Any]]) -> None:
    from dynsparse.cli.output import table, wide_console

    columns = ("environment", "state dim", "action dim", "substeps", "control step (s)", "solver iterations")
    keys = ("name", "state_dim", "action_dim", "substeps", "dt", "iterations")
    rows = [[f"{entry[key]:g}" if key == "dt" else str(entry[key]) for key in keys] for entry in listed]
    wide_console().print(table(columns, rows))
