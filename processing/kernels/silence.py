"""When each device was last heard, how far its own time has come, and when its silence begins and ends."""

from typing import Any, Final

from contracts.jit import kernel

TICK_US: Final = 1_000_000
NEVER: Final = 2**62
FOR_EVER: Final = 2**63 - 1
EVENT: Final = 5
"""Values of an event: device, tick (us), 1 where silence begins and 0 where it ends, quiet for so long (us), newest
event (us)."""


@kernel("i8(i8, i8)", inner=True)
def first_tick(time_us: int, not_before_us: int) -> int:
    """The first tick at or after both."""
    return -(-max(time_us, not_before_us) // TICK_US) * TICK_US


@kernel("void(UniTuple(i8[::1], 4), i8, i8, i8, i8)", inner=True)
def hear(clocks: Any, device: int, received_us: int, event_us: int, listening_us: int) -> None:
    """Take one record in. What was excused before is over; of a gap that lasts beyond it, the rest stays excused."""
    heard, newest, _, excused = clocks
    heard[device] = max(heard[device], received_us)
    newest[device] = max(newest[device], event_us)
    excused[device] = max(0, listening_us - heard[device])


@kernel("void(UniTuple(i8[::1], 4), UniTuple(i8[::1], 4), UniTuple(i8[::1], 4), i8[::1], i8[::1])")
def listen(clocks: Any, records: Any, silence: Any, times: Any, out: Any) -> None:
    """Fold a batch, device by device; events of EVENT values into `out`, their number into its last place.

    `clocks` int64 by device: heard, newest, since, excused (us). `records`: order of the records by device, where each
    device's begin (devices + 1,), receipt and event time by record. `silence` by device: limit (us, FOR_EVER: none),
    active (0 or 1), onset (us), and nothing. `times`: since, now, listening since, not before (us).
    """
    heard, newest, since, excused = clocks
    order, first, received_us, event_us = records
    limit, active, onset, _ = silence
    start_us, last_tick = first_tick(times[0] + 1, 0), times[1] // TICK_US * TICK_US
    told = 0
    for device in range(first.size - 1):
        at, stop, now_us = first[device], first[device + 1], start_us - TICK_US
        while True:
            counts = NEVER
            if active[device] and heard[device] >= onset[device]:
                counts = now_us + TICK_US
            elif at < stop:
                counts = (received_us[order[at]] // TICK_US + 1) * TICK_US
            due = NEVER
            if not active[device] and limit[device] != FOR_EVER:
                quiet_from = max(heard[device], since[device]) + excused[device]
                due = first_tick(max(quiet_from + limit[device], times[3]), now_us + TICK_US)
            if min(due, counts) > last_tick:
                break
            now_us = min(due, counts)
            while at < stop and (received_us[order[at]] // TICK_US + 1) * TICK_US <= now_us:
                hear(clocks, device, received_us[order[at]], event_us[order[at]], times[2])
                at += 1
            quiet = now_us - max(heard[device], since[device]) - excused[device]
            begins = not active[device] and limit[device] != FOR_EVER and quiet >= limit[device] and now_us >= times[3]
            if begins or (active[device] and heard[device] >= onset[device]):
                active[device] = 1 - active[device]
                if begins:
                    onset[device] = now_us
                base = told * EVENT
                out[base], out[base + 1], out[base + 2] = device, now_us, active[device]
                out[base + 3], out[base + 4] = quiet, newest[device]
                told += 1
        while at < stop:
            hear(clocks, device, received_us[order[at]], event_us[order[at]], times[2])
            at += 1
    out[out.size - 1] = told
