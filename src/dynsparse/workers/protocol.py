"""The messages that parent and worker exchange over a pipe.

A message on the wire is a prefix (magic, header bytes, payload bytes), a JSON header padded with
spaces to a multiple of 64 bytes, and the payload: each array's C-order little-endian bytes, each
padded to a multiple of 64.  Nothing on the wire can name code to run, which is why it is not pickle.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from dynsparse.errors import WorkerError

__all__ = ["JSON", "Message", "MessageReader", "encode", "read_message", "write_message"]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_PREFIX = struct.Struct("<8sIQ")
_MAGIC = b"dynspmsg"
_ALIGNMENT = 64
_MOST_HEADER_BYTES = 2**26
_MOST_PAYLOAD_BYTES = 2**36
_DTYPES = frozenset(
    np.dtype(name).newbyteorder("<").str
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)


class ReadableStream(Protocol):
    """A binary stream that fills a buffer; an unbuffered one may fill less than asked."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a part of the buffer and return how many bytes; 0 at the end of the stream."""


class WritableStream(Protocol):
    """A binary stream that takes all bytes that it is given (so a buffered one)."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take the bytes."""

    def flush(self) -> object:
        """Hand on what is buffered."""


@dataclass(frozen=True, eq=False)
class Message:
    """One thing said between parent and worker.

    Attributes:
        kind: what it is ("start", "ready", "error", or a word of the task's own).
        meta: small values that JSON can hold, by name.
        arrays: numeric or boolean arrays of any shape, by name.
    """

    kind: str
    meta: Mapping[str, JSON] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Return the number that ``meta`` holds under a name.

        Raises:
            WorkerError: there is none, or it is no number.
        """
        value = self.meta.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WorkerError(f"Expected a number under {name!r} in a {self.kind!r} message, got {value!r}.")
        return float(value)


def encode(message: Message) -> list[bytes | memoryview]:
    """Return the pieces that a message is on the wire; arrays that are contiguous are not copied.

    Raises:
        WorkerError: an array is neither numeric nor boolean, or ``meta`` is not JSON.
    """
    entries: list[dict[str, JSON]] = []
    pieces: list[bytes | memoryview] = []
    payload = 0
    for name, value in message.arrays.items():
        array = np.asarray(value)
        dtype = array.dtype.newbyteorder("<")
        if dtype.str not in _DTYPES or array.dtype.hasobject:
            raise WorkerError(
                f"Expected a boolean or numeric array under {name!r} in a {message.kind!r} message, "
                f"got dtype {array.dtype}; try float64."
            )
        # Not ascontiguousarray: it turns a 0-d array into a 1-d one.
        array = np.asarray(array, dtype=dtype, order="C")
        entries.append({"name": name, "dtype": dtype.str, "shape": array.shape})
        if array.nbytes:
            pieces += [array.reshape(-1).view(np.uint8).data, bytes(-array.nbytes % _ALIGNMENT)]
        payload += _padded(array.nbytes)
    try:
        text = json.dumps({"kind": message.kind, "meta": message.meta, "arrays": entries}, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise WorkerError(
            f"Expected meta of a {message.kind!r} message that JSON can hold, got {error}; "
            "try plain numbers, strings, lists and dictionaries."
        ) from error
    header = text.encode("ascii")
    header += b" " * (-len(header) % _ALIGNMENT)
    _check_sizes(len(header), payload)
    return [_PREFIX.pack(_MAGIC, len(header), payload) + header, *pieces]


def write_message(stream: WritableStream, message: Message) -> None:
    """Write one message to a buffered binary stream and flush it.

    Raises:
        WorkerError: see `encode`; nothing was written then.
    """
    for piece in encode(message):
        stream.write(piece)
    stream.flush()


def read_message(stream: ReadableStream) -> Message | None:
    """Read one message from a binary stream; None at its end.

    Raises:
        WorkerError: the stream ends inside a message, or holds something else than messages.
    """
    reader = MessageReader()
    while True:
        count = stream.readinto(reader.wanted)
        if not count:
            reader.check_end()
            return None
        message = reader.advance(count)
        if message is not None:
            return message


class MessageReader:
    """Puts one message together from whatever amounts of bytes arrive; for blocking pipes and others."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._buffer = memoryview(bytearray(_PREFIX.size))
        self._filled = 0
        self._header_bytes: int | None = None

    @property
    def wanted(self) -> memoryview:
        """The place for the bytes that come next, never empty; say `advance` after filling some of it."""
        return self._buffer[self._filled :]

    def advance(self, count: int) -> Message | None:
        """Take note that the first bytes of `wanted` were filled; return the message once it is whole.

        Raises:
            WorkerError: the bytes are no message.
        """
        self._filled += count
        if self._filled < len(self._buffer):
            return None
        if self._header_bytes is not None:
            return _decode(self._buffer, self._header_bytes)
        magic, header_bytes, payload_bytes = _PREFIX.unpack(self._buffer)
        if magic != _MAGIC:
            raise WorkerError(f"Expected a message that starts with {_MAGIC!r}, got {bytes(magic)!r}.")
        _check_sizes(header_bytes, payload_bytes)
        try:
            # Not a bytearray, which would be filled with zeros first.
            self._buffer = np.empty(header_bytes + payload_bytes, dtype=np.uint8).data
        except MemoryError as error:
            raise WorkerError(f"A message of {payload_bytes} bytes does not fit in memory; try fewer rows.") from error
        self._filled, self._header_bytes = 0, header_bytes
        return None

    def check_end(self) -> None:
        """Check that the stream may end here.

        Raises:
            WorkerError: a message has begun.
        """
        if self._filled or self._header_bytes is not None:
            part = "prefix" if self._header_bytes is None else "body"
            raise WorkerError(
                f"Expected {len(self._buffer)} bytes of a message's {part}, got {self._filled} and the stream's end."
            )


