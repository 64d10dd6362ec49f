"""One series scored as it comes: what is unusual scores high, what stays becomes usual, and nothing breaks it."""

import numpy as np
import numpy.typing as npt
import pytest

from processing.detectors.stream import make
from processing.kernels import stream

Floats = npt.NDArray[np.float64]
MINUTE_NS = 60_000_000_000
WARM = stream.SETTLING + stream.FIRST_BLOCK


def noise(count: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(20.0, 1.0, count)


def minutes(count: int) -> npt.NDArray[np.int64]:
    return 1_767_600_000_000_000_000 + np.arange(count, dtype=np.int64) * MINUTE_NS


def scores(values: Floats) -> Floats:
    return make().update_many(minutes(values.size), values)


def test_it_is_silent_until_warm() -> None:
    values = noise(WARM + 100)
    values[[40, 100, WARM - 2]] += 50.0
    found = scores(values)
    assert not found[: WARM - 1].any()
    assert found[WARM:].any()


def test_a_spike_scores_and_the_values_around_it_do_not() -> None:
    values = noise(2_000)
    values[1_500] += 15.0
    found = scores(values)
    assert found[1_500] > 0.75
    assert np.delete(found, 1_500).max() < 0.65


def test_a_drop_scores_in_a_series_that_often_jumps_up() -> None:
    values = noise(4_000)
    values[::97] += 12.0
    values[3_605] -= 8.0
    found = scores(values)
    assert found[3_605] == found[1_500:].max() > 0.65


def test_a_level_shift_scores_once_and_becomes_the_new_level() -> None:
    values = noise(6_000)
    values[3_000:] += 10.0
    found = scores(values)
    assert found[3_000] > 0.7
    assert found[3_001:].max() < 0.6
    state = np.zeros(stream.STRIDE)
    stream.score_series(minutes(6_000), values, state, np.zeros(6_000))
    assert state[stream.LEVEL] == pytest.approx(30.0, abs=0.5)
    assert state[stream.STRENGTH] < 1.0


def test_a_value_that_is_usual_now_but_not_at_this_hour_scores_once_eight_days_are_known() -> None:
    at = np.arange(12 * 96)
    ts_ns = minutes(1)[0] + at * 15 * MINUTE_NS
    values = noise(at.size) + 40.0 * ((ts_ns // (3_600 * 10**9)) % 24 >= 12)
    odd = 11 * 96 + 16
    values[odd : odd + 8] += 40.0
    out = np.zeros(at.size * stream.OUT_STRIDE)
    stream.score_many(np.zeros(at.size, np.int64), ts_ns // 1_000, values, np.zeros(stream.STRIDE), out)
    decided = out.reshape(-1, stream.OUT_STRIDE)[odd : odd + 8, 2]
    assert set(decided.tolist()) <= {stream.DAY_PART, stream.DRIFT_PART}
    assert out.reshape(-1, stream.OUT_STRIDE)[odd, 0] > 0.6


def test_a_value_that_stands_still_in_a_moving_series_scores() -> None:
    values = noise(2_000)
    values[1_500:] = values[1_499]
    found = scores(values)
    assert int(found[1_500:].argmax()) < 30 and found[1_500:].max() > 0.55


def test_zeros_that_come_every_night_are_not_frozen() -> None:
    at = np.arange(1_440 * 4)
    values = np.where(at % 1_440 < 360, 0.0, np.random.default_rng(1).poisson(9, at.size))
    assert scores(values)[1_440 * 2 :].max() < 0.7


def test_a_series_that_never_moved_is_not_frozen() -> None:
    assert not scores(np.full(3_000, 5.0)).any()


def test_the_first_change_of_a_constant_scores_below_one() -> None:
    found = scores(np.where(np.arange(1_000) < 700, 1.0, 1e9))
    assert 0.99 < found[700] < 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_what_is_not_a_number_scores_nothing_and_changes_nothing(bad: float) -> None:
    values = noise(1_000)
    with_bad = np.insert(values, 600, bad)
    found = make().update_many(np.insert(minutes(1_000), 600, minutes(601)[600]), with_bad)
    assert found[600] == 0.0
    np.testing.assert_array_equal(np.delete(found, 600), scores(values))


def test_clocks_that_stand_or_go_back_break_nothing() -> None:
    values, ts_ns = noise(1_500), minutes(1_500)
    ts_ns[700] = ts_ns[699]
    ts_ns[800:820] -= 40 * 86_400 * 10**9
    ts_ns[900] = -1
    found = make().update_many(ts_ns, values)
    assert np.isfinite(found).all() and (found >= 0).all() and (found < 1).all()


def test_the_same_values_give_the_same_scores_whatever_the_seed_and_the_chunks() -> None:
    values, ts_ns = noise(1_300), minutes(1_300)
    whole = make(seed=1).update_many(ts_ns, values)
    piecewise, single = make(seed=2), make()
    cut = [piecewise.update_many(ts_ns[at : at + 12], values[at : at + 12]) for at in range(0, 1_300, 12)]
    np.testing.assert_array_equal(np.concatenate(cut), whole)
    one_by_one = [single.update(int(moment), float(value)) for moment, value in zip(ts_ns, values, strict=True)]
    np.testing.assert_array_equal(one_by_one, whole)


@pytest.mark.parametrize(("factor", "offset"), [(4.0, 0.0), (0.25, 512.0)])
def test_unit_and_level_change_no_score(factor: float, offset: float) -> None:
    values = noise(1_500)
    values[1_200] += 9.0
    np.testing.assert_allclose(scores(values * factor + offset), scores(values), atol=1e-6)


def test_the_band_holds_the_usual_extremes_and_not_the_spike() -> None:
    values = noise(3_000)
    values[2_500] += 20.0
    out = np.zeros(3_000 * stream.OUT_STRIDE)
    place = np.zeros(3_000, np.int64)
    stream.score_many(place, minutes(3_000) // 1_000, values, np.zeros(stream.STRIDE), out)
    row = out.reshape(-1, stream.OUT_STRIDE)[2_500]
    measured, low, high = row[3], row[4], row[5]
    assert 14 < low < 19 < 21 < high < 27 < measured


def test_the_state_of_a_series_fits_its_budget() -> None:
    assert stream.STRIDE * 8 <= 700
