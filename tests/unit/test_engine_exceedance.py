"""PM2.5 above the standard by the Thai AQI's 24-hour rule."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from contracts.city import City
from contracts.clock import to_iso
from contracts.findings import Alarm
from processing.detectors import exceedance
from processing.detectors.exceedance import Exceeding
from processing.engine import step
from processing.state import State
from tests.fixtures.small_city import PM25, small_city
from tests.fixtures.stream import Said, Shelf, batch_of, fold, us

AIR = 4
Change = Callable[[City], City]
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
    ending = {to_iso(us(hour * HOUR_S)): hour for hour in range(200)}
    return [(a.condition.value, ending[str(a.because.inputs["hour_ending"])], a.because.measured) for a in said]


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


def without_rule(city: City) -> City:
    return msgspec.structs.replace(city, rules=tuple(rule for rule in city.rules if rule.kind != "exceedance"))


def with_rule_off(city: City) -> City:
    off = [msgspec.structs.replace(rule, enabled=rule.kind != "exceedance") for rule in city.rules]
    return msgspec.structs.replace(city, rules=tuple(off))


def without_station(city: City) -> City:
    return msgspec.structs.replace(city, devices=tuple(device for device in city.devices if device.no != AIR))


def with_another_metric(city: City) -> City:
    changed = [msgspec.structs.replace(r, metric="level") if r.kind == "exceedance" else r for r in city.rules]
    return msgspec.structs.replace(city, rules=tuple(changed))


def standing(city: City, until_s: float = 20 * HOUR_S) -> tuple[State, Alarm]:
    """A state with one alarm, and its last revision: 20 hours far above the limit."""
    records = [record for record in hourly([60.0] * 20) if record.received_s < until_s]
    state, run, _ = fold(city, records, until_s)
    (alarm,) = [alarm for alarm in run.alarms.values() if alarm.kind == "pm25-24h"]
    return state, alarm


def enforced(state: State, cities: dict[int, City], n: int, since_s: float) -> tuple[State, list[Alarm]]:
    """The state after the last of these cities came into force, and what was said of the air."""
    batch = replace(batch_of(n, since_s, since_s + 1), config=max(cities))
    state, outputs = step(state, batch, Shelf(cities, {}))
    return state, [alarm for alarm in outputs.alarms if alarm.kind == "pm25-24h"]


@pytest.mark.parametrize("change", [without_rule, with_rule_off, without_station, with_another_metric])
def test_an_alarm_that_the_city_in_force_does_not_watch_ends_under_its_own_id_and_name(
    city: City, change: Change
) -> None:
    state, before = standing(city)
    state, (ended,) = enforced(state, {1: city, 2: change(city)}, 8, 20 * HOUR_S)
    assert (ended.id, ended.onset_us, ended.revision) == (before.id, before.onset_us, before.revision + 1)
    assert (ended.condition, ended.changed_us, ended.because.measured) == ("normal", us(20 * HOUR_S), 60.0)
    assert (ended.because.unit, ended.device, ended.kind) == ("ug/m3", AIR, "pm25-24h")
    assert (ended.subject, ended.zone) == (before.subject, before.zone) == ("air-01", "wichit")
    assert enforced(state, {1: city, 2: change(city), 3: change(city)}, 9, 20 * HOUR_S + 1)[1] == []


def test_an_alarm_that_is_still_watched_stands(city: City) -> None:
    state, _ = standing(city)
    assert enforced(state, {1: city, 2: msgspec.structs.replace(city, zoom=9.0)}, 8, 20 * HOUR_S)[1] == []


def test_a_rule_that_is_switched_on_again_judges_no_hour_twice(city: City) -> None:
    state, before = standing(city, 18.1 * HOUR_S)
    cities = {1: city, 2: with_rule_off(city), 3: city}
    state, _ = enforced(state, {1: city, 2: cities[2]}, 8, 18.1 * HOUR_S)
    state, _ = enforced(state, cities, 9, 18.1 * HOUR_S + 1)
    of_the_judged_hour = Said(18.12 * HOUR_S, AIR, 17.95 * HOUR_S, 999, 60.0, PM25, lane=0)
    records = [of_the_judged_hour, *(r for r in hourly([60.0] * 21) if r.received_s > 18.12 * HOUR_S)]
    _, outputs = step(state, batch_of(10, 18.1 * HOUR_S + 2, 21 * HOUR_S, records), Shelf(cities, {}))
    again = [alarm for alarm in outputs.alarms if alarm.kind == "pm25-24h"]
    assert us(17.95 * HOUR_S) in {int(window["start_us"]) for window in outputs.windows}
    assert {alarm.id for alarm in again} != {before.id}
    hours = [alarm.because.inputs["hour_ending"] for alarm in (before, *again)]
    assert hours == [to_iso(us(hour * HOUR_S)) for hour in (18, 19, 20)]
    assert [alarm.revision for alarm in again] == [1, 2]


def test_a_removed_station_whose_last_window_closes_later_raises_nothing(city: City) -> None:
    records = hourly([60.0] * 18)
    state, run, _ = fold(city, records, records[-1].received_s)
    last = Said(18 * HOUR_S + 1, AIR, 18 * HOUR_S + 1, 999, 60.0, PM25, lane=0)
    state, _ = step(state, batch_of(8, records[-1].received_s, 18 * HOUR_S + 2, [last]), Shelf({1: city}, {}))
    changed = replace(batch_of(9, 18 * HOUR_S + 2, 19 * HOUR_S), config=2)
    _, outputs = step(state, changed, Shelf({1: city, 2: without_station(city)}, {}))
    assert outputs.windows.size and not [alarm for alarm in outputs.alarms if alarm.kind == "pm25-24h"]
    assert not [alarm for alarm in run.alarms.values() if alarm.kind == "pm25-24h"]


def test_new_series_are_put_in_together_and_move_nobody_elses_condition() -> None:
    held = Exceeding()
    (slot,) = held.slots(7, np.array([50], np.int64))
    held.active[slot], held.reported[slot] = 1, 40.0
    assert held.slots(9, np.array([50], np.int64)).tolist() == [1]
    assert held.slots(7, np.array([70, 50, 10, 70], np.int64)).tolist() == [2, 1, 0, 2]
    assert held.rule.tolist() == [7, 7, 7, 9] and held.series.tolist() == [10, 50, 70, 50]
    assert held.active.tolist() == [0, 1, 0, 0] and held.reported.tolist() == [0.0, 40.0, 0.0, 0.0]
