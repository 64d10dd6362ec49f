"""TLS through memory: what one side says, the other hears, in order and whole, however little the system takes."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.services.certificates import make_ca, make_certificate
from ingest.encrypted import FETCHED_BYTES, Encrypted
from ingest.socket import BulkSocket

HOST = "127.0.0.1"
SMALL_BYTES = 4_096
PUBLISH = b"\x33\x0d\x00\x03t/t\x00\x07\x00hello"


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's, and that of a client who believes it."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    ca = make_ca(datetime.now(UTC))
    (folder / "ca.pem").write_bytes(ca.certificate)
    pair = make_certificate(ca, (HOST,), datetime.now(UTC))
    (folder / "server.pem").write_bytes(pair.certificate + pair.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cafile=folder / "ca.pem")


@pytest.fixture
def ends(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[Encrypted, ssl.SSLSocket]]:
    server, client = contexts
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)
    made: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: made.append(server.wrap_socket(far, server_side=True)))
    thread.start()
    encrypted = Encrypted(near, client, HOST)
    thread.join()
    encrypted.setblocking(False)
    yield encrypted, made[0]
    encrypted.close()
    made[0].close()


def heard(encrypted: Encrypted, size: int) -> bytes:
    """So many bytes, waiting for each as the intake does."""
    came = b""
    while len(came) < size:
        if not encrypted.pending():
            select.select([encrypted], [], [])
        try:
            came += encrypted.recv(FETCHED_BYTES)
        except BlockingIOError:  # a part of a record
            continue
    return came


def test_many_records_come_with_one_read(ends: tuple[Encrypted, ssl.SSLSocket]) -> None:
    encrypted, far = ends
    for number in range(40):
        far.sendall(bytes([number]) * 20)
    assert heard(encrypted, 1) == b"".join(bytes([number]) * 20 for number in range(40))
    assert encrypted.pending() == 0
    with pytest.raises(BlockingIOError):
        encrypted.recv(1)


def test_what_does_not_fit_is_told_of_and_comes_next(ends: tuple[Encrypted, ssl.SSLSocket]) -> None:
    encrypted, far = ends
    far.sendall(b"one")
    far.sendall(b"two, three")
    select.select([encrypted], [], [])
    assert (encrypted.recv(5), encrypted.pending() > 0) == (b"onetw", True)
    assert (encrypted.recv(100), encrypted.pending()) == (b"o, three", 0)


def test_what_the_system_does_not_take_waits_and_goes_once(ends: tuple[Encrypted, ssl.SSLSocket]) -> None:
    encrypted, far = ends
    said = bytearray(b"".join(number.to_bytes(4, "big") for number in range(150_000)))
    whole, came = bytes(said), bytearray()

    def listen() -> None:
        while len(came) < len(whole):
            came.extend(far.recv(65_536))

    for _ in range(2):  # while nobody listens
        with pytest.raises(BlockingIOError):
            encrypted.send(said)
    listener = threading.Thread(target=listen)
    listener.start()
    while said:
        try:
            del said[: encrypted.send(said)]
        except BlockingIOError:
            select.select([], [encrypted], [])
    listener.join()
    assert bytes(came) == whole


def test_what_went_while_something_was_read_does_not_go_again(ends: tuple[Encrypted, ssl.SSLSocket]) -> None:
    encrypted, far = ends
    far.setblocking(False)
    said = bytearray(b"".join(number.to_bytes(4, "big") for number in range(50_000)))
    whole, came = bytes(said), bytearray()
    while said or len(came) < len(whole):
        with suppress(BlockingIOError):
            del said[: encrypted.send(said)]
        with suppress(ssl.SSLWantReadError):
            came += far.recv(65_536)
        far.send(b"meanwhile")
        assert heard(encrypted, 9) == b"meanwhile"
        assert whole.startswith(came)
    assert bytes(came) == whole


def test_the_end_of_the_connection_is_told_after_what_was_said(ends: tuple[Encrypted, ssl.SSLSocket]) -> None:
    encrypted, far = ends
    far.sendall(b"the last")
    far.close()
    select.select([encrypted], [], [])
    assert (encrypted.recv(100), encrypted.recv(100), encrypted.recv(100)) == (b"the last", b"", b"")


def test_bytes_that_were_changed_on_the_way_are_an_error(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = contexts
    near, far = socket.socketpair()
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    other = server.wrap_bio(came, goes, server_side=True)

    def shake() -> None:
        while True:
            try:
                other.do_handshake()
                return far.sendall(goes.read())
            except ssl.SSLWantReadError:
                far.sendall(goes.read())
                came.write(far.recv(65_536))

    thread = threading.Thread(target=shake)
    thread.start()
    encrypted = Encrypted(near, client, HOST)
    thread.join()
    other.write(b"a value of 21 degrees")
    changed = bytearray(goes.read())
    changed[-1] ^= 1
    far.sendall(changed)
    with pytest.raises(ssl.SSLError):
        encrypted.recv(100)
    encrypted.close()
    far.close()


def test_whoever_speaks_no_tls_is_refused(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    near, far = socket.socketpair()
    far.sendall(b"\x20\x03\x00\x00\x00 and whatever a plain broker says")
    with pytest.raises(ssl.SSLError):
        Encrypted(near, contexts[1], HOST)
    far.close()
    near.close()


def test_a_handshake_that_comes_byte_by_byte_ends_with_its_time(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    near, far = socket.socketpair()
    near.settimeout(0.3)
    over = threading.Event()

    def drip() -> None:
        far.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 kB, which never comes whole
        for _ in range(40):
            if over.wait(0.05):
                break
            far.sendall(b"\x02")
        far.close()

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(TimeoutError):
        Encrypted(near, contexts[1], HOST)
    over.set()
    thread.join()
    near.close()


def test_a_connection_that_ends_in_the_handshake_is_an_error(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    near, far = socket.socketpair()
    far.close()
    with pytest.raises(OSError):
        Encrypted(near, contexts[1], HOST)
    near.close()


def test_our_socket_under_paho_takes_packets_from_it_and_acknowledges(
    ends: tuple[Encrypted, ssl.SSLSocket],
) -> None:
    encrypted, far = ends
    bulk, far_heard = BulkSocket(encrypted, 2_000), b""
    for _ in range(50):
        far.sendall(PUBLISH)
    select.select([bulk], [], [])
    bulk.fill()
    packets = bulk.packets()
    assert [packet.payload for packet in packets] == [b"hello"] * 50
    bulk.acknowledge([packet.message_id for packet in packets])
    bulk.flush()
    while len(far_heard) < 200:
        far_heard += far.recv(1_000)
    assert (far_heard, bulk.wants_write) == (b"\x40\x02\x00\x07" * 50, False)
