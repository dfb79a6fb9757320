from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dynsparse.dataset import create_dataset, open_dataset
from dynsparse.errors import OutputError

from .toy import collect, contents, describe

TOY = describe()
HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from toy import block_arrays, describe
from dynsparse.dataset import create_dataset
writer = create_dataset(Path(sys.argv[2]), describe())
writer.commit(1, block_arrays(describe(), 1))
print("holding", flush=True)
sys.stdin.read()
writer.commit(0, block_arrays(describe(), 0))
"""


@pytest.fixture
def holder(tmp_path):
    """A process that has committed block 1 and still holds the data set."""
    command = [sys.executable, "-c", HOLDER, str(Path(__file__).parent), str(tmp_path / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "holding\n"
        yield process
        process.kill()


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_second_writer_is_refused_and_told_who_the_first_is(tmp_path, holder, options):
    before = contents(tmp_path / "data")
    assert before[".lock"] == f"process {holder.pid}".encode()
    with pytest.raises(OutputError, match=f"is being written by process {holder.pid}; wait for it"):
        create_dataset(tmp_path / "data", TOY, **options)
    assert contents(tmp_path / "data") == before
    assert open_dataset(tmp_path / "data").rows == 6  # a reader is not kept out


def test_lock_of_a_killed_process_is_taken_over(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / "data" / ".lock").read_text() == f"process {holder.pid}"
    collect(tmp_path / "data", TOY, resume=True)
    collect(tmp_path / "whole", TOY)
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")
    assert (tmp_path / "data" / ".lock").read_bytes() == b""


def test_second_writer_of_the_same_process_is_refused_until_the_first_is_closed(tmp_path):
    with create_dataset(tmp_path / "data", TOY), pytest.raises(OutputError, match="is being written by process"):
        create_dataset(tmp_path / "data", TOY, resume=True)
    create_dataset(tmp_path / "data", TOY, resume=True).close()


def test_refused_writer_lets_the_folder_go(tmp_path):
    collect(tmp_path / "data", TOY)
    for _ in range(2):
        with pytest.raises(OutputError, match="holds a data set"):
            create_dataset(tmp_path / "data", TOY)
    assert (tmp_path / "data" / ".lock").read_bytes() == b""
