"""Study presets: how much of each section a reproduction measures, and how long each stage may take."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dynsparse.cli.section_run import SectionPlan
from dynsparse.config import nearest_names
from dynsparse.errors import SettingError

__all__ = ["STUDY_PRESETS", "StudyPreset", "study_preset"]


@dataclass(frozen=True)
class StudyPreset:
    """Sizes of the sections, and budgets of the stages.

    Attributes:
        sections: What is measured, in the order in which it is measured.
        budgets: Seconds that stages may take on two cores, by name.
        relearned: Where models are trained on plain autodiff's Jacobians too, if these differ; None for everywhere.
    """

    sections: tuple[SectionPlan, ...]
    budgets: Mapping[str, float]
    relearned: tuple[str, ...] | None = None

    def plans(self, wanted: Collection[str], embedded: tuple[str, ...]) -> tuple[SectionPlan, ...]:
        """Return the plans of some sections.

        Args:
            wanted: Names of sections.
            embedded: Environments whose states are embedded.
        """
        return tuple(
            dataclasses.replace(plan, environments=embedded) if plan.section == "embedding" else plan
            for plan in self.sections
            if plan.section in wanted
        )


def _budgets(**seconds: float) -> Mapping[str, float]:
    return MappingProxyType(seconds)


# Of the paper's 0 against 3, and one that agrees; both compile in seconds.
_FEW = ("CartpoleBalance", "ReacherHard")
# Where plain autodiff's float64 is known to be off, and where its float32 is not finite.
_PLATEAUS = ("FingerSpin", "FingerTurnEasy", "CartpoleBalance")
_MINUTE, _HOUR = 60.0, 3600.0

STUDY_PRESETS: Mapping[str, StudyPreset] = MappingProxyType(
    {
        # Shows all of it in at most a quarter of an hour, two minutes of set-up included; what is trained on plain
        # autodiff's Jacobians and the causes are left to the larger presets.
        "smoke": StudyPreset(
            (
                SectionPlan("pictures", {}),
                SectionPlan("embedding", {"points": 4000, "fitted": 2000}),
                SectionPlan("causes", {"rows": 64}),
                SectionPlan("derivatives", {"rows": 1200}, _PLATEAUS),
                SectionPlan("policies", {"rows": 1000}, _FEW),
                SectionPlan("horizon", {"starts": 20, "rollouts": 8, "rows": 32}),
            ),
            _budgets(
                data=220, pictures=15, embedding=15, causes=240, derivatives=80, policies=50, horizon=30, q4=165,
                search=_HOUR, report=165, explore=40,
            ),
            (),
        ),
        "small": StudyPreset(
            (
                SectionPlan("pictures", {}),
                SectionPlan("embedding", {"points": 20_000, "fitted": 10_000}),
                SectionPlan("causes", {"rows": 256}),
                SectionPlan("derivatives", {"rows": 20_000}),
                SectionPlan("policies", {"rows": 20_000}),
                SectionPlan("horizon", {}),
            ),
            _budgets(
                data=20 * _MINUTE, pictures=_MINUTE, embedding=10 * _MINUTE, causes=10 * _MINUTE,
                derivatives=30 * _MINUTE, policies=_HOUR, horizon=20 * _MINUTE, q4=2 * _HOUR, search=2 * _HOUR,
                report=10 * _MINUTE, explore=10 * _MINUTE,
            ),
        ),
        "paper": StudyPreset(
            (
                SectionPlan("pictures", {}),
                SectionPlan("embedding", {"points": 1_000_000, "fitted": 20_000}),
                SectionPlan("causes", {"rows": 2000}),
                SectionPlan("derivatives", {"rows": 100_000}),
                SectionPlan("policies", {"rows": 100_000}),
                SectionPlan("horizon", {"starts": 100, "rollouts": 100, "rows": 1000}),
            ),
            # Weeks on two cores: no budget.
            _budgets(),
        ),
    }
)  # fmt: skip
"""By name."""


def study_preset(name: str) -> StudyPreset:
    """Return a preset by its name.

    Raises:
        SettingError: If there is none; names the nearest ones.
    """
    if name not in STUDY_PRESETS:
        raise SettingError(f"there is no preset {name!r}{nearest_names(name, tuple(STUDY_PRESETS))}")
    return STUDY_PRESETS[name]
