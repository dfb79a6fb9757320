"""Machine code of a scalar graph: built by LLVM for this processor, kept in a file, run over rows."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from llvmlite import binding as llvm  # type: ignore[import-untyped] # has no type information

from dynsparse.physics.native.emission import FUNCTION
from dynsparse.physics.native.lanes import LANES

__all__ = ["CompiledRows", "Layout", "MachineCodeError", "build", "code_path", "load", "store"]

_ALIGNMENT = 64
_MAGIC = b"dynsparse machine code 2"
_OPTIMISATION = 1
_SCHEDULING = "-enable-misched="
"""LLVM's option for its second scheduler, more than half of the time of long pieces for code that is no faster."""


class MachineCodeError(Exception):
    """LLVM can not build or load a function; its message says why.  Never reaches a user."""


@dataclass(frozen=True)
class Layout:
    """What the code reads and writes.

    Attributes:
        inputs: how many numbers each argument has.
        slots: vectors of memory that it works in.
        outputs: shape of each result.
        types: NumPy's name of each result's type.
        driven: place of the argument that is given anew for every turn; None where there is none.
    """

    inputs: Sequence[int]
    slots: int
    outputs: Sequence[Sequence[int]]
    types: Sequence[str]
    driven: int | None = None


class CompiledRows:
    """Machine code of one function of a row, loaded into this process.

    Args:
        code: an object file.
        layout: what it reads and writes.

    Raises:
        MachineCodeError: LLVM can not load the code.
    """

    def __init__(self, code: bytes, layout: Layout) -> None:
        self.layout = layout
        self._sizes = [int(np.prod(shape, dtype=int)) for shape in layout.outputs]
        library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(FUNCTION)
        try:
            # JITLink places code and constants together; LLVM's older linker may put them too far apart for each other.
            self._linker = llvm.create_lljit_compiler(_machine(), use_jit_link=True, suppress_errors=True)
            self._library = library.link(self._linker, "dynsparse")
        except RuntimeError as error:
            raise MachineCodeError(str(error)) from error
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        kind = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, pointer, count, count)
        self._call = kind(self._library[FUNCTION])

    def __call__(self, *columns: np.ndarray) -> list[np.ndarray]:
        """Apply the function to every row.

        Args:
            columns: arrays with the same leading axis (n, ...), of the sizes that were traced.

        Returns:
            Arrays with leading axis n.
        """
        if self.layout.driven is not None:
            once = (x[:, None] if place == self.layout.driven else x for place, x in enumerate(columns))
            return [part[:, 0] for part in self.repeat(*once)]
        found = self._run(columns, _aligned(0), 1)
        return self._cut(found.reshape(len(found) * LANES, found.shape[-1])[: len(columns[0])], ())

    def repeat(self, *columns: np.ndarray) -> list[np.ndarray]:
        """Apply the function to every row, then to what it gave, and so on.

        Args:
            columns: as above; the argument that is given anew for every turn (n, turns, ...).

        Returns:
            Arrays with leading axes n and turns.

        Raises:
            TypeError: there is no such argument.
        """
        driven = self.layout.driven
        if driven is None:
            raise TypeError("there is no argument that is given anew for every turn")
        rows, turns = columns[driven].shape[:2]
        if not turns:
            return self._cut(np.empty((rows, 0, sum(self._sizes))), (0,))
        vectors, width = -(-rows // LANES), self.layout.inputs[driven]
        given = _aligned(vectors * turns * width * LANES).reshape(vectors, turns * width, LANES)
        _spread(columns[driven].reshape(rows, turns * width), given)
        first = [column[:, 0] if place == driven else column for place, column in enumerate(columns)]
        found = self._run(first, given, turns)
        ordered = found.transpose(0, 2, 1, 3).reshape(vectors * LANES, turns, sum(self._sizes))[:rows]
        return self._cut(ordered, (turns,))

    def _run(self, columns: Sequence[np.ndarray], driven: np.ndarray, turns: int) -> np.ndarray:
        """Return (vectors, turns, LANES, outputs)."""
        rows, places = len(columns[0]), np.cumsum([0, *self.layout.inputs])
        vectors = -(-rows // LANES)
        inputs = _aligned(vectors * int(places[-1]) * LANES).reshape(vectors, int(places[-1]), LANES)
        for column, first, width in zip(columns, places[:-1].tolist(), self.layout.inputs, strict=True):
            _spread(column.reshape(rows, width), inputs[:, first : first + width])
        found = _aligned(vectors * turns * LANES * sum(self._sizes)).reshape(vectors, turns, LANES, sum(self._sizes))
        memory = _aligned((self.layout.slots + 1) * LANES)
        if rows and turns:
            arrays = (array.ctypes.data for array in (memory, inputs, driven, found))
            self._call(*arrays, vectors, turns)
        return found

    def _cut(self, found: np.ndarray, turns: tuple[int, ...]) -> list[np.ndarray]:
        ends = np.cumsum(self._sizes, dtype=int).tolist()
        parts = (found[..., end - size : end] for end, size in zip(ends, self._sizes, strict=True))
        return [
            part.reshape(len(found), *turns, *shape).astype(kind, copy=False)
            for part, shape, kind in zip(parts, self.layout.outputs, self.layout.types, strict=True)
        ]


def _spread(rows: np.ndarray, vectors: np.ndarray) -> None:
    """Write (n, k) rows into (vectors, k, LANES)."""
    whole = len(rows) // LANES
    vectors[:whole] = rows[: whole * LANES].reshape(whole, LANES, rows.shape[1]).transpose(0, 2, 1)
    if whole < len(vectors):
        # What fills the last vector is a copy of its first row: it leaves loops when that row does.
        vectors[whole] = rows[whole * LANES, :, None]
        vectors[whole, :, : len(rows) - whole * LANES] = rows[whole * LANES :].T


def build(text: str) -> bytes:
    """Compile a module's text for this processor; return an object file.

    Raises:
        MachineCodeError: LLVM can not do it.
    """
    llvm.set_option("dynsparse", _SCHEDULING + "false")
    try:
        code: bytes = _machine().emit_object(llvm.parse_assembly(text))
    except RuntimeError as error:
        raise MachineCodeError(str(error)) from error
    finally:
        llvm.set_option("dynsparse", _SCHEDULING + "true")  # LLVM's own, for whoever else uses it in this process
    return code


def code_path(folder: str | os.PathLike[str], key: object) -> Path:
    """Return where machine code is kept.

    Args:
        folder: the cache.
        key: whatever decides the code, as JSON; the processor and LLVM's version are added.
    """
    target = [llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), llvm.llvm_version_info, LANES]
    text = json.dumps([key, target, _OPTIMISATION], sort_keys=True)
    return Path(folder, "native", hashlib.sha256(text.encode()).hexdigest()[:32])


def store(path: Path, code: bytes, layout: Layout) -> None:
    """Keep machine code, whole or not at all.

    Raises:
        OSError: it can not be written, or others can write there.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not _is_trusted(path.parent.stat()):
        raise PermissionError(f"{path.parent} belongs to, or can be written by, others")
    content = json.dumps(asdict(layout)).encode() + b"\n" + code
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(b"\n".join([_MAGIC, hashlib.sha256(content).hexdigest().encode(), content]))
            file.close()
            os.replace(file.name, path)
        except BaseException:  # Ctrl-C too leaves no half a file; it goes on
            os.unlink(file.name)
            raise


def load(path: Path | None, inputs: Sequence[int]) -> CompiledRows | None:
    """Load machine code that was kept.

    Args:
        path: the file.
        inputs: how many numbers each argument has.

    Returns:
        The code; None where there is none, or what there is is not whole, not for these inputs or not to be trusted.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            if not all(map(_is_trusted, (os.fstat(file.fileno()), path.parent.stat()))):
                return None
            magic, digest, content = file.read().split(b"\n", 2)
        if magic != _MAGIC or digest.decode() != hashlib.sha256(content).hexdigest():
            return None
        header, code = content.split(b"\n", 1)
        layout = Layout(**json.loads(header))
        return CompiledRows(code, layout) if list(layout.inputs) == list(inputs) else None
    except (OSError, ValueError, TypeError, KeyError, MachineCodeError):
        return None


def _is_trusted(status: os.stat_result) -> bool:
    """Whether nobody but this user and the system's could have written a file or folder."""
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def _machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=_OPTIMISATION,
        reloc="pic",
        codemodel="small",
    )


def _aligned(numbers: int) -> np.ndarray:
    """Return uninitialised float64 memory that vectors can be loaded from."""
    raw = np.empty(numbers + _ALIGNMENT // 8)
    first = -raw.ctypes.data % _ALIGNMENT // 8
    return raw[first : first + numbers]
