"""Congestion and incidents: when they begin, when they end, and what is neither."""

from dataclasses import replace

import msgspec
import pytest

from contracts.findings import Alarm, Condition
from processing.compiled import compile_city
from processing.engine import step
from processing.state import State, from_fields, to_fields
from processing.traffic.stretches import NONE, make_stretches
from tests.fixtures.flow_city import CAR, DOWNSTREAM, OCCUPANCY, OTHER, SEEING, SPEED, UPSTREAM, WATER, flow_city
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.phuket import phuket
from tests.fixtures.stream import Shelf, us

CITY = flow_city()
FLOWS, CRAWLS, STOP_AND_GO, EMPTY = (20.0, 72.0, 0.05), (9.0, 9.0, 0.4), (20.0, 30.0, 0.2), (0.0, None, 0.0)
Minute = tuple[float, float | None, float]


def minutes(device: int, *said: Minute, begin: int = 0, lane: int = 1) -> list[Told]:
    """Vehicles, mean speed and occupancy of one minute after the other."""
    records = []
    for minute, values in enumerate(said, start=begin):
        for metric, value in zip((CAR, SPEED, OCCUPANCY), values, strict=True):
            fields: dict[str, object] = {"metric": metric, "value": value, "lane": lane}
            number = (minute + 1) * 1000 + metric * 10 + lane
            if value is not None:
                records.append(Told("reading", device, 60.0 * minute + 61, 60.0 * minute, number, fields))
    return records


def alarms(records: list[Told], until_s: float = 1500.0) -> list[Alarm]:
    batch = batch_of_told(1, 0.0, until_s, sorted(records, key=lambda record: record.received_s), config=1)
    return list(step(State(), batch, Shelf({1: CITY}, {}))[1].alarms)


def test_congestion_begins_when_traffic_crawls_on_a_full_road_and_ends_when_it_runs() -> None:
    begun, ended = alarms(minutes(OTHER, *[FLOWS] * 5, *[CRAWLS] * 6, *[FLOWS] * 4))
    assert (begun.kind, begun.condition, begun.subject) == ("congestion", Condition.ACTIVE, "402-b forward")
    assert begun.onset_us in (us(5 * 60.0), us(7 * 60.0 + 90)), "two minutes that crawl, known 90 s after their end"
    assert (ended.condition, ended.changed_us) == (Condition.NORMAL, us(12 * 60.0 + 90))


def test_congestion_explains_itself() -> None:
    begun = alarms(minutes(OTHER, *[FLOWS] * 5, *[CRAWLS] * 6))[0]
    assert (begun.because.measured, begun.because.limit, begun.because.threshold) == (9.0, 80.0, 24.0)
    assert begun.because.needed == "mean speed >= 24 km/h"
    told = begun.because.inputs
    assert (told["camera"], told["towards"], told["occupancy"], told["free_flow_kmh"]) == (
        "cam-402-03", "the bridge", 0.4, 80.0,
    )  # fmt: skip


def test_between_begin_and_end_congestion_stands() -> None:
    """30 km/h is 0.375 of free flow: too fast to begin, too slow to end."""
    assert not alarms(minutes(OTHER, *[STOP_AND_GO] * 12))
    said = alarms(minutes(OTHER, *[FLOWS] * 5, *[CRAWLS] * 2, *[STOP_AND_GO] * 10))
    assert [alarm.condition for alarm in said] == [Condition.ACTIVE]


def test_at_night_without_vehicles_there_is_nothing() -> None:
    assert not alarms(minutes(OTHER, *[EMPTY] * 20))


def test_a_few_slow_vehicles_on_an_empty_road_are_no_congestion() -> None:
    assert not alarms(minutes(OTHER, *[(2.0, 9.0, 0.02)] * 15))


