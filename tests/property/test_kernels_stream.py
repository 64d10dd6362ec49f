"""The anomaly kernel equals its naive twin on values of every kind, with the JIT on and off."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.kernels import stream
from tests.fixtures.jit_off import JIT_OFF
from tests.reference import stream as naive_stream

EXAMPLES = 6 if JIT_OFF else 20
Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


def values_of(kind: str, count: int, draw: np.random.Generator) -> Floats:
    """Values that reach every part of the arithmetic."""
    at = np.arange(count)
    values = {
        "noise": draw.normal(20.0, 3.0, count),
        "daily": 50 + 20 * np.sin(at / 40) + draw.normal(0, 2, count),
        "counts": draw.poisson(0.3, count).astype(float),
        "constant": np.full(count, 7.25),
        "shift": draw.normal(0, 1, count) + 30.0 * (at > count * 0.7),
        "huge": draw.normal(0, 1e140, count),
    }[kind]
    values[draw.integers(0, count, 6)] += 90.0 * float(draw.normal())
    values[draw.integers(0, count, 3)] = (np.nan, np.inf, -1e200)
    values[count // 2 : count // 2 + 20] = values[count // 2 - 1]
    return values


KINDS = st.sampled_from(("noise", "daily", "counts", "constant", "shift", "huge"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(KINDS, min_size=1, max_size=3), st.sampled_from((60, 900, 3_601)), st.integers(0, 2**32))
def test_scores_and_bands_of_many_series_equal_their_twin(kinds: list[str], step_s: int, seed: int) -> None:
    draw, count = np.random.default_rng(seed), 1_500
    place = draw.integers(0, len(kinds), count)
    time_us = (1_790_000_000 + np.arange(count) * step_s) * 1_000_000
    time_us[draw.integers(0, count, 5)] -= 86_400_000_000
    values = np.zeros(count)
    for number, kind in enumerate(kinds):
        values[place == number] = values_of(kind, count, draw)[: int((place == number).sum())]
    ours, naive = (np.zeros(count * stream.OUT_STRIDE) for _ in range(2))
    state = np.zeros(len(kinds) * stream.STRIDE)
    stream.score_many(place, time_us, values, state, ours)
    naive_stream.score_many(place, time_us, values, state, naive)
    np.testing.assert_allclose(ours, naive, rtol=1e-9, atol=1e-12)


@settings(max_examples=EXAMPLES, deadline=None)
@given(KINDS, st.integers(0, 2**32), st.lists(st.integers(1, 400), max_size=6))
def test_the_scores_of_one_series_equal_their_twin_however_they_are_cut(kind: str, seed: int, cuts: list[int]) -> None:
    count = 1_200
    values = values_of(kind, count, np.random.default_rng(seed))
    ts_ns = (1_790_000_000 + np.arange(count) * 900) * 1_000_000_000
    state, naive = np.zeros(stream.STRIDE), np.zeros(count)
    parts = []
    for piece in np.split(np.arange(count), np.unique(np.cumsum(cuts)) if cuts else []):
        out = np.zeros(piece.size)
        stream.score_series(ts_ns[piece], values[piece], state, out)
        parts.append(out)
    naive_stream.score_series(ts_ns, values, state, naive)
    np.testing.assert_allclose(np.concatenate(parts), naive, rtol=1e-9, atol=1e-12)
