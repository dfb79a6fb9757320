"""Schedule: the order in which a scalar graph is computed, cut into pieces, and where numbers wait in between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dynsparse.physics.native.graph import Loop, ScalarGraph

__all__ = ["Piece", "Schedule", "Turn"]

PIECE_NODES = 400
"""Most operations of a piece.  LLVM's time for a piece grows faster than its length; shorter ones keep more numbers
waiting in memory."""


@dataclass(frozen=True)
class Piece:
    """Some operations in a row, one function of machine code.

    Attributes:
        number: its place in the order.
        kind: ``"nodes"``; or what a loop does: ``"begin"``, ``"test"`` or ``"update"``.
        nodes: the operations.
        loop: the loop.
    """

    number: int
    kind: str
    nodes: Sequence[int] = ()
    loop: Loop | None = None


@dataclass(frozen=True)
class Turn:
    """A loop: its condition's pieces, its test, the pieces of a turn, the update."""

    condition: Sequence[Piece | Turn]
    test: Piece
    body: Sequence[Piece | Turn]
    update: Piece


@dataclass
class _Region:
    """What is computed inside one loop and in no loop inside of it; loops by their number."""

    steps: list[int | tuple[int]] = field(default_factory=list)


class Schedule:
    """The program for some outputs of a graph.

    Args:
        graph: the graph.
        outputs: the nodes that are wanted.

    Attributes:
        program: pieces and loops, in order.
        pieces: all pieces, by number.
        slots: how many numbers wait in memory at most.
    """

    def __init__(self, graph: ScalarGraph, outputs: Sequence[int]) -> None:
        self._graph = graph
        self._needed = graph.needed(outputs)
        self._is_needed = set(self._needed)
        self.pieces: list[Piece] = []
        self._made: dict[int, int] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        self._regions = self._place()
        self.program = self._arrange(self._regions[-1].steps)
        self._slot: dict[int, int] = {}
        self.slots = self._reserve(outputs)

    def carried(self, loop: Loop) -> list[int]:
        """Return the places of the numbers that a loop has to carry."""
        return [place for place, node in enumerate(loop.variables) if node in self._is_needed]

    def slot(self, node: int) -> int | None:
        """Return where a number waits in memory; None where it does not."""
        return self._slot.get(self._holder(node))

    def _holder(self, node: int) -> int:
        """Return the node in whose slot a number waits: a loop's result is where its variable was."""
        if self._graph.operations[node] == "result":
            return self._graph.loop_of(node).variables[self._graph.operands[node][1]]
        return node

    def _place(self) -> dict[int, _Region]:
        """Find the innermost loop that each node has to be computed in."""
        graph = self._graph
        none: frozenset[int] = frozenset()
        inside: dict[int, frozenset[int]] = {}
        of_loop: dict[int, frozenset[int]] = {}
        regions: dict[int, _Region] = {-1: _Region()}

        def add(loops: frozenset[int], step: int | tuple[int]) -> None:
            # Of nested loops the inner one was traced later.
            regions.setdefault(max(loops, default=-1), _Region()).steps.append(step)

        for node in self._needed:
            operation = graph.operations[node]
            if operation in ("constant", "input"):
                inside[node] = none
            elif operation == "variable":
                number, place = graph.operands[node]
                inside[node] = inside[graph.loop_of(node).initial[place]] | {number}
            elif operation == "result":
                number = graph.operands[node][0]
                if number not in of_loop:
                    loop = graph.loop_of(node)
                    used = [loop.condition, *(loop.updated[place] for place in self.carried(loop))]
                    used += [loop.initial[place] for place in self.carried(loop)]
                    of_loop[number] = none.union(*(inside[one] for one in used)) - {number}
                    add(of_loop[number], (number,))
                inside[node] = of_loop[number]
            else:
                inside[node] = none.union(*(inside[one] for one in graph.operands[node]))
                add(inside[node], node)
        return regions

    def _arrange(self, steps: Iterable[int | tuple[int]]) -> list[Piece | Turn]:
        program: list[Piece | Turn] = []
        waiting: list[int] = []

        def flush() -> None:
            for first in range(0, len(waiting), PIECE_NODES):
                program.append(self._piece("nodes", waiting[first : first + PIECE_NODES]))
            waiting.clear()

        for step in steps:
            if isinstance(step, int):
                waiting.append(step)
                continue
            flush()
            number = step[0]
            loop = self._graph.loops[number]
            begin = self._piece("begin", loop=loop)
            program.append(begin)
            steps_inside = self._regions.get(number, _Region()).steps
            tested = self._tested(loop, steps_inside)
            condition = self._arrange(one for one in steps_inside if one in tested)
            test = self._piece("test", loop=loop)
            body = self._arrange(one for one in steps_inside if one not in tested)
            update = self._piece("update", loop=loop)
            self._spans[number] = (begin.number, update.number)
            program.append(Turn(condition, test, body, update))
        flush()
        return program

    def _tested(self, loop: Loop, steps: Sequence[int | tuple[int]]) -> set[int | tuple[int]]:
        """Return what of a loop's own steps its condition needs."""
        places = {step: place for place, step in enumerate(steps)}
        tested: set[int | tuple[int]] = set()
        waiting = [loop.condition]
        while waiting:
            node = waiting.pop()
            step: int | tuple[int] = node
            if self._graph.operations[node] == "result":
                step = (self._graph.operands[node][0],)
            if step in tested or step not in places:
                continue
            tested.add(step)
            if isinstance(step, tuple):
                # A loop inside the condition: whatever it reads has to be there, the results of other loops too.
                tested.update(steps[: places[step]])
            else:
                waiting += self._graph.operands[node]
        return tested

    def _piece(self, kind: str, nodes: Sequence[int] = (), loop: Loop | None = None) -> Piece:
        piece = Piece(len(self.pieces), kind, list(nodes), loop)
        self.pieces.append(piece)
        self._made.update(dict.fromkeys(nodes, piece.number))
        return piece

    def _reserve(self, outputs: Sequence[int]) -> int:
        """Give a slot to each number that is used in a later piece than its own; return how many there are."""
        last = self._last_uses(outputs)
        free: list[int] = []
        released: dict[int, list[int]] = {}
        count = 0
        for piece in self.pieces:
            free += released.pop(piece.number, [])
            starting = piece.nodes
            if piece.kind == "begin" and piece.loop is not None:
                starting = [piece.loop.variables[place] for place in self.carried(piece.loop)]
            for node in starting:
                if last.get(node, -1) <= piece.number:
                    continue
                if not free:
                    free.append(count)
                    count += 1
                self._slot[node] = free.pop()
                released.setdefault(last[node] + 1, []).append(self._slot[node])
        return count

    def _last_uses(self, outputs: Sequence[int]) -> dict[int, int]:
        graph = self._graph
        last: dict[int, int] = {}

        def use(node: int, piece: int) -> None:
            if graph.operations[node] in ("constant", "input"):
                return
            node = self._holder(node)
            own = graph.operands[node][0] if graph.operations[node] == "variable" else None
            made = self._spans[own][0] if own is not None else self._made[node]
            end = piece
            for number, (begin, update) in self._spans.items():
                # A number from outside of a loop is needed in its next turn too, and so is what it carries.
                if begin <= piece <= update and (number == own or not begin <= made <= update):
                    end = max(end, update)
            last[node] = max(last.get(node, -1), end)

        for piece in self.pieces:
            for node in piece.nodes:
                for operand in graph.operands[node]:
                    use(operand, piece.number)
            if piece.loop is None:
                continue
            loop, places = piece.loop, self.carried(piece.loop)
            if piece.kind == "begin":
                for place in places:
                    use(loop.initial[place], piece.number)
            else:
                use(loop.condition, piece.number)
            if piece.kind == "update":
                for place in places:
                    use(loop.updated[place], piece.number)
                    use(loop.variables[place], piece.number)
        for node in outputs:
            use(node, len(self.pieces))
        return last
