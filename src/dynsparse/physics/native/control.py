"""Rules of primitives that call, choose or repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dynsparse.physics.native.tracing import Nodes, Rule, Tracer, UntraceableError, rule


def _call(parameter: str) -> Rule:
    def run(tracer: Tracer, equation: Any, *operands: Nodes) -> Sequence[Nodes]:
        inner = equation.params[parameter]
        return tracer.run(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands)

    return run


rule("pjit", "jit", "remat2", "checkpoint", "remat")(_call("jaxpr"))
rule("closed_call", "core_call", "custom_jvp_call", "custom_vjp_call")(_call("call_jaxpr"))


@rule("cond")
def _cond(tracer: Tracer, equation: Any, which: Nodes, *operands: Nodes) -> Sequence[Nodes]:
    branches = equation.params["branches"]
    known = tracer.graph.constants[int(which)]
    if known is not None:
        chosen = branches[min(max(int(known), 0), len(branches) - 1)]
        return tracer.run(chosen.jaxpr, chosen.consts, operands)
    if len(branches) != 2:
        raise UntraceableError(f"a choice between {len(branches)} branches")
    false, true = (tracer.run(branch.jaxpr, branch.consts, operands) for branch in branches)
    return [tracer.select(which, f, t) for f, t in zip(false, true, strict=True)]


@rule("scan")
def _scan(tracer: Tracer, equation: Any, *operands: Nodes) -> Sequence[Nodes]:
    """Unroll: lengths are bodies, joints or a handful of points."""
    parameters, inner = equation.params, equation.params["jaxpr"]
    first, last = parameters["num_consts"], parameters["num_consts"] + parameters["num_carry"]
    fixed, carried, each = operands[:first], list(operands[first:last]), operands[last:]
    kept: list[Sequence[Nodes]] = [()] * parameters["length"]
    turns = range(parameters["length"])
    for turn in reversed(turns) if parameters["reverse"] else turns:
        found = tracer.run(inner.jaxpr, inner.consts, [*fixed, *carried, *(x[turn] for x in each)])
        carried, kept[turn] = list(found[: last - first]), found[last - first :]
    stacked = [
        np.array([one[place] for one in kept], dtype=np.int64).reshape(variable.aval.shape)
        for place, variable in enumerate(equation.outvars[last - first :])
    ]
    return [*carried, *stacked]


@rule("while")
def _while(tracer: Tracer, equation: Any, *operands: Nodes) -> Sequence[Nodes]:
    parameters, graph = equation.params, tracer.graph
    first = parameters["cond_nconsts"]
    last = first + parameters["body_nconsts"]
    to_condition, to_body, carried = operands[:first], operands[first:last], operands[last:]
    condition, body = parameters["cond_jaxpr"], parameters["body_jaxpr"]
    if condition.out_avals[0].shape:
        raise UntraceableError("a loop over a batch")
    boolean = [variable.aval.dtype == bool for variable in body.jaxpr.outvars]

    def flat(arrays: Sequence[Nodes]) -> list[int]:
        return [node for array in arrays for node in tracer.numbers(array).reshape(-1).tolist()]

    def shaped(nodes: Sequence[int]) -> list[Nodes]:
        parts = np.split(np.array(nodes, dtype=np.int64), np.cumsum([array.size for array in carried])[:-1])
        arrays = [part.reshape(array.shape) for part, array in zip(parts, carried, strict=True)]
        return [tracer.truths(x) if flag else x for x, flag in zip(arrays, boolean, strict=True)]

    initial = flat(carried)
    varies = [True] * len(initial)
    while True:
        # What no turn changes is no variable; without it more folds, and less may vary.
        number, variables = graph.open_loop(sum(varies))
        waiting = iter(variables)
        start = [next(waiting) if flag else node for flag, node in zip(varies, initial, strict=True)]
        (goes_on,) = tracer.run(condition.jaxpr, condition.consts, [*to_condition, *shaped(start)])
        end = flat(tracer.run(body.jaxpr, body.consts, [*to_body, *shaped(start)]))
        still = [
            flag and after not in (before, outside)
            for flag, before, after, outside in zip(varies, start, end, initial, strict=True)
        ]
        if still == varies:
            break
        varies = still
    places = [place for place, flag in enumerate(varies) if flag]
    results = graph.close_loop(
        number, [initial[k] for k in places], variables, graph.truth(int(goes_on)), [end[k] for k in places]
    )
    found = iter(results)
    return shaped([next(found) if flag else node for flag, node in zip(varies, initial, strict=True)])
