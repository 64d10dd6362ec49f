"""What is planted is what the truth says it is, and what looks nearly like it is harmless."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from contracts.clock import HOUR_US, SECOND_US, to_us
from contracts.errors import ConfigError
from contracts.records import Direction
from contracts.roads import NoStopping, Section
from simulators.journeys import BLOCK_US
from simulators.offences import DEMO, OFFENCES, PLENTY, Offence, Rates
from simulators.passings import Passings, join
from simulators.planted import APART_M, FIRST_NUMBER, STANDING_S, STANDING_SHORT_S
from simulators.roads import Network
from simulators.sightings import Sightings, sight
from simulators.signals import red_for_us, since_green_us
from simulators.traffic import Traffic
from simulators.world import World
from tests.fixtures.phuket import phuket

MORNING = to_us(datetime(2026, 11, 18, 0, 0, tzinfo=UTC)) // BLOCK_US
BLOCKS = 6
SEED = 7
STREET = "402-tha-chatchai"
WORLD = World(rates=PLENTY)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    forbidden = NoStopping(id="nowhere-on-402", source="a test", segment=STREET)
    return Traffic(msgspec.structs.replace(phuket(), no_stopping=(forbidden,)), SEED, WORLD)


@pytest.fixture(scope="module")
def net(traffic: Traffic) -> Network:
    return traffic.network(MORNING)


@pytest.fixture(scope="module")
def passed(traffic: Traffic) -> Passings:
    return join([traffic.block(block) for block in range(MORNING, MORNING + BLOCKS)])


@pytest.fixture(scope="module")
def seen(net: Network, passed: Passings) -> Sightings:
    return sight(net, passed, SEED, passed.event_us, WORLD)


def pairs(passed: Passings) -> list[Passings]:
    """The first two passings that belong together, by pair, in order of time; whole ones only."""
    those = [passed.pick(np.flatnonzero(passed.pair == pair)) for pair in np.unique(passed.pair[passed.pair > 0])]
    return [one.pick(np.argsort(one.event_us)[:2]) for one in those if len(one) in (2, 6)]


def section_of(net: Network, pair: Passings) -> Section | None:
    ends = tuple(net.cameras[camera].id for camera in net.camera[pair.row])
    return next((one for one in phuket().sections if (one.entry, one.exit) == ends), None)


def average_kmh(section: Section, pair: Passings) -> float:
    return float(section.length_m / 1_000 / ((pair.event_us[1] - pair.event_us[0]) / HOUR_US))


def test_a_section_is_taken_too_fast_by_those_whom_the_truth_names_and_by_nobody_else(
    net: Network, passed: Passings
) -> None:
    fast = slow = 0
    for pair in pairs(passed):
        section = section_of(net, pair)
        if section is None:
            continue
        where = (pair.row, pair.vehicle_class, pair.event_us)
        limits, thresholds = net.limits.limit_at(*where), net.limits.threshold_at(*where)
        average = average_kmh(section, pair)
        assert (pair.speed_kmh < thresholds).all(), "both cameras see it below the threshold"
        if pair.offence[0] & Offence.SECTION_SPEED:
            assert average > 1.08 * thresholds.max()
            fast += 1
        else:
            assert average < 0.98 * limits.min()
            slow += 1
    assert fast > 10 and slow > 10


def test_journeys_take_no_section_faster_than_allowed(net: Network, passed: Passings) -> None:
    ordinary = passed.pick(np.flatnonzero(passed.vehicle % 2**40 < FIRST_NUMBER))
    for section in phuket().sections:
        cameras = [n for n, d in enumerate(net.cameras) if d.id in (section.entry, section.exit)]
        here = ordinary.pick(np.flatnonzero(np.isin(net.camera[ordinary.row], cameras)))
        order = np.lexsort((here.event_us, here.vehicle))
        here = here.pick(order)
        both = np.flatnonzero((np.diff(here.vehicle) == 0) & (np.diff(here.row) != 0))
        hours = (here.event_us[both + 1] - here.event_us[both]) / HOUR_US
        limit = net.limits.limit_at(here.row[both], here.vehicle_class[both], here.event_us[both])
        assert (section.length_m / 1_000 <= hours * limit * 1.03).all(), section.id


def test_a_plate_at_two_places_was_never_driven_there_and_a_harmless_one_was(net: Network, passed: Passings) -> None:
    cloned: list[float] = []
    driven: list[float] = []
    for pair in pairs(passed):
        if section_of(net, pair) is None:
            one, other = (net.cameras[camera] for camera in net.camera[pair.row])
            east_m = np.radians(other.lon - one.lon) * 6_371_000 * np.cos(np.radians(one.lat))
            apart_m = float(np.hypot(east_m, np.radians(other.lat - one.lat) * 6_371_000))
            speed = apart_m * 3.6 / (float(pair.event_us[1] - pair.event_us[0]) / SECOND_US)
            assert apart_m > 0.99 * APART_M
            (cloned if pair.offence[0] & Offence.CLONED_PLATE else driven).append(speed)
    assert min(cloned) > 400 and max(driven) < 60
    assert len(cloned) > 3 and len(driven) > 3


def test_planted_vehicles_have_plates_of_their_own(passed: Passings) -> None:
    planted = passed.pick(np.flatnonzero(passed.vehicle % 2**40 >= FIRST_NUMBER))
    single = planted.pick(np.flatnonzero(planted.offence == int(Offence.WRONG_WAY)))
    assert len(np.unique(single.vehicle)) == len(single) > 10
    ordinary = passed.vehicle[passed.vehicle % 2**40 < FIRST_NUMBER]
    assert not np.isin(planted.vehicle, ordinary).any()


def test_nobody_planted_passes_on_red(traffic: Traffic, net: Network, passed: Passings) -> None:
    planted = passed.pick(np.flatnonzero(passed.vehicle % 2**40 >= FIRST_NUMBER))
    groups = [(net.cameras[net.camera[row]].junction or "", int(net.group[row])) for row in planted.row]
    plan = np.array([traffic.plans.index.get(group, -1) for group in groups])
    held = plan >= 0
    since = since_green_us(traffic.plans, plan[held], planted.event_us[held])
    assert (red_for_us(traffic.plans, plan[held], since) < 0).all()


def test_who_drives_against_traffic_is_seen_so_and_nobody_else(net: Network, seen: Sightings) -> None:
    lanes = {
        (no, lane): way
        for no, device in enumerate(net.cameras)
        for way, those in ((Direction.FORWARD, device.lanes_forward), (Direction.BACKWARD, device.lanes_backward))
        for lane in those
    }
    ways = np.array([lanes[camera, lane] for camera, lane in zip(seen.camera, seen.lane, strict=True)])
    against = (seen.offence & int(Offence.WRONG_WAY)) > 0
    assert np.array_equal(seen.direction != ways, against)
    assert against.sum() > 5


def test_more_than_two_on_a_motorcycle_are_an_offence_and_two_are_none(seen: Sightings) -> None:
    assert np.array_equal(seen.riders > 2, (seen.offence & int(Offence.OVERLOADED)) > 0)
    assert (seen.riders == 2).sum() > 1_000
    assert {3, 4} <= set(seen.riders.tolist())


def test_who_stands_for_long_stands_where_nobody_may_or_does_no_wrong(net: Network, seen: Sightings) -> None:
    forbidden = np.array([camera.segment == STREET for camera in net.cameras])[seen.camera]
    stopping = (seen.offence & int(Offence.ILLEGAL_STOPPING)) > 0
    assert stopping.sum() > 3
    assert forbidden[stopping].all()
    assert (seen.dwell_s[stopping] >= STANDING_S[0]).all()
    long = (seen.dwell_s > 3 * STANDING_SHORT_S[1]) & ~stopping
    assert long.sum() > 0 and not forbidden[long].any()


def test_rates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError):
        Rates(overloaded_share=0.5)
    with pytest.raises(ConfigError):
        Rates(wrong_way_per_h=-1.0)


def test_a_city_that_is_switched_on_shows_every_offence_within_the_hour() -> None:
    shown = Traffic(phuket(), 2566, World(rates=DEMO))
    block = to_us(datetime(2026, 11, 23, 5, 0, tzinfo=UTC)) // BLOCK_US
    hour = join([shown.block(one) for one in range(block, block + HOUR_US // BLOCK_US)])
    seen = sight(shown.network(block), hour, 2566, hour.event_us, World(rates=DEMO))
    assert [offence for offence in OFFENCES if not (seen.offence & int(offence)).any()] == []
