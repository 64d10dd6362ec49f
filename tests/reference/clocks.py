"""Naive twin of processing/kernels/clocks.py."""

from typing import Any


def hear(
    device: Any, received_us: Any, event_us: Any, listening_us: int, heard_us: Any, newest_us: Any, excused_us: Any
) -> None:
    for no in set(device.tolist()):
        rows = device == no
        heard_us[no] = max(heard_us[no], received_us[rows].max())
        newest_us[no] = max(newest_us[no], event_us[rows].max())
        excused_us[no] = max(0, listening_us - heard_us[no])
