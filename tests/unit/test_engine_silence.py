"""A device gone silent: by its own cadence, on ticks, not through gaps."""

from dataclasses import replace

import msgspec
import pytest

from contracts.city import City
from contracts.columns import Gap
from contracts.findings import Alarm, Condition
from processing.engine import step
from processing.state import State
from tests.fixtures.small_city import LEVEL, small_city
from tests.fixtures.stream import Said, Shelf, batch_of, fold, shelf, us

WATER = 5


@pytest.fixture(scope="module")
def city() -> City:
    return small_city(silent_after_s=200)


def level(at_s: float, seq: int) -> Said:
    return Said(at_s, WATER, at_s, seq, 1.0, LEVEL, lane=0)


def of_water(alarms: list[Alarm]) -> list[tuple[str, float]]:
    return [(alarm.condition.value, (alarm.changed_us - us(0)) / 1e6) for alarm in alarms if alarm.device == WATER]


def said(outputs: list[object]) -> list[Alarm]:
    return [alarm for output in outputs for alarm in output.alarms]  # type: ignore[attr-defined]


def test_silence_is_an_alarm_at_the_first_tick_after_its_time_and_ends_when_heard(city: City) -> None:
    _, _, outputs = fold(city, [level(10.5, 1), level(400.2, 2)], 500.0)
    assert of_water(said(list(outputs))) == [("active", 211.0), ("normal", 401.0)]


def test_a_whole_city_gone_silent_is_noticed_without_any_message(city: City) -> None:
    _, run, _ = fold(city, [], 230.0)
    assert {alarm.subject for alarm in run.alarms.values()} == {device.id for device in city.devices}


def test_a_gap_is_not_counted_as_silence(city: City) -> None:
    state, _ = step(State(), replace(batch_of(1, 0, 100, [level(50.0, 1)]), config=1), shelf(city))
    state, during = step(state, batch_of(2, 100, 1000, gaps=(Gap(us(100), us(900), "stopped"),)), shelf(city))
    assert of_water(list(during.alarms)) == []
    _, after = step(state, batch_of(3, 1000, 1060), shelf(city))
    assert of_water(list(after.alarms)) == [("active", 1050.0)], "50 s before the gap and 150 s after it"


def test_after_a_gap_devices_have_a_moment_to_come_back(city: City) -> None:
    state, _ = step(State(), replace(batch_of(1, 0, 249, [level(50.0, 1)]), config=1), shelf(city))
    state, _ = step(state, batch_of(2, 249, 300, gaps=(Gap(us(249), us(300), "stopped"),)), shelf(city))
    _, after = step(state, batch_of(3, 300, 330, [level(320.0, 2)]), shelf(city))
    assert of_water(list(after.alarms)) == []


def test_a_second_silence_is_another_alarm(city: City) -> None:
    records = [level(1, 1), level(300, 2), level(600, 3)]
    alarms = [alarm for alarm in said(list(fold(city, records, 700)[2])) if alarm.device == WATER]
    assert [alarm.condition for alarm in alarms] == [Condition.ACTIVE, Condition.NORMAL] * 2
    assert alarms[0].id == alarms[1].id != alarms[2].id == alarms[3].id


def without(city: City, *numbers: int, silence: bool = True) -> City:
    return msgspec.structs.replace(
        city,
        devices=tuple(device for device in city.devices if device.no not in numbers),
        rules=tuple(rule for rule in city.rules if silence or rule.kind != "silence"),
    )


def test_time_in_two_gaps_is_excused_once(city: City) -> None:
    gaps = (Gap(us(1), us(3600), "disconnected"), Gap(us(1), us(3600), "paused"))
    state, _ = step(State(), replace(batch_of(1, 0, 1), config=1), shelf(city))
    state, _ = step(state, batch_of(2, 1, 3600, gaps=gaps), shelf(city))
    state, _ = step(state, batch_of(3, 3600, 3650, gaps=(Gap(us(3590), us(3650), "paused"),)), shelf(city))
    _, after = step(state, batch_of(4, 3650, 4000), shelf(city))
    assert of_water(list(after.alarms)) == [("active", 3849.0)], "1 s before the gaps and 199 s after 3650"


