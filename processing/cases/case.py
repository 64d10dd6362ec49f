"""A case: a suspected violation on its way to the trust gate, made of its deciding passage in one way for every rule.

A rule says what was measured against what; this file adds what every case carries (where, when, what was seen, until
when a notice may be sent), who it is (the identities of the deciding records) and why it may not be held against
anybody as it is. Rules add cases to `said.cases`; only `processing/cases/trust.py` makes violations of them.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from contracts.clock import DAY_US, SECOND_US, THAI_OFFSET_US, to_datetime, to_iso
from contracts.findings import Because, Plate, Scalar, Violation, finding_id
from contracts.records import Colour, Direction, VehicleClass
from contracts.rules import Rule
from processing.cases.passing import sees_front_only
from processing.compiled import Compiled

PLATE_CLEAR: Final = 1
PLATE_DOUBTFUL: Final = 2
FRONT_VIEW: Final = "front_view_of_motorcycle"
LATE_US: Final = 60 * SECOND_US
"""Under way for longer, a passage was delayed by the network, and its case says so."""
NOTICE: Final = "notice"
"""The kind of the rule that has the legal times: within how many days a notice is sent, and the limitation."""


@dataclass(frozen=True, slots=True)
class Case:
    """A violation before the trust gate. `witnesses`: (device, event time) of each deciding record, us.

    `tick_us` is the tick at which an ordered rule said it; 0 for one judged on arrival, at (`received_us`, `place`).
    """

    kind: str
    violation: Violation
    witnesses: tuple[tuple[int, int], ...]
    received_us: int
    place: int
    tick_us: int = 0


def case(
    compiled: Compiled,
    rule: Rule,
    kind: str,
    passage: Any,
    because: Because,
    *others: Any,
    tick_us: int = 0,
    revision: int = 1,
) -> Case:
    """The case of a rule on a deciding passage.

    `passage` is a row of PASSAGE, or one with its columns of identity, lane, direction, vehicle, colour and plate;
    `others` are the rows of further deciding records, of any kind, in the order in which they stand in the identity.
    `tick_us` is given by rules that read behind watermarks. `because.inputs` holds the rule's own figures; what all
    cases have is added here.
    """
    records = (passage, *others)
    devices = [compiled.devices[int(record["device"])] for record in records]
    identity: list[str | int] = []
    for device, record in zip(devices, records, strict=True):
        identity += [device.id, int(record["boot"]), int(record["seq"]), int(record["part"])]
    delay, barred = _times(compiled, passage)
    reason = "time_barred" if barred else why_not(compiled, passage)
    violation = Violation(
        id=finding_id(compiled.city.id, kind, *identity),
        revision=revision,
        rule=rule.id,
        rule_version=rule.version,
        device=devices[0].no,
        zone=devices[0].zone,
        occurred_us=int(passage["event_us"]),
        lane=int(passage["lane"]),
        direction=int(passage["direction"]),
        vehicle=int(passage["vehicle"]),
        because=msgspec.structs.replace(because, inputs={**because.inputs, **_seen(compiled, passage), **delay}),
        offence=rule.offence,
        chargeable=not reason,
        reason=reason,
        plate_state=int(passage["plate_state"]),
        plate=plate_of(passage),
    )
    witnesses = tuple((int(record["device"]), int(record["event_us"])) for record in records)
    return Case(kind, violation, witnesses, int(passage["received_us"]), int(passage["place"]), tick_us)


def plate_of(passage: Any) -> Plate | None:
    """The plate as the passage's log row has it, None where none was read or its day's keys were gone already."""
    day = int(passage["plate_day"])
    if not passage["plate_state"] or day < 0:
        return None
    return Plate(day, bytes(passage["plate_hash"]), bytes(passage["plate_sealed"]))


def why_not(compiled: Compiled, passage: Any) -> str:
    """Empty where the case may be put to an officer as it is, else why it may not."""
    device, lane, direction, vehicle = (int(passage[name]) for name in ("device", "lane", "direction", "vehicle"))
    if sees_front_only(compiled, device, lane, direction, vehicle):
        return FRONT_VIEW
    if passage["plate_state"] == PLATE_DOUBTFUL:
        return "doubtful_plate"
    if passage["plate_state"] != PLATE_CLEAR:
        return "no_plate"
    return ""


def _seen(compiled: Compiled, passage: Any) -> dict[str, Scalar]:
    """What every case says of its passage."""
    device = compiled.devices[int(passage["device"])]
    return {
        "segment": device.segment,
        "lane": int(passage["lane"]),
        "direction": Direction(int(passage["direction"])).name.lower(),
        "class": VehicleClass(int(passage["vehicle"])).name.lower(),
        "colour": Colour(int(passage["colour"])).name.lower(),
        "faces": device.faces,
        "occurred_at": to_iso(int(passage["event_us"])),
    }


def _times(compiled: Compiled, passage: Any) -> tuple[dict[str, Scalar], bool]:
    """Until which Thai day a notice may be sent and, where the network delayed it, how late; whether it is barred.

    Source: the city's rule of kind `notice` (facts: registered mail within 30 days of the offence, limitation 1 year).
    """
    event_us, received_us = int(passage["event_us"]), int(passage["received_us"])
    late_us = received_us - event_us
    late: dict[str, Scalar] = {"late_s": late_us // SECOND_US} if late_us > LATE_US else {}
    rules = compiled.rules_of(NOTICE)
    if not rules:
        return late, False
    days = rules[0].params
    last_us = event_us + THAI_OFFSET_US + round(days["notice_days"]) * DAY_US
    last: dict[str, Scalar] = {"notice_by": to_datetime(last_us).date().isoformat()}
    if late:
        last["notice_possible"] = (received_us + THAI_OFFSET_US) // DAY_US <= last_us // DAY_US
    return {**late, **last}, late_us > days["limitation_days"] * DAY_US
