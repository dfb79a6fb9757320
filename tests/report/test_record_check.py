"""Records of other data than the analysis beside them never become part of a report."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from dynsparse.errors import InputError
from dynsparse.provenance import content_hash
from dynsparse.report.record_check import check_record
from dynsparse.report.study_folder import read_study

from .invented_comparisons import derivatives, stack
from .switched import switched_report

SAME, OTHER = "a" * 64, "b" * 64


def told(report, folder, **changes):
    """Return what is said of a record that differs from an analysis in some things."""
    known = {name: getattr(report, name) for name in ("environment", "policy", "atol", "state_names", "action_names")}
    provenance = {"extra": {"dataset": {"name": "x", "description_sha256": SAME}}}
    record = SimpleNamespace(**{**known, "STEM": "horizon", "provenance": provenance, **changes})
    check_record(report, record, folder, "dynsparse reproduce --only horizon --out out")


@pytest.fixture
def report():
    """An analysis that names its data set."""
    return replace(switched_report("CheetahRun"), provenance={"extra": {"dataset": {"description_sha256": SAME}}})


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"environment": "WalkerRun"}, "environment WalkerRun, not CheetahRun"),
        ({"atol": 1e-9}, "atol 1e-09, not 1e-15"),
        ({"atol": 1e-13}, "atol 1e-13, not 1e-15"),
        ({"policy": "novice"}, "policy novice, not random"),
        ({"action_names": ("a", "b")}, "action_names a, b, not "),
        ({"provenance": {"extra": {"dataset": {"description_sha256": OTHER}}}}, "data set bbbbbbbbbbbb, not aaaaaaaa"),
    ],
)
def test_what_differs_is_refused_by_name_with_the_way_out(report, tmp_path, changes, difference):
    told(report, tmp_path)
    with pytest.raises(InputError) as refused:
        told(report, tmp_path, **changes)
    text = str(refused.value)
    assert f"{tmp_path / 'horizon.json'} to be of the analysis beside it" in text and difference in text
    assert text.endswith("make it again: dynsparse reproduce --only horizon --out out, or remove it")


def test_what_is_compared_above_round_off_stands_beside_an_analysis_below(report, tmp_path):
    assert report.atol == 1e-15
    told(report, tmp_path, atol=1e-12)


def test_the_data_set_is_known_by_its_description_or_its_audit(tmp_path):
    described = {"environment": "CheetahRun", "rows": 9}
    report = replace(switched_report("CheetahRun"), provenance={"extra": {"dataset": described}})
    given = {"provenance": {"extra": {"dataset": {"description_sha256": content_hash(described)}}}}
    told(report, tmp_path, **given)
    with pytest.raises(InputError, match="data set aaaa"):
        told(report, tmp_path)
    audited = replace(report, provenance={}, audit={"dataset": {"description_sha256": OTHER}})
    with pytest.raises(InputError, match="data set aaaaaaaaaaaa, not bbbbbbbbbbbb"):
        told(audited, tmp_path)
    # Where one of both does not tell, nothing can be said.
    told(replace(report, provenance={}, audit=None), tmp_path)
    told(audited, tmp_path, provenance={})


def test_a_report_of_such_a_folder_is_refused(tmp_path):
    folder = tmp_path / "analysis" / "ReacherHard"
    folder.mkdir(parents=True)
    switched_report("ReacherHard").save(folder)
    derivatives("ReacherHard", stack(1), stack(1)).save(folder)  # of two states and one action
    settings = {"rows": 300, "policy": "random"}
    (tmp_path / "settings.json").write_text(json.dumps({"preset": "smoke", "settings": settings}))
    with pytest.raises(InputError, match=r"derivatives\.json to be of the analysis beside it") as refused:
        read_study(tmp_path)
    command = f"dynsparse reproduce --preset smoke --rows 300 --policy random --only derivatives --out {tmp_path}"
    assert command in str(refused.value)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(InputError, match="remove it, or make it again"):
        read_study(tmp_path)
