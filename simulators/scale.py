"""The same city with any number of devices, for load: copies of its own, nothing invented.

Copy 2 of `cam-402-07` is `cam-402-07~02`. A camera's copy stands a little further along the same stretch of road, a
station's copy where its original stands. It has a junction of its own (`kwang~02`), so that no two cameras speak for
one signal group. Sections are copied with their cameras, and so is whatever else names a device. The same arguments
give the same city, and a smaller one is a prefix of a larger.
"""

from collections.abc import Iterable, Iterator
from itertools import count, islice, pairwise
from math import cos, hypot, radians
from typing import Final, TypeVar

import msgspec

from contracts.city import City
from contracts.devices import Device, Maintenance
from contracts.errors import ConfigError
from contracts.responses import Suppression
from contracts.roads import NoStopping, Section, Segment
from contracts.rules import Threshold

CAMERA: Final = "camera"
STEP_M: Final = 20.0
"""From a camera to its copy along the road: masts of their own, and no stretch is so short that a few do not fit."""
DEGREE_M: Final = 111_200.0
"""Metres of a degree of latitude on a sphere: good to half a percent, for positions of copies."""

Point = tuple[float, float]
Entry = TypeVar("Entry", Maintenance, Threshold)


def scaled(city: City, cameras: int = 1200, stations: int | None = None) -> City:
    """The city with this many cameras and stations (default: the stations it has).

    Raises:
        ConfigError: a number is negative, or there is nothing to copy.
    """
    originals = tuple(device for device in city.devices if device.type == CAMERA)
    others = tuple(device for device in city.devices if device.type != CAMERA)
    segments = {segment.id: segment for segment in city.segments}
    stations = len(others) if stations is None else stations
    devices = (
        *_first("cameras", originals, cameras, segments),
        *_first("stations", others, stations, segments),
    )
    known = {device.id for device in devices}
    copies = range(1, max(-(-cameras // max(1, len(originals))), -(-stations // max(1, len(others)))) + 1)
    return msgspec.structs.replace(
        city,
        devices=devices,
        sections=tuple(_sections(city, known, copies)),
        no_stopping=tuple(_no_stopping(city, known, copies)),
        maintenance=tuple(_of_devices(city.maintenance, known, copies)),
        thresholds=tuple(_of_devices(city.thresholds, known, copies)),
        suppressions=tuple(_suppressions(city, known, copies)),
    )


def with_devices(city: City, cameras: int) -> City:
    """The city with this many of its own cameras, whole roads first, and all its stations; numbers stay.

    Raises:
        ConfigError: the number is negative.
    """
    if cameras < 0:
        raise ConfigError("cameras", cameras, "ask for a number from 0 on")
    watched = sorted(
        (device for device in city.devices if device.type == CAMERA),
        key=lambda device: (not _in_section(city, device), device.junction is None, device.segment or "", device.id),
    )
    kept = {device.id for device in watched[:cameras]} | {d.id for d in city.devices if d.type != CAMERA}
    return msgspec.structs.replace(
        city,
        devices=tuple(device for device in city.devices if device.id in kept),
        sections=tuple(one for one in city.sections if {one.entry, one.exit} <= kept),
        no_stopping=tuple(one for one in city.no_stopping if one.device is None or one.device in kept),
        maintenance=tuple(one for one in city.maintenance if one.device in kept),
        suppressions=tuple(one for one in city.suppressions if set(one.devices) <= kept),
        thresholds=tuple(one for one in city.thresholds if one.device in kept),
    )


def _in_section(city: City, device: Device) -> bool:
    return any(device.id in (section.entry, section.exit) for section in city.sections)


def name_of(original: str, copy: int) -> str:
    """The name of a copy; the first is the original."""
    return original if copy == 1 else f"{original}~{copy:02}"


def _first(what: str, originals: tuple[Device, ...], wanted: int, segments: dict[str, Segment]) -> tuple[Device, ...]:
    if wanted < 0 or (wanted and not originals):
        raise ConfigError(what, wanted, f"the city has {len(originals)} to copy; ask for a number from 0 on")
    return tuple(islice(_copies(originals, segments), wanted)) if wanted else ()


def _copies(originals: tuple[Device, ...], segments: dict[str, Segment]) -> Iterator[Device]:
    for copy in count(1):
        for device in originals:
            yield device if copy == 1 else _copied(device, copy, segments.get(device.segment or ""))


def _copied(device: Device, copy: int, segment: Segment | None) -> Device:
    here = (device.lon, device.lat)
    lon, lat = _further(segment.line, here, (copy - 1) * STEP_M) if segment else here
    return msgspec.structs.replace(
        device,
        id=name_of(device.id, copy),
        no=0,
        lon=round(lon, 6),
        lat=round(lat, 6),
        call_sign=name_of(device.call_sign, copy) if device.call_sign else "",
        serial=name_of(device.serial, copy) if device.serial else "",
        junction=name_of(device.junction, copy) if device.junction else None,
    )


def _sections(city: City, known: set[str], copies: range) -> Iterator[Section]:
    """The sections of every copy that has both its cameras."""
    for copy in copies:
        for section in city.sections:
            entry, leave = name_of(section.entry, copy), name_of(section.exit, copy)
            if entry in known and leave in known:
                yield msgspec.structs.replace(section, id=name_of(section.id, copy), entry=entry, exit=leave)


def _of_devices(entries: Iterable[Entry], known: set[str], copies: range) -> Iterator[Entry]:
    """What is said of a device is said of its copies too."""
    for copy in copies:
        for entry in entries:
            if (device := name_of(entry.device, copy)) in known:
                yield msgspec.structs.replace(entry, device=device)


def _no_stopping(city: City, known: set[str], copies: range) -> Iterator[NoStopping]:
    for copy in copies:
        for entry in city.no_stopping:
            if entry.device is None:
                if copy == 1:
                    yield entry
            elif (device := name_of(entry.device, copy)) in known:
                yield msgspec.structs.replace(entry, id=name_of(entry.id, copy), device=device)


def _suppressions(city: City, known: set[str], copies: range) -> Iterator[Suppression]:
    """Those of all devices as they are, those of some for their copies too."""
    for entry in city.suppressions:
        named = (name_of(device, copy) for copy in copies for device in entry.devices)
        devices = tuple(device for device in named if device in known)
        if devices or not entry.devices:
            yield msgspec.structs.replace(entry, devices=devices)


def _further(line: tuple[Point, ...], here: Point, step_m: float) -> Point:
    """The point `step_m` further along a line than the one nearest to `here`; past the end it begins again."""
    pieces = [(a, b, _apart_m(a, b)) for a, b in pairwise(line)]
    walked_m, nearest_m, at_m = 0.0, float("inf"), 0.0
    for a, b, length_m in pieces:
        share = _nearest_share(a, b, here)
        distance_m = _apart_m(_between(a, b, share), here)
        if distance_m < nearest_m:
            nearest_m, at_m = distance_m, walked_m + share * length_m
        walked_m += length_m
    left_m = (at_m + step_m) % walked_m if walked_m > 0 else 0.0
    for a, b, length_m in pieces:
        if left_m <= length_m and length_m > 0:
            return _between(a, b, left_m / length_m)
        left_m -= length_m
    return line[-1]


def _apart_m(a: Point, b: Point) -> float:
    return hypot((b[0] - a[0]) * cos(radians(a[1])), b[1] - a[1]) * DEGREE_M


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _nearest_share(a: Point, b: Point, point: Point) -> float:
    """How far along from `a` to `b` the nearest point lies, 0 to 1."""
    narrow = cos(radians(a[1]))
    dx, dy = (b[0] - a[0]) * narrow, b[1] - a[1]
    square = dx * dx + dy * dy
    return min(1.0, max(0.0, ((point[0] - a[0]) * narrow * dx + (point[1] - a[1]) * dy) / square)) if square else 0.0
