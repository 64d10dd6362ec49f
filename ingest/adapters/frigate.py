"""Frigate: cameras whose pictures it watches, heard through the events, counts and availability that it publishes.

Several cameras speak on `PREFIX/events`; `source` is the camera's name there. A vehicle is a passage when its event has
ended (`type` = `end`): until then every message about it is a new state of the same one. `fields` name counts by their
topic below the prefix (`front_door/car/active`): how many are in view, as bare numbers without a time.

`params`: `prefix` (`frigate` where left out); `speed_unit`, what this Frigate is set to (`km/h` or `mph`): left out,
speeds are not taken; `forward_deg`, the `velocity_angle` of a vehicle that drives forward; `plates` = `updates` for a
camera that reads plates and has no events (what it reads is a passage with each update; its events are left out).
`lanes`: zone -> lane, the last one entered counts. `words`: label -> vehicle class.

`sub_label` is not read: it is the name of whoever is known to own a plate.
"""

from collections.abc import Iterator
from typing import Any, Final

from contracts.adapters import Adapter
from contracts.devices import Device
from contracts.errors import ConfigError, MessageRejected
from contracts.records import Passage, PlateRead, Status
from contracts.topics import Kind
from ingest.adapters.family import Family, Heard, Said
from ingest.adapters.json_payload import moment_of_epoch, number, parse, parse_object, text
from ingest.adapters.passages import check_choice, check_words, lane_of, vehicle_of
from ingest.adapters.readings import reading
from ingest.adapters.units import convert

LABELS: Final = {
    "car": "car", "motorcycle": "motorcycle", "bus": "bus", "bicycle": "bicycle", "school_bus": "school_bus",
    "garbage_truck": "truck", "truck": "unknown", "license_plate": "unknown",
}  # fmt: skip
"""Labels that are vehicles. The usual models (COCO) call a pickup a truck, which has a lower limit: `truck` is a truck
only where an entry's `words` say so."""
STATES: Final = {"online": "birth", "offline": "death", "stopped": "death"}
"""`offline` is the last will; `stopped` is said before going in good order."""
TURN_DEG: Final = 60.0
"""How far a vehicle's angle may be from forward, or from backward: a turn into a side street is neither."""
MAX_DWELL_S: Final = 86_400.0
"""What a passage can say (`contracts.records`). A car that stood for longer stood for at least so long."""


def adapt(heard: Heard) -> Iterator[Said]:
    """What one message of Frigate says.

    Raises:
        MessageRejected: it is not what Frigate says on its topic, or of a camera that no entry names.
    """
    below = heard.topic.removeprefix(f"{_prefix(heard.speakers[0].entry)}/")
    if below == "events":
        yield from _event(heard)
    elif below == "tracked_object_update":
        yield from _update(heard)
    elif below == "available":
        yield from _available(heard)
    else:
        yield from _count(heard, below)


def _event(heard: Heard) -> Iterator[Said]:
    content = parse_object(heard.payload)
    kind, after = content.get("type"), content.get("after")
    if kind not in ("new", "update", "end") or not isinstance(after, dict):
        raise MessageRejected("schema", "must have a type (new, update or end) and after")
    if kind != "end" or after.get("false_positive") is True:
        return
    speaker = heard.speaker(text(after.get("camera"), "after.camera"))
    entry = speaker.entry
    vehicle = vehicle_of(entry, text(after.get("label"), "after.label"), LABELS)
    lane = lane_of(entry, _zones(after))
    if vehicle is None or lane is None or _reads_updates(entry):
        return
    ended_s = number(_first(after, "end_time", "frame_time"), "after.end_time")
    began_s = number(_first(after, "start_time") or ended_s, "after.start_time")
    speed_kmh = _speed_kmh(entry, after)
    passage = Passage(
        t=moment_of_epoch(ended_s, "after.end_time"),
        lane=lane,
        vehicle=vehicle,
        direction=_direction(entry, after) if speed_kmh != 0 else "unknown",
        speed_kmh=speed_kmh or None,  # 0: it never measured one
        dwell_s=min(ended_s - began_s, MAX_DWELL_S),
        track=text(after.get("id"), "after.id"),
        plates=_plates(after),
    )
    yield Said(speaker, Kind.PASSAGE, [passage])


def _zones(after: dict[str, Any]) -> list[str]:
    entered = after.get("entered_zones", [])
    if not isinstance(entered, list):
        raise MessageRejected("schema", "after.entered_zones: must be a list")
    return [zone for zone in entered if isinstance(zone, str)]


