"""Who of a city is simulated: its native devices. Those of other families speak languages that nobody here speaks."""

from contracts.adapters import NATIVE
from contracts.city import City
from contracts.devices import Device
from contracts.topics import Kind


def cameras_of(city: City) -> tuple[Device, ...]:
    """The cameras on whose roads traffic is made: those that count."""
    return tuple(d for d in city.devices if d.type == "camera" and d.family == NATIVE and Kind.COUNTS in d.kinds)


def stations_of(city: City) -> tuple[Device, ...]:
    """Everything else, which measures the environment."""
    return tuple(d for d in city.devices if d.type != "camera" and d.family == NATIVE)
