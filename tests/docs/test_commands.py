"""Every command in README and documentation: parsed here, and run where it takes less than a minute.

What every run of the tests runs is short: ``RUN``.  ``DYNSPARSE_DOCS=all`` runs all pages (twenty minutes on a core),
``DYNSPARSE_DOCS=how-to/audit,README`` those whose path has one of these words in it.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import re

import pytest
import tyro

import dynsparse
from dynsparse.cli import front

from .page import PAGES, ROOT, blocks, command_words, commands, run_page

NAMES = {str(page.relative_to(ROOT)): page for page in PAGES}
TEXTS = {name: page.read_text(encoding="utf-8") for name, page in NAMES.items()}

RUN = {"docs/tutorial/is-my-environment-sparse.md": r"dynsparse (verify|report|causes|explore)|.*reacher"}
"""Pages whose commands run in every run of the tests, but for those that begin so: what a new reader types first, 15 s
of a core.  The other verbs of the page have tests of their own."""

WITH_PYTHON = {
    "docs/how-to/bring-your-own-policy.md",
    "docs/how-to/publish-a-data-set.md",
    "docs/tutorial/first-data-set.md",
}
"""Pages whose Python is whole programs: it runs between the commands."""

CHEETAH = "dynsparse collect CheetahRun --rows 2000 --out data/cheetah"
BEFORE = {
    "docs/how-to/verify-a-data-set.md": (CHEETAH,),
    "docs/how-to/read-the-report.md": (CHEETAH, "dynsparse analyze data/cheetah --out out/cheetah"),
}
"""What pages take for granted."""

FAILS = "dynsparse verify data/damaged"
"""The command of a page that is to end with exit code 1."""

OTHER_PROGRAMS = {
    "cmp", "cp", "make", "mkdir", "pip", "printf", "python", "ray", "source", "tar",
}  # fmt: skip

LEFT_OUT = {
    # Programs that set this machine up, or need one that is not here.
    r"make |source |pip |ray |# ": "sets up, or needs a cluster",
    r".*--executor ray": "needs a cluster",
    r".*my_script\.py|.*my_agent|.*robots/|.*assets/|.*scratch/": "names a file of the reader's own",
    # What takes more than a minute on one core, with compiled code in the cache.
    r"dynsparse reproduce": "12 minutes and more",
    r"dynsparse search": "88 s and more",
    r"dynsparse train-expert": "half an hour",
    r".*experts/": "needs what train-expert makes",
    r"dynsparse bench": "minutes, and the machine alone",
    r"dynsparse learn": "minutes",
    r"dynsparse causes data/cheetah": "three minutes",
    r"dynsparse score model\.npz": "needs what PyTorch makes",
    r"dynsparse audit all": "20 minutes",
    r"dynsparse audit FingerSpin FingerTurnEasy --rows 1000": "two minutes",
    r"dynsparse (report|explore) out/(demo|small)": "needs what reproduce makes",
    r"dynsparse (collect|audit|render) (WalkerRun|HumanoidRun|HalfCheetah)": "two minutes to compile",
    r"dynsparse collect examples/arm\.xml": "100 s to compile",
    r"dynsparse collect Go1Getup": "needs the Menagerie",
    r"python (benchmarks|results)/|\.venv/bin/python results/": "measures for minutes",
}
"""What is not run, by how a line begins, and why."""

CHOSEN = os.environ.get("DYNSPARSE_DOCS", "")

_HEADS = "|".join(LEFT_OUT)
_VERBS = front._VERBS


def parse(words):
    """Parse a command of dynsparse without running it; a word that is none ends the program."""
    verb, *options = words[1:]
    if verb in {"--version", "--help"} or "--help" in options:
        return None
    entry = _VERBS[verb]
    made = getattr(importlib.import_module(entry.module), entry.options)
    return tyro.cli(made, args=[*options], config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff))


def programs(text):
    """The words of each command of a page, those of a batch script too."""
    script = [command_words(line) for block in blocks(text) if block.language == "bash" for line in block.lines]
    return [*commands(text), *(words for words in script if words and words[0] == "dynsparse")]


@pytest.mark.parametrize("name", [name for name in NAMES if programs(TEXTS[name])])
def test_every_command_of_a_page_parses(name, checkout):
    targets = set(re.findall(r"^(\w+):", (checkout / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in programs(TEXTS[name]):
        program = words[0].rpartition("/")[2]
        if program == "dynsparse":
            parse([word for word in words if word != "--debug"])
        else:
            assert program in OTHER_PROGRAMS, f"{words} is a program that no other page uses: is it a slip?"
        if program == "make":
            assert set(words[1:]) <= targets


def test_no_block_of_a_page_is_without_a_language():
    assert [name for name, text in TEXTS.items() for block in blocks(text) if not block.language] == []


def test_files_that_commands_name_come_with_the_clone(checkout):
    for name, text in TEXTS.items():
        for words in commands(text):
            files = [word.partition(":")[0] for word in words if re.match(r"(examples|benchmarks|results)/", word)]
            made = [after for word, after in itertools.pairwise(words) if word in {"--json", "--out"}]
            assert [file for file in files if file not in made and not (checkout / file).exists()] == [], name


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if "dynsparse" in text])
def test_names_that_python_of_a_page_uses_exist(name):
    for block in blocks(TEXTS[name]):
        if block.language not in {"py", "python"}:
            continue
        for module, names in re.findall(r"^from (dynsparse[\w.]*) import (.*)$", block.text, re.MULTILINE):
            found = importlib.import_module(module)
            assert [word for word in re.findall(r"\w+", names) if not hasattr(found, word)] == [], module
        for attribute in re.findall(r"(?<![\w/])dynsparse\.([A-Za-z]\w*)", block.text):
            assert hasattr(dynsparse, attribute) or importlib.util.find_spec(f"dynsparse.{attribute}"), attribute


@pytest.mark.parametrize(
    "line",
    [
        "dynsparse collect CheetahRun --row 100 --out data/cheetah",
        "dynsparse collect CheetahRun --out data/cheetah",
        "dynsparse learn data/cheetah --out out/x --split episodes",
        "DYNSPARSE_CACHE= dynsparse reproduce --preset tiny --out out/demo",
    ],
)
def test_a_planted_wrong_option_is_seen(line, capsys):
    (words,) = commands(f"Text.\n\n```sh\n# a comment\n{line} | head -1\n```\n")
    with pytest.raises(SystemExit) as stop:
        parse(words)
    assert stop.value.code == 2
    capsys.readouterr()


def test_a_planted_unknown_verb_is_seen():
    with pytest.raises(KeyError, match="colect"):
        parse(command_words("dynsparse colect CheetahRun"))


def test_a_command_that_fails_ends_the_page(own_folder):
    first, python = "```sh\ndynsparse --version\n```\n", "```py\nopen('made', 'w').close()\n```\n"
    page = f"{first}\n{python}\n```sh\nls made\nSET=1 not this\nls gone\nls made\n```\n"
    ran = run_page(page, own_folder, re.compile("not"), python=True)
    assert [(one.line, one.code == 0) for one in ran[-2:]] == [("ls made", True), ("ls gone", False)]
    assert ran[0].output == f"dynsparse {dynsparse.__version__}\n"
    assert len(ran) == 4  # the Python between them is one of them


def chosen_pages():
    """The pages whose commands are run, as the environment variable says."""
    if not CHOSEN:
        return list(RUN)
    words = CHOSEN.split(",")
    runnable = [name for name, text in TEXTS.items() if commands(text) and name != "docs/reference/cli.md"]
    return [name for name in runnable if CHOSEN == "all" or any(word in name for word in words)]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", chosen_pages())
def test_commands_of_a_page_run_one_after_the_other(name, own_folder, capsys):
    short = "" if CHOSEN else RUN[name]
    left_out = re.compile(f"{_HEADS}|{short}" if short else _HEADS)
    text = f"```sh\n{chr(10).join(BEFORE.get(name, ()))}\n```\n{TEXTS[name]}"
    ran = run_page(text, own_folder, left_out, python=name in WITH_PYTHON, fails=FAILS)
    with capsys.disabled():
        if CHOSEN:
            print(f"\n{name}")
            for one in ran:
                print(f"{one.seconds:7.1f} s  exit {one.code}  {one.line.splitlines()[0]}")
    assert ran or CHOSEN
    assert [(one.line, one.output[-2000:]) for one in ran if one.failed] == []


def test_the_pages_that_always_run_exist():
    assert set(RUN) <= set(NAMES)
