"""A batch's own time: the points of the one-second grid that were reached in it, and from which one a record counts.

A record counts from the first tick after its receipt on, wherever the batch ends: so nothing depends on how the stream
was cut.
"""

from dataclasses import dataclass

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import DTYPES, Batch, Columns
from processing.kernels.timeline import by_device
from processing.state import Int64s


def ticks_of(batch: Batch) -> Int64s:
    """All points of the grid in (`since_us`, `now_us`], int64 (t,)."""
    first = (batch.since_us // TICK_US + 1) * TICK_US
    return np.arange(first, batch.now_us + 1, TICK_US, dtype=np.int64)


def tick_index(ticks: Int64s, received_us: Int64s) -> Int64s:
    """The index int64 (n,) of the first tick at which each record counts; t where that one lies beyond the batch."""
    return np.searchsorted(ticks, received_us, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The records of all kinds in order of arrival, int64 (n,) each, and by device.

    Those of device d are order[first[d]:first[d + 1]], in order of arrival. `readings`: where the batch's readings are.
    """

    device: Int64s
    received_us: Int64s
    event_us: Int64s
    readings: Int64s
    order: Int64s
    first: Int64s


def arrive(batch: Batch, size: int) -> Arrivals:
    """The arrivals of a batch among `size` device places."""
    kinds = [batch.kind(name) for name in DTYPES if batch.kind(name).size]
    device, received, event, place = (
        np.concatenate([rows[name] for rows in kinds], dtype=np.int64) if kinds else np.empty(0, np.int64)
        for name in ("device", "received_us", "event_us", "place")
    )
    readings = np.arange(batch.readings.size, dtype=np.int64)
    if len(kinds) > 1:
        sort = np.argsort(place, kind="stable")
        device, received, event = device[sort], received[sort], event[sort]
        readings = np.searchsorted(place[sort], batch.readings["place"]).astype(np.int64)
    order, first = np.empty(device.size, np.int64), np.zeros(size + 1, np.int64)
    by_device(device, first, order)
    return Arrivals(device, received, event, readings, order, first)


def column(rows: Columns, name: str) -> Int64s:
    """A column as contiguous int64 (n,), as kernels take it."""
    return np.ascontiguousarray(rows[name], np.int64)
