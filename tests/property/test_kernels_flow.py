"""The kernels of traffic flow and of congestion equal their naive twins."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.columns import WINDOW
from processing.kernels import congestion, flow
from tests.reference import congestion as naive_congestion
from tests.reference import flow as naive

EXAMPLES = 25
SECOND_US = 1_000_000
SIX = 29_900_000 // 60 * 60
"""The minute at which an hour begins."""
seeds = st.integers(0, 2**32)
small = st.integers(0, 14)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 20))
def test_weighing_vehicles_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    columns = (
        draw.integers(0, 10**15, rows),
        draw.choice([-1, 0, 1, 99, 100, 101, 5_012, 25_000], rows),
        draw.integers(25, 300, rows),
        draw.integers(0, 2, rows),
    )
    out, expected = (np.full(rows * flow.ADDED, 7, np.int64) for _ in range(2))
    flow.weigh(*columns, out)
    naive.weigh(*columns, expected)
    assert out.tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 40))
def test_joining_counts_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    windows = np.zeros(rows, WINDOW)
    windows["device"], windows["lane"] = draw.integers(1, 3, rows), draw.integers(0, 3, rows)
    windows["said_us"] = draw.integers(0, 3, rows) * SECOND_US
    windows["start_us"] = draw.integers(SIX, SIX + 3, rows) * flow.MINUTE_US
    windows["metric"], windows["added"] = draw.integers(0, 7, rows), draw.integers(1, 3, rows)
    windows["added_sum"] = draw.choice([0.0, 1.0, 7.0, 0.125, 43.25, 0.999999, -3.0, 1e15, -1e15, np.nan, np.inf], rows)
    roles = np.array([-2, -1, 0, 33, 100, 250], np.int64)
    out, expected = (np.zeros(rows * (1 + flow.ADDED), np.int64) for _ in range(2))
    seen = windows.view(np.int64), windows.view(np.float64), roles
    joined = flow.join_counts(*seen, np.zeros(128, np.int64), out)
    assert joined == naive.join_counts(*seen, np.zeros(128, np.int64), expected)
    assert out.tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 12))
def test_telling_sayings_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    sayings = draw.integers(0, 4, (5, flow.SAYING))
    sayings[:, 2] = draw.integers(20_000, 30_000, 5)
    given_ = sayings.ravel(), draw.integers(0, 1 << 40, 4), draw.integers(0, 5, rows), draw.random(rows), 204, 3
    out, expected = (np.zeros(rows, WINDOW) for _ in range(2))
    flow.tell(*given_, out.view(np.int64), out.view(np.float64))
    naive.tell(*given_, expected.view(np.int64), expected.view(np.float64))
    assert out.tobytes() == expected.tobytes()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 40))
def test_condensing_bins_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    cells = np.zeros(2 * flow.SLOTS * flow.CELL, np.int64)
    place, width, period = draw.integers(0, 2, rows), draw.integers(0, 4, rows), draw.integers(100, 104, rows)
    for held in range(0, rows, 2):
        slot = flow.slot_of(int(width[held]), int(period[held]))
        cells[(int(place[held]) * flow.SLOTS + slot) * flow.CELL + flow.PERIOD] = period[held] + 1
    bins = np.sort(((place * 4 + width) * flow.PERIODS + period) * flow.BINS + draw.integers(30, 33, rows))
    ours, theirs = (np.stack((bins, np.arange(1, rows + 1))) for _ in range(2))
    kept = flow.condense(ours[0], ours[1], cells)
    assert kept == naive.condense(theirs[0], theirs[1], cells)
    assert ours[:, :kept].tolist() == theirs[:, :kept].tolist()


def stream(draw: np.random.Generator, rows: int) -> Any:
    """New rows of two units over some hours, (n, 1 + ADDED) in order of unit, tick and minute: some late or early."""
    tick = SIX * 60 + np.sort(draw.integers(0, 3 * 3600, rows))
    minute = tick // 60 - draw.choice([0, 0, 0, 1, 5, 12, 20, 40, -3], rows)
    added = np.zeros((rows, 1 + flow.ADDED), np.int64)
    added[:, 0], added[:, 1], added[:, 2] = draw.integers(0, 2, rows), tick * SECOND_US, minute
    added[:, 3:] = draw.integers(1, 9, (rows, flow.WIDTH))
    return added[np.lexsort((minute, tick, added[:, 0]))]


def fold(kernels: Any, added: Any, cuts_us: list[int]) -> tuple[list[Any], Any, Any, Any]:
    """What is said of a stream that is cut at these ticks, and the cells, the units and the rows after it."""
    cells = np.zeros(2 * flow.SLOTS * flow.CELL, np.int64)
    units = np.array([flow.NOTHING, -1] * 2, np.int64)
    sayings, seen, since_us = [], [], 0
    for until_us in cuts_us:
        now = added[(added[:, 1] > since_us) & (added[:, 1] <= until_us)]
        new = np.ascontiguousarray(now[:, 1:]).ravel()
        first = np.searchsorted(now[:, 0], [0, 1, 2]).astype(np.int64)
        out = np.zeros((8 * len(now) + 2 * flow.SLOTS) * flow.SAYING, np.int64)
        times, before = np.array([30 * SECOND_US, until_us]), np.zeros(flow.SLOTS * flow.WIDTH, np.int64)
        count = kernels.settle(first, np.arange(2), new, cells, units, times, before, out)
        sayings += out.reshape(-1, flow.SAYING)[:count].tolist()
        seen += new.reshape(-1, flow.ADDED)[:, 1].tolist()
        since_us = until_us
    return sayings, cells.tolist(), units.tolist(), sorted(seen)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 60), hours=st.integers(1, 4))
def test_settling_cells_equals_its_twin_and_cutting_changes_nothing(seed: int, rows: int, hours: int) -> None:
    draw = np.random.default_rng(seed)
    added, until_us = stream(draw, rows), (SIX * 60 + hours * 3600) * SECOND_US
    cuts = [*sorted((SIX * 60 + draw.integers(0, hours * 3600, 4)) * SECOND_US), until_us]
    ours = fold(flow, added, cuts)
    assert ours == fold(naive, added, cuts)
    whole = fold(flow, added, [until_us])
    assert sorted(whole[0]) == sorted(ours[0]) and whole[1:] == ours[1:]


def test_the_stream_of_the_settling_test_holds_what_is_late_amended_and_pushed_out() -> None:
    added = stream(np.random.default_rng(3), 400)
    sayings, _cells, _units, minutes = fold(flow, added, [(SIX * 60 + 4 * 3600) * SECOND_US])
    assert minutes[0] == -1 and max(saying[4] for saying in sayings) > 2
    assert {saying[1] for saying in sayings} == {0, 1, 2}


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 30), sayings=st.integers(0, 4))
def test_ranking_speeds_equals_its_twin(seed: int, rows: int, sayings: int) -> None:
    draw = np.random.default_rng(seed)
    first = np.sort(draw.integers(0, rows + 1, 2 * sayings))
    columns = draw.integers(0, 4, rows), draw.integers(0, flow.BINS, rows), draw.integers(1, 5, rows)
    said_us = draw.integers(0, 4, sayings)
    out, expected = (np.full(sayings * 3, 7.0) for _ in range(2))
    flow.rank_speeds(first, *columns, said_us, np.zeros(flow.BINS, np.int64), out)
    naive.rank_speeds(first, *columns, said_us, None, expected)
    np.testing.assert_array_equal(out, expected)


@settings(max_examples=EXAMPLES, deadline=None)
@given(width=st.integers(0, 3), minute=st.integers(20_000_000, 33_000_000))
def test_periods_equal_their_twins(width: int, minute: int) -> None:
    period = flow.period_of(width, minute)
    assert period == naive.period_of(width, minute)
    assert flow.end_us(width, period) == naive.end_us(width, period) > minute * flow.MINUTE_US
    assert flow.slot_of(width, period) == naive.slot_of(width, period)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, places=st.integers(0, 3), minute=st.integers(0, 99), back_to=st.integers(0, 5), more=small)
def test_summing_minutes_equals_its_twin(seed: int, places: int, minute: int, back_to: int, more: int) -> None:
    ring = np.random.default_rng(seed).integers(-1, 9, places * congestion.RING * congestion.MINUTE)
    out, expected = (np.full(places * congestion.SUMS, 7, np.int64) for _ in range(2))
    congestion.sum_minutes(ring, minute, back_to + more, back_to, out)
    naive_congestion.sum_minutes(ring, minute, back_to + more, back_to, expected)
    assert out.tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 40))
def test_pouring_and_mingling_histograms_equal_their_twins(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    first = np.array([0, *np.sort(draw.integers(0, rows + 1, 2)), rows], np.int64)
    order, minute = draw.permutation(rows), draw.integers(20_000, 20_030, rows)
    ours, theirs = (np.zeros((2, 4 * rows), np.int64) for _ in range(2))
    kmh = draw.integers(30, 34, rows)
    made = flow.pour(first, order, minute, kmh, np.zeros(flow.BINS, np.int64), ours[0], ours[1])
    assert made == naive.pour(first, order, minute, kmh, None, theirs[0], theirs[1])
    assert ours.tolist() == theirs.tolist()
    half = np.unique(ours[0, : made // 2]), np.unique(ours[0, made // 2 : made])
    one, other = ((bins, np.arange(bins.size) + 1) for bins in half)
    merged, expected = (np.zeros((2, 4 * rows), np.int64) for _ in range(2))
    assert flow.mingle(*one, *other, merged[0], merged[1]) == naive.mingle(*one, *other, *expected)
    assert merged.tolist() == expected.tolist()
