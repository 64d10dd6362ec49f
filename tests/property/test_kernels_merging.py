"""The wider windows equal what all their samples give: exactly, but for quantiles, which keep to their bound."""

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.columns import Batch
from processing import merging
from processing.compiled import Compiled, compile_city, pack_series
from processing.kernels import merging as kernels
from processing.said import Given, Said
from processing.series import Series, places
from processing.state import State, from_fields, to_fields
from tests.fixtures.jit_off import JIT_OFF
from tests.fixtures.small_city import FLOW, LEVEL, PM25, small_city
from tests.reference import merging as naive

EXAMPLES = 6 if JIT_OFF else 25
START_MINUTE = 30_000_000
START = START_MINUTE * 60_000_000
SERIES = ((4, PM25), (5, LEVEL), (1, FLOW))
SPEED = 2
"""The third series' metric is a speed here."""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    city = small_city()
    metrics = tuple(msgspec.structs.replace(m, unit="km/h") if m.code == FLOW else m for m in city.metrics)
    return compile_city(msgspec.structs.replace(city, metrics=metrics))


def minutes(seed: int, count: int, wide: bool) -> list[tuple[Any, ...]]:
    """Minutes as they are given back: mostly in order, with holes of hours, some again a little later."""
    draw = np.random.default_rng(seed)
    at = {series: START_MINUTE + int(draw.integers(0, 30)) for series in range(len(SERIES))}
    out = []
    for _ in range(count):
        series = int(draw.integers(0, len(SERIES)))
        at[series] += int(draw.choice([0, 1, 1, 1, 2, 20, 700] if wide else [1]))
        back = int(draw.choice([0, 0, 0, 5]))
        samples = draw.choice([20.0, 30.0, 61.0, draw.normal(20, 8), draw.normal(0.5, 2)], int(draw.integers(1, 9)))
        if series != SPEED and draw.random() < 0.1:  # more values than a window has buckets
            samples = np.clip(draw.normal(20, 30, 60), -5, 60)
        samples = np.round(np.clip(samples, -5, 120), 1).tolist()
        tick = (at[series] + 12) * 60_000_000
        last_us = (at[series] - back) * 60_000_000 + int(draw.integers(0, 60_000_000))
        out.append((series, at[series] - back, tick, samples, (last_us, samples[-1])))
    return sorted(out, key=lambda one: one[2])


def told(
    compiled: Compiled, given_back: list[tuple[Any, ...]], until_us: int, cuts: list[int]
) -> list[tuple[Any, ...]]:
    state, since_us, rows = State(), START, []
    state.grow(compiled.size)
    keys = np.array([int(pack_series(device, metric, 0)) for device, metric in SERIES], np.int64)
    places(state, compiled, keys)
    assert state.part("series", Series).count == len(SERIES)
    for n, (first, last) in enumerate(itertools.pairwise([0, *cuts, len(given_back)])):
        part = given_back[first:last]
        now_us = until_us if last == len(given_back) else part[-1][2] if part else since_us
        table = np.array([(one[0], one[1], one[2], len(one[3]), one[4][0], 0) for one in part], np.int64).reshape(-1, 6)
        begins = np.concatenate(([0], np.cumsum(table[:, 3])))
        values = np.array([sample for one in part for sample in one[3]], np.float64)
        table.view(np.float64)[:, 5] = [one[4][1] for one in part]
        said = Said(given=Given(table, begins, values))
        merging.fold(state, compiled, Batch(n, since_us, now_us), said)
        for row in said.all_windows():
            figures = [float(row[name]) for name in ("mean", "min", "max", "sd", "median", "p85", "p95", "last")]
            assert (int(row["device"]), int(row["metric"])) == SERIES[int(row["place"])]
            facts = (int(row["width_s"]) // 60, int(row["start_us"]) // 60_000_000, int(row["said_us"]))
            counts = (int(row[name]) for name in ("revision", "count", "added"))
            rows.append((int(row["place"]), *facts, *counts, figures))
        since_us = now_us
        state = from_fields(to_fields(state))
    return rows


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 120), st.booleans(), st.sets(st.integers(1, 119), max_size=6))
def test_merged_windows_equal_their_twin(compiled: Compiled, seed: int, count: int, wide: bool, cuts: set[int]) -> None:
    given_back = minutes(seed, count, wide)
    inside = sorted(cut for cut in cuts if cut < count and given_back[cut - 1][2] < given_back[cut][2])
    until_us = given_back[-1][2] + 2 * 86_400_000_000
    ours = sorted(told(compiled, given_back, until_us, inside), key=lambda row: row[:5])
    theirs = sorted(naive.merge(given_back, START, until_us, frozenset({SPEED})), key=lambda row: row[:5])
    assert [row[:7] for row in ours] == [row[:7] for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine[7][:4], other[7][:4], rtol=1e-8, atol=1e-8)
        assert (mine[7][1], mine[7][2], mine[7][7]) == (other[7][1], other[7][2], other[7][7])
        assert mine[7][4:7] == other[8], "the same samples give the same buckets, in whatever order they are merged"
        for at in (4, 5, 6):
            if mine[0] == SPEED:
                assert abs(mine[7][at] - other[7][at]) <= 0.5 + 1e-9, "the nearest whole km/h"
            else:
                assert abs(mine[7][at] - other[7][at]) <= 0.51 * max(abs(other[7][1]), abs(other[7][2])) + 1e-4


