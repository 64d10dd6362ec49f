"""The kernels of traffic flow equal their naive twins."""

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.kernels import flow
from tests.reference import flow as naive

EXAMPLES = 40
GRID_US = 1_000_000
DUE_US = 20 * GRID_US


def ints(values: Any) -> Any:
    return np.array(values, np.int64)


def bounds(draw: np.random.Generator, rows: int, groups: int) -> Any:
    inner = np.sort(draw.integers(0, rows + 1, max(groups - 1, 0)))
    return ints([0, *inner, rows])


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(0, 40), groups=st.integers(1, 6))
def test_gathering_vehicles_equals_its_twin(seed: int, rows: int, groups: int) -> None:
    draw = np.random.default_rng(seed)
    columns = (
        bounds(draw, rows, groups),
        draw.integers(0, 10**15, rows),
        draw.choice([-1, 0, 1, 99, 100, 101, 5_012, 25_000], rows),
        draw.integers(25, 300, rows),
        draw.integers(0, 2, rows),
    )
    out, expected = (np.full(groups * flow.WIDTH, 7, np.int64) for _ in range(2))
    flow.gather(*columns, out)
    naive.gather(*columns, expected)
    assert out.tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(0, 30), groups=st.integers(1, 5), until=st.integers(0, 45))
def test_settling_cells_equals_its_twin(seed: int, rows: int, groups: int, until: int) -> None:
    draw = np.random.default_rng(seed)
    first = bounds(draw, rows, groups)
    tick = draw.integers(0, until + 1, rows) * GRID_US
    for one, other in pairwise(first):
        tick[one:other].sort()
    added = draw.integers(0, 9, rows * flow.WIDTH)
    cells = draw.integers(0, 9, groups * flow.CELL)
    head = cells.reshape(groups, flow.CELL)
    head[:, flow.DUE_US] = DUE_US
    head[:, flow.REVISION] = draw.integers(0, 3, groups) if until >= 20 else 0
    head[:, flow.HELD] = draw.integers(0, 3, groups) + head[:, flow.REVISION]
    for cell in range(groups):  # what was said already has no row before its due tick
        if head[cell, flow.REVISION]:
            tick[first[cell] : first[cell + 1]] = np.maximum(tick[first[cell] : first[cell + 1]], DUE_US)
    theirs = cells.copy()
    out, expected = (np.zeros((rows + groups) * flow.SAID, np.int64) for _ in range(2))
    said = flow.settle(first, tick, added, cells, until * GRID_US, out)
    assert said == naive.settle(first, tick, added, theirs, until * GRID_US, expected)
    assert cells.tolist() == theirs.tolist() and out.tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(0, 30), groups=st.integers(1, 4))
def test_ranking_speeds_equals_its_twin(seed: int, rows: int, groups: int) -> None:
    draw = np.random.default_rng(seed)
    first = bounds(draw, rows, groups)
    tick = draw.integers(0, 4, rows)
    for one, other in pairwise(first):
        tick[one:other].sort()
    said = np.zeros(groups * 2 * flow.SAID, np.int64).reshape(-1, flow.SAID)
    said[:, 0], said[:, 1] = np.repeat(np.arange(groups), 2), np.tile([1, 3], groups)
    kmh, vehicles = draw.integers(0, flow.BINS, rows), draw.integers(1, 5, rows)
    out, expected = (np.full(groups * 6, 7.0) for _ in range(2))
    flow.rank_speeds(first, tick, kmh, vehicles, said.ravel(), out)
    naive.rank_speeds(first, tick, kmh, vehicles, said.ravel(), expected)
    np.testing.assert_array_equal(out, expected)
