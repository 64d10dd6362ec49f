"""The life of alarms over any reports: a function of the reports and the ticks, and never two alarms of one thing."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.city import City
from contracts.findings import Alarm, Condition
from contracts.rules import Rule
from tests.fixtures.alarm_rig import HIGH, RULE, Tell, city_of, folded, leveled

FLOOD = Rule(id="alarm-flood", kind="alarm-flood", params={"start_above": 3.0, "end_below": 2.0, "within_s": 120.0})
UNTIL_S = 3000.0
"""Long after the last report: every delay and every quiet time is over."""

tells = st.lists(
    st.builds(
        Tell, at_s=st.integers(1, 600).map(float), active=st.booleans(), device=st.integers(1, 4),
        measured=st.sampled_from([40.0, 50.0]),
    ),
    max_size=40,
).map(lambda drawn: sorted(drawn, key=lambda tell: tell.at_s))  # fmt: skip
cities = st.builds(
    lambda on, off, within, quiet, flood: city_of(
        rules=(FLOOD,) if flood else (), kinds=("alarm-flood",) if flood else (),
        on_delay_s=on, off_delay_s=off, chatter_within_s=within, chatter_quiet_s=quiet,
    ),
    st.sampled_from([0, 0, 7, 60]), st.sampled_from([0, 0, 11, 90]), st.sampled_from([0, 30, 300]),
    st.sampled_from([0, 45, 400]), st.booleans(),
)  # fmt: skip


def by_id(alarms: list[Alarm]) -> dict[object, list[Alarm]]:
    found: dict[object, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        found[alarm.id].append(alarm)
    return found


@settings(max_examples=40, deadline=None)
@given(city=cities, told=tells, cuts=st.sets(st.floats(0.5, 1500, allow_nan=False), max_size=8))
def test_how_reports_are_cut_into_batches_changes_nothing(city: City, told: list[Tell], cuts: set[float]) -> None:
    rounded = {round(cut, 2) for cut in cuts}
    assert folded(city, told, UNTIL_S, rounded) == folded(city, told, UNTIL_S)


@settings(max_examples=60, deadline=None)
@given(city=cities, told=tells)
def test_revisions_count_up_and_of_one_thing_one_alarm_stands(city: City, told: list[Tell]) -> None:
    alarms = folded(city, told, UNTIL_S)
    for revisions in by_id(alarms).values():
        assert [alarm.revision for alarm in revisions] == list(range(1, len(revisions) + 1))
        assert revisions[0].condition is Condition.ACTIVE
        assert len({alarm.onset_us for alarm in revisions}) == 1
    standing: dict[tuple[str, int], object] = {}
    for alarm in alarms:
        about = (alarm.kind, alarm.device)
        assert standing.get(about) in (None, alarm.id)
        standing[about] = alarm.id if alarm.condition is Condition.ACTIVE else None


@settings(max_examples=60, deadline=None)
@given(city=cities, told=tells)
def test_long_after_the_last_report_what_stands_is_what_holds(city: City, told: list[Tell]) -> None:
    last = {tell.device: tell.active for tell in told}
    alarms = [alarm for alarm in folded(city, told, UNTIL_S) if alarm.kind != "alarm-flood"]
    stands = {alarm.device: alarm.condition is Condition.ACTIVE for alarm in alarms}
    assert {device for device, active in stands.items() if active} == {
        device for device, holds in last.items() if holds
    }


levels = st.lists(
    st.builds(
        lambda at_s, active, device, high: Tell(
            at_s, active, device, kind="pm25-red" if high else "pm25-24h", rule=HIGH if high else RULE
        ),
        st.integers(1, 300).map(float), st.booleans(), st.integers(1, 2), st.booleans(),
    ),
    max_size=40,
).map(lambda drawn: sorted(drawn, key=lambda tell: tell.at_s))  # fmt: skip
timings = st.sampled_from([{}, {"on_delay_s": 7.0}, {"off_delay_s": 11.0, "chatter_quiet_s": 50.0}])


@settings(max_examples=60, deadline=None)
@given(told=levels, timing=timings, cuts=st.sets(st.integers(1, 900).map(float), max_size=5))
def test_no_lower_alarm_is_active_beside_its_higher_one(
    told: list[Tell], timing: dict[str, float], cuts: set[float]
) -> None:
    city = leveled(**timing)
    alarms = folded(city, told, UNTIL_S)
    assert folded(city, told, UNTIL_S, cuts) == alarms
    conditions: dict[tuple[str, int], Condition] = {}
    for place, alarm in enumerate(alarms):
        conditions[alarm.kind, alarm.device] = alarm.condition
        if place + 1 == len(alarms) or alarms[place + 1].changed_us > alarm.changed_us:
            for device in (1, 2):
                both = [conditions.get((kind, device)) for kind in ("pm25-24h", "pm25-red")]
                assert both != [Condition.ACTIVE] * 2
