"""From what a camera of another family saw to passages: what families that see vehicles have in common."""

from collections.abc import Iterable, Mapping
from typing import Final

from contracts.adapters import Adapter
from contracts.devices import Device
from contracts.errors import ConfigError
from contracts.records import Direction, VehicleClass

VEHICLES: Final = frozenset(each.name.lower() for each in VehicleClass)
DIRECTIONS: Final = frozenset(each.name.lower() for each in Direction)
NO_VEHICLE: Final = "none"
"""What an entry's `words` turns a class into whose objects are not to be counted as vehicles."""


def vehicle_of(adapter: Adapter, name: str, known: Mapping[str, str]) -> str | None:
    """Our class for a family's: the entry's, else the family's own; None for what is no vehicle."""
    found = adapter.words.get(name) or known.get(name)
    return found if found in VEHICLES else None


def lane_of(adapter: Adapter, places: Iterable[str]) -> int | None:
    """The lane of the last of these places that the entry names. 0 where an entry names no lanes at all; None where a
    vehicle was at none of those that it names: a car park beside the road is no lane."""
    if not adapter.lanes:
        return 0
    lanes = [adapter.lanes[place] for place in places if place in adapter.lanes]
    return lanes[-1] if lanes else None


def check_words(device: Device, adapter: Adapter) -> None:
    """Check that `words` turns theirs into words of ours.

    Raises:
        ConfigError: names the word.
    """
    for theirs, ours in adapter.words.items():
        if ours not in VEHICLES | DIRECTIONS | {NO_VEHICLE}:
            allowed = ", ".join(sorted(VEHICLES | DIRECTIONS | {NO_VEHICLE}))
            raise ConfigError("devices.adapter.words", theirs, f"{device.id}: {ours!r} is none of {allowed}")


def check_choice(device: Device, adapter: Adapter, key: str, choices: Iterable[str]) -> None:
    """Check that a `params` key, where it is given, is one of these.

    Raises:
        ConfigError: names the key.
    """
    given = adapter.params.get(key)
    if given is not None and given not in set(choices):
        raise ConfigError(f"devices.adapter.params.{key}", given, f"{device.id}: must be one of {', '.join(choices)}")
