"""Many devices of one place silent at once are one outage that lists them; one alone is a silence."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import pytest

from contracts.city import City
from contracts.clock import SECOND_US, to_datetime
from contracts.devices import Maintenance
from contracts.findings import Alarm, Condition
from processing.engine import step
from processing.state import State, from_fields, to_fields
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.stream import START_US, Shelf, us
from tests.fixtures.street_city import EVERY_S, OUTAGE, street_city


@pytest.fixture(scope="module")
def city() -> City:
    return street_city(OUTAGE)


def heard(city: City, until_s: float, silent: Mapping[int, Sequence[tuple[float, float]]]) -> list[Told]:
    """Every device reports every 30 s, but for these, which are silent from a moment until another."""
    told = []
    for device in city.devices:
        for at, moment in enumerate(range(device.no, int(until_s), EVERY_S), start=1):
            if not any(begin <= moment < end for begin, end in silent.get(device.no, ())):
                told.append(Told("status", device.no, moment + 0.5, float(moment), at))
    return sorted(told, key=lambda record: record.received_s)


def folded(
    city: City, until_s: float, silent: Mapping[int, Sequence[tuple[float, float]]], cuts: Iterable[float] = ()
) -> list[Alarm]:
    records, state, alarms, since_s = heard(city, until_s, silent), State(), [], 0.0
    for n, now_s in enumerate([*sorted(cuts), until_s], start=1):
        mine = [record for record in records if since_s < record.received_s <= now_s]
        batch = batch_of_told(n, since_s, now_s, mine, config=1 if n == 1 else None)
        state, outputs = step(from_fields(to_fields(state)), batch, Shelf({1: city}, {}))
        alarms += list(outputs.alarms)
        since_s = now_s
    return alarms


def brief(alarms: Iterable[Alarm]) -> list[tuple[str, str, str, float]]:
    return [(a.kind, a.subject, a.condition.value, (a.changed_us - START_US) / SECOND_US) for a in alarms]


FOR_EVER = ((600.0, 1e9),)


def test_a_street_without_power_is_one_alarm_that_lists_its_devices(city: City) -> None:
    (outage,) = folded(city, 1000, dict.fromkeys((1, 2, 3, 4), FOR_EVER))
    assert brief([outage]) == [("outage", "402/wichit", "active", 732.0)]
    assert (outage.device, outage.zone, outage.onset_us) == (-1, "wichit", us(571))
    inputs = outage.because.inputs
    assert inputs["devices"] == "cam-1, cam-2, cam-3, cam-4"
    assert (inputs["silent_devices"], inputs["devices_of_place"], inputs["place_kind"]) == (4, 4, "street")


def test_one_device_or_two_are_silences_of_their_own_a_moment_later(city: City) -> None:
    alarms = folded(city, 1000, dict.fromkeys((1, 8), FOR_EVER))
    assert brief(alarms) == [("silence", "cam-1", "active", 732.0), ("silence", "rawai-3", "active", 739.0)]


def test_devices_that_died_at_other_times_are_no_outage(city: City) -> None:
    alarms = folded(city, 2500, {6: ((600, 1e9),), 7: ((900, 1e9),), 8: ((1200, 1e9),), 9: ((1500, 1e9),)})
    assert [alarm.kind for alarm in alarms] == ["silence"] * 4


@pytest.mark.parametrize(
    ("silent", "place"),
    [
        (range(1, 16), "testville"),
        (range(1, 8), "mueang"),
        ((1, 2, 3, 4, 5), "wichit"),
        ((1, 2, 3), "402/wichit"),
        ((1, 2, 5), "corner"),
    ],
    ids=["all", "7 of 13 of the district", "5 of 9 of the zone", "3 of 4 of the street", "3 of 3 of the junction"],
)
def test_the_broadest_place_of_which_half_is_silent_has_the_outage(
    city: City, silent: Iterable[int], place: str
) -> None:
    alarms = folded(city, 1000, dict.fromkeys(silent, FOR_EVER))
    assert {(alarm.kind, alarm.subject) for alarm in alarms} == {("outage", place)}


def slower(city: City, silent_after_s: float, *numbers: int) -> City:
    devices = (
        msgspec.structs.replace(device, silent_after_s=silent_after_s) if device.no in numbers else device
        for device in city.devices
    )
    return msgspec.structs.replace(city, devices=tuple(devices))


def test_a_narrow_outage_becomes_part_of_a_broader_one(city: City) -> None:
    alarms = folded(slower(city, 400, 1, 2, 3), 1500, dict.fromkeys((1, 2, 3, 6, 7, 8, 9), FOR_EVER))
    last = {alarm.id: alarm for alarm in alarms}
    assert {(a.kind, a.subject, a.condition.value, a.because.inputs.get("part_of")) for a in last.values()} == {
        ("outage", "rawai", "normal", "mueang"), ("outage", "mueang", "active", None),
    }  # fmt: skip
    assert [alarm.because.measured for alarm in alarms if alarm.subject == "mueang"] == [7.0]


def test_who_falls_silent_where_an_outage_stands_joins_it(city: City) -> None:
    silent = {**dict.fromkeys((6, 7, 8), FOR_EVER), 9: ((900.0, 1e9),)}
    alarms = folded(city, 1500, silent)
    assert {alarm.kind for alarm in alarms} == {"outage"} and len({alarm.id for alarm in alarms}) == 1
    assert [alarm.because.measured for alarm in alarms] == [3.0, 4.0]
    assert (alarms[1].changed_us - START_US) % (10 * SECOND_US) == 0


def test_an_outage_is_told_less_as_devices_come_back_and_is_over_when_all_are(city: City) -> None:
    silent = {6: ((600, 900),), 7: ((600, 940),), 8: ((600, 941),), 9: ((600, 942),)}
    alarms = folded(city, 1500, silent)
    assert {alarm.kind for alarm in alarms} == {"outage"} and len({alarm.id for alarm in alarms}) == 1
    assert [(alarm.condition.value, alarm.because.measured) for alarm in alarms] == [
        ("active", 4.0), ("active", 3.0), ("normal", 0.0),
    ]  # fmt: skip
    assert alarms[-1].because.inputs["most_silent_devices"] == 4


def test_the_few_that_stay_silent_become_alarms_of_their_own(city: City) -> None:
    alarms = folded(city, 2000, {6: FOR_EVER, 7: ((600, 900),), 8: ((600, 900),), 9: ((600, 900),)})
    last = {(alarm.kind, alarm.subject): alarm for alarm in alarms}
    assert last["outage", "rawai"].condition is Condition.NORMAL
    assert last["silence", "rawai-1"].condition is Condition.ACTIVE
    assert last["silence", "rawai-1"].changed_us == last["outage", "rawai"].changed_us
    assert len(last) == 2


def test_a_silence_that_stood_alone_ends_into_the_outage_that_takes_it_in(city: City) -> None:
    slow = msgspec.structs.replace(
        city,
        devices=tuple(msgspec.structs.replace(d, silent_after_s=400) if d.no in (7, 8, 9) else d for d in city.devices),
    )
    alarms = folded(slow, 2000, dict.fromkeys((6, 7, 8, 9), FOR_EVER))
    assert [(a.kind, a.condition.value) for a in alarms] == [
        ("silence", "active"), ("outage", "active"), ("silence", "normal"),
    ]  # fmt: skip
    (ended,) = [a for a in alarms if a.kind == "silence" and a.condition is Condition.NORMAL]
    assert ended.because.inputs["part_of"] == "rawai"


def test_a_device_in_maintenance_is_part_of_no_outage() -> None:
    def working(device: str) -> Maintenance:
        return Maintenance(device=device, begins=to_datetime(us(500)), ends=to_datetime(us(5000)), reason="mast work")

    city = street_city(OUTAGE, work=(working("rawai-1"), working("rawai-2")))
    alarms = folded(city, 1500, dict.fromkeys((6, 7, 8, 9), FOR_EVER))
    assert {(a.kind, a.subject, a.condition.value) for a in alarms} == {
        ("silence", "rawai-1", "suppressed"), ("silence", "rawai-2", "suppressed"),
        ("silence", "rawai-3", "active"), ("silence", "rawai-4", "active"),
    }  # fmt: skip


def test_a_silence_that_is_over_while_it_waits_is_told_as_one_that_came_and_went(city: City) -> None:
    alarms = folded(city, 1500, {8: ((600, 720),)})
    assert brief(alarms) == [("silence", "rawai-3", "active", 729.0), ("silence", "rawai-3", "normal", 729.0)]


def test_a_dip_of_a_street_shorter_than_the_wait_is_one_outage(city: City) -> None:
    alarms = folded(city, 1500, dict.fromkeys((6, 7, 8, 9), ((600, 720),)))
    assert {(alarm.kind, alarm.subject) for alarm in alarms} == {("outage", "rawai")}
    assert [alarm.condition.value for alarm in alarms][-1] == "normal" and len({alarm.id for alarm in alarms}) == 1


def test_without_the_rule_every_silence_is_its_own_at_once() -> None:
    alarms = folded(street_city(), 1000, dict.fromkeys((1, 2, 3, 4), FOR_EVER))
    assert [alarm.kind for alarm in alarms] == ["silence"] * 4
    assert brief(alarms)[0] == ("silence", "cam-1", "active", 672.0)


@pytest.mark.parametrize("changed", ["rule", "place", "silence"])
def test_an_outage_ends_under_its_name_when_its_rule_or_place_is_gone(city: City, changed: str) -> None:
    off = {
        "rule": street_city(),
        "place": msgspec.structs.replace(
            city,
            devices=tuple(msgspec.structs.replace(d, zone="wichit") if d.zone == "rawai" else d for d in city.devices),
        ),
        "silence": msgspec.structs.replace(city, rules=tuple(rule for rule in city.rules if rule.kind != "silence")),
    }[changed]
    records = heard(city, 1500, dict.fromkeys((6, 7, 8, 9), FOR_EVER))
    library = Shelf({1: city, 2: off}, {})
    state, before = step(
        State(), batch_of_told(1, 0, 1000, [r for r in records if r.received_s <= 1000], config=1), library
    )
    state, after = step(
        state, batch_of_told(2, 1000, 1500, [r for r in records if r.received_s > 1000], config=2), library
    )
    (began,) = before.alarms
    ended = next(alarm for alarm in after.alarms if alarm.id == began.id)
    assert (ended.subject, ended.zone, ended.condition, ended.revision) == ("rawai", "rawai", Condition.NORMAL, 2)
    left = {"rule": [("silence", "active")] * 4, "place": [("silence", "active")] * 4, "silence": []}[changed]
    assert [(alarm.kind, alarm.condition.value) for alarm in after.alarms if alarm.id != began.id] == left


@pytest.mark.parametrize("cuts", [range(5, 1500, 37), [732, 732.5, 733, 760, 935, 1002]])
def test_how_the_stream_is_cut_changes_no_outage(city: City, cuts: list[float]) -> None:
    silent = {
        **dict.fromkeys((1, 2, 3), FOR_EVER), 6: ((600, 900),), 7: ((620, 930),), 8: ((630, 1100),), 9: ((600, 905),),
        10: ((700, 1000),),
    }  # fmt: skip
    assert folded(city, 1600, silent, cuts) == folded(city, 1600, silent)
