"""The speed of transition Jacobians of one environment, beside what people use today, all in one run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dynsparse.errors import SettingError, UnsupportedModelError, WorkerError
from dynsparse.physics.audit import judge, whole_jacobian
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.peers.first_result import first_result_seconds
from dynsparse.physics.peers.timing import PeerProcess, PeerSpeed
from dynsparse.physics.probe import ProbeRows, random_rows

__all__ = ["BenchSettings", "JacobianSpeed", "measure_jacobians"]

AGREEING = 1e-9
"""MJX and C are compared where their next states differ by less; collision routines differ on some rows."""


@dataclass(frozen=True)
class BenchSettings:
    """How the speed is measured.

    Attributes:
        rows: rows of a batch, the same for all; from random roll-outs.
        rounds: how often the contestants take turns.
        seconds: each turn's least duration, s.
        compared: rows of which the results are compared.
        cores: worker processes of dynsparse, and threads of the C peers.
        seed: of the rows.
        plain_timeout_s: after which plain JAX is given up, s.

    Raises:
        SettingError: one of them has no meaning.
    """

    rows: int = 4096
    rounds: int = 3
    seconds: float = 2.0
    compared: int = 256
    cores: int = 2
    seed: int = 0
    plain_timeout_s: float = 180.0

    def __post_init__(self) -> None:
        for name in ("rows", "compared"):
            if getattr(self, name) < 64:
                raise SettingError(
                    f"expected {name} to be at least 64, one batch of plain JAX, got {getattr(self, name)}"
                )
        for name in ("rounds", "seconds", "cores", "plain_timeout_s"):
            if not getattr(self, name) > 0:
                raise SettingError(
                    f"expected {name} to be above 0, got {getattr(self, name)!r}: leave it at its default"
                )


@dataclass(frozen=True)
class JacobianSpeed:
    """What was measured for one environment; a peer that did not finish is None with its reason beside it.

    Attributes:
        environment: its name.
        rows: rows of a batch.
        dynsparse: exact Jacobians/s of each round.
        rollout: Jacobians/s of central differences by perturbed ``mujoco.rollout``, of each round.
        chain: the same by chained ``mjd_transitionFD``.
        plain_jax_per_s: Jacobians/s of ``jit(vmap(jacfwd(step)))`` at batch 64.
        plain_jax_reason: why there is none.
        differences: largest distances between the results, on smooth columns.
        first_result_cold_s: from starting Python to 256 Jacobians, nothing compiled before, s.
        first_result_warm_s: the same again, s.
        peak_rss_mib: most memory of one worker, MiB.
        reasons: why a C peer has no figure, by its kind.
    """

    environment: str
    rows: int
    dynsparse: tuple[float, ...]
    rollout: tuple[float, ...]
    chain: tuple[float, ...]
    plain_jax_per_s: float | None
    plain_jax_reason: str | None
    differences: dict[str, Any] = field(repr=False)
    first_result_cold_s: float
    first_result_warm_s: float
    peak_rss_mib: float
    reasons: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The record that other tools rely on, as plain JSON values; rates are medians of the rounds."""
        exact = statistics.median(self.dynsparse)
        rollout, chain = (statistics.median(x) if x else None for x in (self.rollout, self.chain))
        plain = self.plain_jax_per_s
        return {
            "environment": self.environment,
            "rows": self.rows,
            "dynsparse_per_s": exact,
            "plain_jax_per_s": plain,
            "plain_jax_reason": self.plain_jax_reason,
            "mujoco_fd_per_s": rollout,
            "mujoco_fd_kind": "rollout",
            "mujoco_fd_reason": self.reasons.get("rollout"),
            "mujoco_chain_per_s": chain,
            "mujoco_chain_reason": self.reasons.get("chain"),
            "ratio_plain_jax": None if plain is None else exact / plain,
            "ratio_mujoco_fd": None if rollout is None else exact / rollout,
            "ratio_mujoco_chain": None if chain is None else exact / chain,
            **self.differences,
            "first_result_cold_s": self.first_result_cold_s,
            "first_result_warm_s": self.first_result_warm_s,
            "peak_rss_mib": self.peak_rss_mib,
            "rounds": {"dynsparse": self.dynsparse, "rollout": self.rollout, "chain": self.chain},
        }


