"""Traffic: deterministic blocks in which vehicles, signals, counts and passages agree."""

from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime

import numpy as np
import pytest

from contracts.clock import HOUR_US, to_us
from simulators.classes import CLASSES
from simulators.counts import count, lane_table
from simulators.demand import Rhythm, intensity
from simulators.journeys import BLOCK_US, plan_of_rows
from simulators.offences import GRACE_US, Offence
from simulators.passings import Passings, join
from simulators.planted import FIRST_NUMBER
from simulators.roads import Network
from simulators.sightings import CLASS_CODES, sight
from simulators.signals import red_for_us, since_green_us
from simulators.traffic import Traffic
from tests.fixtures.phuket import phuket

SEED = 7
MORNING = to_us(datetime(2026, 11, 23, 1, 0, tzinfo=UTC)) // BLOCK_US
"""Monday, 08:00 in Phuket."""
BLOCKS = 8


def same(one: Passings, other: Passings) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Passings))


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return Traffic(phuket(), SEED)


@pytest.fixture(scope="module")
def net(traffic: Traffic) -> Network:
    return traffic.network(MORNING)


@pytest.fixture(scope="module")
def passed(traffic: Traffic) -> Passings:
    return join([traffic.block(block) for block in range(MORNING, MORNING + BLOCKS)])


def test_a_block_does_not_depend_on_how_the_run_came_to_it(traffic: Traffic) -> None:
    expected = traffic.block(MORNING + 3)
    fresh = Traffic(phuket(), SEED)
    assert same(fresh.block(MORNING + 3), expected)
    for block in (MORNING + 9, MORNING - 40, MORNING + 2):
        fresh.block(block)
    assert same(fresh.block(MORNING + 3), expected)


def test_another_seed_is_another_day(traffic: Traffic) -> None:
    assert not same(Traffic(phuket(), SEED + 1).block(MORNING), traffic.block(MORNING))


def test_a_block_holds_its_own_time_and_is_in_order(passed: Passings) -> None:
    assert (np.diff(passed.event_us) >= 0).all()
    assert passed.event_us[0] >= MORNING * BLOCK_US
    assert passed.event_us[-1] < (MORNING + BLOCKS) * BLOCK_US


def test_counts_are_the_histogram_of_the_vehicles(net: Network, passed: Passings) -> None:
    lanes = lane_table(net.cameras)
    counted = count(net, lanes, passed, MORNING * BLOCK_US, 60_000_000, BLOCKS * 15)
    expected: Counter[tuple[int, int, int, int]] = Counter(
        zip(
            ((passed.event_us - MORNING * BLOCK_US) // 60_000_000).tolist(),
            net.camera[passed.row].tolist(),
            passed.lane.tolist(),
            passed.vehicle_class.tolist(),
            strict=True,
        )
    )
    found = {
        (interval, int(lanes.camera[lane]), int(lanes.lane[lane]), kind): int(number)
        for (interval, lane, kind), number in np.ndenumerate(counted.vehicles)
        if number
    }
    assert found == dict(expected)


def test_a_camera_that_reports_vehicles_reports_exactly_those_it_counts(net: Network, passed: Passings) -> None:
    seen = sight(net, passed, SEED, passed.event_us)
    counted = count(net, lane_table(net.cameras), passed, MORNING * BLOCK_US, BLOCKS * BLOCK_US, 1)
    by_camera = np.zeros((len(net.cameras), len(CLASSES)), np.int64)
    np.add.at(by_camera, lane_table(net.cameras).camera, counted.vehicles[0])
    reporting = np.unique(net.camera[net.reports])
    for kind, code in enumerate(CLASS_CODES):
        passages = np.bincount(seen.camera[seen.vehicle == code], minlength=len(net.cameras))
        assert np.array_equal(passages[reporting], by_camera[reporting, kind])
    assert set(np.unique(seen.camera)) <= set(reporting)


def test_most_vehicles_are_motorcycles(passed: Passings) -> None:
    shares = np.bincount(passed.vehicle_class, minlength=len(CLASSES)) / len(passed)
    assert shares[0] > 0.5
    assert shares[0] > 2 * shares[1:].max()
    assert (shares > 0).all()


def test_vehicles_drive_on_to_the_next_camera_of_their_road(net: Network, passed: Passings) -> None:
    passed = passed.pick(passed.vehicle % 2**40 < FIRST_NUMBER)  # planted ones go where they are to be found
    order = np.lexsort((passed.event_us, passed.vehicle))
    vehicle, row, time_us = passed.vehicle[order], passed.row[order], passed.event_us[order]
    pairs = np.flatnonzero((vehicle[1:] == vehicle[:-1]) & (np.diff(time_us) < HOUR_US // 2))
    assert len(pairs) > 1_000
    assert np.array_equal(net.follows[row[pairs]], row[pairs + 1])


def test_no_vehicle_is_in_two_places_at_once(net: Network, passed: Passings) -> None:
    passed = passed.pick(passed.vehicle % 2**40 < FIRST_NUMBER)
    order = np.lexsort((passed.event_us, passed.vehicle))
    vehicle, row, time_us = passed.vehicle[order], passed.row[order], passed.event_us[order]
    pairs = np.flatnonzero((vehicle[1:] == vehicle[:-1]) & (net.follows[row[:-1]] == row[1:]))
    hours = (time_us[pairs + 1] - time_us[pairs]) / HOUR_US
    km = net.leg_m[row[pairs]] / 1_000
    fastest = net.limits.thresholds_kmh.max()
    assert (km <= hours * fastest + 0.001).all()


def test_nobody_passes_on_red_but_those_whom_the_truth_names(traffic: Traffic, net: Network, passed: Passings) -> None:
    plan = plan_of_rows(net, traffic.plans)[passed.row]
    held = plan >= 0
    since = since_green_us(traffic.plans, plan[held], passed.event_us[held])
    red_us = red_for_us(traffic.plans, plan[held], since)
    ran = (passed.offence[held] & int(Offence.RED_LIGHT)) > 0
    assert held.sum() > 1_000
    assert np.array_equal(red_us >= GRACE_US, ran)
    assert ((red_us >= 0) & ~ran).sum() > 0, "some come in the first moment of red, and nobody charges them"
    assert np.array_equal(red_us[ran], passed.red_us[held][ran])


def test_nobody_is_over_the_threshold_but_those_whom_the_truth_names(net: Network, passed: Passings) -> None:
    over = passed.speed_kmh > net.limits.threshold_at(passed.row, passed.vehicle_class, passed.event_us)
    assert np.array_equal(over, (passed.offence & int(Offence.SPEEDING)) > 0)
    assert passed.speed_kmh.min() >= 5.0
    assert passed.speed_kmh.max() <= 167.0


@pytest.mark.parametrize("rhythm", list(Rhythm))
def test_a_week_of_demand_has_the_mean_of_its_season(rhythm: Rhythm) -> None:
    monday = to_us(datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    week = [float(intensity("Asia/Bangkok", monday + hour * HOUR_US)[rhythm]) for hour in range(168)]
    assert np.mean(week) == pytest.approx(1.02, abs=0.005)


def test_commuters_have_two_rushes_and_patong_its_night() -> None:
    midnight = to_us(datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    hours = np.array([intensity("Asia/Bangkok", midnight + hour * HOUR_US) for hour in range(24)])
    commuter, nightlife = hours[:, Rhythm.COMMUTER], hours[:, Rhythm.NIGHTLIFE]
    assert commuter[8] > 1.5 * commuter[12] and commuter[18] > 1.5 * commuter[12]
    assert nightlife[1] > 4 * commuter[1]
