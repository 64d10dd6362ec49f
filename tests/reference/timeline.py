"""Naive twins of processing/kernels/timeline.py."""

from typing import Any


def by_device(device: Any, first: Any, order: Any) -> None:
    order[:] = sorted(range(len(device)), key=lambda row: device[row])
    first[:] = [sum(int(one) < number for one in device) for number in range(len(first))]
