"""Wrong way: a motor vehicle against the one direction of its lane, as the city lists the lanes of each camera.

Where a lane has both directions, or direction or lane are unknown, nothing is guessed.
"""

from math import isnan
from typing import Final

import numpy as np

from contracts.findings import Because
from contracts.records import Direction, VehicleClass
from contracts.rules import Rule
from processing.cases.case import Case, cases
from processing.cases.passing import Passing
from processing.compiled import Compiled

KIND: Final = "wrong_way"


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The cases among these passages, on arrival.

    `min_speed_kmh`: slower, a vehicle is being pushed or reversed into a place; an unknown speed excuses nobody.
    """
    rules = compiled.rules_of(KIND)
    if not rules:
        return []
    against = (seen.ways > 0) & (seen.direction > 0) & (seen.direction != seen.ways)
    slow = seen.speed_kmh < rules[0].params.get("min_speed_kmh", 0.0)
    hits = np.flatnonzero(against & ~slow & (seen.vehicle != VehicleClass.BICYCLE))
    driven = zip(seen.ways[hits].tolist(), seen.speed_kmh[hits].tolist(), strict=True)
    becauses = (_because(rules[0], way, speed) for way, speed in driven)
    return cases(compiled, rules[0], KIND, seen, hits, becauses)


def _because(rule: Rule, way: int, speed_kmh: float) -> Because:
    allowed = Direction(way).name.lower()
    return Because(
        measured=1.0,
        limit=0.0,
        threshold=0.0,
        margin=1.0,
        unit="vehicles against the lane",
        needed=f"direction == {allowed}",
        source=rule.law,
        inputs={
            "allowed_direction": allowed,
            "speed_kmh": None if isnan(speed_kmh) else speed_kmh,
            "min_speed_kmh": rule.params.get("min_speed_kmh", 0.0),
        },
    )
