"""The typed exceptions that dynsparse raises: one small tree.

Every message says what was expected, what arrived, and what to try next.  The command line prints
the message in one line and exits with ``exit_code``.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ActionRangeError",
    "ArrayError",
    "DatasetError",
    "DependenceError",
    "DivergenceError",
    "DynsparseError",
    "EnvironmentFileError",
    "ExecutorError",
    "FunctionError",
    "InputError",
    "ModelError",
    "OutputError",
    "OutputExistsError",
    "PolicyError",
    "PrecisionError",
    "RenderError",
    "SettingError",
    "UnknownEnvironmentError",
    "UnknownPrimitiveError",
    "UnsupportedModelError",
    "WorkerError",
]


class DynsparseError(Exception):
    """Something that dynsparse was asked to do failed; ``exit_code`` is what a shell sees.

    Never raised by itself.
    """

    exit_code = 1


class InputError(DynsparseError, ValueError):
    """What the caller passed can not be used."""

    exit_code = 2


class UnknownEnvironmentError(InputError):
    """No environment has the name that was asked for; gives the nearest names."""


class EnvironmentFileError(InputError):
    """A model file can not be an environment: missing, no XML, or reading outside its folder; names file and line.

    Also one that MuJoCo does not compile, and a task whose assets are not there.
    """


class ArrayError(InputError):
    """A state, action or warm start has the wrong shape or type, or holds a NaN; names the row."""


class ActionRangeError(InputError):
    """An applied action lies outside the control range; names the row and the bounds."""


class PolicyError(InputError):
    """A policy can not be used: its file is broken or does not fit, or it gave a NaN; names the file or the row.

    Attributes:
        row: index into the batch of episodes where its output was not finite; else None.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class ModelError(InputError):
    """A learned model can not be scored: its shapes do not fit, it gave a NaN, its file is broken; names the row.

    A file that holds pickled objects is broken.
    """


class FunctionError(InputError):
    """A function of the user's own can not be an environment; names the environment and what happened.

    It can not be traced, differentiated or exported, returns another shape or type, calls back to Python, or gives a
    NaN where an episode starts; or the file that makes it fails, whose line is named.
    """


class PrecisionError(InputError):
    """Exact derivatives were asked for in a precision in which they do not exist."""


class SettingError(InputError):
    """An option has a value that it can not have, or an unknown option was given."""


class UnsupportedModelError(DynsparseError):
    """The model holds something whose transition dynsparse can not differentiate exactly; names it."""


class UnknownPrimitiveError(DynsparseError):
    """A function does something of which no rule says on what its result depends; nothing is guessed.

    Attributes:
        primitive: JAX's name of the operation.
    """

    def __init__(self, primitive: str, message: str) -> None:
        super().__init__(message)
        self.primitive = primitive


class DatasetError(DynsparseError):
    """A data set can not be read as it was committed: damaged, of another schema, without rows, or none at all.

    Names the file.
    """


class DependenceError(DynsparseError):
    """A Jacobian has a slope where the step's program has no path: one of the two is wrong; names the element."""


class DivergenceError(DynsparseError, ArithmeticError):
    """A model's loss is not finite any more; its training is recorded as failed, and the others go on."""


class OutputError(DynsparseError, OSError):
    """A result can not be written where it was asked for."""


class OutputExistsError(OutputError):
    """The place asked for holds results already; nothing is overwritten without being told to."""

    exit_code = 2


class RenderError(DynsparseError, RuntimeError):
    """A picture can not be drawn: no OpenGL works here, or the process that draws died.

    Gives each back end's own words, and what to install.
    """


class WorkerError(DynsparseError, RuntimeError):
    """A worker process hung, died or failed.

    Attributes:
        rows: the rows that have no result for it.
        partial: the result of the other rows where there is one, NaN and not finite in ``rows``; else None.
    """

    def __init__(self, message: str, rows: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.rows = tuple(rows)
        self.partial: object = None


class ExecutorError(DynsparseError, RuntimeError):
    """Units of work can not be run where they were to be, or contradict what is stored; finished ones stay.

    There is no Ray, its cluster does not answer, or its nodes share no folder or have other versions.
    """
