"""What goes wrong, planted and labelled: instruments, devices, networks, roads, and episodes of weather, air and noise.

Which faults a day has depends on (city, seed, plan, day) alone; a fault may reach into the next day. Two faults never
touch the same device within an hour, so that what is found can be told apart. Figures are our choice: large beside the
noise of the simulated series, small beside what a broken instrument can do.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from contracts.city import City
from contracts.clock import DAY_US, HOUR_US, MINUTE_US, to_datetime
from contracts.devices import Device, Maintenance
from contracts.records import Direction
from simulators.chains import views_of
from simulators.chance import Draw, Floats, Ints, generator
from simulators.demand import utc_offset_us
from simulators.simulated import cameras_of, stations_of


class Fault(StrEnum):
    """Every kind that is planted."""

    SPIKE = "spike"
    LEVEL_SHIFT = "level_shift"
    FLATLINE = "flatline"
    DRIFT = "drift"
    DISAGREEMENT = "disagreement"
    CITY_EVENT = "city_event"
    STUCK_COUNTER = "stuck_counter"
    DEVICE_SILENT = "device_silent"
    STREET_OUTAGE = "street_outage"
    CHATTERING = "chattering"
    CLOCK_DRIFT = "clock_drift"
    DIRTY_LENS = "dirty_lens"
    OUT_OF_CALIBRATION = "out_of_calibration"
    MAINTENANCE = "maintenance"
    SIREN_TEST = "siren_test"
    CONGESTION = "congestion"
    INCIDENT = "incident"
    HAZE = "haze"
    LOUD = "loud"
    DOWNPOUR = "downpour"
    HIGH_WATER = "high_water"
    HEAT = "heat"


MISTRUSTED: Final = (Fault.CLOCK_DRIFT, Fault.DIRTY_LENS, Fault.OUT_OF_CALIBRATION, Fault.MAINTENANCE)
"""While one of these lasts, what the device says is held against nobody."""
SERIES: Final = (Fault.SPIKE, Fault.LEVEL_SHIFT, Fault.FLATLINE, Fault.DRIFT, Fault.DISAGREEMENT)
"""Faults of one instrument: one series of one device."""
SWELLING: Final = (Fault.CITY_EVENT, Fault.HAZE, Fault.DOWNPOUR, Fault.HIGH_WATER, Fault.HEAT, Fault.LOUD)
RISING: Final = 0.12
"""What comes and goes slowly does so within this share of its time, at each end."""
EVERYWHERE: Final = (Fault.CITY_EVENT, Fault.SIREN_TEST, Fault.HAZE, Fault.LOUD, Fault.DOWNPOUR, Fault.HEAT)
"""What all stations feel that measure it."""
WIDE: Final = (*EVERYWHERE, Fault.STREET_OUTAGE)

Ways = list[tuple[str, int, tuple[str, ...]]]

LASTS_MIN: Final[Mapping[Fault, tuple[float, float]]] = MappingProxyType(
    {
        Fault.SPIKE: (1.0, 1.0),
        Fault.LEVEL_SHIFT: (120.0, 240.0),
        Fault.FLATLINE: (120.0, 240.0),
        Fault.DRIFT: (300.0, 480.0),
        Fault.DISAGREEMENT: (240.0, 420.0),
        Fault.CITY_EVENT: (60.0, 120.0),
        Fault.STUCK_COUNTER: (120.0, 240.0),
        Fault.DEVICE_SILENT: (15.0, 60.0),
        Fault.STREET_OUTAGE: (15.0, 45.0),
        Fault.CHATTERING: (40.0, 70.0),
        Fault.CLOCK_DRIFT: (120.0, 300.0),
        Fault.DIRTY_LENS: (180.0, 360.0),
        Fault.OUT_OF_CALIBRATION: (240.0, 480.0),
        Fault.MAINTENANCE: (60.0, 150.0),
        Fault.SIREN_TEST: (2.0, 2.0),
        Fault.CONGESTION: (45.0, 75.0),
        Fault.INCIDENT: (30.0, 60.0),
        Fault.HAZE: (1_500.0, 1_620.0),
        Fault.LOUD: (180.0, 300.0),
        Fault.DOWNPOUR: (70.0, 110.0),
        Fault.HIGH_WATER: (120.0, 180.0),
        Fault.HEAT: (120.0, 180.0),
    }
)
"""How long each lasts, minutes: least and most. Haze stays for more than a day, as the 24 h mean asks."""

SPREAD: Final[Mapping[str, float]] = MappingProxyType(
    {
        "pm2_5": 6.0, "pm10": 10.0, "no2": 6.0, "o3": 6.0, "temperature": 1.2, "humidity": 5.0, "pressure": 1.0,
        "laeq": 4.0, "lamax": 5.0, "level_m": 0.25,
    }
)  # fmt: skip
"""What a series moves by within minutes or an hour, in its unit: the measure of a planted fault. Series that are often
zero (rain), turn (wind direction) or follow the sun are not broken here."""
SIZE: Final[Mapping[Fault, float]] = MappingProxyType(
    {Fault.SPIKE: 12.0, Fault.LEVEL_SHIFT: 8.0, Fault.DRIFT: 12.0, Fault.DISAGREEMENT: 10.0, Fault.CITY_EVENT: 7.0}
)
"""How far a fault goes, in spreads."""
NEVER_UP: Final = frozenset({"humidity"})
NEVER_DOWN: Final = frozenset({"pm2_5", "pm10", "no2", "o3"})
"""Series that lie near an end of what can be: a fault beyond it would be cut off."""
NEIGHBOURS: Final = 3
"""A disagreement needs so many other stations that measure the same."""
TALKS_US: Final = MINUTE_US
REST_US: Final = 5 * MINUTE_US
"""A chattering device speaks for the one and rests for the other, over and over."""
OUTAGE_DEVICES: Final = 3
"""A street has at least so many devices, or its failure looks like one device's."""
CLOCK_OFF_S: Final = 4.0
"""How wrong a drifting clock gets; its status says so."""
DIRTY_SCORE: Final = 0.32
EXPIRED_US: Final = 20 * DAY_US
"""So long ago a calibration has run out."""
JAM_FACTOR: Final = 0.16
SIREN_DBA: Final = 26.0
HAZE_UG_M3: Final = 62.0
LOUD_DBA: Final = 24.0
DOWNPOUR_MM_H: Final = 75.0
HIGH_WATER_M: Final = 2.2
HEAT_C: Final = 6.5
"""What an episode adds at its height."""
DAYS_BACK: Final = 2
"""No fault lasts longer than this many days."""
TRIES: Final = 40
HAZE_EVERY_DAYS: Final = 6
"""A past of eight days always has one whole episode."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How many of each kind begin on a mean day. `haze`, `siren`: whether the cycle of episodes and the test run.

    Only what begins in [`from_us`, `to_us`) is planted.
    """

    per_day: Mapping[Fault, float] = field(default_factory=dict)
    haze: bool = True
    siren: bool = True
    from_us: int = 0
    to_us: int = 2**62


