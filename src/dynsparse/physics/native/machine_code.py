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

from dynsparse.physics.native.emission import FUNCTION, LANES

__all__ = ["CompiledRows", "Layout", "build", "code_path", "load", "store"]

_ALIGNMENT = 64
_MAGIC = b"dynsparse machine code 1\n"
_OPTIMISATION = 1


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
    """

    def __init__(self, code: bytes, layout: Layout) -> None:
        self.layout = layout
        self._sizes = [int(np.prod(shape, dtype=int)) for shape in layout.outputs]
        # JITLink places code and constants together; LLVM's older linker may put them too far apart for each other.
        self._linker = llvm.create_lljit_compiler(_machine(), use_jit_link=True, suppress_errors=True)
        library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(FUNCTION)
        self._library = library.link(self._linker, "dynsparse")
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
        return self._cut(found.reshape(-1, found.shape[-1])[: len(columns[0])], ())

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
        parts = np.split(found, np.cumsum(self._sizes)[:-1], axis=-1)
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
    """Compile a module's text for this processor; return an object file."""
    module = llvm.parse_assembly(text)
    code: bytes = _machine().emit_object(module)
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
        OSError: it can not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({**asdict(layout), "sha256": hashlib.sha256(code).hexdigest()}).encode() + b"\n"
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(_MAGIC + header + code)
            file.close()
            os.replace(file.name, path)
        except BaseException:  # Ctrl-C too leaves no half a file; it goes on
            os.unlink(file.name)
            raise


def load(path: Path | None) -> CompiledRows | None:
    """Load machine code that was kept; None where there is none, or what there is is not whole."""
    if path is None:
        return None
    try:
        magic, header, code = path.read_bytes().split(b"\n", 2)
        read = json.loads(header)
        if magic + b"\n" != _MAGIC or read.pop("sha256") != hashlib.sha256(code).hexdigest():
            return None
        return CompiledRows(code, Layout(**read))
    except (OSError, ValueError, TypeError, KeyError):
        return None


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
