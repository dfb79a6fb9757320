"""Tracing: a JAX function of one row, as the scalar graph of what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend import core as jax_core

from dynsparse.errors import PrecisionError
from dynsparse.physics.native.graph import ScalarGraph
from dynsparse.physics.native.number_types import NumberTypes

__all__ = ["RULES", "Nodes", "Result", "Tracer", "UntraceableError", "rule", "trace"]

Nodes = np.ndarray
"""Numbers of nodes, int64, in the shape of the array whose elements they are."""

Rule = Callable[..., "Nodes | Sequence[Nodes]"]

RULES: dict[str, Rule] = {}
"""What each JAX primitive does: (tracer, equation, *operands) to its results."""

MOST_NODES = 1_500_000
"""A function of more operations is left to XLA: LLVM would compile for minutes."""


class UntraceableError(Exception):
    """A function can not become a scalar graph; its message says what is in the way.  Never reaches a user."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of some primitives."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


class Tracer:
    """Evaluates the equations of a jaxpr on nodes.

    Args:
        graph: where the nodes are.
    """

    def __init__(self, graph: ScalarGraph) -> None:
        self.graph = graph
        self.types = NumberTypes(graph)

    def constants(self, values: object) -> Nodes:
        """Return the nodes of known numbers."""
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise UntraceableError(f"numbers of type {array.dtype}")
        nodes = [self.graph.constant(value) for value in array.reshape(-1).tolist()]
        return np.array(nodes, dtype=np.int64).reshape(array.shape)

    def run(self, jaxpr: Any, constants: Sequence[object], operands: Sequence[Nodes]) -> list[Nodes]:
        """Evaluate a jaxpr.

        Args:
            jaxpr: the equations.
            constants: what it closes over.
            operands: nodes of its arguments.

        Returns:
            Nodes of its results.

        Raises:
            UntraceableError: a primitive, a type or a size is in the way.
        """
        known: dict[Any, Nodes] = {}

        def read(variable: Any) -> Nodes:
            return self.constants(variable.val) if isinstance(variable, jax_core.Literal) else known[variable]

        known.update(
            (variable, self.constants(value)) for variable, value in zip(jaxpr.constvars, constants, strict=True)
        )
        known.update(zip(jaxpr.invars, operands, strict=True))
        for equation in _used(jaxpr):
            name = equation.primitive.name
            if name not in RULES:
                raise UntraceableError(f"JAX's primitive {name}")
            found = RULES[name](self, equation, *map(read, equation.invars))
            results = found if isinstance(found, list | tuple) else [found]
            if len(self.graph.operations) > MOST_NODES:
                raise UntraceableError(f"more than {MOST_NODES:,} operations")
            for variable, result in zip(equation.outvars, results, strict=True):
                if np.shape(result) != variable.aval.shape:
                    raise UntraceableError(f"{name} gave {np.shape(result)} in place of {variable.aval.shape}")
                known[variable] = self._typed(name, variable.aval.dtype, result)
        return [read(variable) for variable in jaxpr.outvars]

    def _typed(self, name: str, dtype: Any, nodes: Nodes) -> Nodes:
        """Return a result as its type holds it; what is known is rounded to it."""
        flat = nodes.reshape(-1).tolist()
        if all(self.types.holds(dtype, node) for node in flat):
            return nodes
        known = self.known(nodes)
        if known is None or not jax.numpy.issubdtype(dtype, jax.numpy.floating):
            raise UntraceableError(f"{name} gives numbers of type {dtype}")
        with np.errstate(over="ignore"):  # what is too large becomes infinite, as in JAX
            return self.constants(known.astype(dtype).astype(np.float64))

    def unary(self, name: str, a: Nodes) -> Nodes:
        """Apply an operation to every element."""
        one = self.graph.unary
        return _filled([one(name, x) for x in a.reshape(-1).tolist()], a.shape)

    def binary(self, name: str, a: Nodes, b: Nodes) -> Nodes:
        """Apply an operation to every pair of elements."""
        a, b = np.broadcast_arrays(a, b)
        one = self.graph.binary
        pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
        return _filled([one(name, x, y) for x, y in pairs], a.shape)

    def select(self, condition: Nodes, false: Nodes, true: Nodes) -> Nodes:
        """Choose between elements; each may be one for all."""
        one, truth = self.graph.select, self.graph.truth
        condition, false, true = np.broadcast_arrays(condition, false, true)
        parts = (x.reshape(-1).tolist() for x in (condition, false, true))
        return _filled([one(truth(c), f, t) for c, f, t in zip(*parts, strict=True)], false.shape)

    def truths(self, a: Nodes) -> Nodes:
        """Return truth values; numbers count as true where they are not zero."""
        return _filled([self.graph.truth(x) for x in a.reshape(-1).tolist()], a.shape)

    def numbers(self, a: Nodes) -> Nodes:
        """Return numbers; true is 1."""
        return _filled([self.graph.number(x) for x in a.reshape(-1).tolist()], a.shape)

    def known(self, a: Nodes) -> np.ndarray | None:
        """Return the values of nodes that are all constant, else None."""
        values = [self.graph.constants[x] for x in a.reshape(-1).tolist()]
        return None if any(value is None for value in values) else np.array(values, dtype=float).reshape(a.shape)


class Result(NamedTuple):
    """One array that a function returns: its nodes, and NumPy's name of its type."""

    nodes: Nodes
    dtype: str


def trace(function: Callable[..., Any], shapes: Sequence[tuple[int, ...]]) -> tuple[ScalarGraph, list[Result]]:
    """Trace a function of one row.

    Args:
        function: of float64 arrays of those shapes, to a pytree of arrays.
        shapes: of its arguments.

    Returns:
        The graph, whose inputs are the arguments' elements in order, and the results.

    Raises:
        UntraceableError: it does what no scalar graph can say.
        PrecisionError: JAX is not to compute in float64.
    """
    from dynsparse.physics.native import control, elementwise, indexing, matrices, shaping  # noqa: F401 # enter rules

    found_type = jax.dtypes.canonicalize_dtype(np.float64)
    if found_type != np.float64:
        raise PrecisionError(
            f"expected JAX to take arguments as float64, it takes {found_type}; use jax.enable_x64(True)"
        )
    closed = jax.make_jaxpr(function)(*(np.zeros(shape) for shape in shapes))
    graph = ScalarGraph()
    operands = [_filled([graph.input() for _ in range(int(np.prod(shape, dtype=int)))], shape) for shape in shapes]
    found = Tracer(graph).run(closed.jaxpr, closed.consts, operands)
    return graph, [Result(nodes, aval.dtype.name) for nodes, aval in zip(found, closed.out_avals, strict=True)]


def _used(jaxpr: Any) -> list[Any]:
    """Return the equations that the results depend on."""
    wanted = {variable for variable in jaxpr.outvars if not isinstance(variable, jax_core.Literal)}
    used = []
    for equation in reversed(jaxpr.eqns):
        if wanted.intersection(equation.outvars):
            used.append(equation)
            wanted.update(v for v in equation.invars if not isinstance(v, jax_core.Literal))
    return used[::-1]


def _filled(nodes: list[int], shape: tuple[int, ...]) -> Nodes:
    return np.array(nodes, dtype=np.int64).reshape(shape)
