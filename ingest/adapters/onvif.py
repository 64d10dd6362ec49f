"""ONVIF Profile M: events and metadata of analytics in JSON over MQTT (ONVIF Core and Analytics specifications).

Topics: `PREFIX/onvif-ej/TOPIC/&SOURCE...` of events, `PREFIX/onvif-mj/TYPE/PRODUCER...` of metadata.

- A plate that was recognised (`RuleEngine/Recognition/LicensePlate`) and a line that was crossed
  (`RuleEngine/LineDetector/Crossed`) are passages. `lanes`: rule -> lane; a rule that it does not name is no lane, and
  a line needs one. `words`: vehicle type -> class; rule, or `Left` and `Right`, -> direction.
- `fields` name numbers: `Device/Sensor/Temperature/High#Value`, with one of the values of its source before the `#`
  where several tell the same (`RuleEngine/CountAggregation/Counter&Gate 2#Count`); `SensorData/Temperature#Value`
  (in kelvin unless the field has another `unit`), `VideoAnalytics#Vehicle` how many objects of a class a frame has.
- Objects of metadata are no passages: each of them is in every frame.

Values may be written as texts. Times are UTC, with or without saying so. What deletes a property has no payload, and
what is retained is state: neither comes here.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from contracts.adapters import Adapter, Field
from contracts.devices import Device
from contracts.errors import ConfigError, MessageRejected
from contracts.records import MAX_RECORDS, Passage, PlateRead, Reading, Record
from contracts.topics import Kind
from contracts.wire import Illegal
from ingest.adapters.family import Family, Heard, Said, Speaker
from ingest.adapters.json_payload import MISSING, moment, number, parse_object, text
from ingest.adapters.passages import check_words, lane_of, vehicle_of
from ingest.adapters.readings import illegal, reading
from ingest.adapters.units import convert

EVENTS: Final = "onvif-ej"
METADATA: Final = "onvif-mj"
CROSSED: Final = "RuleEngine/LineDetector/Crossed"
RECOGNISED: Final = "RuleEngine/Recognition/LicensePlate"
FRAMES: Final = "VideoAnalytics"
TYPES: Final = {
    "Bus": "bus", "Car": "car", "Truck": "truck", "Bicycle": "bicycle", "Motorcycle": "motorcycle",
    "Vehicle": "unknown",
}  # fmt: skip
LIKELY: Final = 0.5
"""From this likelihood on an object counts as being of a class."""
THAI: Final = ("", "TH")
"""Countries whose issuing entity is a Thai province: the one that says so, and none."""
KELVIN: Final = {"SensorData/Temperature": "K"}
"""What the specification has metadata in; a field's own unit is believed before it."""


def adapt(heard: Heard) -> Iterator[Said]:
    """What one event or one message of metadata says.

    Raises:
        MessageRejected: it is neither, or holds no time.
    """
    speaker = heard.speaker()
    levels = heard.topic.split("/")
    content = parse_object(heard.payload)
    if EVENTS in levels:
        yield from _event(speaker, _below(levels, EVENTS), content)
    elif METADATA in levels:
        yield from _metadata(speaker, _below(levels, METADATA), content)
    else:
        raise MessageRejected("topic", f"has neither {EVENTS} nor {METADATA} as a level")


def _below(levels: list[str], mark: str) -> str:
    """The topic of an event or kind of metadata: what comes after the mark, without the values of its source."""
    below = levels[levels.index(mark) + 1 :]
    values = next((at for at, level in enumerate(below) if level.startswith("&")), len(below))
    return "/".join(below[:values])


