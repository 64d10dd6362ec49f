"""The cutter equals its naive twin on anything, and finds every packet however the stream arrives."""

import importlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.jit import registered
from ingest import frames
from tests.reference import frames as naive


def length_bytes(length: int) -> bytes:
    digits = []
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (128 if length else 0))
        if not length:
            return bytes(digits)


def publish(topic: bytes, payload: bytes, qos: int, retain: int, number: int, properties: bytes = b"") -> bytes:
    body = len(topic).to_bytes(2, "big") + topic
    body += number.to_bytes(2, "big") if qos else b""
    body += length_bytes(len(properties)) + properties + payload
    return bytes([0x30 | qos << 1 | retain]) + length_bytes(len(body)) + body


publishes = st.builds(
    publish,
    st.binary(max_size=12),
    st.binary(max_size=200),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(1, 65_535),
    st.binary(max_size=130),
)
others = st.tuples(st.sampled_from([0x20, 0x40, 0x90, 0xD0, 0xE0, 0x34]), st.binary(max_size=9)).map(
    lambda made: bytes([made[0]]) + length_bytes(len(made[1])) + made[1]
)
streams = st.lists(publishes | others | st.binary(max_size=6), max_size=6).map(b"".join)


def run(
    cutter: Any, stream: bytes, start: int, end: int, capacity: int, largest: int = 1_000
) -> tuple[list[int], list[int]]:
    packets, result = np.zeros(capacity * frames.FIELDS, np.int64), np.zeros(4, np.int64)
    cutter(np.frombuffer(stream, np.uint8).copy(), start, end, largest, packets, result)
    return packets.tolist(), result.tolist()


@pytest.mark.parametrize("name", [entry.name for entry in registered() if entry.name.startswith("ingest.frames")])
def test_every_kernel_of_the_cutter_has_a_naive_twin(name: str) -> None:
    twin = importlib.import_module("tests.reference.frames")
    assert callable(getattr(twin, name.rpartition(".")[2], None))


@given(streams, st.data())
@settings(deadline=None, max_examples=400)
def test_the_cutter_equals_its_naive_twin(stream: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(stream)))
    end = data.draw(st.integers(start, len(stream)))
    capacity, largest = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 300))
    found = run(frames.cut, stream, start, end, capacity, largest)
    assert found == run(naive.cut, stream, start, end, capacity, largest)


@given(st.binary(max_size=6), st.integers(0, 6))
@settings(deadline=None)
def test_a_variable_integer_is_read_as_its_naive_twin_reads_it(stream: bytes, start: int) -> None:
    content = np.frombuffer(stream, np.uint8).copy()
    given = min(start, len(stream))
    assert frames.variable_integer(content, given, len(stream)) == naive.variable_integer(content, given, len(stream))


@given(st.lists(publishes, max_size=6), st.data())
@settings(deadline=None)
def test_packets_are_found_wherever_the_stream_is_cut(made: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(made)
    end = data.draw(st.integers(0, len(stream)))
    _, (found, position, status, _) = run(frames.cut, stream, 0, end, 9)
    _, (rest, last, _, _) = run(frames.cut, stream, position, len(stream), 9)
    assert (found + rest, last, status) == (len(made), len(stream), frames.MORE)


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x36\x05\x00\x01t\x00\x01",  # quality of service 3
        b"\x32\x04\x00\x01t\x00",  # no room for its number
        b"\x30\x03\x00\x09t",  # a topic beyond the packet
        b"\x30\x04\x00\x01t\x05",  # properties beyond the packet
        b"\x30\x00",  # nothing at all
    ],
)
def test_what_is_no_packet_is_broken(wrong: bytes) -> None:
    assert run(frames.cut, wrong + b"\x00" * 9, 0, len(wrong), 3)[1][:3] == [0, 0, frames.BROKEN]
