from __future__ import annotations

import pytest

from dynsparse.errors import OutputError
from dynsparse.report.files import write_file


def test_a_file_is_replaced_as_a_whole(tmp_path):
    assert write_file(tmp_path / "sub" / "a.txt", "old").read_text() == "old"
    assert write_file(tmp_path / "sub" / "a.txt", "new é").read_bytes() == "new é".encode()
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["a.txt"]


def test_nothing_is_left_where_it_fails(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="taken"):
        write_file(tmp_path / "taken", "a folder is in the way")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
