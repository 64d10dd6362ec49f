"""Speed limits by row and class on a day, as the city file gives them: the most specific one wins."""

from typing import Final

import numpy as np

from contracts.city import City
from contracts.roads import Limit
from simulators.chains import View
from simulators.chance import Floats
from simulators.classes import CLASSES

DEFAULT_LIMIT_KMH: Final = 80.0
"""Where the city file has no limit for a class: the general limit for cars in towns (facts 2.1)."""
DEFAULT_TOLERANCE_KMH: Final = 10.0


def limits_of(city: City, views: list[View], day_ordinal: int) -> tuple[Floats, Floats]:
    """Limit and enforcement threshold of each view and class: float64 (views, classes), km/h."""
    by_segment: dict[str, list[Limit]] = {}
    for limit in city.limits:
        until = limit.valid_until.toordinal() if limit.valid_until else day_ordinal
        if limit.valid_from.toordinal() <= day_ordinal <= until:
            by_segment.setdefault(limit.segment, []).append(limit)
    limits = np.full((len(views), len(CLASSES)), DEFAULT_LIMIT_KMH)
    thresholds = limits + DEFAULT_TOLERANCE_KMH
    for row, view in enumerate(views):
        here = by_segment.get(view.segment.id if view.segment else "", [])
        directions = ("both", view.direction.name.lower())
        for column, vehicle in enumerate(CLASSES):
            words = ("any", vehicle.name.lower())
            fitting = [limit for limit in here if limit.vehicle in words and limit.direction in directions]
            if fitting:
                chosen = max(fitting, key=lambda one: (one.vehicle != "any", one.direction != "both", one.valid_from))
                limits[row, column], thresholds[row, column] = chosen.limit_kmh, chosen.threshold_kmh
    return limits, thresholds
