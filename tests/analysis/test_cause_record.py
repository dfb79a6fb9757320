"""Cause records: counts against those by hand, and files that hold nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord, holds_causes
from dynsparse.analysis.files import hash_arrays
from dynsparse.analysis.recorded_causes import record_causes
from dynsparse.analysis.slope_sizes import SlopeSizes
from dynsparse.errors import ArrayError, InputError, OutputError
from dynsparse.physics.symmetry import Shift, Symmetry
from dynsparse.physics.zero_causes import ZeroCauses
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.provenance import content_hash

NONE, STRUCTURAL, SYMMETRY, CONTACT, LIMIT, CLAMPED, NUMERICAL = range(7)
FOOT, TOE, SLIDER = range(3)
CONSTRAINTS = ("contact foot-world", "contact toe-world", "joint limit slider")
MEMBERS = (("contact floor-heel", "contact floor-ball"), ("contact floor-toe",), ("joint limit slider",))


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
    switched_by = np.zeros((2, 3, 3), dtype=bool)
    switched_by[0, 1] = True
    switched_by[1, 1, [FOOT, SLIDER]] = True
    shift = Shift(0, "qpos slider", "translation", (1.0, 0.0, 0.0), "cart")
    return ZeroCauses(
        environment="Toy",
        state_names=("qpos slider", "qvel slider"),
        action_names=("push",),
        constraint_names=CONSTRAINTS,
        members=MEMBERS,
        labels=labels,
        constraint_off=off,
        switched_by=switched_by,
        symmetries=(Symmetry(shift, 9, 40, 8, 1.0, 2e-15, ("joint limit slider",)),),
        atol=1e-15,
        evidence_rows=5,
        active_rows=np.array([4, 2, 1]),
    )


def sizes(columns=(0, 1, 2)):
    """Four rows of the data set: one element is round-off, one is not."""
    jacobian = np.zeros((4, 2, 3))
    jacobian[1:3, 0, 0] = -2.0, 0.25
    jacobian[3, 1, 0] = 3e-14
    kept = jacobian[:, :, list(columns)]
    # Block by block, as a data set is read.
    return SlopeSizes.of(kept[:1, :, :2], kept[:1, :, 2:]) + SlopeSizes.of(kept[1:, :, :2], kept[1:, :, 2:])


@pytest.fixture
def record() -> CauseRecord:
    return record_causes(made(), sizes(), {"seed": 0}, evidence_stored=3)


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
    assert record.off == {"contact toe-world": 2, "contact foot-world": 1, "joint limit slider": 1}
    assert record.symmetry_of("qpos slider").words == "translation of cart along x"
    assert record.symmetry_of("qvel slider") is None
    assert (record.looked_at, record.evidence_stored, record.data_rows) == (8, 3, 4)
    assert record.active_rows == (4, 2, 1) and record.members == MEMBERS
    assert record.state.switched_by.tolist() == [[[False] * 3, [True] * 3], [[False] * 3, [True, False, True]]]
    # A slope below 1e-12 is round-off, however far above the threshold.
    assert record.state.largest.tolist() == [[2.0, 0.0], [3e-14, 0.0]]
    assert record.state.real.tolist() == [[2, 0], [0, 0]] and record.action.real.tolist() == [[0], [0]]


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
            "words": "translation of cart along x", "coordinate": "qpos slider", "holds": True, "states": 9,
            "rows": 40, "skipped": 8, "largest": 1.0, "error": 2e-15, "broken_by": ["joint limit slider"],
            "contradicted": 0,
        }
    ]  # fmt: skip
    assert found["members"] == [list(names) for names in MEMBERS] and found["active_rows"] == [4, 2, 1]
    assert (found["evidence_stored"], found["data_rows"]) == (3, 4)
    with np.load(tmp_path / "causes.npz", allow_pickle=False) as file:
        assert file["labels_state"].shape == (7, 2, 2) and file["labels_action"].shape == (7, 2, 1)
        assert file["switched_by_state"].shape == (2, 2, 3) and file["real_action"].shape == (2, 1)
        assert file["labels_state"].sum(axis=0).tolist() == [[3, 3], [3, 3]]


@pytest.mark.parametrize("columns", [(0, 1), (0, 1, 2)])
def test_what_is_read_is_what_was_written(tmp_path, columns):
    causes = made()
    kept = list(columns)
    causes = replace(
        causes,
        labels=causes.labels[:, :, kept],
        constraint_off=causes.constraint_off[:, :, kept],
        switched_by=causes.switched_by[:, kept],
        action_names=causes.action_names[: len(columns) - 2],
    )
    record = record_causes(causes, sizes(columns), {"seed": 0})
    record.save(tmp_path)
    loaded = CauseRecord.load(tmp_path)
    assert loaded.to_dict() == record.to_dict()
    assert loaded.symmetries == record.symmetries
    assert hash_arrays(loaded.to_arrays()) == hash_arrays(record.to_arrays())
    assert {a.dtype for a in loaded.to_arrays().values()} == {
        np.dtype(x) for x in ("int64", "int32", "bool", "float64")
    }


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
        (lambda found: found["members"].pop(), "expected members and rows of 3 switches, got 2 and 3"),
        (lambda found: found["active_rows"].__setitem__(0, 9), "on in 0 to 8 rows"),
        (lambda found: found["active_rows"].__setitem__(0, 0), "got one that never was"),
        (lambda found: found.update(evidence_stored=6), "expected 0 to 5 stored rows of evidence, got 6"),
        (lambda found: found.update(data_rows=1), "expected at most 1 rows of the data set, got 2"),
        (lambda found: found["symmetries"][0].pop("states"), "can not read"),
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
        (
            lambda labels, constraint, off, *_: labels.__setitem__((0, 0, 0), 4),
            "as many labels of each element as rows",
        ),
        (lambda labels, constraint, off, *_: labels.__setitem__((0, 0, 0), -3), "got a negative one"),
        (lambda labels, constraint, off, *_: off.__setitem__(FOOT, 2), "expected 4 zeros of constraints .* got 5"),
        (lambda labels, constraint, off, *_: constraint.__setitem__((0, 0), FOOT), "and for no other"),
        (lambda labels, constraint, off, *_: constraint.__setitem__((0, 1), 3), "and for no other"),
        (lambda *parts: parts[3].__setitem__((1, 1, FOOT), False), "one of those that switch its element"),
        (lambda *parts: parts[4].__setitem__((0, 0), np.nan), "finite sizes of 0 or more"),
        (lambda *parts: parts[5].__setitem__((0, 0), -1), "got a negative one"),
    ],
)
def test_counts_that_do_not_add_up_are_refused(record, change, message):
    names = ("labels", "constraint", "off", "switched_by", "largest", "real")
    parts = [getattr(record.state, name).copy() for name in names]
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