def test_of_overlapping_gaps_in_a_batch_the_earlier_counts_from_its_beginning(city: City) -> None:
    gaps = (Gap(us(300), us(310), "paused"), Gap(us(1), us(600), "disconnected"))
    state, _ = step(State(), replace(batch_of(1, 0, 1), config=1), shelf(city))
    _, after = step(state, batch_of(2, 1, 900, gaps=gaps), shelf(city))
    assert of_water(list(after.alarms)) == [("active", 799.0)]


def test_a_record_inside_a_gap_leaves_the_rest_of_it_excused(city: City) -> None:
    state, _ = step(State(), replace(batch_of(1, 0, 1), config=1), shelf(city))
    gap = Gap(us(1), us(300), "paused")
    state, during = step(state, batch_of(2, 1, 300, [level(5, 1)], gaps=(gap,)), shelf(city))
    _, after = step(state, batch_of(3, 300, 520), shelf(city))
    assert of_water([*during.alarms, *after.alarms]) == [("active", 500.0)]
    assert [a.because.measured for a in after.alarms if a.device == WATER] == [200.0]


def test_the_alarm_of_a_device_that_is_taken_away_ends_under_its_id_and_name(city: City) -> None:
    library = Shelf({1: city, 2: without(city, WATER)}, {})
    state, before = step(State(), replace(batch_of(1, 0, 300), config=1), library)
    _, after = step(state, replace(batch_of(2, 300, 310), config=2), library)
    (began,) = [alarm for alarm in before.alarms if alarm.device == WATER]
    (ended,) = after.alarms
    assert (ended.id, ended.subject, ended.zone) == (began.id, "water-01", "wichit")
    assert (ended.condition, ended.revision, ended.changed_us) == (Condition.NORMAL, 2, us(300))


def test_without_its_rule_no_silence_stands_or_begins(city: City) -> None:
    library = Shelf({1: city, 2: without(city, silence=False)}, {})
    state, before = step(State(), replace(batch_of(1, 0, 300), config=1), library)
    state, after = step(state, replace(batch_of(2, 300, 310), config=2), library)
    assert {alarm.id for alarm in after.alarms} == {alarm.id for alarm in before.alarms}
    assert {alarm.condition for alarm in after.alarms} == {Condition.NORMAL}
    state, later = step(state, batch_of(3, 310, 2000, [level(400, 1)]), library)
    assert later.alarms == () and not state.silence.active.any()


def test_a_device_entered_again_is_known_from_then_on(city: City) -> None:
    library = Shelf({1: city, 2: without(city, WATER), 3: city}, {})
    state, _ = step(State(), replace(batch_of(1, 0, 10, [level(5, 1)]), config=1), library)
    state, _ = step(state, replace(batch_of(2, 10, 5000), config=2), library)
    _, after = step(state, replace(batch_of(3, 5000, 5300), config=3), library)
    assert of_water(list(after.alarms)) == [("active", 5200.0)]


def test_a_new_version_excuses_no_device_that_it_knew_before(city: City) -> None:
    library = Shelf({1: city, 2: without(city, 4)}, {})
    state, _ = step(State(), replace(batch_of(1, 0, 100, [level(50, 1)]), config=1), library)
    _, after = step(state, replace(batch_of(2, 100, 300), config=2), library)
    assert of_water(list(after.alarms)) == [("active", 250.0)]


def test_a_device_entered_during_a_gap_has_the_rest_of_it_excused(city: City) -> None:
    library = Shelf({1: without(city, WATER), 2: city}, {})
    state, _ = step(State(), replace(batch_of(1, 0, 1), config=1), library)
    gap = Gap(us(1), us(300), "stopped")
    _, after = step(state, replace(batch_of(2, 100, 600, gaps=(gap,)), config=2), library)
    assert of_water(list(after.alarms)) == [("active", 500.0)]
