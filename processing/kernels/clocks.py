"""When each device was last heard and how far its own time has come."""

from typing import Any

from contracts.jit import kernel


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def hear(device: Any, received_us: Any, event_us: Any, heard_us: Any, newest_us: Any, excused_us: Any) -> None:
    """Raise `heard_us` (receipt) and `newest_us` (event time) of these rows' devices; nothing is excused any more."""
    for row in range(device.size):
        no = device[row]
        heard_us[no] = max(heard_us[no], received_us[row])
        newest_us[no] = max(newest_us[no], event_us[row])
        excused_us[no] = 0
