"""What changes with the data: data sets of several policies and of coverage states, and what makes them differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dynsparse.config import EPISODE_STEPS, check_atol
from dynsparse.errors import OutputExistsError, PolicyError, UnsupportedModelError

if TYPE_CHECKING:
    from dynsparse.analysis.policy_record import PolicyRecord
    from dynsparse.dataset import Dataset

__all__ = ["COMPARED_POLICIES", "POLICIES", "compare_policies"]

POLICIES = "policies"
"""Folder of the data sets in that of the study."""

_FEWEST_EPISODES = 4

COMPARED_POLICIES = ("random", "novice", "paper", "expert", "coverage")
"""Policies of growing skill, and states and actions that are spread over their whole range."""


def compare_policies(
    path: Path,
    command: str,
    *,
    folder: Path,
    policies: Sequence[str] = COMPARED_POLICIES,
    rows: int,
    episode_steps: int | None = None,
    seed: int,
    atol: float,
    workers: int,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> PolicyRecord:
    """Collect a data set of each policy, as many rows each, and measure Q1 to Q3 in all of them.

    Args:
        path: Folder of the study's data set, which says what the environment is, and is taken in place of the one that
            would be the same, if any would.
        command: The command, for the record.
        folder: Folder of the study; the data sets are ``policies/POLICY/ENV`` in it, and those that are there are gone
            on with.
        policies: Which; ``"coverage"`` for states and actions spread over their range.
        rows: Rows of each data set.
        episode_steps: Control steps of an episode; None for those of the paper, or as few as make four episodes, since
            intervals are over episodes.
        seed: Of initial states and actions.
        atol: An element is zero when ``abs(x) < atol``.
        workers: Worker processes; 0 for one on each usable core.
        on_phase: Told what begins: "random", ..., "measure".
        on_rows: Told how many rows are there, of all data sets together.

    Returns:
        The record; what can not be had of this environment is named in ``missing``.

    Raises:
        SettingError: A number is out of range.
        ArrayError: A data set has no finite row, or no policy could be had.
        OutputExistsError: Another data set is there.
        WorkerError: A worker died or hung.
    """
    from dynsparse.cli.policy_measurement import measure_datasets
    from dynsparse.cli.stored import opened
    from dynsparse.dataset import open_dataset
    from dynsparse.provenance import collect_provenance
    from dynsparse.rollout.collect import collect, describe
    from dynsparse.rollout.settings import CollectSettings
    from dynsparse.rollout.stored_rows import identity

    check_atol(atol)
    steps = max(1, min(EPISODE_STEPS, rows // _FEWEST_EPISODES)) if episode_steps is None else episode_steps
    with opened(path, workers) as (main, env, _):  # its workers are not started
        pass
    found: dict[str, Dataset] = {}
    missing: dict[str, str] = {}
    same_as: dict[str, str] = {}
    checkpoints: dict[str, str] = {}
    for policy in policies:
        on_phase(policy)
        states, actor = ("coverage", "random") if policy == "coverage" else ("rollout", policy)
        settings = CollectSettings(rows, actor, states=states, seed=seed, episode_steps=steps)
        before = rows * len(found)
        try:
            described = describe(env, settings)
        except (PolicyError, UnsupportedModelError) as error:
            # Only some environments have policies that come with the package, and a function has no joints whose range
            # could be covered: what there is, is compared.
            missing[policy] = str(error)
            continue
        sha256 = described.policy["sha256"]
        if states == "rollout" and sha256 in checkpoints:
            # The same weights under two names act alike: no second data set, and no difference to be told.
            same_as[policy] = checkpoints[sha256]
            continue
        place = folder / POLICIES / policy / env.name
        # Under another name the same weights gave the same rows.
        if main.rows == rows and main.description == replace(
            described, policy={**described.policy, "name": main.description.policy["name"]}
        ):
            place = main.path
        else:
            try:
                collect(
                    env,
                    settings,
                    place,
                    workers=workers,
                    resume=True,
                    on_rows=partial(_tell_rows, on_rows, before),
                )
            except OutputExistsError as error:
                raise OutputExistsError(
                    f"{error}; or remove the folder {place} and run the same again, which collects it anew"
                ) from error
        if states == "rollout" and sha256 is not None:
            checkpoints[sha256] = policy
        found[policy] = open_dataset(place)
        on_rows(rows * len(found))
    on_phase("measure")
    record = measure_datasets(found, atol=atol, episode_steps=steps)
    given = {"rows": rows, "episode_steps": steps, "seed": seed, "atol": atol, "policies": list(policies)}
    provenance = collect_provenance(command, seed, settings=given, dataset=identity(main))
    return replace(record, missing=missing, same_as=same_as, provenance=provenance.to_dict())


def _tell_rows(on_rows: Callable[[int], None], before: int, done: int, _not_finite: int) -> None:
    """Tell the rows of all data sets so far."""
    on_rows(before + done)
