"""Settings table: what the learning experiments were run with, beside the paper's (Table A2.1)."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.item import TableItem
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.paper_numbers import paper_settings

__all__ = ["settings_table"]

_COLUMNS = ("parameter", "here", "paper", "as paper")
_FIELDS = {
    "activation-function": "activation",
    "batch-size": "batch_size",
    "dropout-rate": "dropout_rate",
    "epochs": "epochs",
    "layer-depth": "layer_depth",
    "layer-width": "layer_width",
    "learning-rate": "learning_rate",
    "test-split": "test_split",
    "weight-decay": "weight_decay",
}
_ALWAYS = {"initializer": "kaiming_normal", "normalize-data": "True"}
"""What is no setting here: all models have it."""

_SPLITS = {"step": "True", "episode": "False", "both": "True, and False"}
_BOTH = (
    "randomize-steps: the paper tests on single steps of the episodes that it trains on, whose neighbours in time it "
    "has seen; here a share of whole episodes is kept apart too, and every score is given on both."
)


def settings_table(table: LearningTable | None) -> TableItem:
    """Set the settings of all trainings beside the paper's.

    Args:
        table: The runs; None where nothing was trained.

    Returns:
        Table A2.1.
    """
    own = {} if table is None else _own(table)
    lines = [(name, own.get(name, "-"), printed) for name, printed in paper_settings().items()]
    told = [(name, here, printed, _same(here, printed, known=table is not None)) for name, here, printed in lines]
    notes = []
    if table is None:
        notes.append("Nothing was trained: the column is empty.")
    elif own["randomize-steps"] == _SPLITS["both"]:
        notes.append(_BOTH)
    different = [name for name, *_, same in told if same == "no"]
    if different:
        notes.append(f"Different from the paper: {', '.join(different)}; numbers of Q4 are not those of its settings.")
    return TableItem(
        name="table-a2-1",
        title="Settings of the learning experiments",
        source="Table A2.1",
        columns=_COLUMNS,
        cells=tuple(told),
        values=tuple((name, None if here == "-" else here, printed, same) for name, here, printed, same in told),
        notes=tuple(notes),
        fields=("parameter", "here", "paper", "as_paper"),
    )


def _own(table: LearningTable) -> dict[str, str]:
    known = table.settings
    found = {name: _text(known[field]) for name, field in _FIELDS.items() if field in known}
    split = str(known.get("split", ""))
    return {
        **found,
        **_ALWAYS,
        "env": _listed(sorted(table.environments)),
        "loss-mode": _listed(table.losses),
        "seed": _listed([str(seed) for seed in table.seeds]),
        "randomize-steps": _SPLITS.get(split, split or "-"),
    }


def _same(here: str, printed: str, *, known: bool) -> str:
    if not known or here == "-":
        return "-"
    if here == _SPLITS["both"] and printed == "True":
        return "yes, and more"
    return "yes" if here == printed else "no"


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
