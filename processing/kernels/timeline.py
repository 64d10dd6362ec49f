"""The order of a batch's records."""

from typing import Any

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
