"""The families: adding one is its file, its test, and its name in this list."""

from importlib import import_module
from typing import Final

from contracts.adapters import NATIVE
from contracts.city import City
from contracts.devices import Device
from contracts.errors import ConfigError
from contracts.topic_filters import FilterTree
from ingest.adapters.family import Family, Heard, Said, Speaker, check_entry

NAMES: Final = (
    "chirpstack",
    "frigate",
    "hikvision",
    "onvif",
    "senml",
    "tasmota",
    "zigbee2mqtt",
)
"""Each is a file of this folder with a `FAMILY`."""

FAMILIES: Final[dict[str, Family]] = {name: import_module(f"ingest.adapters.{name}").FAMILY for name in NAMES}

MAX_ROUTES: Final = 50_000
"""Topics remembered with their devices; behind a wildcard there may be any number, then the memory begins anew."""
MAX_REMEMBERED: Final = 300
"""And none that is longer: behind a wildcard a device may write 64 KB of them, and 50,000 such would be our memory."""


def check_families(city: City) -> None:
    """Check that every device's family is known and understands its entry.

    Raises:
        ConfigError: names the device and what to do.
    """
    Foreign(city)


class Foreign:
    """The devices of a city that speak another format, found by topic. It does not change."""

    def __init__(self, city: City) -> None:
        """Raises ConfigError: a family is not known, or does not understand an entry."""
        units = {metric.key: metric.unit for metric in city.metrics}
        self._tree = FilterTree()
        self._routes: dict[str, tuple[Speaker, ...]] = {}
        topics: dict[str, None] = {}
        for device in city.devices:
            if device.family == NATIVE or device.adapter is None:
                continue
            try:
                check_entry(_family(device), device)
                speaker = Speaker(device, units)
            except ConfigError as problem:
                raise ConfigError(problem.key, problem.value, problem.problem, city.id) from None
            for topic in device.adapter.topics:
                self._tree.add(topic, speaker)
                topics[topic] = None
        self.topics = tuple(topics)
        """The filters to subscribe to."""

    def speakers(self, topic: str) -> tuple[Speaker, ...]:
        """The devices that speak on a topic; all are of one family. None: it is not a topic of any family."""
        found = self._routes.get(topic)
        if found is None:
            found = tuple(self._tree.matching(topic))
            if len(topic) > MAX_REMEMBERED:
                return found
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            self._routes[topic] = found
        return found

    def adapt(self, heard: Heard) -> list[Said]:
        """What the devices said in a message, in the kinds that their entries list.

        Raises:
            MessageRejected: with the reason; `heard.about` says whose it is.
        """
        family = FAMILIES[heard.speakers[0].device.family]
        return [said for said in family.adapt(heard) if said.kind in said.speaker.device.kinds and said.records]


def _family(device: Device) -> Family:
    family = FAMILIES.get(device.family)
    if family is None:
        known = ", ".join(sorted((NATIVE, *FAMILIES)))
        raise ConfigError("devices.family", device.family, f"{device.id}: no such family; one of {known}")
    return family
