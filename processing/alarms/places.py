"""The places that devices share, from a junction to the city: what loses power or network together."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.devices import Device
from processing.compiled import Compiled

LEVELS: Final = ("junction", "segment", "street", "zone", "district", "city")
"""Narrow to broad. A street is a road within a zone."""
LOCAL: Final = 4
"""Levels below this one are local: there a stated number of devices is enough, beyond it only a share of all."""
NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Place:
    """A place. `mark` names it in numbers, the same in every version of the city."""

    level: int
    id: str
    zone: str
    name_en: str
    name_th: str
    mark: int


@dataclass(frozen=True, slots=True)
class Places:
    """`of` int64 (size, levels): the place of each device number on each level, NONE without one; `sizes` int64:
    how many devices each place has; `cadence_us` int64 (size,): how long a healthy device is silent at most."""

    places: tuple[Place, ...]
    of: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    cadence_us: npt.NDArray[np.int64]
    by_mark: dict[int, int]


def make_places(compiled: Compiled) -> Places:
    """The places of a city version."""
    city = compiled.city
    found: dict[tuple[int, str], int] = {}
    places: list[Place] = []
    of = np.full((compiled.size, len(LEVELS)), NONE, np.int64)
    cadence_us = np.zeros(compiled.size, np.int64)
    names = _Names(city)
    for no, device in sorted(compiled.devices.items()):
        cadence_us[no] = round(device.cadence_s * 1_000_000)
        for level, place_id in enumerate(names.ids(device)):
            if place_id is None:
                continue
            if (level, place_id) not in found:
                found[level, place_id] = len(places)
                places.append(names.place(level, place_id, device))
            of[no, level] = found[level, place_id]
    sizes = np.bincount(of[of >= 0], minlength=len(places)).astype(np.int64)
    return Places(tuple(places), of, sizes, cadence_us, {place.mark: at for at, place in enumerate(places)})


class _Names:
    """What the city calls its places."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._zones = {zone.id: zone for zone in city.zones}
        self._segments = {segment.id: segment for segment in city.segments}

    def ids(self, device: Device) -> tuple[str | None, ...]:
        """The ids of a device's places, by level."""
        segment = self._segments.get(device.segment or "")
        street = f"{segment.road}/{segment.zone}" if segment else None
        return device.junction, device.segment, street, device.zone, self._zones[device.zone].parent, self._city.id

    def place(self, level: int, place_id: str, device: Device) -> Place:
        """The place by its id; `device` is one that stands there."""
        zone, name_en, name_th = device.zone, place_id, place_id
        kind = LEVELS[level]
        segment = self._segments.get(device.segment or "")
        if kind == "segment" and segment:
            zone, name_en, name_th = segment.zone, segment.name_en, segment.name_th
        elif kind == "street" and segment:
            zone, there = segment.zone, self._zones[segment.zone]
            name_en, name_th = f"road {segment.road} in {there.name_en}", f"ถนน {segment.road} {there.name_th}"
        elif kind in ("zone", "district"):
            zone, name_en, name_th = place_id, self._zones[place_id].name_en, self._zones[place_id].name_th
        elif kind == "city":
            zone, name_en, name_th = "", self._city.name_en, self._city.name_th
        return Place(level, place_id, zone, name_en, name_th, _mark(kind, place_id))


def _mark(kind: str, place_id: str) -> int:
    """63 bits of BLAKE2b: a clash within one city is out of reach."""
    return int.from_bytes(blake2b(f"{kind}\0{place_id}".encode(), digest_size=8).digest(), "big") >> 1
