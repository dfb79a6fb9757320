"""Plain autodiff in double and in single precision, to be compared with the exact derivative.

Single precision is what JAX computes in unless it is told otherwise.  The paper does not say what it computed in; its
count for ReacherHard fits double precision (docs/explanation/table1.md).  ``exact`` exists in float64 only; nothing is
collected in float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynsparse.errors import UnsupportedModelError, WorkerError
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearizer import chunk_rows
from dynsparse.physics.processes import open_pool
from dynsparse.workers import Message

__all__ = ["PRECISIONS", "plain_jacobians"]

PRECISIONS = ("float64", "float32")

Jacobians = tuple[np.ndarray, np.ndarray]


def plain_jacobians(
    env: Environment,
    states: np.ndarray,
    actions: np.ndarray,
    warmstarts: np.ndarray,
    *,
    workers: int = 0,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> dict[str, Jacobians]:
    """Differentiate control steps by ``jacfwd`` over MJX, once in float64 and once in float32 throughout.

    On the CPU, whose float32 products keep all their bits; an accelerator's may not.  Compiled without XLA's
    optimisations: round-off is not that of ``derivative="autodiff"`` to the last bit.

    Args:
        env: the environment.
        states: (n, ds) qpos then qvel; rounded where the precision is float32, as the other two are.
        actions: (n, da) applied actions.
        warmstarts: (n, nv) qacc_warmstart, m/s^2 or rad/s^2.
        workers: how many processes; 0 for one on each usable core.
        on_rows: told how many rows are done, of 2 n.

    Returns:
        For each of ``PRECISIONS`` (n, dt, dt) and (n, dt, da) Jacobians as float64, to which float32 is widened
        without loss; NaN and infinities are left in.

    Raises:
        UnsupportedModelError: if MJX does not run the environment.
        WorkerError: naming the rows whose worker died or hung.
    """
    if env.engine != "mjx":
        raise UnsupportedModelError(
            f"{env.name} is not run by MJX but by {env.engine!r}: there is no plain derivative of MJX to compare with; "
            "choose another environment"
        )
    size = max(1, chunk_rows(len(states), 8 * env.tangent_dim * (env.tangent_dim + env.action_dim)))
    spans = [slice(first, min(first + size, len(states))) for first in range(0, len(states), size)]
    asked = [(precision, span) for precision in PRECISIONS for span in spans]
    rows = {"states": states, "actions": actions, "warmstarts": warmstarts}
    requests = [
        Message("jacobians", {"precision": precision}, {
            name: np.ascontiguousarray(array[span], dtype=np.float64) for name, array in rows.items()
        })
        for precision, span in asked
    ]  # fmt: skip
    found = {
        precision: (
            np.empty((len(states), env.tangent_dim, env.tangent_dim)),
            np.empty((len(states), env.tangent_dim, env.action_dim)),
        )
        for precision in PRECISIONS
    }
    done = [0]

    def take(index: int, reply: Message) -> None:
        precision, span = asked[index]
        for whole, name in zip(found[precision], ("jac_state", "jac_action"), strict=True):
            whole[span] = reply.arrays[name]
        done[0] += span.stop - span.start
        on_rows(done[0])

    pool = open_pool(env, "autodiff", workers, task="dynsparse.physics.plain_server:serve")
    try:
        answers = pool.run(requests, take, keep=False)
    finally:
        pool.close()
    for (precision, span), answer in zip(asked, answers, strict=True):
        if isinstance(answer, WorkerError):
            lost = list(range(span.start, span.stop))
            raise WorkerError(
                f"{env.name}: rows {span.start} to {span.stop - 1} have no result in {precision}. {answer}", lost
            ) from answer
    return found
