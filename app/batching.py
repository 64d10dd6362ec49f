"""Small steps between decoding and a batch: times as the engine counts them, rejections counted, conflicts kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from contracts import wire
from contracts.clock import TICK_US
from contracts.columns import Batch, Columns, Rejects
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Delivery, Rejection
from contracts.devices import Device

CONFLICT_DETAIL = "this number came before with another content; the first is kept"
_MESSAGE = ("device", "boot", "seq", "digest")


def in_time(rows: Columns, since_us: int, now_us: int) -> Columns:
    """Receipt times as the engine counts them: never before the batch's start, never back, never after its end."""
    counted = np.maximum.accumulate(np.clip(rows["received_us"], since_us, now_us))
    if not np.array_equal(counted, rows["received_us"]):
        rows = rows.copy()
        rows["received_us"] = counted
    return rows


def says_anything(batch: Batch, rejections: Sequence[Rejection]) -> bool:
    """Whether the log needs this batch: records, a tick, or anything else that the engine would not know."""
    ticked = batch.now_us // TICK_US > batch.since_us // TICK_US
    other = batch.gaps or batch.notices or rejections or batch.past or batch.config is not None
    return bool(batch.records or ticked or other)


def tally(rejections: Sequence[Rejection], since_us: int, now_us: int) -> tuple[Rejects, ...]:
    """Rejections counted by tick, device and reason, with the numbers they settle. A conflict's number is settled
    already. Their receipt is as the engine counts it: within the batch from `since_us` to `now_us`."""
    groups: dict[tuple[int, int, str], list[Rejection]] = {}
    for each in rejections:
        received_us = min(max(each.received_us, since_us), now_us)
        groups.setdefault(((received_us // TICK_US + 1) * TICK_US, each.device, each.reason), []).append(each)
    counted = []
    for (at_us, device, reason), those in sorted(groups.items()):
        numbers = sorted({(each.boot, each.seq) for each in those if each.boot > 0 and reason != "conflict"})
        boots, seqs = tuple(boot for boot, _ in numbers), tuple(seq for _, seq in numbers)
        counted.append(Rejects(device, reason, sum(each.count for each in those), boots, seqs, at_us))
    return tuple(counted)


def conflicts(rows: Columns, deliveries: Sequence[Delivery], devices: Mapping[int, Device]) -> list[Rejection]:
    """Rejections of the messages that these rows are of, one each with the bytes that it came in, whatever it holds. A
    passage's digest is keyed and names no message: device, number and receipt do, and of several such any is the
    evidence."""
    if not rows.size:
        return []
    begins = np.ones(rows.size, np.bool_)  # the rows of a message stand together
    begins[1:] = np.logical_or.reduce([rows[name][1:] != rows[name][:-1] for name in _MESSAGE])
    rows = rows[begins]
    names = {no: devices[no].id for no in set(rows["device"].tolist()) if no in devices}
    said = set(names.values())
    theirs = [(name, each) for each in deliveries if (name := device_in(each.topic)) in said]
    came = {(name, *wire.number_of(each.payload), each.received_us): each for name, each in theirs}
    keys = [(names.get(no), *rest) for no, *rest in rows[["device", "boot", "seq", "received_us"]].tolist()]
    return [_conflict(row, came.get(key)) for row, key in zip(rows, keys, strict=True)]


def device_in(topic: str) -> str:
    """The part of a topic that names a device; of an illegal topic anything, which then names none."""
    return topic.rpartition("/")[0].rpartition("/")[2]


def _conflict(row: Any, delivery: Delivery | None) -> Rejection:
    return Rejection(
        "conflict",
        CONFLICT_DETAIL,
        delivery.topic if delivery else "",
        delivery.payload[:REJECTED_PAYLOAD_BYTES] if delivery else b"",
        int(row["received_us"]),
        device=int(row["device"]),
        boot=int(row["boot"]),
        seq=int(row["seq"]),
        part=int(row["part"]),
    )
