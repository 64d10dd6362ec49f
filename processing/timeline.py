"""A batch's own time: the points of the one-second grid that were reached in it, and from which one a record counts.

A record counts from the first tick after its receipt on, wherever the batch ends: so nothing depends on how the stream
was cut.
"""

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import DTYPES, Batch, Columns
from processing.state import Int64s


def ticks_of(batch: Batch) -> Int64s:
    """All points of the grid in (`since_us`, `now_us`], int64 (t,)."""
    first = (batch.since_us // TICK_US + 1) * TICK_US
    return np.arange(first, batch.now_us + 1, TICK_US, dtype=np.int64)


def tick_index(ticks: Int64s, received_us: Int64s) -> Int64s:
    """The index int64 (n,) of the first tick at which each record counts; t where that one lies beyond the batch."""
    return np.searchsorted(ticks, received_us, side="right").astype(np.int64)


def arrivals(batch: Batch) -> tuple[Int64s, Int64s, Int64s]:
    """Device, receipt and event time, us, of the records of all kinds in order of arrival; int64 (n,) each."""
    kinds = [batch.kind(name) for name in DTYPES if batch.kind(name).size]
    if not kinds:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    device, received, event = (
        np.concatenate([rows[name] for rows in kinds]).astype(np.int64)
        for name in ("device", "received_us", "event_us")
    )
    if len(kinds) > 1:
        order = np.argsort(np.concatenate([rows["place"] for rows in kinds]), kind="stable")
        return device[order], received[order], event[order]
    return device, received, event


def column(rows: Columns, name: str) -> Int64s:
    """A column as contiguous int64 (n,), as kernels take it."""
    return np.ascontiguousarray(rows[name], np.int64)
