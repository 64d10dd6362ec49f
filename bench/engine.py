"""What the whole engine costs a record: `step()` with every rule and detector, on one pinned core.

    python -m bench.engine [--series 1000,10000] [--stages] [--bound]

The stream is the simulated city's, every vehicle and every sensor, copied to the number of series asked for
(`bench/sides/city_stream.py`); its batches are arrays ready-made. Seconds are those of the processor, so that other
programs beside do not count. The anchor is what NumPy does with the same readings at the least: copy the rows, sort
them by series, add up each series.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, Final

import numpy as np

from bench.sides.bounds import holds
from bench.sides.city_stream import FROM_US, Original, Shelf, Stream
from contracts.clock import MINUTE_US
from contracts.columns import DTYPES, Columns
from contracts.jit import warm_up
from processing import engine
from processing.state import State, to_fields

SERIES: Final = (1_000, 10_000, 100_000, 1_000_000)
RECORDS: Final = 65_536
"""About so many records make a batch, and a minute at the least, so that every batch closes windows."""
WARM_MINUTES: Final = 11
"""So long, or ENOUGH records, comes first and is not measured: it fills what is kept of the last ten minutes."""
BATCHES: Final = 12
LEAST_BATCHES: Final = 3
ENOUGH: Final = 4_000_000
"""Measured are so many batches, fewer where fewer hold so many records."""
LEAST_READINGS_PER_S: Final = 5_000_000
REACHED_READINGS_PER_S: Final = 400_000
"""What is promised, with room for a machine that others use too (docs/decisions/0075-how-fast-the-engine-is.md)."""
MOST_STATE_BYTES: Final = 4_096
MOST_GROWTH: Final = 3.0
"""What is asked of the engine: readings a second of one core, state a series, time a reading from 1,000 to 100,000."""


@dataclass(slots=True)
class Measured:
    """A city of one size: medians over its batches, and the seconds of each part over all of them."""

    asked: int
    series: int
    devices: int
    minutes: float
    readings: int = 0
    records: int = 0
    step_s: list[float] = field(default_factory=list)
    anchor_s: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    parts_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    state_bytes: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)

    @property
    def readings_per_s(self) -> float:
        """Readings a second; passages and all else beside them cost what they cost, and are not counted."""
        return self.readings / sum(self.step_s)

    @property
    def records_per_s(self) -> float:
        """Records of every kind a second."""
        return self.records / sum(self.step_s)

    @property
    def against_anchor(self) -> float:
        """Our seconds in the anchor's, batch by batch."""
        return median(ours / anchor for ours, anchor in zip(self.step_s, self.anchor_s, strict=True))

    @property
    def state_bytes_per_series(self) -> float:
        """Everything that a snapshot holds, by series."""
        return sum(self.state_bytes.values()) / self.series


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", default=",".join(map(str, SERIES)), help="sizes of the city, by series")
    parser.add_argument("--bound", action="store_true", help="whether state and growth to 100,000 hold their bounds")
    parser.add_argument("--stages", action="store_true", help="what each part costs in every size, not in one alone")
    asked = parser.parse_args(arguments)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warm_up()
    original = Original()
    original.reach(1)
    measured = []
    for series in map(int, asked.series.split(",")):
        measured.append(measure(original, series))
        _write_row(measured[-1], first=len(measured) == 1)
    alone = measure(original, measured[min(1, len(measured) - 1)].asked, kinds=("reading",))
    _write_row(alone, first=False)
    for each in measured if asked.stages else measured[min(1, len(measured) - 1) :][:1]:
        _write_parts(each)
    sys.stdout.write("anchor: NumPy copies the readings' rows, sorts them by series and adds up each series\n")
    figures = _figures(measured)
    figures["readings_alone_per_s"] = round(alone.readings_per_s)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if not asked.bound or _holds(figures) else 1


def _holds(figures: dict[str, Any]) -> bool:
    bytes_a_series = max(figures[name] for name in figures if name.startswith("state_bytes"))
    held = [
        holds("bytes of state a series", bytes_a_series, at_most=MOST_STATE_BYTES),
        holds(
            "time a reading, the largest city against the smallest", figures["growth_to_100_000"], at_most=MOST_GROWTH
        ),
        holds("readings a second of one core", figures["least_readings_per_s"], at_least=REACHED_READINGS_PER_S),
    ]
    return all(held)


def measure(original: Original, series: int, kinds: Sequence[str] = tuple(DTYPES)) -> Measured:
    """A city of about so many series, measured once it has run for a while; of its records only these kinds."""
    stream = Stream(original, series, kinds)
    length_us = max(MINUTE_US, round(RECORDS / _records_per_us(original, stream) / MINUTE_US) * MINUTE_US)
    made = Measured(series, stream.series, len(stream.city.devices), length_us / MINUTE_US)
    state, shelf, warmed = State(), Shelf(stream.city), 0
    until_us = FROM_US + WARM_MINUTES * MINUTE_US
    with timed_parts() as parts_s:
        for batch in stream.batches(length_us):
            parts_s.clear()
            began_s = time.thread_time()
            state, outputs = engine.step(state, batch, shelf)  # type: ignore[arg-type]
            took_s = time.thread_time() - began_s
            if batch.since_us < until_us and warmed < ENOUGH:
                warmed += batch.records
                continue
            made.step_s.append(took_s)
            made.anchor_s.append(_seconds(partial(anchor, batch.readings)))
            for name, seconds in parts_s.items():
                made.parts_s[name] += seconds
            made.parts_s["all else"] += took_s - sum(parts_s.values())
            made.readings += batch.readings.size
            made.records += batch.records
            made.said.update(
                windows=outputs.windows.size, violations=len(outputs.violations), alarms=len(outputs.alarms)
            )
            enough = made.records >= ENOUGH and len(made.step_s) >= LEAST_BATCHES
            if enough or len(made.step_s) == BATCHES:
                break
    for name, array in to_fields(state).items():
        made.state_bytes[name] += array.nbytes
    return made


