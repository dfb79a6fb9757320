"""Rules of primitives that call, choose or repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from dynsparse.physics.dependence.interpreter import Interpreter, Rule, plain, rule
from dynsparse.physics.dependence.sets import Traced, depends, union, where, zeros_of


def _call(parameter: str) -> Rule:
    def run(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
        if all(variable.aval.dtype == bool for variable in equation.outvars):
            # Truth values are constant, also where they are read off the bits of a number (jnp.signbit).
            operands = tuple(Traced(operand.values) for operand in operands)
        return interpreter.run_closed(equation.params[parameter], operands)

    return run


rule("pjit", "jit", "remat2", "checkpoint", "remat")(_call("jaxpr"))
rule("closed_call", "core_call", "custom_vjp_call")(_call("call_jaxpr"))
rule("custom_vmap_call")(_call("call"))


@rule("custom_jvp_call")
def _custom_jvp_call(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    """Join the paths of the value and of the derivative rule, which JAX follows in its place.

    At these numbers the rule is linear in the tangents, each of which depends on what its operand does.
    """
    parameters = equation.params
    found = interpreter.run_closed(parameters["call_jaxpr"], operands)
    given = operands[parameters["num_consts"] :]
    if all(operand.sets is None for operand in given):
        return found
    # Only a rule that asks for it is told which tangents are zero.
    left_out = [parameters["symbolic_zeros"] and operand.sets is None for operand in given]
    jaxpr, constants, without = parameters["jvp_jaxpr_fun"].call_wrapped(*left_out)
    tangents = [_tangent(operand) for operand, out in zip(given, left_out, strict=True) if not out]
    moved = interpreter.run(jaxpr, constants, [*(Traced(operand.values) for operand in given), *tangents])
    by_rule = iter(moved[len(without) :])
    return [
        value if zero else Traced(value.values, union(value.sets, next(by_rule).sets))
        for value, zero in zip(found, without, strict=True)
    ]


def _tangent(operand: Traced) -> Traced:
    """Return a tangent that may be anything, or zero where an element depends on nothing."""
    if operand.values.dtype.kind not in "fc":
        return Traced(np.zeros(operand.values.shape, dtype=jax.dtypes.float0))
    return Traced(depends(operand).astype(operand.values.dtype), operand.sets)


@rule("cond")
def _cond(interpreter: Interpreter, equation: Any, which: Traced, *operands: Traced) -> list[Traced]:
    branches = equation.params["branches"]
    return interpreter.run_closed(branches[min(max(int(which.values), 0), len(branches) - 1)], operands)


@rule("scan")
def _scan(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    parameters, inner = equation.params, equation.params["jaxpr"]
    first, last = parameters["num_consts"], parameters["num_consts"] + parameters["num_carry"]
    fixed, carried, each = operands[:first], list(operands[first:last]), operands[last:]
    kept: list[Sequence[Traced]] = [()] * parameters["length"]
    turns = range(parameters["length"])
    for turn in reversed(turns) if parameters["reverse"] else turns:
        slices = [Traced(plain(x.values[turn]), None if x.sets is None else x.sets[:, turn]) for x in each]
        found = interpreter.run_closed(inner, [*fixed, *carried, *slices])
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
        goes_on = interpreter.run_closed(parameters["cond_jaxpr"], [*to_condition, *carried])[0].values
        if not goes_on.any():
            return carried
        moved = interpreter.run_closed(parameters["body_jaxpr"], [*to_body, *carried])
        carried = moved if goes_on.all() else [_chosen(goes_on, *pair) for pair in zip(moved, carried, strict=True)]


def _chosen(rows: np.ndarray, new: Traced, old: Traced) -> Traced:
    """Take some rows of one array and the others of another."""
    condition = rows.reshape(*rows.shape, *(1,) * (new.values.ndim - rows.ndim))
    return Traced(np.where(condition, new.values, old.values), where(condition, new.sets, old.sets))
