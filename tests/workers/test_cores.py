"""The number of workers follows the request, the affinity and a container's quota."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.workers import cores, worker_count


def test_a_request_is_taken_as_it_is() -> None:
    assert worker_count(3) == 3
    assert worker_count(np.int64(1000)) == 1000


@pytest.mark.parametrize("requested", [-1, True, False, 2.0, "2", None])
def test_impossible_requests_are_refused(requested: object) -> None:
    with pytest.raises(SettingError, match="Expected a"):
        worker_count(requested)  # type: ignore[arg-type]


@pytest.mark.parametrize(("quota", "expected"), [(None, 6), (1.5, 2), (0.25, 1), (64.0, 6)])
def test_zero_means_the_usable_cores(monkeypatch: pytest.MonkeyPatch, quota: float | None, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(cores, "quota_cores", lambda *_: quota)
    assert worker_count(0) == expected


def test_quota_of_an_ancestor_binds(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("0::/a/b\n")
    assert cores.quota_cores(membership, tmp_path / "fs") is None
    (tmp_path / "fs/a/b").mkdir(parents=True)
    (tmp_path / "fs/a/b/cpu.max").write_text("max 100000\n")
    assert cores.quota_cores(membership, tmp_path / "fs") is None
    (tmp_path / "fs/a/cpu.max").write_text("150000 100000\n")
    (tmp_path / "cpu.max").write_text("1000 100000\n")  # outside the tree: no group at all
    assert cores.quota_cores(membership, tmp_path / "fs") == 1.5


def test_quota_inside_a_container_stands_at_the_root(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("0::/docker/name-outside\n")
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert cores.quota_cores(membership, tmp_path) == 2.0


def test_quota_of_the_first_version(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("5:memory:/job\n4:cpu,cpuacct:/job\n")
    (tmp_path / "cpu/job").mkdir(parents=True)
    (tmp_path / "cpu/job/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu/job/cpu.cfs_period_us").write_text("100000\n")
    assert cores.quota_cores(membership, tmp_path) is None
    (tmp_path / "cpu/job/cpu.cfs_quota_us").write_text("300000\n")
    assert cores.quota_cores(membership, tmp_path) == 3.0
    assert cores.quota_cores(tmp_path / "absent", tmp_path) is None
