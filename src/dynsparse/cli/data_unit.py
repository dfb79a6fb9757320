"""Data unit: one environment collected, verified, audited and analysed on one core, here or on a Ray node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynsparse.cli.reproduction import Reproduction
from dynsparse.cli.result_places import ResultPlaces
from dynsparse.config import ReproduceSettings
from dynsparse.executor.unit import Tell

__all__ = ["collect_environment"]


def collect_environment(
    arguments: Mapping[str, Any], context: Mapping[str, str], tell: Tell
) -> tuple[Mapping[str, Any], Mapping[str, np.ndarray], Mapping[str, Any]]:
    """Collect an environment's data set and analyse it, or go on where that was stopped.

    Blocks and the analysis appear whole or not at all, so that a unit which was lost goes on elsewhere.

    Args:
        arguments: ``settings`` (see ``ReproduceSettings.to_dict``), of one environment; ``command``, for the record.
        context: ``study``, the folder of the whole study, held by whoever runs the units.
        tell: Told what is done, and how many rows are.

    Returns:
        The environment's name; the numbers are in the files.

    Raises:
        DynsparseError: Whatever collecting or analysing raises.
    """
    given = dict(arguments["settings"])
    settings = ReproduceSettings(**{**given, "environments": tuple(given["environments"])})
    (name,) = settings.environments
    places = ResultPlaces(Path(context["study"]), settings)
    if places.finished(name) is None:
        board = _Told(tell, settings.rows)
        failures = Reproduction(settings, places, board, arguments["command"]).run([name], 1)
        for failure in failures.values():
            raise failure
    return {"environment": name}, {}, {}


class _Told:
    """Progress that is told to whoever asked for the unit."""

    def __init__(self, tell: Tell, rows: int) -> None:
        self._tell, self._rows, self._phase = tell, rows, ""

    def add(self, environment: str, rows: int) -> None:
        """The environment is known already."""

    def phase(self, environment: str, phase: str) -> None:
        """Tell what begins."""
        self._phase = phase
        self._tell(0, self._rows, phase)

    def rows(self, environment: str, done: int, nonfinite: int) -> None:
        """Tell how many rows are done."""
        self._tell(done, self._rows, self._phase)

    def count(self, environment: str, done: int, total: int) -> None:
        """Tell how much is done of how much."""
        self._tell(done, total, self._phase)

    def note(self, environment: str, text: str) -> None:
        """Notes are for a terminal."""

    def finish(self, environment: str, note: str) -> None:
        """The unit's end says so."""

    def tick(self) -> None:
        """Time passes elsewhere."""

    def close(self) -> None:
        """Nothing to tidy."""
