"""Thai days and hours as the law means them, as numbers for kernels."""

from datetime import UTC, date, datetime, time
from typing import Final

from contracts.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, THAI_OFFSET_US, to_us
from contracts.hours import WEEKDAYS, Hours
from processing.kernels.speeding import in_hours

EVERY_DAY: Final = (1 << len(WEEKDAYS)) - 1
"""A bit for each weekday, Monday the lowest."""


def thai_midnight_us(day: date) -> int:
    """When a Thai day begins."""
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC)) - THAI_OFFSET_US


def span_of(hours: Hours | None) -> tuple[int, int, int]:
    """Begin and end within the Thai day, us, and the weekdays' bits; always where no hours are given."""
    if hours is None:
        return 0, DAY_US, EVERY_DAY
    days = sum(1 << WEEKDAYS.index(day) for day in set(hours.weekdays))
    return _of_day_us(hours.begins), _of_day_us(hours.ends) or DAY_US, days


def within(hours: Hours | None, event_us: int) -> bool:
    """Whether a moment lies in these hours."""
    return bool(in_hours(*span_of(hours), event_us))


def _of_day_us(moment: time) -> int:
    return moment.hour * HOUR_US + moment.minute * MINUTE_US + moment.second * SECOND_US + moment.microsecond
