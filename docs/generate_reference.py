"""Write the pages of ``docs/reference`` that are made of docstrings; ``--check`` says which of them are stale.

    python docs/generate_reference.py
    python docs/generate_reference.py --check

The same sources give the same bytes.  What a page says about a name or an option is changed in its docstring.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reference_parts.command_page import command_page
from reference_parts.errors_page import errors_page
from reference_parts.frames import CHAPTERS, COMMAND_HEAD, ERRORS_FOOT, ERRORS_HEAD, MORE_ON_VERBS, PYTHON_HEAD
from reference_parts.python_page import links_of, python_page

from dynsparse import errors

FOLDER = Path(__file__).resolve().parent / "reference"


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    own = links_of(CHAPTERS) | dict.fromkeys(errors.__all__, "errors.md")
    elsewhere = {name: f"python-api.md{place}" for name, place in own.items() if place.startswith("#")}
    return {
        "python-api.md": python_page(PYTHON_HEAD, CHAPTERS, own),
        "cli.md": command_page(COMMAND_HEAD, MORE_ON_VERBS, elsewhere),
        "errors.md": errors_page(ERRORS_HEAD, ERRORS_FOOT, elsewhere),
    }


def stale(made: dict[str, str]) -> list[str]:
    """Return the names of the pages that are not what the docstrings say."""
    there = {name: FOLDER / name for name in made}
    return [name for name, path in there.items() if not path.is_file() or path.read_text("utf-8") != made[name]]


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"expected no argument or --check, got {' '.join(arguments)!r}\n")
        return 2
    made = pages()
    changed = stale(made)
    if arguments:
        for name in changed:
            sys.stderr.write(f"docs/reference/{name} is stale: run python docs/generate_reference.py\n")
        return int(bool(changed))
    for name in changed:
        (FOLDER / name).write_text(made[name], encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
