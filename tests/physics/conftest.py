"""What the tests of the physics share: loaded environments and workers that have compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dynsparse.physics.environment import Environment, load_environment
from dynsparse.physics.linearizer import Linearizer


@pytest.fixture(scope="session")
def loaded() -> Callable[[str], Environment]:
    """Load each environment once a session."""
    kept: dict[str, Environment] = {}

    def load(name: str) -> Environment:
        if name not in kept:
            kept[name] = load_environment(name)
        return kept[name]

    return load


@pytest.fixture(scope="session")
def cartpole(loaded: Callable[[str], Environment]) -> Environment:
    return loaded("CartpoleBalance")


@pytest.fixture(scope="session")
def opened(loaded: Callable[[str], Environment], shared_cache: Path) -> Iterator[Callable[..., Linearizer]]:
    """Open one worker for each (environment, derivative) that a test asks for; they end with the session."""
    kept: dict[tuple[str, str], Linearizer] = {}

    def open_one(name: str, derivative: str = "exact") -> Linearizer:
        key = name, derivative
        if key not in kept:
            kept[key] = Linearizer(loaded(name), derivative, workers=1)
        return kept[key]

    yield open_one
    for linearizer in kept.values():
        linearizer.close()


@pytest.fixture(scope="session")
def random_rows() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Draw states around the reference configuration and actions strictly inside their range."""

    def draw(env: Environment, rows: int, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        states = env.default_state() + spread * rng.normal(size=(rows, env.state_dim))
        return states, rng.uniform(0.99 * env.action_low, 0.99 * env.action_high, size=(rows, env.action_dim))

    return draw