DEMO_FAULTS: Final = FaultPlan(
    {
        Fault.SPIKE: 4.0, Fault.LEVEL_SHIFT: 1.0, Fault.FLATLINE: 1.5, Fault.DRIFT: 0.7, Fault.DISAGREEMENT: 0.7,
        Fault.CITY_EVENT: 0.4, Fault.STUCK_COUNTER: 1.0, Fault.DEVICE_SILENT: 4.0, Fault.STREET_OUTAGE: 0.7,
        Fault.CHATTERING: 0.7, Fault.CLOCK_DRIFT: 1.0, Fault.DIRTY_LENS: 1.5, Fault.OUT_OF_CALIBRATION: 0.7,
        Fault.CONGESTION: 3.0, Fault.INCIDENT: 2.0, Fault.LOUD: 0.4, Fault.DOWNPOUR: 0.4, Fault.HIGH_WATER: 0.5,
        Fault.HEAT: 0.3,
    }
)  # fmt: skip
"""What a city shows that is simply switched on."""
EVERY_FAULT: Final = FaultPlan(
    {
        Fault.SPIKE: 8.0, Fault.LEVEL_SHIFT: 3.0, Fault.FLATLINE: 4.0, Fault.DRIFT: 2.0, Fault.DISAGREEMENT: 1.0,
        Fault.CITY_EVENT: 1.0, Fault.STUCK_COUNTER: 4.0, Fault.DEVICE_SILENT: 10.0, Fault.STREET_OUTAGE: 3.0,
        Fault.CHATTERING: 3.0, Fault.CLOCK_DRIFT: 4.0, Fault.DIRTY_LENS: 4.0, Fault.OUT_OF_CALIBRATION: 4.0,
        Fault.MAINTENANCE: 4.0, Fault.CONGESTION: 5.0, Fault.INCIDENT: 5.0, Fault.LOUD: 1.0, Fault.DOWNPOUR: 1.0,
        Fault.HIGH_WATER: 2.0, Fault.HEAT: 1.0, Fault.HAZE: 1.0,
    },
    haze=False,
)  # fmt: skip
"""A day that is to be scored."""
NO_FAULTS: Final = FaultPlan({}, haze=False, siren=False)


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault, in [from_us, to_us) by the city's time. `metrics`: of the series it is about, empty for all of them.

    `rest`: further devices that feel it and are not at fault: downstream of an incident, say. `size` is in the unit of
    the metric, km/h factor, seconds or metres, as the kind has it.
    """

    kind: Fault
    devices: tuple[str, ...]
    from_us: int
    to_us: int
    metrics: tuple[str, ...] = ()
    lane: int = 0
    segment: str = ""
    direction: int = 0
    size: float = 0.0

    def touches(self, from_us: int, to_us: int) -> bool:
        """Whether any of it lies in [from_us, to_us)."""
        return self.from_us < to_us and self.to_us > from_us


class Faults:
    """The faults of a city, day by day; a day is planned once and kept."""

    def __init__(self, city: City, seed: int, plan: FaultPlan) -> None:
        self._city, self._seed, self._plan = city, seed, plan
        self._ways = _ways(city)
        self._days: OrderedDict[int, tuple[Planted, ...]] = OrderedDict()

    def between(self, from_us: int, to_us: int) -> tuple[Planted, ...]:
        """Everything that touches [from_us, to_us), in order of its beginning."""
        offset_us = utc_offset_us(self._city.time_zone, from_us)
        first, last = (from_us + offset_us) // DAY_US - DAYS_BACK, (to_us + offset_us) // DAY_US
        found = [one for day in range(first, last + 1) for one in self._of_day(day) if one.touches(from_us, to_us)]
        found = [one for one in found if self._plan.from_us <= one.from_us < self._plan.to_us]
        return tuple(sorted(found, key=lambda one: (one.from_us, one.kind, one.devices)))

    def maintenance(self, from_us: int, to_us: int) -> tuple[Maintenance, ...]:
        """The entries that the city's plan needs for the planted maintenance."""
        return tuple(
            Maintenance(
                device=device, begins=to_datetime(one.from_us), ends=to_datetime(one.to_us), reason="planted by a day"
            )
            for one in self.between(from_us, to_us)
            if one.kind is Fault.MAINTENANCE
            for device in one.devices
        )

    def _of_day(self, day: int) -> tuple[Planted, ...]:
        if day not in self._days:
            start_us = day * DAY_US
            start_us -= utc_offset_us(self._city.time_zone, start_us)
            self._days[day] = _Day(self._city, self._ways, self._seed, self._plan, day, start_us).planned()
            while len(self._days) > 2 * DAYS_BACK + 4:
                self._days.popitem(last=False)
        return self._days[day]


