"""What waits to be published, the newest of each topic; and how a thread that waits for a socket is woken."""

import socket
import threading
from itertools import islice
from typing import Final

MAX_OUTBOX: Final = 20_000
"""Topics that wait to be published: one mark a device, and no city of ours has more devices a pipeline."""


class Outbox:
    """Filled by any thread, emptied by the one that sends."""

    def __init__(self) -> None:
        self.refused = 0
        """What there was no room for."""
        self._waiting: dict[str, tuple[bytes, bool]] = {}
        self._lock = threading.Lock()

    def put(self, topic: str, payload: bytes, retain: bool) -> bool:
        """What still waits for the same topic is replaced, in its place. False (and counted) without room."""
        with self._lock:
            if topic not in self._waiting and len(self._waiting) >= MAX_OUTBOX:
                self.refused += 1
                return False
            self._waiting[topic] = (payload, retain)
            return True

    def next(self, most: int) -> list[tuple[str, bytes, bool]]:
        """What has waited longest; it waits no longer."""
        with self._lock:
            topics = list(islice(self._waiting, most))
            return [(topic, *self._waiting.pop(topic)) for topic in topics]


class Bell:
    """Rung by any thread; the one that waits polls it beside its socket."""

    def __init__(self) -> None:
        self._inner, self._outer = socket.socketpair()
        for end in (self._inner, self._outer):
            end.setblocking(False)
        self._rung = False

    def ring(self) -> None:
        """Wake whoever waits."""
        if self._rung:
            return  # it has not looked yet
        self._rung = True
        try:
            self._outer.send(b"!")
        except OSError:
            pass  # full: the thread is awake already; closed: there is no thread to wake

    def hear(self) -> None:
        """It has rung; called before anything is looked at: for what is put there from now on it rings anew."""
        self._inner.recv(4_096)
        self._rung = False

    def fileno(self) -> int:
        """Readable once it was rung."""
        return self._inner.fileno()

    def close(self) -> None:
        """Ringing it does nothing any more."""
        self._inner.close()
        self._outer.close()
