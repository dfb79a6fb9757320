from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from dynsparse.cli import front, main
from dynsparse.cli.envs import Envs
from dynsparse.errors import OutputExistsError, WorkerError


def raising(monkeypatch, error):
    def run(self):
        raise error

    monkeypatch.setattr(Envs, "run", run)


def test_help_lists_the_verbs_that_are_there(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "envs" in out
    assert "reproduce" in out
    assert "examples:" in out


def test_no_verb_is_bad_usage(capsys):
    assert main([]) == 2
    assert "usage: dynsparse VERB" in capsys.readouterr().out


def test_unknown_verb_is_refused_with_the_nearest(capsys):
    assert main(["reprodce"]) == 2
    told = "dynsparse: expected a verb, got 'reprodce'; did you mean 'reproduce' or 'report' or 'render'?\n"
    assert capsys.readouterr().err == told


def test_a_verb_that_is_not_there_yet_is_not_listed(capsys, monkeypatch):
    monkeypatch.setattr(front, "_VERBS", dict(front._VERBS) | {"export": front.Verb("dynsparse.cli.export", "E", "")})
    main(["--help"])
    assert "export" not in capsys.readouterr().out
    assert main(["export"]) == 2


@pytest.mark.parametrize("verb", sorted(front._available()))
def test_help_of_every_verb_ends_with_examples(verb, capsys):
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"usage: dynsparse {verb}" in out
    assert out.index("examples:") > out.index("options")
    assert f"  dynsparse {verb}" in out[out.index("examples:") :]
    assert "130 Ctrl-C" in out


def test_help_is_fast_because_nothing_heavy_is_imported():
    code = (
        "import sys; from dynsparse.cli import main; main(['reproduce', '--help']); "
        "print(sorted({'jax', 'mujoco', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("dynsparse 0.")


@pytest.mark.parametrize(
    ("error", "code"),
    [(OutputExistsError("a\nb   c"), 2), (WorkerError("a b c", rows=(1,)), 1), (OSError("a b c"), 1)],
)
def test_errors_are_one_line_with_their_exit_code(monkeypatch, capsys, error, code):
    raising(monkeypatch, error)
    assert main(["envs"]) == code
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "a b c" in captured.err
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback_anywhere_on_the_line(monkeypatch, capsys):
    raising(monkeypatch, WorkerError("lost"))
    assert main(["envs", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert main(["--debug", "envs"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_says_what_to_do_where_it_can_go_on(monkeypatch, capsys):
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["envs"]) == 130
    assert capsys.readouterr().err == "dynsparse: interrupted\n"


@pytest.mark.parametrize("options", [["--nope"], ["--json", "maybe"]])
def test_bad_options_are_bad_usage(options, capsys):
    assert main(["envs", *options]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_sigterm_ends_a_verb_like_ctrl_c(monkeypatch, capsys):
    def run(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        return 0

    monkeypatch.setattr(Envs, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["envs"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_output_cut_off_by_its_reader_is_no_traceback():
    code = (
        "import sys; from dynsparse.cli import envs, main\n"
        "def run(self):\n"
        "    for _ in range(100_000): print('x' * 100)\n"
        "    return 0\n"
        "envs.Envs.run = run; sys.exit(main(['envs']))"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer.stdout.read(10)
    writer.stdout.close()
    assert writer.stderr.read() == b""
    writer.stderr.close()
    assert writer.wait(20) == 1


@pytest.mark.parametrize("verb", sorted(front._available()))
def test_the_reference_page_names_every_option(verb, capsys, checkout):
    main([verb, "--help"])
    options = set(re.findall(r"(--[a-z][a-z-]+)", capsys.readouterr().out.partition("examples:")[0])) - {"--help"}
    page = (checkout / "docs/reference/cli.md").read_text(encoding="utf-8")
    section = page.partition(f"## `dynsparse {verb}")[2].partition("\n## ")[0]
    assert options
    assert {option for option in options if f"`{option}" not in section} == set()
