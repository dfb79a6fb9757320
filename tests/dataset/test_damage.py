"""Each file of a data set damaged in turn: verify finds it, and no reader gives wrong rows or an untyped error."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import numpy as np
import pytest

from dynsparse.dataset import create_dataset, open_dataset, verify_dataset
from dynsparse.dataset.record import BlockRecord, record_numbers, record_path
from dynsparse.errors import DatasetError, OutputError

from .toy import all_rows, collect, contents, describe

TOY = describe(rows=7)  # a block of two episodes, one of a single row
DAMAGES = {
    "first bit": lambda data: bytes([data[0] ^ 0x80]) + data[1:],
    "a bit in the middle": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
    "last bit": lambda data: data[:-1] + bytes([data[-1] ^ 4]),
    "half": lambda data: data[: len(data) // 2],
    "one byte less": lambda data: data[:-1],
    "one byte more": lambda data: data + b" ",
    "empty": lambda data: b"",
    "removed": None,
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A sound data set; whoever damages it restores it."""
    path = tmp_path_factory.mktemp("sound") / "data"
    collect(path, TOY)
    return path


@pytest.fixture
def damaged(sound, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(sound, tmp_path / "data")


def assert_never_wrong(path):
    """Whatever a reader returns is what was collected; all else is a ``DatasetError``."""
    expected = all_rows(TOY)
    try:
        dataset = open_dataset(path)
        for block in dataset.blocks():
            for name in dataset.fields:
                np.testing.assert_array_equal(block[name], expected[name][block.rows])
    except DatasetError as error:
        assert str(error)


def assert_found(path, *, recorded=True):
    """The damage is found; a removed record can not be told from a block that was never committed."""
    report = verify_dataset(path)
    assert not report.ok
    assert report.problems or (not recorded and report.uncommitted == 1)
    return report


def data_files(path):
    return [name for name in contents(path) if name != ".lock"]


def test_sound_data_set_is_found_sound(sound):
    report = verify_dataset(sound)
    assert report.to_dict() == {
        "ok": True,
        "blocks": 2,
        "rows": 7,
        "episodes": 3,
        "uncommitted": 0,
        "stray": 0,
        "foreign": 0,
        "problems": [],
    }
    assert len(data_files(sound)) == 1 + 3 * len(TOY.fields()) + 2


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_of_any_file_is_found(sound, damage):
    for name in data_files(sound):
        file = sound / name
        original = file.read_bytes()
        try:
            file.unlink() if DAMAGES[damage] is None else file.write_bytes(DAMAGES[damage](original))
            report = assert_found(sound, recorded=not (damage == "removed" and name.startswith("blocks/")))
            assert any(name in problem for problem in report.problems) or report.uncommitted, name
            assert_never_wrong(sound)
        finally:
            file.write_bytes(original)
    assert verify_dataset(sound).ok


def test_swap_of_any_two_files_of_the_two_blocks_is_found(sound):
    swapped = 0
    for name in data_files(sound):
        other = name.replace("/c/0", "/c/1", 1) if "/c/0" in name else name.replace("000000", "000001")
        one, two = (sound / name).read_bytes(), (sound / other).read_bytes()
        if name == other or one == two:
            continue
        try:
            (sound / name).write_bytes(two)
            (sound / other).write_bytes(one)
            assert_found(sound)
            assert_never_wrong(sound)
            swapped += 1
        finally:
            (sound / name).write_bytes(one)
            (sound / other).write_bytes(two)
    assert swapped >= len(TOY.fields()) - 3  # a field that is false in both blocks has two equal files


def test_swap_of_two_whole_blocks_is_found(damaged):
    for zero in [damaged / "blocks" / "000000.json", *damaged.glob("*/c/0")]:
        one = zero.with_name(zero.name.replace("0.json", "1.json") if zero.suffix else "1")
        zero.rename(zero.with_name("aside"))
        one.rename(zero)
        zero.with_name("aside").rename(one)
    assert len(assert_found(damaged).problems) == 2
    assert_never_wrong(damaged)


def test_swap_of_two_fields_with_their_metadata_is_found(damaged):
    (damaged / "state").rename(damaged / "aside")
    (damaged / "next_state").rename(damaged / "state")
    (damaged / "aside").rename(damaged / "next_state")
    assert_found(damaged)
    assert_never_wrong(damaged)


def test_all_of_many_damages_are_found(damaged):
    (damaged / "reward" / "c" / "0").unlink()
    (damaged / "reward" / "zarr.json").write_bytes(b"{}")
    (damaged / "t" / "c" / "1").write_bytes(b"x")
    (damaged / "jac_state" / "c" / "1" / "0" / "0").write_bytes(b"")
    report = verify_dataset(damaged)
    assert Counter(problem.count("altered") for problem in report.problems) == {1: 3, 0: 1}
    assert (report.rows, report.episodes) == (0, 0)


def test_every_bit_of_a_record_counts(sound):
    data = (sound / "blocks" / "000001.json").read_bytes()
    assert BlockRecord.from_bytes(data, "r").to_bytes() == data
    for index in range(len(data)):
        flipped = data[:index] + bytes([data[index] ^ (1 << index % 8)]) + data[index + 1 :]
        with pytest.raises(DatasetError):
            BlockRecord.from_bytes(flipped, "r")


@pytest.mark.parametrize(
    "content", ["[]", "{}", "null", "1", '{"schema": 1}', "[" * 100_000, '{"schema": 1, "block": {}, "rows": 1}']
)
def test_record_and_group_of_nonsense_are_typed_errors(damaged, content):
    (damaged / "blocks" / "000000.json").write_text(content)
    assert_never_wrong(damaged)
    assert_found(damaged)
    (damaged / "zarr.json").write_text(content)
    with pytest.raises(DatasetError):
        open_dataset(damaged)
    assert_found(damaged)


def test_record_of_a_block_that_can_not_be_is_found(damaged):
    shutil.copy(damaged / "blocks" / "000001.json", damaged / "blocks" / "000002.json")
    with pytest.raises(DatasetError, match=r"blocks 0 to 1, got blocks/000002\.json"):
        open_dataset(damaged)
    assert_found(damaged)


def test_record_beside_that_of_the_only_block_is_named(tmp_path):
    collect(tmp_path / "data", describe(rows=3))
    (tmp_path / "data/blocks/000001.json").write_bytes((tmp_path / "data/blocks/000000.json").read_bytes())
    with pytest.raises(DatasetError, match=r"expected block 0 alone, got blocks/000001\.json"):
        open_dataset(tmp_path / "data")


def change_attributes(path, **changed):
    content = json.loads((path / "zarr.json").read_text())
    content["attributes"].update(changed)
    (path / "zarr.json").write_text(json.dumps(content))


@pytest.mark.parametrize("schema", [2, 0, "1", None, True])
def test_another_schema_is_named(damaged, schema):
    change_attributes(damaged, schema=schema)
    with pytest.raises(DatasetError, match=f"of schema 1, .* has {schema!r}; read it with"):
        open_dataset(damaged)
    assert_found(damaged)


def test_changed_description_is_found_even_where_it_is_a_possible_one(damaged):
    change_attributes(damaged, seed=8)
    with pytest.raises(DatasetError, match=r"zarr\.json is altered: it is not what block 0 was committed under"):
        open_dataset(damaged)
    assert_found(damaged)


@pytest.mark.parametrize("changed", [{"seed": -1}, {"rows": "7"}, {"unheard": 1}, {"policy": {"name": "toy"}}])
def test_impossible_description_is_a_typed_error(damaged, changed):
    change_attributes(damaged, **changed)
    with pytest.raises(DatasetError, match=f"is damaged: .*{next(iter(changed))}"):
        open_dataset(damaged)


def test_damaged_data_set_is_not_gone_on_with(damaged):
    record = damaged / "blocks" / "000000.json"
    record.write_bytes(record.read_bytes()[:-9])
    before = contents(damaged)
    with pytest.raises(DatasetError, match=r"blocks/000000\.json .*dynsparse verify"):
        create_dataset(damaged, TOY, resume=True)
    assert contents(damaged) == before
    (damaged / "zarr.json").unlink()
    with pytest.raises(OutputError, match="holds action, action_raw, blocks"):
        create_dataset(damaged, TOY, resume=True)


def test_block_whose_record_is_removed_is_made_again(damaged, sound):
    (damaged / "blocks" / "000000.json").unlink()
    (damaged / "state" / "c" / "0" / "0").write_bytes(b"damaged")
    collect(damaged, TOY, resume=True)
    assert contents(damaged) == contents(sound)


def test_what_is_no_data_set_is_refused(tmp_path):
    import zarr

    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    zarr.create_group(tmp_path / "group", attributes={"of": "another"})
    for name, message in (
        ("missing", "got nothing at"),
        ("empty", r"holds no zarr\.json"),
        ("file", "got a file at"),
        ("group", "is another Zarr group"),
    ):
        for reader in (open_dataset, verify_dataset):
            with pytest.raises(DatasetError, match=message):
                reader(tmp_path / name)


def test_data_set_without_rows_says_how_to_go_on(tmp_path):
    create_dataset(tmp_path / "data", TOY).close()
    with pytest.raises(DatasetError, match=r"no committed rows; .*--resume"):
        open_dataset(tmp_path / "data")
    report = verify_dataset(tmp_path / "data")
    assert (report.blocks, report.uncommitted, report.ok, report.problems) == (0, 2, False, ())


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "deep/er/notes.txt",
        "state/notes.txt",
        "state/c/notes.txt",
        "state/c/01/0",  # no number of a block as we write it
        "state/c/\u0661/0",
        "state/c/0/1",  # in a committed block, and yet none of its files
        "mocap_pos/zarr.json",  # a field that this data set has not
        "partial-notes.txt",
    ],
)
def test_file_that_is_not_ours_is_told_and_kept(damaged, sound, name):
    file = damaged / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    for _ in range(2):
        report = verify_dataset(damaged)
        assert (report.ok, report.stray, report.foreign) == (True, 0, 1)
        assert report.to_dict()["foreign"] == 1
        collect(damaged, TOY, resume=True)
    assert contents(damaged) == {**contents(sound), name: b"mine"}


