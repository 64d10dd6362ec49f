"""Alarms about our own house: made of the log's notices and of nothing else."""

from dataclasses import replace

import pytest

from app.house import House
from contracts.city import City
from contracts.columns import Notice
from contracts.findings import Alarm, Condition
from processing.engine import step
from processing.state import NOTICE_KINDS, State
from tests.fixtures.small_city import small_city
from tests.fixtures.stream import batch_of, shelf, us

ON, OFF = Notice("disk-low", True), Notice("disk-low", False)
WORSE = Notice("disk-low", True, "the disk is critical")


@pytest.fixture(scope="module")
def city() -> City:
    return small_city(silent_after_s=100_000)


def heard(city: City, *told: tuple[float, Notice]) -> list[Alarm]:
    """What is said of notices that come with batches ending at these seconds."""
    state, since_s = State(), 0.0
    alarms: list[Alarm] = []
    for n, (at_s, notice) in enumerate(told, start=1):
        batch = replace(batch_of(n, since_s, at_s), notices=(notice,), config=1 if n == 1 else None)
        state, outputs = step(state, batch, shelf(city))
        alarms += outputs.alarms
        since_s = at_s
    return alarms


def test_a_notice_begins_and_ends_one_alarm_and_tells_what_is_new(city: City) -> None:
    alarms = heard(city, (1, ON), (2, ON), (3, WORSE), (4, OFF))
    assert {(alarm.id, alarm.onset_us) for alarm in alarms} == {(alarms[0].id, alarms[0].changed_us)}
    assert [(alarm.condition, alarm.revision, alarm.because.inputs["detail"]) for alarm in alarms] == [
        (Condition.ACTIVE, 1, ""), (Condition.ACTIVE, 2, "the disk is critical"), (Condition.NORMAL, 3, ""),
    ]  # fmt: skip


def test_the_end_of_what_did_not_stand_is_no_alarm(city: City) -> None:
    assert heard(city, (1, OFF)) == []


def test_an_alarm_begun_again_later_is_another(city: City) -> None:
    first, _, again = heard(city, (1, ON), (2, OFF), (300, ON))
    assert first.id != again.id and again.revision == 1


def test_no_revision_of_an_alarm_is_said_twice_when_it_begins_again_at_the_same_moment(city: City) -> None:
    alarms = heard(city, (1, ON), (1, OFF), (1, ON), (1, OFF))
    assert [alarm.revision for alarm in alarms] == [1, 2, 3, 4]
    assert len({alarm.id for alarm in alarms}) == 1


def test_what_the_broker_drops_is_told_and_over_ten_minutes_after_the_last() -> None:
    house, state = House(), State()
    house.broker(0, us(0))
    assert house.notices(state, us(0)) == ()
    house.broker(7, us(1))
    (told,) = house.notices(state, us(1))
    assert (told.kind, told.active) == ("broker-drops", True)
    state.house.active[NOTICE_KINDS.index("broker-drops")] = True
    house.broker(7, us(500))
    assert house.notices(state, us(500)) == ()
    (told,) = house.notices(state, us(700))
    assert not told.active
