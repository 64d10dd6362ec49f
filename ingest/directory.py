"""Whose readings are welcome, as arrays that a kernel reads: topics, devices, series and what they may hold.

Made from a version of the city's registry; nothing that comes from outside is ever put into it.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ingest.native import CHANNEL, ROUTE, topic_hash

Int64s = npt.NDArray[np.int64]
EMPTY: Final = -1
"""A slot of the hash table without a topic."""
ROOM: Final = 4
"""Slots for each topic: most are found at the first."""


class Directory(NamedTuple):
    """See `ingest.native.DIRECTORY`."""

    slots: Int64s
    routes: Int64s
    channels: Int64s
    bounds: npt.NDArray[np.float64]
    letters: npt.NDArray[np.uint8]


class Series(NamedTuple):
    """What a device may say of one metric on one lane: its code, its unit, the least and the greatest value."""

    metric: str
    lane: int
    code: int
    unit: str
    least: float
    greatest: float


class Welcome(NamedTuple):
    """A topic, the number of the device that says readings there, and its series."""

    topic: str
    device: int
    series: tuple[Series, ...]


def directory(welcome: Iterable[Welcome]) -> Directory:
    """The directory of these topics."""
    letters = bytearray()
    places: dict[str, tuple[int, int]] = {}

    def put(text: str) -> tuple[int, int]:
        if text not in places:
            written = text.encode()
            places[text] = (len(letters), len(letters) + len(written))
            letters.extend(written)
        return places[text]

    routes: list[int] = []
    channels: list[int] = []
    bounds: list[float] = []
    for topic, device, series in welcome:
        first = len(channels) // CHANNEL
        for each in series:
            channels += [*put(each.metric), each.lane, each.code, *put(each.unit)]
            bounds += [each.least, each.greatest]
        routes += [*put(topic), device, first, len(channels) // CHANNEL]
    written = np.frombuffer(letters, np.uint8)  # writable: to a kernel another type than what is not
    return Directory(
        _slots(written, routes),
        np.array(routes, np.int64),
        np.array(channels, np.int64),
        np.array(bounds, np.float64),
        written,
    )


def _slots(letters: npt.NDArray[np.uint8], routes: list[int]) -> Int64s:
    """An open hash table of where each route begins; its size is a power of two."""
    size = 1 << max(1, (ROOM * len(routes) // ROUTE).bit_length())
    slots = np.full(size, EMPTY, np.int64)
    for base in range(0, len(routes), ROUTE):
        place = int(topic_hash(letters, routes[base], routes[base + 1])) % size
        while slots[place] != EMPTY:
            place = (place + 1) % size
        slots[place] = base
    return slots
