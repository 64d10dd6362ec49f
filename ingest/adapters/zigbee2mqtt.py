"""Zigbee2MQTT: a bridge that publishes the state of each device on `zigbee2mqtt/NAME`, as one JSON object.

A name may hold slashes, so it is never read out of a topic: an entry spells its topics out. `NAME/availability` says
whether the bridge still hears the device, if that topic is in the entry too. `last_seen` is the time, where the bridge
is told to add it; without it a message counts as of its receipt, even one from the bridge's memory after its start.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from contracts.errors import MessageRejected
from contracts.records import Record, Status
from contracts.topics import Kind
from contracts.wire import Illegal
from ingest.adapters.family import Family, Heard, Said, needs_fields
from ingest.adapters.json_payload import MISSING, as_json, look, moment, moment_of_epoch, number, parse_object
from ingest.adapters.readings import readings

AVAILABILITY: Final = "/availability"
STATES: Final = {"online": "birth", "offline": "death"}


def adapt(heard: Heard) -> Iterator[Said]:
    """Readings and the battery of a state, a status of an availability.

    Raises:
        MessageRejected: it is not what the bridge sends, or holds nothing that the entry names.
    """
    speaker = heard.speaker()
    if heard.topic.removesuffix(AVAILABILITY) in set(speaker.entry.topics) - {heard.topic}:
        yield Said(speaker, Kind.STATUS, [Status(event=_event(heard.payload))])
        return
    content = parse_object(heard.payload)
    t = _moment(content.get("last_seen"))
    if content.get("battery") is not None:
        yield Said(speaker, Kind.STATUS, [_battery(content["battery"], t)])
        if not any(look(content, path) is not MISSING for path in speaker.paths.values()):
            return  # a device that sleeps says that it has power, and nothing else
    yield Said(speaker, Kind.READINGS, readings(speaker, content, t))


def _event(payload: bytes) -> str:
    """What an availability says: an object, or the bare word of older bridges.

    Raises:
        MessageRejected: neither.
    """
    bare = payload.decode(errors="replace")
    state = bare if bare in STATES else parse_object(payload).get("state")
    event = STATES.get(state) if isinstance(state, str) else None
    if event is None:
        raise MessageRejected("schema", f"state: must be {' or '.join(STATES)}")
    return event


def _moment(said: Any) -> datetime | None:
    """When the bridge heard the device: ISO 8601 or milliseconds since 1970, as it is told to write it.

    Raises:
        MessageRejected: it is neither, or outside the calendar.
    """
    if said is None:
        return None
    if isinstance(said, str):
        return moment(said, "last_seen")
    return moment_of_epoch(number(said, "last_seen") / 1_000, "last_seen")


def _battery(said: Any, t: datetime | None) -> Record | Illegal:
    try:
        return Status(t=t, battery=number(said, "battery") / 100)
    except MessageRejected as rejected:
        return Illegal(as_json("battery", said), rejected)


FAMILY: Final = Family("zigbee2mqtt", adapt, uses=frozenset({"fields"}), check=needs_fields)
