"""How an environment travels to a worker process, and what runs it there."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dynsparse.workers import Message

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["READERS", "pack", "unpack"]

READERS = {
    "model": "dynsparse.physics.sources.bare:read",
    "playground": "dynsparse.physics.sources.playground:read",
    "function": "dynsparse.physics.function_source:read",
}
"""For each kind of source, ``"package.module:function"`` that makes the environment again from a message."""


def pack(env: Environment) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what a worker process needs to have the same environment.

    Args:
        env: the environment.

    Returns:
        Plain values, among them ``source``, ``environment``, ``fingerprint``, ``engine`` and ``substeps``; and arrays,
        among them ``model``, the bytes of an MJB file, where there is a model.
    """
    meta, arrays = env.source.pack(env)
    common = {
        "source": env.source.kind,
        "environment": env.name,
        "fingerprint": env.fingerprint,
        "engine": env.engine,
        "substeps": env.substeps,
    }
    return {**meta, **common}, dict(arrays)


def unpack(message: Message) -> Environment:
    """Make the environment that a message carries.

    Args:
        message: meta and arrays that ``pack`` gave, and any more.

    Returns:
        The environment; its control step is the sender's, bit for bit.
    """
    module, _, function = READERS[str(message.meta["source"])].partition(":")
    found: Environment = getattr(importlib.import_module(module), function)(message)
    return found
