"""Outages over any silences: each silent device is in one alarm, its own or an outage's, however batches are cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.clock import SECOND_US
from contracts.columns import Batch
from processing.alarms.reports import Report
from processing.compiled import Compiled, compile_city
from processing.detectors import outage, silence
from processing.detectors.silence import Quiet
from processing.said import Said
from processing.state import State, from_fields, to_fields
from tests.fixtures.stream import us
from tests.fixtures.street_city import OUTAGE, street_city

CITY = street_city(OUTAGE)
COMPILED: Compiled = compile_city(CITY)
UNTIL_S = 2000
QUIET_S = 100

spans = st.lists(
    st.tuples(
        st.sampled_from([100, 101, 110, 130, 150, 300, 420]), st.sampled_from([20, 59, 60, 61, 90, 200, 5000]),
        st.sets(st.integers(1, 15), min_size=1, max_size=9),
    ),
    max_size=5,
)  # fmt: skip


def reports_of(drawn: list[tuple[int, int, set[int]]]) -> list[Report]:
    """Silences noticed and over at these seconds; of overlapping ones of a device the first counts."""
    told, free_s = [], dict.fromkeys(range(1, 16), 0)
    for begin_s, lasts_s, devices in sorted(drawn, key=lambda span: span[0]):
        for no in sorted(devices):
            if begin_s <= free_s[no]:
                continue
            begin_us = us(begin_s)
            quiet = Quiet(no, begin_us, QUIET_S * SECOND_US, begin_us - QUIET_S * SECOND_US)
            told.append(silence.report(COMPILED, quiet, True))
            free_s[no] = begin_s + lasts_s
            if free_s[no] < UNTIL_S:
                told.append(silence.report(COMPILED, Quiet(no, us(free_s[no]), SECOND_US, quiet.event_us), False))
    return sorted(told, key=lambda report: report.at_us)


def folded(reports: list[Report], cuts: set[int]) -> list[Report]:
    state, told, since_s = State(), [], 0
    state.grow(COMPILED.size)
    for n, now_s in enumerate([*sorted(cuts), UNTIL_S], start=1):
        said = Said(reports=[report for report in reports if us(since_s) < report.at_us <= us(now_s)])
        outage.fold(state, COMPILED, Batch(n, us(since_s), us(now_s)), said)
        told += said.reports
        state, since_s = from_fields(to_fields(state)), now_s
    return sorted(told, key=lambda report: (report.at_us, report.kind, report.key))


def alone(told: list[Report]) -> set[int]:
    last = {report.device: report.active for report in told if report.kind == "silence"}
    return {device for device, active in last.items() if active}


def together(told: list[Report]) -> list[int]:
    numbers = {device.id: device.no for device in CITY.devices}
    last = {report.key: report for report in told if report.kind == "outage"}
    return [
        numbers[name]
        for report in last.values()
        if report.active
        for name in str(report.because.inputs["devices"]).split(", ")
    ]


@settings(max_examples=60, deadline=None)
@given(drawn=spans, cuts=st.sets(st.integers(1, UNTIL_S - 1), max_size=6))
def test_how_silences_are_cut_into_batches_changes_no_outage(
    drawn: list[tuple[int, int, set[int]]], cuts: set[int]
) -> None:
    reports = reports_of(drawn)
    assert folded(reports, cuts) == folded(reports, set())


@settings(max_examples=60, deadline=None)
@given(drawn=spans)
def test_each_silent_device_is_in_one_alarm_its_own_or_an_outages(drawn: list[tuple[int, int, set[int]]]) -> None:
    reports = reports_of(drawn)
    told = folded(reports, set())
    silent = {no for no in range(1, 16) if (mine := [one for one in reports if one.device == no]) and mine[-1].active}
    listed = together(told)
    assert len(listed) == len(set(listed))
    assert alone(told) | set(listed) == silent
    assert not alone(told) & set(listed)


@settings(max_examples=60, deadline=None)
@given(drawn=spans)
def test_an_outage_has_never_fewer_devices_than_the_city_asks_for_when_it_begins(
    drawn: list[tuple[int, int, set[int]]],
) -> None:
    standing: set[tuple[int, ...]] = set()
    for report in folded(reports_of(drawn), set()):
        if report.kind == "outage":
            if report.active and report.key not in standing:
                assert report.because.measured >= 3
            standing = standing | {report.key} if report.active else standing - {report.key}
