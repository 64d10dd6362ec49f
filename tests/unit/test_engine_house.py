"""Alarms about our own house: made of the log's notices and of nothing else."""

import pytest

from contracts.city import City
from contracts.columns import Notice
from contracts.findings import Alarm, Condition
from processing.compiled import compile_city
from processing.detectors import house
from processing.state import State
from tests.fixtures.small_city import small_city
from tests.fixtures.stream import us

ON, OFF = Notice("disk-low", True), Notice("disk-low", False)


@pytest.fixture(scope="module")
def city() -> City:
    return small_city()


def heard(city: City, *told: tuple[float, Notice]) -> list[Alarm]:
    state, compiled = State(), compile_city(city)
    return [alarm for at_s, notice in told for alarm in house.hear(state, compiled, (notice,), us(at_s))]


def test_a_notice_begins_repeats_and_ends_one_alarm(city: City) -> None:
    alarms = heard(city, (1, ON), (2, ON), (3, OFF))
    assert {(alarm.id, alarm.onset_us) for alarm in alarms} == {(alarms[0].id, us(1))}
    assert [(alarm.condition, alarm.revision) for alarm in alarms] == [
        (Condition.ACTIVE, 1), (Condition.ACTIVE, 2), (Condition.NORMAL, 3),
    ]  # fmt: skip


def test_the_end_of_what_did_not_stand_is_no_alarm(city: City) -> None:
    assert heard(city, (1, OFF)) == []


def test_an_alarm_begun_again_later_is_another(city: City) -> None:
    first, _, again = heard(city, (1, ON), (2, OFF), (3, ON))
    assert first.id != again.id and again.revision == 1


def test_no_revision_of_an_alarm_is_said_twice_when_it_begins_again_at_the_same_moment(city: City) -> None:
    alarms = heard(city, (1, ON), (1, OFF), (1, ON), (1, OFF))
    assert [alarm.revision for alarm in alarms] == [1, 2, 3, 4]
    assert len({alarm.id for alarm in alarms}) == 1
