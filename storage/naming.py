"""Names for the numbers of the log: what a device, a metric or a code is called outside."""

from enum import IntEnum
from typing import Final

from contracts.city import City
from contracts.devices import Device

COUNT_METRICS: Final = ("flow-", "speed-mean", "occupancy")
"""How the keys of metrics begin that a camera counts by lane and interval."""


class Naming:
    """Look-ups of one version of a city. A number that it does not know keeps its digits as a name."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._devices = {device.no: device for device in city.devices}
        self._metrics = {metric.code: metric.key for metric in city.metrics}
        self.count_codes = frozenset(metric.code for metric in city.metrics if metric.key.startswith(COUNT_METRICS))

    def device(self, no: int) -> Device | None:
        """The entry of a device."""
        return self._devices.get(no)

    def device_id(self, no: int) -> str:
        """A device's id."""
        device = self._devices.get(no)
        return device.id if device else str(no)

    def metric(self, code: int) -> str:
        """A metric's key."""
        return self._metrics.get(code, str(code))


def word(vocabulary: type[IntEnum], code: int) -> str:
    """The lower-case name of a code, as payloads spell it; `unknown` for one from a newer version."""
    try:
        return vocabulary(code).name.lower()
    except ValueError:
        return "unknown"
