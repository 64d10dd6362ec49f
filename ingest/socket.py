"""The socket under paho: takes the bulk, PUBLISH packets in and acknowledgements out, and leaves the rest to paho.

paho reads a packet with several calls of `recv` and spends some 50 us on each message doing nothing with it. Here one
`recv` fetches many packets, a kernel cuts them, and every other packet is handed to paho whole. What goes out, paho's
packets and our acknowledgements, goes through one buffer, so that it stays whole packets in order.

Used by one thread only. It offers what paho needs of a socket: recv, send, close, fileno, setblocking.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from typing import Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ingest import frames
from ingest.connection import Broker
from ingest.encrypted import Encrypted
from ingest.frames import FIELDS

CONNECT_S: Final = 5.0
"""How long connecting and greeting may take."""
READ_BYTES: Final = 262_144
"""Asked of the system at once: two thousand messages of one reading."""
PACKETS_AT_ONCE: Final = 4_096
MAX_UNSENT_BYTES: Final = 4 * 1_048_576
"""A broker that takes nothing for so long is gone: a million acknowledgements wait by then."""
_PUBACK: Final = np.array([0x40, 2, 0, 0], np.uint8)
"""Type, remaining length, and room for the message id: no reason code is success (MQTT 5.0, 3.4)."""


class Packet(NamedTuple):
    """One PUBLISH packet."""

    topic: bytes
    payload: bytes
    properties: bytes
    message_id: int
    qos: int
    retained: int


class Packets(Sequence[Packet]):
    """PUBLISH packets as they came: `stream` uint8, and where each lies in it, `described` int64 (n, FIELDS)."""

    __slots__ = ("described", "stream")

    def __init__(self, stream: npt.NDArray[np.uint8], described: npt.NDArray[np.int64]) -> None:
        self.stream, self.described = stream, described

    def __len__(self) -> int:
        return len(self.described)

    @overload
    def __getitem__(self, at: int) -> Packet: ...
    @overload
    def __getitem__(self, at: slice) -> "Packets": ...
    def __getitem__(self, at: int | slice) -> "Packet | Packets":
        if isinstance(at, slice):
            return Packets(self.stream, self.described[at])
        flags, number, topic, topic_end, properties, payload, end = self.described[at].tolist()
        whole = self.stream[topic:end].tobytes()
        return Packet(
            whole[: topic_end - topic],
            whole[payload - topic :],
            whole[properties - topic : payload - topic],
            number,
            flags >> 1 & 3,
            flags & 1,
        )


class BulkSocket:
    """A connected socket with a buffer on either side."""

    def __init__(self, connected: socket | Encrypted, max_packet_bytes: int) -> None:
        self._socket = connected
        self._max_packet_bytes = max_packet_bytes
        # One packet of the largest size and one read behind it always fit.
        self._stream = np.zeros(max_packet_bytes + READ_BYTES, np.uint8)
        self._bytes = memoryview(self._stream)  # type: ignore[arg-type]  # an array offers its buffer
        self._start = self._end = 0
        self._packets = np.zeros(PACKETS_AT_ONCE * FIELDS, np.int64)
        self._result = np.zeros(4, np.int64)
        self._for_paho = b""
        self._ended = False
        self._unsent = bytearray()

    # What paho calls.

    def recv(self, size: int) -> bytes:
        """The next bytes of a packet that is paho's; b"" after the end of the connection."""
        if not self._for_paho and not self._ended:
            raise BlockingIOError
        given, self._for_paho = self._for_paho[:size], self._for_paho[size:]
        return given

    def send(self, content: bytes | bytearray) -> int:
        """Takes all of it; `flush` sends."""
        self._unsent += content
        return len(content)

    def close(self) -> None:
        """Send what goes at once, and close."""
        self.flush()
        self._socket.close()

    def fileno(self) -> int:
        """The system's number for it."""
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        """As of a socket; it is used without blocking."""
        self._socket.setblocking(flag)

    # What the intake calls.

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._unsent)

    @property
    def has_more(self) -> bool:
        """Whether something can be read that the system does not tell of: it was fetched already."""
        return isinstance(self._socket, Encrypted) and self._socket.pending() > 0

    def acknowledge(self, message_ids: npt.ArrayLike) -> None:
        """Put PUBACK packets of success into the buffer, in this order (MQTT 5.0, 3.4)."""
        numbers = np.asarray(message_ids, np.int64)
        packets = np.tile(_PUBACK, (numbers.size, 1))
        packets[:, 2], packets[:, 3] = numbers >> 8, numbers & 255
        self._unsent += packets.tobytes()

    def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """Put a PUBLISH packet of QoS 0 without properties into the buffer (MQTT 5.0, 3.3)."""
        name = topic.encode()
        body = len(name).to_bytes(2, "big") + name + b"\0" + payload
        self._unsent += bytes((0x30 | retain,)) + _coded(len(body)) + body

    def flush(self) -> None:
        """Send as much as goes without waiting. A broken connection, or a broker that takes nothing, is an end."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            self._ended = self._ended or len(self._unsent) > MAX_UNSENT_BYTES
        except OSError:
            self._ended = True

    def fill(self) -> None:
        """Read what has come, once. The end of the connection, however it came, is told to paho by `recv`."""
        if self._start:
            left = self._end - self._start
            self._stream[:left] = self._stream[self._start : self._end].copy()
            self._start, self._end = 0, left
        try:
            count = self._socket.recv_into(self._bytes[self._end :])
            self._end += count
            self._ended = not count
        except BlockingIOError:
            return
        except OSError:
            self._ended = True

    def packets(self) -> Packets:
        """PUBLISH packets that have come, up to another packet: that one is now paho's to read."""
        first = self._start
        frames.cut(self._stream, first, self._end, self._max_packet_bytes, self._packets, self._result)
        found, position, status, size = self._result.tolist()
        described = self._packets[: found * FIELDS].reshape(found, FIELDS).copy()
        described[:, frames.TOPIC_START :] -= first
        made = Packets(self._stream[first:position].copy(), described)
        self._start = position
        if status == frames.OTHER:
            self._for_paho = bytes(self._bytes[position : position + size])
            self._start += size
        self._ended = self._ended or status == frames.BROKEN
        return made

    @property
    def for_paho(self) -> bool:
        """Whether paho has something to read: a packet, or that the connection has ended."""
        return bool(self._for_paho) or self._ended


def _coded(number: int) -> bytes:
    """A variable byte integer (MQTT 5.0, 1.5.5)."""
    coded = bytearray()
    while True:
        number, low = number >> 7, number & 127
        coded.append(low | (128 if number else 0))
        if not number:
            return bytes(coded)


def connect(broker: Broker) -> socket | Encrypted:
    """A connection to the broker, encrypted where its address says so.

    Raises:
        OSError: it cannot be reached, or is not who it should be.
    """
    connected = create_connection((broker.host, broker.port), CONNECT_S)
    try:
        # Acknowledgements are four bytes; Nagle's algorithm would hold them for the broker's delayed TCP ACK.
        connected.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return Encrypted(connected, _trusting(broker.ca), broker.host) if broker.tls else connected
    except BaseException:
        connected.close()
        raise


def _trusting(ca: Path | None) -> ssl.SSLContext:
    """Demands a certificate made out to the host. Read at every connection: a file that was replaced counts at once."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as problem:
        raise OSError(f"the certificates in {ca} (mqtt_ca) cannot be used: {problem}") from problem