def _check_sizes(header_bytes: int, payload_bytes: int) -> None:
    if (
        not 0 < header_bytes <= _MOST_HEADER_BYTES
        or header_bytes % _ALIGNMENT
        or payload_bytes > _MOST_PAYLOAD_BYTES
        or payload_bytes % _ALIGNMENT
    ):
        raise WorkerError(
            f"Expected a message of at most {_MOST_HEADER_BYTES} header and {_MOST_PAYLOAD_BYTES} payload bytes, "
            f"both multiples of {_ALIGNMENT}, got {header_bytes} and {payload_bytes}; try fewer rows."
        )


def _decode(body: memoryview, header_bytes: int) -> Message:
    """Return the message in a whole body; its arrays are writable views of the body."""
    try:
        header = json.loads(bytes(body[:header_bytes]))
        arrays, offset = {}, header_bytes
        for entry in header["arrays"]:
            array = _array(body, offset, entry)
            offset += _padded(array.nbytes)
            arrays[str(entry["name"])] = array
        kind, meta = header["kind"], header["meta"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WorkerError(f"Expected a message's header, got something else: {error!r}.") from error
    if offset != len(body) or not isinstance(kind, str) or not isinstance(meta, dict):
        raise WorkerError(
            f"Expected arrays that fill {len(body)} bytes, a kind and meta, got {offset} bytes, {kind!r}."
        )
    return Message(kind, meta, arrays)


def _array(body: memoryview, offset: int, entry: Mapping[str, Any]) -> np.ndarray:
    """Return one array of a body; ValueError where its description is wrong or points outside."""
    shape, dtype = entry["shape"], entry["dtype"]
    if dtype not in _DTYPES or not all(type(axis) is int and axis >= 0 for axis in shape):
        raise ValueError(f"dtype {dtype!r}, shape {shape!r}")
    count = math.prod(shape)
    if offset + count * np.dtype(dtype).itemsize > len(body):
        raise ValueError(f"array of shape {shape!r} outside the message")
    if not count:  # frombuffer refuses an offset at the very end
        return np.empty(shape, dtype)
    return np.frombuffer(body, dtype, count, offset).reshape(shape)


def _padded(size: int) -> int:
    return size + -size % _ALIGNMENT