def _event(speaker: Speaker, topic: str, content: dict[str, Any]) -> Iterator[Said]:
    source, data = _items(content, "Source"), _items(content, "Data")
    if topic == CROSSED:
        yield from _crossed(speaker, source, data, _time(content, "UtcTime"))
    elif topic == RECOGNISED:
        yield from _recognised(speaker, source, data, _time(content, "UtcTime"))
    else:
        values = {value for value in source.values() if isinstance(value, str)}
        records = [
            _measured(speaker, field, data.get(item, MISSING), content)
            for field, item in _asked(speaker, topic, values)
            if item in data
        ]
        if records:
            yield Said(speaker, Kind.READINGS, records)


def _items(content: dict[str, Any], name: str) -> dict[str, Any]:
    items = content.get(name, {})
    if not isinstance(items, dict):
        raise MessageRejected("schema", f"{name}: must be an object")
    return items


def _time(content: dict[str, Any], name: str) -> datetime:
    return moment(content.get(name), name, UTC)


def _asked(speaker: Speaker, topic: str, values: set[str]) -> Iterator[tuple[Field, str]]:
    """The fields of the entry for a topic and a source, each with the item that it names."""
    for name, field in speaker.fields.items():
        place, _, item = name.rpartition("#")
        wanted, has_source, value = place.partition("&")
        if wanted == topic and (not has_source or value in values):
            yield field, item


def _measured(
    speaker: Speaker, field: Field, value: Any, content: dict[str, Any], time: str = "UtcTime", unit: str = ""
) -> Record | Illegal:
    """One value as a reading; wrong alone where it is no number. The time of the message must be one."""
    t = _time(content, time)
    try:
        made: Reading = reading(speaker, field, number(value, field.field, from_text=True), unit, t)
    except MessageRejected as rejected:
        return illegal(field, value, rejected)
    return made


def _crossed(speaker: Speaker, source: dict[str, Any], data: dict[str, Any], t: datetime) -> Iterator[Said]:
    """A line was crossed. Lines that are no lane count for somebody else, as those of a footpath."""
    rule = _word(source.get("Rule"))
    if rule not in speaker.entry.lanes:
        return
    passage = Passage(
        t=t,
        lane=speaker.entry.lanes[rule],
        vehicle="unknown",
        direction=_direction(speaker.entry, (rule,)),
        track=_track(data),
    )
    yield Said(speaker, Kind.PASSAGE, [passage])


def _recognised(speaker: Speaker, source: dict[str, Any], data: dict[str, Any], t: datetime) -> Iterator[Said]:
    """A plate was read, perhaps with what else was seen of its vehicle."""
    entry, rule = speaker.entry, _word(source.get("Rule"))
    lane = lane_of(entry, (rule,))
    vehicle = vehicle_of(entry, _said(_inner(data, "VehicleInfo").get("Type"))[0], TYPES) or "unknown"
    if lane is None:
        return
    passage = Passage(
        t=t,
        lane=lane,
        vehicle=vehicle,
        direction=_direction(entry, (_direction_word(data), rule)),
        speed_kmh=_speed_kmh(data),
        track=_track(data),
        plates=_plates(_inner(data, "LicensePlateInfo"), data),
    )
    yield Said(speaker, Kind.PASSAGE, [passage])


def _inner(data: dict[str, Any], name: str) -> dict[str, Any]:
    """An element item: the element itself, or an object with nothing but it."""
    found = data.get(name, {})
    if isinstance(found, dict) and isinstance(found.get(name), dict):
        found = found[name]
    if not isinstance(found, dict):
        raise MessageRejected("schema", f"Data.{name}: must be an object")
    return found


def _said(value: Any) -> tuple[str, float | None]:
    """The text of an element and its likelihood: alone, or as `#text` beside an attribute."""
    if isinstance(value, dict):
        likelihood = value.get("@Likelihood")
        return _word(value.get("#text")), None if likelihood is None else number(likelihood, "@Likelihood", True)
    return _word(value), None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _plates(info: dict[str, Any], data: dict[str, Any]) -> list[PlateRead]:
    plate, likelihood = _said(info.get("PlateNumber"))
    if not plate:
        raise MessageRejected("schema", "Data.LicensePlateInfo.PlateNumber: must be a text")
    if likelihood is None:
        # Without one on the plate the event's own is meant; without any a reader is sure (Analytics, table of classes).
        likelihood = number(data.get("Likelihood", 1.0), "Data.Likelihood", from_text=True)
    country, (province, _) = _said(info.get("CountryCode"))[0], _said(info.get("IssuingEntity"))
    return [PlateRead(plate, likelihood, province if country in THAI and province else None)]


