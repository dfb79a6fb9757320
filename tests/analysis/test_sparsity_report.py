from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dynsparse.analysis import files
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.streaming import analyze
from dynsparse.errors import ArrayError, InputError, OutputError
from dynsparse.provenance import content_hash


def altered(folder, change, *, seal_again):
    """Write the JSON file again after a change, as somebody might who wants other numbers."""
    path = folder / "analysis.json"
    found = json.loads(path.read_text())
    change(found)
    if seal_again:
        del found["content_sha256"]
        found["content_sha256"] = content_hash(found)
    path.write_text(json.dumps(found))


def test_files_hold_the_contract(report, tmp_path):
    report.save(tmp_path)
    found = json.loads((tmp_path / "analysis.json").read_text())
    assert found["schema"] == 1
    assert (found["environment"], found["policy"], found["derivative"]) == ("Toy", "random", "exact")
    assert (found["rows"], found["episodes"], found["state_dim"], found["action_dim"]) == (15, 3, 2, 1)
    assert (found["atol"], found["nonfinite_rows"], found["audit"]) == (1e-15, 0, None)
    assert (found["state_names"], found["action_names"]) == (["x", "y"], ["u"])
    assert found["provenance"] == {"seed": 0}
    assert found["global"] == {
        "state": {"always_zero": 0, "elements": 4, "fraction": 0.0},
        "action": {"always_zero": 1, "elements": 2, "fraction": 0.5},
    }
    assert found["local"]["state"]["sparsity_mean"] == 23 / 60
    assert found["local"]["combined"]["distinct_patterns"] == 2
    assert found["local"]["combined"]["pattern_shares"] == [8 / 15, 7 / 15]
    temporal = found["temporal"]
    assert (temporal["zero_duration_mean"], temporal["nonzero_duration_mean"]) == (2.2, 44 / 18)
    assert (temporal["always_zero_left_out"], temporal["censored"]) == (6, 4 + 12)
    assert temporal["pattern_switch_rate"] == 4 / 12
    assert [point["atol"] for point in found["threshold_sweep"]][:2] == [1e-20, 1e-19]
    with np.load(tmp_path / "analysis.npz", allow_pickle=False) as file:
        shapes = {name: file[name].shape for name in file.files}
        assert file["zero_frequency_state"].tolist() == [[0, 8 / 15], [7 / 15, 8 / 15]]
    bins = {"state": 5, "action": 3, "combined": 7}
    assert shapes == (
        {"zero_frequency_state": (2, 2), "zero_frequency_action": (2, 1)}
        | {f"histogram_counts_{name}": (number,) for name, number in bins.items()}
        | {f"histogram_edges_{name}": (number + 1,) for name, number in bins.items()}
        | {f"timeline_{name}": (6,) for name in bins}
        | {
            f"{kind}_duration_counts{which}": (7,)
            for kind in ("zero", "nonzero")
            for which in ("", "_uncensored", "_whole_episode")
        }
    )


@pytest.mark.parametrize("modes", [["AABBBA", "ABB"], ["AANBBA"], ["A", "B", "N"]])
@pytest.mark.parametrize("states", ["rollout", "coverage"])
def test_what_is_read_is_what_was_written(make_source, make_switched, tmp_path, modes, states):
    report = analyze(make_source(make_switched(modes), states=states), audit={"worst": 1e-9})
    report.save(tmp_path)
    loaded = SparsityReport.load(tmp_path)
    assert loaded.to_dict() == report.to_dict()
    assert loaded.audit == {"worst": 1e-9}
    assert (loaded.temporal is None) == (states == "coverage")
    assert loaded.local.state.sparsity_std == report.local.state.sparsity_std
    for name, array in report.to_arrays().items():
        assert loaded.to_arrays()[name].tobytes() == array.tobytes()


