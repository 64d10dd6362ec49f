"""Small steps between decoding and a batch: times as the engine counts them, rejections counted, conflicts kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import Batch, Columns, Rejects
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Delivery, Rejection
from ingest.rows import hash63

CONFLICT_DETAIL = "this number came before with another content; the first is kept"


def in_time(rows: Columns, since_us: int, now_us: int) -> Columns:
    """Receipt times as the engine counts them: never before the batch's start, never back, never after its end."""
    if rows.size:
        rows = rows.copy()
        rows["received_us"] = np.maximum.accumulate(np.clip(rows["received_us"], since_us, now_us))
    return rows


def says_anything(batch: Batch, rejections: Sequence[Rejection]) -> bool:
    """Whether the log needs this batch: records, a tick, or anything else that the engine would not know."""
    ticked = batch.now_us // TICK_US > batch.since_us // TICK_US
    other = batch.gaps or batch.notices or rejections or batch.past or batch.config is not None
    return bool(batch.records or ticked or other)


def tally(rejections: Sequence[Rejection]) -> tuple[Rejects, ...]:
    """Rejections counted by device and reason, with the numbers they settle. A conflict's number is settled already."""
    groups: dict[tuple[int, str], list[Rejection]] = {}
    for each in rejections:
        groups.setdefault((each.device, each.reason), []).append(each)
    counted = []
    for (device, reason), those in sorted(groups.items()):
        numbers = sorted({(each.boot, each.seq) for each in those if each.boot > 0 and reason != "conflict"})
        boots, seqs = tuple(boot for boot, _ in numbers), tuple(seq for _, seq in numbers)
        counted.append(Rejects(device, reason, len(those), boots, seqs))
    return tuple(counted)


def conflicts(rows: Columns, deliveries: Sequence[Delivery]) -> list[Rejection]:
    """Rejections of these rows, each with the bytes that it came in: a row's digest names its message."""
    if not rows.size:
        return []
    came = {hash63(delivery.payload): delivery for delivery in deliveries}
    return [_conflict(row, came.get(int(row["digest"]))) for row in rows]


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
