"""Our socket under paho understands what stock paho understands, however the stream is cut and whatever is in it."""

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fixtures.paho_reading import UNREADABLE, by_stock_paho, through_our_socket
from tests.property.test_ingest_frames import publish

MAX_PACKET_BYTES = 600


def user(key: bytes, value: bytes) -> bytes:
    return b"\x26" + len(key).to_bytes(2, "big") + key + len(value).to_bytes(2, "big") + value


a_property = st.one_of(
    st.binary(max_size=9).map(lambda value: user(b"received_us", value)),
    st.sampled_from([
        user(b"received_us", b"1795348800000000"), user(b"a", "\u0e01".encode()), b"\x01\x01", b"\x01\x02",
        b"\x02\x00\x00\x00\x3c", b"\x03\x00\x04json", b"\x08\x00\x01r", b"\x09\x00\x02\xff\xfe", b"\x0b\x05",
        b"\x0b\x80\x01", b"\x23\x00\x05", b"\x23\x00\x00", b"\x11\x00\x00\x00\x09", b"\x26\x00\x09a", b"\x99",
    ]),
)  # fmt: skip
properties = st.lists(a_property, max_size=3).map(b"".join)
publishes = st.builds(
    publish,
    st.sampled_from([b"andaman/v1/c/z/d/readings", b"t", b"", b"\xff\xfe"]) | st.binary(max_size=9),
    st.binary(max_size=30) | st.integers(0, 700).map(bytes),
    st.sampled_from([0, 1, 1, 1, 4, 5, 2]),  # quality of service, with the bit of DUP
    st.integers(0, 1),
    st.sampled_from([0, 1, 258, 65_535]),
    properties,
)
others = st.sampled_from(
    [
        b"\x20\x03\x00\x00\x00", b"\x20\x06\x01\x00\x03\x22\x00\x05", b"\x20\x03\x00\x87\x00",
        b"\x90\x04\x00\x01\x00\x01",
        b"\x90\x05\x00\x01\x00\x01\x80", b"\x90\x04\x00\x01\x00\x11", b"\x40\x02\x00\x01", b"\x40\x03\x00\x01\x10",
        b"\xd0\x00", b"\xc0\x00", b"\xe0\x00", b"\xe0\x02\x8b\x00", b"\xb0\x04\x00\x01\x00\x11", b"\x62\x02\x00\x01",
        b"\xf0\x02\x18\x00", b"\x00\x00", b"\x10\x02\x00\x00", b"\xd0\x01\x00", b"\x34\x04\x00\x01t\x00",
    ]
)  # fmt: skip
malformed = st.sampled_from(
    [
        b"\x30\xff\xff\xff\xff\x01", b"\x30\xff\xff\xff\x7f", b"\x32\x04\x00\x01t\x00", b"\x30\x00",
        b"\x30\x04\x00\x01t\x05", b"\x30\x80\x00", b"\x30\x83\x00\x00\x01t\x00", b"\x30\xd8\x04",
        b"\xd0\xd8\x04", b"\x36\x05\x00\x01t\x00\x01",
    ]
)  # fmt: skip
sequences = st.lists(st.one_of(publishes, publishes, publishes, others, malformed), max_size=8).map(b"".join)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    stream = bytearray(draw(sequences))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(stream)))
        until = min(len(stream), at + draw(st.integers(0, 6)))
        stream[at:until] = draw(
            st.binary(max_size=4) | st.just(bytes(stream[at:until])) | st.just(stream[at:until] * 2)
        )
    return bytes(stream)


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(at % (len(stream) + 1) for at in cuts)})
    return [stream[first:last] for first, last in pairwise(places)]


def compare(stream: bytes, cuts: list[int]) -> None:
    """The same events, each with the piece that completes it; the same answers; the same moment of giving up."""
    pieces = cut(stream, cuts)
    expected, found = by_stock_paho(stream, MAX_PACKET_BYTES), through_our_socket(pieces, MAX_PACKET_BYTES)
    ends, place = [], 0
    for piece in pieces:
        place += len(piece)
        ends.append(place)
    until = next((end for end in ends if expected.ended_at is not None and end >= expected.ended_at), None)
    assert found.ended_at == until
    carried = [event[-1] if event[0] == "message" else None for event in expected.events]
    readable = [
        event[:-1] if unreadable == UNREADABLE else event
        for event, unreadable in zip(found.events, carried, strict=True)
    ]
    assert readable == [event[:-1] if event[-1] == UNREADABLE else event for event in expected.events]
    assert found.places == [next(end for end in ends if end >= came) for came in expected.places]
    if until is None:
        assert found.answered == expected.answered


@given(mutated(), st.lists(st.integers(0, 5_000), max_size=6))
@settings(deadline=None, max_examples=400)
@example(b"\x00\x00" + publish(b"t", b"x", 1, 0, 1), [1])
@example(publish(b"t", bytes(700), 1, 0, 1), [1, 2, 3, 4])
def test_what_comes_through_our_socket_is_what_stock_paho_reads(stream: bytes, cuts: list[int]) -> None:
    compare(stream, cuts)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=4))
@settings(deadline=None, max_examples=200)
def test_arbitrary_bytes_are_read_as_stock_paho_reads_them(stream: bytes, cuts: list[int]) -> None:
    compare(stream, cuts)


@given(sequences)
@settings(deadline=None, max_examples=100)
def test_a_stream_that_comes_byte_by_byte_is_read_as_stock_paho_reads_it(stream: bytes) -> None:
    compare(stream, list(range(len(stream))))
