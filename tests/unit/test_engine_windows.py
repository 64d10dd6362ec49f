"""One-minute windows: in event time, closed on ticks, amended by late samples."""

import math
from dataclasses import replace
from typing import Any

import pytest

from contracts.city import City
from contracts.columns import Gap
from processing.engine import step
from processing.state import State
from tests.fixtures.small_city import LEVEL, small_city
from tests.fixtures.stream import Said, batch_of, fold, shelf, us

WATER = 5


@pytest.fixture(scope="module")
def city() -> City:
    return small_city()


def level(received_s: float, event_s: float, seq: int, value: float) -> Said:
    return Said(received_s, WATER, event_s, seq, value, LEVEL, lane=0)


def windows(city: City, records: list[Said], until_s: float) -> list[Any]:
    return [row for outputs in fold(city, records, until_s)[2] for row in outputs.windows if row["width_s"] == 60]


def test_a_window_closes_when_its_devices_watermark_has_passed_its_end(city: City) -> None:
    records = [level(10, 10, 1, 3.0), level(59.9, 59.9, 2, 5.0), level(61, 61, 3, 7.0)]
    assert windows(city, records, 62.5) == []
    (window,) = windows(city, [*records, level(62.1, 62.1, 4, 7.0)], 63.5)
    assert (window["start_us"], window["count"], window["mean"], window["last"]) == (us(0), 2, 4.0, 5.0)
    assert window["sd"] == pytest.approx(math.sqrt(2))
    assert window["completeness"] == pytest.approx(2 / 6)


def test_an_idle_device_has_its_windows_closed_by_ticks(city: City) -> None:
    (window,) = windows(city, [level(10, 10, 1, 3.0)], 61)
    assert window["count"] == 1 and math.isnan(window["sd"])


def test_a_minute_that_we_did_not_hear_out_stays_open_until_its_device_had_time_to_come_back(city: City) -> None:
    state, _ = step(State(), replace(batch_of(1, 0, 10, [level(9, 9, 1, 3.0)]), config=1), shelf(city))
    away = Gap(us(10), us(70), "stopped")
    _, outputs = step(
        state, batch_of(2, 10, 72, [level(70.5, 50, 2, 5.0), level(70.6, 69, 3, 7.0)], (away,)), shelf(city)
    )
    assert [(int(w["revision"]), int(w["count"])) for w in outputs.windows if w["width_s"] == 60] == [(1, 2)]


def test_last_is_the_newest_by_event_time_and_not_by_arrival(city: City) -> None:
    (window,) = windows(city, [level(10, 9.5, 1, 1.0), level(10.1, 8.0, 2, 2.0)], 61)
    assert window["last"] == 1.0


def test_a_late_sample_amends_its_window_as_a_new_revision(city: City) -> None:
    said = windows(city, [level(10, 10, 1, 3.0), level(100, 100, 2, 9.0), level(101, 20, 3, 5.0)], 200)
    mine = [(int(w["revision"]), int(w["count"]), float(w["mean"])) for w in said if w["start_us"] == us(0)]
    assert mine == [(1, 1, 3.0), (2, 2, 4.0)]


def test_a_sample_beyond_the_amendment_horizon_is_counted_as_late_and_changes_no_window(city: City) -> None:
    records = [level(10, 10, 1, 3.0), level(800, 800, 2, 9.0), level(801, 20, 3, 5.0)]
    outputs = fold(city, records, 900)[2]
    assert [int(w["revision"]) for o in outputs for w in o.windows if w["start_us"] == us(0)] == [1]
    assert sum(output.late.size for output in outputs) == 1


def minute_zero(city: City, records: list[Said], snapshots: bool = False) -> tuple[list[tuple[int, int]], int]:
    """(revision, count) of the windows said for the first minute, and how many samples were late for any."""
    everything = fold(city, records, 900, range(len(records)) if snapshots else (), snapshots)[2]
    minutes = [row for outputs in everything for row in outputs.windows if row["width_s"] == 60]
    said = [row for row in minutes if row["start_us"] == us(0)]
    late = sum(outputs.late.size for outputs in everything)
    return [(int(w["revision"]), int(w["count"])) for w in said], late


def steady(extra: list[Said]) -> list[Said]:
    """These, and a sample every ten seconds: the first minute has six and is first said at 72 s, after that of 71 s."""
    regular = [level(at + 0.1, at, at, 4.0) for at in range(1, 800, 10)]
    return sorted([*regular, *extra], key=lambda record: record.received_s)


@pytest.mark.parametrize("snapshots", [False, True])
def test_a_window_that_was_amended_is_never_replaced_by_its_late_samples_alone(city: City, snapshots: bool) -> None:
    late = [level(500.2, 55, 1001, 9.0), level(700.2, 56, 1002, 9.0)]
    assert minute_zero(city, steady(late), snapshots) == ([(1, 6), (2, 7)], 1)


@pytest.mark.parametrize("snapshots", [False, True])
def test_a_window_is_amended_for_ten_minutes_after_it_was_first_said_and_no_longer(city: City, snapshots: bool) -> None:
    assert minute_zero(city, steady([level(671.5, 55, 1001, 9.0)]), snapshots) == ([(1, 6), (2, 7)], 0)
    assert minute_zero(city, steady([level(672.5, 55, 1001, 9.0)]), snapshots) == ([(1, 6)], 1)


def test_each_late_sample_is_one_more_revision_and_those_of_one_tick_are_one(city: City) -> None:
    late = [level(200.2, 51, 1001, 9.0), level(200.3, 52, 1002, 9.0), level(400.2, 53, 1003, 9.0)]
    assert minute_zero(city, steady(late)) == ([(1, 6), (2, 8), (3, 9)], 0)


def test_a_minute_without_samples_gets_its_first_window_from_a_late_one(city: City) -> None:
    records = [level(at + 0.1, at, at, 4.0) for at in range(61, 600, 10)]
    late = [level(300.2, 5, 1001, 9.0), level(400.2, 6, 1002, 9.0)]
    assert minute_zero(city, sorted([*records, *late], key=lambda r: r.received_s)) == ([(1, 1), (2, 2)], 0)


def test_a_clock_that_is_ahead_leaves_no_moment_in_which_a_fragment_replaces_the_window(city: City) -> None:
    ahead = [level(at + 0.1, at + 50, at, 4.0) for at in range(1, 800, 10)]
    for received_s in range(600, 700, 5):
        late = level(received_s + 0.2, 55, 1001, 9.0)
        said, _ = minute_zero(city, sorted([*ahead, late], key=lambda r: r.received_s))
        assert said in ([(1, 1)], [(1, 1), (2, 2)]), f"late sample received at {received_s} s"
