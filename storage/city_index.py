"""The cities of the database in memory, indexed for reading: numbers to names and back.

Findings and readings carry a device's number and a metric's code; people want names. The newest version of every city
is kept decoded; each question first asks for the versions (an index lookup), so that a change is seen at once.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts import city_forms
from contracts.city import City
from contracts.devices import Device, Metric
from contracts.responses import Response
from storage.connection import Connection
from storage.queries import statements

SQL: Final = statements("read_city")

_State = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A device with its city; `device` is None for one that is no longer in the city's newest version."""

    no: int
    id: str
    city: str
    device: Device | None


@dataclass(frozen=True, slots=True)
class CityIndex:
    """All cities at one moment."""

    cities: Mapping[str, City] = field(default_factory=dict)
    places: Mapping[int, Place] = field(default_factory=dict)
    _numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    _codes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    _metrics: Mapping[tuple[str, int], Metric] = field(default_factory=dict)
    _responses: Mapping[tuple[str, str], Response] = field(default_factory=dict)

    def place(self, no: int) -> Place:
        """The device of a number; of an unknown one its number, so that a finding is shown whatever happened."""
        return self.places.get(no) or Place(no, str(no), "", None)

    def numbers(self, device: str) -> tuple[int, ...]:
        """The numbers of a device id, one a city; empty for an unknown one."""
        return self._numbers.get(device, ())

    def codes(self, metric: str) -> tuple[int, ...]:
        """The codes of a metric's key, one a city; empty for an unknown one."""
        return self._codes.get(metric, ())

    def metric(self, city: str, code: int) -> Metric | None:
        """The metric of a code."""
        return self._metrics.get((city, code))

    def response(self, city: str, kind: str) -> Response | None:
        """What the city has written down for an alarm kind."""
        return self._responses.get((city, kind))

    def zones(self, zone: str) -> tuple[str, ...]:
        """A zone and the sub-districts in it."""
        inner = (entry.id for city in self.cities.values() for entry in city.zones if entry.parent == zone)
        return (zone, *inner)

    def devices(
        self, city: str | None = None, zone: str | None = None, type: str | None = None
    ) -> tuple[tuple[City, Device], ...]:
        """The devices of the newest versions, with their city."""
        zones = None if zone is None else set(self.zones(zone))
        return tuple(
            (entry, device)
            for entry in self.cities.values()
            if city is None or entry.id == city
            for device in entry.devices
            if (zones is None or device.zone in zones) and (type is None or device.type == type)
        )


class CityIndexes:
    """Keeps the newest index and builds another when a city has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: _State | None = None
        self._index = CityIndex()

    def get(self, connection: Connection) -> CityIndex:
        """The index of the cities as they are now."""
        state: _State = tuple((city, version, count) for city, version, count in connection.execute(SQL["versions"]))
        with self._lock:
            if state != self._state:
                contents = [text for _, _, text in connection.execute(SQL["contents"])]
                registry = connection.execute(SQL["registry"]).fetchall()
                self._index, self._state = build(map(city_forms.decode, contents), registry), state
            return self._index


def build(found: Iterable[City], registry: Iterable[tuple[int, str, str]]) -> CityIndex:
    """An index of cities; `registry` holds (number, city, device id) of all devices there ever were."""
    by_id = {city.id: city for city in found}
    entries = {(city.id, device.id): device for city in by_id.values() for device in city.devices}
    places = {no: Place(no, id, city, entries.get((city, id))) for no, city, id in registry}
    numbers: dict[str, list[int]] = {}
    for place in places.values():
        numbers.setdefault(place.id, []).append(place.no)
    codes: dict[str, list[int]] = {}
    for city in by_id.values():
        for metric in city.metrics:
            codes.setdefault(metric.key, []).append(metric.code)
    return CityIndex(
        by_id,
        places,
        {id: tuple(each) for id, each in numbers.items()},
        {key: tuple(sorted(set(each))) for key, each in codes.items()},
        {(city.id, metric.code): metric for city in by_id.values() for metric in city.metrics},
        {(city.id, entry.kind): entry for city in by_id.values() for entry in city.responses},
    )