def test_a_quantile_keeps_to_the_stated_bound_where_buckets_are_enough(compiled: Compiled) -> None:
    draw = np.random.default_rng(5)
    given_back = [
        (0, START_MINUTE + at, START + (at + 12) * 60_000_000, draw.uniform(40, 60, 8).round(1).tolist(), (at, 50.0))
        for at in range(60)
    ]
    hour = next(row for row in told(compiled, given_back, START + 90_000 * 1_000_000, []) if row[1] == 60)
    exact = naive.merge(given_back, START, START + 90_000 * 1_000_000)
    (other,) = [row for row in exact if row[1:3] == hour[1:3]]
    for at in (4, 5, 6):
        assert abs(hour[7][at] - other[7][at]) <= 2**-7 * other[7][at], "75 buckets of 1/128, 63 allowed: level 1"


def test_whole_speeds_have_their_exact_quantiles(compiled: Compiled) -> None:
    draw = np.random.default_rng(6)
    speeds = [(SPEED, START_MINUTE + at, START + (at + 12) * 60_000_000, draw.integers(30, 90, 20).tolist(), (at, 1.0))
              for at in range(60)]  # fmt: skip
    rows = told(compiled, speeds, START + 7_200_000_000, [])
    for row, other in zip(rows, naive.merge(speeds, START, START + 7_200_000_000), strict=True):
        if row[1] == 60:
            assert row[7][4:7] == pytest.approx(list(other[7][4:7]), abs=1e-9)


def test_packed_lists_stand_one_after_the_other_and_keep_their_room() -> None:
    rooms = (5, 3, 1)
    lists: tuple[list[int], ...] = ([4, 5, 6], [7], [])
    memory, pool = np.zeros(2 * kernels.SERIES, np.int64), np.zeros(kernels.LISTS + 20, np.int64)
    slots = kernels.SERIES + kernels.SLOTS + kernels.SLOT * np.arange(kernels.LEVELS)
    at = kernels.LISTS + np.array([8, 0, 15])
    memory[slots + kernels.AT], memory[slots + kernels.ROOM] = at, rooms
    memory[slots + kernels.USED] = [len(words) for words in lists]
    for begin, words in zip(at.tolist(), lists, strict=True):
        pool[begin : begin + len(words)] = words
    out = np.zeros(kernels.LISTS + 9, np.int64)
    kernels.pack(memory, pool, out)
    padded = [words + [0] * (room - len(words)) for words, room in zip(lists, rooms, strict=True)]
    assert out[kernels.LISTS :].tolist() == naive.pack(padded)
    assert (memory[slots + kernels.AT] - kernels.LISTS).tolist() == [0, 5, 8]
    assert out[kernels.FREE] == kernels.LISTS + 9
