"""Reading JSON that somebody else designed: parsed once, looked into by name, numbers and times taken with care.

Everything here raises MessageRejected and nothing else. A detail names the place by the entry's own words, never by
what a device said.
"""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import msgspec

from contracts.clock import EPOCH
from contracts.errors import MessageRejected
from contracts.wire import printable

MISSING: Final = object()
"""Stands for a value that is not there; JSON's null is None."""

_decoder: Final = msgspec.json.Decoder()
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?(Z|z|[+-]\d\d:?\d\d)?")
MIN_EPOCH_S: Final = -62_135_596_800.0
MAX_EPOCH_S: Final = 253_402_300_799.0
"""The calendar's first second (year 1) and its last (year 9999)."""


def parse(payload: bytes) -> Any:
    """The JSON of a payload.

    Raises:
        MessageRejected: `not_json`, or `schema` where it is nested too deeply.
    """
    try:
        return _decoder.decode(payload)
    except RecursionError:
        raise MessageRejected("schema", "nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MessageRejected("not_json", printable(str(problem))) from None


def parse_object(payload: bytes) -> dict[str, Any]:
    """The JSON object of a payload.

    Raises:
        MessageRejected: `not_json` or `schema`.
    """
    content = parse(payload)
    if not isinstance(content, dict):
        raise MessageRejected("schema", "must be one JSON object")
    return content


def path_of(field: str) -> tuple[str, ...]:
    """The names on the way to a value: `BME280/Temperature`. As in a JSON pointer (RFC 6901) without its first slash,
    a slash within a name is written ~1 and a tilde ~0."""
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in field.split("/"))


def look(content: Any, path: tuple[str, ...]) -> Any:
    """The value at a path, or MISSING; a name that is a number also counts in a list, from 0."""
    for name in path:
        if isinstance(content, dict):
            content = content.get(name, MISSING)
        elif isinstance(content, list) and name.isascii() and name.isdigit() and len(name) < 6:
            content = content[int(name)] if int(name) < len(content) else MISSING
        else:
            return MISSING
    return content


def as_json(name: str, value: Any) -> bytes:
    """A value that was parsed, under a name, as JSON again. What is nested so deeply that it could be read and
    cannot be written has null in its place: how deep that is depends on who asks, so no bound tells it beforehand."""
    try:
        return msgspec.json.encode({name: value})
    except RecursionError:
        return msgspec.json.encode({name: None})


def number(value: Any, where: str, from_text: bool = False) -> float:
    """A finite number. With `from_text` also one that is written as a string, as some families do.

    Raises:
        MessageRejected: `schema`.
    """
    if from_text and isinstance(value, str) and len(value) <= 32:
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MessageRejected("schema", f"{where}: must be a number")
    try:
        made = float(value)
    except OverflowError:
        made = math.inf
    if not math.isfinite(made):
        raise MessageRejected("schema", f"{where}: must be a finite number")
    return made


def text(value: Any, where: str, max_length: int = 256) -> str:
    """A string that is not empty.

    Raises:
        MessageRejected: `schema`.
    """
    if not isinstance(value, str) or not 1 <= len(value) <= max_length:
        raise MessageRejected("schema", f"{where}: must be a text of 1 to {max_length} characters")
    return value


def moment(value: Any, where: str, zone: tzinfo | None = None) -> datetime:
    """The moment of an ISO 8601 time with up to twelve decimals of a second: what is finer than a microsecond is cut,
    so that it never moves into the future. `zone`: of a time without an offset.

    Raises:
        MessageRejected: `schema`: it is no time, or has neither offset nor zone.
    """
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise MessageRejected("schema", f"{where}: must be a time as in ISO 8601")
    day, clock, decimals, offset = found.groups()
    written = f"{day}T{clock}{'.' + decimals[:6].ljust(6, '0') if decimals else ''}{(offset or '').upper()}"
    try:
        made = datetime.fromisoformat(written)
    except ValueError:
        raise MessageRejected("schema", f"{where}: there is no such day or hour") from None
    if made.tzinfo is None and zone is None:
        raise MessageRejected("schema", f"{where}: has no offset; enter the device's `time_zone`")
    try:
        return (made.replace(tzinfo=zone) if made.tzinfo is None else made).astimezone(UTC)
    except OverflowError:
        raise MessageRejected("past" if made.year < 5_000 else "future", f"{where}: outside the calendar") from None


def has_offset(said: str) -> bool:
    """Whether a time that `moment` understood says where it is meant."""
    found = _TIME.fullmatch(said)
    return found is not None and found[4] is not None


def moment_of_epoch(seconds: float, where: str) -> datetime:
    """The moment so many seconds after 1970 UTC, to the microsecond.

    Raises:
        MessageRejected: `future` or `past`: outside the calendar.
    """
    if not MIN_EPOCH_S <= seconds <= MAX_EPOCH_S:
        raise MessageRejected("past" if seconds < 0 else "future", f"{where}: outside the calendar")
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))
