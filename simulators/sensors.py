"""Readings of the environmental stations: weather, air, noise and water as the series of the city file ask for them.

Everything is a pure function of the moment, so a run may be cut anywhere. A station's clock ticks on a grid of its
own, shifted a little from the others', so that they do not all speak in one instant.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from contracts.city import City
from contracts.clock import HOUR_US, SECOND_US
from simulators.air import Air, breathe
from simulators.chance import Draw, Floats, Ints, uniform
from simulators.demand import mean_intensity, utc_offset_us
from simulators.faults import NO_FAULTS, Fault, Faults, Planted, effect
from simulators.simulated import stations_of
from simulators.water import level_m
from simulators.weather import Sky, look, shower_cell, tips_mm

BUCKET_MM: Final = 0.2
"""Resolution of a tipping-bucket rain gauge."""
FINEST_US: Final = 10 * SECOND_US
"""Stations are shifted by whole tenths of this at most, so that the shortest interval keeps its grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything that is true at some stations and moments; arrays of one length."""

    seed: int
    time_us: Ints
    local_us: Ints
    site: Ints
    cell: Ints
    interval_us: int
    rain_share: float
    sky: Sky
    air: Air


MEASURES: Final[dict[str, Callable[[Scene, Ints], Floats]]] = {
    "pm2_5": lambda scene, at: scene.air.pm2_5[at],
    "pm10": lambda scene, at: scene.air.pm10[at],
    "no2": lambda scene, at: scene.air.no2_ppb[at],
    "o3": lambda scene, at: scene.air.o3_ppb[at],
    "so2": lambda scene, at: scene.air.so2_ppb[at],
    "co": lambda scene, at: scene.air.co_ppm[at],
    "laeq": lambda scene, at: scene.air.laeq_dba[at],
    "lamax": lambda scene, at: scene.air.lamax_dba[at],
    "temperature": lambda scene, at: scene.sky.temperature_c[at],
    "humidity": lambda scene, at: scene.sky.humidity_pct[at],
    "pressure": lambda scene, at: scene.sky.pressure_hpa[at],
    "wind-speed": lambda scene, at: scene.sky.wind_m_s[at],
    "wind-direction": lambda scene, at: scene.sky.wind_from_deg[at],
    "rain-rate": lambda scene, at: scene.sky.rain_mm_h[at],
    "rain_mm": lambda scene, at: tips_mm(
        scene.seed,
        scene.sky.rain_mm_h[at] * (scene.interval_us / HOUR_US),
        BUCKET_MM,
        scene.site[at],
        scene.time_us[at],
    ),
    "solar-radiation": lambda scene, at: scene.sky.solar_w_m2[at],
    "level_m": lambda scene, at: level_m(
        scene.seed, scene.time_us[at], scene.local_us[at], scene.site[at], scene.cell[at], scene.rain_share
    ),
}
"""How each metric of the city file comes out of a scene, at some of its places. What is not here is not simulated."""


@dataclass(frozen=True, slots=True)
class _Channel:
    """One series of a station that is simulated."""

    station: int
    metric: str
    code: int
    low: float
    high: float
    decimals: int


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Readings in order of (moment, station, series); arrays of one length.

    `station`: index into `Sensors.stations`; `series`: index into `Sensors.metrics`, the names of the metrics.
    """

    event_us: Ints
    station: Ints
    series: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.event_us)

    def pick(self, chosen: slice) -> "Samples":
        """The readings that a slice names."""
        return Samples(self.event_us[chosen], self.station[chosen], self.series[chosen], self.value[chosen])