def _first(content: dict[str, Any], *names: str) -> Any:
    return next((content[name] for name in names if content.get(name) is not None), None)


def _speed_kmh(entry: Adapter, after: dict[str, Any]) -> float | None:
    """The mean speed, 0 where Frigate measured none; None where the entry does not say what it is in."""
    unit, said = entry.params.get("speed_unit"), after.get("average_estimated_speed")
    if not isinstance(unit, str) or said is None:
        return None
    where = "after.average_estimated_speed"
    return convert(number(said, where), unit, "km/h", where)


def _direction(entry: Adapter, after: dict[str, Any]) -> str:
    forward_deg, said = entry.params.get("forward_deg"), after.get("velocity_angle")
    if not isinstance(forward_deg, float | int) or said is None:
        return "unknown"
    apart_deg = abs((number(said, "after.velocity_angle") - forward_deg + 180.0) % 360.0 - 180.0)
    if apart_deg <= TURN_DEG:
        return "forward"
    return "backward" if apart_deg >= 180.0 - TURN_DEG else "unknown"


def _plates(after: dict[str, Any]) -> list[PlateRead]:
    """The plate of an event: a text with its score beside it, or both in a list."""
    said, score = after.get("recognized_license_plate"), after.get("recognized_license_plate_score")
    where = "after.recognized_license_plate"
    if isinstance(said, list):
        if len(said) != 2:
            raise MessageRejected("schema", f"{where}: must be a text, or a text and its score")
        said, score = said
    return [] if said is None or said == "" else [_read(said, score, where)]


def _read(said: Any, score: Any, where: str) -> PlateRead:
    return PlateRead(text(said, where), 0.0 if score is None else number(score, f"{where}, its score"))


def _reads_updates(entry: Adapter) -> bool:
    return entry.params.get("plates") == "updates"


def _update(heard: Heard) -> Iterator[Said]:
    """A plate that was read, where the camera has no events; other updates come again with the end of their event."""
    content = parse_object(heard.payload)
    if text(content.get("type"), "type") != "lpr":
        return
    speaker = heard.speaker(text(content.get("camera"), "camera"))
    if not _reads_updates(speaker.entry):
        return
    passage = Passage(
        t=moment_of_epoch(number(content.get("timestamp"), "timestamp"), "timestamp"),
        lane=0,
        vehicle="unknown",
        track=text(content.get("id"), "id"),
        plates=[_read(content.get("plate"), content.get("score"), "plate")],
    )
    yield Said(speaker, Kind.PASSAGE, [passage])


def _available(heard: Heard) -> Iterator[Said]:
    """What Frigate says of itself holds for all of its cameras."""
    event = STATES.get(heard.payload[:16].decode(errors="replace"))
    if event is None:
        raise MessageRejected("schema", f"must be one of {', '.join(STATES)}")
    for speaker in heard.speakers:
        yield Said(speaker, Kind.STATUS, [Status(event=event)])


def _count(heard: Heard, below: str) -> Iterator[Said]:
    """How many objects of a kind a camera or zone sees just now."""
    for speaker in heard.speakers:
        field = speaker.fields.get(below)
        if field is not None:
            heard.about = speaker
            value = number(parse(heard.payload), below)
            yield Said(speaker, Kind.READINGS, [reading(speaker, field, value, "", None)])


def _prefix(entry: Adapter) -> str:
    return str(entry.params.get("prefix", "frigate"))


def _check(device: Device, adapter: Adapter) -> None:
    check_words(device, adapter)
    check_choice(device, adapter, "speed_unit", ("km/h", "mph"))
    check_choice(device, adapter, "plates", ("events", "updates"))
    if not isinstance(adapter.params.get("forward_deg", 0.0), float | int):
        raise ConfigError("devices.adapter.params.forward_deg", device.id, "must be a number of degrees")
    for topic in adapter.topics:
        if not topic.startswith(f"{_prefix(adapter)}/"):
            problem = f"{device.id}: is not below the prefix {_prefix(adapter)!r}; see `params.prefix`"
            raise ConfigError("devices.adapter.topics", topic, problem)


FAMILY: Final = Family(
    "frigate",
    adapt,
    uses=frozenset({"source", "fields", "lanes", "words"}),
    params=frozenset({"prefix", "speed_unit", "forward_deg", "plates"}),
    check=_check,
)
