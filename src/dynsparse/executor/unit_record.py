"""Unit record: what the file says that keeps what became of a unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dynsparse.errors import ExecutorError
from dynsparse.executor.unit import CheckedResult, Unit
from dynsparse.provenance import content_hash

__all__ = ["SCHEMA", "record_content", "refuse_another"]

SCHEMA = 1


def record_content(unit: Unit, status: str, provenance: Mapping[str, Any], found: Mapping[str, Any]) -> bytes:
    """Return the content of a record's file.

    Args:
        unit: The unit.
        status: ``"done"`` or ``"failed"``.
        provenance: Where that comes from; plain JSON values.
        found: What became of it, in place of nothing: ``result``, ``arrays`` and ``measured``, or ``error`` and
            ``traceback``.

    Returns:
        JSON.

    Raises:
        SettingError: Something is not plain JSON.
    """
    record = {
        "schema": SCHEMA,
        "key": unit.key,
        "function": unit.function,
        "versions": dict(unit.versions),
        "unit": dict(unit.arguments),
        "status": status,
        "error": None,
        "result": None,
        "arrays": None,
        "measured": {},
        "provenance": dict(provenance),
    } | dict(found)
    content_hash(record)
    return (json.dumps(record) + "\n").encode()


def refuse_another(
    unit: Unit, found: Mapping[str, Any], result: CheckedResult, arrays: Mapping[str, Any] | None
) -> None:
    """Refuse a second result of a unit that is not the first one.

    Args:
        unit: The unit.
        found: The record of the first one.
        result: The second one.
        arrays: Hash and size of its arrays; None for none.

    Raises:
        ExecutorError: They differ.
    """
    same = content_hash({"result": found["result"]}) == content_hash({"result": result.record})
    if not same or found["arrays"] != arrays:
        raise ExecutorError(
            f"expected one result of unit {unit.key[:12]} ({unit.function}), a second run gave another one, which is "
            "not stored: its function draws on something that its arguments do not name, or ran on another processor"
        )
