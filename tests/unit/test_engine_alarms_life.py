"""The life of an alarm: delays, repeats, chattering, and what it is known by."""

import msgspec
import pytest

from contracts.city import City
from contracts.findings import Alarm
from contracts.rules import Rule
from processing.alarms.stage import inherit
from processing.compiled import compile_city
from processing.said import Said
from tests.fixtures.alarm_rig import AIR, RULE, WATER_2, Desk, Tell, brief, city_of, folded
from tests.fixtures.stream import us


@pytest.fixture(scope="module")
def city() -> City:
    return city_of()


def inputs(alarm: Alarm) -> dict[str, object]:
    return dict(alarm.because.inputs)


def test_a_condition_begins_is_updated_and_ends_one_alarm(city: City) -> None:
    alarms = folded(city, [Tell(10), Tell(70, measured=60.0), Tell(130, active=False, measured=30.0)], 500)
    assert brief(alarms) == [("active", 10), ("active", 70), ("normal", 130)]
    assert [alarm.revision for alarm in alarms] == [1, 2, 3]
    assert {(alarm.id, alarm.onset_us) for alarm in alarms} == {(alarms[0].id, us(10))}
    assert [alarm.because.measured for alarm in alarms] == [50.0, 60.0, 30.0]


def test_an_identical_repeat_says_nothing(city: City) -> None:
    assert brief(folded(city, [Tell(10), Tell(20), Tell(30)], 100)) == [("active", 10)]


def test_the_end_of_what_never_began_says_nothing(city: City) -> None:
    assert folded(city, [Tell(10, active=False)], 100) == []


def test_a_condition_is_an_alarm_at_the_exact_tick_of_its_on_delay_in_a_batch_without_records() -> None:
    city = city_of(on_delay_s=30)
    assert brief(folded(city, [Tell(10)], 100, cuts=[12, 39, 41])) == [("active", 40)]


def test_a_condition_that_is_gone_when_its_on_delay_ends_is_no_alarm_but_is_counted() -> None:
    city = city_of(on_delay_s=30)
    tells = [Tell(10), Tell(40, active=False), Tell(50)]
    (alarm,) = folded(city, tells, 200)
    assert brief([alarm]) == [("active", 80)]
    assert inputs(alarm) == {"fleeting": 1}


def test_an_alarm_is_over_at_the_exact_tick_of_its_off_delay() -> None:
    city = city_of(off_delay_s=45)
    assert brief(folded(city, [Tell(10), Tell(20, active=False)], 200, cuts=[64])) == [("active", 10), ("normal", 65)]


def test_a_condition_that_is_back_within_the_off_delay_never_ended() -> None:
    city = city_of(off_delay_s=45, chatter_within_s=5)
    tells = [Tell(10), Tell(20, active=False), Tell(65), Tell(70, active=False)]
    alarms = folded(city, tells, 300)
    assert brief(alarms) == [("active", 10), ("active", 65), ("normal", 115)]
    assert inputs(alarms[-1]) == {"activations": 2}


def test_a_condition_that_comes_back_soon_is_the_same_alarm_and_later_another(city: City) -> None:
    tells = [Tell(10), Tell(20, active=False), Tell(79), Tell(90, active=False), Tell(400)]
    alarms = folded(city, tells, 500)
    assert [condition for condition, _ in brief(alarms)] == ["active", "normal", "active", "normal", "active"]
    first, _, again, ended, other = alarms
    assert first.id == again.id == ended.id != other.id
    assert [alarm.revision for alarm in alarms] == [1, 2, 3, 4, 1]


def flutter(*starts: float) -> list[Tell]:
    return [tell for at in starts for tell in (Tell(at), Tell(at + 5, active=False))]


def test_three_beginnings_within_a_minute_are_one_chattering_alarm_until_it_is_quiet(city: City) -> None:
    alarms = folded(city, flutter(10, 30, 50, 70, 90, 110, 130, 150), 2000)
    assert brief(alarms) == [
        ("active", 10), ("normal", 15), ("active", 30), ("normal", 35),
        ("active", 50), ("active", 70), ("active", 150), ("normal", 755),
    ]  # fmt: skip
    assert len({alarm.id for alarm in alarms}) == 1
    assert inputs(alarms[4]) == {"activations": 3, "chattering": True}
    assert inputs(alarms[6]) == {"activations": 8, "chattering": True}, "told at the third, then at each doubling"
    assert inputs(alarms[7]) == {"activations": 8}


