"""A peer in a process of its own, and how fast it goes there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import mujoco
import numpy as np

from dynsparse.errors import WorkerError
from dynsparse.physics.environment import Environment
from dynsparse.workers import Message, WorkerPool
from dynsparse.workers.protocol import JSON

__all__ = ["PeerProcess", "PeerSpeed", "serve"]


@dataclass(frozen=True)
class PeerSpeed:
    """One timing of a peer.

    Attributes:
        per_s: Jacobians per second.
        jac: (rows, ds, ds + da), what it computed for the first rows.
        next_state: (rows, ds), its own control step of the same rows; None where it does not say.
    """

    per_s: float
    jac: np.ndarray
    next_state: np.ndarray | None


class PeerProcess:
    """A peer for one environment, kept ready in a child process; a context manager.

    Args:
        env: the environment.
        kind: "rollout", "chain" or "plain jax".
        threads: threads of the two that run on MuJoCo's C engine.
        timeout_s: a peer that has not answered by then is killed, s.
    """

    def __init__(self, env: Environment, kind: str, *, threads: int = 2, timeout_s: float = 180.0) -> None:
        # JAX's defaults but for float64 and the platform: the user's own XLA_FLAGS would be no default.
        environment = {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
        meta: dict[str, JSON] = {"substeps": env.substeps, "kind": kind, "threads": threads}
        size = mujoco.mj_sizeModel(env.model)
        content = np.empty(size, dtype=np.uint8)
        mujoco.mj_saveModel(env.model, None, content)
        start = Message("start", meta, {"model": content})
        self._pool = WorkerPool(
            "dynsparse.physics.peers.timing:serve", start, 1, environment=environment, batch_timeout_s=timeout_s
        )

    def measure(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray, *, seconds: float) -> PeerSpeed:
        """Differentiate the rows again and again for at least so long; the first time of all is not counted.

        Args:
            states: (n, ds).
            actions: (n, da).
            warmstarts: (n, nv).
            seconds: for how long at least, s.

        Raises:
            WorkerError: the peer hung, died or failed; says which.
        """
        arrays = {"states": states, "actions": actions, "warmstarts": warmstarts}
        reply = self._pool.run([Message("measure", {"seconds": seconds}, arrays)])[0]
        if isinstance(reply, WorkerError):
            raise reply
        return PeerSpeed(reply.number("per_s"), reply.arrays["jac"], reply.arrays.get("next_state"))

    def close(self) -> None:
        """End the process."""
        self._pool.close()

    def __enter__(self) -> PeerProcess:
        """Return the peer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()


def serve(start: Message) -> Callable[[Message], Message]:
    """Make the handler of the child process (the task that the pool names)."""
    with open("model.mjb", "wb") as file:  # in the process's own folder, which goes with it
        file.write(start.arrays["model"].tobytes())
    model = mujoco.MjModel.from_binary_path("model.mjb")
    os.unlink("model.mjb")
    peer = _build(str(start.meta["kind"]), model, int(start.number("substeps")), int(start.number("threads")))
    warm = False

    def handle(request: Message) -> Message:
        nonlocal warm
        rows = request.arrays["states"], request.arrays["actions"], request.arrays["warmstarts"]
        # The slowest peer manages 15 Jacobians/s: its share of the rows is one batch at a time.
        size = 64 if peer.kind == "plain jax" else len(rows[0])
        if not warm:
            peer.jacobians(*(x[:size] for x in rows))
            warm = True
        found: list[np.ndarray] = []
        done, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < request.number("seconds") or not found:
            first = done % max(1, len(rows[0]) - size + 1)
            jac = peer.jacobians(*(x[first : first + size] for x in rows))
            done += len(jac)
            found = found or [jac]
        arrays = {"jac": np.ascontiguousarray(found[0])}
        if hasattr(peer, "next_state"):
            arrays["next_state"] = peer.next_state(*rows)
        return Message("measured", {"per_s": done / elapsed}, arrays)

    return handle


def _build(kind: str, model: mujoco.MjModel, substeps: int, threads: int) -> Any:
    # Imported by kind: the C peers run without JAX.
    if kind == "plain jax":
        from dynsparse.physics.peers.plain_jax import PlainAutodiff

        return PlainAutodiff(model, substeps)
    if kind == "rollout":
        from dynsparse.physics.peers.rollout import RolloutDifferences

        return RolloutDifferences(model, substeps, threads=threads)
    from dynsparse.physics.peers.chain import ChainedDifferences

    return ChainedDifferences(model, substeps, threads=threads)
