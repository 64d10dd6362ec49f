"""From the values of a payload to readings, by the fields of an entry: what families that measure have in common."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from contracts.adapters import Field
from contracts.errors import MessageRejected
from contracts.records import Reading, Record
from contracts.wire import Illegal
from ingest.adapters.family import Speaker
from ingest.adapters.json_payload import MISSING, as_json, look, number
from ingest.adapters.units import convert

UnitOf = Callable[[Field], str]


def reading(speaker: Speaker, field: Field, value: float, unit: str, t: datetime | None) -> Reading:
    """A value as a reading in the metric's unit. `unit`: what the payload says; empty where it says nothing.

    Raises:
        MessageRejected: `wrong_unit`.
    """
    wanted = speaker.units[field.field]
    made = convert(value, unit or field.unit or wanted, wanted, field.field)
    return Reading(metric=field.metric, value=made, t=t, lane=field.lane)


def no_unit(field: Field) -> str:
    """The payload does not say what a value is in."""
    return ""


def readings(
    speaker: Speaker, content: Any, t: datetime | None, unit_of: UnitOf = no_unit, from_text: bool = False
) -> list[Record | Illegal]:
    """A reading for every field of the entry that the content holds; a wrong one is illegal alone. Null is there, but
    no value: many a device says so while its sensor warms up.

    Raises:
        MessageRejected: `unknown_metric`: it holds none of them.
    """
    found = {field: look(content, path) for field, path in speaker.paths.items()}
    if all(value is MISSING for value in found.values()):
        raise none_found(speaker)
    made: list[Record | Illegal] = []
    for field in speaker.entry.fields:
        value = found[field.field]
        if value is MISSING and field.absent is not None:
            value = field.absent
        if value is MISSING or value is None:
            continue
        try:
            made.append(reading(speaker, field, number(value, field.field, from_text), unit_of(field), t))
        except MessageRejected as rejected:
            made.append(illegal(field, value, rejected))
    return made


def illegal(field: Field, value: Any, why: MessageRejected) -> Illegal:
    """A value that is no reading, kept with the name that its entry has for it."""
    return Illegal(as_json(field.field, value), why)


def none_found(speaker: Speaker) -> MessageRejected:
    """The rejection of a message that holds none of the fields of an entry."""
    known = ", ".join(field.field for field in speaker.entry.fields)
    return MessageRejected("unknown_metric", f"holds none of the fields of {speaker.device.id}: {known}")
