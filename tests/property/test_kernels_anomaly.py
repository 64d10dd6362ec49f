"""The kernels of frozen values and of neighbours equal their naive twins, with the JIT on and off."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.kernels import frozen, neighbours
from tests.fixtures.jit_off import JIT_OFF
from tests.reference import frozen as naive_frozen
from tests.reference import neighbours as naive_neighbours

EXAMPLES = 10 if JIT_OFF else 30
MINUTE_US = 60_000_000
Int64s = npt.NDArray[np.int64]


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)), max_size=120),
    st.sampled_from((0.0, np.nan)),
)
def test_what_stands_still_equals_its_twin(minutes: list[tuple[int, int, int]], idle: float) -> None:
    slot = np.array([slot for slot, _, _ in minutes], np.int64)
    start = (np.arange(slot.size, dtype=np.int64) + 1) * MINUTE_US
    low = np.array([float(value) for _, value, _ in minutes])
    high = low + np.array([float(moving == 0) for _, _, moving in minutes])
    ours, naive = ([np.zeros(3, np.int64) for _ in range(3)] + [np.array([3, 5, 9]) * MINUTE_US] for _ in range(2))
    last, naive_last = np.zeros(3), np.zeros(3)
    out, twin = (np.zeros(3 * slot.size, np.int64) for _ in range(2))
    figures = (low, high, np.full(slot.size, idle))
    frozen.stand((slot, start, start + MINUTE_US), figures, tuple(ours), last, out)
    naive_frozen.stand((slot, start, start + MINUTE_US), figures, tuple(naive), naive_last, twin)
    np.testing.assert_array_equal(out, twin)
    for one, other in zip([*ours, last], [*naive, naive_last], strict=True):
        np.testing.assert_array_equal(one, other)


class Memory:
    """What `walk` remembers of nine members in two groups."""

    def __init__(self) -> None:
        self.ints, self.floats = np.zeros(9 * neighbours.INTS, np.int64), np.zeros(9 * neighbours.FLOATS)
        self.groups = np.array([0] * 2 * neighbours.GROUP_INTS + [3], np.int64)
        self.events: list[list[float]] = []

    def walk(self, kernel: object, rows: tuple[Int64s, ...], deviation: npt.NDArray[np.float64]) -> None:
        most = 4 * deviation.size + 300
        out, figures = np.zeros(most * 5 + 1, np.int64), np.zeros(most * 3)
        kernel(  # type: ignore[operator]
            rows,
            deviation,
            (self.ints, self.groups, out),
            (self.floats, np.empty(9), figures),
            (np.array([0, 5, 9], np.int64), np.arange(9, dtype=np.int64)),
            (np.array([4, 6], np.int64), np.array([20, 15], np.int64)),
            np.array([5.0, 8.0]),
        )
        told = int(out[-1])
        pairs = zip(out[: told * 5].reshape(-1, 5), figures[: told * 3].reshape(-1, 3), strict=True)
        self.events += [[*map(float, event), *map(float, figure)] for event, figure in pairs]


def minutes_of(seed: int) -> tuple[tuple[Int64s, ...], npt.NDArray[np.float64]]:
    """Two hours and a half of nine members: one leaves at once, one slowly, all move, one is idle, one comes late."""
    draw = np.random.default_rng(seed)
    who, minute = (axis.ravel() for axis in np.meshgrid(np.arange(9), np.arange(1, 160)))
    deviation = draw.normal(0, 0.7, who.size)
    deviation += 9.0 * ((who == 1) & (minute > 90) & (minute < 130))
    deviation += 0.25 * (minute - 70) * ((who == 6) & (minute > 70))
    deviation += 12.0 * ((minute > 140) & (minute < 150))
    deviation[draw.random(who.size) < 0.03] = np.nan
    tick = minute + draw.integers(0, 2, who.size) + 10 * ((who == 3) & (minute > 40) & (minute < 50))
    flagged = (draw.random(who.size) < 0.1).astype(np.int64)
    kept = ~((who == 2) & (minute > 60) & (minute < 75))
    group = (who >= 5).astype(np.int64)
    order = np.lexsort((who, minute, tick, group))
    order = order[kept[order]]
    columns = (group, who, minute, tick * MINUTE_US, flagged)
    return tuple(np.ascontiguousarray(column[order], np.int64) for column in columns), deviation[order]


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(st.integers(0, 2**32), st.integers(60, 130))
def test_what_neighbours_tell_equals_their_twin(seed: int, cut: int) -> None:
    rows, deviation = minutes_of(seed)
    ours, naive = Memory(), Memory()
    early = rows[3] <= cut * MINUTE_US
    for chosen in (early, ~early):
        piece = tuple(np.ascontiguousarray(column[chosen]) for column in rows)
        ours.walk(neighbours.walk, piece, deviation[chosen])
    for chosen in (early, ~early):
        piece = tuple(np.ascontiguousarray(column[chosen]) for column in rows)
        naive.walk(naive_neighbours.walk, piece, deviation[chosen])
    np.testing.assert_allclose(ours.events, naive.events, atol=1e-9)
    np.testing.assert_array_equal(ours.ints, naive.ints)
    assert {neighbours.DISAGREES, neighbours.DRIFTS, neighbours.AGREES, neighbours.EVENT} <= {e[1] for e in ours.events}
