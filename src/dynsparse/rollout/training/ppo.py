"""PPO by Brax's networks, distribution and loss, on float32; compiled with fast mathematics, which triples its speed.

Imported in worker processes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from brax.training import types
from brax.training.acme import running_statistics
from brax.training.agents.ppo import losses, networks

from dynsparse.rollout.policy_weights import PolicyWeights
from dynsparse.rollout.training.settings import TrainSettings

__all__ = ["Experience", "Learner"]

_OPTIONS = {"xla_cpu_enable_fast_math": True, "xla_cpu_use_fusion_emitters": True}
"""For the networks alone: exponentials in vectors, and no kinematic chains to compute again and again."""

_LEAST_RATE = 0.05
"""Share of the learning rate that is left at the end."""


class Experience(NamedTuple):
    """Unrolls of n episodes over T control steps, float32.

    Attributes:
        observation: (n, T, do) before each step.
        next_observation: (n, T, do) after it, before another episode begins.
        action_raw: (n, T, da) as sampled, before squashing.
        log_prob: (n, T) its log density.
        output: (n, T, 2 da) of the policy network.
        reward: (n, T).
        truncated: (n, T) 1 where an episode is cut off at its length: what follows is worth what it is worth.
        terminated: (n, T) 1 where nothing follows.
    """

    observation: np.ndarray
    next_observation: np.ndarray
    action_raw: np.ndarray
    log_prob: np.ndarray
    output: np.ndarray
    reward: np.ndarray
    truncated: np.ndarray
    terminated: np.ndarray


class _Learned(NamedTuple):
    params: losses.PPONetworkParams
    optimizer: optax.OptState
    normalizer: running_statistics.RunningStatisticsState
    key: jax.Array


class Learner:
    """Policy and value function, and how they learn.

    Args:
        settings: how to train.
        observation_dim: do.
        action_dim: da.
    """

    def __init__(self, settings: TrainSettings, observation_dim: int, action_dim: int) -> None:
        self._settings = settings
        with jax.enable_x64(False):
            self._networks = networks.make_ppo_networks(
                observation_dim,
                action_dim,
                preprocess_observations_fn=running_statistics.normalize,
                policy_hidden_layer_sizes=settings.policy_layers,
                value_hidden_layer_sizes=settings.value_layers,
            )
            rate = optax.linear_schedule(
                settings.learning_rate, _LEAST_RATE * settings.learning_rate, settings.gradient_steps
            )
            self._optimizer = optax.chain(optax.clip_by_global_norm(settings.max_grad_norm), optax.adam(rate))
            self._learned = self._initial(observation_dim)
        self._act = jax.jit(self._acted, compiler_options=_OPTIONS)
        self._update = jax.jit(self._updated, compiler_options=_OPTIONS)

    def act(self, observation: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Choose actions.

        Args:
            observation: (n, do) float32.
            noise: (n, da) float32, standard normal.

        Returns:
            (n, da) sampled action, (n, da) squashed action, (n,) log density, (n, 2 da) the network's output.
        """
        with jax.enable_x64(False):
            found = self._act(self._learned.normalizer, self._learned.params.policy, observation, noise)
        raw, squashed, log_prob, output = map(np.asarray, found)
        return raw, squashed, log_prob, output

    def learn(self, experience: Experience) -> dict[str, float]:
        """Improve policy and value function on some experience; return losses and the like."""
        data = types.Transition(
            observation=experience.observation,
            action=experience.action_raw,
            reward=experience.reward,
            discount=1 - experience.terminated,
            next_observation=experience.next_observation,
            extras={
                "state_extras": {"truncation": experience.truncated},
                "policy_extras": {
                    "raw_action": experience.action_raw,
                    "log_prob": experience.log_prob,
                    "distribution_params": experience.output,
                },
            },
        )
        with jax.enable_x64(False):
            self._learned, metrics = self._update(self._learned, data)
            return {name: float(value) for name, value in metrics.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that was learned, the optimiser's state included, by name."""
        leaves, _ = jax.tree_util.tree_flatten_with_path(self._learned)
        return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what ``arrays`` gave."""
        leaves, tree = jax.tree_util.tree_flatten_with_path(self._learned)
        with jax.enable_x64(False):
            parts = [jnp.asarray(arrays[jax.tree_util.keystr(path)], dtype=leaf.dtype) for path, leaf in leaves]
            self._learned = jax.tree_util.tree_unflatten(tree, parts)

    def weights(self, name: str, environment: str, notes: Mapping[str, str]) -> PolicyWeights:
        """Return the policy as it is now, as it is kept in a file.

        Args:
            name: How files and messages call it.
            environment: What it was trained on.
            notes: What a reader wants to know about it.
        """
        tree = self._learned.params.policy["params"]
        layers = [tree[f"hidden_{i}"] for i in range(len(tree))]
        return PolicyWeights(
            name=name,
            environment=environment,
            family="tanh-normal",
            activation="swish",
            layers=tuple((_float32(layer["kernel"]), _float32(layer["bias"])) for layer in layers),
            mean=_float32(self._learned.normalizer.mean),
            std=_float32(self._learned.normalizer.std),
            notes=notes,
        )

    def _initial(self, observation_dim: int) -> _Learned:
        key, for_policy, for_value = jax.random.split(jax.random.PRNGKey(self._settings.seed), 3)
        params = losses.PPONetworkParams(
            policy=self._networks.policy_network.init(for_policy), value=self._networks.value_network.init(for_value)
        )
        normalizer = running_statistics.init_state(jnp.zeros(observation_dim, dtype=jnp.float32))
        # Through NumPy: a number of weak type, as Brax has one, would have the update compiled again after a restore.
        found = jax.tree.map(np.asarray, (params, self._optimizer.init(params), normalizer, key))
        return _Learned(*jax.tree.map(jnp.asarray, found))

    def _acted(self, normalizer: Any, policy: Any, observation: Any, noise: Any) -> tuple[jax.Array, ...]:
        distribution = self._networks.parametric_action_distribution
        output = self._networks.policy_network.apply(normalizer, policy, observation)
        normal = distribution.create_dist(output)
        raw = normal.loc + normal.scale * noise
        return raw, distribution.postprocess(raw), distribution.log_prob(output, raw), output

    def _updated(self, learned: _Learned, data: types.Transition) -> tuple[_Learned, dict[str, jax.Array]]:
        settings = self._settings
        normalizer = running_statistics.update(learned.normalizer, data.observation)
        loss = partial(
            losses.compute_ppo_loss,
            normalizer_params=normalizer,
            ppo_network=self._networks,
            entropy_cost=settings.entropy_cost,
            discounting=settings.discounting,
            reward_scaling=settings.reward_scaling,
            gae_lambda=settings.gae_lambda,
            clipping_epsilon=settings.clipping_epsilon,
        )

        def minibatch(carry: tuple[Any, Any, Any], part: types.Transition) -> tuple[tuple[Any, Any, Any], Any]:
            params, optimizer, key = carry
            key, own = jax.random.split(key)
            (_, metrics), slope = jax.value_and_grad(loss, has_aux=True)(params, data=part, rng=own)
            change, optimizer = self._optimizer.update(slope, optimizer)
            return (optax.apply_updates(params, change), optimizer, key), metrics

        def epoch(carry: tuple[Any, Any, Any], _: None) -> tuple[tuple[Any, Any, Any], Any]:
            params, optimizer, key = carry
            key, own = jax.random.split(key)
            order = jax.random.permutation(own, data.reward.shape[0])
            parts = jax.tree.map(lambda x: x[order].reshape((settings.minibatches, -1, *x.shape[1:])), data)
            return jax.lax.scan(minibatch, (params, optimizer, key), parts)

        start = learned.params, learned.optimizer, learned.key
        (params, optimizer, key), metrics = jax.lax.scan(epoch, start, None, length=settings.epochs)
        return _Learned(params, optimizer, normalizer, key), jax.tree.map(jnp.mean, metrics)


def _float32(array: Any) -> np.ndarray:
    return np.asarray(array, dtype=np.float32)
