"""Speeding: a passage faster than the enforcement threshold of its segment, direction, vehicle class, hours and day.

The limit is the law's, the threshold the enforcing authority's; both come from the city's dated table. The device's
uncertainty counts for the driver: what it measured less the uncertainty must lie above the limit itself too.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.findings import Because
from processing.cases.case import Case, cases
from processing.cases.passing import Passing
from processing.compiled import Compiled, Limits
from processing.kernels.speeding import find_limit

KIND: Final = "speeding"


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The suspected violations among these passages, judged one by one on arrival, by the one rule of this kind.

    A case is known by its passage and not by the rule: a second rule would say the same case twice.
    """
    rules = compiled.rules_of(KIND)
    if not rules or not compiled.city.limits:
        return []
    near = np.flatnonzero(seen.speed_kmh > compiled.table(_least_kmh)[seen.device])
    facts = np.empty((near.size, 4), np.int64)
    facts[:, 0] = compiled.speed_segment[seen.device[near]]
    for column, name in enumerate(("direction", "vehicle", "event_us"), start=1):
        facts[:, column] = getattr(seen, name)[near]
    limits = compiled.limits
    rows = np.empty(near.size, np.int64)
    find_limit(facts.ravel(), limits.first, limits.direction, limits.vehicle, limits.when, rows)
    near, rows = near[rows >= 0], rows[rows >= 0]
    speed = seen.speed_kmh[near]
    certain = speed - compiled.table(_uncertainties)[seen.device[near]] > limits.limit_kmh[rows]
    fast = certain & (speed > limits.threshold_kmh[rows])
    near, rows = near[fast], rows[fast]
    uncertain = compiled.table(_uncertainties)[seen.device[near]]
    driven = zip(rows.tolist(), speed[fast].tolist(), uncertain.tolist(), strict=True)
    return cases(compiled, rules[0], KIND, seen, near, (_because(limits, *each) for each in driven))


def _least_kmh(compiled: Compiled) -> npt.NDArray[np.float64]:
    """By device: the lowest threshold on the segment that it measures on; nobody below it needs to be looked at."""
    limits, least = compiled.limits, np.full(compiled.size, np.inf)
    for no in np.flatnonzero(compiled.speed_segment >= 0):
        segment = compiled.speed_segment[no]
        least[no] = limits.threshold_kmh[limits.first[segment] : limits.first[segment + 1]].min(initial=np.inf)
    return least


def _uncertainties(compiled: Compiled) -> npt.NDArray[np.float64]:
    """By device, km/h."""
    uncertainty = np.zeros(compiled.size)
    for no, device in compiled.devices.items():
        uncertainty[no] = device.speed_uncertainty_kmh
    return uncertainty


def _because(limits: Limits, row: int, speed_kmh: float, uncertainty_kmh: float) -> Because:
    limit, enforced = float(limits.limit_kmh[row]), float(limits.threshold_kmh[row])
    threshold = max(enforced, limit + uncertainty_kmh)
    return Because(
        measured=speed_kmh,
        limit=limit,
        threshold=threshold,
        margin=speed_kmh - threshold,
        unit="km/h",
        needed=f"speed_kmh <= {threshold:g}",
        source=limits.source[row],
        inputs={
            "speed_kmh": speed_kmh,
            "uncertainty_kmh": uncertainty_kmh,
            "at_least_kmh": speed_kmh - uncertainty_kmh,
            "limit_kmh": limit,
            "enforced_above_kmh": enforced,
        },
    )
