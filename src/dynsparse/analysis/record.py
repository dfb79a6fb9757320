"""Analysis record: what ``analysis.json`` and ``analysis.npz`` hold, written and read."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.global_sparsity import BlockSparsity, GlobalSparsity, ThresholdPoint
from dynsparse.errors import InputError

__all__ = ["SCHEMA", "AnalysisRecord"]

SCHEMA = 1

JSON_NAME = "analysis.json"
NPZ_NAME = "analysis.npz"


@dataclass(frozen=True)
class AnalysisRecord:
    """The analysis of one environment's rows, with everything that a table or a figure of it needs.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions.
        derivative: Which transition Jacobian.
        episodes: Episodes that the rows come from.
        state_names: (ds,) names of the state variables.
        action_names: (da,) names of the actions.
        sparsity: Frequencies, counts and the threshold sweep.
        provenance: Settings, seeds and versions that made it.
    """

    environment: str
    policy: str
    derivative: str
    episodes: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    sparsity: GlobalSparsity
    provenance: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``analysis.json`` holds."""
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "policy": self.policy,
            "derivative": self.derivative,
            "rows": self.sparsity.rows,
            "episodes": self.episodes,
            "atol": self.sparsity.atol,
            "state_dim": len(self.state_names),
            "action_dim": len(self.action_names),
            "state_names": list(self.state_names),
            "action_names": list(self.action_names),
            "nonfinite_rows": self.sparsity.nonfinite_rows,
            "provenance": dict(self.provenance),
            "audit": None,
            "global": {"state": _block_dict(self.sparsity.state), "action": _block_dict(self.sparsity.action)},
            "threshold_sweep": [asdict(point) for point in self.sparsity.threshold_sweep],
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``analysis.json`` and ``analysis.npz``.

        Args:
            folder: An existing folder.  Whoever needs both files to appear at once writes into a folder aside and
                renames it.
        """
        with (Path(folder) / NPZ_NAME).open("wb") as file:
            np.savez_compressed(
                file,
                zero_frequency_state=self.sparsity.state.zero_frequency,
                zero_frequency_action=self.sparsity.action.zero_frequency,
            )
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        (Path(folder) / JSON_NAME).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> AnalysisRecord:
        """Read what ``save`` wrote.

        Args:
            folder: Folder that holds ``analysis.json`` and ``analysis.npz``.

        Returns:
            An equal record.

        Raises:
            InputError: If a file is missing, broken, of another format, or the two do not belong together.
        """
        try:
            found = json.loads((Path(folder) / JSON_NAME).read_text(encoding="utf-8"))
            if found["schema"] != SCHEMA:
                raise InputError(f"expected an analysis of schema {SCHEMA} in {folder}, got {found['schema']!r}")
            with (Path(folder) / NPZ_NAME).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                blocks = [np.asarray(file[f"zero_frequency_{name}"]) for name in ("state", "action")]
            record = cls._from_parts(found, blocks)
            matching = _counts(record.to_dict()) == _counts(found)
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"expected analysis.json and analysis.npz in {folder}, can not read them ({error!r}); "
                "delete the folder and run again"
            ) from error
        if not matching:
            raise InputError(
                f"analysis.json and analysis.npz in {folder} do not belong together; delete the folder and run again"
            )
        return record

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], blocks: list[NDArray[np.float64]]) -> AnalysisRecord:
        sparsity = GlobalSparsity(
            state=BlockSparsity(blocks[0]),
            action=BlockSparsity(blocks[1]),
            rows=found["rows"],
            nonfinite_rows=found["nonfinite_rows"],
            atol=found["atol"],
            threshold_sweep=tuple(ThresholdPoint(**point) for point in found["threshold_sweep"]),
        )
        return cls(
            found["environment"],
            found["policy"],
            found["derivative"],
            found["episodes"],
            tuple(found["state_names"]),
            tuple(found["action_names"]),
            sparsity,
            found["provenance"],
        )


def _block_dict(block: BlockSparsity) -> dict[str, Any]:
    return {"always_zero": block.always_zero_count, "elements": block.elements, "fraction": block.fraction}


def _counts(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return (found["state_dim"], found["action_dim"], found["global"])
