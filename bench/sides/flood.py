"""Publishes readings of a whole city as fast as the broker takes them, or at a rate, at QoS 1, over one connection.

    python -m bench.sides.flood URL CA CITY MESSAGES READINGS_A_MESSAGE RATE SEQ

So cheap that it is not what is measured: a round, one message of every station, is written once as bytes, and from
then on only numbers, times and the last digits of the values are put into it; without a rate before it begins. `CITY`
is a file of the city as JSON; `RATE` is in messages a second, 0 for as fast as it goes; `SEQ` is the first number of
every station. Prints a line of JSON when the last message is confirmed.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from contracts import wire
from contracts.city import City
from contracts.city_forms import decode
from contracts.records import Reading
from contracts.topics import Kind, Topic
from ingest.connection import Broker
from ingest.socket import connect

WINDOW: Final = 8_000
"""Published and not yet confirmed."""
BLOCK: Final = 500
"""Messages handed to the system at once."""
GATHER_S: Final = 0.002
"""Where the window is full, confirmations gather for so long: one read then fetches a hundred, and costs as one."""
PACED_BLOCK: Final = 20
"""The same at a rate: 4 ms of 5,000 a second."""
MAX_STEP_US: Final = 20.0
"""Two messages of a block are no further apart, so that the oldest was hardly made before it was sent."""
START: Final = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
_TIME: Final = b"2026-01-01T00:00:00.123456Z"
_SEQ: Final = b'"seq":'


class Round:
    """One message of every station as PUBLISH packets, with the places of what changes from round to round."""

    def __init__(self, city: City, readings: int, seq: int) -> None:
        packets: list[bytes] = []
        for device in city.devices:
            if Kind.READINGS not in device.kinds or not device.series:
                continue
            said = [device.series[(seq + i) % len(device.series)] for i in range(readings)]
            records = [Reading(series.metric, _typical(city, series.metric), START, series.lane) for series in said]
            payload = wire.encode(Kind.READINGS, records, 1, seq)
            packets.append(_packet(str(Topic(city.id, device.zone, device.id, Kind.READINGS)), payload))
        self.count = len(packets)
        self.ends = np.cumsum([len(packet) for packet in packets])
        self.bytes = np.frombuffer(bytearray(b"".join(packets)), np.uint8)
        whole = self.bytes.tobytes()
        self.times = _places(whole, _TIME)
        self.identifiers = np.array(
            [
                start
                + 1
                + _length_bytes(whole, start)
                + 2
                + int.from_bytes(
                    whole[start + 1 + _length_bytes(whole, start) : start + 3 + _length_bytes(whole, start)], "big"
                )
                for start in [0, *self.ends[:-1].tolist()]
            ]
        )
        self.of_message = np.searchsorted(self.ends, self.times, side="right")
        self.digits = self.times - len(b'5,"t":"')  # the last digit of a value

    def tell(self, first: int, last: int, sent: int, event_us: int, step_us: float) -> None:
        """Put ids, times and values into messages first:last, `step_us` apart, the last of them at `event_us`."""
        ids = (sent + np.arange(last - first)) % 65_000 + 1
        places = self.identifiers[first:last]
        self.bytes[places], self.bytes[places + 1] = ids >> 8, ids & 255
        begin, end = np.searchsorted(self.of_message, (first, last))
        of_message, places = self.of_message[begin:end], self.times[begin:end]
        times = (event_us - ((last - 1 - of_message) * step_us).astype(np.int64)).astype("M8[us]")
        texts = np.datetime_as_string(times, unit="us").astype("S26").view(np.uint8).reshape(-1, 26)
        self.bytes[places[:, None] + np.arange(26)] = texts
        self.bytes[self.digits[begin:end]] = 48 + (event_us + places) % 10


def _typical(city: City, metric: str) -> float:
    """A value in the lower half of what is possible that ends in a digit which may change."""
    bounds = next(each for each in city.metrics if each.key == metric)
    usual = {"pressure": 1008.05, "humidity": 71.05, "temperature": 28.55}.get(metric)
    return usual if usual is not None else (int(bounds.min * 10 + (bounds.max - bounds.min) / 5) * 10 + 5) / 100


def _packet(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + b"\0\0" + payload
    size, length = len(body), b""
    while True:
        size, low = size >> 7, size & 127
        length += bytes([low | (128 if size else 0)])
        if not size:
            return b"\x32" + length + body


def _length_bytes(whole: bytes, start: int) -> int:
    used = 1
    while whole[start + used] & 128:
        used += 1
    return used


def _places(whole: bytes, part: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    places, at = [], whole.find(part)
    while at >= 0:
        places.append(at)
        at = whole.find(part, at + 1)
    return np.array(places, np.int64)


class Line:
    """A connection that confirms in order; only how many are confirmed is counted (MQTT 3.1.1, section 3.4)."""

    def __init__(self, url: str, ca: str) -> None:
        where = Broker.of(url, Path(ca) if ca else None)
        self._socket = connect(where)
        self._socket.settimeout(None)
        words = [b"MQTT\x04\xc2\x00\x00", b"flood", (where.username or "").encode(), (where.password or "").encode()]
        greeting = b"\x00\x04" + words[0] + b"".join(len(w).to_bytes(2, "big") + w for w in words[1:])
        self._send(b"\x10" + bytes([len(greeting)]) + greeting)
        assert self._socket.recv(4) == b"\x20\x02\x00\x00", "refused"
        self.sent = self._bytes = 0

    def send(self, packets: memoryview, count: int) -> None:
        """Publish, once there is room in the window."""
        while self.sent + count - self._bytes // 4 > WINDOW:
            time.sleep(GATHER_S)
            self._bytes += len(self._socket.recv(65_536))
        self._send(packets)
        self.sent += count

    def finish(self) -> None:
        """Wait for the last confirmation."""
        while self._bytes < 4 * self.sent:
            self._bytes += len(self._socket.recv(65_536))
        self._send(b"\xe0\x00")
        self._socket.close()

    def _send(self, content: bytes | memoryview) -> None:
        while content:
            content = content[self._socket.send(content) :]


class Script:
    """What is said, block after block: packets and their count. A round of all stations is always told to its end.

    `messages`, `seq`: how many were told so far, and the number of the next round.
    """

    def __init__(self, city: City, readings: int, seq: int) -> None:
        self.messages, self.seq = 0, seq
        self._city, self._readings = city, readings

    def blocks(self, messages: int, size: int) -> Iterator[tuple[memoryview, int]]:
        """At least so many messages, each block made at the moment when it is asked for; it holds until the next."""
        template, digits, last_us = None, 0, time.time_ns() // 1000
        while self.messages < messages:
            if template is None or len(str(self.seq)) != digits:
                template, digits = Round(self._city, self._readings, self.seq), len(str(self.seq))
                seqs = _places(template.bytes.tobytes(), _SEQ + str(self.seq).encode()) + len(_SEQ)
            template.bytes[seqs[:, None] + np.arange(digits)] = np.frombuffer(str(self.seq).encode(), np.uint8)
            view, start = memoryview(template.bytes.data), 0
            for first in range(0, template.count, size):
                last = min(first + size, template.count)
                now_us = time.time_ns() // 1000
                step_us = min(MAX_STEP_US, (now_us - last_us) / (last - first))
                template.tell(first, last, self.messages, now_us, step_us)
                last_us = now_us
                self.messages += last - first
                yield view[start : template.ends[last - 1]], last - first
                start = int(template.ends[last - 1])
            self.seq += 1


def main(url: str, ca: str, city_file: str, messages: int, readings: int, rate: float, first_seq: int) -> None:
    """Publish, and say how long it took."""
    script = Script(decode(Path(city_file).read_bytes()), readings, first_seq)
    blocks = script.blocks(messages, PACED_BLOCK if rate else BLOCK)
    if not rate:  # as fast as it goes: made before the clock runs, so that making them is not measured
        blocks = iter([(memoryview(bytes(packets)), count) for packets, count in blocks])
    line = Line(url, ca)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    before_s, started_s = time.process_time(), time.monotonic()
    while True:
        if rate and (ahead_s := started_s + line.sent / rate - time.monotonic()) > 0:
            time.sleep(ahead_s)
        if (block := next(blocks, None)) is None:
            break
        line.send(*block)
    line.finish()
    taken_s = time.monotonic() - started_s
    cpu_s = time.process_time() - before_s
    said = {"messages": line.sent, "seconds": taken_s, "cpu_s": cpu_s, "seq": script.seq}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    _, url, ca, city_file, messages, readings, rate, seq = sys.argv
    main(url, ca, city_file, int(messages), int(readings), float(rate), int(seq))