class _Day:
    """Plans one day: each fault finds a free device and time, or is left out."""

    def __init__(self, city: City, ways: Ways, seed: int, plan: FaultPlan, day: int, start_us: int) -> None:
        self._ways, self._plan, self._day, self._start_us = ways, plan, day, start_us
        self._draw = generator(seed, Draw.FAULT, day)
        self._first_haze = int(generator(seed, Draw.FAULT).integers(HAZE_EVERY_DAYS))
        self._taken: list[tuple[str, int, int]] = []
        self._planned: list[Planted] = []
        self._cameras, self._stations = list(cameras_of(city)), list(stations_of(city))

    def planned(self) -> tuple[Planted, ...]:
        """The faults that begin on the day."""
        if self._plan.haze and self._day % HAZE_EVERY_DAYS == self._first_haze:
            self._plant(Fault.HAZE)
        if self._plan.siren and date.fromordinal(date(1970, 1, 1).toordinal() + self._day).weekday() == 2:
            self._everywhere(Fault.SIREN_TEST, ("laeq", "lamax"), SIREN_DBA, at_us=self._start_us + 8 * HOUR_US)
        # What needs all stations or a whole street finds room first.
        for kind in (*WIDE, *(one for one in Fault if one not in WIDE)):
            whole, rest = divmod(self._plan.per_day.get(kind, 0.0), 1.0)
            for _one in range(int(whole) + int(self._draw.random() < rest)):
                self._plant(kind)
        return tuple(self._planned)

    def _plant(self, kind: Fault) -> None:
        if kind in SERIES:
            self._series(kind)
        elif kind is Fault.CITY_EVENT:
            self._everywhere(kind, ("pm10",), SIZE[kind] * SPREAD["pm10"])
        elif kind is Fault.HAZE:
            self._everywhere(kind, ("pm2_5",), HAZE_UG_M3, at_us=self._start_us + HOUR_US)
        elif kind is Fault.LOUD:
            self._everywhere(kind, ("laeq", "lamax"), LOUD_DBA)
        elif kind is Fault.DOWNPOUR:
            self._everywhere(kind, ("rain-rate", "rain_mm"), DOWNPOUR_MM_H)
        elif kind is Fault.HEAT:
            self._everywhere(kind, ("temperature",), HEAT_C, at_us=self._start_us + 12 * HOUR_US)
        elif kind is Fault.HIGH_WATER:
            self._one(kind, [d for d in self._stations if _has(d, "level_m")], ("level_m",), HIGH_WATER_M)
        elif kind is Fault.STUCK_COUNTER:
            self._one(kind, self._cameras, ("flow",), lane=True)
        elif kind is Fault.STREET_OUTAGE:
            self._street(kind)
        elif kind in (Fault.CONGESTION, Fault.INCIDENT):
            self._jam(kind)
        elif kind in MISTRUSTED:
            needed = {"speed"} if kind is Fault.OUT_OF_CALIBRATION else {"speed", "red_light", "plate"}
            self._one(kind, [device for device in self._cameras if needed & set(device.functions)], ())
        else:
            self._one(kind, [*self._cameras, *self._stations], ())

    def _series(self, kind: Fault) -> None:
        pairs = [(d, s) for d in self._stations for s in d.series if s.metric in SPREAD]
        if kind in (Fault.DISAGREEMENT, Fault.DRIFT):
            pairs = [(d, s) for d, s in pairs if self._measuring(s.metric) > NEIGHBOURS and s.metric != "level_m"]
        for _try in range(TRIES if pairs else 0):
            device, series = pairs[int(self._draw.integers(len(pairs)))]
            from_us, to_us = self._when(kind)
            if self._free((device.id,), from_us, to_us):
                size = SIZE.get(kind, 0.0) * SPREAD[series.metric]
                size *= self._sign(series.metric)
                self._add(Planted(kind, (device.id,), from_us, to_us, (series.metric,), series.lane, size=size))
                return

    def _sign(self, metric: str) -> float:
        """Up or down: no instrument says less than nothing or that air is wetter than wet."""
        chance = self._draw.random()
        if metric in NEVER_UP:
            return -1.0
        return 1.0 if chance < 0.7 or metric in NEVER_DOWN else -1.0

    def _measuring(self, metric: str) -> int:
        return sum(_has(device, metric) for device in self._stations)

    def _everywhere(self, kind: Fault, metrics: tuple[str, ...], size: float, at_us: int | None = None) -> None:
        devices = tuple(d.id for d in self._stations if any(_has(d, metric) for metric in metrics))
        for _try in range(TRIES if devices else 0):
            from_us, to_us = self._when(kind, at_us)
            if at_us is not None or self._free(devices, from_us, to_us):
                self._add(Planted(kind, devices, from_us, to_us, metrics, size=size))
                return

    def _one(
        self, kind: Fault, devices: list[Device], metrics: tuple[str, ...], size: float = 0.0, lane: bool = False
    ) -> None:
        for _try in range(TRIES if devices else 0):
            device = devices[int(self._draw.integers(len(devices)))]
            from_us, to_us = self._when(kind)
            if self._free((device.id,), from_us, to_us):
                lanes = (*device.lanes_forward, *device.lanes_backward)
                chosen = lanes[int(self._draw.integers(len(lanes)))] if lane and lanes else 0
                self._add(Planted(kind, (device.id,), from_us, to_us, metrics, chosen, device.segment or "", size=size))
                return

    def _street(self, kind: Fault) -> None:
        streets: dict[str, list[str]] = {}
        for device in self._cameras:
            streets.setdefault(device.segment or "", []).append(device.id)
        streets.pop("", None)
        long = [(segment, ids) for segment, ids in streets.items() if len(ids) >= OUTAGE_DEVICES]
        for _try in range(TRIES if long else 0):
            segment, ids = long[int(self._draw.integers(len(long)))]
            from_us, to_us = self._when(kind)
            if self._free(ids, from_us, to_us):
                self._add(Planted(kind, tuple(ids), from_us, to_us, segment=segment))
                return

    def _jam(self, kind: Fault) -> None:
        """Congestion: every camera of a stretch in one direction. Incident: all but the last, which is downstream."""
        for _try in range(TRIES if self._ways else 0):
            segment, direction, ids = self._ways[int(self._draw.integers(len(self._ways)))]
            from_us, to_us = self._when(kind, self._busy_us())
            if self._free(ids, from_us, to_us):
                chosen = ids[:-1] if kind is Fault.INCIDENT else ids
                self._taken += [(device, from_us, to_us) for device in ids]
                found = Planted(kind, chosen, from_us, to_us, (), 0, segment, direction, JAM_FACTOR)
                self._planned.append(found)
                return

    def _busy_us(self) -> int:
        """Some moment of the day when there is traffic enough to jam."""
        return self._start_us + int(self._draw.integers(7 * 60, 20 * 60)) * MINUTE_US

    def _when(self, kind: Fault, at_us: int | None = None) -> tuple[int, int]:
        """From and to: on whole minutes."""
        low, high = LASTS_MIN[kind]
        lasts_us = round(low + (high - low) * float(self._draw.random())) * MINUTE_US
        latest = max(DAY_US - lasts_us, HOUR_US) // MINUTE_US
        minute = int(self._draw.integers(latest))
        from_us = self._start_us + minute * MINUTE_US if at_us is None else at_us
        return from_us, from_us + lasts_us

    def _free(self, devices: Iterable[str], from_us: int, to_us: int) -> bool:
        wanted = set(devices)
        return not any(
            device in wanted and begins < to_us + HOUR_US and ends > from_us - HOUR_US
            for device, begins, ends in self._taken
        )

    def _add(self, planted: Planted) -> None:
        if planted.kind is not Fault.HAZE:  # it lies over everything for a day, and instruments fail in it as ever
            self._taken += [(device, planted.from_us, planted.to_us) for device in planted.devices]
        self._planned.append(planted)


