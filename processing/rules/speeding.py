"""Speeding: a passage faster than the enforcement threshold of its segment, direction, vehicle class, hours and day.

The limit is the law's, the threshold the enforcing authority's; both come from the city's dated table. The device's
uncertainty counts for the driver: what it measured less the uncertainty must lie above the limit itself too.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.city import Rule
from contracts.columns import Columns
from contracts.findings import Because
from processing.case import Case, case
from processing.compiled import Compiled
from processing.kernels.speeding import find_limit

KIND: Final = "speeding"


def judge(compiled: Compiled, passages: Columns) -> list[Case]:
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
    find_limit(facts.ravel(), limits.first, limits.direction, limits.vehicle, limits.when, rows)
    limited = np.flatnonzero(rows >= 0)
    speed, device = passages["speed_kmh"][limited], passages["device"][limited]
    certain = speed - compiled.table(_uncertainties)[device] > limits.limit_kmh[rows[limited]]
    fast = limited[certain & (speed > limits.threshold_kmh[rows[limited]])]
    return [_case(compiled, rules[0], passages[at], int(rows[at])) for at in fast]


def _uncertainties(compiled: Compiled) -> npt.NDArray[np.float64]:
    """By device, km/h."""
    uncertainty = np.zeros(compiled.size)
    for no, device in compiled.devices.items():
        uncertainty[no] = device.speed_uncertainty_kmh
    return uncertainty


def _case(compiled: Compiled, rule: Rule, passage: Any, row: int) -> Case:
    limits, speed = compiled.limits, float(passage["speed_kmh"])
    limit, enforced = float(limits.limit_kmh[row]), float(limits.threshold_kmh[row])
    uncertainty = float(compiled.table(_uncertainties)[passage["device"]])
    threshold = max(enforced, limit + uncertainty)
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
            "uncertainty_kmh": uncertainty,
            "at_least_kmh": speed - uncertainty,
            "limit_kmh": limit,
            "enforced_above_kmh": enforced,
        },
    )
    return case(compiled, rule, KIND, passage, because)
