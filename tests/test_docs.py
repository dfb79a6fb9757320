"""The documentation: its Python runs and prints what the page says, its links lead somewhere."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dynsparse.report import episode_statistics, seed_statistics

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LINKING = (*PAGES, *sorted(ROOT.glob("*.md")), *sorted(page for name in ("results", "benchmarks", "examples", "tests")
           for page in (ROOT / name).rglob("*.md")))  # fmt: skip
"""Every page of Markdown."""
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BETWEEN = "----- next block -----"


@dataclass(frozen=True)
class Example:
    """A block of Python and the output that the page shows below it, if any."""

    code: str
    shown: str | None


def examples(page: str) -> list[Example]:
    """Return the Python blocks of a page, each with the ``text`` block that directly follows it."""
    blocks = _BLOCK.findall(page)
    following = [*blocks[1:], ("", "")]
    return [
        Example(code, text if kind == "text" else None)
        for (language, code), (kind, text) in zip(blocks, following, strict=True)
        if language == "python"
    ]


def run(found: list[Example]) -> list[str]:
    """Run blocks one after the other in a process of its own, fed through standard input; return what each printed."""
    program = f"\nprint({_BETWEEN!r})\n".join(example.code for example in found)
    done = subprocess.run(
        [sys.executable, "-"], input=program, capture_output=True, text=True, timeout=550, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [printed.removeprefix("\n") for printed in done.stdout.split(f"{_BETWEEN}\n")]


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead to no file or no heading."""
    broken = []
    for link in _LINK.findall(re.sub(_BLOCK, "", page.read_text())):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (heading and heading not in _anchors(target)):
            broken.append(link)
    return broken


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(_BLOCK, "", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LONG = ("optimise-a-trajectory.md",)
"""Pages whose Python compiles for a minute."""


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.long] if page.name in LONG else [])
        for page in PAGES
        if "```python" in page.read_text()
    ],
    ids=lambda path: path.name,
)
def test_python_of_a_page_runs_and_prints_what_is_shown(page):
    found = examples(page.read_text())
    for example, printed in zip(found, run(found), strict=True):
        if example.shown is not None:
            assert printed == example.shown


def test_tutorial_shows_what_its_python_prints():
    found = examples((ROOT / "docs" / "tutorial" / "first-jacobian.md").read_text())
    assert sum(example.shown is not None for example in found) >= 4


@pytest.mark.parametrize("page", LINKING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert broken_links(page) == []


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text())}
    assert set(PAGES) - {index} - linked == set()


@pytest.mark.parametrize(
    ("page", "result"),
    [("explanation/zero-causes.md", "zero_causes.md"), ("explanation/dm-control-suite.md", "dm_control.md")],
)
def test_a_copied_table_is_that_of_the_results(page, result):
    copied, measured = ((ROOT / path).read_text() for path in (f"docs/{page}", f"results/{result}"))
    rows = [line for line in copied.splitlines() if re.match(r"\| [A-Z]\w+ \|", line)]
    assert len(rows) >= 8 and set(rows) <= set(measured.splitlines())


def table_rows(page, first):
    """The cells of the rows of a page whose first cell matches."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    return [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in lines if re.match(rf"\| {first} \|", line)
    ]


def test_ranges_of_equal_counts_are_those_of_the_results():
    with (ROOT / "results/table1_smoke.csv").open(newline="") as file:
        measured = {
            row["environment"]: [
                f"{row['always_zero_state']} of {row['state_elements']}",
                *(f"1e{round(math.log10(float(row[f'same_count_{end}_atol'])))}" for end in ("from", "to")),
            ]
            for row in csv.DictReader(file)
        }
    shown = [cells for cells in table_rows("explanation/thresholds.md", r"[A-Z]\w+") if len(cells) == 4]
    assert shown == [[name, *cells] for name, cells in measured.items()]


def test_elements_of_round_off_are_those_of_the_audit():
    audits = json.loads((ROOT / "results/audit.json").read_text())["environments"]
    measured = {}
    for audit in audits:
        at = audit["differing_zeros"]
        largest = at["1e-15"]["largest"]
        counts = [str(at[atol]["elements"]) for atol in ("1e-15", "1e-12", "1e-09")]
        measured[audit["environment"]] = [counts[0], f"{largest:.1e}" if largest else "0", *counts[1:]]
    shown = {cells[0]: cells[1:] for cells in table_rows("explanation/thresholds.md", r"[A-Z]\w+( \| [^|]+){4}")}
    assert shown == measured


def test_numbers_of_the_audit_in_prose_are_the_committed_ones():
    audits = {
        audit["environment"]: audit for audit in json.loads((ROOT / "results/audit.json").read_text())["environments"]
    }
    page = " ".join((ROOT / "docs/explanation/exact-derivative.md").read_text().split())
    unconverged = {name: audit["unconverged_rows"] for name, audit in audits.items()}
    walker = audits["WalkerRun"]["differing_zeros"]["1e-15"]
    assert (
        f"in {unconverged['WalkerRun']} of {audits['WalkerRun']['rows']} for WalkerRun, {unconverged['BallInCup']} for "
        f"BallInCup and {unconverged['CartpoleBalance']} for CartpoleBalance, and in none for SwimmerSwimmer6"
    ) in page
    assert unconverged["SwimmerSwimmer6"] == 0
    assert f"differ about {walker['elements']} of them" in page
    assert f"none above {walker['largest']:.1e}" in page
    assert all(audit["exact"]["false_zeros"] == 0 for audit in audits.values())  # what-a-zero-means.md says so


def test_how_often_an_interval_holds_is_what_the_code_says():
    (seeds,) = table_rows("explanation/statistics.md", "seeds( \\| \\d+)+")
    (shares,) = table_rows("explanation/statistics.md", "95 % intervals that hold the truth( \\| \\d+ %)+")
    told = {int(count): share for count, share in zip(seeds[1:], shares[1:], strict=True)}
    assert told == {count: f"{100 * seed_statistics.coverage(count):.0f} %" for count in told} and len(told) == 8
    page = (ROOT / "docs/explanation/statistics.md").read_text()
    assert f"{seed_statistics.RESAMPLES:,} times" in page
    assert (episode_statistics.FEWEST_EPISODES, seed_statistics.FEWEST) == (3, 6)  # three, six in words


def test_planted_wrong_output_and_error_are_seen():
    page = "```python\nx = 1\nprint(x)\n```\n\n```text\n2\n```\n\n```python\nprint(x + 2)\n```\n"
    found = examples(page)
    assert [example.shown for example in found] == ["2\n", None]
    assert run(found) == ["1\n", "3\n"]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run([Example("1 / 0", None)])


def test_planted_broken_link_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# One heading\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md) [b](gone.md) [c](other.md#one-heading) [d](other.md#none) [e](https://example.org)")
    assert broken_links(page) == ["gone.md", "other.md#none"]
