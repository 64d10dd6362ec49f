"""Naive twins of processing/kernels/timeline.py."""

from typing import Any


def by_device(device: Any, first: Any, order: Any) -> None:
    order[:] = sorted(range(len(device)), key=lambda row: device[row])
    first[:] = [sum(int(one) < number for one in device) for number in range(len(first))]


def line_up(readings: Any, others: Any, out: Any) -> None:
    rows = [(row["place"], row["device"], row["received_us"], row["event_us"], at) for at, row in enumerate(readings)]
    rows += [(*other, -1) for other in zip(*(column.tolist() for column in others), strict=True)]
    for column, values in zip(out, zip(*(row[1:] for row in sorted(rows)), strict=True), strict=False):
        column[:] = values
