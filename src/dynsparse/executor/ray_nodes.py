"""Nodes of a Ray cluster: which there are, and that each of them computes the same on the same files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.dataset.files import PARTIAL
from dynsparse.errors import ExecutorError
from dynsparse.executor.node_report import differences, node_report
from dynsparse.executor.variables import chosen_variables

__all__ = ["Node", "check_nodes", "on_node", "runtime_variables"]

_ANSWER_S = 60.0


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Ray's name of it.
        name: Host name and address, for people.
        cores: Units that it runs at the same time.
    """

    id: str
    name: str
    cores: int


def on_node(node: Node) -> Any:
    """Return Ray's word for "on this node and no other"."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node.id, soft=False)


def runtime_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of Ray's workers: those of units, and those by which this process changes JAX's numbers."""
    return {**chosen_variables(os.environ), **variables}


def check_nodes(ray: Any, folder: Path, paths: Sequence[str], variables: Mapping[str, str]) -> list[Node]:
    """Ask every node what it sees and has, before any unit is run there.

    Args:
        ray: The module, connected.
        folder: Where results go; it has to be shared.
        paths: Files and folders that units read; likewise.
        variables: Of the workers, as ``runtime_variables`` gives them.

    Returns:
        The nodes that are alive.

    Raises:
        ExecutorError: One of them does not share a folder, has other versions, sources or variables, or did not answer;
            it is named.
        OSError: The folder can not be written.
    """
    nodes = _alive(ray)
    # A name that begins like this is swept away, should nobody come to remove it.
    token, text = folder / f"{PARTIAL}{secrets.token_hex(8)}", secrets.token_hex(16)
    token.write_text(text)
    try:
        faults = _faults(ray, nodes, token, paths, variables)
    finally:
        token.unlink(missing_ok=True)
    # One that died meanwhile, or had died and was not missed yet, is no fault of the others.
    left = {node.id for node in _alive(ray)}
    nodes = [node for node in nodes if node.id in left]
    told = [f"node {node.name}: {', '.join(faults[node.id])}" for node in nodes if faults[node.id]]
    if told:
        raise ExecutorError(
            f"{len(told)} of {len(nodes)} nodes can not run these units: {'; '.join(told)}; every node has to see "
            f"{folder} and the data sets at the same paths and have the same packages: mount the file system there, "
            "or stop Ray on that node"
        )
    if not any(node.cores for node in nodes):
        raise ExecutorError("expected a Ray cluster with CPUs, none of its nodes has any; see ray status")
    return nodes


def _alive(ray: Any) -> list[Node]:
    return [
        Node(
            node["NodeID"],
            f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, Ray's {node['NodeID'][:8]})",
            int(node["Resources"].get("CPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]


def _faults(
    ray: Any, nodes: Sequence[Node], token: Path, paths: Sequence[str], variables: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return what is wrong with each node, by its id."""
    ask = ray.remote(num_cpus=0, max_retries=0)(node_report)
    environment = {"env_vars": dict(variables)}
    asked = {
        ask.options(scheduling_strategy=on_node(node), runtime_env=environment).remote(
            str(token), list(paths), list(variables)
        ): node
        for node in nodes
    }
    wanted = node_report(str(token), paths, ())
    wanted["variables"] = dict(variables)
    ray.wait(list(asked), num_returns=len(asked), timeout=_ANSWER_S)
    faults = {}
    for reference, node in asked.items():
        try:
            told = differences(wanted, ray.get(reference, timeout=0))
        except ray.exceptions.GetTimeoutError:
            told = [f"it did not answer within {_ANSWER_S:.0f} s"]
        except Exception as error:  # whatever the node's Ray, Python or dynsparse has to say
            told = [f"it can not answer: {_last_line(error)}"]
        faults[node.id] = told
    return faults


def _last_line(error: Exception) -> str:
    """Return what an error of another process comes down to: its last line, without the traceback above."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
