"""Rules that read several devices in order: who waits for whom, and what late, shuffled and midnight reads come to."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from contracts.city import City
from contracts.clock import SECOND_US
from contracts.columns import Columns, Gap, empty
from contracts.findings import Violation
from contracts.roads import SectionLimit
from processing.engine import step
from processing.kernels.ordering import IDLE_US, LAG_US
from processing.order.ordering import Heard, Offer, Queue, Stamped, groups_of, take
from processing.rules.cloned_plate import _cosine
from processing.rules.red_light import RedLight
from processing.state import State, from_fields, to_fields
from processing.timeline import column
from tests.fixtures.cases import ordered as fixture
from tests.fixtures.cases.ordered import (
    AMBER,
    CONTROLLER,
    ENTRY,
    FAR,
    GREEN,
    LEAVE,
    OWN,
    RED,
    TRAVEL_TIME,
    WATCHED,
    ordered_city,
    plate,
    records,
    section,
)
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.stream import shelf, us

MOTORCYCLE = 1


@pytest.fixture(scope="module")
def city() -> City:
    return ordered_city()


class Story:
    """Records as they come; every device counts its own messages."""

    def __init__(self) -> None:
        self.records: list[Told] = []

    def say(self, kind: str, device: int, event_s: float, at_s: float | None = None, **fields: Any) -> "Story":
        received = event_s + 0.05 if at_s is None else at_s
        self.records.append(Told(kind, device, received, event_s, len(self.records) + 1, fields))
        return self

    def phases(self, device: int, group: int, **at_s: float) -> "Story":
        for name, event_s in at_s.items():
            phase = {"green": GREEN, "amber": AMBER, "red": RED}[name.rstrip("_")]
            self.say("signal", device, event_s, group=group, phase=phase)
        return self

    def found(self, city: City, until_s: float = 400.0, cut_s: float = 31.0) -> list[Violation]:
        """Every case, told in batches of a few seconds with a snapshot between them."""
        return [violation for _, violation in self.told(city, until_s, cut_s)]

    def told(self, city: City, until_s: float = 400.0, cut_s: float = 31.0) -> list[tuple[float, Violation]]:
        state, out, said, since_s = State(), [], [], 0.0
        rows = sorted(self.records, key=lambda record: record.received_s)
        for n, now_s in enumerate(np.arange(cut_s, until_s + cut_s, cut_s).tolist(), start=1):
            here = [record for record in rows if since_s <= record.received_s < now_s]
            batch = batch_of_told(n, since_s, now_s, here, config=1 if n == 1 else None)
            state, outputs = step(from_fields(to_fields(state)), batch, shelf(city))
            out += [(now_s, violation) for violation in outputs.violations]
            said.append(outputs.windows)
            since_s = now_s
        self.state, self.windows = state, np.concatenate(said)
        return out


def beat(story: Story, *devices: int, every_s: float = 5.0, until_s: float = 400.0) -> Story:
    """Keep these devices talking, so that nobody waits for them or leaves them out."""
    for device in devices:
        for moment in np.arange(0.0, until_s, every_s).tolist():
            story.say("status", device, moment)
    return story


# red light


def red_story(**passages: float) -> Story:
    story = Story().phases(OWN, 1, green=10, amber=40, red=43, green_=100, amber_=130, red_=133)
    for name, event_s in passages.items():
        story.say("passage", OWN, event_s, **plate(name))
    return story


@pytest.mark.parametrize(
    ("event_s", "fires"),
    [
        (20.0, False),
        (41.0, False),
        (43.5, False),
        (44.0, False),
        (44.001, True),
        (47.0, True),
        (99.0, True),
        (100.0, False),
    ],
)
def test_red_light_fires_beyond_the_grace_time_and_amber_never_does(city: City, event_s: float, fires: bool) -> None:
    assert bool(red_story(one=event_s).found(city)) is fires


def test_a_red_light_case_says_how_long_it_had_been_red(city: City) -> None:
    (case,) = red_story(one=47.0).found(city)
    because = case.because
    assert (case.rule, case.device, case.chargeable) == ("red-light", OWN, True)
    assert (because.measured, because.limit, because.threshold, because.margin) == (4.0, 0.0, 1.0, 3.0)
    assert because.inputs["phase"] == "red" and because.inputs["signal_group"] == 1


def test_a_case_deep_in_red_waits_for_the_green_that_proves_it(city: City) -> None:
    ((early_s, _),) = red_story(one=47.0).told(city)
    ((late_s, case),) = red_story(one=70.0).told(city)
    assert early_s < 95 and 100 < late_s < 130
    assert case.because.inputs["green_after_s"] == 30.0


def test_lost_phases_make_no_case(city: City) -> None:
    story = Story().phases(OWN, 1, green=10, amber=40, red=43, amber_=130, red_=133, green_=190)
    story.say("passage", OWN, 110.0, **plate("on-the-lost-green"))
    assert story.found(city) == []
    assert story.state.part("red_light", RedLight).no_phase[OWN] == 1


def test_a_red_longer_than_any_is_a_history_with_holes(city: City) -> None:
    story = Story().phases(OWN, 1, green=10, amber=40, red=43, green_=390).say("passage", OWN, 60.0, **plate("one"))
    assert story.found(city, 450.0) == []


def test_without_any_phase_there_is_no_case(city: City) -> None:
    story = Story().say("passage", OWN, 50.0, **plate("one")).say("signal", OWN, 90.0, group=9, phase=RED)
    assert story.found(city) == []
    assert story.state.part("red_light", RedLight).no_phase[OWN] == 1


@pytest.mark.parametrize("phase", [0, 4, 5])
def test_an_unknown_flashing_or_dark_signal_makes_no_case(city: City, phase: int) -> None:
    story = Story().phases(OWN, 1, red=10).say("signal", OWN, 20.0, group=1, phase=phase)
    story.say("passage", OWN, 25.0, **plate("one")).phases(OWN, 1, green=60)
    assert story.found(city) == []


def test_a_phase_that_comes_after_the_passage_is_known_before_it_is_judged(city: City) -> None:
    story = Story().phases(OWN, 1, green=10, amber=40)
    story.say("passage", OWN, 45.0, 45.1, **plate("one")).say("signal", OWN, 43.0, 45.9, group=1, phase=RED)
    assert len(story.found(city)) == 1


@pytest.mark.parametrize("came_s", [75.0, 200.0])
def test_a_red_that_comes_late_is_waited_for_when_amber_is_over_for_long(city: City, came_s: float) -> None:
    story = Story().phases(OWN, 1, green=10, amber=40, green_=100, amber_=130)
    story.say("passage", OWN, 46.0, **plate("one")).say("signal", OWN, 43.0, came_s, group=1, phase=RED)
    (case,) = story.found(city)
    assert case.because.measured == 3.0


def test_a_passage_minutes_late_is_judged_by_the_phases_that_are_remembered(city: City) -> None:
    story = (
        red_story().say("passage", OWN, 47.0, 300.0, **plate("one")).say("passage", OWN, 41.0, 300.0, **plate("two"))
    )
    (case,) = story.found(city)
    assert case.because.measured == 4.0 and case.because.inputs["late_s"] == 253


def test_a_controllers_clock_is_doubted_in_favour_of_the_driver(city: City) -> None:
    for event_s, fires in ((44.4, False), (44.6, True), (99.6, False)):
        story = beat(Story(), WATCHED).phases(CONTROLLER, 2, green=10, amber=40, red=43, green_=100)
        story.say("passage", WATCHED, event_s, **plate("one"))
        assert bool(story.found(city)) is fires, event_s


def test_a_silent_controller_makes_no_case(city: City) -> None:
    story = beat(Story(), WATCHED).phases(CONTROLLER, 2, green=10, amber=40, red=43)
    story.say("passage", WATCHED, 120.0, **plate("one")).say("passage", WATCHED, 390.0, **plate("two"))
    assert story.found(city, 500.0) == []


def test_a_lane_that_may_turn_on_red_is_left_alone(city: City) -> None:
    devices = [msgspec.structs.replace(one, signal_lanes=((1, 1),)) if one.no == OWN else one for one in city.devices]
    free = msgspec.structs.replace(city, devices=tuple(devices))
    story = red_story().say("passage", OWN, 47.0, **plate("left", lane=2)).say("passage", OWN, 47.5, **plate("on"))
    (case,) = story.found(free)
    assert case.lane == 1


def test_who_drives_against_the_lane_passes_no_stop_line(city: City) -> None:
    story = red_story().say("passage", OWN, 47.0, **plate("against", direction=2))
    assert story.found(city) == []


# average speed over a section


def trip(travel_s: float, entered_s: float = 50.0, entry: Any = None, leave: Any = None) -> Story:
    """Through the kilometre (990 m for sure, half a second for the clocks), the limit 60, enforced above 70."""
    return (
        beat(Story(), ENTRY, LEAVE)
        .say("passage", ENTRY, entered_s, **(entry or plate("one")))
        .say("passage", LEAVE, entered_s + travel_s, **(leave or plate("one")))
    )


@pytest.mark.parametrize(("travel_s", "fires"), [(50.4, True), (50.42, False), (51.4, False), (60.0, False)])
def test_only_an_average_above_the_threshold_in_spite_of_all_doubts_fires(
    city: City, travel_s: float, fires: bool
) -> None:
    assert bool(trip(travel_s).found(city)) is fires


def test_a_section_case_says_time_length_and_lower_bound(city: City) -> None:
    (case,) = trip(44.5).found(city)
    because = case.because
    assert (case.rule, case.device, case.chargeable, case.revision) == ("section-speed", LEAVE, True, 1)
    assert because.measured == pytest.approx(990 / 45.0 * 3.6) and because.threshold == 70.0 and because.limit == 60.0
    assert because.inputs["average_kmh"] == pytest.approx(1000 / 44.5 * 3.6)
    assert case.plate is not None and case.plate.hash == plate("one")["plate_hash"]


def test_reads_on_both_sides_of_midnight_are_one_trip(city: City) -> None:
    (case,) = trip(44.0, entry=plate("one", 0), leave=plate("one", 1)).found(city)
    (same,) = trip(44.0, entry=plate("one", 1), leave=plate("one", 1)).found(city)
    assert case.id == same.id
    assert trip(44.0, entry=plate("one", 0), leave=plate("two", 1)).found(city) == []


def test_an_exit_that_came_before_its_entry_gives_the_same_case(city: City) -> None:
    (prompt,) = trip(44.0).found(city)
    records = trip(44.0).records
    late = Story()
    late.records = [replace(r, received_s=250.0) if r.kind == "passage" and r.device == ENTRY else r for r in records]
    (case,) = late.found(city)
    assert (case.id, case.device, case.occurred_us) == (prompt.id, LEAVE, us(94.0))
    assert case.because.measured == prompt.because.measured


def test_an_exit_follows_one_entry_and_is_said_once(city: City) -> None:
    story = trip(44.0).say("passage", LEAVE, 95.0, **plate("one")).say("passage", ENTRY, 60.0, 200.0, **plate("one"))
    (case,) = story.found(city)
    assert case.because.inputs["travel_s"] == 44.0


def test_who_left_and_came_back_is_measured_from_the_last_entry(city: City) -> None:
    story = trip(90.0).say("passage", ENTRY, 200.0, **plate("one")).say("passage", LEAVE, 244.0, **plate("one"))
    (case,) = story.found(city)
    assert case.because.inputs["travel_s"] == 44.0


def test_two_classes_or_a_doubtful_plate_at_either_end_are_not_chargeable(city: City) -> None:
    (classes,) = trip(40.0, entry=plate("one", vehicle=3)).found(city)
    (doubtful,) = trip(40.0, entry=plate("one", state=2)).found(city)
    assert (classes.reason, classes.chargeable) == ("class_differs", False)
    assert (doubtful.reason, doubtful.chargeable) == ("doubtful_plate", False)


def test_a_doubtful_read_is_matched_by_its_skeleton_for_a_second_look(city: City) -> None:
    (case,) = trip(40.0, entry=plate("abcd-8", state=2), leave=plate("abcd-3")).found(city)
    assert (case.reason, case.chargeable) == ("doubtful_plate", False)
    assert trip(40.0, entry=plate("abcd-8"), leave=plate("abcd-3")).found(city) == []


def test_the_very_plate_goes_before_its_look_alikes(city: City) -> None:
    story = trip(44.0, entry=plate("abcd-8"), leave=plate("abcd-8"))
    story.say("passage", ENTRY, 60.0, **plate("abcd-3", state=2))
    (case,) = story.found(city)
    assert case.chargeable and case.because.inputs["travel_s"] == 44.0


def test_a_limit_posted_for_the_section_holds_for_its_class(city: City) -> None:
    limit = SectionLimit(limit_kmh=40, threshold_kmh=45, source="signed", vehicle="car", valid_from=date(2020, 1, 1))
    posted = msgspec.structs.replace(city, sections=(section(limit),))
    (case,) = trip(60.0).found(posted)
    assert (case.because.threshold, case.because.source) == (45.0, "signed")
    assert trip(60.0, entry=plate("one", vehicle=3), leave=plate("one", vehicle=3)).found(posted) == []


def travel_times(city: City, story: Story, width_s: int, cut_s: float = 31.0) -> dict[float, tuple[int, float]]:
    """By the end of the window, s: how many vehicles, and their median."""
    story.found(city, 1900.0, cut_s)
    of = story.windows[(story.windows["metric"] == TRAVEL_TIME) & (story.windows["width_s"] == width_s)]
    assert set(of["device"].tolist()) <= {LEAVE} and set(of["revision"].tolist()) <= {1}
    ends_s = (of["start_us"] - us(0.0)) / SECOND_US + width_s
    assert np.unique(ends_s).size == of.size
    return {end: (int(row["count"]), float(row["median"])) for end, row in zip(ends_s.tolist(), of, strict=True)}


def driven(*trips: tuple[float, float], until_s: float = 1900.0) -> Story:
    """Vehicles by when they entered the section and how long they took."""
    story = beat(Story(), ENTRY, LEAVE, until_s=until_s)
    for at, (entered_s, travel_s) in enumerate(trips):
        story.say("passage", ENTRY, entered_s, **plate(f"car{at}"))
        story.say("passage", LEAVE, entered_s + travel_s, **plate(f"car{at}"))
    return story


def test_a_sections_travel_time_is_the_median_of_vehicles_seen_at_both_ends(city: City) -> None:
    trips = ((5.0, 60.0), (10.0, 70.0), (20.0, 95.0), (100.0, 55.0))
    story = driven(*trips).say("passage", LEAVE, 66.0, **plate("never-entered"))
    assert travel_times(city, story, 60) == {120.0: (3, 70.0), 180.0: (1, 55.0)}
    assert travel_times(city, driven(*trips), 900) == {900.0: (4, 65.0)}


def test_slow_vehicles_count_as_long_as_their_read_is_remembered_and_parked_ones_do_not(city: City) -> None:
    assert travel_times(city, driven((10.0, 599.0), (20.0, 601.0)), 900) == {900.0: (1, 599.0)}


def test_a_travel_time_is_measured_from_the_last_entry_and_once(city: City) -> None:
    story = (
        driven((10.0, 70.0)).say("passage", ENTRY, 40.0, **plate("car0")).say("passage", LEAVE, 90.0, **plate("car0"))
    )
    assert travel_times(city, story, 60) == {120.0: (1, 40.0)}


def test_reads_on_both_sides_of_midnight_are_a_travel_time(city: City) -> None:
    story = beat(Story(), ENTRY, LEAVE, until_s=1900.0).say("passage", ENTRY, 10.0, **plate("one", 0))
    assert travel_times(city, story.say("passage", LEAVE, 80.0, **plate("one", 1)), 60) == {120.0: (1, 70.0)}


def test_a_read_that_comes_late_is_in_no_travel_time(city: City) -> None:
    story = driven((10.0, 60.0)).say("passage", ENTRY, 20.0, **plate("late"))
    assert travel_times(city, story.say("passage", LEAVE, 80.0, 300.0, **plate("late")), 60) == {120.0: (1, 60.0)}


def test_a_travel_time_is_said_once_both_ends_are_past_its_window(city: City) -> None:
    story = driven((10.0, 60.0))
    travel_times(city, story, 60, cut_s=1.0)
    (said,) = story.windows[(story.windows["metric"] == TRAVEL_TIME) & (story.windows["width_s"] == 60)]
    assert us(122.0) < said["said_us"] <= us(128.0)


def test_of_sections_that_share_an_exit_the_first_has_the_travel_time(city: City) -> None:
    both = msgspec.structs.replace(city, sections=(msgspec.structs.replace(section(), id="section-02"), section()))
    assert travel_times(both, driven((10.0, 60.0)), 60) == {120.0: (1, 60.0)}


# a plate in two places


def twins(apart_s: float, second: Any = None, at_s: float | None = None) -> Story:
    return (
        beat(Story(), LEAVE, FAR)
        .say("passage", LEAVE, 20.0, **plate("one"))
        .say("passage", FAR, 20.0 + apart_s, at_s, **(second or plate("one")))
    )


@pytest.mark.parametrize(("apart_s", "fires"), [(60.0, True), (0.0, True), (470.0, True), (480.0, False)])
def test_a_plate_33_km_away_in_less_than_eight_minutes_may_be_a_copy(city: City, apart_s: float, fires: bool) -> None:
    assert bool(twins(apart_s).found(city, 600.0)) is fires


def test_a_possible_clone_is_never_chargeable(city: City) -> None:
    (case,) = twins(60.0).found(city)
    assert (case.rule, case.chargeable, case.reason, case.device) == ("cloned-plate", False, "possible_clone", FAR)
    assert case.because.inputs["distance_m"] == pytest.approx(33_358.5, abs=1)
    assert case.because.measured == pytest.approx((33_358.5 * 0.995 - 200) / 60.5 * 3.6, rel=1e-4)


def test_midnight_and_late_reads_are_seen_as_the_same_plate(city: City) -> None:
    (prompt,) = twins(60.0).found(city)
    (night,) = twins(60.0, plate("one", 1)).found(city)
    (late,) = twins(60.0, at_s=300.0).found(city)
    assert prompt.id == night.id == late.id


def test_a_doubtful_read_never_makes_a_clone(city: City) -> None:
    assert twins(60.0, plate("one", state=2)).found(city) == []


def test_a_plate_that_goes_on_being_seen_is_one_finding(city: City) -> None:
    story = twins(60.0).say("passage", LEAVE, 140.0, **plate("one")).say("passage", FAR, 200.0, **plate("one"))
    assert len(story.found(city)) == 1


def test_the_cosine_of_the_map_is_right() -> None:
    for degrees in (0.0, 7.9, 45.0, 60.0):
        assert _cosine(msgspec.structs.replace(fixture.ordered_city(), lat=degrees)) == pytest.approx(
            float(np.cos(np.radians(degrees))), abs=1e-9
        )


# order


def heard(first_s: int, last_s: int, *hearings: tuple[int, int, float], listening_s: int = 0) -> Heard:
    """Hearings: tick, device, newest event, seconds. Two devices that were heard at 0."""
    columns = [np.array(column, np.int64) for column in zip(*hearings, strict=True)] or [np.zeros(0, np.int64)] * 3
    tick, device, event = columns
    return Heard(
        first_s * SECOND_US, last_s * SECOND_US, listening_s * SECOND_US,
        (tick * SECOND_US, device, (event * SECOND_US).astype(np.int64)), np.zeros(2, np.int64), np.zeros(2, np.int64),
    )  # fmt: skip


@dataclass(slots=True)
class Passages(Queue):
    passages: Columns = field(default_factory=lambda: empty("passage"))


def taken(heard: Heard, *told: tuple[float, int]) -> list[tuple[float, float]]:
    """When records with these event times, which count at these ticks, are handed out by a group of both devices."""
    records = np.zeros(len(told), empty("passage").dtype)
    for record, (event_s, counted_s) in zip(records, told, strict=True):
        record["event_us"], record["received_us"] = event_s * SECOND_US, counted_s * SECOND_US - 1
    moments = Stamped(*(column(records, name) for name in Stamped._fields))
    offer = Offer("passages", records, moments, np.arange(len(told)), np.zeros(len(told), np.int64))
    rows = take(Passages(), heard, groups_of({1: [0, 1]}), offer).rows
    return [(row["time_us"] / SECOND_US, row["out_us"] / SECOND_US) for row in rows]


def test_a_group_waits_for_its_slowest_member() -> None:
    talk = heard(1, 12, (5, 0, 5), (5, 1, 4), (10, 0, 10), (10, 1, 8))
    assert taken(talk, (1.5, 5), (2.5, 5), (6.5, 10)) == [(1.5, 5.0), (2.5, 10.0)]


def test_nobody_waits_for_a_member_that_is_idle() -> None:
    idle_s = IDLE_US // SECOND_US
    talk = heard(1, idle_s + 5, *((tick, 0, tick) for tick in range(1, idle_s + 6)))
    assert taken(talk, (1.0, 2)) == [(1.0, float(idle_s))]


def test_nobody_waits_for_a_clock_that_is_minutes_behind() -> None:
    lag_s = LAG_US // SECOND_US
    talk = heard(1, lag_s + 5, *((tick, device, tick * device) for tick in range(1, lag_s + 6) for device in (0, 1)))
    assert taken(talk, (3.0, 4)) == [(3.0, lag_s + 1.0)]


def test_a_record_that_the_frontier_has_passed_is_late_and_handed_out_when_it_counts() -> None:
    talk = heard(1, 12, (5, 0, 5), (5, 1, 5), (10, 0, 10), (10, 1, 10))
    assert taken(talk, (2.0, 12), (2.5, 5)) == [(2.5, 5.0), (2.0, 12.0)]


def test_the_frontier_rests_while_nobody_listens_and_until_devices_are_back() -> None:
    talk = heard(1, 200, (150, 0, 60), (150, 1, 60), listening_s=140)
    assert taken(talk, (30.0, 150), (59.0, 150))[0] == (30.0, 150.0)


def test_the_frontier_is_the_same_however_the_stream_is_cut(city: City) -> None:
    told = [Story() for _ in range(2)]
    cut = []
    for story, cut_s in zip(told, (1000.0, 1.3), strict=True):
        story.records = records(5)
        cut.append([(v.id, v.because) for v in story.found(city, 330.0, cut_s)])
    assert len(cut[0]) > 5 and cut[0] == cut[1]


def test_a_gap_makes_no_record_late(city: City) -> None:
    state = State()
    out: list[Violation] = []
    one, two = (
        Told("passage", device, 100.5, 40.0 + at * 44, 1, plate("one")) for at, device in enumerate((ENTRY, LEAVE))
    )
    state, _ = step(state, batch_of_told(1, 0.0, 10.0, [], config=1), shelf(city))
    for n, (since, now, told, gaps) in enumerate(
        [(10.0, 101.0, [one, two], (Gap(us(10.0), us(100.0), "asleep"),)), (101.0, 160.0, [], ())], start=2
    ):
        state, outputs = step(state, batch_of_told(n, since, now, told, gaps), shelf(city))
        out += outputs.violations
    assert [case.because.inputs["travel_s"] for case in out] == [44.0]


def test_what_waits_for_a_rule_that_is_switched_off_is_dropped_and_does_not_come_back(city: City) -> None:
    off = msgspec.structs.replace(
        city, rules=tuple(msgspec.structs.replace(r, enabled=r.kind != "section_speed") for r in city.rules)
    )
    library = replace(shelf(city), cities={1: city, 2: off})
    state = State()
    out: list[Violation] = []
    one, two = (
        Told("passage", device, 10.0 + at * 44, 10.0 + at * 44, 1, plate("one"))
        for at, device in enumerate((ENTRY, LEAVE))
    )
    for n, (since, now, told, config) in enumerate(
        [(0.0, 10.5, [one], 1), (10.5, 30.0, [], 2), (30.0, 120.0, [two], 1)], start=1
    ):
        state, outputs = step(state, batch_of_told(n, since, now, told, config=config), library)
        out += outputs.violations
    assert out == []
