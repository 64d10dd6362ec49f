"""What a legal record becomes: the columns of its log row after the identity columns, in the order of the dtype.

A record that its device, the city or physics does not allow raises MessageRejected; `at` in a detail is the record's
place in the message. Details never quote what a device said in words: a misconfigured camera puts a plate anywhere.
"""

from datetime import datetime
from enum import IntEnum
from hashlib import blake2b
from typing import Any, Final

from contracts.clock import to_us
from contracts.columns import FIRMWARE_BYTES, PLATE_HASH_BYTES, PLATE_SEALED_BYTES
from contracts.errors import MessageRejected, VaultError
from contracts.ports import PlateSealer
from contracts.records import (
    CALIBRATION_YEARS,
    SPEED_KMH_MAX,
    ClockSource,
    Colour,
    Counts,
    Direction,
    Helmet,
    Passage,
    Phase,
    Reading,
    Signal,
    Status,
    StatusEvent,
    VehicleClass,
)
from ingest.plates import PlateState, consensus
from ingest.registry import KnownDevice

Row = tuple[Any, ...]

NAN: Final = float("nan")
MISSING: Final = -1
_NO_HASH: Final = bytes(PLATE_HASH_BYTES)
_NO_PLATE: Final = (int(PlateState.NONE), NAN, MISSING, _NO_HASH, _NO_HASH, _NO_HASH, bytes(PLATE_SEALED_BYTES))
_NO_EVIDENCE: Final = bytes(32)


def _words(vocabulary: type[IntEnum]) -> dict[str, int]:
    return {member.name.lower(): int(member) for member in vocabulary}


_VEHICLES: Final = _words(VehicleClass)
_DIRECTIONS: Final = _words(Direction)
_COLOURS: Final = _words(Colour)
_HELMETS: Final = _words(Helmet)
_PHASES: Final = _words(Phase)
_EVENTS: Final = _words(StatusEvent)
_CLOCKS: Final = _words(ClockSource)
_FLOWS: Final = {word: f"flow-{word.replace('_', '-')}" for word in _VEHICLES}


