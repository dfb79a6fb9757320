"""Causes: why a state variable enters no other one, for the columns of Table 1 that are always zero.

Measured where there is a record of causes (``dynsparse causes``).  Where there is none, what is on record here stands,
and says that it was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.report.cause import Cause
from dynsparse.report.measured_causes import explain_measured

__all__ = ["Cause", "explain"]

_TRANSLATION = (
    "the ground is the same everywhere, so where the {robot} stands along the track changes nothing else; "
    "the position only carries itself over (its own element is 1)"
)
_SWIM = (
    "the water is the same everywhere, so the swimmer's {axis} position changes nothing else; "
    "the position only carries itself over (its own element is 1)"
)

# One reason a column, each checked against the model: which force of it could read the variable.
_ON_RECORD: Mapping[tuple[str, str], str] = {
    ("CheetahRun", "qpos rootx"): _TRANSLATION.format(robot="cheetah"),
    ("WalkerRun", "qpos rootx"): _TRANSLATION.format(robot="walker"),
    ("SwimmerSwimmer6", "qpos rootx"): _SWIM.format(axis="x"),
    ("SwimmerSwimmer6", "qpos rooty"): _SWIM.format(axis="y"),
    ("ReacherHard", "qpos shoulder"): (
        "the arm lies flat and gravity does not act along it, so turning it as a whole about its base changes "
        "nothing else; the angle only carries itself over (its own element is 1)"
    ),
    ("CartpoleBalance", "qpos slider"): (
        "the rail is the same everywhere up to its ends, so moving the cart along it changes nothing else until the "
        "rail's limit at 1.8 m pushes back, which it did in none of these rows"
    ),
}

_UNMEASURED = "on record, not measured here"
_NONE_ON_RECORD = "there is no cause on record (dynsparse causes measures it)"

# What breaks a symmetry on record, where it can be named.
_BREAKERS: Mapping[tuple[str, str], str] = {
    ("CartpoleBalance", "qpos slider"): "the rail's limit at 1.8 m pushed back",
}
_ANY_BREAKER = "a limit or a contact pushed back, or round-off exceeds the tolerance"

# What a departure from the paper's count comes from, where it is known.
_DEPARTURES: Mapping[tuple[str, int], str] = {
    ("CartpoleBalance", 3): (
        "the paper prints 0, we measure 3, the slider's column. It is 0 as soon as the cart reaches the rail's limit "
        "in a single row, which random episodes of 1,000 control steps do (results/table1_smoke.csv), and in none of "
        "these rows did it. Neither versions nor precision make the difference (mujoco 3.3.4 with playground 0.0.5 "
        "gives 3 too, as does float32; on record, not measured here)"
    ),
}


def explain(
    record: SparsityReport, paper_state: int | None = None, measured: CauseRecord | None = None
) -> tuple[Cause, ...]:
    """Say why columns are always zero: only of columns that were measured so, own element aside.

    Args:
        record: The analysis of one environment.
        paper_state: The paper's count of always-zero state elements, to explain a departure from it.
        measured: Why elements are zero, measured; its sentences stand in place of those on record.

    Returns:
        Causes in the order of the columns: state, action, then elements outside any such column, then causes on
        record that were not seen, then the departure from the paper.
    """
    if measured is not None:
        return explain_measured(record, measured, paper_state)
    return (*_of_columns(record), *_outside_columns(record), *_not_seen(record), *_departure(record, paper_state))


def _of_columns(record: SparsityReport) -> list[Cause]:
    causes = []
    blocks = (
        (record.global_sparsity.state, record.state_names, True),
        (record.global_sparsity.action, record.action_names, False),
    )
    for block, names, own_element in blocks:
        for column in block.always_zero_columns(own_element=own_element):
            elements = int(block.always_zero[:, column].sum())
            sentence = _ON_RECORD.get((record.environment, names[column])) if own_element else None
            kind = "cause" if sentence else "unexplained"
            said = f"measured always zero in {_finite(record):,} rows; {_NONE_ON_RECORD}"
            sentence = f"{sentence} ({_UNMEASURED})" if sentence else said
            causes.append(Cause(record.environment, names[column], elements, kind, sentence))
    return causes


def _outside_columns(record: SparsityReport) -> list[Cause]:
    """Report always-zero elements in columns that are not zero as a whole."""
    causes = []
    blocks = (
        (record.global_sparsity.state, record.state_names, True),
        (record.global_sparsity.action, record.action_names, False),
    )
    for block, names, own_element in blocks:
        left = block.always_zero.copy()
        left[:, list(block.always_zero_columns(own_element=own_element))] = False
        for column, name in enumerate(names):
            outputs = [record.state_names[row] for row in left[:, column].nonzero()[0]]
            if outputs:
                sentence = f"single elements measured always zero (next {', '.join(outputs)}); {_NONE_ON_RECORD}"
                causes.append(Cause(record.environment, name, len(outputs), "unexplained", sentence))
    return causes


def _not_seen(record: SparsityReport) -> list[Cause]:
    block = record.global_sparsity.state
    seen = {record.state_names[column] for column in block.always_zero_columns(own_element=True)}
    causes = []
    for environment, column in _ON_RECORD:
        if environment == record.environment and column in record.state_names and column not in seen:
            index = record.state_names.index(column)
            least = min(f for row, f in enumerate(block.zero_frequency[:, index]) if row != index)
            breaker = _BREAKERS.get((environment, column), _ANY_BREAKER)
            sentence = (
                "zero by symmetry as long as nothing breaks it, and here something did: an element of the column is "
                f"zero in {least:.2%} of the rows; in the others {breaker} ({_UNMEASURED})"
            )
            causes.append(Cause(record.environment, column, 0, "not seen", sentence))
    return causes


def _departure(record: SparsityReport, paper_state: int | None) -> list[Cause]:
    count = record.global_sparsity.state.always_zero_count
    if paper_state is None or count == paper_state:
        return []
    sentence = _DEPARTURES.get(
        (record.environment, count),
        f"the paper prints {paper_state}, we measure {count} in {_finite(record):,} rows; there is no cause on record "
        "(fewer rows leave more elements at zero: try more)",
    )
    return [Cause(record.environment, "", count, "departure", sentence)]


def _finite(record: SparsityReport) -> int:
    return record.rows - record.nonfinite_rows
