"""Naive twin of processing/kernels/windows.py: tick by tick over a whole history, with dictionaries for memory.

It takes the history at once instead of arrays with the memory of the batches before: what counts is what is said.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MINUTE, TICK = 60_000_000, 1_000_000
NEVER = 2**62


@dataclass
class Window:
    """A minute of a series: its samples (event time, value), of which the first `told` were said."""

    samples: list[tuple[int, float]] = field(default_factory=list)
    told: int = 0
    revision: int = 0
    closed: int = 0


@dataclass
class Memory:
    """What a device is known by."""

    newest: int = 0
    heard: int = 0
    boundary: int = 0
    due: int = NEVER
    open: dict[int, dict[int, Window]] = field(default_factory=dict)
    floor: dict[int, int] = field(default_factory=dict)
    queue: dict[int, list[int]] = field(default_factory=dict)


def sort(values: Any, spare: Any, count: int) -> None:
    values[:count] = sorted(values[:count].tolist())


def walk(records: Any, since_us: int, now_us: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[int]]:
    """Of records (device, received, event, series or -1, value) in order of arrival: the rows said, the windows given
    back, and which records came too late."""
    memories: dict[int, Memory] = {}
    rows: list[tuple[Any, ...]] = []
    given: list[tuple[Any, ...]] = []
    late: list[int] = []
    for tick in range((since_us // TICK + 1) * TICK, now_us + 1, TICK):
        coming: dict[int, list[int]] = {}
        for row, record in enumerate(records):
            if record[1] // TICK * TICK + TICK == tick:
                coming.setdefault(record[0], []).append(row)
        for device in sorted({*memories, *coming}):
            memory = memories.setdefault(device, Memory())
            if device in coming or tick >= memory.due:
                for row in coming.get(device, []):
                    _hear(memory, tick, records[row], row, late)
                _close(memory, tick, rows, given)
            if tick % MINUTE == 0:
                for series in memory.open:
                    _give_back(memory, series, tick, NEVER, given)
    return rows, given, late


def _hear(memory: Memory, tick: int, record: Any, row: int, late: list[int]) -> None:
    _, received, event, series, value = record
    memory.newest, memory.heard = max(memory.newest, event), max(memory.heard, received)
    if series < 0:
        return
    minutes = memory.open.setdefault(series, {})
    window = minutes.get(event // MINUTE)
    if window is None and event // MINUTE <= memory.floor.get(series, -1):
        late.append(row)
    elif window is not None and window.revision and window.closed < tick - 600 * TICK:
        late.append(row)
    else:
        minutes.setdefault(event // MINUTE, Window()).samples.append((event, value))


def _close(memory: Memory, tick: int, rows: list[Any], given: list[Any]) -> None:
    limit = tick if tick - memory.heard >= 30 * TICK else memory.newest - 2 * TICK
    memory.boundary = max(memory.boundary, limit // MINUTE * MINUTE)
    for series, minutes in memory.open.items():
        for minute, window in sorted(minutes.items()):
            if len(window.samples) > window.told and (minute + 1) * MINUTE <= memory.boundary:
                if not window.revision:
                    memory.queue.setdefault(series, []).append(minute)
                rows.append(_say(window, series, minute, tick))
        if sum(window.told for window in minutes.values()) > 128:
            _give_back(memory, series, tick, 128, given)
    ends = [(m + 1) * MINUTE for of in memory.open.values() for m, w in of.items() if len(w.samples) > w.told]
    memory.due = max(tick + TICK, min(ends), memory.heard + 30 * TICK) if ends else NEVER


def _say(window: Window, series: int, minute: int, tick: int) -> tuple[Any, ...]:
    values = [value for _, value in window.samples]
    fresh = values[window.told :]
    if not window.revision:
        window.closed = max(tick, (minute + 1) * MINUTE)
    window.revision, window.told = window.revision + 1, len(values)
    mean = math.fsum(values) / len(values)
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else math.nan
    quantiles = [float(np.quantile(values, share, method="linear")) for share in (0.5, 0.85, 0.95)]
    figures = (math.fsum(fresh), mean, min(values), max(values), sd, *quantiles, max(window.samples)[1])
    return (series, minute * MINUTE, tick, window.revision, len(values), len(fresh), figures)


def _give_back(memory: Memory, series: int, tick: int, most: int, given: list[Any]) -> None:
    minutes, queue = memory.open[series], memory.queue.setdefault(series, [])
    while queue:
        window = minutes[queue[0]]
        held = sum(window.told for window in minutes.values())
        if (window.closed >= tick - 600 * TICK and held <= most) or len(window.samples) > window.told:
            return
        oldest = queue.pop(0)
        del minutes[oldest]
        memory.floor[series] = max(memory.floor.get(series, -1), oldest)
        given.append((series, oldest, tick, len(window.samples), max(window.samples)))
