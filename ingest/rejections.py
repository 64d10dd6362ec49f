"""What is kept of what was not accepted: enough to see the fault and to feed it in again after a fix."""

from collections import Counter
from dataclasses import replace
from typing import Final

from contracts import wire
from contracts.clock import TICK_US
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Delivery, Rejection
from contracts.errors import MessageRejected
from contracts.records import Record
from contracts.topics import Kind
from ingest.registry import KnownDevice

NOT_LOOKED_INTO: Final = "more from one device in a minute than is looked into; counted"
MAX_TOPIC: Final = 300
"""How much of a topic is kept: a legal one has at most 224 characters."""


def reject_message(delivery: Delivery, device: KnownDevice | None, why: MessageRejected) -> Rejection:
    """A whole message, with its bytes as they came. A known device's number is looked for even in an illegal one:
    it is settled by the rejection, or the device would send it for ever."""
    boot, seq = wire.number_of(delivery.payload) if device else (0, 0)
    return _rejection(delivery, device, why, delivery.payload, (boot, seq), part=-1)


def reject_record(
    delivery: Delivery,
    device: KnownDevice,
    kind: Kind,
    number: tuple[int, int],
    record: Record | wire.Illegal,
    part: int,
    why: MessageRejected,
) -> Rejection:
    """One record of a message, as a message that holds it alone: five hundred rejections are not each the whole."""
    boot, seq = (number[0], number[1]) if number[0] else (None, None)
    if isinstance(record, wire.Illegal):
        payload = wire.encode_illegal(record, boot, seq)
    else:
        payload = wire.encode(kind, [record], boot, seq)
    return _rejection(delivery, device, why, payload, number, part)


class Counted:
    """Rejections of a run that nobody looks into: counted by device, reason and second of receipt.

    Of the numbers only the highest is settled: with it the device's mark moves on, and the batch's entry stays small
    however many there were. Whether a lower one came before is then asked of the log.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[int, str, int], tuple[Delivery, KnownDevice | None]] = {}
        self._count: Counter[tuple[int, str, int]] = Counter()
        self._highest: dict[tuple[int, str, int], tuple[int, int]] = {}
        self._last_us: dict[tuple[int, str, int], int] = {}

    def add(
        self, delivery: Delivery, device: KnownDevice | None, why: MessageRejected, number: tuple[int, int]
    ) -> None:
        """One more."""
        key = device.no if device else -1, why.reason, delivery.received_us // TICK_US
        if key not in self._first:
            self._first[key], self._highest[key] = (delivery, device), number
        elif number > self._highest[key]:
            self._highest[key] = number
        self._count[key] += 1
        self._last_us[key] = delivery.received_us

    def rejections(self) -> list[Rejection]:
        """One for all of a device, reason and second."""
        return [
            replace(
                _rejection(delivery, device, MessageRejected(key[1], NOT_LOOKED_INTO), b"", self._highest[key], -1),
                received_us=self._last_us[key],
                count=self._count[key],
            )
            for key, (delivery, device) in self._first.items()
        ]


def _rejection(
    delivery: Delivery,
    device: KnownDevice | None,
    why: MessageRejected,
    payload: bytes,
    number: tuple[int, int],
    part: int,
) -> Rejection:
    return Rejection(
        reason=why.reason,
        detail=wire.printable(why.detail),
        topic=wire.printable(delivery.topic, MAX_TOPIC),
        payload=payload[:REJECTED_PAYLOAD_BYTES],
        received_us=delivery.received_us,
        device=device.no if device else -1,
        boot=number[0],
        seq=number[1],
        part=part,
    )
