"""PM2.5 above the standard by the Thai AQI's 24-hour rule."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contracts.city import City
from contracts.findings import Alarm
from processing.detectors import exceedance
from processing.engine import step
from processing.state import State
from tests.fixtures.small_city import PM25, small_city
from tests.fixtures.stream import Said, Shelf, batch_of, fold, us

AIR = 4
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def city() -> City:
    return small_city(silent_after_s=2 * HOUR_S)


def hourly(levels: Sequence[float | None], step_s: float = 300.0) -> list[Said]:
    """A sample each `step_s` at its hour's level; None is an hour without samples."""
    records: list[Said] = []
    for hour, value in enumerate(levels):
        for at in range(int(HOUR_S / step_s)):
            if value is not None:
                moment = hour * HOUR_S + at * step_s
                records.append(Said(moment + 0.5, AIR, moment, len(records) + 1, value, PM25, lane=0))
    return records


def alarms(city: City, levels: Sequence[float | None], step_s: float = 300.0) -> list[tuple[str, int, float]]:
    outputs = fold(city, hourly(levels, step_s), len(levels) * HOUR_S)[2]
    said: list[Alarm] = [alarm for output in outputs for alarm in output.alarms if alarm.kind == "pm25-24h"]
    return [(a.condition.value, int((a.changed_us - us(0)) / 3.6e9), a.because.measured) for a in said]


def test_the_mean_is_rounded_half_up_to_one_decimal_before_it_is_compared(city: City) -> None:
    assert alarms(city, [37.54] * 20) == []
    assert alarms(city, [37.55] * 20)[0] == ("active", 18, 37.6)


def test_a_day_needs_eighteen_hours(city: City) -> None:
    assert alarms(city, [90.0] * 17 + [None] * 7 + [90.0]) == []
    assert alarms(city, [90.0] * 18 + [None] * 5 + [90.0])[0] == ("active", 18, 90.0)


def test_an_hour_counts_with_three_of_its_four_quarters(city: City) -> None:
    assert alarms(city, [90.0] * 20, step_s=900.0)[0][1] == 18
    assert alarms(city, [90.0] * 20, step_s=1800.0) == []


def test_the_condition_ends_below_the_clearing_level_and_not_at_the_limit(city: City) -> None:
    said = alarms(city, [40.0] * 24 + [30.0] * 20)
    assert said[0][0] == "active" and said[-1][0] == "normal"
    assert said[-1][2] < 35.0 and all(35.0 <= measured for state, _, measured in said if state == "active")


def test_a_backlog_is_judged_like_live_data(city: City) -> None:
    live = hourly([50.0] * 26)
    late = [Said(26 * HOUR_S + at * 0.01, r.device, r.event_s, r.seq, r.value, PM25, 0) for at, r in enumerate(live)]
    ours, theirs = (fold(city, records, 27 * HOUR_S)[1] for records in (late, live))
    pick = [{i: a for i, a in run.alarms.items() if a.kind == "pm25-24h"} for run in (ours, theirs)]
    assert pick[0].keys() == pick[1].keys() and pick[0]


def test_a_past_that_another_shard_folded_is_remembered(city: City) -> None:
    past, _, _ = fold(city, hourly([60.0] * 24), 24 * HOUR_S + 60)
    library = Shelf({1: city}, {(9, past.moments.n): past})
    records = [Said(r.received_s + 24 * HOUR_S, AIR, r.event_s + 24 * HOUR_S, r.seq, r.value, PM25, 0)
               for r in hourly([60.0] * 2)]  # fmt: skip
    first = batch_of(1, 24 * HOUR_S, 26 * HOUR_S, records)
    _, alone = step(State(), replace(first, config=1), library)
    _, outputs = step(State(), replace(first, config=1, past=(9, past.moments.n)), library)
    assert not [a for a in alone.alarms if a.kind == "pm25-24h"]
    remembered = [alarm for alarm in outputs.alarms if alarm.kind == "pm25-24h"]
    assert remembered[0].because.measured == 60.0 and remembered[0].revision > 1
    assert exceedance.KIND == "exceedance"
