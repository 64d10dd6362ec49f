"""The order of a batch's records."""

from typing import Any

from contracts.columns import READING
from contracts.jit import kernel


@kernel("void(i8[::1], i8[::1], i8[::1])")
def by_device(device: Any, first: Any, order: Any) -> None:
    """The rows of each device in their order: those of device d are order[first[d]:first[d + 1]] (a counting sort).

    `device` int64 (n,), `first` int64 (devices + 1,) zero, `order` int64 (n,).
    """
    for row in range(device.size):
        first[device[row] + 1] += 1
    for number in range(1, first.size):
        first[number] += first[number - 1]
    for row in range(device.size):
        order[first[device[row]]] = row
        first[device[row]] += 1
    for back in range(first.size - 1):
        number = first.size - 1 - back
        first[number] = first[number - 1]
    first[0] = 0


@kernel("void(READING[::1], UniTuple(i8[::1], 4), UniTuple(i8[::1], 4))", records={"READING": READING})
def line_up(readings: Any, others: Any, out: Any) -> None:
    """All records of a batch in order of place: readings and `others` int64 (m,): place, device, receipt, event time,
    both in order of their places. Fills `out` int64 (n + m,): device, receipt, event time, row of the reading or -1.
    """
    place, device, received_us, event_us = others
    out_device, out_received_us, out_event_us, out_reading = out
    other = 0
    for row in range(readings.size):
        reading = readings[row]
        while other < place.size and place[other] < reading["place"]:
            at = row + other
            out_device[at], out_received_us[at], out_event_us[at] = device[other], received_us[other], event_us[other]
            out_reading[at] = -1
            other += 1
        at = row + other
        out_device[at], out_received_us[at] = reading["device"], reading["received_us"]
        out_event_us[at], out_reading[at] = reading["event_us"], row
    for rest in range(other, place.size):
        at = readings.size + rest
        out_device[at], out_received_us[at], out_event_us[at] = device[rest], received_us[rest], event_us[rest]
        out_reading[at] = -1
