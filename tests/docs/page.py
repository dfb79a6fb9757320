"""A page of documentation: its fenced blocks, the commands in them, and how to run them in their order."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^[A-Z_]+=")
_END_OF_COMMAND = {"|", ">", "2>", "&&", "||", ";", "&"}


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Lines of a shell, continued ones joined, without comments and empty ones."""
        joined = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in joined if line.strip() and not line.strip().startswith("#")]


def load_script(name: str) -> ModuleType:
    """Import a script of ``results/`` by its name, as long as the test needs it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "results" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    return [Block(language, body) for language, body in _BLOCK.findall(text)]


def command_words(line: str) -> list[str]:
    """Return the words of the first command of a line, without what is set before it and what follows it."""
    words = shlex.split(line, comments=True)
    while words and (_SETTING.match(words[0]) or words[0] == "exec"):
        words = words[1:]
    ends = [place for place, word in enumerate(words) if word in _END_OF_COMMAND]
    return words[: min(ends)] if ends else words


def commands(text: str) -> list[list[str]]:
    """Return the words of every command in the shell blocks of a page."""
    return [
        words
        for block in blocks(text)
        if block.language == "sh"
        for line in block.lines
        for words in [command_words(line)]
    ]


@dataclass(frozen=True)
class Ran:
    """One command that was run."""

    line: str
    code: int
    seconds: float
    output: str
    failed: bool


def run_page(
    text: str, folder: Path, left_out: re.Pattern[str], *, python: bool = False, fails: str = "", timeout: float = 600
) -> list[Ran]:
    """Run the commands of a page, one after the other, in one folder that holds the examples of the clone.

    The first that fails is the last.

    Args:
        text: The page.
        folder: An empty folder.
        left_out: What is not run, by how a command begins, without what is set before it.
        python: Whether Python that the page shows is run too, at the latest before the command that follows it.
        fails: The command that is to fail.
        timeout: Seconds that a command may take.

    Returns:
        The commands that were run.
    """
    (folder / "examples").symlink_to(ROOT / "examples")
    ran: list[Ran] = []
    program, is_new = "", False  # each begins with those before it, whose names it may use
    for block in blocks(text):
        if python and block.language in {"py", "python"}:
            program, is_new = program + block.text, True
        if block.language != "sh":
            continue
        wanted = [line for line in block.lines if not left_out.match(_without_settings(line))]
        if wanted and is_new:
            wanted = [_python(program), *wanted]
            is_new = False
        for line in wanted:
            ran.append(_run(line, folder, timeout, fails))
            if ran[-1].failed:
                return ran
    if is_new:
        ran.append(_run(_python(program), folder, timeout, fails))
    return ran


def _python(program: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}"


def _without_settings(line: str) -> str:
    return re.sub(r"^([A-Z_]+=\S* )*", "", line)


def _run(line: str, folder: Path, timeout: float, fails: str) -> Ran:
    beside = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    start = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    output = done.stdout + done.stderr
    seconds, failed = time.monotonic() - start, bool(done.returncode) != (line == fails)
    return Ran(line if len(line) < 200 else f"{line[:200]} ...", done.returncode, seconds, output, failed)
