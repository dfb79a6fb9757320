"""The provenance record: complete, free of names, and hashed by content."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynsparse import provenance
from dynsparse.errors import SettingError
from dynsparse.provenance import collect_provenance, content_hash, script_command


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=n@example.invalid", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _fresh_checkout(root: Path) -> Path:
    package = root / "src" / "dynsparse"
    package.mkdir(parents=True)
    (package / "module.py").write_text("x = 1\n")
    _git(root, "init", "--quiet")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "-m", "first")
    return package


def test_record_holds_what_was_run_and_survives_json():
    record = collect_provenance("dynsparse audit CheetahRun --rows 7", 3, rows=7, states=["rollout"]).to_dict()
    again = json.loads(json.dumps(record))
    assert again == record
    assert record["command"] == "dynsparse audit CheetahRun --rows 7"
    assert record["seed"] == 3
    assert record["extra"] == {"rows": 7, "states": ["rollout"]}
    assert record["version"] == metadata.version("dynsparse")
    assert record["versions"]["python"] == platform.python_version()
    for name in ("numpy", "jax", "jaxlib", "mujoco", "mujoco-mjx", "playground"):
        assert record["versions"][name] == metadata.version(name)


def test_date_is_now_in_utc():
    date = datetime.fromisoformat(collect_provenance("c", None).date)
    assert date.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - date) < timedelta(minutes=1)


def test_record_does_not_name_the_machine_or_its_folders():
    text = json.dumps(collect_provenance("c", None).to_dict())
    assert str(Path.home()) not in text
    assert str(Path(provenance.__file__).parent) not in text
    # As a whole word: a host may be called "x86", and the architecture contains that.
    host = platform.node() or "localhost"
    assert not re.search(rf"(?<![\w-]){re.escape(host)}(?![\w-])", text)


def test_machine_counts_are_physical():
    machine = collect_provenance("c", None).machine
    assert machine.cores >= 1
    assert machine.memory_gib is None or machine.memory_gib > 0.1
    assert machine.processor
    assert platform.machine() in machine.system


def test_missing_package_is_none_not_an_error(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    record = collect_provenance("c", None)
    assert record.versions["jax"] is None
    assert record.version == "unknown"


def test_commit_and_uncommitted_changes_of_a_checkout(tmp_path):
    package = _fresh_checkout(tmp_path)
    commit = _git(tmp_path, "rev-parse", "HEAD")
    assert provenance._checkout.__wrapped__(package) == (commit, False)
    (package / "module.py").write_text("x = 2\n")
    assert provenance._checkout.__wrapped__(package) == (commit, True)


def test_another_repository_in_the_environment_is_not_believed(tmp_path, monkeypatch):
    package = _fresh_checkout(tmp_path / "ours")
    commit = _git(tmp_path / "ours", "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs"))
    assert provenance._checkout.__wrapped__(package) == (commit, False)


def test_installed_package_inside_a_foreign_repository_has_no_commit(tmp_path):
    _fresh_checkout(tmp_path)
    installed = tmp_path / "lib" / "site-packages" / "dynsparse"
    installed.mkdir(parents=True)
    assert provenance._checkout.__wrapped__(installed) == (None, None)


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    package = _fresh_checkout(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert provenance._checkout.__wrapped__(package) == (None, None)


def test_record_is_frozen():
    record = collect_provenance("c", None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.seed = 1


def test_hash_is_sha256_of_canonical_json():
    # Written by hand: sorted keys, no spaces, non-ASCII escaped.
    canonical = b'{"a":[1,2.5,null],"b":{"c":true,"\\u00e4":"x"}}'
    assert content_hash({"b": {"ä": "x", "c": True}, "a": [1, 2.5, None]}) == hashlib.sha256(canonical).hexdigest()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _VALUES, max_size=4))
def test_hash_does_not_depend_on_key_order_and_survives_json(content):
    shuffled = dict(reversed(content.items()))
    assert content_hash(shuffled) == content_hash(content)
    assert content_hash(json.loads(json.dumps(content))) == content_hash(content)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": "1"}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({}, {"a": {}}),
    ],
)
def test_different_content_has_different_hashes(one, other):
    assert content_hash(one) != content_hash(other)


@pytest.mark.parametrize(
    "content",
    [{"a": float("nan")}, {"a": float("inf")}, {"a": {1}}, {"a": object()}, {1: "a"}, {"a": [{2: "b"}]}],
)
def test_what_json_can_not_hold_is_refused(content):
    with pytest.raises(SettingError, match="expected"):
        content_hash(content)
    with pytest.raises(SettingError, match="expected"):
        collect_provenance("c", None, content=content)


def test_record_is_made_without_importing_jax():
    program = (
        "import sys; from dynsparse.provenance import collect_provenance; collect_provenance('c', 0); "
        "print(sorted({'jax', 'mujoco', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_scripts_command_is_what_was_typed_but_for_this_machines_folders(monkeypatch, tmp_path):
    script = Path(__file__).parent.parent / "benchmarks" / "native_code.py"
    typed = [str(script), "--rounds", "3", "--envs", "Cart Pole", "--json", str(tmp_path / "found.json")]
    monkeypatch.setattr("sys.argv", typed)
    assert script_command() == "python benchmarks/native_code.py --rounds 3 --envs 'Cart Pole' --json found.json"
