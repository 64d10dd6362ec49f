"""What the simulated city says is accepted whole, and becomes the very rows that its past would have told."""

from datetime import UTC, datetime
from itertools import takewhile

import numpy as np
import pytest

from contracts import wire
from contracts.clock import MINUTE_US, to_us
from contracts.columns import Columns
from contracts.delivery import Decoded, Delivery
from contracts.topics import Topic
from ingest.decode import IntakeLimits, decode
from ingest.plates import PlateState
from ingest.registry import Registry
from simulators.live import Live
from simulators.past import Block, PastPlan, past
from tests.fixtures.fake_sealer import FakeSealer
from tests.fixtures.phuket import phuket

START = to_us(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
LENGTH = 2 * MINUTE_US
LATEST = START + LENGTH - 5_000_000
"""What happened up to here has been said within `LENGTH`."""
SEED = 3


@pytest.fixture(scope="module")
def accepted() -> Decoded:
    live = Live(phuket(), SEED)
    sayings = takewhile(lambda saying: saying.due_us < START + LENGTH, live.sayings(START))
    deliveries = []
    for seq, saying in enumerate([*live.hello(START), live.birth(0, START), *sayings], start=1):
        device = live.devices[saying.device]
        topic = str(Topic("phuket", device.zone, device.id, saying.kind))
        deliveries.append(Delivery(topic, wire.encode(saying.kind, saying.records, 7, seq), saying.due_us))
    return decode(deliveries, Registry(phuket()), FakeSealer(), IntakeLimits())


@pytest.fixture(scope="module")
def block() -> Block:
    return next(iter(past(phuket(), SEED, START, START + LENGTH, PastPlan(counts_s=60))))


def rows(columns: Columns, names: tuple[str, ...]) -> list[tuple[float, ...]]:
    inside = columns[(columns["event_us"] >= START) & (columns["event_us"] < LATEST)]
    return sorted(zip(*(np.nan_to_num(inside[name], nan=-1.0).tolist() for name in names), strict=True))


def test_nothing_of_it_is_rejected(accepted: Decoded) -> None:
    assert [(rejection.reason, rejection.detail) for rejection in accepted.rejections] == []
    assert min(len(accepted.readings), len(accepted.passages), len(accepted.signals), len(accepted.statuses)) > 0


def test_live_counts_become_the_rows_of_the_past(accepted: Decoded, block: Block) -> None:
    cameras = [device.no for device in phuket().devices if device.type == "camera"]
    names = ("event_us", "device", "metric", "lane", "part", "value")
    minute = START + MINUTE_US
    live = accepted.readings[np.isin(accepted.readings["device"], cameras) & (accepted.readings["event_us"] < minute)]
    told = block.readings[np.isin(block.readings["device"], cameras) & (block.readings["event_us"] < minute)]
    assert len(told) > 4_000
    assert rows(live, names) == rows(told, names)


def test_live_passages_and_signals_become_the_rows_of_the_past(accepted: Decoded, block: Block) -> None:
    seen = ("event_us", "device", "lane", "direction", "vehicle", "colour", "speed_kmh", "dwell_s", "helmet", "riders")
    assert rows(accepted.passages, seen) == rows(block.passages, seen)
    turned = ("event_us", "device", "group", "phase")
    found = set(rows(accepted.signals, turned))
    assert found == set(rows(block.signals, turned))


def test_most_plates_are_clear_and_a_few_are_in_doubt(accepted: Decoded) -> None:
    states = accepted.passages["plate_state"]
    clear = (states == int(PlateState.CLEAR)).mean()
    doubtful = (states == int(PlateState.DOUBTFUL)).mean()
    assert clear > 0.8
    assert 0.01 < doubtful < 0.15
