"""The socket under paho: packets whole and in order on both sides, and an end is told once."""

import socket
from collections.abc import Iterator

import pytest

from ingest.properties import user_property
from ingest.socket import BulkSocket

MAX_PACKET_BYTES = 2_000
PUBLISH = b"\x33\x0d\x00\x03t/t\x00\x07\x00hello"
PINGRESP = b"\xd0\x00"


@pytest.fixture
def ends() -> Iterator[tuple[BulkSocket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    bulk = BulkSocket(near, MAX_PACKET_BYTES)
    yield bulk, far
    bulk.close()
    far.close()


def test_publish_packets_are_taken_and_others_left_to_paho(ends: tuple[BulkSocket, socket.socket]) -> None:
    bulk, far = ends
    far.sendall(PUBLISH + PINGRESP + PUBLISH)
    bulk.fill()
    (packet,) = bulk.packets()
    assert (packet.topic, packet.payload, packet.message_id, packet.qos, packet.retained) == (b"t/t", b"hello", 7, 1, 1)
    assert (bulk.for_paho, bulk.recv(1) + bulk.recv(1), bulk.for_paho) == (True, PINGRESP, False)
    assert len(bulk.packets()) == 1
    with pytest.raises(BlockingIOError):
        bulk.recv(1)


def test_a_packet_is_taken_when_its_last_byte_has_come(ends: tuple[BulkSocket, socket.socket]) -> None:
    bulk, far = ends
    for byte in PUBLISH[:-1]:
        far.sendall(bytes([byte]))
        bulk.fill()
        assert len(bulk.packets()) == 0
    far.sendall(PUBLISH[-1:])
    bulk.fill()
    assert len(bulk.packets()) == 1


def test_more_than_the_buffer_holds_comes_through_in_order(ends: tuple[BulkSocket, socket.socket]) -> None:
    bulk, far = ends
    heard = []
    for number in range(300):
        body = b"\x00\x01t\x00\x01\x00" + number.to_bytes(2, "big") + b"." * 1_500
        far.sendall(b"\x32" + bytes([len(body) & 127 | 128, len(body) >> 7]) + body)
        bulk.fill()
        heard += [int.from_bytes(packet.payload[:2], "big") for packet in bulk.packets()]
    assert heard == list(range(300))


TOO_LARGE = b"\x30\xd1\x0f" + bytes(2_001)


@pytest.mark.parametrize("wrong", [b"\x30\xff\xff\xff\xff\x01", b"\x30\xff\x7f", TOO_LARGE, b"\xd0" + TOO_LARGE[1:]])
def test_what_is_no_packet_or_larger_than_agreed_is_the_end(
    ends: tuple[BulkSocket, socket.socket], wrong: bytes
) -> None:
    bulk, far = ends
    far.sendall(PUBLISH + wrong)
    bulk.fill()
    assert len(bulk.packets()) == 1
    assert bulk.for_paho and bulk.recv(1) == b""


def test_the_end_of_the_connection_is_told(ends: tuple[BulkSocket, socket.socket]) -> None:
    bulk, far = ends
    far.sendall(PUBLISH)
    far.close()
    bulk.fill()
    assert (len(bulk.packets()), bulk.for_paho) == (1, False)
    bulk.fill()
    assert (len(bulk.packets()), bulk.for_paho, bulk.recv(1)) == (0, True, b"")


def test_what_goes_out_stays_whole_and_in_order(ends: tuple[BulkSocket, socket.socket]) -> None:
    bulk, far = ends
    assert bulk.send(PINGRESP) == 2
    bulk.acknowledge([1, 258])
    bulk.send(PUBLISH)
    waiting = bulk.wants_write
    bulk.flush()
    assert (waiting, bulk.wants_write) == (True, False)
    assert far.recv(99) == PINGRESP + b"\x40\x02\x00\x01" + b"\x40\x02\x01\x02" + PUBLISH


def test_what_the_other_end_does_not_take_waits_and_a_gone_one_is_the_end(
    ends: tuple[BulkSocket, socket.socket],
) -> None:
    bulk, far = ends
    bulk.send(b"." * 2_000_000)
    bulk.flush()
    assert (bulk.wants_write, bulk.for_paho) == (True, False)
    far.close()
    bulk.flush()
    assert bulk.for_paho


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        (b"", None),
        (b"\x26\x00\x01a\x00\x02bc", b"bc"),
        (b"\x01\x01\x02\x00\x00\x00\x09\x0b\x85\x01\x03\x00\x01x\x26\x00\x01z\x00\x01y\x26\x00\x01a\x00\x02bc", b"bc"),
        (b"\x26\x00\x01a\x00\x09bc", None),
        (b"\x26\x00", None),
        (b"\x0b\xff\xff", None),
        (b"\x99\x26\x00\x01a\x00\x02bc", None),
    ],
)
def test_a_user_property_is_found_among_others(properties: bytes, value: bytes | None) -> None:
    assert user_property(properties, b"a") == value
