"""Foreign value: what a user's model or file holds, taken for real numbers, and what it raises, in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ModelError

__all__ = ["real_numbers", "told_error"]


def real_numbers(what: str, value: Any) -> NDArray[Any]:
    """Take what came from outside for an array of real numbers.

    Args:
        what: What it should be, for the message.
        value: An array of any framework, a number, or lists of numbers.

    Returns:
        The array, in its own type: booleans, integers and every float type, also those of JAX, are real numbers.

    Raises:
        ModelError: If it is no array, or holds anything else, complex numbers among them.
    """
    try:
        found = np.asarray(value)
    except Exception as error:  # anything: another library's array, or a ragged list, decides what it raises
        raise ModelError(
            f"expected {what} to be an array, got {type(value).__name__} ({told_error(error)}); convert it to NumPy"
        ) from error
    if not np.can_cast(found.dtype, np.float64, "same_kind"):
        raise ModelError(f"expected {what} to hold real numbers, got {found.dtype}; convert it")
    return found


def told_error(error: Exception) -> str:
    """Return an error's kind and its first line, without the pages that JAX adds.

    Args:
        error: What was raised.

    Returns:
        At most 300 characters, none of them a line break; an error of a model says what it is by itself.
    """
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return (first if isinstance(error, ModelError) else f"{type(error).__name__}: {first}".removesuffix(": "))[:300]
