"""Faults are planted as the truth labels them: where, from when until when, and nothing else moves."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from contracts.clock import DAY_US, HOUR_US, MINUTE_US, to_us
from simulators.chance import Ints
from simulators.faults import (
    EVERY_FAULT,
    HAZE_EVERY_DAYS,
    NO_FAULTS,
    Fault,
    FaultPlan,
    Faults,
    Planted,
)
from simulators.past import Block, PastPlan, past
from simulators.sensors import Sensors
from simulators.world import ORDERLY, World
from tests.fixtures.phuket import phuket

WEDNESDAY = to_us(datetime(2026, 11, 17, 17, 0, tzinfo=UTC))
"""Midnight in Phuket, on the day of the siren."""
SEED = 7


class Fixed(Faults):
    """These faults and no others."""

    def __init__(self, *each: Planted) -> None:
        super().__init__(phuket(), SEED, NO_FAULTS)
        self._each = each

    def between(self, from_us: int, to_us: int) -> tuple[Planted, ...]:
        return tuple(one for one in self._each if one.touches(from_us, to_us))


def day(plan: FaultPlan = EVERY_FAULT, seed: int = SEED) -> tuple[Planted, ...]:
    return Faults(phuket(), seed, replace(plan, from_us=WEDNESDAY, to_us=WEDNESDAY + DAY_US)).between(
        WEDNESDAY, WEDNESDAY + DAY_US
    )


def values(station: str, metric: str, *each: Planted) -> tuple[list[int], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    sensors = Sensors(phuket(), SEED, 60, Fixed(*each))
    samples = sensors.between(WEDNESDAY, WEDNESDAY + 6 * HOUR_US)
    number = [one.id for one in sensors.stations].index(station)
    mine = (samples.station == number) & (samples.series == sensors.metrics.index(metric))
    return samples.event_us[mine].tolist(), samples.value[mine]


def test_a_day_has_every_kind_over_a_few_seeds() -> None:
    found = {one.kind for seed in range(4) for one in day(seed=seed)}
    assert found == set(Fault)


def test_a_plan_is_the_same_however_it_is_asked_for() -> None:
    whole = day()
    faults = Faults(phuket(), SEED, replace(EVERY_FAULT, from_us=WEDNESDAY, to_us=WEDNESDAY + DAY_US))
    hours = {one for hour in range(24) for one in faults.between(WEDNESDAY + hour * HOUR_US, WEDNESDAY + DAY_US)}
    assert hours == set(whole)
    assert day(seed=SEED + 1) != whole


def test_two_faults_of_one_device_are_an_hour_apart() -> None:
    everywhere = {Fault.SIREN_TEST, Fault.HAZE, Fault.HEAT, Fault.CONGESTION, Fault.INCIDENT}
    mine: dict[str, list[Planted]] = {}
    for one in day():
        for device in one.devices if one.kind not in everywhere else ():
            mine.setdefault(device, []).append(one)
    for those in mine.values():
        those.sort(key=lambda one: one.from_us)
        for before, after in pairwise(those):
            assert after.from_us - before.to_us >= HOUR_US


def test_the_siren_is_tried_on_wednesday_at_eight() -> None:
    sirens = [one for one in day() if one.kind is Fault.SIREN_TEST]
    assert [one.from_us for one in sirens] == [WEDNESDAY + 8 * HOUR_US]
    thursday = Faults(phuket(), SEED, EVERY_FAULT).between(WEDNESDAY + DAY_US, WEDNESDAY + 2 * DAY_US)
    assert not [one for one in thursday if one.kind is Fault.SIREN_TEST and one.from_us > WEDNESDAY + DAY_US]


@pytest.mark.parametrize("seed", range(3))
def test_every_past_of_eight_days_has_a_whole_episode_of_haze(seed: int) -> None:
    faults = Faults(phuket(), seed, FaultPlan({}))
    for later in range(HAZE_EVERY_DAYS):
        begin, end = WEDNESDAY + later * DAY_US + 5 * HOUR_US, WEDNESDAY + (later + 8) * DAY_US + 5 * HOUR_US
        hazes = [one for one in faults.between(begin, end) if one.kind is Fault.HAZE]
        assert any(one.from_us >= begin and one.to_us <= end for one in hazes)


def planted(kind: Fault, station: str, metric: str, size: float) -> Planted:
    return Planted(kind, (station,), WEDNESDAY + HOUR_US, WEDNESDAY + 3 * HOUR_US, (metric,), size=size)


@pytest.mark.parametrize("kind", [Fault.LEVEL_SHIFT, Fault.DRIFT, Fault.FLATLINE, Fault.SPIKE])
def test_an_instrument_fails_within_its_time_and_no_other_value_moves(kind: Fault) -> None:
    one = planted(kind, "air-01", "pm10", 80.0)
    times, right = values("air-01", "pm10")
    _, wrong = values("air-01", "pm10", one)
    inside = np.array([one.from_us <= moment < one.to_us for moment in times])
    assert np.array_equal(wrong[~inside], right[~inside])
    added = (wrong - right)[inside]
    if kind is Fault.DRIFT:
        assert added[0] < 2.0 and 75.0 < added[-1] <= 81.0 and (np.diff(added) >= 0).all()
    elif kind is Fault.FLATLINE:
        assert len(set(wrong[inside].tolist())) == 1
    else:
        assert np.allclose(added, 80.0, atol=1.0)
    _, neighbour = values("air-02", "pm10", one)
    assert np.array_equal(neighbour, values("air-02", "pm10")[1])


def test_a_downpour_fills_the_gauges() -> None:
    gauges = tuple(device.id for device in phuket().devices if device.type == "rain")
    one = Planted(Fault.DOWNPOUR, gauges, WEDNESDAY + HOUR_US, WEDNESDAY + 3 * HOUR_US, ("rain_mm",), size=75.0)
    fallen = values(gauges[0], "rain_mm", one)[1].sum() - values(gauges[0], "rain_mm")[1].sum()
    assert 100.0 < fallen < 150.0


# -- what devices say while something is wrong with them ------------------------------------------------------------

STREET = "402-tha-chatchai"
CITY = msgspec.structs.replace(
    phuket(),
    devices=tuple(device for device in phuket().devices if device.segment == STREET),
    sections=(),
    no_stopping=(),
    maintenance=(),
    suppressions=(),
    thresholds=(),
)


def told(kind: Fault, world: World = ORDERLY) -> tuple[list[Block], list[Planted]]:
    """Half a day of a street in which such things happen."""
    plan = FaultPlan({kind: 40.0}, haze=False, siren=False)
    end_us = WEDNESDAY + 18 * HOUR_US
    world = replace(world, faults=plan)
    blocks = list(past(CITY, SEED, end_us - 12 * HOUR_US, end_us, PastPlan(counts_s=60, health_s=300), world))
    faults = Faults(CITY, SEED, plan).between(end_us - 12 * HOUR_US, end_us)
    assert faults, "choose another seed"
    return blocks, list(faults)


def within(faults: list[Planted], device: str, moments: Ints) -> npt.NDArray[np.bool_]:
    """Which moments lie in any of a device's faults."""
    mine = [one for one in faults if device in one.devices]
    found = np.zeros(len(moments), np.bool_)
    for one in mine:
        found |= (moments >= one.from_us) & (moments < one.to_us)
    return found


