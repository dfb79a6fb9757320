"""The precision and device in which every part of the library computes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["float64_on_cpu"]


@contextlib.contextmanager
def float64_on_cpu() -> Iterator[None]:
    """Compute as every part of the library does, whatever the caller's JAX is set to."""
    import jax

    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        yield
