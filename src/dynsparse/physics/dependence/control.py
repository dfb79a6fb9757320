"""Rules of primitives that call, choose, repeat or solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dynsparse.physics.dependence.interpreter import Interpreter, Rule, rule
from dynsparse.physics.dependence.sets import Traced, union, where, zeros_of


def _call(parameter: str) -> Rule:
    def run(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
        return _run(interpreter, equation.params[parameter], operands)

    return run


def _run(interpreter: Interpreter, inner: Any, operands: Sequence[Traced]) -> list[Traced]:
    return interpreter.run(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands)


rule("pjit", "jit", "remat2", "checkpoint", "remat")(_call("jaxpr"))
rule("closed_call", "core_call", "custom_jvp_call", "custom_vjp_call")(_call("call_jaxpr"))
rule("custom_vmap_call")(_call("call"))


@rule("cond")
def _cond(interpreter: Interpreter, equation: Any, which: Traced, *operands: Traced) -> list[Traced]:
    branches = equation.params["branches"]
    return _run(interpreter, branches[min(max(int(which.values), 0), len(branches) - 1)], operands)


@rule("scan")
def _scan(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    parameters, inner = equation.params, equation.params["jaxpr"]
    first, last = parameters["num_consts"], parameters["num_consts"] + parameters["num_carry"]
    fixed, carried, each = operands[:first], list(operands[first:last]), operands[last:]
    kept: list[Sequence[Traced]] = [()] * parameters["length"]
    turns = range(parameters["length"])
    for turn in reversed(turns) if parameters["reverse"] else turns:
        slices = [Traced(np.asarray(x.values[turn]), None if x.sets is None else x.sets[:, turn]) for x in each]
        found = _run(interpreter, inner, [*fixed, *carried, *slices])
        carried, kept[turn] = found[: last - first], found[last - first :]
    stacked = []
    for place, variable in enumerate(equation.outvars[last - first :]):
        if not kept:
            stacked.append(Traced(np.zeros(variable.aval.shape, variable.aval.dtype)))
            continue
        rows = [one[place] for one in kept]
        sets = None
        if any(row.sets is not None for row in rows):
            sets = np.stack([zeros_of(row, interpreter.words) for row in rows], axis=1)
        stacked.append(Traced(np.stack([row.values for row in rows]), sets))
    return [*carried, *stacked]


@rule("while")
def _while(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    """Run the loop; of a batch, until its last row is done, and rows that are done stay as they are."""
    parameters = equation.params
    first = parameters["cond_nconsts"]
    last = first + parameters["body_nconsts"]
    to_condition, to_body, carried = operands[:first], operands[first:last], list(operands[last:])
    while True:
        goes_on = _run(interpreter, parameters["cond_jaxpr"], [*to_condition, *carried])[0].values
        if not goes_on.any():
            return carried
        moved = _run(interpreter, parameters["body_jaxpr"], [*to_body, *carried])
        carried = moved if goes_on.all() else [_chosen(goes_on, *pair) for pair in zip(moved, carried, strict=True)]


def _chosen(rows: np.ndarray, new: Traced, old: Traced) -> Traced:
    """Take some rows of one array and the others of another."""
    condition = rows.reshape(*rows.shape, *(1,) * (new.values.ndim - rows.ndim))
    return Traced(np.where(condition, new.values, old.values), where(condition, new.sets, old.sets))


@rule("custom_linear_solve")
def _custom_linear_solve(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    """Solve ``A x = b``, whose solution moves by ``A^-1 (db - dA x)``.

    JAX holds the factor constant and differentiates the equation; so what ``A`` depends on enters by the product
    with the solution, and passes through the solve once more.
    """
    lengths, jaxprs = equation.params["const_lengths"], equation.params["jaxprs"]
    ends = np.cumsum([lengths.matvec, lengths.vecmat, lengths.solve, lengths.transpose_solve])
    to_product, to_solve, right = operands[: ends[0]], operands[ends[1] : ends[2]], operands[ends[3] :]
    solution = _run(interpreter, jaxprs.solve, [*to_solve, *right])
    if all(x.sets is None for x in to_product):
        return solution
    moved = _run(interpreter, jaxprs.matvec, [*to_product, *solution])
    both = [Traced(b.values, union(b.sets, x.sets)) for b, x in zip(right, moved, strict=True)]
    return _run(interpreter, jaxprs.solve, [*to_solve, *both])
