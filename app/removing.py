"""A city without one of its devices, and what stands in the way. No I/O: a person decides, this only looks."""

from collections.abc import Iterator

import msgspec

from contracts.city import City
from contracts.devices import Device
from contracts.errors import ConfigError
from contracts.onboarding import NotThere
from contracts.topics import Kind


def without_device(city: City, name: str) -> City:
    """The city with one device less.

    Raises:
        NotThere: it has none of that name.
        ConfigError: entries of the city name it; says which.
    """
    found = next((each for each in city.devices if each.id == name), None)
    if found is None:
        raise NotThere("device", name, f"is not in {city.id}", "city")
    named = list(named_by(city, found))
    if named:
        problem = f"the city still needs it: {', '.join(named)}; take it out there first, with another version"
        raise ConfigError("device", name, problem, "city")
    return msgspec.structs.replace(city, devices=tuple(each for each in city.devices if each is not found))


def named_by(city: City, device: Device) -> Iterator[str]:
    """The entries that name a device, and the cameras that nobody else tells of their signal, in words."""
    name = device.id
    yield from (f"section {each.id}" for each in city.sections if name in (each.entry, each.exit))
    yield from (f"no_stopping {each.id}" for each in city.no_stopping if each.device == name)
    yield from (f"threshold of {each.rule}" for each in city.thresholds if each.device == name)
    yield from (f"suppression {each.id}" for each in city.suppressions if name in each.devices)
    yield from (f"maintenance from {each.begins.isoformat()}" for each in city.maintenance if each.device == name)
    told = _told(device)
    elsewhere = {group for each in city.devices if each is not device for group in _told(each)}
    for camera in city.devices:
        if camera is not device and "red_light" in camera.functions and (_watched(camera) & told) - elsewhere:
            yield f"red light of {camera.id}, whose signal it tells"


def _told(device: Device) -> set[tuple[str, int]]:
    """The signal groups (junction, group) whose phases a device tells."""
    return _watched(device) if Kind.SIGNAL in device.kinds else set()


def _watched(device: Device) -> set[tuple[str, int]]:
    return {(device.junction, group) for group in device.signal_groups} if device.junction else set()
