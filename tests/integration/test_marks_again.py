"""A mark that did not reach its device is said again: whoever sends what is settled has not heard it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import accounts, wiring
from app.marks import Marks
from contracts import wire
from contracts.clock import TICK_US
from contracts.delivery import Delivery
from contracts.jit import warm_up
from contracts.records import Reading
from contracts.topics import Kind
from simulators.publish import Account, Heard, Line, connect
from tests.fixtures.path_rig import PASSWORD, PathRig, path_rig
from tests.integration.test_pipeline import PATIENCE_S, WATER, made_of, running, settings_of
from tests.servers import BrokerServer

BOOT, LAST = 5, 3
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
"""Lately: of a month ago they would be refused, and no records that come again."""


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    warm_up()
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as made:
        yield made


def message(seq: int) -> bytes:
    """The same bytes for the same number."""
    reading = Reading("level_m", 1.0 + seq / 10, BEGAN + timedelta(seconds=seq))
    return wire.encode(Kind.READINGS, [reading], BOOT, seq)


class Listening:
    """A device that hears its mark."""

    def __init__(self, rig: PathRig) -> None:
        self.heard: list[bytes] = []
        self._topic, self._mark = rig.topic(WATER, Kind.READINGS), rig.topic(WATER, Kind.MARK)
        self._line = Line(Account(rig.url, WATER, PASSWORD), f"{WATER}-listening", on_heard=self._hear)
        connect(self._line, WATER)
        self._line.subscribe(self._mark)
        self.until(lambda: self._line.subscribed)

    def _hear(self, heard: Heard) -> None:
        self.heard.append(heard.payload)

    def say(self, seq: int) -> None:
        self._line.publish(self._topic, message(seq))

    def until(self, enough: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not enough():
            assert time.monotonic() < deadline_s, f"heard {self.heard}"
            self._line.pump(0.1)

    def close(self) -> None:
        self._line.close()


def forget_mark(rig: PathRig) -> None:
    """As a broker that was killed before it wrote the mark down."""
    line = Line(Account(rig.url, accounts.PIPELINE, PASSWORD), "the mark is lost")
    connect(line, accounts.PIPELINE)
    line.publish(rig.topic(WATER, Kind.MARK), b"", retained=True)
    line.close()


def test_a_device_that_sends_what_is_settled_hears_its_mark_again(rig: PathRig) -> None:
    whole = wire.encode_mark(BOOT, LAST)
    with running(wiring.pipeline(settings_of(rig))), closing(Listening(rig)) as device:
        for seq in range(1, LAST + 1):
            device.say(seq)
        device.until(lambda: whole in device.heard)
        forget_mark(rig)
        device.until(lambda: device.heard[-1] == b"")
        device.say(1)
        device.until(lambda: device.heard[-1] != b"")
        assert device.heard[-1] == whole


@pytest.mark.parametrize("after_us", (0, TICK_US), ids=("nothing but repeats", "repeats and a tick"))
def test_a_batch_that_holds_repeats_says_the_mark_on_the_topic_of_its_device(rig: PathRig, after_us: int) -> None:
    parts = wiring.pipeline_parts(settings_of(rig))
    pipeline = made_of(rig, parts)
    try:
        pipeline.recover()
        folding: Any = pipeline._folding
        now_us = folding.state.moments.now_us + after_us
        work = folding.work([Delivery(rig.topic(WATER, Kind.READINGS), message(1), now_us)], now_us)
        assert (work.prepared is None) == (after_us == 0) and len(work.deliveries) == 1
        said: dict[str, bytes] = {}
        marks = Marks(rig.city.id, lambda topic, payload: said.setdefault(topic, payload) == payload, every_s=0.0)
        marks.add(work.marks)
        marks.say(work.devices)
        assert said == {rig.topic(WATER, Kind.MARK): wire.encode_mark(BOOT, LAST)}
    finally:
        pipeline._intake.close()
        parts.snapshotter.close()
        for part in (parts.writer, parts.log, parts.snapshots, parts.standing):
            part.close()
