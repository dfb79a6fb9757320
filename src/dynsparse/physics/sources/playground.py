"""MuJoCo Playground's environments: loaded by name, with their own reset, observation and reward."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dynsparse.errors import UnsupportedModelError, WorkerError
from dynsparse.physics.admission import admit
from dynsparse.physics.precision import float64_on_cpu
from dynsparse.physics.quiet import quiet_mujoco
from dynsparse.physics.source import Packed, model_fingerprint
from dynsparse.physics.sources.bare import described, model_array
from dynsparse.physics.sources.names import ALL_ENVIRONMENT_NAMES

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.workers import Message

__all__ = ["PlaygroundSource", "load_playground", "read"]


class PlaygroundSource:
    """The source of an environment of Playground.

    The tasks of the DM control suite are rewarded.  Those of locomotion and manipulation reward and observe with what
    they note along an episode (the last action, a command, pushes), which a state does not hold: they have none here.

    Args:
        name: its name there.
        loaded: it, where it is loaded already.
        expected: fingerprint that it must have when it is loaded later; empty for any.
    """

    kind = "playground"

    def __init__(self, name: str, loaded: Any = None, expected: str = "") -> None:
        self.name, self._loaded, self._expected = name, loaded, expected
        self._reset: list[Any] = []

    @property
    def is_rewarded(self) -> bool:
        """Whether it is of the DM control suite."""
        return self.name in ALL_ENVIRONMENT_NAMES

    @cached_property
    def playground(self) -> Any:
        """Playground's environment itself.

        Raises:
            WorkerError: another process has another one under this name.
        """
        found = self._loaded if self._loaded is not None else _load(self.name)
        if self._expected and self._expected != _fingerprint(found):
            raise WorkerError(
                f"expected the model of {self.name} that the parent process has, got another one; "
                "were packages upgraded while it ran? start the program again"
            )
        return found

    @property
    def config(self) -> Mapping[str, Any]:
        """Playground's configuration as plain JSON values."""
        # A tuple becomes the list that it will be when it is read again.
        config: dict[str, Any] = json.loads(json.dumps(self.playground._config.to_dict(), default=str))
        return config

    def fingerprint(self, env: Environment) -> str:
        """Return what tells its control step from others."""
        return self._expected or _fingerprint(self.playground)

    def initial_state(self, env: Environment, key: int) -> np.ndarray:
        """Draw the (ds,) state in which an episode starts."""
        import jax

        # The generator is named, so that the user's JAX settings do not decide what a key draws.
        with float64_on_cpu(), jax.threefry_partitionable(True):
            if not self._reset:
                self._reset.append(jax.jit(self._positions_and_velocities))
            state = self._reset[0](jax.random.PRNGKey(key, impl="threefry2x32"))
        return np.array(state, dtype=np.float64)

    def pack(self, env: Environment) -> Packed:
        """Return the name and the model."""
        return {}, {"model": model_array(env)}

    def _positions_and_velocities(self, key: Any) -> Any:
        import jax.numpy as jnp

        data = self.playground.reset(key).data
        return jnp.concatenate([data.qpos, data.qvel])


def load_playground(name: str) -> Environment:
    """Load an environment of Playground.

    Args:
        name: its name there.

    Returns:
        The environment, with ``impl="jax"``.

    Raises:
        UnsupportedModelError: if its model can not be differentiated exactly.
        EnvironmentFileError: if it needs assets that are not there.
    """
    from dynsparse.physics.environment import environment_from_model

    found = _load(name)
    source = PlaygroundSource(name, found)
    admit(found.mj_model, name, has_others=False)  # MJX has taken it already
    return environment_from_model(name, found.mj_model, found.n_substeps, source=source, admitted=True)


def read(message: Message) -> Environment:
    """Make the environment that a message carries; Playground itself is loaded when its task is asked for."""
    source = PlaygroundSource(str(message.meta["environment"]), expected=str(message.meta["fingerprint"]))
    return described(message, source)


def _load(name: str) -> Any:
    with quiet_mujoco(), float64_on_cpu():
        if name in ALL_ENVIRONMENT_NAMES:
            from mujoco_playground import dm_control_suite

            # A fresh copy: Playground writes into the configuration that it is given, and the default is shared.
            config = dm_control_suite.get_default_config(name).copy_and_resolve_references()
            found = dm_control_suite.load(name, config=config, config_overrides={"impl": "jax"})
        else:
            found = _load_robot(name)
    if found.mjx_model.impl.value != "jax":
        raise UnsupportedModelError(
            f"{name} was built for impl={found.mjx_model.impl.value!r}; only impl='jax' can be differentiated"
        )
    return found


def _load_robot(name: str) -> Any:
    from dynsparse.physics.sources.menagerie import load_with_assets

    try:
        return load_with_assets(name)
    except NotImplementedError as error:
        told = " ".join(str(error).split())
        raise UnsupportedModelError(f"{name} can not be simulated by MJX's JAX back end: {told}") from error


def _fingerprint(playground: Any) -> str:
    from dynsparse.physics.environment import model_bytes

    return model_fingerprint(model_bytes(playground.mj_model), playground.n_substeps, "mjx")
