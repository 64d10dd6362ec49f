"""The kernels of time and windows equal their naive twins, with the JIT on and off."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.city import City
from contracts.columns import PASSAGE, READING, Batch
from processing import windows
from processing.compiled import Compiled, compile_city
from processing.kernels import series as series_kernels
from processing.kernels import silence as silence_kernels
from processing.kernels import timeline as timeline_kernels
from processing.kernels import windows as window_kernels
from processing.said import Said
from processing.state import State, from_fields, to_fields
from processing.timeline import arrive
from tests.fixtures.jit_off import JIT_OFF
from tests.fixtures.small_city import LEVEL, PM25, small_city
from tests.reference import series as naive_series
from tests.reference import silence as naive_silence
from tests.reference import timeline as naive_timeline
from tests.reference import windows as naive_windows

EXAMPLES = 8 if JIT_OFF else 30
START = 1_800_000_000_000_000
SECOND = 1_000_000
SERIES = ((4, PM25), (5, LEVEL), (6, LEVEL), (6, PM25))
"""Device and metric."""


def history(seed: int, count: int, span_s: int) -> list[tuple[Any, ...]]:
    """Records (device, received, event, series or -1, value), some late, some ahead, some of other kinds."""
    draw = np.random.default_rng(seed)
    received = np.sort(draw.integers(1, span_s * SECOND, count))
    delays = draw.choice([0, 1, 3, 70, 590, 640, 900, -50], count, p=[0.5, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05])
    records = []
    for moment, delay in zip(received.tolist(), delays.tolist(), strict=True):
        series = int(draw.integers(-1, len(SERIES)))
        device = SERIES[series][0] if series >= 0 else int(draw.integers(1, 7))
        event = max(0, moment - delay * SECOND)
        records.append((device, START + moment, START + event, series, round(float(draw.normal(5, 3)), 2)))
    return records


def batch_of(n: int, since_us: int, now_us: int, records: list[tuple[Any, ...]]) -> Batch:
    readings = np.zeros(sum(record[3] >= 0 for record in records), READING)
    passages = np.zeros(len(records) - readings.size, PASSAGE)
    at = {True: 0, False: 0}
    for place, (device, received, event, series, value) in enumerate(records):
        rows = readings if series >= 0 else passages
        row = rows[at[series >= 0]]
        at[series >= 0] += 1
        row["place"], row["device"], row["received_us"], row["event_us"] = place, device, received, event
        if series >= 0:
            row["metric"], row["value"] = SERIES[series][1], value
    return Batch(n, since_us, now_us, readings=readings, passages=passages)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    city: City = small_city()
    return compile_city(city)


def told(compiled: Compiled, records: list[tuple[Any, ...]], until_s: int, cuts: list[int]) -> Any:
    """Rows, windows given back and late records, as the stage says them of a history cut before these records."""
    state, since_us = State(), START
    state.grow(compiled.size)
    rows, given, late = [], [], []
    for n, (first, last) in enumerate(itertools.pairwise([0, *cuts, len(records)])):
        now_us = START + until_s * SECOND if last == len(records) else records[last - 1][1]
        batch = batch_of(n, since_us, now_us, records[first:last])
        said = Said(arrivals=arrive(batch, state.size))
        windows.fold(state, compiled, batch, said)
        keys = {(4, PM25): 0, (5, LEVEL): 1, (6, LEVEL): 2, (6, PM25): 3}
        names = {}
        for row in said.closed:
            series = names[int(row["place"])] = keys[(int(row["device"]), int(row["metric"]))]
            figures = [
                float(row[name]) for name in ("added_sum", "mean", "min", "max", "sd", "median", "p85", "p95", "last")
            ]
            facts = (int(row[name]) for name in ("start_us", "said_us", "revision", "count", "added"))
            rows.append((series, *facts, tuple(figures)))
        known = state.parts["series"].key
        for at, row in enumerate(said.given.rows.tolist()):
            key = int(known[row[0]])
            samples = said.given.values[said.given.first[at] : said.given.first[at + 1]]
            assert samples.size == row[3]
            sample = float(said.given.rows.view(np.float64)[at, 5])
            given.append((keys[(key >> 32, (key >> 16) & 0xFFFF)], *row[1:4], (row[4], sample)))
        late += [first + int(row["place"]) for rows_late in said.late for row in rows_late]
        since_us = now_us
        state = from_fields(to_fields(state))
    return rows, given, late


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 200), st.sampled_from([90, 700, 3000]), st.sets(st.integers(1, 199)))
def test_the_walk_through_the_windows_equals_its_twin(
    compiled: Compiled, seed: int, count: int, span_s: int, cuts: set[int]
) -> None:
    records = history(seed, count, span_s)
    inside = sorted(cut for cut in cuts if cut < count)
    ours = told(compiled, records, span_s + 1500, inside if not JIT_OFF else inside[:3])
    naive = naive_windows.walk(records, START, START + (span_s + 1500) * SECOND)
    assert sorted(ours[2]) == sorted(naive[2])
    assert sorted(ours[1]) == sorted(naive[1])
    mine, theirs = sorted(ours[0], key=lambda row: row[:4]), sorted(naive[0], key=lambda row: row[:4])
    assert [row[:6] for row in mine] == [row[:6] for row in theirs]
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one[6], other[6], rtol=1e-9, atol=1e-9)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.floats(-9, 9), max_size=200), st.integers(0, 9))
def test_sorted_samples_equal_their_twin(samples: list[float], more: int) -> None:
    ours, naive = (np.array([*samples, *[-99.0] * more]) for _ in range(2))
    window_kernels.sort(ours, np.empty(ours.size), len(samples))
    naive_windows.sort(naive, None, len(samples))
    np.testing.assert_array_equal(ours, naive)


def test_a_crowd_of_samples_is_given_back_early_and_none_is_lost(compiled: Compiled) -> None:
    records = [(5, START + at * SECOND, START + at * SECOND, 1, float(at)) for at in range(1, 900)]
    rows, given, late = told(compiled, records, 2000, [400])
    assert not late and sum(row[3] for row in given) == 899 == sum(row[5] for row in rows)
    assert {row[2] - (row[1] + 1) * 60 * SECOND for row in given} != set(), "each has its tick"
    naive = naive_windows.walk(records, START, START + 2000 * SECOND)
    assert sorted(given) == sorted(naive[1])


def test_no_window_is_closed_before_a_record_counts_that_there_was_no_room_for_at_first(compiled: Compiled) -> None:
    """A backlog of more windows than there is room for, heard after the last tick of its batch."""
    received = START + 10_200_000
    records = [(4, received, received - minute * 60 * SECOND, 0, 1.0) for minute in range(100)]
    ours, naive = told(compiled, records, 120, [99]), naive_windows.walk(records, START, START + 120 * SECOND)
    assert {row[2] for row in naive[0]} == {START + 11 * SECOND, START + 60 * SECOND}
    assert sorted(row[:6] for row in ours[0]) == sorted(row[:6] for row in naive[0])


def test_windows_are_given_back_on_time_although_there_was_no_room_at_first(compiled: Compiled) -> None:
    """A backlog of more windows than there is room for, which counts at the very tick of a sweep."""
    sweep = START + 12 * 60 * SECOND
    records = [(5, START + SECOND, START + SECOND, 1, 1.0)]
    records += [(4, sweep - 1, sweep - minute * 60 * SECOND, 0, 1.0) for minute in range(1, 100)]
    ours, naive = told(compiled, records, 900, []), naive_windows.walk(records, START, START + 900 * SECOND)
    assert (1, START // 60_000_000, sweep) in {row[:3] for row in naive[1]}
    assert sorted(row[:4] for row in ours[1]) == sorted(row[:4] for row in naive[1])


def test_a_zero_below_zero_is_a_zero_in_whatever_order_it_comes(compiled: Compiled) -> None:
    """A gauge that rounds says -0.0: equal to 0.0, and of other bits."""
    for values in ([0.0, -0.0], [-0.0, 0.0], [-0.0]):
        records = [(4, START + (at + 2) * SECOND, START + SECOND, 0, value) for at, value in enumerate(values)]
        rows, given, _ = told(compiled, records, 900, [])
        figures = [*rows[0][6], given[0][4][1]]
        assert "-0.0" not in map(str, figures) and figures[1:4] == [0.0] * 3


ints = st.lists(st.integers(0, 6), max_size=40)


@settings(max_examples=EXAMPLES, deadline=None)
@given(ints)
def test_rows_by_device_equal_their_twin(devices: list[int]) -> None:
    device = np.array(devices, np.int64)
    ours, naive = ((np.zeros(8, np.int64), np.zeros(device.size, np.int64)) for _ in range(2))
    timeline_kernels.by_device(device, *ours)
    naive_timeline.by_device(device, *naive)
    np.testing.assert_array_equal(ours[0], naive[0])
    np.testing.assert_array_equal(ours[1], naive[1])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(0, 2**32))
def test_records_of_all_kinds_in_order_equal_their_twin(is_reading: list[bool], seed: int) -> None:
    draw = np.random.default_rng(seed)
    places = np.cumsum(draw.integers(1, 3, len(is_reading)))
    chosen = np.array(is_reading, np.bool_)
    readings = np.zeros(int(chosen.sum()), READING)
    readings["place"] = places[chosen]
    for name in ("device", "received_us", "event_us"):
        readings[name] = draw.integers(0, 1000, readings.size)
    others = (places[~chosen], *draw.integers(0, 1000, (3, int((~chosen).sum()))))
    ours, naive = (tuple(np.zeros(places.size, np.int64) for _ in range(4)) for _ in range(2))
    timeline_kernels.line_up(readings, others, ours)
    naive_timeline.line_up(readings, others, naive)
    np.testing.assert_array_equal(ours, naive)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(0, 2)), max_size=60), st.integers(1, 40))
def test_places_of_series_equal_their_twin(series: list[tuple[int, int, int]], room: int) -> None:
    readings = np.zeros(len(series), READING)
    for row, (device, metric, lane) in zip(readings, series, strict=True):
        row["device"], row["metric"], row["lane"] = device, metric, lane
    keys = np.array([(d << 32) | (m << 16) | lane for d, m, lane in series], np.int64)
    for find, twin, asked in (
        (series_kernels.find_places, naive_series.find_places, keys),
        (series_kernels.find_series, naive_series.find_series, readings),
    ):
        ours, naive = ((np.zeros(room, np.int64), np.zeros(keys.size, np.int64)) for _ in range(2))
        assert find(asked, ours[0], np.zeros(64, np.int64), 0, ours[1]) == twin(asked, naive[0], None, 0, naive[1])
        np.testing.assert_array_equal(ours[0], naive[0])
        np.testing.assert_array_equal(ours[1], naive[1])
    assert all(series_kernels.slot(int(key), 64) == naive_series.slot(int(key), 64) for key in keys)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900), st.integers(-50, 5)), max_size=40),
    st.integers(0, 400),
    st.integers(0, 900),
)
def test_silence_equals_its_twin(records: list[tuple[int, int, int]], listening_s: int, until_s: int) -> None:
    rows = sorted((START + moment * SECOND + device, device, lag) for device, moment, lag in records)
    device = np.array([row[1] for row in rows], np.int64)
    received = np.array([row[0] for row in rows], np.int64)
    event = np.array([row[0] + row[2] * SECOND for row in rows], np.int64)
    order, first = np.zeros(device.size, np.int64), np.zeros(5, np.int64)
    timeline_kernels.by_device(device, first, order)
    limit = np.array([100 * SECOND, 5 * SECOND, 2**63 - 1, 250 * SECOND], np.int64)
    now_us = max([START + until_s * SECOND, *received.tolist()])
    times = np.array([START, now_us, START + listening_s * SECOND, START + (listening_s + 30) * SECOND], np.int64)
    results = []
    for kernel in (silence_kernels.listen, naive_silence.listen):
        clocks = tuple(np.full(4, value, np.int64) for value in (START, START, START, listening_s * SECOND))
        silent = (limit, np.zeros(4, np.int64), np.zeros(4, np.int64), limit)
        out = np.zeros(5 * 2 * (device.size + 4) + 1, np.int64)
        kernel(clocks, (order, first, received, event), silent, times, out)
        results.append((out, *clocks, *silent[1:3]))
    for ours, naive in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, naive)