@pytest.mark.parametrize(
    "name",
    [
        ".partial-zarr.json",
        "blocks/.partial-000002.json",
        "state/.partial-zarr.json",
        "state/.partial-folder/file",
        "state/c/9",
        "jac_state/c/12/0/0",
    ],
)
def test_file_that_a_stop_left_is_told_and_removed_by_the_next_resume(damaged, sound, name):
    file = damaged / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("left over")
    report = verify_dataset(damaged)
    assert (report.ok, report.stray, report.foreign) == (True, 1, 0)
    assert report.to_dict()["stray"] == 1
    collect(damaged, TOY, resume=True)
    assert contents(damaged) == contents(sound)
    assert not list(damaged.glob("**/.partial-*"))


def test_files_of_a_block_whose_record_is_removed_are_left_by_a_stop(damaged):
    (damaged / "blocks" / "000001.json").unlink()
    files = sum(not spec.is_empty for spec in TOY.fields().values())
    report = verify_dataset(damaged)
    assert (report.ok, report.uncommitted, report.stray, report.foreign) == (False, 1, files, 0)


@pytest.mark.parametrize("name", ["zarr.json", "state/zarr.json", "blocks/000000.json", "state/c/0/0"])
def test_damaged_file_makes_no_other_file_foreign(damaged, name):
    (damaged / "notes.txt").write_text("mine")
    (damaged / name).write_bytes(b"damaged")
    report = verify_dataset(damaged)
    assert (report.ok, report.stray, report.foreign) == (False, 0, 1)


