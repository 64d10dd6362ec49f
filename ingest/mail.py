"""Deliveries as they lie: the bytes of many PUBLISH packets in one piece, and where in it each of them is.

No object is made for a message on its way from the network to the columns. Whoever needs a single one (a rejection, a
batch that is taken apart) gets it as a `Delivery`, made when it is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt

from contracts.delivery import Delivery
from ingest.frames import FIELDS, FLAGS, MESSAGE_ID, PAYLOAD_END, PAYLOAD_START, TOPIC_END, TOPIC_START

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]

MAX_TOPIC_BYTES: Final = 512
"""A legal topic has at most 224. One may have 65,535: of a longer one only the beginning is given out as text, which is
no topic of ours either."""
RETAIN: Final = 1
"""The bit of the flags that marks a retained message (MQTT 5.0, 3.3.1)."""


class Mail(Sequence[Delivery]):
    """Messages in order of arrival. `stream`: uint8, any length. `packets`: int64 (n, FIELDS), as `frames.cut`
    describes them. `received_us`, `connection`: int64 (n,). Never changed once made."""

    __slots__ = ("_each", "connection", "packets", "received_us", "stream")

    def __init__(self, stream: Bytes, packets: Int64s, received_us: Int64s, connection: Int64s) -> None:
        self.stream, self.packets, self.received_us, self.connection = stream, packets, received_us, connection
        self._each: list[Delivery] | None = None

    @classmethod
    def of(cls, deliveries: Iterable[Delivery]) -> "Mail":
        """The same deliveries in one piece."""
        each = list(deliveries)
        topics = [delivery.topic.encode(errors="replace") for delivery in each]
        parts = [part for topic, delivery in zip(topics, each, strict=True) for part in (topic, delivery.payload)]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64).reshape(-1, 2)
        packets = np.zeros((len(each), FIELDS), np.int64)
        packets[:, TOPIC_END], packets[:, PAYLOAD_END] = ends[:, 0], ends[:, 1]
        packets[1:, TOPIC_START] = ends[:-1, 1]
        packets[:, PAYLOAD_START] = packets[:, TOPIC_END]  # and no properties before it
        tokens = np.array([delivery.token for delivery in each], np.int64).reshape(-1, 3)
        packets[:, MESSAGE_ID] = tokens[:, 1]
        packets[:, FLAGS] = tokens[:, 2] << 1 | np.array([delivery.retained for delivery in each], np.int64)
        received_us = np.array([delivery.received_us for delivery in each], np.int64)
        return cls(np.frombuffer(bytearray().join(parts), np.uint8), packets, received_us, tokens[:, 0].copy())

    @classmethod
    def joined(cls, parts: Sequence["Mail"]) -> "Mail":
        """All of these, one after the other."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return NO_MAIL
        starts = np.cumsum([0, *(part.stream.size for part in parts[:-1])])
        packets = np.concatenate([part.packets for part in parts])
        packets[:, TOPIC_START:] += np.repeat(starts, [len(part) for part in parts])[:, None]
        return cls(
            np.concatenate([part.stream for part in parts]),
            packets,
            np.concatenate([part.received_us for part in parts]),
            np.concatenate([part.connection for part in parts]),
        )

    def chosen(self, which: Any) -> "Mail":
        """Those of a mask or slice."""
        return Mail(self.stream, self.packets[which], self.received_us[which], self.connection[which])

    def alone(self) -> "Mail":
        """The same messages, without the bytes of others that lie in the same piece."""
        sizes = self.sizes
        moved = self.packets[:, TOPIC_START] - (np.cumsum(sizes) - sizes)
        packets = self.packets.copy()
        packets[:, TOPIC_START:] -= moved[:, None]
        stream = self.stream[np.arange(sizes.sum()) + np.repeat(moved, sizes)]
        return Mail(stream, packets, self.received_us, self.connection)

    @property
    def sizes(self) -> Int64s:
        """Bytes of each from its topic to the end of its payload, int64 (n,): all that is kept of it."""
        sizes: Int64s = self.packets[:, PAYLOAD_END] - self.packets[:, TOPIC_START]
        return sizes

    @property
    def bytes(self) -> int:
        """Bytes of all of them."""
        return int(self.sizes.sum())

    @property
    def qos(self) -> Int64s:
        """Quality of service of each, int64 (n,)."""
        qos: Int64s = (self.packets[:, FLAGS] >> 1) & 3
        return qos

    @property
    def tokens(self) -> Int64s:
        """What the network needs back to acknowledge them, int64 (n, 3): connection, message id, QoS."""
        return np.column_stack((self.connection, self.packets[:, MESSAGE_ID], self.qos))

    def __len__(self) -> int:
        return len(self.packets)

    @overload
    def __getitem__(self, at: int) -> Delivery: ...
    @overload
    def __getitem__(self, at: slice) -> "Mail": ...
    def __getitem__(self, at: int | slice) -> "Delivery | Mail":
        if isinstance(at, slice):
            return self.chosen(at)
        flags, number, topic, topic_end, _, payload, end = self.packets[at].tolist()
        topic_end = min(topic_end, topic + MAX_TOPIC_BYTES)
        return Delivery(
            # A broker passes valid UTF-8 only; what is none is no topic of ours and rejected as such.
            self.stream[topic:topic_end].tobytes().decode(errors="replace"),
            self.stream[payload:end].tobytes(),
            int(self.received_us[at]),
            flags & RETAIN == RETAIN,
            (int(self.connection[at]), number, flags >> 1 & 3),
        )

    def __iter__(self) -> Iterator[Delivery]:
        """Each as a delivery; the same objects however often one asks."""
        if self._each is None:
            self._each = [self[at] for at in range(len(self))]
        return iter(self._each)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have none


NO_MAIL: Final = Mail(np.empty(0, np.uint8), np.empty((0, FIELDS), np.int64), *np.empty((2, 0), np.int64))


def tokens(deliveries: Sequence[Delivery]) -> Int64s:
    """What the network needs back to acknowledge these, int64 (n, 3)."""
    if isinstance(deliveries, Mail):
        return deliveries.tokens
    return np.array([delivery.token for delivery in deliveries], np.int64).reshape(-1, 3)


def both(first: Sequence[Delivery], second: Sequence[Delivery]) -> Sequence[Delivery]:
    """The first, then the second; in one piece where both are."""
    if not len(first) or not len(second):
        return second if not len(first) else first
    if isinstance(first, Mail) and isinstance(second, Mail):
        return Mail.joined((first, second))
    return [*first, *second]