def anchor(readings: Columns) -> Columns:
    """Copy the rows, sort them by series, add up each series."""
    rows = readings.copy()
    key = (rows["device"].astype(np.int64) << 32) | (rows["metric"].astype(np.int64) << 16) | rows["lane"]
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums: Columns = np.add.reduceat(rows["value"][order], starts)
    return sums


class timed_parts:
    """While this is entered, every stage of the engine and what it does before them adds its seconds up by name."""

    OTHERS: Final = ("_recall", "Said", "_marks")

    def __enter__(self) -> dict[str, float]:
        self._seconds: dict[str, float] = defaultdict(float)
        self._stages = engine.STAGES
        self._held: dict[str, Any] = {name: getattr(engine, name) for name in self.OTHERS if hasattr(engine, name)}
        setattr(engine, "STAGES", tuple(self._timed(_name_of(stage), stage) for stage in self._stages))  # noqa: B010
        for name, function in self._held.items():
            setattr(engine, name, self._timed(name.strip("_").lower(), function))
        return self._seconds

    def __exit__(self, *_: object) -> None:
        setattr(engine, "STAGES", self._stages)  # noqa: B010
        for name, function in self._held.items():
            setattr(engine, name, function)

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            began_s = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self._seconds[name] += time.thread_time() - began_s

        return timed


def _name_of(stage: Any) -> str:
    module = stage.__module__.removeprefix("processing.")
    return module if stage.__name__ == "fold" else f"{module}.{stage.__name__.strip('_')}"


def _records_per_us(original: Original, stream: Stream) -> float:
    hours = original.hours * 60 * MINUTE_US
    return sum(rows.size for rows in original.rows.values()) / hours * stream.series / original.series


def _seconds(work: Callable[[], object]) -> float:
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s


def _write_row(each: Measured, first: bool) -> None:
    say = sys.stdout.write
    if first:
        say(f"{'series':>9}{'devices':>9}{'minutes':>9}{'readings/s':>13}{'records/s':>13}{'ns a record':>13}")
        say(f"{'x anchor':>10}{'bytes a series':>16}   said in a batch\n")
    said = ", ".join(f"{count / len(each.step_s):,.0f} {what}" for what, count in each.said.items())
    say(f"{each.series:9,}{each.devices:9,}{each.minutes:9,.0f}{each.readings_per_s:13,.0f}{each.records_per_s:13,.0f}")
    say(f"{1e9 / each.records_per_s:13.1f}{each.against_anchor:10.2f}{each.state_bytes_per_series:16,.0f}   {said}\n")
    sys.stdout.flush()


def _write_parts(each: Measured) -> None:
    say, whole = sys.stdout.write, sum(each.step_s)
    say(f"\nwhat each part costs at {each.series:,} series: share, and nanoseconds a record\n")
    for name, seconds in sorted(each.parts_s.items(), key=lambda part: -part[1]):
        say(f"  {name:34}{seconds / whole:8.1%}{seconds / each.records * 1e9:9.1f}\n")
    say(f"\nthe state at {each.series:,} series: bytes a series\n")
    by_part: Counter[str] = Counter()
    for name, size in each.state_bytes.items():
        by_part[name.split(".")[0]] += size
    for name, size in by_part.most_common():
        say(f"  {name:34}{size / each.series:9,.0f}\n")
    say("\n")


def _figures(measured: list[Measured]) -> dict[str, Any]:
    """`ratios` above 1 hold the bound."""
    figures: dict[str, Any] = {}
    for each in measured:
        figures[f"readings_per_s_{each.asked}"] = round(each.readings_per_s)
        figures[f"records_per_s_{each.asked}"] = round(each.records_per_s)
        figures[f"state_bytes_{each.asked}"] = round(each.state_bytes_per_series)
    least = measured[0]
    largest = max((each for each in measured if each.asked <= 100_000), key=lambda each: each.asked, default=least)
    growth = least.records_per_s / largest.records_per_s
    figures["least_readings_per_s"] = min(figures[f"readings_per_s_{each.asked}"] for each in measured)
    figures["growth_to_100_000"] = round(growth, 2)
    chosen = measured[min(1, len(measured) - 1)]
    figures["ratios"] = {
        "readings_per_s_vs_5m": round(chosen.readings_per_s / LEAST_READINGS_PER_S, 3),
        "records_per_s_vs_5m": round(chosen.records_per_s / LEAST_READINGS_PER_S, 3),
        "step_vs_numpy_pass": round(1 / chosen.against_anchor, 3),
        "state_4096_vs_bytes": round(MOST_STATE_BYTES / max(1.0, largest.state_bytes_per_series), 3),
        "growth_3_vs_measured": round(MOST_GROWTH / growth, 3),
    }
    return figures


if __name__ == "__main__":
    sys.exit(main())