def measure_jacobians(
    env: Environment, settings: BenchSettings, on_phase: Callable[[str], None] = lambda _phase: None
) -> JacobianSpeed:
    """Measure one environment: first result, then dynsparse and the C peers in turns, then plain JAX alone.

    Turns, because other work on the machine comes and goes: what slows one slows its neighbour.

    Args:
        env: the environment.
        settings: how.
        on_phase: told what begins.

    Raises:
        UnsupportedModelError: it has no MuJoCo model to compare with.
        WorkerError: dynsparse itself or a C peer failed.
    """
    if env.engine == "function":
        raise UnsupportedModelError(
            f"{env.name} is a function, and its speed is measured beside MuJoCo's, which needs a model; measure one of "
            "dynsparse envs"
        )
    cold, warm = _first_results(env, on_phase)
    on_phase("compile")
    with ExitStack() as stack:
        linearizer = stack.enter_context(Linearizer(env, "exact", workers=settings.cores))
        linearizer.warm_up()
        probe = random_rows(env, linearizer, settings.rows, settings.seed)
        rows = probe.states, probe.actions, probe.warmstarts
        peers = {
            kind: stack.enter_context(PeerProcess(env, kind, threads=settings.cores)) for kind in ("rollout", "chain")
        }
        exact = whole_jacobian(linearizer.linearize(*rows))  # also compiles what only some rows need
        ours: list[float] = []
        theirs: dict[str, list[PeerSpeed]] = {kind: [] for kind in peers}
        reasons: dict[str, str] = {}
        for turn in range(settings.rounds):
            on_phase(f"measure {turn + 1} of {settings.rounds}")
            ours.append(_rate(lambda: linearizer.linearize(*rows), len(probe), settings.seconds))
            for kind, peer in peers.items():
                if kind in reasons:
                    continue
                try:
                    theirs[kind].append(peer.measure(*rows, seconds=settings.seconds))
                except WorkerError as error:
                    reasons[kind] = f"{kind} did not finish: {error}"
        memory = linearizer.peak_rss_mib
        for peer in peers.values():
            peer.close()
        compared = probe.take(np.arange(min(settings.compared, len(probe))))
        slopes = difference_columns(linearizer, compared.states, compared.actions, compared.warmstarts)
    on_phase("plain jax")
    plain, reason = _plain(env, settings, probe)
    smooth = judge(exact[: len(compared)], slopes).smooth
    return JacobianSpeed(
        environment=env.name,
        rows=len(probe),
        dynsparse=tuple(ours),
        rollout=() if "rollout" in reasons else tuple(speed.per_s for speed in theirs["rollout"]),
        chain=() if "chain" in reasons else tuple(speed.per_s for speed in theirs["chain"]),
        plain_jax_per_s=None if plain is None else plain.per_s,
        plain_jax_reason=reason,
        reasons=reasons,
        differences=_distances(exact, smooth, slopes.next_state, next(iter(theirs["rollout"]), None), plain),
        first_result_cold_s=cold,
        first_result_warm_s=warm,
        peak_rss_mib=memory,
    )


def _first_results(env: Environment, on_phase: Callable[[str], None]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="dynsparse-") as cache:
        on_phase("first result, cold")
        cold = first_result_seconds(env.name, 256, cache)
        on_phase("first result, warm")
        return cold, first_result_seconds(env.name, 256, cache)


def _rate(compute: Callable[[], object], rows: int, seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds or not done:
        compute()
        done += rows
    return done / elapsed


def _plain(env: Environment, settings: BenchSettings, probe: ProbeRows) -> tuple[PeerSpeed | None, str | None]:
    rows = probe.states, probe.actions, probe.warmstarts
    with PeerProcess(env, "plain jax", timeout_s=settings.plain_timeout_s) as peer:
        try:
            return peer.measure(*rows, seconds=settings.rounds * settings.seconds), None
        except WorkerError as error:
            return None, f"plain JAX did not finish: {error}"


def _distances(
    exact: np.ndarray, smooth: np.ndarray, next_state: np.ndarray, rollout: PeerSpeed | None, plain: PeerSpeed | None
) -> dict[str, Any]:
    """Largest distances on smooth columns: to C where both simulators agree about the next state, to plain JAX."""
    rows = len(smooth)
    agree = np.zeros(rows, dtype=bool)
    to_c = np.zeros(0)
    if rollout is not None and rollout.next_state is not None:
        agree = np.abs(rollout.next_state[:rows] - next_state).max(axis=1) < AGREEING
        to_c = np.abs(exact[:rows] - rollout.jac[:rows]).max(axis=1)[agree[:, None] & smooth]
    found: dict[str, Any] = {
        "max_abs_difference": float(to_c.max()) if to_c.size else None,
        "max_abs_difference_of": "exact and the rollout peer, on smooth columns of rows whose next states agree",
        "compared_rows": rows,
        "agreeing_rows": int(agree.sum()),
        "max_abs_difference_plain_jax": None,
    }
    if plain is not None:
        rows = min(rows, len(plain.jac))
        to_plain = np.abs(exact[:rows] - plain.jac[:rows]).max(axis=1)[smooth[:rows]]
        found["max_abs_difference_plain_jax"] = float(to_plain.max()) if np.isfinite(to_plain).all() else None
    return found
