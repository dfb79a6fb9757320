"""Model file: what a model of any framework says about the rows of a data set, as arrays in a mapping or an ``.npz``.

Arrays of n rows, n the committed rows of the data set in their order:

- either Jacobians, ``jac_state`` (n, ds, ds) and ``jac_action`` (n, ds, da), in the units of the data set; row = next
  state, column = state or action;
- or sizes of dependence, ``dependency_state`` (n, ds, ds) and ``dependency_action`` (n, ds, da), at least 0, larger =
  depends more; only their order and place count;
- each of these may be one matrix for all rows, (ds, ds) or (ds, da);
- where the state holds quaternions, tangent_dim stands for ds in all of these; Jacobians may also be those of the
  state's own ds numbers, and are then projected to tangents at the true next state;
- optionally ``next_state`` (n, ds), for one-step errors;
- optionally ``index`` (k,), increasing places among the committed rows: the other arrays then have these k rows.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import nearest_names
from dynsparse.errors import ModelError
from dynsparse.learning.foreign_value import real_numbers, told_error

__all__ = ["ModelArrays", "load_model"]

_KINDS = {"given": ("jac_state", "jac_action"), "dependency": ("dependency_state", "dependency_action")}
_NAMES = (*_KINDS["given"], *_KINDS["dependency"], "next_state", "index")


@dataclass(frozen=True, eq=False)
class ModelArrays:
    """A model's own Jacobians or sizes of dependence, and next states.

    Attributes:
        derivative: ``"given"`` for Jacobians, ``"dependency"`` for sizes of dependence.
        by_state: (k, d, d), or (d, d) for all rows; d is ds or tangent_dim.
        by_action: (k, d, da), or (d, da) for all rows.
        next_state: (k, ds), or None.
        index: (k,) which rows of the data set these are, increasing; None for all of them.
    """

    derivative: str
    by_state: NDArray[Any]
    by_action: NDArray[Any]
    next_state: NDArray[Any] | None = None
    index: NDArray[np.int64] | None = None

    @classmethod
    def from_mapping(
        cls, arrays: Mapping[str, Any], *, rows: int, state_dim: int, action_dim: int, tangent_dim: int | None = None
    ) -> ModelArrays:
        """Check arrays against a data set.

        Args:
            arrays: See the top of this module.
            rows: Committed rows of the data set.
            state_dim: Its state variables, ds.
            action_dim: Its actions, da.
            tangent_dim: Length of a tangent; None for ds.

        Returns:
            The arrays.

        Raises:
            ModelError: If a name is unknown or missing, both kinds are there, or a shape or type does not fit.
        """
        for name in arrays:
            if name not in _NAMES:
                raise ModelError(f"a model has no array {name!r}{nearest_names(str(name), _NAMES)}")
        kinds = [kind for kind, names in _KINDS.items() if any(name in arrays for name in names)]
        if len(kinds) != 1:
            raise ModelError(
                "expected jac_state and jac_action, or dependency_state and dependency_action, got "
                f"{', '.join(sorted(arrays)) or 'no array'}; give one of the two pairs"
            )
        missing = [name for name in _KINDS[kinds[0]] if name not in arrays]
        if missing:
            raise ModelError(f"expected {' and '.join(_KINDS[kinds[0]])}, {missing[0]} is missing; add it")
        index = _index(arrays["index"], rows) if "index" in arrays else None
        count = rows if index is None else len(index)
        why = "the committed rows of the data set" if index is None else "the rows in index"
        sizes = [state_dim if tangent_dim is None else tangent_dim]
        if kinds[0] == "given" and state_dim not in sizes:  # a size of dependence has no sign to be projected with
            sizes.append(state_dim)
        names = _KINDS[kinds[0]]
        by_state = _fitting(names[0], arrays[names[0]], [s for d in sizes for s in ((count, d, d), (d, d))], why)
        size = by_state.shape[-1]
        by_action = _fitting(names[1], arrays[names[1]], [(count, size, action_dim), (size, action_dim)], why)
        following = arrays.get("next_state")
        if following is not None:
            following = _fitting("next_state", following, [(count, state_dim)], why)
        return cls(kinds[0], by_state, by_action, following, index)

    def at(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return what is said about some rows.

        Args:
            rows: (m,) places in the data set; all of them are there.

        Returns:
            (m, d, d + da) Jacobians or sizes of dependence, and (m, ds) next states or None.

        Raises:
            ModelError: If a row is not there, or a size of dependence is negative.
        """
        places = rows if self.index is None else np.searchsorted(self.index, rows)
        if self.index is not None:
            absent = rows[self.index[np.minimum(places, len(self.index) - 1)] != rows]
            if absent.size:
                raise ModelError(f"expected the model's arrays to have row {absent[0]}, its index has not; add it")
        both = [
            np.broadcast_to(part, (len(rows), *part.shape)) if part.ndim == 2 else part[places]
            for part in (self.by_state, self.by_action)
        ]
        jacobian = np.concatenate(both, axis=2, dtype=np.float64)
        if self.derivative == "dependency" and (jacobian < 0).any():
            raise ModelError(
                f"expected sizes of dependence of at least 0, got {jacobian.min():g} at row "
                f"{rows[(jacobian < 0).any(axis=(1, 2)).argmax()]}; take probabilities or absolute values"
            )
        return jacobian, None if self.next_state is None else self.next_state[places].astype(np.float64)


