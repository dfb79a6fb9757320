"""A model's arrays: what is read, which rows they are of, and what is refused."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dynsparse.errors import ModelError
from dynsparse.learning.model_file import ModelArrays, load_model

RNG = np.random.default_rng(0)
GIVEN = {"jac_state": RNG.normal(size=(7, 3, 3)), "jac_action": RNG.normal(size=(7, 3, 2))}
DEPENDENCY = {"dependency_state": np.abs(GIVEN["jac_state"]), "dependency_action": np.abs(GIVEN["jac_action"])}
ROWS = np.array([0, 4, 6])


def checked(arrays):
    return ModelArrays.from_mapping(arrays, rows=7, state_dim=3, action_dim=2)


def test_arrays_come_back_from_a_file(tmp_path):
    np.savez_compressed(tmp_path / "model.npz", **GIVEN, next_state=np.ones((7, 3), dtype=np.float32))
    found = load_model(tmp_path / "model.npz")
    assert set(found) == {"jac_state", "jac_action", "next_state"}
    for name, array in GIVEN.items():
        np.testing.assert_array_equal(found[name], array)
    assert found["next_state"].dtype == np.float32


def test_jacobians_lie_side_by_side():
    jacobian, following = checked({**GIVEN, "next_state": np.arange(21).reshape(7, 3)}).at(ROWS)
    np.testing.assert_array_equal(jacobian[:, :, :3], GIVEN["jac_state"][ROWS])
    np.testing.assert_array_equal(jacobian[:, :, 3:], GIVEN["jac_action"][ROWS])
    np.testing.assert_array_equal(following, [[0, 1, 2], [12, 13, 14], [18, 19, 20]])
    assert jacobian.dtype == following.dtype == np.float64
    assert checked(GIVEN).derivative == "given"
    assert checked(GIVEN).at(ROWS)[1] is None


def test_one_matrix_stands_for_all_rows():
    graph = {"dependency_state": np.eye(3, dtype=bool), "dependency_action": DEPENDENCY["dependency_action"]}
    model = checked(graph)
    assert model.derivative == "dependency"
    sizes, _ = model.at(ROWS)
    np.testing.assert_array_equal(sizes[:, :, :3], np.tile(np.eye(3), (3, 1, 1)))
    np.testing.assert_array_equal(sizes[:, :, 3:], DEPENDENCY["dependency_action"][ROWS])


def test_an_index_says_which_rows_there_are():
    some = {name: array[:4] for name, array in GIVEN.items()} | {"index": np.array([0, 2, 4, 6])}
    jacobian, _ = checked(some).at(ROWS)
    np.testing.assert_array_equal(jacobian[:, :, :3], GIVEN["jac_state"][[0, 2, 3]])
    for absent in (1, 5):
        with pytest.raises(ModelError, match=f"to have row {absent}, its index has not"):
            checked(some).at(np.array([absent]))


class NoArray:
    """An array of another library that does not want to be one of NumPy, and says so on two lines."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach first\nthen convert")


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({}, "expected jac_state and jac_action, or dependency_state and dependency_action, got no array"),
        (GIVEN | DEPENDENCY, "give one of the two pairs"),
        ({"jac_state": GIVEN["jac_state"]}, "expected jac_state and jac_action, jac_action is missing"),
        (GIVEN | {"next_stat": np.ones((7, 3))}, "no array 'next_stat'; did you mean 'next_state'"),
        (GIVEN | {"jac_action": np.ones((7, 2, 3))}, r"jac_action of shape \(7, 3, 2\) or \(3, 2\), got \(7, 2, 3\)"),
        (
            GIVEN | {"jac_state": np.ones((6, 3, 3))},
            r"got \(6, 3, 3\); its rows are the committed rows of the data set",
        ),
        (GIVEN | {"next_state": np.ones(3)}, r"next_state of shape \(7, 3\), got \(3,\)"),
        (GIVEN | {"index": np.arange(6)}, r"jac_state of shape \(6, 3, 3\) .*; its rows are the rows in index"),
        (GIVEN | {"index": np.array([0, 0, 1])}, "index to increase from 0 to at most 6; sort it"),
        (GIVEN | {"index": np.array([5, 6, 7])}, "index to increase from 0 to at most 6"),
        (GIVEN | {"index": np.array([0.0])}, r"index to hold whole numbers, \(k,\), got float64"),
        (GIVEN | {"jac_state": np.full((7, 3, 3), "x")}, "jac_state to hold real numbers, got <U1"),
        (GIVEN | {"jac_state": np.ones((7, 3, 3), dtype=complex)}, "real numbers, got complex128"),
        (GIVEN | {"jac_state": [[1.0, 2.0], [3.0]]}, "expected jac_state to be an array, got list \\(ValueError: "),
        (GIVEN | {"next_state": [[1.0], None]}, "expected next_state to be an array, got list"),
        (GIVEN | {"index": [[0], [1, 2]]}, "expected index to be an array, got list"),
        (
            GIVEN | {"next_state": NoArray()},
            "next_state to be an array, got NoArray \\(RuntimeError: call detach first",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, told):
    with pytest.raises(ModelError, match=told) as caught:
        checked(arrays)
    assert "\n" not in str(caught.value)


