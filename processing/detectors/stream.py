"""The anomaly detector of one series: what the engine itself runs on every watched one (kernels/stream.py).

    detector = make()
    score = detector.update(ts_ns, value)            # one value
    scores = detector.update_many(ts_ns, values)     # a chunk, in order

It is told nothing of the series: no name, no unit, no range, no length. One set of constants for all.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from processing.kernels.stream import STRIDE, score_series

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class StreamDetector:
    """Scores the values of one series in the order in which they come, without looking ahead."""

    __slots__ = ("_one", "_score", "_state", "_time")

    def __init__(self, score: Callable[..., None] = score_series) -> None:
        self._score = score
        self._state: Floats = np.zeros(STRIDE)
        self._time: Int64s = np.zeros(1, np.int64)
        self._one: Floats = np.zeros(2)

    def update(self, ts_ns: int, value: float) -> float:
        """The score of one value, in [0, 1); its time in nanoseconds since 1970."""
        self._time[0], self._one[0] = ts_ns, value
        self._score(self._time, self._one[:1], self._state, self._one[1:])
        return float(self._one[1])

    def update_many(self, ts_ns: Int64s, values: Floats) -> Floats:
        """The scores of values in order, float64 (n,); int64 (n,) and float64 (n,), contiguous."""
        out: Floats = np.empty(len(values))
        self._score(ts_ns, values, self._state, out)
        return out


def make(seed: int = 0) -> StreamDetector:
    """A detector that has seen nothing. It draws no random numbers: `seed` changes nothing."""
    return StreamDetector()
