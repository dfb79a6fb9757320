"""Policy file: weights in one safetensors file, with metadata that say what they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from dynsparse.config import nearest_names
from dynsparse.dataset.files import replace_file
from dynsparse.errors import OutputError, OutputExistsError, PolicyError
from dynsparse.rollout.network import NetworkPolicy
from dynsparse.rollout.policy_weights import PolicyWeights

__all__ = ["FORMAT", "VERSION", "load_policy", "policy_content", "read_weights", "save_policy"]

FORMAT = "dynsparse-policy"
VERSION = "1"

_REQUIRED = ("format", "version", "name", "environment", "family", "activation", "layer_sizes")
_OPTIONAL = ("observation_clip", "min_std", "action_scaling")
_OTHER_TENSORS = ("normalizer/mean", "normalizer/std", "log_std")


def load_policy(
    path: str | os.PathLike[str],
    *,
    action_low: NDArray[np.float64],
    action_high: NDArray[np.float64],
    observation_dim: int,
) -> NetworkPolicy:
    """Read a policy and check that it fits an environment.

    Args:
        path: The file.
        action_low: (da,) lower control bounds.
        action_high: (da,) upper control bounds.
        observation_dim: Length of the environment's observation.

    Returns:
        The policy.

    Raises:
        PolicyError: If the file can not be read, is no policy, or has other shapes than the environment; names the
            file.
    """
    weights = read_weights(path)
    try:
        return NetworkPolicy(weights, action_low, action_high, observation_dim)
    except PolicyError as error:
        raise PolicyError(f"{os.fspath(path)}: {error}") from error


def read_weights(path: str | os.PathLike[str]) -> PolicyWeights:
    """Read the weights of a policy, for whichever environment.

    Args:
        path: The file.

    Returns:
        Weights that fit each other.

    Raises:
        PolicyError: If the file can not be read or is no policy; names the file.
    """
    where = os.fspath(path)
    try:
        content = Path(path).read_bytes()
        tensors, metadata = load(content), _metadata(content)
    except OSError as error:
        raise PolicyError(
            f"expected random, novice, paper, expert or a policy file, can not read {where}: {error.strerror or error}"
        ) from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        # KeyError: a type that NumPy lacks, such as bfloat16.
        raise PolicyError(
            f"expected a safetensors file of float32 tensors, can not read {where}: {error}; write it with save_policy"
        ) from error
    try:
        _check_metadata(metadata)
        return _weights(tensors, metadata)
    except PolicyError as error:
        raise PolicyError(f"{where}: {error}") from error


def save_policy(path: str | os.PathLike[str], weights: PolicyWeights, *, overwrite: bool = False) -> Path:
    """Write the weights of a policy.

    Args:
        path: The file; it appears whole or not at all.
        weights: What to write.
        overwrite: Replace a file that is there.

    Returns:
        The path.

    Raises:
        OutputExistsError: If the file is there and ``overwrite`` is false.
        OutputError: If it can not be written.
        PolicyError: If a note has the name of a field.
    """
    target, content = Path(path), policy_content(weights)
    if target.exists() and not overwrite:
        raise OutputExistsError(f"{target} is there already; choose another name or pass overwrite=True")
    try:
        replace_file(target, content)
    except OSError as error:
        raise OutputError(f"expected to write {target}, got: {error.strerror or error}") from error
    return target


def policy_content(weights: PolicyWeights) -> bytes:
    """Return the content of a policy's file: the same bytes for the same weights and notes.

    Args:
        weights: What the file holds.

    Returns:
        A safetensors file.

    Raises:
        PolicyError: If a note has the name of a field.
    """
    taken = [name for name in weights.notes if name in (*_REQUIRED, *_OPTIONAL)]
    if taken:
        raise PolicyError(f"notes must not be called {', '.join(taken)}: these are fields of the file; choose others")
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in weights.tensors().items()}
    metadata = {key: str(value) for key, value in {**weights.notes, **_fields(weights)}.items()}
    return _in_order(save(tensors, metadata=metadata))


def _fields(weights: PolicyWeights) -> dict[str, str]:
    """Return the metadata of a file, free text left out."""
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "name": weights.name,
        "environment": weights.environment,
        "family": weights.family,
        "activation": weights.activation,
        "layer_sizes": _sizes_text(weights),
        "action_scaling": weights.action_scaling,
    }
    if weights.family == "tanh-normal":
        fields["min_std"] = repr(float(weights.min_std))
    if weights.observation_clip is not None:
        fields["observation_clip"] = repr(float(weights.observation_clip))
    return fields


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a safetensors file into its header, which is JSON after 8 bytes of its length, and the tensors' bytes."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def _in_order(content: bytes) -> bytes:
    """Sort the header of a safetensors file: the library writes metadata in another order every time."""
    header, numbers = _split(content)
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + numbers


def _metadata(content: bytes) -> dict[str, str]:
    return dict(_split(content)[0].get("__metadata__", {}))


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise PolicyError(
            f"expected metadata format = {FORMAT!r}, got {metadata.get('format')!r}; write the file with save_policy"
        )
    if metadata.get("version") != VERSION:
        raise PolicyError(
            f"expected version {VERSION} of the format, got {metadata.get('version')!r}; read it with another dynsparse"
        )
    missing = [name for name in _REQUIRED if name not in metadata]
    if missing:
        raise PolicyError(f"expected metadata {', '.join(_REQUIRED)}; {', '.join(missing)} missing, add it")


def _weights(tensors: Mapping[str, NDArray[np.float32]], metadata: Mapping[str, str]) -> PolicyWeights:
    depth = len([name for name in tensors if name.startswith("layer_") and name.endswith("/kernel")])
    wanted = [f"layer_{i}/{part}" for i in range(max(depth, 1)) for part in ("kernel", "bias")]
    missing = [name for name in wanted if name not in tensors]
    extra = sorted(name for name in tensors if name not in (*wanted, *_OTHER_TENSORS))
    if missing or extra:
        near = nearest_names(extra[0], [*wanted, *_OTHER_TENSORS]) if extra else ""
        raise PolicyError(
            f"expected tensors {', '.join(wanted)}, with or without {', '.join(_OTHER_TENSORS)}; "
            f"missing: {', '.join(missing) or 'none'}, unknown: {', '.join(extra) or 'none'}{near}"
        )
    optional = {name: _number(name, metadata[name]) for name in ("observation_clip", "min_std") if name in metadata}
    weights = PolicyWeights(
        name=metadata["name"],
        environment=metadata["environment"],
        family=metadata["family"],
        activation=metadata["activation"],
        layers=tuple((tensors[f"layer_{i}/kernel"], tensors[f"layer_{i}/bias"]) for i in range(depth)),
        mean=tensors.get("normalizer/mean"),
        std=tensors.get("normalizer/std"),
        log_std=tensors.get("log_std"),
        action_scaling=metadata.get("action_scaling", "none"),
        notes={key: value for key, value in metadata.items() if key not in (*_REQUIRED, *_OPTIONAL)},
        **optional,
    )
    if metadata["layer_sizes"] != _sizes_text(weights):
        raise PolicyError(
            f"expected layers of sizes {metadata['layer_sizes']!r} as its metadata say, got {_sizes_text(weights)!r}; "
            "is a layer missing?"
        )
    return weights


def _sizes_text(weights: PolicyWeights) -> str:
    return " ".join(map(str, weights.layer_sizes))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PolicyError(f"expected {name} to be a number, got {text!r}") from error
