from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dynsparse.report.data_answer import about_data
from dynsparse.report.data_returns import data_returns
from dynsparse.report.return_table import return_table

from .invented_episodes import invented_episodes
from .switched import switched_report


def of_returns(name, returns, **more):
    count = len(returns)
    numbers = {"sparsity": [0.3] * count, "switches": [0.1] * count, "short": [9] * count}
    return invented_episodes(switched_report(name), returns=returns, **numbers, **more)


def of_length(name, returns, steps):
    return of_returns(name, returns, **_of(np.full(len(returns), steps)))


def _of(steps):
    """Counts that episodes of so many steps can have."""
    none = steps * 0
    return {"steps": steps, "finite": steps, "pairs": steps - 1, "zeros_state": none, "zeros_action": none}


def only(record):
    """The return of one data set, by itself."""
    return data_returns({record.environment: record})[record.environment]


def test_what_hangs_on_a_hair_does_not_hold_beside_others():
    """As WalkerRun's 338.8 [327.81, 349.9] against 327.80: its interval leaves the number out by 0.01."""
    paper = 327.80
    spread = np.linspace(-10.0, 10.0, 20)
    half = stats.t.ppf(0.975, 19) * spread.std(ddof=1) / 20**0.5
    hair = of_returns("WalkerRun", paper + half + 0.01 + spread)
    alone = only(hair)
    assert alone.mean.low > paper and alone.side == 1
    # The same chance by another way, and Holm's by hand: the second smallest of two is as it was, the smallest twice.
    by_itself = stats.ttest_1samp(hair.full_returns, paper).pvalue
    assert alone.chance == pytest.approx(by_itself, rel=1e-9) and 0.04 < by_itself < 0.05
    level = of_returns("BallInCup", 960.0 + spread)
    found = data_returns({"WalkerRun": hair, "BallInCup": level})
    assert found["WalkerRun"].chance == pytest.approx(2 * by_itself, rel=1e-9)
    assert (found["WalkerRun"].side, found["BallInCup"].side) == (0, 0)
    sure = of_returns("BallInCup", 500.0 + spread)
    found = data_returns({"WalkerRun": hair, "BallInCup": sure})
    assert (found["WalkerRun"].side, found["BallInCup"].side) == (1, -1)
    table = return_table(["WalkerRun", "BallInCup"], {"WalkerRun": hair, "BallInCup": level})
    values = dict(zip(table.csv_fields, table.values[0], strict=True))
    assert values["chance_holm"] == pytest.approx(2 * by_itself, rel=1e-9)
    assert values["against_paper"] == "can not be told from it"


def test_returns_of_full_episodes_are_held_against_the_paper_s():
    returns = {
        "BallInCup": (959.0, 960.0, 962.0), "CheetahRun": (100.0, 101.0, 99.0), "WalkerRun": (900.0, 901.0),
        "FingerSpin": (0.0, 1000.0, 300.0),
    }  # fmt: skip
    reports = [switched_report(name) for name in returns]
    episodes = {name: of_returns(name, values) for name, values in returns.items()}
    answer = about_data(reports, episodes)
    assert answer.short == "512 rows of 4 environments, random policy, exact derivative."
    # Student's t of two degrees of freedom, 4.3027, times sqrt(7 / 3) / sqrt(3) and 1 / sqrt(3).
    assert answer.sentences[1:] == (
        "The mean return can not be told from that of the paper's agents in BallInCup (960.33 [956.54, 964.13] against "
        "960.00).",
        "The mean return is below that of the paper's agents in CheetahRun (100.00 [97.52, 102.48] against 351.75).",
        "The mean return can not be held against the paper's in WalkerRun (not enough data, 2 full episodes) and "
        "FingerSpin (not enough data, an interval wider than half of what a return can be).",
        "Verdicts on 3 returns are corrected for their number (Holm, 5 %), intervals are of each by itself.",
    )
    assert about_data([switched_report("Mine")], {}).sentences == ()


def test_short_episodes_are_not_held_against_a_thousand_steps():
    record = of_length("CheetahRun", (80.0, 81.0, 82.0), 250)
    told = about_data([switched_report("CheetahRun")], {"CheetahRun": record}).sentences[-1]
    assert told == (
        "The mean return can not be held against the paper's in CheetahRun (episodes of 250 steps, not of 1,000)."
    )
    item = return_table(["CheetahRun"], {"CheetahRun": record})
    assert item.values[0][-3:] == (351.75, None, "episodes of 250 steps, not of 1,000")
    assert item.cells[0][2:4] == ("81.00 [78.52, 83.48]", "3")


def test_an_episode_that_ends_early_makes_the_mean_another_quantity():
    steps = np.array([1000, 1000, 400])
    found = only(of_returns("CheetahRun", (350.0, 351.0, 100.0), **_of(steps)))
    assert (found.side, found.why_not) == (None, "episodes of 400 and 1,000 steps, not of 1,000")
    cut = only(of_returns("CheetahRun", (350.0, 351.0, 100.0), **_of(steps), full=np.array([1, 1, 0], dtype=bool)))
    assert cut.mean.episodes == 2 and cut.why_not == "not enough data, 2 full episodes"
    none = only(of_returns("CheetahRun", (1.0, 1.0, 1.0), full=np.zeros(3, dtype=bool)))
    assert none.why_not == "no full episode"


def test_an_interval_of_returns_ends_where_they_do():
    found = only(of_returns("CartpoleBalance", (999.0, 1000.0, 990.0)))
    assert found.mean.high == 1000.0 and found.mean.low > 0.0
    mine = only(of_returns("Mine", (1999.0, 2000.0, 1990.0)))
    assert mine.mean.high > 2000.0 and mine.why_not == "the paper has none"