def test_negative_sizes_of_dependence_are_refused_with_their_row():
    logits = {**DEPENDENCY, "dependency_state": DEPENDENCY["dependency_state"].copy()}
    logits["dependency_state"][4, 2, 1] = -0.5
    with pytest.raises(ModelError, match=r"of at least 0, got -0\.5 at row 4; take probabilities"):
        checked(logits).at(ROWS)


class Touched:
    """Writes a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("unpickled"),)


def test_pickled_objects_are_refused_unread(own_folder):
    np.savez("model.npz", jac_state=np.array([Touched()]), **{"jac_action": GIVEN["jac_action"]})
    with pytest.raises(ModelError, match=r"model\.npz: jac_state holds pickled objects, which are not read"):
        load_model("model.npz")
    assert not Path("unpickled").exists()


def test_files_that_are_none_are_refused(own_folder):
    with pytest.raises(ModelError, match=r"can not read gone\.npz: No such file"):
        load_model("gone.npz")
    with pytest.raises(ModelError, match=r"can not read .*directory"):
        load_model(own_folder)
    np.save("one.npy", np.ones(3))
    Path("text.npz").write_text("jac_state = 1")
    np.savez("half.npz", **GIVEN)
    whole = Path("half.npz").read_bytes()
    Path("half.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("one.npy", "text.npz", "half.npz"):
        with pytest.raises(ModelError, match=f"expected an .npz file of arrays, {name} is none"):
            load_model(name)
    with zipfile.ZipFile("other.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(ModelError, match=r"other\.npz: notes\.txt is no array"):
        load_model("other.npz")
    at = whole.index(b"NUMPY") + 200
    Path("flipped.npz").write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    with pytest.raises(ModelError, match=r"flipped\.npz: jac_state can not be read \(BadZipFile: Bad CRC"):
        load_model("flipped.npz")


def loaded_or_refused(damaged: bytes) -> str:
    """Return what a damaged file's one line is, empty where it still could be read."""
    Path("damaged.npz").write_bytes(damaged)
    with warnings.catch_warnings(action="ignore"):  # of zipfile about names, of NumPy about headers
        try:
            load_model("damaged.npz")
        except ModelError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_whatever_byte_is_damaged_the_error_is_typed_and_one_line(own_folder, write):
    write("whole.npz", **{name: array[:2] for name, array in GIVEN.items()})
    whole = Path("whole.npz").read_bytes()
    told = [
        loaded_or_refused(whole[:at] + bytes([byte ^ (0xFF if at % 2 else 0x01)]) + whole[at + 1 :])
        for at, byte in enumerate(whole)
    ]
    assert not any("\n" in line for line in told)
    assert all("damaged.npz" in line for line in told if line)
    assert sum(map(bool, told)) > len(told) / 2  # what is left are dates and other fields that nobody reads


def member(header: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("jac_state.npy", header)
    return held.getvalue()


def test_damage_that_numpy_and_zipfile_have_no_error_for_is_refused_too(own_folder):
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    assert "jac_state can not be read (" in loaded_or_refused(member(huge.getvalue()))
    cut = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (".ljust(128) + b"\n"
    assert "jac_state can not be read (" in loaded_or_refused(member(cut))
    encrypted = bytearray(member(b"secret"))
    for at in (6, encrypted.index(b"PK\x01\x02") + 8):  # the flags, in the member and in the directory
        encrypted[at] |= 1
    assert "jac_state can not be read (RuntimeError" in loaded_or_refused(bytes(encrypted))
