"""A batch's own time: the points of the one-second grid that were reached in it, and from which one a record counts.

A record counts from the first tick after its receipt on, wherever the batch ends: so nothing depends on how the stream
was cut.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import Batch, Columns
from contracts.records import StatusEvent
from processing.kernels.timeline import by_device, line_up
from processing.state import Int64s


def ticks_of(batch: Batch) -> Int64s:
    """All points of the grid in (`since_us`, `now_us`], int64 (t,)."""
    first = (batch.since_us // TICK_US + 1) * TICK_US
    return np.arange(first, batch.now_us + 1, TICK_US, dtype=np.int64)


def tick_index(ticks: Int64s, received_us: Int64s) -> Int64s:
    """The index int64 (n,) of the first tick at which each record counts; t where that one lies beyond the batch."""
    return np.searchsorted(ticks, received_us, side="right").astype(np.int64)


@dataclass(frozen=True)
class Arrivals:
    """The records of all kinds in order of arrival, int64 (n,) each; `reading`: its row among the readings, or -1.

    Last wills are not among them: nobody hears the device in them, and their time, that of receipt, says nothing of how
    far its own has come, which a backlog may still lie behind.

    Those of device d are order[first[d]:first[d + 1]], in order of arrival.
    """

    device: Int64s
    received_us: Int64s
    event_us: Int64s
    reading: Int64s
    devices: int

    @property
    def order(self) -> Int64s:
        """The records by device, int64 (n,)."""
        return self._by_device[0]

    @property
    def first(self) -> Int64s:
        """Where those of each device begin in `order`, int64 (devices + 1,)."""
        return self._by_device[1]

    @cached_property
    def _by_device(self) -> tuple[Int64s, Int64s]:
        order, first = np.empty(self.device.size, np.int64), np.zeros(self.devices + 1, np.int64)
        by_device(self.device, first, order)
        return order, first


def arrive(batch: Batch, size: int) -> Arrivals:
    """The arrivals of a batch among `size` device places."""
    of_itself = batch.statuses[batch.statuses["event"] != StatusEvent.DEATH]
    kinds = [rows for rows in (batch.passages, batch.signals, of_itself) if rows.size]
    others = tuple(
        np.concatenate([rows[name] for rows in kinds], dtype=np.int64) if kinds else np.empty(0, np.int64)
        for name in ("place", "device", "received_us", "event_us")
    )
    if len(kinds) > 1:
        order = np.argsort(others[0], kind="stable")
        others = tuple(column[order] for column in others)
    count = batch.readings.size + others[0].size
    device, received_us, event_us, reading = (np.empty(count, np.int64) for _ in range(4))
    line_up(batch.readings, others, (device, received_us, event_us, reading))
    return Arrivals(device, received_us, event_us, reading, size)


def column(rows: Columns, name: str) -> Int64s:
    """A column as contiguous int64 (n,), as kernels take it."""
    return np.ascontiguousarray(rows[name], np.int64)
