"""Speed limits by row, class and hour on a day, as the city file gives them: the most specific one wins.

Hours are of the week in Thai time, as the law means them. The week is cut where any of them begins or ends; in each
part the limits stay the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.city import City
from contracts.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, THAI_OFFSET_US
from contracts.hours import WEEKDAYS, Hours
from contracts.roads import Limit
from simulators.chains import View
from simulators.chance import Floats, Ints
from simulators.classes import CLASSES

DEFAULT_LIMIT_KMH: Final = 80.0
"""Where the city file has no limit for a class: the general limit for cars in towns (docs/city-data.md)."""
DEFAULT_TOLERANCE_KMH: Final = 10.0
WEEK_US: Final = 7 * DAY_US
MONDAY_US: Final = THAI_OFFSET_US + 3 * DAY_US
"""Added to UTC it makes whole weeks begin on a Monday in Thailand: 1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Limits and enforcement thresholds of a day, km/h: float64 (parts of the week, rows, classes).

    `begins_us`: of each part, from Monday midnight on: int64 (parts,), the first 0.
    """

    begins_us: Ints
    limits_kmh: Floats
    thresholds_kmh: Floats

    def part(self, event_us: Ints) -> Ints:
        """The part of the week that moments lie in: int64 (n,)."""
        found: Ints = np.searchsorted(self.begins_us, (event_us + MONDAY_US) % WEEK_US, side="right") - 1
        return found

    def limit_at(self, row: Ints, kind: Ints, event_us: Ints) -> Floats:
        """The limit for each row and class at its moment: float64 (n,)."""
        return self.limits_kmh[self.part(event_us), row, kind]

    def threshold_at(self, row: Ints, kind: Ints, event_us: Ints) -> Floats:
        """The enforcement threshold for each row and class at its moment: float64 (n,)."""
        return self.thresholds_kmh[self.part(event_us), row, kind]

    def during(self, from_us: int, to_us: int) -> Ints:
        """The parts of the week that a time of less than a week reaches into."""
        first, last = self.part(np.array([from_us, to_us])).tolist()
        parts: Ints = (first + np.arange((last - first) % len(self.begins_us) + 1)) % len(self.begins_us)
        return parts


def limits_of(city: City, views: list[View], day_ordinal: int) -> Limits:
    """The limits of each view and class that are in force on a day (`date.toordinal()`)."""
    by_segment: dict[str, list[Limit]] = {}
    for limit in city.limits:
        until = limit.valid_until.toordinal() if limit.valid_until else day_ordinal
        if limit.valid_from.toordinal() <= day_ordinal <= until:
            by_segment.setdefault(limit.segment, []).append(limit)
    begins_us = _edges_us(limit.hours for here in by_segment.values() for limit in here)
    limits = np.full((len(begins_us), len(views), len(CLASSES)), DEFAULT_LIMIT_KMH)
    thresholds = limits + DEFAULT_TOLERANCE_KMH
    for part, begin_us in enumerate(begins_us):
        for row, view in enumerate(views):
            everybodys = by_segment.get(view.segment.id if view.segment else "", [])
            here = [limit for limit in everybodys if _holds(limit.hours, begin_us)]
            directions = ("both", view.direction.name.lower())
            for column, vehicle in enumerate(CLASSES):
                words = ("any", vehicle.name.lower())
                fitting = [limit for limit in here if limit.vehicle in words and limit.direction in directions]
                if fitting:
                    chosen = max(reversed(fitting), key=_precedence)  # of two alike the later stands
                    limits[part, row, column] = chosen.limit_kmh
                    thresholds[part, row, column] = chosen.threshold_kmh
    return Limits(np.array(begins_us, np.int64), limits, thresholds)


def _precedence(limit: Limit) -> tuple[bool, bool, bool, int]:
    always = limit.hours is None or sum(length_us for _, length_us in _spans_us(limit.hours)) >= WEEK_US
    return limit.vehicle != "any", limit.direction != "both", not always, limit.valid_from.toordinal()


def _edges_us(hours: Iterable[Hours | None]) -> list[int]:
    """Where the week is cut: its begin, and wherever hours begin or end."""
    spans = [span for each in hours if each is not None for span in _spans_us(each)]
    return sorted({0} | {edge % WEEK_US for begin_us, length_us in spans for edge in (begin_us, begin_us + length_us)})


def _holds(hours: Hours | None, moment_us: int) -> bool:
    """Whether hours hold at a moment of the week."""
    return hours is None or any((moment_us - begin) % WEEK_US < length for begin, length in _spans_us(hours))


def _spans_us(hours: Hours) -> list[tuple[int, int]]:
    """Begin in the week and length of hours on each of their weekdays; those that end before they begin run over
    midnight."""
    begins_us, ends_us = (
        moment.hour * HOUR_US + moment.minute * MINUTE_US + moment.second * SECOND_US + moment.microsecond
        for moment in (hours.begins, hours.ends)
    )
    length_us = (ends_us - begins_us) % DAY_US or DAY_US
    return [(WEEKDAYS.index(day) * DAY_US + begins_us, length_us) for day in sorted(set(hours.weekdays))]
