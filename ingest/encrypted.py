"""TLS over a socket by way of memory: one read of the system's fetches many records.

A broker makes a record of every message. `ssl.SSLSocket` asks the system twice for each, for its head and for its body;
here all that has come is fetched at once, and taken apart in memory for half the work.
"""

import ssl
import time
from contextlib import suppress
from socket import socket
from typing import Any, Final

FETCHED_BYTES: Final = 262_144
"""Asked of the system at once, as without TLS."""
SEALED_BYTES: Final = 262_144
"""Encrypted at once; what the system does not take of it waits, and nothing is taken on top."""
LEAST_S: Final = 0.001
"""A socket's time-out of nothing means not to wait at all, which is another error."""


class Encrypted:
    """A connection whose other end has shown that it is `host`.

    For one thread it works as `ssl.SSLSocket` does, but for two things: `recv_into` gives as many records as there are
    and fit, and what has to wait raises `BlockingIOError`. A `send` that raised it wants to be asked again, with the
    same bytes or more behind them, before anything else is sent.

    Raises:
        OSError: (`ssl.SSLError` is one) the other end is not who it should be, speaks no TLS or has gone.
    """

    def __init__(self, connected: socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = connected
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=host)
        self._fetched = memoryview(bytearray(FETCHED_BYTES))
        self._sealed = b""
        self._taken = 0
        """Bytes that were given and are encrypted already, and whose `send` has not returned: not again, whoever pushed
        them."""
        self._shake_hands()

    def _shake_hands(self) -> None:
        """All of it within the time-out of the socket: each byte may not have one of its own."""
        allowed_s = self._socket.gettimeout()
        until_s = time.monotonic() + (allowed_s or 0.0)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._push()
                if allowed_s is not None:
                    self._socket.settimeout(max(until_s - time.monotonic(), LEAST_S))
                self._fetch()
            except ssl.SSLError:
                with suppress(OSError):
                    self._push()  # it is told why
                raise
            else:
                self._socket.settimeout(allowed_s)
                return self._push()

    def recv_into(self, buffer: memoryview) -> int:
        """Read what has come, as much as fits; 0 at the end of the connection."""
        read, size, end = self._tls.read, len(buffer), 0
        while end < size:
            try:
                count = read(size - end, buffer[end:])
            except ssl.SSLWantReadError:
                if end:
                    break
                self._fetch()
                continue
            except ssl.SSLEOFError:
                break
            if not count:
                break
            end += int(count)
        with suppress(OSError):  # what cannot be sent is seen at the next `send`
            self._push()  # an answer of TLS itself: new keys, or that it has ended
        return end

    def recv(self, size: int) -> bytes:
        """The same as bytes of their own."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(memoryview(buffer))])

    def send(self, content: bytes | bytearray | memoryview) -> int:
        """Send as much of it as goes; how much went."""
        if not self._taken:
            with memoryview(content) as whole, whole[:SEALED_BYTES] as part:
                self._taken = self._tls.write(part)
        self._push()
        went, self._taken = self._taken, 0
        return went

    def pending(self) -> int:
        """Bytes that have been fetched and not been read: those, the system does not tell of."""
        return self._came.pending + self._tls.pending()

    def getpeercert(self) -> Any:
        """As of `ssl.SSLSocket`."""
        return self._tls.getpeercert()

    def fileno(self) -> int:
        """The system's number for it."""
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        """As of a socket."""
        self._socket.setblocking(flag)

    def settimeout(self, seconds: float | None) -> None:
        """As of a socket."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """As of a socket: what still waits is not sent."""
        self._socket.close()

    def _fetch(self) -> None:
        count = self._socket.recv_into(self._fetched)
        if count:
            self._came.write(self._fetched[:count])
        else:
            self._came.write_eof()

    def _push(self) -> None:
        self._sealed += self._goes.read()
        while self._sealed:
            self._sealed = self._sealed[self._socket.send(self._sealed) :]