class Sensors:
    """The stations of a city. Nothing in it changes.

    Args:
        interval_s: one interval for every series instead of the city file's own (0: those of the file).
        faults: what is wrong with the stations and what is in the air. `rain_share`: of the rain there would be.
    """

    def __init__(
        self, city: City, seed: int, interval_s: float = 0.0, faults: Faults | None = None, rain_share: float = 1.0
    ) -> None:
        self._city, self._seed, self._rain_share = city, seed, rain_share
        self._faults = faults or Faults(city, seed, NO_FAULTS)
        metrics = {metric.key: metric for metric in city.metrics}
        self.stations = stations_of(city)
        self.metrics: tuple[str, ...] = tuple(
            sorted({s.metric for d in self.stations for s in d.series} & set(MEASURES))
        )
        self.codes = np.array([metrics[name].code for name in self.metrics], np.int64)
        self._groups: dict[int, list[_Channel]] = {}
        for number, device in enumerate(self.stations):
            for series in device.series:
                if series.metric in MEASURES:
                    metric = metrics[series.metric]
                    interval_us = round((interval_s or series.interval_s) * SECOND_US)
                    place = self.metrics.index(series.metric)
                    channel = _Channel(number, series.metric, place, metric.min, metric.max, metric.decimals)
                    self._groups.setdefault(interval_us, []).append(channel)
        count = len(self.stations)
        self._number = {device.id: number for number, device in enumerate(self.stations)}
        self._cell = np.array([shower_cell(device.lon, device.lat) for device in self.stations], np.int64)
        self._street = np.round(0.25 + 0.75 * uniform(seed, Draw.STATION, 1, np.arange(count)), 3)
        shift = uniform(seed, Draw.STATION, 2, np.arange(count))
        self._shift_us = (shift * 10).astype(np.int64) * (FINEST_US // 10)

    def between(self, from_us: int, to_us: int) -> Samples:
        """Every reading with its moment in [from_us, to_us)."""
        parts = [self._of_group(interval, channels, from_us, to_us) for interval, channels in self._groups.items()]
        return _ordered(parts)

    def at(self, moment_us: int) -> Samples:
        """A reading of every series at one moment: what the stations say when they are switched on."""
        parts = []
        for interval_us, channels in self._groups.items():
            members = np.array(sorted({channel.station for channel in channels}), np.int64)
            parts.append(self._values(interval_us, channels, members, np.full(len(members), moment_us), members))
        return _ordered(parts)

    def _of_group(self, interval_us: int, channels: list[_Channel], from_us: int, to_us: int) -> Samples:
        members = np.array(sorted({channel.station for channel in channels}), np.int64)
        shift = self._shift_us[members] % interval_us
        first = -(-(from_us - shift) // interval_us) * interval_us + shift
        most = int((to_us - from_us) // interval_us) + 1
        times = first[:, None] + np.arange(most, dtype=np.int64)[None, :] * interval_us
        site = np.repeat(members, most)
        inside = times.ravel() < to_us
        return self._values(interval_us, channels, site[inside], times.ravel()[inside], members)

    def _values(self, interval_us: int, channels: list[_Channel], site: Ints, time_us: Ints, members: Ints) -> Samples:
        scene = self._scene(interval_us, site, time_us)
        parts = []
        for name in sorted({channel.metric for channel in channels}):
            chosen = [channel for channel in channels if channel.metric == name]
            has = np.zeros(len(self.stations), bool)
            has[[channel.station for channel in chosen]] = True
            picked = np.flatnonzero(has[site])
            channel = chosen[0]
            values = self._spoilt(name, interval_us, site[picked], time_us[picked], MEASURES[name](scene, picked))
            values = np.clip(values, channel.low, channel.high).round(channel.decimals)
            series = np.full(len(picked), channel.code, np.int64)
            parts.append(Samples(time_us[picked], site[picked], series, values))
        return _ordered(parts)

    def _spoilt(self, name: str, interval_us: int, site: Ints, time_us: Ints, values: Floats) -> Floats:
        """What instruments make of the truth, and what planted episodes add to it; arrays of (n,)."""
        for one in self._touching(time_us):
            if name not in one.metrics or one.kind is Fault.DOWNPOUR:
                continue
            where = np.flatnonzero(np.isin(site, [self._number[device] for device in one.devices]))
            strength = effect(one, time_us[where])
            if one.kind is Fault.FLATLINE:
                stuck = self._number[one.devices[0]]
                scene = self._scene(interval_us, np.array([stuck]), np.array([one.from_us]))
                frozen = float(MEASURES[name](scene, np.array([0]))[0])
                values[where] = np.where(strength > 0, frozen, values[where])
            else:
                values[where] += one.size * strength
        return values

    def _touching(self, time_us: Ints) -> list[Planted]:
        if not len(time_us):
            return []
        return [one for one in self._faults.between(int(time_us.min()), int(time_us.max()) + 1) if one.metrics]

    def _scene(self, interval_us: int, site: Ints, time_us: Ints) -> Scene:
        offset_us = utc_offset_us(self._city.time_zone, int(time_us[0])) if len(time_us) else 0
        local_us = time_us + offset_us
        sky = look(self._seed, local_us, self._cell[site])
        sky = replace(sky, rain_mm_h=sky.rain_mm_h * self._rain_share)
        for one in self._touching(time_us):
            if one.kind is Fault.DOWNPOUR:
                sky = replace(sky, rain_mm_h=sky.rain_mm_h + one.size * effect(one, time_us))
        traffic = mean_intensity(self._city.time_zone, time_us)
        air = breathe(self._seed, local_us, site, self._street[site], traffic, sky)
        return Scene(self._seed, time_us, local_us, site, self._cell[site], interval_us, self._rain_share, sky, air)


def _ordered(parts: list[Samples]) -> Samples:
    event_us = np.concatenate([part.event_us for part in parts] or [np.empty(0, np.int64)])
    station = np.concatenate([part.station for part in parts] or [np.empty(0, np.int64)])
    series = np.concatenate([part.series for part in parts] or [np.empty(0, np.int64)])
    value = np.concatenate([part.value for part in parts] or [np.empty(0)])
    order = np.lexsort((series, station, event_us))
    return Samples(event_us[order], station[order], series[order], value[order])
