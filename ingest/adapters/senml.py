"""SenML in JSON (RFC 8428): lists of measurements, each with its full name, unit and time.

`fields` of an entry are full names (`bn` + `n`); the sum of a record is the name with `#sum` behind it, which no SenML
name can hold. A time below 2**28 counts from now: such a record, and one without a time, cannot be told from its copy.
Records that the entry does not name are left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from contracts.adapters import Adapter
from contracts.clock import SECOND_US
from contracts.devices import Device
from contracts.errors import ConfigError, MessageRejected
from contracts.records import MAX_RECORDS, Record
from contracts.topics import Kind
from contracts.wire import Illegal
from ingest.adapters.family import Family, Heard, Said, Speaker, needs_fields
from ingest.adapters.json_payload import moment_of_epoch, number, parse
from ingest.adapters.readings import illegal, none_found, reading

VERSION: Final = 10
"""The version of RFC 8428, section 4.4; packs of a higher one may mean something else."""
RELATIVE_S: Final = 2**28
"""Times below it are seconds from now (section 4.5.3)."""
SUM: Final = "#sum"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_VALUES: Final = ("v", "vs", "vb", "vd")


@dataclass(frozen=True, slots=True)
class _Base:
    """The base fields in force: each carries on until a record gives it anew."""

    name: str = ""
    unit: str = ""
    time_s: float = 0.0
    value: float | None = None
    sum: float | None = None


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A record with its base fields worked in. `value` and `sum`: None where there is none; `text`: its value is a text
    or bytes."""

    name: str
    unit: str
    time_s: float
    value: float | None = None
    sum: float | None = None
    text: bool = False


def adapt(heard: Heard) -> Iterator[Said]:
    """Readings of the named records of one pack.

    Raises:
        MessageRejected: it is no pack that can be resolved, or holds nothing that the entry names.
    """
    pack = parse(heard.payload)
    if not isinstance(pack, list) or not 1 <= len(pack) <= MAX_RECORDS:
        raise MessageRejected("schema", f"must be a list of 1 to {MAX_RECORDS} records")
    by_speaker = _shared_out(heard, list(_resolve(pack)))
    said = {
        speaker: [made for each in theirs for made in _readings(speaker, each, heard.received_us)]
        for speaker, theirs in by_speaker.items()
    }
    if not any(said.values()):
        raise none_found(next(iter(said)))
    for speaker, records in said.items():
        yield Said(speaker, Kind.READINGS, records)


def _shared_out(heard: Heard, resolved: list[_Resolved]) -> dict[Speaker, list[_Resolved]]:
    """Whose record each is: where several devices speak on one topic, a name begins with the `source` of its device,
    and a pack may hold records of several. What begins with nobody's is left out, as what no entry names is.

    Raises:
        MessageRejected: `unknown_device`: all of it is nobody's.
    """
    shared: dict[Speaker, list[_Resolved]] = {}
    named = sorted((each for each in heard.speakers if each.entry.source), key=lambda each: -len(each.entry.source))
    for each in resolved:
        owner = next((speaker for speaker in named if each.name.startswith(speaker.entry.source)), None)
        if owner is not None:
            shared.setdefault(owner, []).append(each)
    if len(shared) > 1:
        return shared
    return {heard.speaker(*(speaker.entry.source for speaker in shared)): resolved}


def _resolve(pack: list[Any]) -> Iterator[_Resolved]:
    base = _Base()
    for at, record in enumerate(pack):
        where = f"$[{at}]"
        if not isinstance(record, dict):
            raise MessageRejected("schema", f"{where}: must be an object")
        if any(label.endswith("_") for label in record):
            raise MessageRejected("schema", f"{where}: has a label that ends in `_` and must be understood, and is not")
        base = _base(base, record, where)
        yield _record(base, record, where)


def _base(base: _Base, record: dict[str, Any], where: str) -> _Base:
    version = record.get("bver", VERSION)
    if number(version, f"{where}.bver") > VERSION:
        raise MessageRejected("schema", f"{where}.bver: only versions up to {VERSION} are understood")
    changed: dict[str, Any] = {}
    for label, name in (("bn", "name"), ("bu", "unit")):
        if label in record:
            changed[name] = _word(record[label], f"{where}.{label}")
    for label, name in (("bt", "time_s"), ("bv", "value"), ("bs", "sum")):
        if label in record:
            changed[name] = number(record[label], f"{where}.{label}")
    return replace(base, **changed) if changed else base


def _record(base: _Base, record: dict[str, Any], where: str) -> _Resolved:
    name = base.name + _word(record.get("n", ""), f"{where}.n")
    if not _NAME.fullmatch(name):
        raise MessageRejected("schema", f"{where}: `bn` and `n` together are no name")
    values = [label for label in _VALUES if label in record]
    if len(values) > 1:
        raise MessageRejected("schema", f"{where}: has more than one value")
    if not values and base.value is None and "s" not in record and base.sum is None:
        raise MessageRejected("schema", f"{where}: has neither v, vs, vb, vd nor s")
    return _Resolved(
        name,
        _word(record.get("u", base.unit), f"{where}.u"),
        base.time_s + number(record.get("t", 0), f"{where}.t"),
        _value(base, record, values, where),
        _added(base.sum, record["s"], f"{where}.s") if "s" in record else base.sum,
        values in (["vs"], ["vd"]),
    )


def _value(base: _Base, record: dict[str, Any], values: Sequence[str], where: str) -> float | None:
    if values == ["vb"]:
        if not isinstance(record["vb"], bool):
            raise MessageRejected("schema", f"{where}.vb: must be true or false")
        return float(record["vb"])
    if values == ["v"]:
        return _added(base.value, record["v"], f"{where}.v")
    return None if values or "s" in record else base.value


def _added(base: float | None, value: Any, where: str) -> float:
    return number((base or 0.0) + number(value, where), where)


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > 256:
        raise MessageRejected("schema", f"{where}: must be a text of at most 256 characters")
    return value


def _readings(speaker: Speaker, resolved: _Resolved, received_us: int) -> Iterator[Record | Illegal]:
    for name, value in ((resolved.name, resolved.value), (resolved.name + SUM, resolved.sum)):
        entry = speaker.fields.get(name)
        if entry is None:
            continue
        try:
            if resolved.text and name == resolved.name:
                raise MessageRejected("schema", f"{name}: a text or bytes is no reading")
            if value is not None:
                yield reading(speaker, entry, value, resolved.unit, _moment(resolved.time_s, received_us, name))
        except MessageRejected as rejected:
            yield illegal(entry, value, rejected)


def _moment(time_s: float, received_us: int, where: str) -> datetime | None:
    """When it was; None where that is now."""
    if time_s == 0:
        return None
    return moment_of_epoch(received_us / SECOND_US + time_s if time_s < RELATIVE_S else time_s, where)


def _check(device: Device, adapter: Adapter) -> None:
    needs_fields(device, adapter)
    for each in adapter.fields:
        if each.absent is not None:
            raise ConfigError("devices.adapter.fields.absent", each.field, f"{device.id}: a pack leaves nothing out")


FAMILY: Final = Family("senml", adapt, check=_check)
