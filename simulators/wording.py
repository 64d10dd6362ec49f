"""How devices put things: the records of the wire, made from the arrays of a block, one message at a time."""

from typing import Final

import numpy as np

from contracts.clock import to_datetime
from contracts.devices import Device
from contracts.records import (
    ClockSource,
    Colour,
    Counts,
    Direction,
    Helmet,
    Passage,
    Phase,
    PlateRead,
    Reading,
    Record,
    Signal,
    Status,
    StatusEvent,
    VehicleClass,
)
from simulators.chance import Draw, mix
from simulators.classes import CLASSES
from simulators.counts import Counts as Counted
from simulators.health import FIRMWARE, clock_offset_ms, lens_score
from simulators.lanes import FLOWS
from simulators.plates import PROVINCE_NAMES, Read
from simulators.sightings import Sightings
from simulators.troubles import Troubles

_VEHICLES: Final = {int(word): word.name.lower() for word in VehicleClass}
_COLOURS: Final = {int(word): word.name.lower() for word in Colour}
_DIRECTIONS: Final = {int(word): word.name.lower() for word in Direction}
_HELMETS: Final = {int(word): word.name.lower() for word in Helmet}
_PHASES: Final = {int(word): word.name.lower() for word in Phase}
_CLASS_WORDS: Final = tuple(vehicle.name.lower() for vehicle in CLASSES)

THAI_SPEAKERS: Final = 4
"""One camera in so many prints the province in Thai instead of its code: makes differ."""
SECOND_READ_EVERY: Final = 5
"""One pass in so many is read twice; the second read is a little less sure."""
SECOND_READ_LESS: Final = 0.07


def passage(seen: Sightings, place: int) -> Passage:
    """One sighting as its camera reports it."""
    speed_kmh, riders = float(seen.speed_kmh[place]), int(seen.riders[place])
    track = int(seen.track[place])
    return Passage(
        t=to_datetime(int(seen.event_us[place])),
        lane=int(seen.lane[place]),
        vehicle=_VEHICLES[int(seen.vehicle[place])],
        direction=_DIRECTIONS[int(seen.direction[place])],
        colour=_COLOURS[int(seen.colour[place])],
        speed_kmh=None if np.isnan(speed_kmh) else speed_kmh,
        dwell_s=float(seen.dwell_s[place]),
        track=f"{track:x}",
        plates=_plates(seen.plates[place], int(seen.device[place]), track),
        helmet=_HELMETS[int(seen.helmet[place])],
        riders=None if riders < 0 else riders,
    )


def _plates(read: Read | None, device_no: int, track: int) -> list[PlateRead]:
    if read is None:
        return []
    text, province, confidence = read
    if province is not None and device_no % THAI_SPEAKERS == 0:
        province = PROVINCE_NAMES[province]
    reads = [PlateRead(text, round(confidence, 3), province)]
    if track % SECOND_READ_EVERY == 0:
        reads.append(PlateRead(text, round(confidence - SECOND_READ_LESS, 3), province))
    return reads


def counts(counted: Counted, interval: int, lanes: list[tuple[int, int]], device: Device) -> list[Record]:
    """What a camera counted in one interval: a record for each lane.

    `lanes`: (place in the lane table, lane number) of this camera.
    """
    records: list[Record] = []
    for place, lane in lanes:
        has = {series.metric for series in device.series if series.lane == lane}
        vehicles = counted.vehicles[interval, place]
        speed_kmh = float(counted.speed_kmh[interval, place])
        records.append(
            Counts(
                lane=lane,
                interval_s=counted.interval_us // 1_000_000,
                counts={w: int(n) for w, n, flow in zip(_CLASS_WORDS, vehicles, FLOWS, strict=True) if flow in has},
                t=to_datetime(counted.from_us + interval * counted.interval_us),
                mean_speed_kmh=None if np.isnan(speed_kmh) else speed_kmh,
                occupancy=float(counted.occupancy[interval, place]),
            )
        )
    return records


def readings(moment_us: int, metrics: list[str], values: list[float]) -> list[Record]:
    """What a station measured at one moment: a record for each metric."""
    moment = to_datetime(moment_us)
    return [Reading(metric, value, moment) for metric, value in zip(metrics, values, strict=True)]


def signal(moment_us: int, group: int, phase: int) -> list[Record]:
    """A phase change."""
    return [Signal(to_datetime(moment_us), group, _PHASES[phase])]


def status(event: StatusEvent, device: Device, index: int, seed: int, now_us: int, troubles: Troubles) -> list[Record]:
    """A device about itself. `index`: where it stands among those of `troubles`."""
    no, moment, who = np.array([device.no]), np.array([now_us]), np.array([index])
    glass = None
    if device.type == "camera":
        glass = float(troubles.lens(lens_score(seed, no, moment), who, moment)[0])
    until_us = int(troubles.calibrated_until_us(who, moment)[0])
    return [
        Status(
            event=event.name.lower(),
            t=to_datetime(now_us),
            firmware=FIRMWARE,
            clock_offset_ms=float((clock_offset_ms(seed, no, moment) + troubles.drifted_ms(who, moment))[0]),
            clock_source=ClockSource.NTP.name.lower(),
            lens_score=glass,
            calibrated_until=None if until_us < 0 else to_datetime(until_us),
        )
    ]


def spread_us(seed: int, device_no: int, most_us: int) -> int:
    """How long after the others a device speaks, so that they do not all speak in one instant."""
    return int(mix(seed, Draw.DELAY, device_no)[0] % np.uint64(max(most_us, 1)))
