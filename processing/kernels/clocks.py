"""When each device was last heard and how far its own time has come."""

from typing import Any

from contracts.jit import kernel


@kernel("void(i8[::1], i8[::1], i8[::1], i8, i8[::1], i8[::1], i8[::1])")
def hear(
    device: Any, received_us: Any, event_us: Any, listening_us: int, heard_us: Any, newest_us: Any, excused_us: Any
) -> None:
    """Raise `heard_us` (receipt) and `newest_us` (event time) of these rows' devices.

    What was excused before they were heard is over; of a gap that lasts beyond, up to `listening_us`, the rest stays.
    """
    for row in range(device.size):
        no = device[row]
        heard_us[no] = max(heard_us[no], received_us[row])
        newest_us[no] = max(newest_us[no], event_us[row])
        excused_us[no] = max(0, listening_us - heard_us[no])
