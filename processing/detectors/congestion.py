"""Congestion: for minutes on end traffic crawls and the road is full.

A camera's direction is jammed when over the last `minutes` the mean speed lies below a share of the free-flow speed
while the lanes are occupied enough; it is free again when the same mean lies above a higher share, when the road has
emptied, or when nothing was heard of it for long. All figures are the city's; the defaults are ours and unverified.
"""

from typing import Final

import numpy as np

from contracts.clock import to_iso
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.traffic.minutes import Flags, Look, Moment, Slow, shown, slow_of

KIND: Final = "congestion"
MINUTES: Final = 5.0
MIN_VEHICLES: Final = 10.0


def look(rule: Rule, moment: Moment) -> tuple[Look, Slow]:
    """What the last minutes were like, and when that is slow."""
    return moment.look(minutes_of(rule) - 1), slow_of(rule, moment.stretches)


def minutes_of(rule: Rule) -> int:
    """Over how many minutes speeds and occupancies are averaged."""
    return int(rule.params.get("minutes", MINUTES))


def jam(rule: Rule, now: Look, slow: Slow, jammed: Flags, quiet: Flags) -> Flags:
    """Which places are jammed now, given which were before and which have been quiet for long."""
    with np.errstate(invalid="ignore"):
        crawls, full = now.speed_kmh < slow.begin_kmh, ~(now.occupancy < slow.begin_occupancy)
        runs, empties = now.speed_kmh > slow.end_kmh, now.occupancy < slow.end_occupancy
    enough = now.vehicles >= rule.params.get("min_vehicles", MIN_VEHICLES)
    begins = now.known & crawls & full & enough
    ends = (now.known & (runs | empties | (now.vehicles == 0))) | quiet
    jammed_now: Flags = (jammed | begins) & ~ends
    return jammed_now


def because(
    rule: Rule, moment: Moment, now: Look, slow: Slow, place: int, stands: bool, names: dict[str, Scalar]
) -> Because:
    """Why it is congested, or is not any more: mean speed, occupancy, free-flow speed."""
    free_kmh, speed_kmh = shown(moment.stretches.free_kmh[place]), shown(now.speed_kmh[place])
    threshold = shown((slow.end_kmh if stands else slow.begin_kmh)[place])
    return Because(
        measured=speed_kmh,
        limit=free_kmh,
        threshold=threshold,
        margin=round(speed_kmh - threshold, 1),
        unit="km/h",
        needed=f"mean speed {'>' if stands else '>='} {threshold:g} km/h",
        source=rule.law,
        inputs={
            **names,
            "speed_kmh": speed_kmh,
            "free_flow_kmh": free_kmh,
            "occupancy": shown(now.occupancy[place], 3),
            "vehicles": int(now.vehicles[place]),
            "minutes": minutes_of(rule),
            "minute": to_iso(moment.began_us(0)),
        },
    )
