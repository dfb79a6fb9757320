"""The command with real environments and real workers: slow, so few rows of one that is quick to compile."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dynsparse.cli import main

COMMAND = [
    "reproduce",
    "--only",
    "q1,q2,q3",
    "--rows",
    "40",
    "--out",
    "out",
    "--envs",
    "ReacherHard",
]


def workers_of(pid):
    """Return the worker processes whose parent is ``pid``."""
    running = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [child for child in running if b"dynsparse.workers" in read(child, "cmdline") and parent_of(child) == pid]


def parent_of(pid):
    fields = read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else None


def read(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_counts_are_those_of_the_symmetries(own_folder, capsys):
    assert main(COMMAND) == 0
    with (own_folder / "out/tables/table-1.csv").open(newline="") as file:
        counts = {line["environment"]: line["always_zero_state"] for line in csv.DictReader(file)}
    assert counts == {"ReacherHard": "3"}
    with np.load(own_folder / "out/analysis/ReacherHard/analysis.npz", allow_pickle=False) as file:
        # The shoulder's column, own element aside, by the symmetry of the model and not by another computation.
        assert (file["zero_frequency_state"] == 1.0).tolist() == [[row > 0, False, False, False] for row in range(4)]
    found = json.loads((own_folder / "out/analysis/ReacherHard/analysis.json").read_text())
    assert found["nonfinite_rows"] == 0
    assert found["provenance"]["extra"]["measured"]["compile_seconds"] > 0
    printed = capsys.readouterr().out
    assert "turning it as a whole" in printed
    assert main(COMMAND) == 0
    assert "already finished, not repeated: ReacherHard" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux lists them")
def test_ctrl_c_leaves_no_worker_and_says_how_to_go_on(own_folder):
    command = [sys.executable, "-m", "dynsparse.cli", *COMMAND]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        deadline = time.monotonic() + 60
        while not workers_of(process.pid):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(1.0)  # into imports or a compilation
        workers = workers_of(process.pid)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        errors = process.stderr.read()
        assert process.wait(30) == 130
        assert time.monotonic() - began < 15
    assert errors.splitlines()[-1] == "dynsparse: interrupted; run the same command again to continue"
    assert "Traceback" not in errors
    assert workers
    assert not [pid for pid in workers if parent_of(pid) is not None]
    assert not list(own_folder.glob("out/analysis/.partial-*"))
