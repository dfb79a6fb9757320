"""Ray executor: units on the machines of a Ray cluster, one on each CPU."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dynsparse.errors import ExecutorError
from dynsparse.executor.local import check_timeout
from dynsparse.executor.protocol import Answer, Event, OnEvent, answer_of, progress_of, request_of
from dynsparse.executor.ray_cluster import cluster_address, connected, load_ray
from dynsparse.executor.ray_nodes import Node, check_nodes, on_node, runtime_variables
from dynsparse.executor.server import UnitServer
from dynsparse.executor.unit import TRUSTED, Unit, check_function
from dynsparse.executor.unit_queue import UnitQueue
from dynsparse.executor.variables import unit_variables
from dynsparse.workers.protocol import Message

__all__ = ["RayExecutor"]

_ATTEMPTS = 3
"""One more than at home: a machine that is lost is not the unit's fault."""

_MOST_FAILED_STARTS = 2
_LOOK_S = 1.0


class RayExecutor:
    """Runs units on a Ray cluster, each on one CPU and one thread.

    Before the first unit every node is asked whether it sees the same files and has the same packages.  This process
    alone writes results, so that a unit that ran twice is committed once.  A unit whose worker or node is lost is begun
    again elsewhere, twice at most.  On processors of one kind results are those of ``LocalExecutor`` in every number.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_s: float | None = None,
        variables: Mapping[str, str] | None = None,
        trusted: Sequence[str] = TRUSTED,
    ) -> None:
        """Describe the executor; nothing is looked for yet.

        Args:
            address: ``HOST:PORT`` of the cluster; None for that of ``RAY_ADDRESS``, or the one on this machine.
            timeout_s: A unit that has told nothing for so long counts as hung, s; None: never.
            variables: Variables of the workers beside or in place of those of ``unit_variables``.
            trusted: Packages whose functions may be run.

        Raises:
            SettingError: The address or a number is impossible.
            ExecutorError: Ray is not installed.
        """
        load_ray()
        self._address = cluster_address(address)
        self._timeout_s = check_timeout(timeout_s)
        self._variables = unit_variables(variables)
        self._trusted = tuple(trusted)

    def run(self, units: Sequence[Unit], folder: Path, on_event: OnEvent) -> Generator[Answer, None, None]:
        """Run units; see ``Executor``."""
        for unit in units:
            check_function(unit.function, self._trusted)
        paths = sorted({path for unit in units for path in unit.context.values()})
        variables = runtime_variables(self._variables)
        with connected(self._address) as ray:
            nodes = check_nodes(ray, folder, paths, variables)
            crew = _Crew(ray, nodes, units, variables, self._trusted, self._timeout_s, on_event)
            try:
                yield from crew.answers()
            finally:
                crew.end()


@dataclass(eq=False)
class _Hand:
    """A worker of a node.

    Attributes:
        node: Where it is.
        actor: Ray's handle of it.
        asked: What it was asked last, and has not answered; None where it is free.
        since: When that was (``time.monotonic``, s).
        ready: Whether it has answered anything yet.
    """

    node: Node
    actor: Any
    asked: Any
    since: float = field(default_factory=time.monotonic)
    ready: bool = False


class _Crew:
    """Workers on the nodes, each of them starting, free, or with a unit."""

    def __init__(
        self,
        ray: Any,
        nodes: Sequence[Node],
        units: Sequence[Unit],
        variables: Mapping[str, str],
        trusted: Sequence[str],
        timeout_s: float,
        on_event: OnEvent,
    ) -> None:
        self._ray, self._nodes, self._timeout_s, self._on_event = ray, list(nodes), timeout_s, on_event
        self._queue = UnitQueue(units, _ATTEMPTS)
        self._trusted = list(trusted)
        self._class = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(UnitServer)
        self._options = {"runtime_env": {"env_vars": dict(variables)}}
        self._hands: list[_Hand] = []
        self._failed_starts: Counter[str] = Counter()
        self._why = ""

    def answers(self) -> Generator[Answer, None, None]:
        """Yield what becomes of the units."""
        while self._queue.unfinished:
            self._hire()
            for hand in self._hands:
                if hand.asked is None:
                    self._give(hand)
            busy = [hand.asked for hand in self._hands if hand.asked is not None]
            moved = set(self._ray.wait(busy, num_returns=1, timeout=_LOOK_S)[0])
            heard = [self._hear(hand, hand.asked in moved) for hand in list(self._hands)]
            yield from (answer for answer in heard if answer is not None)

    def end(self) -> None:
        """End all workers, whatever they do."""
        for hand in self._hands:
            self._ray.kill(hand.actor)
        self._hands.clear()

    def _hire(self) -> None:
        """Have a worker on each CPU, but no more than there are units, on as many nodes as there are."""
        present = Counter(hand.node.id for hand in self._hands)
        for turn in range(max(node.cores for node in self._nodes)):
            for node in self._nodes:
                usable = turn < node.cores and self._failed_starts[node.id] < _MOST_FAILED_STARTS
                if usable and present[node.id] <= turn and len(self._hands) < self._queue.unfinished:
                    actor = self._class.options(scheduling_strategy=on_node(node), **self._options).remote(
                        self._trusted
                    )
                    self._hands.append(_Hand(node, actor, actor.ready.remote()))
                    present[node.id] += 1
        if not self._hands:
            raise ExecutorError(f"no node is left to run units: {self._why}; run the same again to go on")

    def _give(self, hand: _Hand) -> None:
        unit = self._queue.take(hand)
        if unit is not None:
            self._on_event(Event("started", unit))
            self._ask(hand, request_of(unit))

    def _ask(self, hand: _Hand, request: Message) -> None:
        hand.asked, hand.since = hand.actor.answer.remote(request), time.monotonic()

    def _hear(self, hand: _Hand, moved: bool) -> Answer | None:
        """Take note of what a worker says; return what became of its unit where that is known now."""
        unit = self._queue.held(hand)
        if not moved:
            if unit is not None and time.monotonic() - hand.since > self._timeout_s:
                return self._lost(hand, f"it hung for {self._timeout_s:g} s; try a longer timeout")
            return None
        try:
            reply = self._ray.get(hand.asked)
        except self._ray.exceptions.RayError as error:
            return self._lost(hand, " ".join(str(error).split())[:500])
        hand.ready, hand.asked = True, None
        self._failed_starts[hand.node.id] = 0
        if unit is None:
            return None
        progress = progress_of(unit, reply)
        if progress is not None:
            self._on_event(progress)
            self._ask(hand, Message("next"))
            return None
        return answer_of(self._queue.finish(hand), reply)

    def _lost(self, hand: _Hand, why: str) -> Answer | None:
        self._ray.kill(hand.actor)
        self._hands.remove(hand)
        self._why = f"node {hand.node.name}: {why}"
        if not hand.ready:
            self._failed_starts[hand.node.id] += 1
        unit, again = self._queue.lose(hand)
        if unit is None:
            return None
        if again:
            self._on_event(Event("lost", unit, text=self._why))
            return None
        return Answer(unit, None, f"its worker was lost {_ATTEMPTS} times, the last on {self._why}")
