"""From what an unknown device says to its entry in the city. No I/O: a person decides, this only fills in."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from contracts.city import City
from contracts.devices import Device, Series
from contracts.errors import ConfigError
from contracts.onboarding import Adoption, AlreadyThere, Proposal
from contracts.places import Zone
from contracts.topics import Kind

TYPES: Final = ("camera", "air", "noise", "weather", "rain", "water")
CAMERAS_ONLY: Final = frozenset({Kind.COUNTS, Kind.PASSAGE})
PATIENCE: Final = 4.0
"""A device is silent after so many intervals without a word: one that is lost on the way is no silence."""
CADENCE_S: Final = 60.0
"""Of a device without a series: a camera that tells of passages says its health, too."""
SILENT_S: Final = 200.0
"""Sooner than this no silence is an alarm."""
SOURCE: Final = "adopted: what the device said itself"
NO_PLACE: Final = "it said no position: entered at its zone's"


def type_of(city: City, proposal: Proposal) -> str | None:
    """What devices with such kinds and metrics are in this city; None where none is like it."""
    if CAMERAS_ONLY & set(proposal.kinds):
        return "camera"
    said = {series.metric for series in proposal.series}
    votes = Counter(device.type for device in city.devices for each in device.series if each.metric in said)
    return min(votes, key=lambda each: (-votes[each], each)) if votes else None


def device_of(city: City, proposal: Proposal, wanted: Adoption) -> Device:
    """The entry of a device that is adopted.

    Raises:
        ConfigError: its zone is not in the city, or nobody said what it is.
    """
    zone = next((zone for zone in city.zones if zone.id == proposal.zone), None)
    if zone is None:
        problem = f"it publishes below it, and {city.id} has no such zone: set the device to one that it has"
        raise ConfigError("zone", proposal.zone, problem, proposal.device)
    kind = wanted.type or type_of(city, proposal)
    if kind not in TYPES:
        raise ConfigError("type", kind, f"say what it is: {', '.join(TYPES)}", proposal.device)
    if (wanted.lon is None) != (wanted.lat is None):
        raise ConfigError("lon, lat", (wanted.lon, wanted.lat), "give both or neither", proposal.device)
    place, note = _place(zone, proposal, wanted)
    series = tuple(Series(metric=s.metric, lane=s.lane, interval_s=s.interval_s) for s in proposal.series)
    cadence_s = min((each.interval_s for each in series), default=CADENCE_S)
    kinds = sorted({Kind(kind) for kind in proposal.kinds} - {Kind.EVIDENCE, Kind.MARK} | {Kind.STATUS})
    entry = Device(
        id=proposal.device,
        type=kind,  # type: ignore[arg-type]
        zone=zone.id,
        lon=place[0],
        lat=place[1],
        name_en=wanted.name_en or proposal.device,
        name_th=wanted.name_th or wanted.name_en or proposal.device,
        call_sign=wanted.call_sign,
        kinds=tuple(kinds),
        functions=("count",) if Kind.COUNTS in kinds else (),
        series=series,
        cadence_s=cadence_s,
        silent_after_s=max(SILENT_S, PATIENCE * cadence_s),
        source=SOURCE,
        note=note,
    )
    return as_in_a_file(msgspec.to_builtins(entry))


def as_in_a_file(content: object) -> Device:
    """An entry as the city's files would hold it, with every bound checked.

    Raises:
        ConfigError: names what is wrong.
    """
    try:
        return msgspec.convert(content, Device)
    except msgspec.ValidationError as problem:
        name = content.get("id") if isinstance(content, Mapping) else None
        raise ConfigError("device", name, str(problem), "entry") from None


def _place(zone: Zone, proposal: Proposal, wanted: Adoption) -> tuple[tuple[float, float], str]:
    """Where it stands, and a note where nobody knows."""
    for lon, lat in ((wanted.lon, wanted.lat), (proposal.lon, proposal.lat)):
        if lon is not None and lat is not None:
            return (lon, lat), ""
    return (zone.lon, zone.lat), NO_PLACE


def with_device(city: City, device: Device) -> City:
    """The city with one more device.

    Raises:
        AlreadyThere: it has one of that name.
    """
    if any(each.id == device.id for each in city.devices):
        raise AlreadyThere("device", device.id, f"is in {city.id} already", "city")
    return msgspec.structs.replace(city, devices=(*city.devices, msgspec.structs.replace(device, no=0)))