def load_model(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read a model's arrays from an ``.npz`` file; pickled objects in it are refused, unread.

    Args:
        path: The file, as ``np.savez`` or ``np.savez_compressed`` writes it.

    Returns:
        Name to array, as the top of this module says; their shapes are checked against a data set later.

    Raises:
        ModelError: If it can not be read, is no ``.npz``, or holds pickled objects; names the file.
    """
    where = os.fspath(path)
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise ModelError(f"expected an .npz file of arrays, {where} is none; write it with np.savez")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: _member(archive, name, where) for name in archive.files}
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"expected an .npz file of arrays, can not read {where}: {error.strerror or error}") from error
    except Exception as error:  # anything: it depends on which byte of the archive's directory is damaged
        raise ModelError(
            f"expected an .npz file of arrays, can not read {where} ({told_error(error)}); write the file again"
        ) from error


def _member(archive: Any, name: str, where: str) -> NDArray[Any]:
    shown = name if name.isprintable() else repr(name)  # a damaged name may hold a line break
    try:
        found = archive[name]
    except Exception as error:  # anything: it depends on where the file is damaged
        if "allow_pickle" in str(error):
            raise ModelError(
                f"{where}: {shown} holds pickled objects, which are not read; save plain arrays of numbers"
            ) from error
        raise ModelError(f"{where}: {shown} can not be read ({told_error(error)}); write the file again") from error
    if not isinstance(found, np.ndarray):
        raise ModelError(f"{where}: {shown} is no array; write the file with np.savez")
    return found


def _fitting(name: str, array: Any, shapes: list[tuple[int, ...]], why: str) -> NDArray[Any]:
    found = real_numbers(name, array)
    if found.shape not in shapes:
        wanted = " or ".join(str(shape) for shape in shapes)
        raise ModelError(f"expected {name} of shape {wanted}, got {found.shape}; its rows are {why}")
    return found


def _index(array: Any, rows: int) -> NDArray[np.int64]:
    found = real_numbers("index", array)
    if found.ndim != 1 or found.dtype.kind not in "iu" or not len(found):
        raise ModelError(f"expected index to hold whole numbers, (k,), got {found.dtype} of shape {found.shape}")
    if found[0] < 0 or found[-1] >= rows or not (np.diff(found.astype(np.int64)) > 0).all():
        raise ModelError(f"expected index to increase from 0 to at most {rows - 1}; sort it, each row once")
    return found.astype(np.int64)
