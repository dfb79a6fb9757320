"""Cause records: counts against those by hand, and files that hold nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord, holds_causes, record_causes
from dynsparse.analysis.files import hash_arrays
from dynsparse.errors import ArrayError, InputError, OutputError
from dynsparse.physics.symmetry import Shift, Symmetry
from dynsparse.physics.zero_causes import ZeroCauses
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.provenance import content_hash

NONE, STRUCTURAL, SYMMETRY, CONTACT, LIMIT, CLAMPED, NUMERICAL = range(7)
FOOT, TOE, SLIDER = range(3)
CONSTRAINTS = ("contact floor-foot", "contact floor-toe", "joint limit slider")


def made() -> ZeroCauses:
    """Three rows of two state variables and one action, each element with labels of its own."""
    labels = np.zeros((3, 2, 3), dtype=np.int8)
    off = np.full((3, 2, 3), -1, dtype=np.int32)
    labels[:, 1, 0] = SYMMETRY  # always, for one reason
    labels[:, 0, 1] = CONTACT, CONTACT, LIMIT  # always, two contacts once each before a limit: the contacts dominate
    off[:, 0, 1] = TOE, TOE, SLIDER
    labels[:, 1, 1] = NONE, CONTACT, NONE  # once
    off[1, 1, 1] = FOOT
    labels[:, 1, 2] = STRUCTURAL, CLAMPED, NUMERICAL  # always, no reason more often than another: the first of them
    shift = Shift(0, "qpos slider", "translation", (1.0, 0.0, 0.0), "cart")
    return ZeroCauses(
        environment="Toy",
        state_names=("qpos slider", "qvel slider"),
        action_names=("push",),
        constraint_names=CONSTRAINTS,
        labels=labels,
        constraint_off=off,
        symmetries=(Symmetry(shift, 40, 8, 2e-15, ("joint limit slider",)),),
        atol=1e-15,
        evidence_rows=5,
    )


@pytest.fixture
def record() -> CauseRecord:
    return record_causes(made(), {"seed": 0})


def altered(folder, change):
    """Write the JSON file again after a change, sealed as if it were sound."""
    path = folder / "causes.json"
    found = json.loads(path.read_text())
    change(found)
    del found["content_sha256"]
    found["content_sha256"] = content_hash(found)
    path.write_text(json.dumps(found))


def test_counts_are_those_by_hand(record):
    assert record.rows == 3 and record.pairs == 18
    assert dict(record.state.by_label) == {
        "none": 5, "structural": 0, "symmetry": 3, "contact-off": 3, "limit-off": 1, "clamped": 0, "numerical": 0,
    }  # fmt: skip
    assert dict(record.action.by_label) == {
        "none": 3, "structural": 1, "symmetry": 0, "contact-off": 0, "limit-off": 0, "clamped": 1, "numerical": 1,
    }  # fmt: skip
    assert sum(record.by_label.values()) == record.pairs
    assert record.state.always_zero.tolist() == [[False, True], [True, False]]
    assert record.state.dominant.tolist() == [[NONE, CONTACT], [SYMMETRY, CONTACT]]
    assert record.action.dominant.tolist() == [[NONE], [STRUCTURAL]]
    assert {k: v for k, v in record.state.always_by_label.items() if v} == {"symmetry": 1, "contact-off": 1}
    assert {k: v for k, v in record.action.always_by_label.items() if v} == {"structural": 1}
    assert record.state.constraint.tolist() == [[-1, TOE], [-1, FOOT]]
    assert record.off == {"contact floor-toe": 2, "contact floor-foot": 1, "joint limit slider": 1}
    assert record.symmetry_of("qpos slider").words == "translation of cart along x"
    assert record.symmetry_of("qvel slider") is None


def test_files_hold_the_contract(record, tmp_path):
    assert not holds_causes(tmp_path)
    record.save(tmp_path)
    assert holds_causes(tmp_path)
    found = json.loads((tmp_path / "causes.json").read_text())
    assert (found["schema"], found["environment"], found["rows"], found["evidence_rows"]) == (1, "Toy", 3, 5)
    assert found["labels"] == list(ZERO_LABELS)
    assert found["counts"]["symmetry"] == {"state": 3, "action": 0, "combined": 3}
    assert found["always_zero"]["state"]["contact-off"] == 1
    assert "most of its rows" in found["always_zero"]["label"]
    assert found["constraint_off"][-1] == {"name": "joint limit slider", "label": "limit-off", "state": 1, "action": 0}
    assert found["symmetries"] == [
        {
            "words": "translation of cart along x", "coordinate": "qpos slider", "holds": True, "rows": 40,
            "skipped": 8, "error": 2e-15, "broken_by": ["joint limit slider"],
        }
    ]  # fmt: skip
    with np.load(tmp_path / "causes.npz", allow_pickle=False) as file:
        assert file["labels_state"].shape == (7, 2, 2) and file["labels_action"].shape == (7, 2, 1)
        assert file["labels_state"].sum(axis=0).tolist() == [[3, 3], [3, 3]]


@pytest.mark.parametrize("columns", [(0, 1), (0, 1, 2)])
def test_what_is_read_is_what_was_written(tmp_path, columns):
    causes = made()
    kept = list(columns)
    causes = replace(
        causes,
        labels=causes.labels[:, :, kept],
        constraint_off=causes.constraint_off[:, :, kept],
        action_names=causes.action_names[: len(columns) - 2],
    )
    record = record_causes(causes, {"seed": 0})
    record.save(tmp_path)
    loaded = CauseRecord.load(tmp_path)
    assert loaded.to_dict() == record.to_dict()
    assert loaded.symmetries == record.symmetries
    assert hash_arrays(loaded.to_arrays()) == hash_arrays(record.to_arrays())
    assert {a.dtype for a in loaded.to_arrays().values()} == {np.dtype("int64"), np.dtype("int32")}


@pytest.mark.parametrize("name", ["causes.json", "causes.npz"])
def test_no_damaged_byte_gives_another_record(record, tmp_path, name):
    record.save(tmp_path)
    path = tmp_path / name
    sound = path.read_bytes()
    refused = 0
    for place in range(0, len(sound), 7):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x11]) + sound[place + 1 :])
        try:
            found = CauseRecord.load(tmp_path)
        except InputError:
            refused += 1
        else:  # white space of the JSON file, or a date or an attribute in the archive
            assert found.to_dict() == record.to_dict()
            assert hash_arrays(found.to_arrays()) == hash_arrays(record.to_arrays())
    assert refused > len(sound) / 7 / 2
    path.unlink()
    with pytest.raises(InputError, match=r"expected causes\.json and causes\.npz"):
        CauseRecord.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.update(schema=2), r"expected causes\.json of schema 1 .* got schema 2"),
        (lambda found: found.update(rows=4), "expected 4 rows x 4 labels of state elements, got 3 rows"),
        (lambda found: found["counts"]["symmetry"].update(state=4), "counts is not what the arrays say"),
        (lambda found: found["state_names"].append("qpos z"), "by their names"),
        (
            lambda found: found["constraint_names"].__setitem__(1, "joint limit toe"),
            "3 state zeros labelled contact-off, got 1",
        ),
        (lambda found: found.update(colour="red"), "colour is not what the arrays say"),
        (lambda found: found["symmetries"][0].pop("holds"), "can not read"),
        (lambda found: found["symmetries"][0].update(coordinate="qpos z"), "got one of qpos z"),
        (lambda found: found["constraint_off"].pop(), "constraint_off is not what the arrays say"),
    ],
)
def test_sealed_contradictions_are_refused(record, tmp_path, change, message):
    record.save(tmp_path)
    altered(tmp_path, change)
    with pytest.raises(InputError, match=message):
        CauseRecord.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda labels, constraint, off: labels.__setitem__((0, 0, 0), 4), "as many labels of each element as rows"),
        (lambda labels, constraint, off: labels.__setitem__((0, 0, 0), -3), "got a negative one"),
        (lambda labels, constraint, off: off.__setitem__(FOOT, 2), "expected 4 zeros of constraints .* got 5"),
        (lambda labels, constraint, off: constraint.__setitem__((0, 0), FOOT), "and for no other"),
        (lambda labels, constraint, off: constraint.__setitem__((0, 1), 3), "and for no other"),
    ],
)
def test_counts_that_do_not_add_up_are_refused(record, change, message):
    parts = [x.copy() for x in (record.state.labels, record.state.constraint, record.state.off)]
    CauseCounts(*parts)
    change(*parts)
    with pytest.raises(ArrayError, match=message):
        CauseCounts(*parts)


def test_a_place_that_can_not_be_written_is_a_typed_error(record, tmp_path):
    with pytest.raises(OutputError, match=r"expected to write causes\.json and causes\.npz"):
        record.save(tmp_path / "missing")


def test_reading_needs_neither_jax_nor_mujoco():
    program = (
        "import sys, dynsparse.analysis.cause_record; print(sorted({'jax', 'mujoco', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
