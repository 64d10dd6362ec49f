"""Speeding: a passage faster than the enforcement threshold of its segment, direction, vehicle class and day.

The limit is the law's, the threshold the enforcing authority's; both come from the city's dated table. A case is only
ever suspected here; without a clear plate it is kept, but is not chargeable, and says why.
"""

from typing import Any, Final

import numpy as np

from contracts.city import Rule
from contracts.clock import to_iso
from contracts.columns import Columns
from contracts.findings import Because, Violation, finding_id
from contracts.records import Colour, Direction, VehicleClass
from processing.compiled import FACES, Compiled
from processing.kernels.speeding import find_limit

KIND: Final = "speeding"
_MOTORCYCLES: Final = (int(VehicleClass.MOTORCYCLE), int(VehicleClass.BIG_MOTORCYCLE))
PLATE_CLEAR: Final = 1
PLATE_DOUBTFUL: Final = 2


def judge(compiled: Compiled, passages: Columns) -> list[Violation]:
    """The suspected violations among these passages, judged one by one on arrival, by the one rule of this kind.

    A case is known by its passage and not by the rule: a second rule would say the same case twice.
    """
    rules = compiled.rules_of(KIND)
    if not rules or not passages.size or not len(compiled.city.segments):
        return []
    facts = np.empty((passages.size, 4), np.int64)
    facts[:, 0] = compiled.speed_segment[passages["device"]]
    facts[:, 1] = passages["direction"]
    facts[:, 2] = passages["vehicle"]
    facts[:, 3] = passages["event_us"]
    limits = compiled.limits
    rows = np.empty(passages.size, np.int64)
    find_limit(facts.ravel(), limits.first, limits.direction, limits.vehicle, limits.from_us, limits.until_us, rows)
    limited = np.flatnonzero(rows >= 0)
    fast = limited[passages["speed_kmh"][limited] > limits.threshold_kmh[rows[limited]]]
    return [_violation(compiled, rules[0], passages[at], int(rows[at])) for at in fast]


def _violation(compiled: Compiled, rule: Rule, passage: Any, row: int) -> Violation:
    device = compiled.devices[int(passage["device"])]
    limits, speed = compiled.limits, float(passage["speed_kmh"])
    limit, threshold = float(limits.limit_kmh[row]), float(limits.threshold_kmh[row])
    reason = _why_not_chargeable(compiled, passage)
    because = Because(
        measured=speed,
        limit=limit,
        threshold=threshold,
        margin=speed - threshold,
        unit="km/h",
        needed=f"speed_kmh <= {threshold:g}",
        source=limits.source[row],
        inputs={
            "speed_kmh": speed,
            "uncertainty_kmh": device.speed_uncertainty_kmh,
            "segment": device.segment,
            "lane": int(passage["lane"]),
            "direction": Direction(int(passage["direction"])).name.lower(),
            "class": VehicleClass(int(passage["vehicle"])).name.lower(),
            "colour": Colour(int(passage["colour"])).name.lower(),
            "faces": device.faces,
            "occurred_at": to_iso(int(passage["event_us"])),
            "calibrated_until": device.calibrated_until.isoformat() if device.calibrated_until else None,
        },
    )
    identity = (int(passage["boot"]), int(passage["seq"]), int(passage["part"]))
    return Violation(
        id=finding_id(compiled.city.id, KIND, device.id, *identity),
        revision=1,
        rule=rule.id,
        rule_version=rule.version,
        device=device.no,
        zone=device.zone,
        occurred_us=int(passage["event_us"]),
        lane=int(passage["lane"]),
        direction=int(passage["direction"]),
        vehicle=int(passage["vehicle"]),
        because=because,
        place=int(passage["place"]),
        offence=rule.offence,
        chargeable=not reason,
        reason=reason,
        plate_state=int(passage["plate_state"]),
    )


def _why_not_chargeable(compiled: Compiled, passage: Any) -> str:
    """Empty where the case may be put to an officer as it is, else why it may not."""
    if passage["vehicle"] in _MOTORCYCLES and compiled.faces[passage["device"]] == FACES["front"]:
        return "front_view_of_motorcycle"
    if passage["plate_state"] == PLATE_DOUBTFUL:
        return "doubtful_plate"
    if passage["plate_state"] != PLATE_CLEAR:
        return "no_plate"
    return ""
