"""The kernels on plates seen before equal their naive twins, with the JIT on and off."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.kernels import sightings
from processing.kernels.sightings import BUCKETS, NOBODY, STRIDE
from tests.reference import sightings as naive

EXAMPLES = 80
JIT_OFF = os.environ.get("NUMBA_DISABLE_JIT") == "1"
Ints = npt.NDArray[np.int64]

plates = st.sampled_from([(0, 0), (7, 1), (7, 2), (7 + BUCKETS, 1), (-3, 5)])
reads = st.lists(
    st.tuples(
        plates,
        plates,
        plates,
        st.integers(0, 5),
        st.integers(0, 60),
        st.integers(0, 3),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=40,
)


def values(rows: list[Any]) -> Ints:
    """Reads as values of nodes; the ticks at which they were handed out do not fall."""
    table, tick = np.zeros((len(rows), STRIDE), np.int64), 0
    for at, (key, before, skeleton, where, event, later, need, doubt) in enumerate(rows):
        tick += later
        table[at, :6] = (*key, *before, *skeleton)
        table[at, sightings.DOUBT] = doubt
        table[at, sightings.WHERE], table[at, sightings.EVENT] = where, event
        table[at, sightings.COUNTED], table[at, sightings.NEED] = tick, need
    return table.ravel()


def store(room: int, most: int) -> tuple[Ints, Ints, Ints]:
    return (
        np.zeros(room * STRIDE, np.int64),
        np.full(BUCKETS, NOBODY, np.int64),
        np.array([5, 5, 20, most, 25], np.int64),
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=reads, most=st.sampled_from([3, 100]))
def test_pairs_of_a_section_equal_their_twin(rows: list[Any], most: int) -> None:
    told = []
    for module in (sightings, naive):
        nodes, head, bounds = store(len(rows), most)
        out = np.zeros(len(rows), np.int64)
        module.pair(nodes, head, bounds, values(rows), out)
        told.append((out.tolist(), nodes.tolist(), head.tolist(), bounds.tolist()))
    assert told[0] == told[1]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=reads, most=st.sampled_from([3, 100]), apart_m=st.sampled_from([10.0, 100.0]))
def test_impossible_travels_equal_their_twin(rows: list[Any], most: int, apart_m: float) -> None:
    places = np.array([[device * apart_m, device * device * 3.0] for device in range(6)]).ravel()
    figures = np.array([8.0, 15.0, 1.0, 0.01, 2.0])
    told = []
    for module in (sightings, naive):
        nodes, head, bounds = store(len(rows), most)
        out = np.zeros(len(rows), np.int64)
        module.travel(nodes, head, bounds, values(rows), places, figures, out)
        told.append((out.tolist(), nodes.tolist(), head.tolist(), bounds.tolist()))
    assert told[0] == told[1]


@pytest.mark.slow
@pytest.mark.skipif(JIT_OFF, reason="this is the run with the JIT off")
def test_the_twins_hold_with_the_jit_off() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert " passed" in ran.stdout
