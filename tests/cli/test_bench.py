from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from dynsparse.cli import main
from dynsparse.physics import benchmark
from dynsparse.physics.benchmark import JacobianSpeed

CONTRACT = {
    "environment",
    "rows",
    "dynsparse_per_s",
    "plain_jax_per_s",
    "mujoco_fd_per_s",
    "mujoco_fd_kind",
    "ratio_plain_jax",
    "ratio_mujoco_fd",
    "max_abs_difference",
    "first_result_cold_s",
    "first_result_warm_s",
    "peak_rss_mib",
}


def speed(name: str, plain: float | None) -> JacobianSpeed:
    return JacobianSpeed(
        environment=name,
        rows=4096,
        dynsparse=(90.0, 100.0, 170.0),
        rollout=(60.0, 50.0, 40.0),
        chain=(20.0, 20.0, 20.0),
        plain_jax_per_s=plain,
        plain_jax_reason=None if plain else "plain JAX did not finish: hung for 1 s",
        differences={"max_abs_difference": 1e-9},
        first_result_cold_s=30.0,
        first_result_warm_s=10.0,
        peak_rss_mib=500.0,
    )


@pytest.fixture
def lab(monkeypatch):
    lab = SimpleNamespace(asked=[], plain=25.0)

    def measure(env, settings, on_phase):
        lab.asked.append((env.name, settings))
        on_phase("compile")
        return speed(env.name, lab.plain)

    monkeypatch.setattr(benchmark, "measure_jacobians", measure)
    return lab


def test_the_file_is_a_list_with_the_fields_that_other_tools_rely_on(lab, tmp_path):
    assert main(["bench", "jacobian", "--env", "CartpoleBalance", "ReacherHard", "--json", "bench.json"]) == 0
    records = json.loads((tmp_path / "bench.json").read_text())
    assert [record["environment"] for record in records] == ["CartpoleBalance", "ReacherHard"]
    assert set(records[0]) >= CONTRACT
    # Medians of the rounds: 100 / 50 and 100 / 25.
    assert records[0]["ratio_mujoco_fd"] == 2.0
    assert records[0]["ratio_plain_jax"] == 4.0
    assert records[0]["mujoco_fd_kind"] == "rollout"
    assert records[0]["provenance"]["command"].startswith("dynsparse bench jacobian --env CartpoleBalance ReacherHard")


def test_a_peer_that_did_not_finish_is_null_with_its_reason(lab, tmp_path, capsys):
    lab.plain = None
    assert main(["bench", "jacobian", "--env", "CartpoleBalance", "--json", "bench.json"]) == 0
    record = json.loads((tmp_path / "bench.json").read_text())[0]
    assert record["plain_jax_per_s"] is None
    assert record["ratio_plain_jax"] is None
    assert "hung" in record["plain_jax_reason"]
    assert "CartpoleBalance: plain JAX did not finish: hung for 1 s" in capsys.readouterr().out


def test_all_eight_are_measured_by_default_and_options_arrive(lab):
    assert main(["bench", "jacobian", "--json", "b.json", "--rows", "128", "--seed", "5", "--plain-timeout", "9"]) == 0
    assert len(lab.asked) == 8
    settings = lab.asked[0][1]
    assert (settings.rows, settings.seed, settings.plain_timeout_s) == (128, 5, 9.0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["jacobian", "--json", "b.json", "--rows", "0"], 2, "got 0"),
        (["jacobian", "--json", "b.json", "--rows", "63"], 2, "expected rows to be at least 64"),
        (["jacobian", "--json", "b.json", "--plain-timeout", "0"], 2, "expected plain_timeout_s to be above 0"),
        (["jacobian", "--json", "b.json", "--env", "Reacher"], 2, "ReacherHard"),
        (["jacobian", "--json", "nowhere/b.json"], 1, "expected the folder nowhere to exist"),
    ],
)
def test_bad_usage_is_refused_in_one_line_before_anything_is_measured(lab, capsys, arguments, code, message):
    assert main(["bench", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not lab.asked


def test_an_existing_file_is_kept(lab, tmp_path):
    (tmp_path / "b.json").write_text("mine")
    assert main(["bench", "jacobian", "--json", "b.json"]) == 2
    assert not lab.asked
    assert (tmp_path / "b.json").read_text() == "mine"


def test_something_else_to_measure_is_bad_usage(lab, capsys):
    assert main(["bench", "memory", "--json", "b.json"]) == 2
    assert not lab.asked