def test_what_is_told_late_and_at_once_is_not_taken_for_chattering(city: City) -> None:
    backlog = [tell for at in (0, 600, 1200, 1800)
               for tell in (Tell(3000, since_s=at), Tell(3000, since_s=at + 300, active=False))]  # fmt: skip
    alarms = folded(city, backlog, 4000)
    assert {inputs(alarm).get("chattering") for alarm in alarms} == {None}
    assert brief(alarms)[-1] == ("normal", 3000)


def test_chattering_of_one_device_is_not_anothers(city: City) -> None:
    tells = [Tell(10), Tell(12, active=False), Tell(20, device=WATER_2), Tell(30, device=AIR)]
    assert {alarm.device: inputs(alarm) for alarm in folded(city, tells, 100)} == {5: {}, WATER_2: {}, AIR: {}}


@pytest.mark.parametrize("cuts", [[], [10], range(1, 700, 7), [29.5, 35, 35.5, 50, 654, 655]])
def test_how_the_stream_is_cut_changes_nothing(cuts: list[float]) -> None:
    city = city_of(on_delay_s=3, off_delay_s=4)
    tells = sorted([*flutter(10, 30, 50, 90), Tell(40, device=AIR), Tell(41, device=AIR, active=False)],
                   key=lambda tell: tell.at_s)  # fmt: skip
    assert folded(city, tells, 1000, cuts) == folded(city, tells, 1000)


def test_an_alarm_that_begins_again_under_its_id_goes_on_in_its_count(city: City) -> None:
    tells = [Tell(10, since_s=5), Tell(20, active=False), Tell(300, since_s=5), Tell(310, active=False)]
    alarms = folded(city, tells, 500)
    assert len({alarm.id for alarm in alarms}) == 1
    assert [alarm.revision for alarm in alarms] == [1, 2, 3, 4]


def test_what_nobody_watches_any_more_ends_under_its_name(city: City) -> None:
    desk = Desk(city)
    desk.until(20, [Tell(10), Tell(10, device=AIR)])
    without = msgspec.structs.replace(city, devices=tuple(device for device in city.devices if device.no != AIR))
    (ended,) = desk.until(30, config=without)
    assert (ended.subject, ended.zone, ended.condition.value, ended.revision) == ("air-01", "wichit", "normal", 2)
    off = msgspec.structs.replace(without, rules=())
    (ended,) = desk.until(40, config=off)
    assert (ended.device, ended.condition.value, ended.changed_us) == (5, "normal", us(30))
    assert ended.because.needed == "nothing: the city no longer asks for it"
    assert desk.until(5000) == []


def test_a_rules_own_end_at_its_removal_is_said_once(city: City) -> None:
    desk = Desk(city)
    desk.until(20, [Tell(10)])
    off = msgspec.structs.replace(city, rules=())
    assert brief(desk.until(30, [Tell(20, active=False, rule=RULE)], config=off)) == [("normal", 20)]


def test_an_alarm_keeps_no_memory_once_it_rests(city: City) -> None:
    desk = Desk(city)
    desk.until(2000, flutter(10, 30, 50, 70))
    assert desk.state.parts["alarms"].slots.size == 0


def test_of_a_made_past_the_alarms_go_on_whose_detectors_do_and_the_others_end(city: City) -> None:
    silent = Rule(id="silence", kind="silence")
    past, live = Desk(city), Desk(city)
    past.until(60, [Tell(10), Tell(20, device=AIR, kind="silence", rule=silent)])
    said = Said()
    inherit(live.state, past.state, compile_city(city), us(60), frozenset({"exceedance"}), said)
    assert [(alarm.kind, alarm.condition.value, alarm.revision) for alarm in said.alarms] == [("silence", "normal", 2)]
    live.now_s = 60
    (ended,) = live.until(100, [Tell(90, active=False)])
    assert (ended.id, ended.revision) == (past.told[0].id, 2)


def test_many_alarms_at_once_are_kept_each_under_its_name(city: City) -> None:
    desk = Desk(city)
    desk.until(20, [Tell(10, device=number) for number in range(100, 300)])
    desk.through_a_snapshot()
    ended = desk.until(500, [Tell(400, active=False, device=number) for number in range(100, 300)])
    assert sorted(alarm.subject for alarm in ended) == [str(number) for number in range(100, 300)]
    assert {alarm.revision for alarm in ended} == {2}
    assert desk.until(1000) == [] and desk.state.parts["alarms"].words.size == 0
