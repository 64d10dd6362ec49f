"""Naive twin of processing/kernels/speeding.py."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

ALWAYS = [0, 86_400_000_000, 0b111_1111]


def in_hours(begins: int, ends: int, weekdays: int, event_us: int) -> int:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event_us)).astimezone(
        timezone(timedelta(hours=7))
    )
    moment = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    at_us = moment // timedelta(microseconds=1)
    on = {day for day in range(7) if weekdays >> day & 1}
    if begins < ends:
        return int(local.weekday() in on and begins <= at_us < ends)
    before = (local - timedelta(days=1)).weekday()
    return int((local.weekday() in on and at_us >= begins) or (before in on and at_us < min(begins, ends)))


def find_limit(passages: Any, first: Any, direction: Any, vehicle: Any, when: Any, out: Any) -> None:
    table = when.reshape(-1, 5).tolist()
    for at, (segment, its_direction, its_vehicle, event_us) in enumerate(passages.reshape(-1, 4).tolist()):
        rows = range(first[segment], first[segment + 1]) if segment >= 0 else ()
        fitting = [
            row
            for row in rows
            if table[row][0] <= event_us < table[row][1]
            and direction[row] in (-1, its_direction)
            and vehicle[row] in (-1, its_vehicle)
            and in_hours(table[row][2], table[row][3], table[row][4], event_us)
        ]
        fitting.sort(
            key=lambda row: (vehicle[row] != -1, direction[row] != -1, table[row][2:] != ALWAYS, table[row][0], row)
        )
        out[at] = fitting[-1] if fitting else -1
