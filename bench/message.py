"""What a message costs on its way in, in CPU microseconds: the network path against plain paho, decoding against
`json` and dicts.

    python -m bench.message
"""

import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.services.broker import Broker
from contracts import wire
from contracts.city import City, numbered
from contracts.clock import to_us
from contracts.delivery import Delivery
from contracts.devices import Device, Metric, Series
from contracts.jit import warm_up
from contracts.places import Zone
from contracts.ports import SealedPlate
from contracts.records import Passage, PlateRead, Reading
from contracts.topics import Kind
from ingest.connection import Broker as BrokerAddress
from ingest.decode import IntakeLimits, decode
from ingest.mail import Mail
from ingest.mqtt import Intake
from ingest.registry import Registry

MESSAGES: Final = 40_000
BLOCK: Final = 2_000
DECODED: Final = 10_000
ACCOUNTS: Final = {"intake": "in", "field": "out"}
ACCESS: Final = ("user intake", "topic readwrite andaman/#", "user field", "topic readwrite andaman/#")
TOPIC: Final = "andaman/v1/bench/zone/device"
NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def main() -> None:
    """Measure, print the table, then the figures as JSON."""
    warm_up()
    rows = {
        "network": (_drained_us(_drain_paho), _drained_us(_drain_ours)),
        "decode_reading": (_decoded_us(_readings(), _plain), _decoded_us(_readings(), _ours)),
        "decode_passage": (_decoded_us(_passages(), _plain), _decoded_us(_passages(), _ours)),
    }
    say = sys.stdout.write
    say(f"{'a message':16}{'anchor us':>12}{'ours us':>12}{'ratio':>8}\n")
    for name, (anchor, ours) in rows.items():
        say(f"{name:16}{anchor:12.1f}{ours:12.1f}{ours / anchor:8.2f}\n")
    say("anchors: plain paho-mqtt with manual acknowledgement; json, fromisoformat and a dict a record, unchecked\n")
    figures: dict[str, object] = {f"{name}_us": round(ours, 2) for name, (_, ours) in rows.items()}
    figures["ratios"] = {name: round(ours / anchor, 3) for name, (anchor, ours) in rows.items()}
    say(json.dumps(figures) + "\n")


# Network: a session that the broker filled while its owner was away is drained, each message acknowledged.


def _drained_us(drain: Callable[[str, int], None]) -> float:
    with tempfile.TemporaryDirectory(prefix="andaman-bench-") as folder:
        Path(folder).chmod(0o755)
        broker = Broker(Path(folder))
        broker.start()
        try:
            broker.set_accounts(ACCOUNTS, ACCESS)
            url = broker.url.replace("mqtt://", "mqtt://intake:in@")
            drain(url, 0)
            _fill(broker.url)
            before_s = time.process_time()
            drain(url, MESSAGES)
            return (time.process_time() - before_s) / MESSAGES * 1e6
        finally:
            broker.stop()


