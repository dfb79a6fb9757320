"""The front door: finds the verb, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from dynsparse.config import nearest_names
from dynsparse.errors import DynsparseError
from dynsparse.workers.imports import leave_out_warp

__all__ = ["main"]

INTERRUPTED = 130


@dataclass(frozen=True)
class Verb:
    """Where a verb lives; its module is imported when it is used, so that ``--help`` is fast.

    Attributes:
        module: Module with the options, a frozen dataclass with ``run() -> int``, and ``EXAMPLES``.
        options: Name of the dataclass.
        summary: One line for ``dynsparse --help``.
        resumes: Whether the same command, run again, goes on where it was stopped.
        resumes_with: The option with which it does, where it needs one.
    """

    module: str
    options: str
    summary: str
    resumes: bool = False
    resumes_with: str = ""


_VERBS: Mapping[str, Verb] = {
    "envs": Verb("dynsparse.cli.envs", "Envs", "list the environments: dimensions, substeps, solver"),
    "audit": Verb("dynsparse.cli.audit", "Audit", "compare the exact derivative with finite differences"),
    "collect": Verb(
        "dynsparse.cli.collect", "Collect", "store transitions with their exact Jacobians", resumes_with="--resume"
    ),
    "verify": Verb("dynsparse.cli.verify", "Verify", "check that a data set is what was committed"),
    "analyze": Verb("dynsparse.cli.analyze", "Analyze", "find the zeros: always, at which states, for how long"),
    "causes": Verb("dynsparse.cli.causes", "Causes", "say why each element is zero, at rows of a data set"),
    "score": Verb("dynsparse.cli.score", "Score", "judge a learned world model beside referees"),
    "report": Verb("dynsparse.cli.report", "Report", "draw every analysis, on one page that needs no network"),
    "learn": Verb(
        "dynsparse.cli.learn", "Learn", "train world models on a data set and judge their Jacobians", resumes=True
    ),
    "search": Verb(
        "dynsparse.cli.search",
        "Search",
        "run the paper's hyperparameter searches and rank what they tried",
        resumes=True,
    ),
    "train-expert": Verb(
        "dynsparse.cli.train_expert", "TrainExpert", "train a policy for a task by PPO", resumes_with="--resume"
    ),
    "render": Verb("dynsparse.cli.render", "Render", "draw a policy at work: an animated picture, a strip of frames"),
    "explore": Verb(
        "dynsparse.cli.explore", "Explore", "look around in rollouts and their Jacobians, on one page", resumes=True
    ),
    "bench": Verb("dynsparse.cli.bench", "Bench", "measure Jacobians per second beside what else there is"),
    "reproduce": Verb(
        "dynsparse.cli.reproduce", "Reproduce", "answer the paper's questions for all environments", resumes=True
    ),
}

_EXAMPLES = """\
examples:
  dynsparse envs
  dynsparse collect CheetahRun --rows 10000 --out data/cheetah
  dynsparse reproduce --preset smoke --only q1,q2,q3 --out out/demo
  dynsparse reproduce --help
"""

_EXIT_CODES = "every verb: --help, --debug (traceback); exit codes: 0 done, 1 failed, 2 bad usage, 130 Ctrl-C"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of ``dynsparse``.

    Args:
        argv: Arguments without the program's name; none reads the process's own.

    Returns:
        The exit code: 0 done, 1 it failed, 2 bad usage, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # a process of our own
        leave_out_warp()
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    verbs = _available()
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(_overview(verbs), end="")
        return 0 if arguments else 2
    name = arguments[0]
    if name == "--version":
        print(f"dynsparse {importlib.import_module('dynsparse').__version__}")
        return 0
    if name not in verbs:
        _complain(f"expected a verb, got {name!r}{nearest_names(name, tuple(verbs))}")
        return 2
    verb = verbs[name]
    try:
        with _terminated_as_interrupted():
            return _run(name, verb, arguments[1:])
    except KeyboardInterrupt as stop:
        again = "; run the same command again to continue" if verb.resumes else ""
        if verb.resumes_with:
            place = " in place of --overwrite" if "--overwrite" in arguments else ""
            again = f"; run the same command with {verb.resumes_with}{place} to continue"
        if stop.args:  # the verb knows how far it has got
            again = f"; {stop.args[0]}"
        _complain(f"interrupted{again}")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left (`dynsparse envs | head -1`): nothing to say, and no one to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except DynsparseError as error:
        if debug:
            traceback.print_exc()
        _complain(str(error))
        return error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        _complain(f"unexpected {type(error).__name__}: {error}; run again with --debug to see where")
        return 1


def _available() -> dict[str, Verb]:
    """Return the verbs whose module is there: a verb that is not there yet is not listed."""
    return {name: verb for name, verb in _VERBS.items() if importlib.util.find_spec(verb.module) is not None}


def _overview(verbs: Mapping[str, Verb]) -> str:
    width = max(len(name) for name in verbs)
    listed = "".join(f"  {name:<{width}}  {verb.summary}\n" for name, verb in verbs.items())
    return (
        "usage: dynsparse VERB [options]\n\n"
        "Exact transition Jacobians of robot simulators, and the sparsity patterns in them.\n\n"
        f"verbs:\n{listed}\n{_EXAMPLES}\n{_EXIT_CODES}\n"
    )


def _run(name: str, verb: Verb, arguments: Sequence[str]) -> int:
    """Parse a verb's options and run it."""
    import tyro

    module = importlib.import_module(verb.module)
    options: Any
    try:
        options = tyro.cli(
            getattr(module, verb.options),
            prog=f"dynsparse {name}",
            args=list(arguments),
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        )
    except SystemExit as stop:
        # tyro has printed help (0) or what is wrong with the usage (2).
        if not stop.code:
            print(f"\n{getattr(module, 'EXAMPLES', '').strip()}\n\n{_EXIT_CODES}")
        return stop.code if isinstance(stop.code, int) else 0
    return int(options.run())


def _complain(message: str) -> None:
    """Write one line on stderr."""
    print(f"dynsparse: {' '.join(message.split())}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C while a verb runs, so that it closes its workers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