def test_a_silent_device_says_nothing_and_the_others_go_on() -> None:
    blocks, faults = told(Fault.DEVICE_SILENT)
    numbers = {device.id: device.no for device in CITY.devices}
    for one in faults:
        for block in blocks:
            for rows in (block.readings, block.passages, block.statuses):
                mine = rows["received_us"][rows["device"] == numbers[one.devices[0]]]
                assert not ((mine > one.from_us + MINUTE_US) & (mine < one.to_us)).any()
    heard = {int(no) for block in blocks for no in np.unique(block.readings["device"])}
    assert len(heard) > len(CITY.devices) // 2


def test_a_drifting_clock_says_so_and_shifts_what_it_says() -> None:
    blocks, faults = told(Fault.CLOCK_DRIFT)
    numbers = {device.id: device.no for device in CITY.devices}
    statuses = np.concatenate([block.statuses for block in blocks])
    for one in faults:
        mine = statuses[statuses["device"] == numbers[one.devices[0]]]
        inside = within(faults, one.devices[0], mine["event_us"])
        assert (mine["clock_offset_ms"][inside] > 3_900).all()
        assert (np.abs(mine["clock_offset_ms"][~inside]) < 100).all()
        for block in blocks:
            rows = block.passages[block.passages["device"] == numbers[one.devices[0]]]
            ahead = rows["event_us"] > rows["received_us"]
            during = (rows["received_us"] > one.from_us + MINUTE_US) & (rows["received_us"] < one.to_us)
            assert ahead[during].all()


def test_a_dirty_lens_and_an_expired_calibration_are_reported_and_the_truth_excuses() -> None:
    for kind, reason in ((Fault.DIRTY_LENS, "dirty"), (Fault.OUT_OF_CALIBRATION, "expired")):
        blocks, faults = told(kind)
        numbers = {device.id: device.no for device in CITY.devices}
        statuses = np.concatenate([block.statuses for block in blocks])
        for one in faults:
            mine = statuses[statuses["device"] == numbers[one.devices[0]]]
            inside = within(faults, one.devices[0], mine["event_us"])
            expired = (mine["calibrated_until_us"] >= 0) & (mine["calibrated_until_us"] < mine["event_us"])
            bad = mine["lens_score"] < 0.5 if reason == "dirty" else expired
            assert np.array_equal(bad, inside), reason
        truth = np.concatenate([block.truth for block in blocks])
        assert (truth["mistrusted"] > 0).any()


def test_a_stuck_counter_says_the_same_whatever_passes() -> None:
    blocks, faults = told(Fault.STUCK_COUNTER)
    numbers = {device.id: device.no for device in CITY.devices}
    readings = np.concatenate([block.readings for block in blocks])
    for one in faults:
        mine = readings[(readings["device"] == numbers[one.devices[0]]) & (readings["lane"] == one.lane)]
        inside = (mine["event_us"] >= one.from_us) & (mine["event_us"] < one.to_us)
        for metric in np.unique(mine["metric"]):
            assert len(np.unique(mine["value"][inside & (mine["metric"] == metric)])) <= 1


def test_in_a_jam_speed_falls_and_lanes_fill() -> None:
    codes = {metric.key: metric.code for metric in CITY.metrics}
    blocks, faults = told(Fault.CONGESTION)
    readings = np.concatenate([block.readings for block in blocks])
    numbers = [device.no for device in CITY.devices]
    speeds = readings[(readings["metric"] == codes["speed-mean"]) & np.isin(readings["device"], numbers)]
    jammed = np.zeros(len(speeds), bool)
    for one in faults:
        device = {d.id: d for d in CITY.devices}[one.devices[-1]]  # the head of the queue
        lanes = device.lanes_forward if one.direction == 1 else device.lanes_backward
        jammed |= (
            (speeds["device"] == device.no)
            & np.isin(speeds["lane"], lanes)
            & (speeds["event_us"] >= one.from_us)
            & (speeds["event_us"] < one.to_us - MINUTE_US)
        )
    assert jammed.sum() > 10
    assert speeds["value"][jammed].mean() < 0.45 * speeds["value"][~jammed].mean()
