"""Executors as a command line names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.executor import Executor

__all__ = ["make_executor"]


def make_executor(name: str, workers: int, address: str | None) -> Executor:
    """Return what runs the trainings.

    Args:
        name: ``"local"`` or ``"ray"``.
        workers: Processes on this machine; 0 for one on each usable core.
        address: ``HOST:PORT`` of a Ray cluster.

    Returns:
        The executor; nothing is started or looked for yet.

    Raises:
        SettingError: If an option belongs to the other executor, or has an impossible value.
        ExecutorError: If Ray is not installed.
    """
    from dynsparse.executor import LocalExecutor, RayExecutor

    if name == "ray":
        if workers:
            raise SettingError(
                f"workers is of --executor local, got {workers} with ray; Ray takes every CPU of its own"
            )
        return RayExecutor(address)
    if address is not None:
        raise SettingError(f"address is of --executor ray, got {address!r} with local; add --executor ray")
    return LocalExecutor(workers)
