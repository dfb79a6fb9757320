"""Emission: a scheduled scalar graph as LLVM's intermediate language, several rows to a vector."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from dynsparse.physics.native.graph import ScalarGraph
from dynsparse.physics.native.lanes import LANES
from dynsparse.physics.native.schedule import Piece, Schedule, Turn

__all__ = ["FUNCTION", "Recurrence", "emit"]

FUNCTION = "rows"
"""Name of the function: (memory, inputs, driven, outputs, vectors, turns).  Inputs are (vectors, inputs, LANES), driven
(vectors, turns, driven inputs, LANES), outputs (vectors, turns, LANES, outputs), memory is (slots, LANES); all float64
and aligned to 64 bytes.  Inputs are written to where a function is fed with what it gave."""

_NUMBER, _TRUTH, _MASK = f"<{LANES} x double>", f"<{LANES} x i1>", f"<{LANES} x i64>"
_ALIGNED = f"align {LANES * 8}"
_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "rem": "frem"}
_COMPARED = {"lt": "olt", "le": "ole", "eq": "oeq", "ne": "une"}
_CALLED = {
    "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan",
    "tanh": "tanh", "exp": "exp", "log": "log", "abs": "fabs", "floor": "floor", "ceil": "ceil", "trunc": "trunc",
    "round": "roundeven",
    "max": "maximum", "min": "minimum", "pow": "pow", "atan2": "atan2",
}  # fmt: skip
_ATTRIBUTES = (
    f'attributes #0 = {{ nounwind "prefer-vector-width"="{LANES * 64}" "min-legal-vector-width"="{LANES * 64}" }}'
)
_OUTPUTS = 64


@dataclass(frozen=True)
class Recurrence:
    """How a function is applied to what it gave, turn after turn.

    Attributes:
        fed: pairs of an output's place and the place of the input that it is in the next turn.
        driven: places of the inputs that are given anew for every turn; they follow on one another.
    """

    fed: Sequence[tuple[int, int]] = ()
    driven: range = range(0)


def emit(graph: ScalarGraph, outputs: Sequence[int], recurrence: Recurrence) -> tuple[str, int]:
    """Write a graph as text.

    No operation is fused with another: a product that is subtracted from its equal leaves zero, on every processor.

    Args:
        graph: the graph.
        outputs: the nodes that are wanted.
        recurrence: how one turn leads to the next.

    Returns:
        The module, and how many slots of memory it needs.
    """
    schedule = Schedule(graph, outputs)
    intrinsics: set[str] = set()
    text = [_piece(graph, schedule, piece, intrinsics) for piece in schedule.pieces]
    ends = range(0, len(outputs), _OUTPUTS)
    text += [_stored(graph, schedule, outputs, first) for first in ends]
    text.append(_fed(graph, schedule, outputs, recurrence))
    text.append(_driver(graph, schedule, len(outputs), ends, recurrence))
    text += [f"declare {line}" for line in sorted(intrinsics)]
    return "\n".join([*text, _ATTRIBUTES]), schedule.slots


class _Body:
    """Lines of one piece; what lies in memory is loaded when it is first used."""

    def __init__(self, graph: ScalarGraph, schedule: Schedule, own: Sequence[int]) -> None:
        self._graph, self._schedule = graph, schedule
        self._here = set(own)
        self._names = 0
        self.lines: list[str] = []

    def name(self) -> str:
        """Return a name that is not in use."""
        self._names += 1
        return f"%t{self._names}"

    def line(self, text: str) -> str:
        """Add an instruction; return the name of its value."""
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name

    def number(self, node: int) -> str:
        """Return a node as a number."""
        known = self._graph.constants[node]
        if known is not None:
            return f"splat (double {_hexadecimal(known)})"
        value = self._value(node)
        return self.line(f"uitofp {_TRUTH} {value} to {_NUMBER}") if self._graph.is_boolean(node) else value

    def truth(self, node: int) -> str:
        """Return a node as a truth value."""
        known = self._graph.constants[node]
        return self._value(node) if known is None else f"splat (i1 {'true' if known else 'false'})"

    def keep(self, node: int, value: str | None = None) -> None:
        """Store a node in its slot, with the value it has here or with another number."""
        place = self.line(f"getelementptr inbounds {_NUMBER}, ptr %memory, i64 {self._schedule.slot(node)}")
        if value is None and self._graph.is_boolean(node):
            mask = self.line(f"sext {_TRUTH} %v{node} to {_MASK}")
            self.lines.append(f"store {_MASK} {mask}, ptr {place}, {_ALIGNED}")
        else:
            self.lines.append(f"store {_NUMBER} {value or f'%v{node}'}, ptr {place}, {_ALIGNED}")

    def _value(self, node: int) -> str:
        if node not in self._here:
            self._here.add(node)
            is_input = self._graph.operations[node] == "input"
            place = self._graph.operands[node][0] if is_input else self._schedule.slot(node)
            array = "%inputs" if is_input else "%memory"
            address = self.line(f"getelementptr inbounds {_NUMBER}, ptr {array}, i64 {place}")
            if self._graph.is_boolean(node):
                mask = self.line(f"load {_MASK}, ptr {address}, {_ALIGNED}")
                self.lines.append(f"%v{node} = icmp ne {_MASK} {mask}, zeroinitializer")
            else:
                self.lines.append(f"%v{node} = load {_NUMBER}, ptr {address}, {_ALIGNED}")
        return f"%v{node}"


def _piece(graph: ScalarGraph, schedule: Schedule, piece: Piece, intrinsics: set[str]) -> str:
    body = _Body(graph, schedule, piece.nodes)
    result = "void"
    if piece.loop is None:
        for node in piece.nodes:
            body.lines.append(f"%v{node} = {_instruction(graph, body, node, intrinsics)}")
            if schedule.slot(node) is not None:
                body.keep(node)
    else:
        loop, places = piece.loop, schedule.carried(piece.loop)
        if piece.kind == "test":
            call = f"i1 @llvm.vector.reduce.or.v{LANES}i1({_TRUTH}"
            intrinsics.add(call + ")")
            goes_on = body.line(f"call {call} {body.truth(loop.condition)})")
            result = f"i1 {goes_on}"
        elif piece.kind == "begin":
            values = [body.number(loop.initial[place]) for place in places]
            for place, value in zip(places, values, strict=True):
                body.keep(loop.variables[place], value)
        else:
            # A row that has left keeps what it had; everything is read before anything is written.
            condition = body.truth(loop.condition)
            pairs = [(body.number(loop.updated[place]), body.number(loop.variables[place])) for place in places]
            values = [body.line(f"select {_TRUTH} {condition}, {_NUMBER} {new}, {_NUMBER} {old}") for new, old in pairs]
            for place, value in zip(places, values, strict=True):
                body.keep(loop.variables[place], value)
    head = (
        f"define internal {result.split()[0]} @p{piece.number}(ptr noalias %memory, ptr noalias %inputs) noinline #0 {{"
    )
    return "\n".join([head, *body.lines, f"ret {result}", "}"])


def _instruction(graph: ScalarGraph, body: _Body, node: int, intrinsics: set[str]) -> str:
    name, operands = graph.operations[node], graph.operands[node]
    if name in _ARITHMETIC:
        return f"{_ARITHMETIC[name]} {_NUMBER} {body.number(operands[0])}, {body.number(operands[1])}"
    if name in _COMPARED:
        return f"fcmp {_COMPARED[name]} {_NUMBER} {body.number(operands[0])}, {body.number(operands[1])}"
    if name in ("and", "or"):
        return f"{name} {_TRUTH} {body.truth(operands[0])}, {body.truth(operands[1])}"
    if name == "not":
        return f"xor {_TRUTH} {body.truth(operands[0])}, splat (i1 true)"
    if name == "select":
        condition, false, true = body.truth(operands[0]), body.number(operands[1]), body.number(operands[2])
        return f"select {_TRUTH} {condition}, {_NUMBER} {true}, {_NUMBER} {false}"
    if name == "neg":
        return f"fneg {_NUMBER} {body.number(operands[0])}"
    if name == "isfinite":
        value = body.number(operands[0])
        nothing = body.line(f"fsub {_NUMBER} {value}, {value}")
        return f"fcmp ord {_NUMBER} {nothing}, zeroinitializer"
    if name == "sign":
        value = body.number(operands[0])
        below = body.line(f"fcmp olt {_NUMBER} {value}, zeroinitializer")
        above = body.line(f"fcmp ogt {_NUMBER} {value}, zeroinitializer")
        rest = body.line(f"select {_TRUTH} {below}, {_NUMBER} splat (double -1.0), {_NUMBER} {value}")
        return f"select {_TRUTH} {above}, {_NUMBER} splat (double 1.0), {_NUMBER} {rest}"
    values = [body.number(operand) for operand in operands]
    function = f"{_NUMBER} @llvm.{_CALLED[name]}.v{LANES}f64"
    intrinsics.add(f"{function}({', '.join([_NUMBER] * len(values))})")
    return f"call {function}({', '.join(f'{_NUMBER} {value}' for value in values)})"


def _stored(graph: ScalarGraph, schedule: Schedule, outputs: Sequence[int], first: int) -> str:
    """Write some outputs, row by row."""
    body = _Body(graph, schedule, ())
    for place, node in enumerate(outputs[first : first + _OUTPUTS], first):
        value = body.number(node)
        for lane in range(LANES):
            address = body.line(f"getelementptr inbounds double, ptr %outputs, i64 {lane * len(outputs) + place}")
            one = body.line(f"extractelement {_NUMBER} {value}, i64 {lane}")
            body.lines.append(f"store double {one}, ptr {address}, align 8")
    head = (
        f"define internal void @s{first}(ptr noalias %memory, ptr noalias %inputs, ptr noalias %outputs) noinline #0 {{"
    )
    return "\n".join([head, *body.lines, "ret void", "}"])


def _fed(graph: ScalarGraph, schedule: Schedule, outputs: Sequence[int], recurrence: Recurrence) -> str:
    """Turn outputs into inputs; everything is read before anything is written."""
    body = _Body(graph, schedule, ())
    values = [(body.number(outputs[place]), target) for place, target in recurrence.fed]
    for value, target in values:
        address = body.line(f"getelementptr inbounds {_NUMBER}, ptr %inputs, i64 {target}")
        body.lines.append(f"store {_NUMBER} {value}, ptr {address}, {_ALIGNED}")
    head = "define internal void @fed(ptr noalias %memory, ptr noalias %inputs) noinline #0 {"
    return "\n".join([head, *body.lines, "ret void", "}"])


def _driver(graph: ScalarGraph, schedule: Schedule, outputs: int, ends: Sequence[int], recurrence: Recurrence) -> str:
    lines: list[str] = []

    def call(piece: Piece) -> str:
        return f"@p{piece.number}(ptr %memory, ptr %inputs)"

    def write(program: Sequence[Piece | Turn]) -> None:
        for step in program:
            if isinstance(step, Piece):
                lines.append(f"call void {call(step)}")
                continue
            number = step.test.number
            lines.extend([f"br label %turn{number}", f"turn{number}:"])
            write(step.condition)
            lines.append(f"%more{number} = call i1 {call(step.test)}")
            lines.extend([f"br i1 %more{number}, label %body{number}, label %end{number}", f"body{number}:"])
            write(step.body)
            lines.extend([f"call void {call(step.update)}", f"br label %turn{number}", f"end{number}:"])

    for place, target in enumerate(recurrence.driven):
        lines += [
            f"%source{place} = getelementptr inbounds {_NUMBER}, ptr %driven, i64 {place}",
            f"%value{place} = load {_NUMBER}, ptr %source{place}, {_ALIGNED}",
            f"%target{place} = getelementptr inbounds {_NUMBER}, ptr %inputs, i64 {target}",
            f"store {_NUMBER} %value{place}, ptr %target{place}, {_ALIGNED}",
        ]
    write(schedule.program)
    lines += [f"call void @s{first}(ptr %memory, ptr %inputs, ptr %outputs)" for first in ends]
    lines.append("call void @fed(ptr %memory, ptr %inputs)")
    return "\n".join(
        [
            f"define void @{FUNCTION}(ptr %memory, ptr %all_inputs, ptr %all_driven, ptr %all_outputs, "
            "i64 %vectors, i64 %turns) #0 {",
            "start:",
            "br label %vector",
            "vector:",
            "%i = phi i64 [0, %start], [%next_vector, %last]",
            f"%from = mul i64 %i, {graph.inputs * LANES}",
            "%inputs = getelementptr inbounds double, ptr %all_inputs, i64 %from",
            "%first = mul i64 %i, %turns",
            "br label %turn",
            "turn:",
            "%t = phi i64 [0, %vector], [%next_turn, %turned]",
            "%done_turns = add i64 %first, %t",
            f"%by = mul i64 %done_turns, {len(recurrence.driven) * LANES}",
            "%driven = getelementptr inbounds double, ptr %all_driven, i64 %by",
            f"%to = mul i64 %done_turns, {outputs * LANES}",
            "%outputs = getelementptr inbounds double, ptr %all_outputs, i64 %to",
            *lines,
            "br label %turned",
            "turned:",
            "%next_turn = add i64 %t, 1",
            "%more_turns = icmp slt i64 %next_turn, %turns",
            "br i1 %more_turns, label %turn, label %last",
            "last:",
            "%next_vector = add i64 %i, 1",
            "%more_vectors = icmp slt i64 %next_vector, %vectors",
            "br i1 %more_vectors, label %vector, label %done",
            "done:",
            "ret void",
            "}",
        ]
    )


def _hexadecimal(value: float) -> str:
    """Return a number as LLVM reads it exactly."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
