"""The kernels of running figures, decibels, heat and thresholds equal their naive twins, with the JIT on and off."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.kernels import heat, levels, running, runs, thresholds
from tests.reference import heat as naive_heat
from tests.reference import levels as naive_levels
from tests.reference import running as naive_running
from tests.reference import runs as naive_runs
from tests.reference import thresholds as naive_thresholds

EXAMPLES = 40
Ints = npt.NDArray[np.int64]


def ints(values: Any) -> Ints:
    return np.array(list(values), np.int64)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.floats(-40, 40), st.floats(1e-3, 1e18))
def test_our_exponential_and_logarithm_are_right_to_a_part_in_a_hundred_million_million(x: float, y: float) -> None:
    assert levels.exp(x) == pytest.approx(naive_levels.exp(x), rel=1e-14)
    assert levels.log(y) == pytest.approx(naive_levels.log(y), rel=1e-14, abs=1e-15)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.floats(-20, 170), min_size=1, max_size=20))
def test_decibels_and_energies_equal_their_twins_and_undo_each_other(given_db: list[float]) -> None:
    level = np.array(given_db)
    ours, naive = np.zeros(level.size, np.int64), np.zeros(level.size, np.int64)
    levels.to_energy(level, ours)
    naive_levels.to_energy(level, naive)
    np.testing.assert_allclose(ours, naive, rtol=1e-13, atol=1)
    back, twin = np.zeros(level.size), np.zeros(level.size)
    levels.to_level(ours.astype(np.float64), back)
    naive_levels.to_level(ours.astype(np.float64), twin)
    np.testing.assert_allclose(back, twin, rtol=1e-13, atol=1e-12)
    loud = level >= 30
    np.testing.assert_allclose(back[loud], np.minimum(150, level[loud]), atol=0.003)


@pytest.mark.parametrize(
    ("celsius", "humidity", "index"),
    [(27, 60, 28.1), (30, 70, 35.0), (32, 70, 40.4), (33, 75, 45.7), (34, 80, 52.2)],
)
def test_the_heat_index_is_that_of_the_published_examples(celsius: float, humidity: float, index: float) -> None:
    assert heat.heat_index(celsius, humidity) == pytest.approx(index, abs=0.06)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.floats(5, 55), st.floats(0, 100))
def test_the_heat_index_equals_its_twin(celsius: float, humidity: float) -> None:
    assert heat.heat_index(celsius, humidity) == pytest.approx(naive_heat.heat_index(celsius, humidity), abs=1e-9)


heat_rows = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 1), st.integers(0, 40), st.booleans(), st.integers(1, 3), st.floats(5, 55)
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9), max_size=6))
def test_the_merging_of_runs_equals_its_twin(groups: list[list[tuple[int, int]]]) -> None:
    """Each list is a run in order; two runs make a group."""
    ordered = [sorted(run) for run in groups]
    ends = np.cumsum([len(run) for run in ordered], dtype=np.int64)
    tick, start = (ints(row[at] for run in ordered for row in run) for at in range(2))
    bounds = ints([*range(0, len(ordered), 2), len(ordered)])
    told = []
    for merge in (runs.merge, naive_runs.merge):
        heads, out = ends - ints(len(run) for run in ordered), np.zeros(tick.size, np.int64)
        merge(heads, ends, bounds, tick, start, out)
        told.append((heads, out))
    np.testing.assert_array_equal(told[0][0], told[1][0])
    np.testing.assert_array_equal(told[0][1], told[1][1])


@settings(max_examples=EXAMPLES, deadline=None)
@given(heat_rows)
def test_blocks_of_heat_equal_their_twin(rows: list[tuple[Any, ...]]) -> None:
    columns = tuple(ints(row[at] for row in rows) for at in range(5))
    order = np.argsort(columns[0], kind="stable")
    minutes = (order, columns[0], columns[1], columns[2] * 60_000_000, columns[3], columns[4])
    sums = np.array([row[5] * row[4] for row in rows])
    told = []
    for walk in (heat.walk, naive_heat.walk):
        blocks, held = np.zeros(2, np.int64), np.zeros(2 * heat.HELD)
        facts, figures = np.zeros(3 * len(rows), np.int64), np.zeros(3 * len(rows))
        count = walk(minutes, sums, 600_000_000, blocks, held, facts, figures)
        told.append((count, facts, figures, blocks, held))
    for ours, naive in zip(*told, strict=True):
        np.testing.assert_allclose(ours, naive, atol=1e-9)


figure_rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 90), st.integers(0, 3), st.booleans(), st.floats(0, 100)), max_size=60
)
delays = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 20))


@settings(max_examples=EXAMPLES * 2, deadline=None)
@given(figure_rows, delays)
def test_conditions_with_hysteresis_and_delays_equal_their_twin(
    rows: list[tuple[Any, ...]], waits: tuple[int, int, int]
) -> None:
    since = ints(row[1] for row in rows) + 1
    columns = (ints(row[0] for row in rows), since, since + ints(row[2] for row in rows), ints(row[3] for row in rows))
    values = np.array([row[4] for row in rows], np.float64)
    figures = (values, np.full(values.size, 50.0), np.full(values.size, 40.0))
    told = []
    for judge in (thresholds.judge, naive_thresholds.judge):
        state = tuple(np.zeros(2, np.int64) for _ in range(4))
        reported, out = np.zeros(2), np.zeros(2 * len(rows), np.int64)
        judge(columns, figures, state, reported, waits, out)
        told.append((*state, reported, out))
    for ours, naive in zip(*told, strict=True):
        np.testing.assert_array_equal(ours, naive)


def test_of_two_loud_minutes_the_energetic_mean_is_that_of_the_vectors() -> None:
    for given_db, expected in (([60, 70], 67.4), ([65, 65, 65, 90], 84.0), ([55] * 12 + [75] * 12, 72.0)):
        energy, out = np.zeros(len(given_db), np.int64), np.zeros(1)
        levels.to_energy(np.array(given_db, np.float64), energy)
        levels.to_level(np.array([energy.mean()]), out)
        assert round(float(out[0]), 1) == expected


def hours_of(means: list[float | None]) -> tuple[Ints, Ints]:
    """A ring of these hourly means, newest first, ending at hour 100; and its newest hour."""
    ring, newest = np.zeros(2 * 26, np.int64), ints([-1])
    for back, level in reversed(list(enumerate(means))):
        if level is not None:
            running.put(ring, 0, 26, newest, 0, 100 - back, 4 * 16 + 15, round(level * 4e6))
    return ring, newest


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([60, 55, 50, 45, 40, 35, 30, 28, 26, 25, 24, 20], 55.0),
        ([50, None, 48, 47, None, 45, 44, 43, 42, 41, 40, 40], 46.5),
        ([50, None, None, 40, 40, 40, 40, 40, 40, 40, 40, 40], math.nan),
        ([0.0] * 12, 0.0),
    ],
)
def test_nowcast_is_that_of_the_agencys_examples(means: list[float | None], expected: float) -> None:
    ring, newest = hours_of(means)
    out = np.zeros(4)
    running.nowcast(ring, 0, 26, int(newest[0]), 100, out)
    assert (math.floor(out[0] * 10) / 10 if out[0] == out[0] else math.nan) == pytest.approx(expected, nan_ok=True)


running_rows = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 60), st.integers(0, 3), st.booleans(), st.integers(0, 5), st.integers(0, 500)
    ),
    max_size=80,
)
STEP_US = 600_000_000
METHODS = [(running.MEAN, 24, -1), (running.MEAN, 1, -1), (running.SUM, 24, 7), (running.SUM, 3, -1)]
METHODS += [(running.NOWCAST, 12, -1), (running.ENERGY_MEAN, 8, -1)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(running_rows, st.integers(1, 6))
def test_hours_and_what_runs_over_them_equal_their_twins(rows: list[tuple[Any, ...]], room: int) -> None:
    """Slots 0 and 1 (metrics 1 and 2) of device 0, slot 2 (metric 2) of device 1; a full walk is called again."""
    slot, hour, quarter, first, count, total = (ints(row[at] for row in rows) for at in range(6))
    order = np.argsort(slot == 2, kind="stable")
    start_us = hour * STEP_US + quarter * STEP_US // 4
    columns = ((slot == 2).astype(np.int64), slot, ints(range(len(rows))), start_us, first, count, total * 1_000_000)
    plan = (ints([0, 0, 4, 6]), ints(number for request in METHODS for number in request), ints([STEP_US]))
    told = []
    for walk, size in ((running.walk, room * 6), (naive_running.walk, 20_000)):
        devices = (np.zeros(2, np.int64), np.zeros(2, np.int64), ints([1, 2]))
        slots = (ints([1, 2, 2]), ints([0, 26, 52]), ints([26, 26, 26]), ints([-1] * 3), ints([-1, 0, -1]))
        ring, cursor, found = np.zeros(2 * 78, np.int64), np.zeros(2, np.int64), []
        facts, figures = np.zeros(size * running.FACTS, np.int64), np.zeros(size * running.FIGURES + running.SCRATCH)
        while cursor[0] < len(rows):
            cursor[1] = 0
            walk((order, *columns), devices, slots, ring, plan, facts, figures, cursor)
            made = int(cursor[1])
            found.append((facts[: made * running.FACTS].copy(), figures[: made * running.FIGURES].copy()))
        all_facts = np.concatenate([np.zeros(0, np.int64), *(pair[0] for pair in found)])
        all_figures = np.concatenate([np.zeros(0), *(pair[1] for pair in found)])
        told.append((all_facts, all_figures, *devices, *slots, ring))
    for ours, naive in zip(*told, strict=True):
        np.testing.assert_allclose(ours, naive, rtol=1e-12)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(1, 9), st.integers(0, 99)), max_size=60),
    st.integers(0, 45),
)
def test_each_figure_of_a_ring_equals_its_twin(rows: list[tuple[int, ...]], last: int) -> None:
    rings = [(np.zeros(2 * 14, np.int64), ints([-1])) for _ in range(2)]
    for hour, quarter, count, total in rows:
        for (ring, newest), module in zip(rings, (running, naive_running), strict=True):
            module.put(ring, 0, 14, newest, 0, hour, count * 16 + 2**quarter, total * 1_000_000)
    np.testing.assert_array_equal(rings[0][0], rings[1][0])
    (ring, newest), outs = rings[0], [np.zeros(4) for _ in range(6)]
    for place, module in enumerate((running, naive_running)):
        module.mean(ring, 0, 14, int(newest[0]), last, 12, running.MEAN, outs[place])
        module.amount(ring, 0, 14, int(newest[0]), last, 12, outs[2 + place])
        module.nowcast(ring, 0, 14, int(newest[0]), last, outs[4 + place])
    for ours, naive in zip(outs[::2], outs[1::2], strict=True):
        np.testing.assert_allclose(ours[:3], naive[:3], rtol=1e-12)