def test_congestion_ends_when_its_camera_says_nothing_for_long() -> None:
    said = alarms(minutes(OTHER, *[FLOWS] * 3, *[CRAWLS] * 4), until_s=3000.0)
    assert [alarm.condition for alarm in said] == [Condition.ACTIVE, Condition.NORMAL]
    assert said[1].changed_us == us(21 * 60.0 + 60 + 90), "fifteen minutes after the seventh, its last one"


def test_an_incident_is_where_one_camera_crawls_and_the_next_one_flows() -> None:
    said = alarms([*minutes(UPSTREAM, *[FLOWS] * 6, *[CRAWLS] * 6, *[FLOWS] * 6), *minutes(DOWNSTREAM, *[FLOWS] * 18)])
    assert [(alarm.kind, alarm.condition) for alarm in said] == [
        ("incident", Condition.ACTIVE),
        ("incident", Condition.NORMAL),
    ], "its queue is no congestion besides"
    assert said[0].subject == "402-a forward" and said[0].device == UPSTREAM
    told = said[0].because.inputs
    assert (told["camera"], told["downstream"]) == ("cam-402-01", "cam-402-02")
    assert (told["speed_kmh"], told["speed_before_kmh"], told["downstream_speed_kmh"]) == (9.0, 72.0, 72.0)
    assert (told["occupancy"], told["downstream_occupancy"]) == (0.4, 0.05)


@pytest.mark.parametrize("downstream", [CRAWLS, STOP_AND_GO, EMPTY])
def test_where_the_next_camera_does_not_flow_there_is_congestion_and_no_incident(downstream: Minute) -> None:
    here = minutes(UPSTREAM, *[FLOWS] * 6, *[CRAWLS] * 6)
    said = alarms([*here, *minutes(DOWNSTREAM, *[FLOWS] * 6, *[downstream] * 6)])
    assert {alarm.kind for alarm in said} == {"congestion"}


def test_a_road_that_slows_little_by_little_has_no_incident() -> None:
    slowing: list[Minute] = [(20.0, 72.0 - 4 * minute, 0.05 + 0.02 * minute) for minute in range(17)]
    said = alarms([*minutes(UPSTREAM, *slowing), *minutes(DOWNSTREAM, *[FLOWS] * 17)])
    assert {alarm.kind for alarm in said} == {"congestion"}


def test_the_other_direction_is_another_road() -> None:
    forward = minutes(UPSTREAM, *[FLOWS] * 6, *[CRAWLS] * 6)
    backward = minutes(DOWNSTREAM, *[FLOWS] * 12, lane=2)
    assert {alarm.kind for alarm in alarms([*forward, *backward])} == {"congestion"}


def test_counts_that_come_too_late_to_act_on_raise_nothing() -> None:
    late = [replace(record, received_s=record.received_s + 95) for record in minutes(OTHER, *[CRAWLS] * 8)]
    assert not alarms(late)


def test_a_city_that_no_longer_has_the_camera_ends_its_alarm() -> None:
    records = minutes(OTHER, *[FLOWS] * 3, *[CRAWLS] * 6)
    later = msgspec.structs.replace(CITY, devices=tuple(one for one in CITY.devices if one.no != OTHER))
    cities = Shelf({1: CITY, 2: later}, {})
    state, first = step(State(), batch_of_told(1, 0.0, 620.0, records, config=1), cities)
    state, second = step(from_fields(to_fields(state)), batch_of_told(2, 620.0, 700.0, [], config=2), cities)
    assert [alarm.condition for alarm in first.alarms] == [Condition.ACTIVE]
    assert [alarm.condition for alarm in second.alarms] == [Condition.NORMAL]


