"""The kernels of traffic flow and of congestion equal their naive twins."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.columns import WINDOW
from processing.kernels import congestion, flow, flow_new, flow_rows, flow_speeds
from tests.reference import congestion as naive_congestion
from tests.reference import flow as naive
from tests.reference import flow_new as naive_new
from tests.reference import flow_rows as naive_rows
from tests.reference import flow_speeds as naive_speeds

EXAMPLES = 25
SECOND_US = 1_000_000
SIX = 29_900_000 // 60 * 60
"""The minute at which an hour begins."""
seeds = st.integers(0, 2**32)
small = st.integers(0, 14)
forms = st.sampled_from([(flow.SEEN_WIDE, flow.EXTREMES), (flow.COUNTED_WIDE, 0), (flow.WAY_WIDE, 0)])


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 20))
def test_lining_vehicles_up_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    passages = tuple(draw.integers(0, most, rows) for most in (3, 10**15, 10**15, 9))
    speed = draw.choice([np.nan, np.inf, -1.0, 0.0, 0.005, 50.12, 399.999, 400.0, 400.1, 1e300], rows)
    tables = draw.integers(25, 300, 9), draw.integers(0, 2, 3)
    out, expected = (np.full(rows * flow_new.WAITING, 7, np.int64) for _ in range(2))
    flow_new.line_up(passages, speed, tables, out)
    naive_new.line_up(passages, speed, tables, expected)
    assert out.tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 40))
def test_weighing_vehicles_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    received_us = np.sort(SIX * flow.MINUTE_US + draw.integers(0, 90 * SECOND_US, rows))
    event_us = received_us - draw.choice([1, 5, 40, 70, 700], rows) * SECOND_US
    speed = draw.choice([-1, 0, 1, 99, 100, 101, 5_012, 25_000], rows)
    place = draw.integers(0, 2, rows)
    columns = place, event_us, speed, draw.integers(25, 300, rows), draw.integers(0, 2, rows), received_us
    waiting, said = np.column_stack(columns).reshape(-1), []
    for kernels in (flow_new, naive_new):
        order, begins, into = np.argsort(place, kind="stable"), np.zeros(3, np.int64), np.zeros(rows, np.int64)
        added, speeds = np.zeros(rows * (flow.ADDED + flow.SEEN_WIDE), np.int64), np.zeros(rows * 4, np.int64)
        counts = kernels.weigh(order, waiting, 30 * SECOND_US, begins, into, added, speeds)
        said.append([counts, *(array.tolist() for array in (order, begins, into, added, speeds))])
    assert said[0] == said[1]


def windows_of_counts(draw: np.random.Generator, rows: int) -> Any:
    """Windows as they are closed: by series, tick and start; four series of two lanes."""
    windows = np.zeros(rows, WINDOW)
    windows["place"] = place = draw.integers(0, 4, rows)
    windows["device"], windows["lane"], windows["metric"] = 1, place % 2, np.array([4, 3, 2, 1])[place]
    windows["said_us"] = draw.integers(0, 3, rows) * SECOND_US
    windows["start_us"] = draw.integers(SIX, SIX + 3, rows) * flow.MINUTE_US
    windows["added"] = draw.integers(1, 3, rows)
    windows["added_sum"] = draw.choice([0.0, 1.0, 7.0, 0.125, 43.25, 0.999999, -3.0, 1e15, -1e15, np.nan, np.inf], rows)
    return np.unique(windows[["place", "said_us", "start_us"]], return_index=True)[1], windows


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 40))
def test_finding_and_joining_counts_equal_their_twins(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    chosen, windows = windows_of_counts(draw, rows)
    windows = windows[chosen]
    views, roles = (windows.view(np.int64), windows.view(np.float64)), np.array([-2, -1, 0, -2, 250], np.int64)
    if draw.random() < 0.5:
        roles = roles[:4]
    found, expected = (tuple(np.zeros(rows, np.int64) for _ in range(4)) for _ in range(2))
    series = flow_new.find_counts(views[0], roles, found)
    assert series == naive_new.find_counts(views[0], roles, expected)
    assert [column.tolist() for column in found] == [column.tolist() for column in expected]
    groups = tuple(column[:series].copy() for column in (*found[:2], found[2] & 1, found[3]))
    order = np.argsort(groups[2], kind="stable")
    begins, ours, theirs, twins = (np.zeros(size, np.int64) for size in (3, rows * 9, rows * 9, 3))
    joined = flow_new.join_counts(order, groups, *views, begins, ours)
    wanted = naive_new.join_counts(order, groups, *views, twins, theirs)
    place = np.repeat([0, 1], np.diff(begins))
    table = np.column_stack((place, ours[: abs(joined) * 9].reshape(-1, 9))).tolist()
    if joined >= 0:
        assert (joined, begins.tolist(), ours.tolist()) == (wanted, twins.tolist(), theirs.tolist())
    assert together(table) == [
        [which, *row]
        for which, row in zip(np.repeat([0, 1], np.diff(twins)).tolist(), theirs.reshape(-1, 9).tolist(), strict=False)
    ]


def together(table: list[list[int]]) -> list[list[int]]:
    """Rows of one lane, tick and minute in one, in order."""
    joined: dict[tuple[int, ...], list[int]] = {}
    for row in table:
        held = joined.setdefault(tuple(row[:3]), [0] * len(row[3:]))
        joined[tuple(row[:3])] = [one + other for one, other in zip(held, row[3:], strict=True)]
    return [[*key, *joined[key]] for key in sorted(joined)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 12), wide=st.sampled_from([flow.SEEN_WIDE, flow.COUNTED_WIDE]))
def test_leading_lanes_on_to_their_directions_equals_its_twin(seed: int, rows: int, wide: int) -> None:
    draw = np.random.default_rng(seed)
    sayings = draw.integers(0, 4, (rows, flow.SAYING + 2 * wide))
    sayings[:, flow.SAYING + flow.SPEED_SUM] *= 1_001
    lanes = draw.integers(-1, 3, 4), draw.integers(0, 2, 4) if wide == flow.SEEN_WIDE else np.ones(4, np.int64)
    out, expected = (np.zeros(rows * 7, np.int64) for _ in range(2))
    made = flow_new.lead_on(sayings.ravel(), wide, lanes, out)
    assert made == naive_new.lead_on(sayings.ravel(), wide, lanes, expected)
    assert out.tolist() == expected.tolist()


def sayings_of(draw: np.random.Generator, wide: int) -> Any:
    sayings = draw.integers(0, 4, (6, flow.SAYING + 2 * wide))
    sayings[:, 2] = draw.integers(20_000, 30_000, 6)
    return sayings.ravel()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds)
def test_telling_sayings_equals_its_twins(seed: int) -> None:
    draw = np.random.default_rng(seed)
    key, metrics = draw.integers(0, 1 << 40, 4), draw.choice([-1, 200, 201, 202], 8)
    seen = sayings_of(draw, flow.SEEN_WIDE).reshape(6, -1)
    seen[:, flow.SAYING + flow.PACE_SUM] += 1
    counts = seen[:, flow.SAYING + flow.SPEEDS]
    sums = seen[:, flow.SAYING + flow.SPEED_SUM]
    seen[:, flow.SAYING + flow.SQUARES] = sums * sums // np.maximum(counts, 1) + 1
    due, free_kmh = draw.choice([np.nan, 0.0, 0.5, 2.0, 20.0], 4), draw.choice([np.nan, 0.005, 0.02, 0.04], 4)
    given_: list[tuple[str, tuple[Any, ...]]] = [
        ("tell_seen", (seen.ravel(), key, metrics, draw.random(18))),
        ("tell_counted", (sayings_of(draw, flow.COUNTED_WIDE), key, metrics, due)),
        ("tell_ways", (sayings_of(draw, flow.WAY_WIDE), key, 206, (free_kmh, np.array([0.8, 0.5, 0.2])))),
    ]
    for name, arguments in given_:
        out, expected = (np.zeros(36, WINDOW) for _ in range(2))
        told = getattr(flow_rows, name)(*arguments, out.view(np.int64), out.view(np.float64))
        assert told == getattr(naive_rows, name)(*arguments, expected.view(np.int64), expected.view(np.float64))
        assert out[:told].tobytes() == expected[:told].tobytes()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 40))
def test_condensing_bins_equals_its_twin(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    periods = np.zeros(2 * flow.SLOTS, np.int32)
    place, width, period = draw.integers(0, 2, rows), draw.integers(0, 4, rows), draw.integers(100, 104, rows)
    for held in range(0, rows, 2):
        slot = flow.slot_of(int(width[held]), int(period[held]))
        periods[int(place[held]) * flow.SLOTS + slot] = period[held] + 1
    kmh = draw.integers(30, 33, rows)
    bins = np.sort(((place * 4 + width) * flow_speeds.PERIODS + period) * flow_speeds.BINS + kmh)
    ours, theirs = (np.stack((bins, np.arange(1, rows + 1))) for _ in range(2))
    kept = flow_speeds.condense(ours[0], ours[1], periods)
    assert kept == naive_speeds.condense(theirs[0], theirs[1], periods)
    assert ours[:, :kept].tolist() == theirs[:, :kept].tolist()


def stream(draw: np.random.Generator, rows: int, wide: int) -> Any:
    """New rows of two units over some hours, (n, 1 + ADDED + wide), by unit, tick and minute: some late or early."""
    tick = SIX * 60 + np.sort(draw.integers(0, 3 * 3600, rows))
    minute = tick // 60 - draw.choice([0, 0, 0, 1, 5, 12, 20, 40, -3], rows)
    added = np.zeros((rows, 1 + flow.ADDED + wide), np.int64)
    added[:, 0], added[:, 1], added[:, 2] = draw.integers(0, 2, rows), tick * SECOND_US, minute
    added[:, 3:] = draw.integers(1, 9, (rows, wide))
    return added[np.lexsort((minute, tick, added[:, 0]))]


def fold(kernels: Any, added: Any, cuts_us: list[int], extremes: int) -> tuple[Any, ...]:
    """What is said of a stream that is cut at these ticks, and the cells, the units and the minutes after it."""
    wide = added.shape[1] - 1 - flow.ADDED
    periods, revisions, values = (np.zeros(2 * flow.SLOTS * many, np.int64) for many in (1, 1, wide))
    cells = periods.astype(np.int32), revisions.astype(np.int32), values
    units = np.array([flow.NOTHING, -1] * 2, np.int64)
    sayings, seen, since_us = [], [], 0
    for until_us in cuts_us:
        now = added[(added[:, 1] > since_us) & (added[:, 1] <= until_us)]
        new = np.ascontiguousarray(now[:, 1:]).ravel()
        first = np.searchsorted(now[:, 0], [0, 1, 2]).astype(np.int64)
        out = np.zeros((8 * len(now) + 2 * flow.SLOTS) * (flow.SAYING + 2 * wide), np.int64)
        shape, before = (wide, extremes, 30 * SECOND_US, until_us, 0), np.zeros(flow.SLOTS * wide, np.int64)
        count = kernels.settle(shape, first, new, cells, units, before, out)
        sayings += out.reshape(-1, flow.SAYING + 2 * wide)[:count].tolist()
        seen += new.reshape(-1, flow.ADDED + wide)[:, 1].tolist()
        since_us = until_us
    return sayings, [array.tolist() for array in cells], units.tolist(), sorted(seen)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 60), hours=st.integers(1, 4), form=forms)
def test_settling_cells_equals_its_twin_and_cutting_changes_nothing(
    seed: int, rows: int, hours: int, form: tuple[int, int]
) -> None:
    draw = np.random.default_rng(seed)
    wide, extremes = form
    added, until_us = stream(draw, rows, wide), (SIX * 60 + hours * 3600) * SECOND_US
    cuts = [*sorted((SIX * 60 + draw.integers(0, hours * 3600, 4)) * SECOND_US), until_us]
    ours = fold(flow, added, cuts, extremes)
    assert ours == fold(naive, added, cuts, extremes)
    whole = fold(flow, added, [until_us], extremes)
    assert sorted(whole[0]) == sorted(ours[0]) and whole[1:] == ours[1:]


def test_the_stream_of_the_settling_test_holds_what_is_late_amended_and_pushed_out() -> None:
    added = stream(np.random.default_rng(3), 400, flow.COUNTED_WIDE)
    sayings, _cells, _units, minutes = fold(flow, added, [(SIX * 60 + 4 * 3600) * SECOND_US], 0)
    assert minutes[0] == -1 and max(saying[4] for saying in sayings) > 2
    assert {saying[1] for saying in sayings} == {0, 1, 2}


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=seeds, rows=st.integers(0, 30), sayings=st.integers(0, 4))
def test_ranking_speeds_equals_its_twin(seed: int, rows: int, sayings: int) -> None:
    draw = np.random.default_rng(seed)
    first = np.sort(draw.integers(0, rows + 1, 2 * sayings))
    bins = np.sort(draw.integers(0, flow_speeds.BINS, rows)) + 7 * flow_speeds.BINS
    columns = draw.integers(0, 4, rows), bins, draw.integers(1, 5, rows), draw.integers(0, 4, sayings)
    out, expected = (np.full(sayings * 3, 7.0) for _ in range(2))
    flow_speeds.rank_speeds(first, *columns, out)
    naive_speeds.rank_speeds(first, *columns, expected)
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
    order, new = draw.permutation(rows), draw.integers(30, 34, (rows, flow_new.NEW))
    new[:, 1] = draw.integers(20_000, 20_030, rows)
    ours, theirs = (np.zeros((2, 4 * rows), np.int64) for _ in range(2))
    made = flow_speeds.pour(first, order, new.ravel(), np.zeros(flow_speeds.BINS, np.int64), ours[0], ours[1])
    assert made == naive_speeds.pour(first, order, new.ravel(), None, theirs[0], theirs[1])
    assert ours.tolist() == theirs.tolist()
    half = np.unique(ours[0, : made // 2]), np.unique(ours[0, made // 2 : made])
    one, other = ((bins, np.arange(bins.size) + 1) for bins in half)
    merged, expected = (np.zeros((2, 4 * rows), np.int64) for _ in range(2))
    assert flow_speeds.mingle(*one, *other, merged[0], merged[1]) == naive_speeds.mingle(*one, *other, *expected)
    assert merged.tolist() == expected.tolist()
