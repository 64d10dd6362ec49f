"""Naive twin of processing/kernels/speeding.py."""

from typing import Any


def find_limit(passages: Any, first: Any, direction: Any, vehicle: Any, from_us: Any, until_us: Any, out: Any) -> None:
    for at, (segment, its_direction, its_vehicle, event_us) in enumerate(passages.reshape(-1, 4).tolist()):
        rows = range(first[segment], first[segment + 1]) if segment >= 0 else ()
        fitting = [
            row
            for row in rows
            if from_us[row] <= event_us < until_us[row]
            and direction[row] in (-1, its_direction)
            and vehicle[row] in (-1, its_vehicle)
        ]
        fitting.sort(key=lambda row: (vehicle[row] != -1, direction[row] != -1, from_us[row], row))
        out[at] = fitting[-1] if fitting else -1