@pytest.mark.parametrize(
    "name",
    [
        "0000001.json",  # seven digits: a second record of block 1
        "1.json",
        "00000001.json",
        "\u0660\u0660\u0660\u0660\u0660\u0661.json",
        "00000\u0661.json",
        "000001.json~",
        "000001.JSON",
        "-00001.json",
        "notes.txt",
    ],
)
def test_what_is_no_record_is_a_problem_and_counts_no_row(damaged, name):
    shutil.copy(damaged / "blocks" / "000001.json", damaged / "blocks" / name)
    assert record_numbers(damaged) == (0, 1)
    assert open_dataset(damaged).rows == 7
    report = verify_dataset(damaged)
    assert (report.ok, report.blocks, report.rows, report.episodes, report.uncommitted) == (False, 2, 7, 3, 0)
    assert (report.stray, report.foreign) == (0, 0)
    (problem,) = report.problems
    assert problem == f"expected nothing in blocks but files such as blocks/000000.json, got {name!r}; move it away"
    collect(damaged, TOY, resume=True)
    assert (damaged / "blocks" / name).exists()


def test_folder_in_a_records_place_is_a_problem(damaged):
    (damaged / "blocks" / "000002.json").mkdir()
    (damaged / "blocks" / "000002.json" / "file").write_text("mine")
    report = verify_dataset(damaged)
    assert (len(report.problems), report.rows, report.stray, report.foreign) == (1, 7, 0, 0)


def test_only_names_of_records_as_they_are_written_count(tmp_path):
    (tmp_path / "blocks").mkdir()
    numbers = (0, 1, 999_999, 1_000_000, 12_345_678)
    for name in ("0999999.json", "01000000.json", "99999.json"):
        (tmp_path / "blocks" / name).write_text("")
    for number in numbers:
        (tmp_path / record_path(number)).write_text("")
    assert record_numbers(tmp_path) == numbers
