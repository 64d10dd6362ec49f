"""Hikvision ANPR cameras: an XML event with each plate, posted over HTTP and published by our receiver as it came.

`source` is the camera's MAC address; without one it is whatever camera speaks on the topic. `lanes`: the camera's
`line` -> lane; without any a line is the lane of its number. `words`: `forward` and `reverse` (towards and away from
the camera) -> direction along the road, which only the entry can know; vehicle type -> class. `time_zone`: of a camera
that leaves out the offset.

Pictures stay behind (decision 0070). The province is not in the plate: it is a number of Hikvision's own, which
is neither that of the plate authority nor that of ISO.
"""

from collections.abc import Iterator
from typing import Final

from contracts import plain_xml
from contracts.adapters import Adapter
from contracts.devices import Device
from contracts.errors import MessageRejected
from contracts.plain_xml import Element
from contracts.records import MAX_LANE, Passage, PlateRead, Status
from contracts.topics import Kind
from ingest.adapters.family import Family, Heard, Said
from ingest.adapters.hikvision_provinces import PROVINCES
from ingest.adapters.json_payload import moment, number
from ingest.adapters.passages import check_words, lane_of, vehicle_of
from ingest.grammar import normalise

ROOT: Final = "EventNotificationAlert"
PLATE_EVENT: Final = "anpr"
HEARTBEATS: Final = frozenset({"heartbeat", "videoloss"})
"""What a camera says when it has nothing to say; `videoloss` that is not active is the older form of it."""
THAILAND: Final = ("", "64")
UNREAD: Final = frozenset({"", "unknown", "noplate"})
"""What stands in the place of a plate that was not read."""
TYPES: Final = {
    "vehicle": "car", "SUVMPV": "car", "van": "van", "largeBus": "bus", "truck": "truck", "pickupTruck": "pickup",
    "twoWheelVehicle": "motorcycle", "threeWheelVehicle": "three_wheel", "pedestrian": "none",
}  # fmt: skip
RIDDEN: Final = frozenset({"motorcycle", "big_motorcycle"})
HELMETS: Final = {"yes": "all", "no": "rider_bare"}
RIDERS: Final = {"yes": 2, "no": 1}
"""`nonMotorManned`: whether somebody rides along."""


def adapt(heard: Heard) -> Iterator[Said]:
    """What one event says.

    Raises:
        MessageRejected: it is no XML, no event, or of another camera.
    """
    alert = plain_xml.parse(heard.payload)
    if alert.name != ROOT:
        raise MessageRejected("schema", f"the outermost element must be {ROOT}")
    speaker = heard.speaker(alert.value("macAddress").replace("-", ":") or None)
    event, is_active = alert.value("eventType").lower(), alert.value("eventState").lower() != "inactive"
    t = moment(alert.value("dateTime"), "dateTime", speaker.zone)
    if event == PLATE_EVENT and is_active:
        seen = alert.child("ANPR")
        if seen is None:
            raise MessageRejected("schema", "an event of the type ANPR must hold an element ANPR")
        entry = speaker.entry
        vehicle, lane = _vehicle(entry, seen), _lane(entry, seen)
        if vehicle is None or lane is None:
            return
        ridden = vehicle in RIDDEN
        passage = Passage(
            t=t,
            lane=lane,
            vehicle=vehicle,
            direction=entry.words.get(seen.value("direction"), "unknown"),
            track=alert.value("UUID") or None,
            plates=_plates(seen),
            helmet=HELMETS.get(seen.value("helmet"), "unknown") if ridden else "unknown",
            riders=RIDERS.get(seen.value("nonMotorManned")) if ridden else None,
        )
        yield Said(speaker, Kind.PASSAGE, [passage])
    elif event in HEARTBEATS and not (event == "videoloss" and is_active):
        yield Said(speaker, Kind.STATUS, [Status(event="health", t=t)])


def _vehicle(entry: Adapter, seen: Element) -> str | None:
    """The class; `unknown` for a type that nobody has told us of, None for what is no vehicle."""
    said = seen.value("vehicleType")
    return vehicle_of(entry, said, TYPES) if said in entry.words or said in TYPES else "unknown"


def _lane(entry: Adapter, seen: Element) -> int | None:
    line = seen.value("line")
    if entry.lanes:
        return lane_of(entry, (line,))
    is_lane = line.isascii() and line.isdigit() and len(line) < 3 and int(line) <= MAX_LANE
    return int(line) if is_lane else 0


def _plates(seen: Element) -> list[PlateRead]:
    """What was read and, where a camera corrected it by a list of its own, also what it made of it: two reads that
    differ leave a doubt, and so they should."""
    reads = [seen.value("originalLicensePlate"), seen.value("licensePlate")]
    different = {normalise(read): read for read in reads if read.lower() not in UNREAD}
    said = seen.value("confidenceLevel")
    confidence = number(said, "ANPR.confidenceLevel", from_text=True) / 100.0 if said else 0.0
    province = PROVINCES.get(_state(seen)) if seen.value("country") in THAILAND else None
    return [PlateRead(read, confidence, province) for read in different.values()]


def _state(seen: Element) -> str:
    """The number of the province, under the name that cameras misspell and under the one they may learn."""
    return (seen.value("tailandStateID") or seen.value("thailandStateID")).lstrip("0")


def _check(device: Device, adapter: Adapter) -> None:
    check_words(device, adapter)


FAMILY: Final = Family("hikvision", adapt, uses=frozenset({"source", "time_zone", "lanes", "words"}), check=_check)
