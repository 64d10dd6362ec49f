"""Every series that was ever heard, by a dense number: its place. What is remembered by series is indexed by it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.columns import Columns
from processing.compiled import Compiled
from processing.kernels.series import find_places, find_series
from processing.state import Int64s, State, grown

NAME: Final = "series"
LEAST_SLOTS: Final = 64


@dataclass(slots=True)
class Series:
    """By place: the packed key (device, metric, lane) and how many samples are due in a minute, NaN where unknown.

    `config` is the city version that `expected` was taken from.
    """

    count: int = 0
    key: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    slots: Int64s = field(default_factory=lambda: np.zeros(LEAST_SLOTS, np.int64))
    expected: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    config: int = -1


def places(state: State, compiled: Compiled, keys: Int64s) -> Int64s:
    """The place of each of these series, int64 (n,); new ones get the next numbers, in the order in which they come."""
    return _looked_up(state, compiled, find_places, keys)


def places_of(state: State, compiled: Compiled, readings: Columns) -> Int64s:
    """The place of each reading's series, int64 (n,), like `places`."""
    return _looked_up(state, compiled, find_series, readings)


def _looked_up(state: State, compiled: Compiled, find: Callable[..., int], asked: Columns) -> Int64s:
    series = state.part(NAME, Series)
    before = series.count
    out = np.empty(asked.size, np.int64)
    while True:
        series.count = find(asked, series.key, series.slots, series.count, out)
        if asked.size == 0 or int(out.min()) >= 0:
            break
        _make_room(series)
    if series.count > before:
        _expect(state, compiled, series)
    return out


def known(state: State, compiled: Compiled) -> Series:
    """The series there are, as the city version in force sees them."""
    series = state.part(NAME, Series)
    if series.config != state.moments.config:
        _expect(state, compiled, series)
    return series


def _make_room(series: Series) -> None:
    size = 2 * series.slots.size
    series.key = grown(series.key, size // 2)
    series.slots = np.zeros(size, np.int64)
    find_places(series.key[: series.count].copy(), series.key, series.slots, 0, np.empty(series.count, np.int64))


def _expect(state: State, compiled: Compiled, series: Series) -> None:
    """Take from the city in force how many samples of each series are due in a minute."""
    keys = series.key[: series.count]
    series.expected = np.full(series.count, np.nan)
    series.config = state.moments.config
    if compiled.series_key.size:
        found = np.minimum(np.searchsorted(compiled.series_key, keys), compiled.series_key.size - 1)
        known = compiled.series_key[found] == keys
        series.expected[known] = compiled.series_expected[found[known]]
