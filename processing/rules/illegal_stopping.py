"""Illegal stopping: a vehicle that stays in the picture longer than the rule allows, where the city forbids stopping.

Where, on which lane, in which direction and at which hours stands in the city's `no_stopping`. The moment of the
passage decides on the hours.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.devices import Device
from contracts.findings import Because
from contracts.records import Direction, VehicleClass
from contracts.roads import NoStopping
from contracts.rules import Rule
from processing.calendar import within
from processing.cases.case import Case, cases
from processing.cases.passing import Passing
from processing.compiled import Compiled, in_force_us

KIND: Final = "illegal_stopping"


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The cases among these passages, on arrival."""
    rules = compiled.rules_of(KIND)
    if not rules:
        return []
    stayed = seen.dwell_s > rules[0].params["max_dwell_s"]
    watched = compiled.table(_watched)[seen.device] & (seen.vehicle != VehicleClass.BICYCLE)
    zones = compiled.table(_zones)
    hits, becauses = [], []
    for at in np.flatnonzero(stayed & watched).tolist():
        place = int(seen.lane[at]), int(seen.direction[at]), int(seen.event_us[at])
        zone = next((zone for zone in zones[int(seen.device[at])] if _forbids(zone, *place)), None)
        if zone is not None:
            hits.append(at)
            becauses.append(_because(rules[0], float(seen.dwell_s[at]), zone))
    return cases(compiled, rules[0], KIND, seen, np.array(hits, np.int64), becauses)


def _forbids(zone: NoStopping, lane: int, direction: int, event_us: int) -> bool:
    from_us, until_us = in_force_us(zone)
    return (
        from_us <= event_us < until_us
        and zone.lane in (0, lane)
        and zone.direction in ("both", Direction(direction).name.lower())
        and within(zone.hours, event_us)
    )


def _zones(compiled: Compiled) -> dict[int, list[NoStopping]]:
    """By camera, in the city's order."""
    return {
        no: [zone for zone in compiled.city.no_stopping if _holds_at(zone, device)]
        for no, device in compiled.devices.items()
    }


def _holds_at(zone: NoStopping, device: Device) -> bool:
    """At the camera that it names; of a segment at those that stand at no signal, where traffic stands by law."""
    return device.id == zone.device if zone.device else device.segment == zone.segment and not device.signal_groups


def _watched(compiled: Compiled) -> npt.NDArray[np.bool_]:
    watched = np.zeros(compiled.size, np.bool_)
    watched[[no for no, zones in compiled.table(_zones).items() if zones]] = True
    return watched


def _because(rule: Rule, dwell_s: float, zone: NoStopping) -> Because:
    most = rule.params["max_dwell_s"]
    return Because(
        measured=dwell_s,
        limit=most,
        threshold=most,
        margin=dwell_s - most,
        unit="s",
        needed=f"dwell_s <= {most:g}",
        source=zone.source,
        inputs={
            "dwell_s": dwell_s,
            "max_dwell_s": most,
            "no_stopping": zone.id,
            "no_stopping_verified": zone.verified,
            "law": rule.law,
        },
    )
