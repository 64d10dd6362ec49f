"""A broker that says what no broker should ends its connection, never the intake: the next one is as any other."""

import random
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from contracts.delivery import Delivery
from ingest.mqtt import Intake

CONNACK = b"\x20\x03\x01\x00\x00"
"""With the session still there: the intake listens from here on, and tries again soon."""
PACKETS = (
    b"\x90\x04\x00\x63\x00\x01",  # an answer to a subscription that nobody asked for
    b"\x90\x05\x00\x01\x00\x01\x01",  # more answers than there were questions
    b"\x90\x03\x00\x01\x00",  # none
    b"\x90\x04\x00\x01\x00\x87",  # refused
    b"\x20\x03\x00\x00\x00",  # greeted twice
    b"\x20\x03\x00\x87\x00",
    b"\x40\x02\x00\x07",  # thanks for what was never published
    b"\x40\x03\x00\x01\x10",
    b"\xb0\x04\x00\x01\x00\x11",
    b"\xe0\x02\x8b\x00",
    b"\xf0\x02\x18\x00",
    b"\x62\x02\x00\x01",
    b"\xd0\x01\x00",
    b"\x30\xff\xff\xff\xff\x01",
    b"\x34\x06\x00\x01t\x00\x01\x00",
    b"\x00\x00",
)
GOOD = b"\x32\x07\x00\x01t\x00\x07\x00x"
"""A message."""


class Broker:
    """Says one stream to each connection and ends it; to those after them a message, and waits."""

    def __init__(self, streams: Sequence[bytes]) -> None:
        self.said = 0
        self._streams = streams
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:
                return
            with connected, suppress(OSError):  # an intake that has heard enough leaves in the middle
                connected.recv(65_536)
                hostile = self._streams[self.said] if self.said < len(self._streams) else None
                self.said += hostile is not None
                connected.sendall(CONNACK + (hostile or GOOD))
                if hostile:
                    connected.shutdown(socket.SHUT_WR)
                while connected.recv(65_536):
                    pass

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


def changed(seed: int) -> bytes:
    """Some of the packets, with a few bytes changed."""
    draw = random.Random(seed)
    stream = bytearray(b"".join(draw.choices((*PACKETS, GOOD), k=4)))
    for _ in range(3):
        stream[draw.randrange(len(stream))] = draw.randrange(256)
    return bytes(stream)


def test_whatever_a_broker_says_the_intake_connects_again_and_hears() -> None:
    streams = [*PACKETS, *(changed(seed) for seed in range(12))]
    broker = Broker(streams)
    intake = Intake(broker.url, "hostile", ["t"], lambda state: None, lambda: time.time_ns() // 1_000)
    try:
        intake.open()
        heard: list[Delivery] = []
        until_s = time.monotonic() + 30
        while broker.said < len(streams) or not any(each.payload == b"x" for each in heard):
            assert time.monotonic() < until_s, f"{broker.said} of {len(streams)} heard: {intake.state.problem}"
            heard = list(intake.take(100, 0.2))
    finally:
        intake.close()
        broker.close()