def _drain_ours(url: str, left: int) -> None:
    intake = Intake(url, "bench", [f"{TOPIC}/+"], lambda state: None, lambda: time.time_ns() // 1_000)
    intake.open()
    while left > 0:
        taken = intake.take(4_096, 10.0)
        assert taken, f"{left} messages did not come"
        intake.acknowledge(taken.tokens)
        left -= len(taken)
    intake.close()


def _drain_paho(url: str, left: int) -> None:
    where = BrokerAddress.of(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "bench", protocol=mqtt.MQTTv5, manual_ack=True)
    client.username_pw_set(where.username, where.password)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval, properties.ReceiveMaximum = 3_600, 4_096
    came = subscribed = 0

    def arrived(client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal came
        client.ack(message.mid, message.qos)
        came += 1

    def connected(*_: object) -> None:
        client.subscribe(f"{TOPIC}/+", 1)

    def confirmed(*_: object) -> None:
        nonlocal subscribed
        subscribed = 1

    client.on_message, client.on_subscribe = arrived, confirmed
    client.on_connect = connected
    client.connect(where.host, where.port, clean_start=False, properties=properties)
    while came < left or not subscribed:
        client.loop(10.0)
    client.disconnect()


def _fill(url: str) -> None:
    """Publish readings at QoS 1, a block at a time, over a socket (MQTT 3.1.1, OASIS Standard, section 3)."""
    where = BrokerAddress.of(url)
    payloads = [delivery.payload for delivery in _readings()]
    with socket.create_connection((where.host, where.port)) as broker:
        greeting = _text("MQTT") + b"\x04\xc2\x00\x3c" + _text("fill") + _text("field") + _text("out")
        broker.sendall(b"\x10" + bytes([len(greeting)]) + greeting)
        assert broker.recv(4) == b"\x20\x02\x00\x00"
        for first in range(0, MESSAGES, BLOCK):
            block = b""
            for number in range(first, first + BLOCK):
                body = (
                    _text(f"{TOPIC}/readings") + (number % 60_000 + 1).to_bytes(2, "big") + payloads[number % DECODED]
                )
                block += b"\x32" + bytes([len(body) & 127 | 128, len(body) >> 7]) + body
            broker.sendall(block)
            answered = 0
            while answered < BLOCK * 4:
                answered += len(broker.recv(65_536))


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


# Decoding: bytes in, columns out.


def _readings() -> list[Delivery]:
    return [
        _delivery(Kind.READINGS, wire.encode(Kind.READINGS, [Reading("pm2_5", 12.5, NOW)], 1, number))
        for number in range(1, DECODED + 1)
    ]


def _passages() -> list[Delivery]:
    def passage(number: int) -> Passage:
        seen = PlateRead(f"1กข {number % 9_999 + 1}", 0.95, "ภูเก็ต")
        return Passage(NOW, 1, "car", speed_kmh=61.5, plates=[seen])

    numbers = range(1, DECODED + 1)
    return [_delivery(Kind.PASSAGE, wire.encode(Kind.PASSAGE, [passage(number)], 1, number)) for number in numbers]


def _delivery(kind: Kind, payload: bytes) -> Delivery:
    return Delivery(f"{TOPIC}/{kind}", payload, to_us(NOW))


def _decoded_us(deliveries: list[Delivery], decoder: Callable[[list[Delivery]], None]) -> float:
    best_s = float("inf")
    for _ in range(3):
        before_s = time.process_time()
        decoder(deliveries)
        best_s = min(best_s, time.process_time() - before_s)
    return best_s / DECODED * 1e6


class _Sealer:
    """Costs nothing, so that decoding is measured and not the vault."""

    def seal(self, text: str, skeleton: str, event_us: int) -> SealedPlate:
        return SealedPlate(0, bytes(16), bytes(16), bytes(16), bytes(76))

    def digest(self, content: bytes, event_us: int) -> int:
        return int.from_bytes(blake2b(content, digest_size=8).digest(), "big") >> 1


def _city() -> City:
    kinds = (Kind.READINGS, Kind.PASSAGE)
    metric = Metric(key="pm2_5", code=1, unit="ug/m3", min=0, max=1_000, name_en="", name_th="")
    zone = Zone(id="zone", level="subdistrict", name_en="", name_th="", pcode="", lon=98.3, lat=7.9)
    device = Device(
        id="device", type="air", zone="zone", lon=98.3, lat=7.9, name_en="", name_th="", kinds=kinds,
        series=(Series(metric="pm2_5", interval_s=10),),
    )  # fmt: skip
    parts = {"metrics": (metric,), "zones": (zone,), "devices": (device,)}
    return numbered(City(id="bench", name_en="", name_th="", lon=98.3, lat=7.9, **parts))  # type: ignore[arg-type]


REGISTRY: Final = Registry(_city())


def _ours(deliveries: list[Delivery]) -> None:
    decoded = decode(Mail.of(deliveries), REGISTRY, _Sealer(), IntakeLimits())
    assert len(decoded.readings) + len(decoded.passages) == len(deliveries)


def _plain(deliveries: list[Delivery]) -> None:
    """What one writes first: no checks but those that `json` and `datetime` make, and plates left as they are."""
    rows = []
    for delivery in deliveries:
        message = json.loads(delivery.payload)
        digest = blake2b(delivery.payload, digest_size=8).hexdigest()
        for part, record in enumerate(message["records"]):
            event = datetime.fromisoformat(record["t"])
            rows.append({**record, "event": event, "part": part, "seq": message["seq"], "digest": digest})
    assert len(rows) == len(deliveries)


if __name__ == "__main__":
    main()
