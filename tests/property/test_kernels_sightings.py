"""The kernels on plates seen before equal their naive twins, with the JIT on and off."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.columns import empty
from processing.kernels import sightings
from processing.kernels.sightings import NOBODY, PLAIN, VALUES, WIDE
from processing.order.sightings import _LAYOUT
from tests.reference import sightings as naive

EXAMPLES = 80
SECOND = 1_000_000
BUCKETS = 16
Ints = npt.NDArray[np.int64]

plates = st.sampled_from([7, 7, 8, 7 + BUCKETS, -3, 0, BUCKETS])
perhaps = st.sampled_from([0, 0, 7, 8, 9, 7 + BUCKETS])
reads = st.lists(
    st.tuples(
        plates,
        perhaps,
        perhaps,
        st.integers(0, 5),
        st.integers(0, 60),
        st.integers(0, 3),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=40,
)


def values(rows: list[Any], width: int) -> Ints:
    """Reads as the kernels take them; the ticks at which they were handed out do not fall."""
    table, tick = np.zeros((len(rows), VALUES), np.int64), 0
    for at, (key, before, skeleton, where, event, later, need, doubt) in enumerate(rows):
        tick += later
        table[at, sightings.KEY], table[at, sightings.BEFORE], table[at, sightings.SKELETON] = key, before, skeleton
        table[at, sightings.FACTS] = (1 + doubt) << sightings.STATE | (where << sightings.TAG if width == PLAIN else 0)
        table[at, sightings.WHERE], table[at, sightings.EVENT] = where, event
        table[at, sightings.CHAIN], table[at, sightings.NEED] = tick << 32, need
    return table.ravel()


def store(room: int, width: int, most: int) -> tuple[Ints, npt.NDArray[np.int32], Ints]:
    return (
        np.zeros(2 * room * width, np.int64),
        np.full(BUCKETS, NOBODY, np.int32),
        np.array([0, 20 * SECOND, most, 25, 40], np.int64),
    )


def chained(module: Any, nodes: Ints, bounds: Ints, width: int, gone: int) -> list[Any]:
    """The chains of what is left when some are let go of."""
    left, head = nodes[gone * width : int(bounds[0]) * width].copy(), np.full(2 * BUCKETS, NOBODY, np.int32)
    module.chain(left, head, width)
    return [left.tolist(), head.tolist()]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=reads, most=st.sampled_from([3, 100]), gone=st.integers(0, 5))
def test_pairs_of_a_section_equal_their_twin(rows: list[Any], most: int, gone: int) -> None:
    told = []
    for module in (sightings, naive):
        nodes, head, bounds = store(len(rows), WIDE, most)
        out, trips = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        module.pair(nodes, head, bounds, values(rows, WIDE), np.zeros(3, np.int64), out, trips)
        stored = out.tolist(), trips.tolist(), nodes.tolist(), head.tolist(), bounds.tolist()
        told.append((stored, chained(module, nodes, bounds, WIDE, gone)))
    assert told[0] == told[1]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=reads, most=st.sampled_from([3, 100]), apart_m=st.sampled_from([10.0, 100.0]), gone=st.integers(0, 5))
def test_impossible_travels_equal_their_twin(rows: list[Any], most: int, apart_m: float, gone: int) -> None:
    places = np.array([[device * apart_m, device * device * 3.0] for device in range(6)]).ravel()
    figures = np.array([8.0, 15.0, 1.0, 0.01, 2.0])
    told = []
    for module in (sightings, naive):
        nodes, head, bounds = store(len(rows), PLAIN, most)
        out = np.zeros(len(rows), np.int64)
        module.travel(nodes, head, bounds, values(rows, PLAIN), places, figures, out)
        stored = out.tolist(), nodes.tolist(), head.tolist(), bounds.tolist()
        told.append((stored, chained(module, nodes, bounds, PLAIN, gone)))
    assert told[0] == told[1]


@settings(max_examples=EXAMPLES, deadline=None)
@given(raw=st.binary(min_size=5 * empty("passage").dtype.itemsize, max_size=5 * empty("passage").dtype.itemsize))
def test_what_is_kept_of_passages_equals_its_twin(raw: bytes) -> None:
    halves = np.frombuffer(raw, np.int16)
    waited, fresh = halves[: 2 * _LAYOUT[0]].copy(), halves[2 * _LAYOUT[0] :].copy()
    places, told = np.array([0, 4, 2, 1, 3, 3], np.int64), []
    for module in (sightings, naive):
        made = np.zeros(places.size * VALUES, np.int64)
        module.read(waited, fresh, _LAYOUT, places, np.arange(6, dtype=np.int64) * 400_000_000, made)
        told.append(made.tolist())
    assert told[0] == told[1]
