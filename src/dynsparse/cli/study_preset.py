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
        budgets: Seconds that stages may take on two cores, by name; "explore" is made beside "report".
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


# Of the paper's 0 against 3, and one whose contacts the policy decides.
_FEW = ("CartpoleBalance", "FingerSpin")
# Where plain autodiff's float64 is known to be off; and, with these, where its float32 is not finite.
_OFF = ("FingerSpin", "FingerTurnEasy")
_PLATEAUS = (*_OFF, "CartpoleBalance")
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
                search=_HOUR, report=165, explore=205,
            ),
            (),
        ),
        # Fits 100 minutes on two quiet cores, causes and searches aside.  The sizes rest on rates of Jacobians measured
        # on two cores, exact ones a second: CartpoleBalance 100,000, ReacherHard 15,000, CheetahRun and both Finger
        # 2,500, BallInCup 1,100, SwimmerSwimmer6 650, WalkerRun 250; plain autodiff has a fifth of each.  A row of all
        # eight is 8 ms exact and 39 ms plain.  So 20,000 rows of data take 3 minutes and compiling as long; 2,000 rows
        # of derivatives, plain in two precisions, 3 minutes and compiling; 8,000 rows of five policies 5 minutes and
        # loading; the twins of 20,000 rows in both Finger 80 s.  Q4, with 120 trainings, takes 66 minutes, and a
        # training on a twin as long as one of these.
        "small": StudyPreset(
            (
                SectionPlan("pictures", {}),
                SectionPlan("embedding", {"points": 20_000, "fitted": 10_000}),
                SectionPlan("causes", {"rows": 128}),
                SectionPlan("derivatives", {"rows": 2000}),
                SectionPlan("policies", {"rows": 8000}),
                SectionPlan("horizon", {"starts": 50, "rollouts": 24, "rows": 128}),
            ),
            # A quarter more than what is expected.
            _budgets(
                data=8 * _MINUTE, pictures=_MINUTE, embedding=3 * _MINUTE, causes=7 * _MINUTE,
                derivatives=9 * _MINUTE, policies=10 * _MINUTE, horizon=3 * _MINUTE, q4=80 * _MINUTE,
                relearned=10 * _MINUTE, search=2 * _HOUR, report=5 * _MINUTE, explore=8 * _MINUTE,
            ),
            _OFF,
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
