"""A case: a suspected violation on its way to the trust gate, made of its deciding passage in one way for every rule.

A rule says what was measured against what; this file adds what every case carries (where, when, what was seen, until
when a notice may be sent), who it is (the identities of the deciding records) and why it may not be held against
anybody as it is. Rules add cases to `said.cases`; only `processing/cases/trust.py` makes violations of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from contracts.clock import DAY_US, EPOCH, SECOND_US, THAI_OFFSET_US, to_iso, to_isos
from contracts.findings import Because, Plate, Scalar, Violation, framed, id_of
from contracts.records import Colour, Direction, VehicleClass
from contracts.rules import Rule
from processing.cases.passing import Passing, sees_front_only
from processing.compiled import Compiled
from processing.state import Int64s

PLATE_CLEAR: Final = 1
PLATE_DOUBTFUL: Final = 2
FRONT_VIEW: Final = "front_view_of_motorcycle"
LATE_US: Final = 60 * SECOND_US
"""Under way for longer, a passage was delayed by the network, and its case says so."""
NOTICE: Final = "notice"
"""The kind of the rule that has the legal times: within how many days a notice is sent, and the limitation."""
DAYS_REMEMBERED: Final = 64
"""Days whose text is kept: notices of one moment fall on one day, those of a month's delays on thirty."""

_DIRECTIONS: Final = {int(each): each.name.lower() for each in Direction}
_CLASSES: Final = {int(each): each.name.lower() for each in VehicleClass}
_COLOURS: Final = {int(each): each.name.lower() for each in Colour}


@dataclass(slots=True)
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


class Passed(NamedTuple):
    """What a case takes of its deciding passage: these columns of PASSAGE."""

    device: int
    boot: int
    seq: int
    part: int
    place: int
    received_us: int
    event_us: int
    lane: int
    direction: int
    vehicle: int
    colour: int
    plate_state: int
    plate_day: int
    plate_hash: bytes
    plate_sealed: bytes


def cases(
    compiled: Compiled, rule: Rule, kind: str, seen: Passing, hits: Int64s, becauses: Iterable[Because]
) -> list[Case]:
    """The cases of a rule on these passages judged on arrival, int64 (n,), each with why; see `case`."""
    if not hits.size:
        return []
    passages = map(Passed, *(seen.rows[name][hits].tolist() for name in Passed._fields))
    moments, fronts = to_isos(seen.event_us[hits]), seen.front_only[hits].tolist()
    clerk = _Clerk(compiled, rule, kind)
    return [clerk.made(*each) for each in zip(passages, becauses, moments, fronts, strict=True)]


def case(
    compiled: Compiled, rule: Rule, kind: str, passage: Any, because: Because, *others: Any, tick_us: int = 0
) -> Case:
    """The case of a rule that reads behind watermarks, said at `tick_us`, on a deciding passage.

    `passage` is a row of PASSAGE, or one with the columns of `Passed`; `others` are the rows of further deciding
    records, of any kind, in the order in which they stand in the identity. `because.inputs` holds the rule's own
    figures; what all cases have is added here.
    """
    passed = Passed(*(passage[name].item() for name in Passed._fields))
    front = sees_front_only(compiled, passed.device, passed.lane, passed.direction, passed.vehicle)
    return _Clerk(compiled, rule, kind).made(passed, because, to_iso(passed.event_us), front, others, tick_us)


def why_not(compiled: Compiled, passage: Any) -> str:
    """Empty where the case may be put to an officer as it is, else why it may not."""
    device, lane, direction, vehicle = (int(passage[name]) for name in ("device", "lane", "direction", "vehicle"))
    return _why_not(sees_front_only(compiled, device, lane, direction, vehicle), int(passage["plate_state"]))


class _Clerk:
    """Makes the cases of one rule; what all of them share is looked up once."""

    def __init__(self, compiled: Compiled, rule: Rule, kind: str) -> None:
        self._devices, self._ids = compiled.devices, compiled.table(_framed_ids)
        self._rule, self._kind = rule, kind
        self._head = framed(compiled.city.id, kind)
        rules = compiled.rules_of(NOTICE)
        self._days = rules[0].params if rules else None

    def made(
        self,
        passage: Passed,
        because: Because,
        moment: str,
        front: bool,
        others: tuple[Any, ...] = (),
        tick_us: int = 0,
    ) -> Case:
        """`moment`: that of the passage in ISO 8601; `front`: of a motorcycle, whose front alone was seen."""
        device, rule = self._devices[passage.device], self._rule
        identity = self._head + self._ids[passage.device] + framed(passage.boot, passage.seq, passage.part)
        witnesses = [(passage.device, passage.event_us)]
        for record in others:
            no = int(record["device"])
            identity += self._ids[no] + framed(int(record["boot"]), int(record["seq"]), int(record["part"]))
            witnesses.append((no, int(record["event_us"])))
        inputs: dict[str, Scalar] = {
            **because.inputs,
            "segment": device.segment,
            "lane": passage.lane,
            "direction": _DIRECTIONS[passage.direction],
            "class": _CLASSES[passage.vehicle],
            "colour": _COLOURS[passage.colour],
            "faces": device.faces,
            "occurred_at": moment,
        }
        barred = self._add_times(passage, inputs)
        reason = "time_barred" if barred else _why_not(front, passage.plate_state)
        violation = Violation(
            id=id_of(identity),
            revision=1,
            rule=rule.id,
            rule_version=rule.version,
            device=passage.device,
            zone=device.zone,
            occurred_us=passage.event_us,
            lane=passage.lane,
            direction=passage.direction,
            vehicle=passage.vehicle,
            because=msgspec.structs.replace(because, inputs=inputs),
            offence=rule.offence,
            chargeable=not reason,
            reason=reason,
            plate_state=passage.plate_state,
            plate=_plate_of(passage),
        )
        return Case(self._kind, violation, tuple(witnesses), passage.received_us, passage.place, tick_us)

    def _add_times(self, passage: Passed, inputs: dict[str, Scalar]) -> bool:
        """Add until which Thai day a notice may be sent and, where the network delayed it, how late; whether it is
        barred.

        Source: the city's rule of kind `notice` (registered mail within 30 days of the offence, limitation 1 year).
        """
        late_us = passage.received_us - passage.event_us
        late = late_us > LATE_US
        if late:
            inputs["late_s"] = late_us // SECOND_US
        if self._days is None:
            return False
        last_day = (passage.event_us + THAI_OFFSET_US) // DAY_US + round(self._days["notice_days"])
        inputs["notice_by"] = _text_of(last_day)
        if late:
            inputs["notice_possible"] = (passage.received_us + THAI_OFFSET_US) // DAY_US <= last_day
        return late_us > self._days["limitation_days"] * DAY_US


def _plate_of(passage: Passed) -> Plate | None:
    """The plate as the passage's log row has it, None where none was read or its day's keys were gone already."""
    if not passage.plate_state or passage.plate_day < 0:
        return None
    return Plate(passage.plate_day, passage.plate_hash, passage.plate_sealed)


def _why_not(front: bool, plate_state: int) -> str:
    if front:
        return FRONT_VIEW
    if plate_state == PLATE_DOUBTFUL:
        return "doubtful_plate"
    return "" if plate_state == PLATE_CLEAR else "no_plate"


def _framed_ids(compiled: Compiled) -> dict[int, bytes]:
    """By device: its part of an identity."""
    return {no: framed(device.id) for no, device in compiled.devices.items()}


@lru_cache(DAYS_REMEMBERED)
def _text_of(day: int) -> str:
    """The date of a count of days since 1970."""
    return (EPOCH.date() + timedelta(days=day)).isoformat()
