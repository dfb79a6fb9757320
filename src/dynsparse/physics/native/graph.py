"""Scalar graph: what a function of one row computes, number by number, folded while it is built."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["BOOLEAN", "Loop", "ScalarGraph"]

BOOLEAN = frozenset({"lt", "le", "eq", "ne", "and", "or", "not", "isfinite"})
"""Operations whose value is true or false; all others give a float64 number, integers too."""

_LEAVES = frozenset({"constant", "input", "variable", "result"})
"""Nodes without operands: ``variable`` is a number that a loop carries, ``result`` what it is when the loop ends."""

_VALUES: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "rem": np.fmod,
    "atan2": np.arctan2,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "not": lambda a: not a,
    "isfinite": np.isfinite,
    "neg": lambda a: -a,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
}
_COMMUTES = frozenset({"add", "mul", "and", "or", "eq", "ne"})


@dataclass(frozen=True)
class Loop:
    """A loop that every row leaves when its own condition is false; nodes by number.

    Attributes:
        initial: what the carried numbers are before it.
        variables: what they are at the start of a turn.
        condition: whether a row takes another turn.
        updated: what they are after the turn.
        results: what they are in the end.
    """

    initial: Sequence[int]
    variables: Sequence[int]
    condition: int
    updated: Sequence[int]
    results: Sequence[int]


_OPEN = Loop((), (), -1, (), ())
"""Stands for a loop while it is traced."""


class ScalarGraph:
    """Numbers computed from numbers; a node is an operation and its operands, all by number.

    Equal nodes are one node; what is constant, multiplied by zero or one, or added to zero is folded away.  Folding
    takes 0 x for 0, as every derivative's structural zero is: a product with an infinite or undefined number is zero
    then, as it is where the derivative is written by hand.  So are 0 / x and x - x.  A zero may lose its sign or gain
    one: 0 - x is -x, -(x - y) is y - x, x + 0 is x, and a product with -0 is 0.

    Attributes:
        operations: name of each node's operation.
        operands: numbers of its operands; for an input its place, for a loop's number the loop and its place there.
        constants: its value where it is constant, else None.
        loops: the loops, by number.
        inputs: how many inputs there are.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.operations: list[str] = []
        self.operands: list[tuple[int, ...]] = []
        self.constants: list[float | None] = []
        self.loops: list[Loop] = []
        self.inputs = 0
        self._known: dict[object, int] = {}

    def constant(self, value: float) -> int:
        """Return the node of a number; true is 1, false is 0."""
        value = float(value)
        key = ("constant", value, math.copysign(1.0, value)) if value == value else ("constant", "nan")
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._append("constant", (), value)
        return found

    def input(self) -> int:
        """Add the next input."""
        self.inputs += 1
        return self._append("input", (self.inputs - 1,))

    def open_loop(self, count: int) -> tuple[int, list[int]]:
        """Begin a loop that carries some numbers; return its number and its variables."""
        self.loops.append(_OPEN)
        loop = len(self.loops) - 1
        return loop, [self._append("variable", (loop, place)) for place in range(count)]

    def close_loop(
        self, number: int, initial: Sequence[int], variables: Sequence[int], condition: int, updated: Sequence[int]
    ) -> list[int]:
        """End a loop; return its results."""
        results = [self._append("result", (number, place)) for place in range(len(initial))]
        for place, node in enumerate(variables):
            self.operands[node] = (number, place)
        self.loops[number] = Loop(initial, variables, condition, updated, results)
        return results

    def loop_of(self, node: int) -> Loop:
        """Return the loop that a variable or result belongs to."""
        return self.loops[self.operands[node][0]]

    def is_boolean(self, node: int) -> bool:
        """Whether a node is true or false (a constant is a number)."""
        return self.operations[node] in BOOLEAN

    def unary(self, name: str, a: int) -> int:
        """Return an operation on one number."""
        known = self.constants[a]
        if known is not None:
            return self._computed(name, known)
        operation, operands = self.operations[a], self.operands[a]
        if name == "neg" and operation == "neg":
            return operands[0]
        if name == "neg" and operation == "sub":
            return self.binary("sub", operands[1], operands[0])
        if name == "not" and operation == "not":
            return operands[0]
        if name == "abs" and operation in ("abs", "neg"):
            return a if operation == "abs" else self.unary("abs", operands[0])
        return self._node(name, (a,))

    def binary(self, name: str, a: int, b: int) -> int:
        """Return an operation on two numbers."""
        known_a, known_b = self.constants[a], self.constants[b]
        if known_a is not None and known_b is not None:
            return self._computed(name, known_a, known_b)
        folded = _FOLDS[name](self, a, b) if name in _FOLDS else None
        if folded is not None:
            return folded
        if name in _COMMUTES and a > b:
            a, b = b, a
        return self._node(name, (a, b))

    def select(self, condition: int, false: int, true: int) -> int:
        """Return one of two numbers, or of two truth values."""
        known = self.constants[condition]
        if known is not None:
            return true if known else false
        if false == true:
            return true
        if self.operations[condition] == "not":
            return self.select(self.operands[condition][0], true, false)
        if self.is_boolean(false) or self.is_boolean(true):
            return self.binary(
                "or",
                self.binary("and", condition, self.truth(true)),
                self.binary("and", self.unary("not", condition), self.truth(false)),
            )
        return self._node("select", (condition, false, true))

    def truth(self, node: int) -> int:
        """Return whether a number is not zero; a truth value as it is."""
        known = self.constants[node]
        if known is not None:
            return self.constant(known != 0)
        if self.is_boolean(node):
            return node
        if self.operations[node] == "select":
            condition, false, true = self.operands[node]
            if self.constants[false] == 0 and self.constants[true] == 1:
                return condition
        return self.binary("ne", node, self.constant(0.0))

    def number(self, node: int) -> int:
        """Return 1 for true and 0 for false; a number as it is."""
        if not self.is_boolean(node):
            return node
        return self._node("select", (node, self.constant(0.0), self.constant(1.0)))

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """Return, in the order of their making, the nodes that some outputs depend on."""
        needed = bytearray(len(self.operations))
        waiting = list(outputs)
        while waiting:
            node = waiting.pop()
            if needed[node]:
                continue
            needed[node] = True
            if self.operations[node] in ("variable", "result"):
                loop, place = self.loop_of(node), self.operands[node][1]
                waiting += [loop.initial[place], loop.updated[place], loop.condition]
                waiting += [loop.variables[place], loop.results[place]]
            elif self.operations[node] not in _LEAVES:
                waiting += self.operands[node]
        return [node for node, is_needed in enumerate(needed) if is_needed]

    def _append(self, operation: str, operands: tuple[int, ...], value: float | None = None) -> int:
        self.operations.append(operation)
        self.operands.append(operands)
        self.constants.append(value)
        return len(self.operations) - 1

    def _node(self, operation: str, operands: tuple[int, ...]) -> int:
        key = (operation, operands)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._append(operation, operands)
        return found

    def _computed(self, name: str, *values: float) -> int:
        with np.errstate(all="ignore"):
            return self.constant(float(_VALUES[name](*(np.float64(value) for value in values))))


