"""Fields: what a data set stores of each row, in one table that also makes the documentation's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["FIELD_NAMES", "FieldSpec", "field_specs", "field_table_markdown"]


@dataclass(frozen=True)
class FieldSpec:
    """One array of a data set.

    Attributes:
        name: Name of the field, and of its folder.
        axes: Names of the axes behind the row axis.
        shape: Shape of one row, one length an axis.
        dtype: Type that is stored, such as ``float64``.
        meaning: What a row holds, in a sentence.
        unit: Unit in words; empty where there is none.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    meaning: str
    unit: str

    @property
    def is_float(self) -> bool:
        """Whether the field holds floating-point numbers, which may be NaN."""
        return self.dtype.kind == "f"

    @property
    def is_empty(self) -> bool:
        """Whether a row holds no number at all: such a field has no chunk files."""
        return 0 in self.shape

    @property
    def fill_value(self) -> float | int | bool:
        """What a row that was never committed reads as: NaN, -1 or False."""
        return {"f": float("nan"), "i": -1}.get(self.dtype.kind, False)


@dataclass(frozen=True)
class _Entry:
    """A line of the table; an axis is (its name, its length), the length a symbol or a number."""

    name: str
    axes: tuple[tuple[str, str | int], ...]
    kind: str  # real, bool or int
    unit: str
    meaning: str
    only: str = ""


_DS, _DA = ("state", "ds"), ("action", "da")
_TO, _FROM = ("next_state", "tangent_dim"), ("state", "tangent_dim")
_NV, _NC, _NM = ("velocity", "nv"), ("constraint", "nc"), ("mocap_body", "nmocap")
_COVERAGE = "where `states` is `coverage`"
_MOCAP = "where the model has mocap bodies"
_IN_TANGENTS = "; a quaternion's change is a rotation vector in the body's own frame, rad"

_TABLE = (
    _Entry("state", (_DS,), "real", "`state_units`", "`qpos`, then `qvel`, at the start of the control step"),
    _Entry(
        "next_state",
        (_DS,),
        "real",
        "`state_units`",
        "the same at its end; bitwise the next row's `state` inside an episode",
    ),
    _Entry("action", (_DA,), "real", "as the control range", "as applied, inside `action_low` to `action_high`"),
    _Entry("action_raw", (_DA,), "real", "as the policy's output", "as sampled, before squashing or clipping"),
    _Entry("warmstart", (_NV,), "real", "m/s^2 or rad/s^2", "`qacc_warmstart` at the start of the control step"),
    _Entry(
        "jac_state",
        (_TO, _FROM),
        "real",
        "unit of the row / unit of the column",
        "transition Jacobian ds'/ds; row = output, column = input; the warm start held constant",
    ),
    _Entry(
        "jac_action",
        (_TO, _DA),
        "real",
        "unit of the row / unit of the column",
        "transition Jacobian ds'/da; row = output, column = input; the warm start held constant",
    ),
    _Entry("reward", (), "real", "", "reward of the control step"),
    _Entry("terminated", (), "bool", "", "the episode ended here for good; only at its last step"),
    _Entry("truncated", (), "bool", "", "the episode was cut here; only at its last step"),
    _Entry("episode", (), "int", "", "number of the episode, from 0"),
    _Entry("t", (), "int", "control steps", "control step inside the episode, from 0"),
    _Entry("constraint_active", (_NC,), "bool", "", "the named constraint exerted force in any substep"),
    _Entry("constraint_active_start", (_NC,), "bool", "", "the same at the first substep"),
    _Entry("mocap_pos", (_NM, ("xyz", 3)), "real", "m", "position of each mocap body", _MOCAP),
    _Entry("mocap_quat", (_NM, ("wxyz", 4)), "real", "", "orientation of each mocap body", _MOCAP),
    _Entry("penetrating", (), "bool", "", "bodies penetrate each other at the start of the row", _COVERAGE),
    _Entry(
        "solver_residual",
        (),
        "real",
        "",
        "largest rescaled gradient of the solver's cost over the substeps; below 1e-8 every call converged",
    ),
    _Entry("finite", (), "bool", "", "false where any stored number of the row is NaN or infinite"),
)

FIELD_NAMES = tuple(entry.name for entry in _TABLE)
"""Names of all fields that any data set may have, in their order."""


def field_specs(sizes: Mapping[str, int], dtype: str, *, coverage: bool) -> dict[str, FieldSpec]:
    """Return the fields of a data set with these sizes, in the table's order.

    Args:
        sizes: Lengths of ``ds``, ``tangent_dim``, ``da``, ``nv``, ``nc`` and ``nmocap``.
        dtype: Type of every floating-point field, ``"float64"`` or ``"float32"``.
        coverage: Whether states are spread over the admissible range, so that some may penetrate.

    Returns:
        Name to field.
    """
    kinds = {"real": np.dtype(dtype), "bool": np.dtype(bool), "int": np.dtype("int64")}
    absent = {_COVERAGE: not coverage, _MOCAP: sizes["nmocap"] == 0}
    # Where a change of the state is the difference of its numbers, axes and meaning are those of the state.
    curved = sizes["tangent_dim"] != sizes["ds"]

    def axis(name: str, size: str | int) -> str:
        return f"{name}_tangent" if curved and size == "tangent_dim" else name

    def meaning(entry: _Entry) -> str:
        return entry.meaning.replace("`", "") + (_IN_TANGENTS if curved and _TO in entry.axes else "")

    return {
        entry.name: FieldSpec(
            name=entry.name,
            axes=tuple(axis(name, size) for name, size in entry.axes),
            shape=tuple(size if isinstance(size, int) else sizes[size] for _, size in entry.axes),
            dtype=kinds[entry.kind],
            meaning=meaning(entry),
            unit=entry.unit.replace("`", ""),
        )
        for entry in _TABLE
        if not absent.get(entry.only, False)
    }


def field_table_markdown() -> str:
    """Return the table of all fields as the reference page prints it."""
    lines = ["| field | shape | type | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    for entry in _TABLE:
        shape = ", ".join(["n", *(str(size) for _, size in entry.axes)])
        kind = {"real": "float", "bool": "bool", "int": "int64"}[entry.kind]
        meaning = entry.meaning + (f"; only {entry.only}" if entry.only else "")
        lines.append(
            f"| `{entry.name}` | ({shape}{',' if not entry.axes else ''}) | {kind} | {entry.unit} | {meaning} |"
        )
    return "\n".join(lines) + "\n"
