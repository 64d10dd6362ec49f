"""ChirpStack v4: a LoRaWAN network server, JSON events on `application/ID/device/EUI/event/NAME`.

Its events come from Protocol Buffers, so that whatever is zero, false or empty is left out of them. `fields` are paths
in the event, the decoded values below `object`. `source` is the device's EUI, where a topic holds several.
"""

from collections.abc import Iterator
from typing import Any, Final

from contracts.adapters import Adapter
from contracts.devices import Device
from contracts.errors import ConfigError, MessageRejected
from contracts.records import Status
from contracts.topics import Kind
from ingest.adapters.family import Family, Heard, Said, needs_fields
from ingest.adapters.json_payload import moment, number, parse_object, text
from ingest.adapters.readings import readings

UPLINKS: Final = ("up", "+", "#")
"""How a filter ends that uplinks match."""


def adapt(heard: Heard) -> Iterator[Said]:
    """Readings of an uplink; a status for the device's own status and for a join. Other events hold nothing of ours.

    Raises:
        MessageRejected: it is no event of version 4, its device is not known, or nothing in it was decoded.
    """
    event = parse_object(heard.payload)
    info = event.get("deviceInfo")
    if not isinstance(info, dict):
        raise MessageRejected("schema", "deviceInfo: is missing; only events of ChirpStack version 4 are understood")
    speaker = heard.speaker(text(info.get("devEui"), "deviceInfo/devEui", 16))
    t = moment(event["time"], "time") if event.get("time") else None
    name = heard.topic.rpartition("/")[2]
    if name == "up" and _decoded(event):
        yield Said(speaker, Kind.READINGS, readings(speaker, event, t))
    elif name == "status":
        yield Said(speaker, Kind.STATUS, [Status(t=t, battery=_battery(event))])
    elif name == "join":
        yield Said(speaker, Kind.STATUS, [Status(event="birth", t=t)])


def _decoded(event: dict[str, Any]) -> bool:
    """Whether there are values; an uplink without a payload only keeps the network informed.

    Raises:
        MessageRejected: `schema`: there is a payload, and nobody decoded it.
    """
    if isinstance(event.get("object"), dict):
        return True
    if event.get("data"):
        raise MessageRejected("schema", "object: is missing; give the device profile a codec that decodes the payload")
    return False


def _battery(event: dict[str, Any]) -> float | None:
    """0 to 1; a level that is left out is zero, unless the device is said not to know it."""
    if event.get("externalPowerSource") or event.get("batteryLevelUnavailable"):
        return None
    return number(event.get("batteryLevel", 0), "batteryLevel") / 100


def _check(device: Device, adapter: Adapter) -> None:
    needs_fields(device, adapter)
    if not any(topic.rpartition("/")[2] in UPLINKS for topic in adapter.topics):
        problem = "none of its topics is that of uplinks, application/ID/device/EUI/event/up"
        raise ConfigError("devices.adapter.topics", device.id, problem)


FAMILY: Final = Family("chirpstack", adapt, check=_check)
