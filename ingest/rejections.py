"""What is kept of what was not accepted: enough to see the fault and to feed it in again after a fix."""

from typing import Final

from contracts import wire
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Delivery, Rejection
from contracts.errors import MessageRejected
from contracts.records import Record
from contracts.topics import Kind
from ingest.registry import KnownDevice

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