def test_the_same_report_gives_the_same_bytes(report, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        report.save(tmp_path / name)
    for file in ("analysis.json", "analysis.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_place_that_can_not_be_written_is_a_typed_error(report, tmp_path):
    with pytest.raises(OutputError, match="expected to write"):
        report.save(tmp_path / "missing")


@pytest.mark.parametrize("missing", ["analysis.json", "analysis.npz"])
def test_a_missing_file_is_refused(report, tmp_path, missing):
    report.save(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(InputError, match="can not read"):
        SparsityReport.load(tmp_path)


@pytest.mark.parametrize("name", ["analysis.json", "analysis.npz"])
def test_no_damaged_byte_gives_another_report(report, tmp_path, name):
    report.save(tmp_path)
    path = tmp_path / name
    sound = path.read_bytes()
    refused = 0
    for place in range(0, len(sound), 5):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x11]) + sound[place + 1 :])
        try:
            found = SparsityReport.load(tmp_path)
        except InputError:
            refused += 1
        else:  # white space of the JSON file, or a date or an attribute in the archive
            assert found.to_dict() == report.to_dict()
            assert files.hash_arrays(found.to_arrays()) == files.hash_arrays(report.to_arrays())
    assert refused > len(sound) / 5 / 2
    for length in (0, 1, len(sound) // 2, len(sound) - 2):
        path.write_bytes(sound[:length])
        with pytest.raises(InputError):
            SparsityReport.load(tmp_path)


def test_files_of_two_analyses_are_refused(report, make_source, make_switched, tmp_path):
    report.save(tmp_path)
    (tmp_path / "other").mkdir()
    analyze(make_source(make_switched(["AABBBB", "ABBAAA", "BBB"])), provenance={}).save(tmp_path / "other")
    (tmp_path / "other/analysis.npz").replace(tmp_path / "analysis.npz")
    with pytest.raises(InputError, match="do not belong together"):
        SparsityReport.load(tmp_path)


CHANGES = [
    (lambda found: found.update(schema=2), "expected an analysis of schema 1 .* got schema 2"),
    (lambda found: found.pop("schema"), "can not read"),
    (lambda found: found["global"]["state"].update(always_zero=3), "not what was written"),
    (lambda found: found["temporal"].update(pattern_switch_rate=0.1), "not what was written"),
    (lambda found: found.update(colour="red"), "not what was written"),
    (lambda found: found.pop("policy"), "not what was written"),
    (lambda found: found.pop("content_sha256"), "can not read"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_altered_content_is_refused(report, tmp_path, change, message):
    report.save(tmp_path)
    altered(tmp_path, change, seal_again=False)
    with pytest.raises(InputError, match=message):
        SparsityReport.load(tmp_path)


SEALED_CHANGES = [
    (lambda found: found.update(rows=16), "histogram must count 16 rows"),
    (lambda found: found.update(state_names=["x"]), "by the names of their variables"),
    (lambda found: found.pop("policy"), "policy"),
    (lambda found: found["threshold_sweep"][0].update(more=1), "more"),
    (lambda found: found.update(arrays_sha256="0"), "do not belong together"),
    (lambda found: found["global"]["state"].update(always_zero=3), "global is not what the arrays say"),
    (lambda found: found["local"]["state"].update(sparsity_mean=0.9), "local is not what the arrays say"),
    (lambda found: found["temporal"].update(censored=0), "temporal is not what the arrays say"),
    (lambda found: found.update(colour="red"), "colour is not what the arrays say"),
    (lambda found: found.update(state_dim=3), "state_dim is not what the arrays say"),
]


@pytest.mark.parametrize(("change", "message"), SEALED_CHANGES)
def test_content_that_contradicts_the_arrays_is_refused(report, tmp_path, change, message):
    report.save(tmp_path)
    altered(tmp_path, change, seal_again=True)
    with pytest.raises(InputError, match=message):
        SparsityReport.load(tmp_path)


def test_an_archive_of_objects_is_refused(report, tmp_path):
    report.save(tmp_path)
    np.savez(tmp_path / "analysis.npz", zero_frequency_state=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="can not read"):
        SparsityReport.load(tmp_path)


def test_names_and_histograms_that_do_not_fit_the_arrays_are_refused(report):
    with pytest.raises(ArrayError, match="by the names of their variables"):
        dataclasses.replace(report, state_names=("x", "y", "z"))
    with pytest.raises(ArrayError, match="state histogram must count 15 rows of 4 elements, got 15 rows of 2"):
        dataclasses.replace(report, local=dataclasses.replace(report.local, state=report.local.action))
