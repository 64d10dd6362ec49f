"""Findings as the API shows them: names instead of numbers, never a plate. Used by the live stream's events."""

from datetime import datetime
from enum import IntEnum
from typing import Final

import msgspec

from contracts.answers import AlarmItem, ViolationItem
from contracts.clock import to_datetime
from contracts.findings import Alarm, Priority, Violation, standing
from contracts.records import Direction, VehicleClass
from contracts.sentences import of_alarm, of_violation
from storage.naming import Naming, word

SPEED_UNIT: Final = "km/h"


class PlateState(IntEnum):
    """`plate_state` of a passage."""

    NONE = 0
    CLEAR = 1
    DOUBTFUL = 2


def violation_item(violation: Violation, naming: Naming, space: str, recorded_at: datetime) -> ViolationItem:
    """A suspected violation without its plate. Speeds are there where the finding measured one."""
    device = naming.device(violation.device)
    because = violation.because
    speeds = because.unit == SPEED_UNIT
    return ViolationItem(
        id=violation.id,
        revision=violation.revision,
        rule=violation.rule,
        rule_version=violation.rule_version,
        offence=violation.offence,
        occurred_at=to_datetime(violation.occurred_us),
        device=naming.device_id(violation.device),
        call_sign=device.call_sign if device else "",
        place_en=device.name_en if device else "",
        place_th=device.name_th if device else "",
        zone=violation.zone,
        lane=violation.lane,
        direction=word(Direction, violation.direction),
        vehicle=word(VehicleClass, violation.vehicle),
        speed_kmh=because.measured if speeds else None,
        limit_kmh=because.limit if speeds else None,
        threshold_kmh=because.threshold if speeds else None,
        margin_kmh=because.margin if speeds else None,
        chargeable=violation.chargeable,
        reason=violation.reason,
        plate=None,
        plate_state=word(PlateState, violation.plate_state),
        because=msgspec.to_builtins(because),
        says=of_violation(
            violation.offence,
            word(VehicleClass, violation.vehicle),
            msgspec.to_builtins(because),
            violation.chargeable,
            violation.reason,
        ),
        recorded_at=recorded_at,
        space=space,
        standing=standing(violation.chargeable, violation.reason),
    )


def alarm_item(alarm: Alarm, naming: Naming, space: str) -> AlarmItem:
    """An alarm's condition with the city's response to its kind; nobody has handled this revision yet."""
    response = next((entry for entry in naming.city.responses if entry.kind == alarm.kind), None)
    return AlarmItem(
        id=alarm.id,
        revision=alarm.revision,
        kind=alarm.kind,
        rule=alarm.rule,
        rule_version=alarm.rule_version,
        subject=alarm.subject,
        device=naming.device_id(alarm.device) if alarm.device > 0 else None,
        zone=alarm.zone,
        priority=word(Priority, alarm.priority),
        condition=alarm.condition.value,
        onset_at=to_datetime(alarm.onset_us),
        changed_at=to_datetime(alarm.changed_us),
        because=msgspec.to_builtins(alarm.because),
        says=of_alarm(alarm.kind, alarm.condition.value, msgspec.to_builtins(alarm.because), naming.city),
        response=msgspec.to_builtins(response) if response else None,
        handling=None,
        space=space,
    )
