"""An alarm flood: above 10 new alarms in 10 minutes until below 5, recognised as one."""

import pytest

from contracts.city import City
from contracts.findings import Alarm
from contracts.rules import Rule
from tests.fixtures.alarm_rig import Desk, Tell, brief, city_of, folded
from tests.fixtures.stream import us

FLOOD = Rule(id="alarm-flood", kind="alarm-flood")
SLOW = Rule(id="silence", kind="silence")


@pytest.fixture(scope="module")
def city() -> City:
    return city_of(rules=(FLOOD,), kinds=("alarm-flood",))


def burst(first_s: float, count: int, every_s: float, first_device: int = 100) -> list[Tell]:
    return [
        Tell(first_s + at * every_s, device=first_device + at, kind="silence" if at % 2 else "pm25-24h",
             rule=SLOW if at % 2 else Tell(0).rule)
        for at in range(count)
    ]  # fmt: skip


def floods(alarms: list[Alarm]) -> list[Alarm]:
    return [alarm for alarm in alarms if alarm.kind == "alarm-flood"]


def test_ten_new_alarms_in_ten_minutes_are_no_flood_and_eleven_are(city: City) -> None:
    assert floods(folded(city, burst(60, 10, 50), 700)) == []
    (flood,) = floods(folded(city, burst(60, 11, 50), 600))
    assert brief([flood]) == [("active", 560)]
    assert (flood.onset_us, flood.subject, flood.because.measured) == (us(60), "testville", 11.0)


def test_eleven_alarms_in_more_than_ten_minutes_are_no_flood(city: City) -> None:
    assert floods(folded(city, burst(60, 11, 60), 3000)) == []


def test_a_flood_counts_its_alarms_by_kind_and_names_the_first(city: City) -> None:
    (flood,) = floods(folded(city, burst(60, 11, 1), 100))
    assert flood.because.inputs == {
        "within_s": 600.0, "ends_below_alarms": 5.0, "alarms": 11, "alarms_pm25-24h": 6, "alarms_silence": 5,
        "first_kind": "pm25-24h", "first_subject": "100", "first_at": "2027-01-15T08:01:00Z",
    }  # fmt: skip


def test_a_flood_is_told_by_the_minute_and_is_over_below_five_in_ten_minutes(city: City) -> None:
    told = floods(folded(city, burst(60, 60, 5), 3000))
    assert brief(told) == [
        ("active", 110), ("active", 120), ("active", 180), ("active", 240), ("active", 300), ("active", 360),
        ("normal", 960),
    ]  # fmt: skip
    assert told[-1].because.measured == 0.0 and told[-1].because.inputs["alarms"] == 60
    assert len({flood.id for flood in told}) == 1


def test_no_alarm_is_lost_in_a_flood_and_those_of_the_flood_are_marked(city: City) -> None:
    alarms = [alarm for alarm in folded(city, burst(60, 30, 1), 100) if alarm.kind != "alarm-flood"]
    assert len({alarm.id for alarm in alarms}) == 30
    assert [alarm.because.inputs.get("in_flood", False) for alarm in alarms] == [False] * 10 + [True] * 20


def test_repeats_of_one_alarm_and_suppressed_ones_are_no_flood(city: City) -> None:
    flutter = [tell for at in range(10, 300, 10) for tell in (Tell(at), Tell(at + 5, active=False))]
    assert floods(folded(city, flutter, 1000)) == []


def test_a_second_flood_is_another(city: City) -> None:
    told = floods(folded(city, [*burst(60, 11, 1), *burst(5000, 11, 1, 200)], 9000))
    assert len({flood.id for flood in told}) == 2
    assert [flood.condition.value for flood in told] == ["active", "normal"] * 2


def test_without_its_rule_there_is_no_flood_and_one_that_lasts_ends_with_its_rule(city: City) -> None:
    assert floods(folded(city_of(), burst(60, 30, 1), 200)) == []
    desk = Desk(city)
    desk.until(100, burst(60, 30, 1))
    ended = desk.until(110, config=city_of())
    assert brief(floods(ended)) == [("normal", 100)]


@pytest.mark.parametrize("cuts", [range(1, 1200, 13), [65, 70, 70.5, 120, 660, 661]])
def test_how_the_stream_is_cut_changes_no_flood(city: City, cuts: list[float]) -> None:
    tells = burst(60, 40, 3)
    assert folded(city, tells, 3000, cuts) == folded(city, tells, 3000)


def test_what_begins_when_there_is_no_room_is_counted_by_the_flood_alarm(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processing.alarms.clerk.CONDITIONS", 15)
    alarms = folded(city, burst(60, 20, 1), 200)
    assert len({alarm.id for alarm in alarms if alarm.kind != "alarm-flood"}) < 20
    last = floods(alarms)[-1].because.inputs
    assert (last["alarms"], last["conditions_without_room"]) == (14, 6)
