"""The least that a subscriber can do: our socket, its cutter and acknowledgements in bulk; no session, nothing decoded.

    python -m bench.sides.bulk_subscriber URL CA MESSAGES

What the broker gives: nobody who asks it for the same messages at QoS 1 can be faster. Prints as `stock_paho` does.
"""

import json
import select
import sys
import time
from pathlib import Path

from contracts.topics import PREFIX
from ingest.connection import Broker, IntakeSettings
from ingest.frames import MESSAGE_ID
from ingest.socket import BulkSocket, connect

NAME = b"bulk-subscriber"


def main(url: str, ca: str, messages: int) -> None:
    """Receive so many messages."""
    bounds = IntakeSettings()
    bulk = _subscribed(Broker.of(url, Path(ca) if ca else None), bounds)
    before_s, came = time.process_time(), 0
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while came < messages:
        _wait(bulk)
        bulk.fill()
        while len(packets := bulk.packets()):
            came += len(packets)
            bulk.acknowledge(packets.described[:, MESSAGE_ID])
        assert not bulk.for_paho, "the broker said something else, or ended the connection"
        bulk.flush()
    sys.stdout.write(json.dumps({"cpu_s": time.process_time() - before_s}) + "\n")
    bulk.close()


def _subscribed(broker: Broker, bounds: IntakeSettings) -> BulkSocket:
    """A connection that has asked for everything at QoS 1 (MQTT 5.0, 3.1 and 3.8)."""
    connected = connect(broker)
    connected.setblocking(False)
    bulk = BulkSocket(connected, bounds.max_packet_bytes)
    receive_maximum = b"\x21" + bounds.receive_maximum.to_bytes(2, "big")
    words = [NAME, (broker.username or "").encode(), (broker.password or "").encode()]
    greeting = b"\0\4MQTT\x05\xc2\0\0" + bytes([len(receive_maximum)]) + receive_maximum + b"".join(map(_told, words))
    assert _answered(bulk, b"\x10" + bytes([len(greeting)]) + greeting) == 0x20, "refused"
    wish = b"\0\1\0" + _told(f"{PREFIX}/#".encode()) + b"\x21"  # QoS 1, and nothing that is retained
    assert _answered(bulk, b"\x82" + bytes([len(wish)]) + wish) == 0x90, "not subscribed"
    return bulk


def _answered(bulk: BulkSocket, packet: bytes) -> int:
    """The type of the broker's answer."""
    bulk.send(packet)
    bulk.flush()
    while not bulk.for_paho:
        _wait(bulk)
        bulk.fill()
        assert not len(bulk.packets()), "nothing was asked for yet"
    return bulk.recv(1_024)[0]


def _wait(bulk: BulkSocket) -> None:
    if not bulk.has_more:
        select.select([bulk], [bulk] if bulk.wants_write else [], [])


def _told(word: bytes) -> bytes:
    return len(word).to_bytes(2, "big") + word


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