def test_the_device_that_came_last_may_leave_and_the_others_are_watched_on() -> None:
    later = msgspec.structs.replace(CITY, devices=tuple(one for one in CITY.devices if one.no != WATER))
    assert WATER == max(one.no for one in CITY.devices)
    cities = Shelf({1: CITY, 2: later}, {})
    records = [*minutes(UPSTREAM, *[FLOWS] * 12, *[CRAWLS] * 6), *minutes(DOWNSTREAM, *[FLOWS] * 18)]
    records.sort(key=lambda record: record.received_s)
    first = [record for record in records if record.received_s < 420.0]
    state, _ = step(State(), batch_of_told(1, 0.0, 420.0, first, config=1), cities)
    rest = batch_of_told(2, 420.0, 1500.0, records[len(first) :], config=2)
    said = step(from_fields(to_fields(state)), rest, cities)[1]
    assert [(alarm.kind, alarm.condition) for alarm in said.alarms] == [("incident", Condition.ACTIVE)]


def test_what_might_have_become_an_incident_hides_no_congestion_once_nobody_asks_for_incidents() -> None:
    patient = tuple(
        msgspec.structs.replace(rule, params={**rule.params, "confirm_minutes": 5.0})
        if rule.kind == "incident"
        else rule
        for rule in CITY.rules
    )
    first = msgspec.structs.replace(CITY, rules=patient)
    later = msgspec.structs.replace(CITY, rules=tuple(rule for rule in patient if rule.kind != "incident"))
    records = [*minutes(UPSTREAM, *[FLOWS] * 6, *[CRAWLS] * 9), *minutes(DOWNSTREAM, *[FLOWS] * 15)]
    records.sort(key=lambda record: record.received_s)
    cities, parts_s = Shelf({1: first, 2: later}, {}), 8 * 60.0 + 95
    here = [record for record in records if record.received_s < parts_s]
    state, before = step(State(), batch_of_told(1, 0.0, parts_s, here, config=1), cities)
    assert not before.alarms and state.parts["traffic-watched"].parted.any()
    _, after = step(state, batch_of_told(2, parts_s, 1000.0, records[len(here) :], config=2), cities)
    assert [alarm.kind for alarm in after.alarms] == ["congestion"]


def test_neighbours_follow_the_road_within_a_stretch_and_direction() -> None:
    stretches = make_stretches(compile_city(CITY))
    forward, backward = UPSTREAM * 2, DOWNSTREAM * 2 + 1
    assert stretches.downstream[forward] == DOWNSTREAM * 2 and stretches.downstream[backward] == UPSTREAM * 2 + 1
    assert stretches.downstream[DOWNSTREAM * 2] == NONE, "what comes next is another stretch"
    assert stretches.gap_m[forward] == pytest.approx(939, abs=5)
    assert stretches.downstream[SEEING * 2] == NONE


def test_every_direction_of_phuket_is_on_a_stretch() -> None:
    compiled = compile_city(phuket())
    stretches = make_stretches(compiled)
    watched = sum(bool(d.lanes_forward) + bool(d.lanes_backward) for d in phuket().devices if d.type == "camera")
    assert (stretches.of != NONE).sum() == watched == sum(len(one.places) for one in stretches.all)
    for one in stretches.all:
        assert [stretches.downstream[place] for place in one.places] == [*one.places[1:], NONE]


def test_an_incident_is_told_apart_by_the_minutes_of_a_made_past() -> None:
    upstream, downstream = minutes(UPSTREAM, *[FLOWS] * 6, *[CRAWLS] * 6), minutes(DOWNSTREAM, *[FLOWS] * 12)
    records = sorted([*upstream, *downstream], key=lambda record: record.received_s)
    seam_s = 6 * 60.0 + 50
    before = [record for record in records if record.received_s < seam_s]
    past, _ = step(State(), batch_of_told(1, 0.0, seam_s, before, config=1), Shelf({1: CITY}, {}))
    alone = batch_of_told(1, seam_s, 900.0, records[len(before) :], config=1)
    unaware, aware = (
        step(State(), batch, Shelf({1: CITY}, {(9, 1): past}))[1].alarms
        for batch in (alone, replace(alone, past=(9, 1)))
    )
    assert {alarm.kind for alarm in unaware} == {"congestion"}
    assert [alarm.kind for alarm in aware] == ["incident"]
