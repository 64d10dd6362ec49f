"""Who may say what: the devices of a city, found by topic, with the series each of them may fill.

Made anew for every version of the city; it does not change.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.city import City
from contracts.devices import Device, Metric
from contracts.errors import ConfigError, MessageRejected
from contracts.topics import PREFIX, Kind, Topic, parse
from ingest.adapters.families import Foreign
from ingest.directory import Series, Welcome, directory

_ROOT = f"{PREFIX}/"


@dataclass(frozen=True, slots=True)
class Channel:
    """What one series of a device may hold: `min` to `max` is what is physically possible, in `unit`."""

    code: int
    min: float
    max: float
    unit: str


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device as decoding needs it: its registry number, where it stands, and what it says."""

    no: int
    id: str
    zone: str
    kinds: frozenset[Kind]
    channels: dict[tuple[str, int], Channel]
    """Series by (metric key, lane)."""
    metrics: frozenset[str] = field(init=False)
    """The keys of its metrics, and below in words: made once, for a message may be refused for them 7,000 times."""
    has: str = field(init=False)

    def __post_init__(self) -> None:
        metrics = frozenset(key for key, _ in self.channels)
        object.__setattr__(self, "metrics", metrics)
        object.__setattr__(self, "has", f"{self.id} has {', '.join(sorted(metrics)) or 'no series'}")


class Registry:
    """Fast look-up of devices and topics. `version` is that of the city it was made from."""

    def __init__(self, city: City) -> None:
        """Raises ConfigError: a device has no number (give numbers with `contracts.city.numbered` first), or is of a
        family that is not known or does not understand its entry."""
        metrics = {metric.key: metric for metric in city.metrics}
        self.city, self.version = city.id, city.version
        self.devices = {device.id: _known(device, metrics) for device in city.devices}
        self.foreign = Foreign(city)
        """The devices that speak another format."""
        self.directory = directory(self._welcome())
        """Whose readings are welcome, for the kernel that reads the plain ones."""
        # Holds topics that were accepted, so it cannot outgrow devices times kinds.
        self._routes: dict[str, tuple[KnownDevice, Kind]] = {}

    def route(self, text: str) -> tuple[KnownDevice, Kind]:
        """The device and kind that a topic names; a device may stand under one zone and send its own kinds only.

        Raises:
            MessageRejected: `topic`, `unknown_device`, `wrong_zone` or `wrong_kind`.
        """
        route = self._routes.get(text)
        if route is None:
            route = self._routes[text] = self._find(parse(text))
        return route

    def named(self, text: str) -> KnownDevice | None:
        """The device that a topic is of, also where it may not say what the topic says; None where it is nobody's, or
        of several."""
        if not is_native(text):
            speakers = self.foreign.speakers(text)
            return self.devices[speakers[0].device.id] if len(speakers) == 1 else None
        try:
            return self.devices.get(parse(text).device)
        except MessageRejected:
            return None

    def _welcome(self) -> Iterator[Welcome]:
        for device in self.devices.values():
            if Kind.READINGS in device.kinds:
                series = (
                    Series(metric, lane, channel.code, channel.unit, channel.min, channel.max)
                    for (metric, lane), channel in device.channels.items()
                )
                yield Welcome(str(Topic(self.city, device.zone, device.id, Kind.READINGS)), device.no, tuple(series))

    def _find(self, topic: Topic) -> tuple[KnownDevice, Kind]:
        if topic.city != self.city:
            raise MessageRejected("topic", f"this is {self.city}; the topic is of {topic.city}")
        device = self.devices.get(topic.device)
        if device is None:
            raise MessageRejected("unknown_device", f"{topic.device} is not in the city; enter it there first")
        if topic.zone != device.zone:
            raise MessageRejected("wrong_zone", f"{device.id} stands in {device.zone}; publish there")
        if topic.kind not in device.kinds:
            listed = ", ".join(sorted(device.kinds))
            raise MessageRejected("wrong_kind", f"{device.id} sends {listed}; enter {topic.kind} as one of its kinds")
        return device, topic.kind


def is_native(topic: str) -> bool:
    """Whether a topic is one of our own tree, where no family speaks."""
    return topic.startswith(_ROOT)


def _known(device: Device, metrics: dict[str, Metric]) -> KnownDevice:
    if device.no <= 0:
        raise ConfigError("devices.no", device.no, f"{device.id} has no number; number the city when importing it")
    channels = {
        (series.metric, series.lane): Channel(metric.code, metric.min, metric.max, metric.unit)
        for series in device.series
        for metric in (metrics[series.metric],)
    }
    return KnownDevice(device.no, device.id, device.zone, frozenset(device.kinds), channels)
