"""Messages survive the wire bit for bit, and nothing else passes for one."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from dynsparse.errors import WorkerError
from dynsparse.workers.protocol import Message, MessageReader, encode, read_message, write_message


def wire(message: Message) -> bytes:
    """Return the bytes of a message."""
    stream = io.BytesIO()
    write_message(stream, message)
    return stream.getvalue()


def round_trip(array: np.ndarray) -> np.ndarray:
    """Return an array after one trip over the wire."""
    message = read_message(io.BytesIO(wire(Message("k", {}, {"x": array}))))
    assert message is not None
    return message.arrays["x"]


PAYLOAD_NAN = np.array([0x7FF8DEADBEEF0001, 0xFFF0000000000001, 0x8000000000000000], np.uint64).view(np.float64)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        PAYLOAD_NAN,
        np.array([[True, False, True]]),
        np.array(2.5),
        np.array(True),
        np.zeros((0, 3)),
        np.zeros((4, 0, 2), bool),
        np.array([-(2**63), 2**63 - 1]),
        np.array([1.5, -0.0], np.float32),
        np.array([1 + 2j]),
        np.arange(24.0).reshape(4, 6).T,
        np.arange(24.0)[::-3],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.array([1.0, 2.0]), (3, 2)),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}-{array.strides}",
)
def test_array_arrives_bit_for_bit(array: np.ndarray) -> None:
    arrived = round_trip(array)
    assert arrived.shape == array.shape
    assert arrived.dtype == array.dtype
    assert arrived.tobytes() == array.tobytes()


def test_big_endian_array_arrives_with_the_same_values() -> None:
    array = np.arange(5.0).astype(">f8")
    arrived = round_trip(array)
    assert arrived.dtype == np.dtype("<f8")
    np.testing.assert_array_equal(arrived, array)


def test_arrays_arrive_writable_aligned_and_in_order() -> None:
    sent = Message("k", {}, {"flags": np.array([True]), "x": np.arange(3.0), "n": np.array(7)})
    arrived = read_message(io.BytesIO(wire(sent)))
    assert arrived is not None
    assert list(arrived.arrays) == ["flags", "x", "n"]
    assert all(array.flags.aligned and array.flags.writeable for array in arrived.arrays.values())
    assert arrived.arrays["n"] == 7


def test_meta_and_kind_arrive() -> None:
    meta = {"a": [1, 2.5, None, "ü\n"], "b": {"c": True}, "tiny": 5e-324}
    arrived = read_message(io.BytesIO(wire(Message("wört", meta))))
    assert arrived is not None
    assert (arrived.kind, arrived.meta) == ("wört", meta)


def test_stream_of_messages_ends_cleanly() -> None:
    stream = io.BytesIO(wire(Message("a")) + wire(Message("b", {}, {"x": np.ones(100)})))
    first, second, end = read_message(stream), read_message(stream), read_message(stream)
    assert first is not None and second is not None
    assert (first.kind, second.kind, end) == ("a", "b", None)


def test_bytes_that_come_one_at_a_time_make_the_message() -> None:
    reader, messages = MessageReader(), []
    for byte in wire(Message("k", {"n": 1}, {"x": np.arange(3.0)})):
        reader.wanted[0] = byte
        messages.append(reader.advance(1))
    assert all(message is None for message in messages[:-1])
    np.testing.assert_array_equal(messages[-1].arrays["x"], np.arange(3.0))


@pytest.mark.parametrize(
    "array",
    [np.array([None, 1]), np.array(["text"]), np.zeros(2, [("a", float)]), np.zeros(2, "datetime64[s]")],
    ids=["object", "text", "structured", "datetime"],
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(WorkerError, match="Expected a boolean or numeric array under 'x'"):
        encode(Message("k", {}, {"x": array}))


def test_meta_that_is_not_json_is_refused_before_anything_is_written() -> None:
    stream = io.BytesIO()
    with pytest.raises(WorkerError, match="meta of a 'k' message"):
        write_message(stream, Message("k", {"x": object()}))  # type: ignore[dict-item]
    assert stream.getvalue() == b""


def test_truncated_stream_is_an_error_wherever_it_ends() -> None:
    whole = wire(Message("k", {}, {"x": np.arange(3.0)}))
    for length in range(1, len(whole)):
        with pytest.raises(WorkerError, match="stream's end"):
            read_message(io.BytesIO(whole[:length]))


def damaged(whole: bytes, old: bytes, new: bytes) -> bytes:
    """Return the bytes with one place changed; the place must exist."""
    assert whole.count(old) == 1 and len(old) == len(new)
    return whole.replace(old, new)


WHOLE = wire(Message("k", {}, {"x": np.arange(3.0)}))


@pytest.mark.parametrize(
    "corrupt",
    [
        b"nonsense" * 100,
        WHOLE[:8] + struct.pack("<IQ", 0, 64) + WHOLE[20:],
        WHOLE[:8] + struct.pack("<IQ", 2**32 - 64, 64) + WHOLE[20:],
        WHOLE[:8] + struct.pack("<IQ", 64, 2**64 - 64) + WHOLE[20:],
        WHOLE[:8] + struct.pack("<IQ", 63, 64) + WHOLE[20:],
        damaged(WHOLE, b"[3]", b"[9]"),
        damaged(WHOLE, b"[3]", b"9e9"),
        damaged(WHOLE, b"[3]", b"[3 "),
        damaged(WHOLE, b"<f8", b"|O8"),
        damaged(WHOLE, b'"kind"', b'"kine"'),
        damaged(WHOLE, b'"meta":{}', b'"meta":[]'),
        damaged(WHOLE, b'"kind":"k"', b'"kind":333'),
    ],
    ids=[
        *("magic", "no header", "huge header", "huge payload", "odd header"),
        *("shape too large", "shape no list", "no JSON", "object dtype", "no kind", "meta no object", "kind no text"),
    ],
)
def test_corrupt_stream_is_an_error(corrupt: bytes) -> None:
    with pytest.raises(WorkerError, match="Expected"):
        read_message(io.BytesIO(corrupt))


def test_negative_and_missing_extents_are_errors() -> None:
    whole = wire(Message("k", {}, {"x": np.zeros((12, 0))}))
    with pytest.raises(WorkerError, match="Expected"):
        read_message(io.BytesIO(damaged(whole, b"[12,0]", b"[-1,0]")))
    with pytest.raises(WorkerError, match="fill"):
        read_message(io.BytesIO(damaged(WHOLE, b"[3]", b"[0]")))


def test_number_in_meta() -> None:
    assert Message("k", {"n": 3}).number("n") == 3.0
    for meta in ({}, {"n": "3"}, {"n": True}):
        with pytest.raises(WorkerError, match="Expected a number under 'n'"):
            Message("k", meta).number("n")
