"""A city version as arrays: what the rules look up, laid out for kernels. Made once per version, never changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.clock import SECOND_US
from contracts.devices import Device
from contracts.findings import Priority
from contracts.records import Direction, VehicleClass
from contracts.roads import Limit
from contracts.rules import Rule
from processing.calendar import span_of, thai_midnight_us
from processing.rulebook import check_rules

Table = TypeVar("Table")
FOR_EVER_US: Final = np.iinfo(np.int64).max
ANY: Final = -1
"""A limit for every vehicle class, or for both directions."""

VEHICLES: Final = {"any": ANY} | {vehicle.name.lower(): int(vehicle) for vehicle in VehicleClass}
_DIRECTIONS: Final = {"both": ANY} | {direction.name.lower(): int(direction) for direction in Direction}
FACES: Final = {"none": 0, "front": 1, "rear": 2, "both": 3}


def pack_series(device: Any, metric: Any, lane: Any) -> Any:
    """One int64 key of a series: device, metric code and lane, in that order of significance."""
    return (np.asarray(device, np.int64) << 32) | (np.asarray(metric, np.int64) << 16) | np.asarray(lane, np.int64)


@dataclass(frozen=True, slots=True)
class Limits:
    """Speed limits by segment: rows `first[s]:first[s + 1]` belong to segment s. All arrays int64 unless said."""

    first: npt.NDArray[np.int64]
    direction: npt.NDArray[np.int64]
    vehicle: npt.NDArray[np.int64]
    when: npt.NDArray[np.int64]
    """Five a row: in force from and until (us), and the hours and weekdays (processing/calendar.py)."""
    limit_kmh: npt.NDArray[np.float64]
    threshold_kmh: npt.NDArray[np.float64]
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The arrays of one city version. Device arrays are indexed by registry number, 0..`size` - 1."""

    city: City
    size: int
    devices: dict[int, Device]
    known: npt.NDArray[np.bool_]
    silent_after_us: npt.NDArray[np.int64]
    speed_segment: npt.NDArray[np.int64]
    """The segment that a speed camera watches, -1 for every other device: a counting camera's speed is no evidence."""
    faces: npt.NDArray[np.int64]
    series_key: npt.NDArray[np.int64]
    series_expected: npt.NDArray[np.float64]
    metric_code: dict[str, int]
    limits: Limits
    rules: tuple[Rule, ...]
    tables: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def table(self, make: "Callable[[Compiled], Table]") -> Table:
        """What `make` makes of this city version, made once: a rule's own lookup arrays."""
        if make not in self.tables:
            self.tables[make] = make(self)
        made: Table = self.tables[make]
        return made

    def rules_of(self, kind: str) -> tuple[Rule, ...]:
        """The enabled rules of a kind, in the city's order."""
        return self.table(_by_kind).get(kind, ())

    def priority(self, kind: str) -> Priority:
        """The priority of an alarm kind by its rationalised entry; low where the city has none."""
        for response in self.city.responses:
            if response.kind == kind:
                return Priority[response.priority.upper()]
        return Priority.LOW


def _by_kind(compiled: Compiled) -> dict[str, tuple[Rule, ...]]:
    rules: dict[str, tuple[Rule, ...]] = {}
    for rule in compiled.rules:
        if rule.enabled:
            rules[rule.kind] = (*rules.get(rule.kind, ()), rule)
    return rules


def compile_city(city: City) -> Compiled:
    """Lay a numbered city out as arrays. `series_expected` is samples a minute; keys are sorted.

    Raises:
        ConfigError: a rule of the city is none that the engine can work with.
    """
    check_rules(city)
    devices = {device.no: device for device in city.devices}
    if 0 in devices:
        raise ValueError("the city's devices have no numbers yet; they get them when the city is imported")
    size = max(devices, default=0) + 1
    known = np.zeros(size, np.bool_)
    silent_after = np.full(size, FOR_EVER_US, np.int64)
    segment = np.full(size, -1, np.int64)
    faces = np.zeros(size, np.int64)
    segments = {entry.id: index for index, entry in enumerate(city.segments)}
    codes = {metric.key: metric.code for metric in city.metrics}
    keys: list[int] = []
    expected: list[float] = []
    for no, device in devices.items():
        known[no] = True
        silent_after[no] = int(device.silent_after_s * SECOND_US)
        segment[no] = segments[device.segment] if device.segment and "speed" in device.functions else -1
        faces[no] = FACES[device.faces]
        for series in device.series:
            keys.append(int(pack_series(no, codes[series.metric], series.lane)))
            expected.append(60.0 / series.interval_s)
    order = np.argsort(np.array(keys, np.int64), kind="stable")
    return Compiled(
        city=city,
        size=size,
        devices=devices,
        known=known,
        silent_after_us=silent_after,
        speed_segment=segment,
        faces=faces,
        series_key=np.array(keys, np.int64)[order],
        series_expected=np.array(expected, np.float64)[order],
        metric_code=codes,
        limits=_compile_limits(city),
        rules=city.rules,
    )


def _compile_limits(city: City) -> Limits:
    by_segment: dict[str, list[Limit]] = {segment.id: [] for segment in city.segments}
    for limit in city.limits:
        by_segment[limit.segment].append(limit)
    rows = [limit for segment in city.segments for limit in by_segment[segment.id]]
    counts = [len(by_segment[segment.id]) for segment in city.segments]
    return Limits(
        first=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).astype(np.int64),
        direction=np.array([_DIRECTIONS[row.direction] for row in rows], np.int64),
        vehicle=np.array([VEHICLES[row.vehicle] for row in rows], np.int64),
        when=np.array([(*in_force_us(row), *span_of(row.hours)) for row in rows], np.int64).ravel(),
        limit_kmh=np.array([row.limit_kmh for row in rows], np.float64),
        threshold_kmh=np.array([row.threshold_kmh for row in rows], np.float64),
        source=tuple(row.source for row in rows),
    )


class Dated(Protocol):
    """An entry of the city that holds from a Thai day until another, which is no longer part of it, or for ever."""

    @property
    def valid_from(self) -> date: ...
    @property
    def valid_until(self) -> date | None: ...


def in_force_us(entry: Dated) -> tuple[int, int]:
    """From when on an entry holds and until when, us."""
    until_us = thai_midnight_us(entry.valid_until) if entry.valid_until else FOR_EVER_US
    return thai_midnight_us(entry.valid_from), until_us