def hash63(content: bytes) -> int:
    """63 bits of BLAKE2b: a non-negative int64, the same on every machine."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big") >> 1


def reading_row(reading: Reading, at: int, device: KnownDevice) -> Row:
    """metric, lane, value."""
    return _measured(device, reading.metric, reading.lane, reading.value, reading.unit, f"$.records[{at}]")


def count_rows(counts: Counts, at: int, device: KnownDevice) -> list[Row | MessageRejected]:
    """metric, lane, value of every reading in an interval count, in the order they were sent in.

    A reading that is not possible has its rejection in its place, so that the places of the others do not depend on
    what the city knows.

    Raises:
        MessageRejected: `schema`, a key of `counts` is no vehicle class, or there is no figure at all.
    """
    path = f"$.records[{at}]"
    for word in counts.counts:
        _code(_VEHICLES, word, f"{path}.counts")
    values = [(_FLOWS[word], float(count)) for word, count in counts.counts.items()]
    if counts.mean_speed_kmh is not None:
        values.append(("speed-mean", counts.mean_speed_kmh))
    if counts.occupancy is not None:
        values.append(("occupancy", counts.occupancy))
    if not values:
        raise MessageRejected("schema", f"{path}.counts: nothing was counted; send 0 for the classes that did not come")
    made: list[Row | MessageRejected] = []
    for metric, value in values:
        try:
            made.append(_measured(device, metric, counts.lane, value, None, path))
        except MessageRejected as rejected:
            made.append(rejected)
    return made


def passage_row(passage: Passage, at: int, event_us: int, sealer: PlateSealer) -> tuple[Row, bool]:
    """lane to evidence, and whether the plate was lost because the keys of its day are destroyed."""
    path = f"$.records[{at}]"
    speed_kmh = passage.speed_kmh
    if speed_kmh is None:
        speed_kmh = NAN
    elif not 0.0 <= speed_kmh <= SPEED_KMH_MAX:
        raise MessageRejected("out_of_range", f"{path}.speed_kmh: {speed_kmh:g} is outside 0..{SPEED_KMH_MAX:g}")
    vehicle = _code(_VEHICLES, passage.vehicle, f"{path}.class")
    before = (
        passage.lane,
        _code(_DIRECTIONS, passage.direction, f"{path}.direction"),
        vehicle,
        _code(_COLOURS, passage.colour, f"{path}.colour"),
        speed_kmh,
        NAN if passage.dwell_s is None else passage.dwell_s,
        MISSING if passage.track is None else _track(passage.track, event_us, sealer),
        _code(_HELMETS, passage.helmet, f"{path}.helmet"),
        MISSING if passage.riders is None else passage.riders,
    )
    plate, lost = _plate(passage, VehicleClass(vehicle), event_us, sealer)
    # The log row names the overview picture, which stands first; the others come with the evidence records.
    evidence = bytes.fromhex(passage.evidence[0]) if passage.evidence else _NO_EVIDENCE
    return (*before, *plate, evidence), lost


def signal_row(signal: Signal, at: int) -> Row:
    """group, phase."""
    return signal.group, _code(_PHASES, signal.phase, f"$.records[{at}].phase")


def status_row(status: Status, at: int) -> Row:
    """event to calibrated_until_us."""
    return (
        _code(_EVENTS, status.event, f"$.records[{at}].event"),
        NAN if status.battery is None else status.battery,
        (status.firmware or "").encode().ljust(FIRMWARE_BYTES),
        NAN if status.clock_offset_ms is None else status.clock_offset_ms,
        _code(_CLOCKS, status.clock_source, f"$.records[{at}].clock_source"),
        NAN if status.lens_score is None else status.lens_score,
        MISSING if status.calibrated_until is None else _calibrated_us(status.calibrated_until, at),
    )


def _calibrated_us(until: datetime, at: int) -> int:
    # The ends of the calendar do not survive a change of offset, neither here nor in a page that shows them.
    if not CALIBRATION_YEARS[0] <= until.year <= CALIBRATION_YEARS[1]:
        first, last = CALIBRATION_YEARS
        raise MessageRejected("out_of_range", f"$.records[{at}].calibrated_until: not within {first}..{last}")
    return to_us(until)


def _measured(device: KnownDevice, metric: str, lane: int, value: float, unit: str | None, path: str) -> Row:
    channel = device.channels.get((metric, lane))
    if channel is None:
        where = f"lane {lane} has no such series; " if metric in device.metrics else ""
        raise MessageRejected("unknown_metric", f"{path}: {where}{device.has}")
    if unit is not None and unit != channel.unit:
        raise MessageRejected("wrong_unit", f"{path}.unit: {metric} is in {channel.unit}")
    if not channel.min <= value <= channel.max:
        raise MessageRejected(
            "out_of_range", f"{path}: {metric} = {value:g} is outside {channel.min:g}..{channel.max:g} {channel.unit}"
        )
    return channel.code, lane, value


def _plate(passage: Passage, vehicle: VehicleClass, event_us: int, sealer: PlateSealer) -> tuple[Row, bool]:
    plate = consensus(passage.plates, vehicle) if passage.plates else None
    if plate is None:
        return _NO_PLATE, False
    try:
        sealed = sealer.seal(plate.sealed_text, plate.skeleton, event_us)
    except VaultError:
        # The keys of that day are gone for good, and so is what they would have sealed.
        return _NO_PLATE, True
    return (
        int(plate.state),
        plate.confidence,
        sealed.day,
        sealed.hash,
        sealed.hash_before,
        sealed.skeleton,
        sealed.sealed,
    ), False


def _track(track: str, event_us: int, sealer: PlateSealer) -> int:
    """Keyed like plates: some cameras name a track by what they read."""
    try:
        return sealer.digest(b"track " + track.encode(), event_us)
    except VaultError:
        return MISSING


def _code(words: dict[str, int], word: str, path: str) -> int:
    code = words.get(word)
    if code is None:
        raise MessageRejected("schema", f"{path}: one of {', '.join(words)}")
    return code
