"""Live, devices say what the past would have told, as legal messages, in order of time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile

import numpy as np
import pytest

from contracts import wire
from contracts.clock import HOUR_US, MINUTE_US, SECOND_US, to_us
from contracts.records import Counts, Passage, Reading, Signal, Status
from contracts.topics import Kind
from simulators.faults import Fault, FaultPlan
from simulators.live import COUNTS_SPREAD_US, Live, Saying
from simulators.past import PastPlan, past
from simulators.world import World
from tests.fixtures.phuket import phuket

START = to_us(datetime(2026, 11, 23, 1, 13, 20, tzinfo=UTC))
"""1 min 40 s before the end of a block, so that the seam lies within what is looked at."""
LENGTH = 4 * MINUTE_US
SEED = 11


@pytest.fixture(scope="module")
def live() -> Live:
    return Live(phuket(), SEED)


@pytest.fixture(scope="module")
def said(live: Live) -> list[Saying]:
    return list(until(live.sayings(START), START + LENGTH))


def until(sayings: Iterator[Saying], end_us: int) -> Iterator[Saying]:
    return takewhile(lambda saying: saying.due_us < end_us, sayings)


def test_sayings_come_in_order_of_time_also_over_the_seam_of_blocks(said: list[Saying]) -> None:
    due = np.array([saying.due_us for saying in said])
    assert due[0] >= START
    assert (np.diff(due) >= 0).all()
    assert np.diff(due).max() < 2 * SECOND_US


def test_every_message_is_legal_on_the_wire(said: list[Saying], live: Live) -> None:
    for saying in [*said, *live.hello(START), live.birth(0, START)]:
        payload = wire.encode(saying.kind, saying.records, 1, 1)
        assert wire.decode(saying.kind, payload).records == saying.records


def test_a_device_says_only_what_its_entry_allows(said: list[Saying], live: Live) -> None:
    for saying in said:
        device = live.devices[saying.device]
        series = {(one.metric, one.lane) for one in device.series}
        assert saying.kind in device.kinds
        for record in saying.records:
            if isinstance(record, Reading):
                assert (record.metric, record.lane) in series
            if isinstance(record, Counts):
                assert {(f"flow-{word.replace('_', '-')}", record.lane) for word in record.counts} <= series
            if isinstance(record, Passage):
                assert record.lane in (*device.lanes_forward, *device.lanes_backward)
            if isinstance(record, Signal):
                assert record.group in device.signal_groups


def test_nothing_is_said_before_it_happened(said: list[Saying]) -> None:
    for saying in said:
        for record in saying.records:
            assert record.t is not None
            length_us = record.interval_s * SECOND_US if isinstance(record, Counts) else 0
            late_us = saying.due_us - to_us(record.t) - length_us
            assert 0 <= late_us <= COUNTS_SPREAD_US


def test_a_city_that_is_switched_on_says_every_series_and_phase_at_once(live: Live) -> None:
    metrics: dict[str, set[str]] = {}
    groups: set[tuple[str, int]] = set()
    for saying in live.hello(START):
        assert saying.due_us == START
        found = metrics.setdefault(live.devices[saying.device].id, set())
        for record in saying.records:
            if isinstance(record, Reading):
                found.add(record.metric)
            if isinstance(record, Counts):
                found.update(f"flow-{word.replace('_', '-')}" for word in record.counts)
                found.update({"speed-mean", "occupancy"})
            if isinstance(record, Signal):
                groups.add((live.devices[saying.device].id, record.group))
    assert metrics == {device.id: {one.metric for one in device.series} for device in phuket().devices}
    signalling = [device for device in phuket().devices if Kind.SIGNAL in device.kinds]
    assert groups == {(device.id, group) for device in signalling for group in device.signal_groups}


def test_every_kind_is_said_within_twenty_seconds(live: Live) -> None:
    kinds = {saying.kind for saying in live.hello(START)}
    kinds |= {saying.kind for saying in until(live.sayings(START), START + 20 * SECOND_US)}
    assert kinds == {Kind.COUNTS, Kind.PASSAGE, Kind.READINGS, Kind.SIGNAL, Kind.STATUS}


def test_counts_of_a_minute_are_the_passages_of_that_minute(said: list[Saying], live: Live) -> None:
    minute_us = -(-START // MINUTE_US) * MINUTE_US
    for start_us in (minute_us, minute_us + MINUTE_US):
        passages: dict[int, int] = {}
        counts: dict[int, int] = {}
        for saying in said:
            for record in saying.records:
                if isinstance(record, Passage) and start_us <= to_us(record.t) < start_us + MINUTE_US:
                    passages[saying.device] = passages.get(saying.device, 0) + 1
                if isinstance(record, Counts) and record.t is not None and to_us(record.t) == start_us:
                    counts[saying.device] = counts.get(saying.device, 0) + sum(record.counts.values())
        assert sum(passages.values()) > 500
        assert passages == {device: number for device, number in counts.items() if device in passages}


def test_live_and_past_tell_the_same_city(said: list[Saying], live: Live) -> None:
    told = past(phuket(), SEED, START, START + LENGTH, PastPlan())
    expected = {
        (int(row["device"]), int(row["event_us"]), int(row["lane"]), int(row["vehicle"]))
        for block in told
        for row in block.passages
        if row["event_us"] < START + LENGTH - SECOND_US
    }
    words = {"motorcycle": 1, "car": 2, "pickup": 3, "van": 4, "bus": 5, "truck": 6, "three_wheel": 7}
    found = {
        (live.devices[saying.device].no, to_us(record.t), record.lane, words[record.vehicle])
        for saying in said
        for record in saying.records
        if isinstance(record, Passage) and START <= to_us(record.t) < START + LENGTH - SECOND_US
    }
    assert found == expected


def test_the_truth_of_an_offence_travels_beside_its_message(live: Live) -> None:
    offences = [saying for saying in until(live.sayings(START), START + 2 * LENGTH) if saying.truth is not None]
    assert offences
    for saying in offences:
        assert saying.kind == Kind.PASSAGE and saying.truth is not None
        record = saying.records[0]
        assert isinstance(record, Passage)
        assert to_us(record.t) == saying.truth["event_us"][0]
        assert "plate" not in (saying.truth.dtype.names or ())


def test_a_device_introduces_itself_when_it_is_born(live: Live) -> None:
    born = live.birth(0, START)
    status = born.records[0]
    assert isinstance(status, Status)
    assert (born.kind, status.event, status.firmware) == (Kind.STATUS, "birth", "sim-1.0.0")


def test_live_and_past_tell_the_same_broken_city() -> None:
    """Silent devices are silent in both, wrong clocks are as wrong, and what went wrong is in the truth of both."""
    plan = FaultPlan({Fault.DEVICE_SILENT: 250.0, Fault.CLOCK_DRIFT: 40.0, Fault.STUCK_COUNTER: 60.0}, haze=False)
    world = World(faults=plan)
    broken = Live(phuket(), SEED, world)
    faults = broken.faults(START - HOUR_US, START + LENGTH)
    assert {one.kind for one in faults} == {Fault.DEVICE_SILENT, Fault.CLOCK_DRIFT, Fault.STUCK_COUNTER}
    heard = list(until(broken.sayings(START), START + LENGTH))
    passages = {
        (broken.devices[saying.device].no, to_us(record.t), record.lane)
        for saying in heard
        for record in saying.records
        if isinstance(record, Passage) and START + SECOND_US <= saying.due_us < START + LENGTH - 6 * SECOND_US
    }
    blocks = list(past(phuket(), SEED, START, START + LENGTH, PastPlan(), world))
    told = {(int(row["device"]), int(row["event_us"]), int(row["lane"])) for block in blocks for row in block.passages}
    assert len(passages) > 1_000 and passages <= told
    for one in faults:
        if one.kind is Fault.DEVICE_SILENT:
            silent = [number for number, device in enumerate(broken.devices) if device.id in one.devices]
            assert not [s for s in heard if s.device in silent and one.from_us <= s.due_us < one.to_us]
