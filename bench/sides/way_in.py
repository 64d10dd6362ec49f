"""The way in without a broker: bytes of PUBLISH packets to verdicts of admission, and an account of every message.

What does not add up raises `Unaccounted`; everything else that is raised is a fault of the code under test.
"""

import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from contracts.city import City
from contracts.clock import DAY_US
from contracts.columns import DTYPES, Batch
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Decoded, Delivery
from contracts.errors import MessageRejected
from contracts.ports import PlateSealer
from contracts.topics import Kind, parse
from contracts.wire import MAX_DETAIL
from ingest import frames
from ingest.decode import IntakeLimits, decode
from ingest.mail import Mail
from ingest.properties import user_property
from ingest.registry import Registry
from ingest.socket import BulkSocket, Packet
from processing import admission
from processing.state import State

MAX_PACKET_BYTES: Final = 1_048_576
PIECE_BYTES: Final = 60_000
"""Sent at once; less than what a local socket holds."""
MAX_TOPIC_BYTES: Final = 512
COUNTERS: Final = ("retained", "passed_over", "plates_lost")
"""What decoding counts instead of keeping."""


class Unaccounted(Exception):
    """A message is neither accepted nor rejected nor anything else, or both halves of a comparison differ."""


@dataclass(slots=True)
class Account:
    """What became of so many messages."""

    made: int = 0
    cut: int = 0
    """Packets that came out of the stream; in one that was changed there may be more or fewer than were made."""
    broken: int = 0
    """Streams that ended the connection."""
    behind: int = 0
    """Messages that were lost with their connection, or swallowed by a changed length: the broker sends them again."""
    accepted: int = 0
    """Messages of which something was kept."""
    rejected: Counter[str] = field(default_factory=Counter)
    """By the first reason, of messages of which nothing was kept."""
    state: int = 0
    passed_over: int = 0
    marks: int = 0
    rows: int = 0
    verdicts: Counter[int] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """Messages whose end is known."""
        return self.accepted + sum(self.rejected.values()) + self.state + self.passed_over + self.marks

    def add(self, other: "Account") -> None:
        """Sum up."""
        for name in self.__slots__:
            mine, more = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(more)
            else:
                setattr(self, name, mine + more)


class WayIn:
    """One city in force, with its memory of identities."""

    def __init__(self, city: City, sealer: PlateSealer, secrets: Sequence[str]) -> None:
        """`secrets`: words of plates that no detail of a rejection may hold."""
        self._registry, self._sealer, self._secrets = Registry(city), sealer, tuple(secrets)
        self._limits = IntakeLimits()
        self._state = State()
        self._state.grow(max(device.no for device in city.devices) + 1)

    def take(
        self, stream: bytes, pieces: Sequence[int], made: int, received_us: int, whole: bool, both: bool = True
    ) -> Account:
        """Take a stream in, cut at these places. `whole`: it is `made` packets, of which every one must come out.
        `both`: read what came by columns and one by one, and compare."""
        packets, ended = through_socket(stream, pieces)
        at_once, broken = _at_once(stream)
        if packets != at_once or ended != broken:
            raise Unaccounted("how the stream was cut changes what comes out of it")
        if whole and (len(packets) != made or ended):
            raise Unaccounted(f"{made} packets were sent, {len(packets)} came out")
        deliveries = [_delivery(packet, received_us + at) for at, packet in enumerate(packets)]
        account = self.decode(deliveries, both)
        account.made, account.cut, account.broken = made, len(packets), int(ended)
        account.behind = max(0, made - len(packets))
        return account

    def decode(self, deliveries: Sequence[Delivery], both: bool) -> Account:
        """Decode and judge; every delivery must be accounted for."""
        decoded = decode(Mail.of(deliveries), self._registry, self._sealer, self._limits)
        if both and not _same(decoded, decode(deliveries, self._registry, self._sealer, self._limits)):
            raise Unaccounted("reading by columns is not reading one by one")
        account = _account(deliveries, decoded)
        self._check(deliveries, decoded)
        self._admit(decoded, account)
        return account

    def _check(self, deliveries: Sequence[Delivery], decoded: Decoded) -> None:
        """What holds of everything that is kept or refused."""
        for name in DTYPES:
            rows = decoded.kind(name)
            late_us = rows["received_us"] - rows["event_us"]
            if rows.size and not (-60_000_000 <= late_us.min() and late_us.max() <= 365 * DAY_US):
                raise Unaccounted(f"a {name} whose time is not believed was kept")
            if rows.size and not (rows["seq"].min() >= 0 and rows["boot"].min() >= 0 and rows["digest"].min() >= 0):
                raise Unaccounted(f"a {name} without an identity was kept")
        for rejection in decoded.rejections:
            detail = rejection.detail
            if len(detail) > MAX_DETAIL or not (detail + rejection.topic).isprintable():
                raise Unaccounted(f"a detail that no page can show: {detail!r}")
            if len(rejection.payload) > REJECTED_PAYLOAD_BYTES:
                raise Unaccounted("a rejection keeps too much")
            if any(secret in detail for secret in self._secrets):
                raise Unaccounted(f"a plate stands in a rejection's detail: {detail!r}")

    def _admit(self, decoded: Decoded, account: Account) -> None:
        verdicts = admission.judge(self._state, decoded)
        new = {}
        for name, verdict in verdicts.of.items():
            rows = decoded.kind(name)
            if verdict.size != rows.size:
                raise Unaccounted(f"{rows.size} {name} rows, {verdict.size} verdicts")
            account.verdicts.update(verdict.tolist())
            new[f"{name}s" if name != "status" else "statuses"] = rows[verdict == admission.NEW]
        for rejection in decoded.rejections:
            if not admission.settled(self._state, rejection) and rejection.boot:
                numbers = (np.array([rejection.boot]), np.array([rejection.seq]))
                admission.settle(self._state, rejection.device, *numbers)
        admission.recall(self._state, Batch(1, 0, 1, **new))