def _speed_kmh(data: dict[str, Any]) -> float | None:
    if "Speed" not in data:
        return None
    return convert(number(data["Speed"], "Data.Speed", from_text=True), "m/s", "km/h", "Data.Speed")


def _direction_word(data: dict[str, Any]) -> str:
    said = data.get("Direction")
    if isinstance(said, dict):
        said = said.get("Direction", said.get("#text"))
    return _word(said)


def _direction(entry: Adapter, names: Iterable[str]) -> str:
    """The direction that the entry has for the first of these names that it knows."""
    return next((entry.words[name] for name in names if name in entry.words), "unknown")


def _track(data: dict[str, Any]) -> str | None:
    """An object's number may be a number, a text, or an attribute."""
    said = data.get("ObjectId")
    if isinstance(said, dict):
        said = said.get("@ObjectId", said.get("#text"))
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    return None if said is None else text(said, "Data.ObjectId", 64)


def _metadata(speaker: Speaker, topic: str, content: dict[str, Any]) -> Iterator[Said]:
    if topic.partition("/")[0] == FRAMES:
        records = list(islice(_frames(speaker, content), MAX_RECORDS + 1))
        if len(records) > MAX_RECORDS:
            raise MessageRejected("too_large", f"makes more than {MAX_RECORDS} records; send fewer frames at once")
    else:
        inner = _inner({"SensorData": content.get("SensorData", {})}, "SensorData")
        source = {_word(inner.get("@SensorID"))}
        records = [
            _measured(speaker, field, inner[item], inner, "@UtcTime", "" if field.unit else KELVIN.get(topic, ""))
            for field, item in _asked(speaker, topic, source)
            if item in inner
        ]
    if records:
        yield Said(speaker, Kind.READINGS, records)


def _frames(speaker: Speaker, content: dict[str, Any]) -> Iterator[Record | Illegal]:
    """How many objects of each class that the entry asks for every frame has."""
    frames = content.get("Frame", [])
    for frame in frames if isinstance(frames, list) else [frames]:
        if not isinstance(frame, dict):
            raise MessageRejected("schema", "Frame: must be an object, or a list of them")
        counted = _counted(frame)
        source = {_word(frame.get("@Source"))}
        for field, name in _asked(speaker, FRAMES, source):
            yield _measured(speaker, field, counted.get(name, 0), frame, "@UtcTime")


def _counted(frame: dict[str, Any]) -> dict[str, int]:
    objects = frame.get("Object", [])
    counted: dict[str, int] = {}
    for each in objects if isinstance(objects, list) else [objects]:
        for name in _classes(each):
            counted[name] = counted.get(name, 0) + 1
    return counted


def _classes(each: Any) -> set[str]:
    """The likely classes of an object."""
    found = each
    for name in ("Appearance", "Class", "Type"):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    types = (_said(one) for one in (found if isinstance(found, list) else [found]))
    return {name for name, likelihood in types if name and (likelihood is None or likelihood >= LIKELY)}


def _check(device: Device, adapter: Adapter) -> None:
    check_words(device, adapter)
    for field in adapter.fields:
        if not all(field.field.rpartition("#")[::2]):
            problem = f"{device.id}: write it as TOPIC#ITEM, such as Device/Sensor/Temperature/High#Value"
            raise ConfigError("devices.adapter.fields", field.field, problem)


FAMILY: Final = Family("onvif", adapt, uses=frozenset({"fields", "lanes", "words"}), check=_check)