def _has(device: Device, metric: str) -> bool:
    return any(series.metric == metric for series in device.series)


def _ways(city: City) -> Ways:
    """Segment, direction and cameras of every stretch with at least two that count, in the order they are passed."""
    found: dict[tuple[str, int], list[tuple[float, str]]] = {}
    for view in views_of(cameras_of(city), city.segments):
        if view.segment is not None:
            along_m = view.along_m if view.direction == Direction.FORWARD else -view.along_m
            found.setdefault((view.segment.id, int(view.direction)), []).append((along_m, view.device.id))
    return [
        (segment, direction, tuple(device for _along, device in sorted(members)))
        for (segment, direction), members in found.items()
        if len(members) >= 2
    ]


def effect(one: Planted, time_us: Ints) -> Floats:
    """How much of a fault there is at moments, float64 (n,), 0 to 1: at once, along a slope, or swelling and ebbing."""
    share = (time_us - one.from_us) / max(one.to_us - one.from_us, 1)
    inside = (share >= 0.0) & (share < 1.0)
    if one.kind is Fault.DRIFT:
        return np.where(inside, share, 0.0)
    if one.kind in SWELLING:
        return np.where(inside, np.minimum(np.minimum(share, 1.0 - share) / RISING, 1.0), 0.0)
    return inside.astype(np.float64)
