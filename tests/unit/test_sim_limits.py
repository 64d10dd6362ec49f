"""Simulated drivers and the truth follow a limit that holds in certain hours, and in those alone."""

from datetime import date, datetime, time, timedelta, timezone

import msgspec
import numpy as np
import pytest

from contracts.city import City
from contracts.clock import to_us
from contracts.hours import Hours, Weekday
from contracts.roads import Limit
from processing.calendar import within
from simulators.chains import views_of
from simulators.journeys import BLOCK_US
from simulators.limits import Limits, limits_of
from simulators.offences import Offence, Rates
from simulators.passings import join
from simulators.sightings import sight
from simulators.traffic import Traffic
from simulators.world import World
from tests.fixtures.phuket import phuket

THAI = timezone(timedelta(hours=7))
MONDAY = date(2026, 11, 23)
SCHOOL_DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
SCHOOL = Hours(begins=time(7), ends=time(8, 30), weekdays=SCHOOL_DAYS)
NIGHT = Hours(begins=time(22), ends=time(5), weekdays=("fri", "sun"))
ALL_DAY = Hours(begins=time(0), ends=time(0))
CAMERAS = tuple(device for device in phuket().devices if "speed" in device.functions and device.segment)
SEGMENT = CAMERAS[0].segment or ""


def posted(limit_kmh: int, hours: Hours | None) -> Limit:
    return Limit(segment=SEGMENT, limit_kmh=limit_kmh, threshold_kmh=limit_kmh + 5, source="a sign", hours=hours)


def with_limits(*limits: Limit) -> City:
    city = phuket()
    others = tuple(limit for limit in city.limits if limit.segment != SEGMENT)
    return msgspec.structs.replace(city, limits=(*others, *limits))


def limits_on(city: City) -> Limits:
    return limits_of(city, views_of(CAMERAS[:1], city.segments), MONDAY.toordinal())


def at(limits: Limits, moment: datetime) -> float:
    none = np.zeros(1, np.int64)
    return float(limits.limit_at(none, none, np.array([to_us(moment)]))[0])


@pytest.mark.parametrize("hours", [SCHOOL, NIGHT, ALL_DAY])
def test_hours_are_those_of_the_law_at_every_quarter_of_a_week(hours: Hours) -> None:
    limits = limits_on(with_limits(posted(80, None), posted(30, hours)))
    monday = datetime.combine(MONDAY, time(), THAI)
    for quarter in range(7 * 96):
        for moment in (monday + timedelta(minutes=15 * quarter), monday + timedelta(minutes=15 * quarter, seconds=-1)):
            expected = 30.0 if within(hours, to_us(moment)) else 80.0
            assert at(limits, moment) == expected, moment


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    limits = limits_on(with_limits(posted(80, None), posted(30, NIGHT)))
    sunday = datetime(2026, 11, 29, 23, 0, tzinfo=THAI)
    assert [at(limits, sunday + timedelta(hours=hours)) for hours in (-2, 0, 5, 6)] == [80.0, 30.0, 30.0, 80.0]


def test_a_time_over_the_end_of_the_week_reaches_into_its_first_part_too() -> None:
    limits = limits_on(with_limits(posted(80, None), posted(30, NIGHT)))
    night_us = to_us(datetime(2026, 11, 29, 23, 59, tzinfo=THAI))
    parts = limits.during(night_us, night_us + BLOCK_US)
    assert parts.tolist() == [len(limits.begins_us) - 1, 0]


def test_drivers_and_the_truth_keep_to_the_limit_of_the_hour() -> None:
    city = with_limits(posted(80, None), posted(30, SCHOOL))
    traffic = Traffic(city, 7, World(rates=Rates(speeding=200.0)))
    start = to_us(datetime.combine(MONDAY, time(6, 30), THAI)) // BLOCK_US
    passed = join([traffic.block(block) for block in range(start, start + 12)])
    net = traffic.network(start)
    seen = sight(net, passed, 7, passed.event_us)
    here = np.isin(seen.camera, [n for n, camera in enumerate(net.cameras) if camera.segment == SEGMENT])
    here &= np.isfinite(seen.speed_kmh)
    school = np.array([within(SCHOOL, us) for us in seen.event_us.tolist()])
    limit = np.where(school, 30.0, 80.0)[here]
    assert np.array_equal(seen.limit_kmh[here], limit)
    over = seen.speed_kmh[here] > limit + 5
    assert np.array_equal(over, (seen.offence[here] & int(Offence.SPEEDING)) > 0)
    assert over[limit == 30.0].any() and (~over[limit == 30.0]).sum() > 100
    assert (seen.speed_kmh[here][limit == 80.0] > 40).any(), "before and after they drive as on any road"