def _account(deliveries: Sequence[Delivery], decoded: Decoded) -> Account:
    """Sort every delivery, told by its receipt, into what became of it."""
    kept = np.unique(np.concatenate([decoded.kind(name)["received_us"] for name in DTYPES]))
    accepted = set(kept.tolist())
    refused: dict[int, str] = {}
    for rejection in decoded.rejections:
        refused.setdefault(rejection.received_us, rejection.reason)
    sent = {delivery.received_us for delivery in deliveries}
    if not accepted | refused.keys() <= sent:
        raise Unaccounted("something was kept or refused that nobody sent")
    marks = {each.received_us for each in deliveries if _is_mark(each.topic)}
    state = {each.received_us for each in deliveries if each.retained or not each.payload} - marks
    account = Account(
        accepted=len(accepted),
        rejected=Counter(reason for at, reason in refused.items() if at not in accepted),
        state=decoded.retained,
        passed_over=decoded.passed_over,
        marks=len(marks),
        rows=sum(decoded.kind(name).size for name in DTYPES),
    )
    if len(state) != decoded.retained or account.settled != len(deliveries):
        raise Unaccounted(f"{len(deliveries)} messages came, {account.settled} are accounted for")
    if (accepted | refused.keys()) & (marks | state):
        raise Unaccounted("state or a mark was taken for an observation")
    return account


def _same(one: Decoded, other: Decoded) -> bool:
    """Whether two readings of the same deliveries say the same, bit for bit."""
    rows = all(one.kind(name).tobytes() == other.kind(name).tobytes() for name in DTYPES)
    return rows and all(getattr(one, name) == getattr(other, name) for name in ("rejections", *COUNTERS))


def _is_mark(topic: str) -> bool:
    try:
        return parse(topic).kind is Kind.MARK
    except MessageRejected:
        return False


def _delivery(packet: Packet, received_us: int) -> Delivery:
    user_property(packet.properties, b"received_us")
    topic = packet.topic[:MAX_TOPIC_BYTES].decode(errors="replace")
    return Delivery(topic, packet.payload, received_us, packet.retained == 1, (1, packet.message_id, packet.qos))


def through_socket(stream: bytes, pieces: Sequence[int]) -> tuple[list[Packet], bool]:
    """The packets of a stream that comes in pieces, and whether the connection was given up."""
    near, far = socket.socketpair()
    near.setblocking(False)
    bulk = BulkSocket(near, MAX_PACKET_BYTES)
    taken: list[Packet] = []
    try:
        for piece in _pieces(stream, pieces):
            far.sendall(piece)
            bulk.fill()
            while True:
                packets = bulk.packets()
                taken += packets
                if not bulk.for_paho:
                    if not len(packets):
                        break
                elif not bulk.recv(MAX_PACKET_BYTES):
                    return taken, True
    finally:
        bulk.close()
        far.close()
    return taken, False


def _pieces(stream: bytes, places: Sequence[int]) -> list[bytes]:
    regular = range(0, len(stream), PIECE_BYTES)
    bounds = sorted({*regular, *(place for place in places if 0 < place < len(stream)), len(stream)})
    return [stream[first:last] for first, last in pairwise(bounds)]


def _at_once(stream: bytes) -> tuple[list[Packet], bool]:
    """The same by the cutter alone, with all bytes before it at once."""
    content = np.frombuffer(bytearray(stream), np.uint8)
    described, result = np.zeros(1_024 * frames.FIELDS, np.int64), np.zeros(4, np.int64)
    taken: list[Packet] = []
    position = 0
    while True:
        frames.cut(content, position, len(stream), MAX_PACKET_BYTES, described, result)
        found, position, status, size = result.tolist()
        for flags, number, topic, topic_end, properties, payload, end in (
            described[: found * frames.FIELDS].reshape(found, frames.FIELDS).tolist()
        ):
            parts = stream[topic:topic_end], stream[payload:end], stream[properties:payload]
            taken.append(Packet(*parts, number, flags >> 1 & 3, flags & 1))
        if status == frames.OTHER:
            position += size
        elif status != frames.FULL:
            return taken, status == frames.BROKEN
