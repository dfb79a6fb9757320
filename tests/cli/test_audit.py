from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.cli import main
from dynsparse.physics import audit as audit_module
from dynsparse.physics.audit import DifferingZeros, EnvironmentAudit
from dynsparse.physics.columns import audit_columns
from dynsparse.physics.linearization import CONSTRAINT_KINDS


def audited(name: str, *, error: float = 0.0, zeros: DifferingZeros | None = None) -> EnvironmentAudit:
    """An audit of one row with three outputs and two columns; ``error`` is planted in the exact derivative."""
    slope = np.array([[[1.0, 0.0], [0.5, 2.0], [0.0, 3.0]]])
    planted = slope.copy()
    planted[0, 0, 0] += error
    return EnvironmentAudit(
        environment=name,
        rows=1,
        seed=0,
        origin_rows={"random": 1, "near contact": 0, "near limits": 0},
        active_rows=dict.fromkeys(CONSTRAINT_KINDS, 0),
        constrained_rows=0,
        unconverged_rows=0,
        next_state_difference=0.0,
        nonfinite_rows={"exact": 0, "autodiff": 0},
        columns={
            "exact": audit_columns(planted, slope, slope, slope, slope),
            "autodiff": audit_columns(slope, slope, slope, slope, slope),
        },
        differing_zeros=None if zeros is None else {1e-15: zeros},
    )


@pytest.fixture
def found(monkeypatch):
    """What each environment's audit finds, in place of the minutes that it takes; and how it was asked."""
    found = SimpleNamespace(errors={}, zeros=None, asked=[])

    def audit(env, **settings):
        found.asked.append((env.name, {k: v for k, v in settings.items() if not k.startswith("on_")}))
        settings["on_phase"]("linearize")
        settings["on_rows"](settings["rows"], 0)
        return audited(env.name, error=found.errors.get(env.name, 0.0), zeros=found.zeros)

    monkeypatch.setattr(audit_module, "audit_environment", audit)
    return found


def test_a_clean_audit_exits_0_with_one_verdict_line(found, capsys):
    assert main(["audit", "CartpoleBalance", "--rows", "7", "--seed", "3"]) == 0
    assert found.asked == [("CartpoleBalance", {"rows": 7, "seed": 3, "workers": 0, "reference": False})]
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last == "exact: off on none of 2 smooth columns, no false zero, no false slope"


def test_an_audit_that_is_off_exits_1_and_says_where(found, capsys):
    found.errors["ReacherHard"] = 1e-3
    assert main(["audit", "CartpoleBalance", "ReacherHard"]) == 1
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last == "exact is OFF: ReacherHard (1 columns off)"


def test_too_few_smooth_columns_are_named(found, capsys, monkeypatch):
    monkeypatch.setattr(EnvironmentAudit, "smooth_share", 0.84)
    assert main(["audit", "CartpoleBalance"]) == 1
    last = capsys.readouterr().out.strip().splitlines()[-1]
    few = "too few columns to compare with: 84 % are smooth, wanted are 90 %"
    assert last == f"exact is OFF: CartpoleBalance ({few})"


def test_zeros_that_round_off_decides_accuse_nobody_and_are_counted(found, capsys):
    found.zeros = DifferingZeros(2, 3e-15)
    assert main(["audit", "CartpoleBalance", "--reference"]) == 0
    assert "but for 2 elements of round-off (up to 3e-15)" in capsys.readouterr().out
    found.zeros = DifferingZeros(1, 1e-6)
    assert main(["audit", "CartpoleBalance", "--reference"]) == 1
    assert "1 zeros that differ at 1e-15 by up to 1e-06" in capsys.readouterr().out


def test_all_means_the_eight_and_a_name_given_twice_counts_once(found):
    assert main(["audit", "all"]) == 0
    assert len(found.asked) == 8
    found.asked.clear()
    assert main(["audit", "ReacherHard", "ReacherHard"]) == 0
    assert len(found.asked) == 1


def test_the_file_holds_every_environment_the_tolerances_and_where_it_comes_from(found, tmp_path):
    assert main(["audit", "CartpoleBalance", "ReacherHard", "--json", "audit.json"]) == 0
    record = json.loads((tmp_path / "audit.json").read_text())
    assert [entry["environment"] for entry in record["environments"]] == ["CartpoleBalance", "ReacherHard"]
    assert record["environments"][0]["exact"]["smooth_columns"] == 2
    assert record["tolerances"]["off"] == 1e-5
    assert record["provenance"]["command"] == (
        "dynsparse audit CartpoleBalance ReacherHard --rows 300 --seed 0 --json audit.json"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["audit.json"]


def test_an_existing_file_is_kept_unless_told_otherwise(found, tmp_path, capsys):
    (tmp_path / "audit.json").write_text("mine")
    assert main(["audit", "CartpoleBalance", "--json", "audit.json"]) == 2
    assert not found.asked
    assert (tmp_path / "audit.json").read_text() == "mine"
    assert "add --overwrite" in capsys.readouterr().err
    assert main(["audit", "CartpoleBalance", "--json", "audit.json", "--overwrite"]) == 0
    assert json.loads((tmp_path / "audit.json").read_text())["schema"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Cartpole"], 2, "CartpoleBalance"),
        ([], 2, "expected an environment or all, got none"),
        (["CartpoleBalance", "--rows", "0"], 2, "expected rows to be a whole number of at least 1, got 0"),
        (["CartpoleBalance", "--seed", "-1"], 2, "expected seed to be a whole number of at least 0, got -1"),
        (["CartpoleBalance", "--workers", "-1"], 2, "-1"),
        (["CartpoleBalance", "--json", "nowhere/audit.json"], 1, "expected the folder nowhere to exist"),
        (["CartpoleBalance", "--json", "."], 1, "got the folder ."),
    ],
)
def test_bad_usage_is_refused_in_one_line_before_anything_is_computed(found, capsys, arguments, code, message):
    assert main(["audit", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not found.asked


def test_a_folder_that_can_not_be_written_is_refused_before_anything_is_computed(found, capsys):
    # A folder of the kernel's: nobody can make a file there, root included.
    assert main(["audit", "CartpoleBalance", "--json", "/proc/audit.json"]) == 1
    assert "can not be written" in capsys.readouterr().err
    assert not found.asked


def test_help_has_examples(capsys):
    assert main(["audit", "--help"]) == 0
    assert "dynsparse audit all --rows 300 --reference --json audit.json" in capsys.readouterr().out
