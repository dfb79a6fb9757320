"""Score: whether a world model has found out what depends on what, and what follows, judged on rows of a data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_atol
from dynsparse.errors import ModelError
from dynsparse.learning.jacobian_scores import MODEL_ATOL, JacobianScores, score_jacobians
from dynsparse.learning.model import Model, as_model
from dynsparse.learning.model_file import ModelArrays
from dynsparse.learning.model_score import FEWEST_ROWS, SWEEP, ContactScores, Score
from dynsparse.learning.prediction_scores import score_predictions
from dynsparse.learning.predictions import Predictions, predict
from dynsparse.learning.referees import REFEREES
from dynsparse.learning.row_sample import SCORED_ROWS, draw_rows
from dynsparse.learning.scored_rows import ZERO_ATOL, ScoredRows

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset

__all__ = ["Score", "score", "score_referees", "score_rows"]


def score(
    model: Any,
    dataset: Dataset,
    *,
    rows: int = SCORED_ROWS,
    seed: int = 0,
    atol: float = MODEL_ATOL,
    zero_atol: float = ZERO_ATOL,
    derivative: str | None = None,
    on_phase: Callable[[str], None] | None = None,
) -> Score:
    """Score a world model on a data set, beside referees.

    Args:
        model: A function of one row, ``(state (ds,), action (da,)) -> next_state (ds,)``, in JAX (differentiated) or
            NumPy (central differences), see ``dynsparse.learning.model.as_model``; an object with the methods of
            ``dynsparse.learning.model.Model``; or a mapping of arrays with what the model says about each row of the
            data set, see ``dynsparse.learning.model_file``.  All in the units of the data set.  Where the state holds
            quaternions, Jacobians of its numbers are projected to tangents, see ``Predictions``.
        dataset: Rows with the true Jacobians.
        rows: How many are scored at most; rows that are not finite never are.
        seed: What they are drawn from, where there are more.
        atol: Below it an element of the model's Jacobian counts as zero.
        zero_atol: Below it an element of the simulator's Jacobian, before normalising, is zero.
        derivative: ``"jax"`` or ``"finite-difference"`` to decide how a function is differentiated; None to find out.
        on_phase: Told what is done next: ``"read"``, ``"ask the model"``, ``"score"``.

    Returns:
        The score, and those of the referees.

    Raises:
        ModelError: If the model does not fit the data set, or gives a number that is not finite (names the row).
        ArrayError: If no row is finite.
        DatasetError: If the data set is damaged.
        SettingError: If an option can not be used.
    """
    check_atol(atol)
    tell = on_phase or (lambda phase: None)
    description = dataset.description
    arrays = None
    if isinstance(model, Mapping):
        if derivative is not None:
            raise ModelError(f"expected a function to differentiate by {derivative!r}, got arrays; leave it out")
        arrays = ModelArrays.from_mapping(
            model,
            rows=dataset.rows,
            state_dim=description.state_dim,
            action_dim=description.action_dim,
            tangent_dim=description.tangent_dim,
        )
    tell("read")
    among = None if arrays is None else arrays.index
    chosen = draw_rows(dataset, rows=rows, seed=seed, zero_atol=zero_atol, among=among)
    asked = arrays or as_model(model, chosen.state, chosen.action, chosen.normalizer.input_std, derivative)
    tell("ask the model")
    found = predict(asked, chosen)
    tell("score")
    return dataclasses.replace(_scored(found, chosen, atol), referees=score_referees(chosen, atol=atol))


def score_rows(model: Model, rows: ScoredRows, *, atol: float = MODEL_ATOL) -> Score:
    """Score a model on rows that were chosen before.

    Args:
        model: In the units of the data set.
        rows: What it is scored on.
        atol: Below it an element of the model's Jacobian counts as zero.

    Returns:
        The score, without referees.

    Raises:
        ModelError: If the model does not fit, or gives a number that is not finite (names the row).
        SettingError: If the threshold is not above 0.
    """
    return _scored(predict(model, rows), rows, atol)


def score_referees(rows: ScoredRows, *, atol: float = MODEL_ATOL) -> dict[str, Score]:
    """Score the referees.

    Args:
        rows: What they are scored on.
        atol: Below it an element counts as zero.

    Returns:
        Name to score.
    """
    return {name: _scored(referee(rows), rows, atol) for name, referee in REFEREES.items()}


def _scored(found: Predictions, rows: ScoredRows, atol: float) -> Score:
    sizes_only = found.derivative == "dependency"
    factor = rows.jacobian_factor
    predicted = found.jacobian if sizes_only else found.jacobian * factor
    truth = rows.jacobian * factor

    def of(which: NDArray[np.bool_] | slice) -> JacobianScores:
        return score_jacobians(
            predicted[which],
            truth[which],
            rows.zero[which],
            atol=atol,
            changing=rows.changing,
            is_jacobian=not sizes_only,
        )

    normalized = of(slice(None))
    prediction = score_predictions(found, rows, np.ones(len(rows), dtype=bool))
    contact = {}
    for name, which in (("active", rows.contact), ("inactive", ~rows.contact)):
        count = int(np.count_nonzero(which))
        if count == len(rows):  # what was counted already is not counted again
            contact[name] = ContactScores(count, normalized, prediction)
        elif count < FEWEST_ROWS:
            contact[name] = ContactScores(count, None, None)
        else:
            contact[name] = ContactScores(count, of(which), score_predictions(found, rows, which))
    # Sizes of dependence are the same in all coordinates, and so is where the zeros are.
    raw = (
        normalized
        if sizes_only
        else score_jacobians(found.jacobian, rows.jacobian, rows.zero, atol=atol, changing=rows.changing)
    )
    sizes = np.abs(predicted)
    return Score(
        environment=rows.environment,
        policy=rows.policy,
        rows=len(rows),
        nonfinite_rows=rows.nonfinite_rows,
        zero_atol=rows.zero_atol,
        derivative=found.derivative,
        normalized=normalized,
        raw=raw,
        prediction=prediction,
        contact=contact,
        threshold_sweep=tuple((at, float((sizes < at).mean())) for at in SWEEP),
    )
