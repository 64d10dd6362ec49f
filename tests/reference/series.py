"""Naive twins of processing/kernels/series.py."""

from typing import Any


def slot(key: int, size: int) -> int:
    return int(((key >> 32) * 40_503 + (key >> 16) % 65_536 * 9_973 + key % 65_536 * 7_919) % size)


def find_places(keys: Any, known: Any, slots: Any, count: int, out: Any) -> int:
    places = {int(key): place for place, key in enumerate(known[:count])}
    for row, key in enumerate(keys):
        if len(places) < len(known):
            places.setdefault(int(key), len(places))
        out[row] = places.get(int(key), -1)
    for key, place in places.items():
        known[place] = key
    return len(places)


def find_series(readings: Any, known: Any, slots: Any, count: int, out: Any) -> int:
    keys = [(int(row["device"]) << 32) | (int(row["metric"]) << 16) | int(row["lane"]) for row in readings]
    return find_places(keys, known, slots, count, out)
