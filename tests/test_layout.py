"""The shape of the tree: one direction of imports, what imports without JAX, what no committed file holds."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

# The one order in which parts may import: each from those before it (CONTRIBUTING.md tells it to people).
ORDER = (
    "errors",
    "config",
    "provenance",
    "workers",
    "physics",
    "dataset",
    "rollout",
    "analysis",
    "learning",
    "report",
    "executor",
    "cli",
)
WITHOUT_JAX = ("dataset", "analysis", "report")
HEAVY = ("brax", "jax", "jaxlib", "mujoco", "mujoco_playground", "warp")
DRAWERS = ("utils", "util", "common", "helpers", "helper", "misc")
LONGEST_MODULE = 400


# --- imports go one way -----------------------------------------------------------------------------------------


def imported_names(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) of everything a module imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parents = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parents, base]) if base else ".".join(parents)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def back_arrows(source: Path) -> list[str]:
    """Return one line for each import under ``source/dynsparse`` that points the wrong way."""
    found = []
    for path in sorted((source / "dynsparse").rglob("*.py")):
        relative = path.relative_to(source)
        is_package = path.name == "__init__.py"
        module = ".".join(relative.parent.parts if is_package else relative.with_suffix("").parts)
        if module == "dynsparse":
            continue  # resolves public names lazily: tested below by what it leaves in sys.modules
        own = module.split(".")[1]
        if own not in ORDER:
            found.append(f"{relative}: {own} has no place in the order")
            continue
        for line, name in imported_names(ast.parse(path.read_text()), module, is_package=is_package):
            if name.split(".")[0] != "dynsparse" or name == "dynsparse.__version__":
                continue
            part = name.split(".")[1] if "." in name else None
            if part not in ORDER:
                # The lazy names of the package's top hide where an arrow points to; nothing comes after the last part.
                if own == ORDER[-1]:
                    continue
                found.append(f"{relative}:{line}: imports {name} through the top, name its module")
            elif ORDER.index(part) > ORDER.index(own):
                found.append(f"{relative}:{line}: {own} imports {name}, which comes after it")
    return found


def test_imports_go_one_way(checkout):
    assert back_arrows(checkout / "src") == []


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("physics/audit.py", "from dynsparse.analysis.pattern import SparsityPattern"),
        ("physics/audit.py", "import dynsparse.cli"),
        ("physics/audit.py", "from ..analysis import pattern"),
        ("physics/__init__.py", "from ..rollout.collect import collect"),
        ("physics/peers/rollout.py", "from ...report import table"),
        ("physics/audit.py", "from dynsparse import report"),
        ("physics/audit.py", "from .. import report"),
        ("physics/audit.py", "def f():\n    from dynsparse.report import figure"),
        ("physics/audit.py", "if TYPE_CHECKING:\n    from dynsparse.analysis.pattern import SparsityPattern"),
        ("physics/audit.py", "def f():\n    return importlib.import_module('dynsparse.cli.envs')"),
        ("physics/audit.py", "from dynsparse import SparsityPattern"),
        ("physics/audit.py", "import dynsparse"),
        ("errors.py", "from dynsparse.config import Preset"),
        ("helpers_of_mine.py", ""),
    ],
)
def test_planted_back_arrow_is_found(tmp_path, path, text):
    source = _tree(tmp_path, {"dynsparse/__init__.py": "", f"dynsparse/{path}": text})
    assert len(back_arrows(source)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("analysis/counts.py", "from dynsparse.physics.linearization import Linearization"),
        ("analysis/counts.py", "from ..physics import linearization"),
        ("analysis/__init__.py", "from .pattern import SparsityPattern"),
        ("physics/peers/rollout.py", "from ..environment import Environment"),
        ("physics/audit.py", "from dynsparse import errors"),
        ("physics/audit.py", "import dynsparse_of_another.cli"),
        ("report/document.py", "from dynsparse import __version__"),
        ("cli/front.py", "import dynsparse"),
    ],
)
def test_forward_arrow_is_accepted(tmp_path, path, text):
    source = _tree(tmp_path, {"dynsparse/__init__.py": "", f"dynsparse/{path}": text})
    assert back_arrows(source) == []


# --- what imports without JAX -----------------------------------------------------------------------------------


def heavy_after_import(packages: Iterable[str], path: Path | None = None) -> list[str]:
    """Import packages with all their modules in a process of its own; return the heavy ones that came along."""
    program = (
        "import importlib, pkgutil, sys\n"
        f"for name in {list(packages)!r}:\n"
        "    package = importlib.import_module(name)\n"
        "    if name != 'dynsparse':\n"
        "        for found in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "            importlib.import_module(found.name)\n"
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    environment = dict(os.environ) | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_plain_import_brings_no_simulator():
    assert heavy_after_import(["dynsparse"]) == []


def test_analysis_and_report_import_without_jax(checkout):
    parts = [part for part in WITHOUT_JAX if (checkout / "src" / "dynsparse" / part).is_dir()]
    assert {"analysis", "report"} <= set(parts)
    assert heavy_after_import(f"dynsparse.{part}" for part in parts) == []


def test_planted_heavy_import_is_found(tmp_path):
    files = {
        "jax.py": "",
        "planted/__init__.py": "",
        "planted/inner/__init__.py": "",
        "planted/inner/deep.py": "import jax",
    }
    assert heavy_after_import(["planted"], _tree(tmp_path, files)) == ["jax"]


# --- what no committed file holds -------------------------------------------------------------------------------

# Assembled from halves, so that this file does not hold what it looks for.
_HOSTS = re.compile("|".join(re.escape(a + b) for a, b in [("pypi.", "org"), ("python", "hosted"), ("npm", "js.org")]))
# A path of one machine: from the root, not the path of an address or of a relative link.
_MACHINE_PATHS = re.compile(r"(?<![\w.~$}>-])/(?:work|root|home|Users|opt|mnt)/\w")
_PICKLES = ("pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")


def misplaced_text(text: str) -> list[str]:
    """Return what a committed text file must not hold: registry hosts and paths of one machine."""
    return [match.group() for pattern in (_HOSTS, _MACHINE_PATHS) for match in pattern.finditer(text)]


def pickles(source: str) -> list[str]:
    """Return the ways in which a Python source reads or writes pickles."""
    tree = ast.parse(source)
    found = [name for _, name in imported_names(tree, "m", is_package=False) if name.split(".")[0] in _PICKLES]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and getattr(node.value, "value", None) is not False
        ):
            found.append("allow_pickle")
    return found


def tracked_texts(checkout: Path) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every tracked text file."""
    listed = subprocess.run(["git", "-C", str(checkout), "ls-files", "-z"], capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        path = checkout / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content and path.suffix not in (".png", ".pdf"):
            yield name, content.decode("utf-8")


def test_tracked_files_hold_no_registry_host_and_no_machine_path(checkout):
    texts = dict(tracked_texts(checkout))
    assert "pyproject.toml" in texts
    assert {name: found for name, text in texts.items() if (found := misplaced_text(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://py" + "pi.org/simple",
        'open("/ro' + 'ot/x")',
        "see /ho" + "me/someone/data",
        "path=/wo" + "rk/main",
    ],
)
def test_planted_host_or_path_is_found(text):
    assert len(misplaced_text(text)) == 1


@pytest.mark.parametrize(
    "text", ["../work/x", "https://example.org/home/page", "frame/work/x", "$HOME/work/x", "/ home"]
)
def test_relative_paths_and_addresses_are_not_machine_paths(text):
    assert misplaced_text(text) == []


def test_nothing_reads_or_writes_pickles(checkout):
    sources = {name: text for name, text in tracked_texts(checkout) if name.endswith(".py")}
    assert {name: found for name, text in sources.items() if (found := pickles(text))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pick" + "le",
        "def f():\n    from dill import dumps",
        "np.load(f, allow_" + "pickle=True)",
        "np.load(f, allow_pickle=x)",
    ],
)
def test_planted_pickle_is_found(source):
    assert len(pickles(source)) == 1


def test_refusing_pickles_is_not_using_them():
    assert pickles("import numpy as np\nnp.load(f, allow_pickle=False)") == []


# --- modules ----------------------------------------------------------------------------------------------------


def test_modules_are_short_and_named_after_their_noun(checkout):
    paths = sorted((checkout / "src").rglob("*.py"))
    assert len(paths) > 10
    lengths = {str(path.relative_to(checkout)): len(path.read_text().splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}
    assert [name for name in lengths if set(Path(name).with_suffix("").parts) & set(DRAWERS)] == []


def test_every_folder_of_modules_is_a_package(checkout):
    # An editable install would find a folder without __init__.py, and mypy and walk_packages would not.
    folders = {path.parent for path in (checkout / "src" / "dynsparse").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
