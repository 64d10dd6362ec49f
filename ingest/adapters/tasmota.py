"""Tasmota: open firmware of small sensors, JSON on `tele/NAME/SENSOR`, its last will as a bare word on `tele/NAME/LWT`.

`fields` are paths in the message, such as `BME280/Temperature`. Of several probes of one kind each has a number that
changes when one is added; `Id=0000000C3A2E/Temperature` finds one by its address instead. Times have no offset unless
the device is told to add it: `time_zone` says where they are; without it a message counts as of its receipt.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from contracts.adapters import Field
from contracts.errors import MessageRejected
from contracts.records import Status
from contracts.topics import Kind
from ingest.adapters.family import Family, Heard, Said, Speaker, needs_fields
from ingest.adapters.json_payload import has_offset, moment, moment_of_epoch, number, parse_object
from ingest.adapters.readings import readings
from ingest.adapters.units import dimension

CLOCK_SET: Final = datetime(2016, 1, 1, tzinfo=UTC)
"""Before it the firmware itself takes its clock for not yet set: it starts at 1970 until a time server answers."""
MILLISECONDS: Final = 1e11
"""A time that is a number is in seconds, above this in milliseconds: as seconds it would lie in the year 5138."""
UNIT_KEYS: Final = {"temperature": "TempUnit", "pressure": "PressureUnit", "speed": "SpeedUnit"}
"""What a quantity is in stands beside the values, once for all of them."""
WILLS: Final = {b"Online": "birth", b"Offline": "death"}


def adapt(heard: Heard) -> Iterator[Said]:
    """Readings of `SENSOR`, a status of `LWT`. Other topics hold nothing of ours.

    Raises:
        MessageRejected: it is not what the firmware sends, or holds nothing that the entry names.
    """
    speaker = heard.speaker()
    name = heard.topic.rpartition("/")[2]
    if name == "LWT":
        event = WILLS.get(heard.payload.strip())
        if event is None:
            raise MessageRejected("schema", f"must be {' or '.join(word.decode() for word in WILLS)}")
        yield Said(speaker, Kind.STATUS, [Status(event=event)])
    elif name == "SENSOR":
        content = parse_object(heard.payload)
        by_id = {f"Id={probe['Id']}": probe for probe in content.values() if _has_id(probe)}
        units = {kind: content[key] for kind, key in UNIT_KEYS.items() if isinstance(content.get(key), str)}

        def unit_of(field: Field) -> str:
            unit: str = units.get(dimension(speaker.units[field.field]) or "", "")
            return unit

        yield Said(speaker, Kind.READINGS, readings(speaker, content | by_id, _moment(content, speaker), unit_of))


def _has_id(probe: Any) -> bool:
    return isinstance(probe, dict) and isinstance(probe.get("Id"), str)


def _moment(content: dict[str, Any], speaker: Speaker) -> datetime | None:
    """When it was; None where the device does not know it, or nobody knows in which zone it means it.

    Raises:
        MessageRejected: `schema`: it is no time.
    """
    said = content.get("Time")
    if said is None:
        return None
    if isinstance(said, str):
        made = moment(said, "Time", speaker.zone or UTC)
        if speaker.zone is None and not has_offset(said):
            return None
    else:
        epoch_s = number(said, "Time")
        made = moment_of_epoch(epoch_s / 1_000 if epoch_s > MILLISECONDS else epoch_s, "Time")
    return made if made >= CLOCK_SET else None


FAMILY: Final = Family("tasmota", adapt, uses=frozenset({"fields", "time_zone"}), check=needs_fields)