def _add(graph: ScalarGraph, a: int, b: int) -> int | None:
    if graph.constants[a] == 0:
        return b
    if graph.constants[b] == 0:
        return a
    for one, other in ((a, b), (b, a)):
        if graph.operations[other] == "neg":
            return graph.binary("sub", one, graph.operands[other][0])
    return None


def _sub(graph: ScalarGraph, a: int, b: int) -> int | None:
    if graph.constants[b] == 0:
        return a
    if graph.constants[a] == 0:
        return graph.unary("neg", b)
    if a == b:
        return graph.constant(0.0)
    if graph.operations[b] == "neg":
        return graph.binary("add", a, graph.operands[b][0])
    return None


def _mul(graph: ScalarGraph, a: int, b: int) -> int | None:
    for one, other in ((a, b), (b, a)):
        known = graph.constants[one]
        if known == 0:
            return graph.constant(0.0)
        if known == 1:
            return other
        if known == -1:
            return graph.unary("neg", other)
        if graph.operations[one] == "neg":
            return graph.unary("neg", graph.binary("mul", graph.operands[one][0], other))
    return None


def _div(graph: ScalarGraph, a: int, b: int) -> int | None:
    known = graph.constants[b]
    if graph.constants[a] == 0:
        return graph.constant(0.0)
    if known == 1:
        return a
    # The inverse of a power of two is exact, unless it is too large.
    if known is not None and abs(math.frexp(known)[0]) == 0.5 and math.isfinite(1.0 / known):
        return graph.binary("mul", a, graph.constant(1.0 / known))
    return None


def _same(graph: ScalarGraph, a: int, b: int) -> int | None:
    return a if a == b else None


def _logical(absorbing: bool) -> Callable[[ScalarGraph, int, int], int | None]:
    def fold(graph: ScalarGraph, a: int, b: int) -> int | None:
        for one, other in ((a, b), (b, a)):
            known = graph.constants[one]
            if known is not None:
                return graph.constant(absorbing) if bool(known) is absorbing else other
        return _same(graph, a, b)

    return fold


def _compared(equal: bool) -> Callable[[ScalarGraph, int, int], int | None]:
    def fold(graph: ScalarGraph, a: int, b: int) -> int | None:
        for one, other in ((a, b), (b, a)):
            known = graph.constants[other]
            if known is not None and graph.is_boolean(one):
                return one if bool(known) is equal else graph.unary("not", one)
        return None

    return fold


_FOLDS: dict[str, Callable[[ScalarGraph, int, int], int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "max": _same,
    "min": _same,
    "and": _logical(absorbing=False),
    "or": _logical(absorbing=True),
    "eq": _compared(equal=True),
    "ne": _compared(equal=False),
}
