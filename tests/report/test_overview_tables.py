"""Overview tables: what a reader sees, and what a program reads from the CSV."""

from __future__ import annotations

import pytest

from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.overview_tables import sparsity_table, time_table

from .invented_episodes import counted_twice, invented_episodes
from .switched import switched_report

RATES = {"chosen": (0.7, 0.72, 0.68), "above": (0.1, 0.12, 0.08)}


def line_of(item, environment):
    """One line of the CSV, by field."""
    (values,) = [dict(zip(item.csv_fields, row, strict=True)) for row in item.values if row[0] == environment]
    return values


def cells_of(item, environment):
    (cells,) = [dict(zip(item.columns, row, strict=True)) for row in item.cells if row[0] == environment]
    return cells


def test_both_thresholds_stand_side_by_side():
    cheetah = counted_twice(switched_report("CheetahRun"), **RATES, patterns=(113, 2))
    sparsity, time = sparsity_table([cheetah], ["WalkerRun"]), time_table([cheetah], ["WalkerRun"])
    cells = cells_of(sparsity, "CheetahRun")
    assert (cells["patterns, 1e-12"], cells["patterns, 1e-15"]) == ("2", "113")
    assert cells["zeros, 1e-12"] == "30.0 %"  # the same in all episodes: no interval, and the note says so
    assert any("the same in all of them" in note for note in sparsity.notes)
    cells = cells_of(time, "CheetahRun")
    # Of 999 pairs 100, 120 and 80 switch, or 699, 719 and 679: to either side 4.3027 * 20 / sqrt(3) = 49.7 of 999.
    assert (cells["switches, 1e-12"], cells["switches, 1e-15"]) == ("10.0 % [5.0, 15.0]", "70.0 % [65.0, 74.9]")
    assert (cells["zero stretches"], cells["censored"], cells["below 50 without"]) == ("30", "6", "100 %")
    assert cells_of(time, "WalkerRun")["switches, 1e-12"].startswith("missing")


def test_the_csv_has_fractions_and_a_name_for_each_column():
    cheetah = counted_twice(switched_report("CheetahRun"), **RATES, patterns=(113, 2))
    sparsity, time = sparsity_table([cheetah], ["WalkerRun"]), time_table([cheetah], ["WalkerRun"])
    for item in (sparsity, time):
        assert len(set(item.csv_fields)) == len(item.csv_fields)
        assert all(field == field.strip() and " " not in field for field in item.csv_fields)
        assert set(line_of(item, "WalkerRun").values()) == {"WalkerRun", None}
    line = line_of(sparsity, "CheetahRun")
    assert (line["atol"], line["chosen_atol"], line["patterns"], line["patterns_chosen_atol"]) == (1e-12, 1e-15, 2, 113)
    assert (line["sparsity"], line["sparsity_low"], line["sparsity_high"]) == (0.3, None, None)
    line = line_of(time, "CheetahRun")
    assert line["switch_rate"] == pytest.approx(300 / 2997) and line["switch_rate_low"] < line["switch_rate"]
    assert line["switch_rate_chosen_atol"] == pytest.approx(0.7, abs=1e-3)
    assert (line["stretches"], line["censored_stretches"]) == (30, 6)


def test_one_threshold_is_one_column():
    report = switched_report("CheetahRun")
    alone = count_numbers(report, invented_episodes(report, returns=(1, 2, 3), switches=(0.1, 0.12, 0.08)))
    item = time_table([alone], [])
    assert item.columns[:3] == ("environment", "switches", "zero for")
    assert not any("chosen" in field for field in item.csv_fields)
    assert line_of(item, "CheetahRun")["atol"] == 1e-15
    both = counted_twice(switched_report("FingerSpin"), **RATES)
    notes = time_table([alone, both], []).notes
    assert notes[-1] == "Counted at the chosen threshold only: CheetahRun."


def test_states_that_do_not_follow_each_other_have_no_numbers_of_time():
    item = time_table([count_numbers(switched_report("BallInCup", states="coverage"))], [])
    assert set(item.cells[0][1:]) == {"-"} and set(item.values[0][2:]) == {None}
