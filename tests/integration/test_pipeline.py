"""The pipeline in one piece: what it remembers, what it sets aside, and what changes under it without a restart."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import psycopg
import pytest

from app import wiring
from app.our_clock import DEVICES_MIN
from app.parts import Parts
from app.pipeline import Pipeline
from app.recovery import Shelf, restore
from app.settings import Settings, load
from contracts.city import City
from contracts.columns import Batch
from contracts.delivery import Delivery
from contracts.errors import StorageError
from contracts.findings import Outputs
from contracts.jit import warm_up
from contracts.records import Passage, Reading
from contracts.topics import Kind
from processing.state import STATE_VERSION, to_fields
from storage.cities import Cities
from storage.log import Log
from storage.prepared import Prepared
from storage.snapshots import Snapshots
from tests.fixtures.path_rig import PathRig, path_rig
from tests.servers import BrokerServer

CAMERA, WATER = "cam-402-44", "water-01"
PATIENCE_S = 60.0
"""What is waited for surely comes; no shorter than what the figure of a flood allows (test_bad_messages)."""


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    warm_up()  # as the pipeline's own process does: what is waited for here is not the compiling of kernels
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest.fixture(scope="module")
def log(role_dsn: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        yield connection


def settings_of(rig: PathRig) -> Settings:
    return load(rig.environment, file=None)


@contextmanager
def running(pipeline: Pipeline) -> Iterator[None]:
    """A pipeline on a thread of its own; what ends it early fails the test."""
    stop, ready = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            pipeline.run(stop, ready.set)
        except BaseException as failure:
            failures.append(failure)
            ready.set()

    thread = threading.Thread(target=run, name="pipeline under test")
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not failures, failures


def eventually(log: psycopg.Connection[Any], query: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    deadline_s = time.monotonic() + PATIENCE_S
    while not enough(rows := log.execute(query.encode()).fetchall()):
        assert time.monotonic() < deadline_s, f"{query}: {rows}"
        next(log.notifies(timeout=1.0), None)
    return rows


def passage(speed_kmh: float) -> Passage:
    return Passage(datetime.now(UTC), 1, "car", direction="backward", speed_kmh=speed_kmh)


def test_the_state_of_a_live_run_is_what_its_log_folds_to(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    settings = settings_of(rig)
    with running(wiring.pipeline(settings)):
        for seq in range(1, 40):
            at = datetime.now(UTC) - timedelta(seconds=40 - seq)
            rig.publish(WATER, Kind.READINGS, Reading("level_m", 1.0 + seq / 100, at), boot=7, seq=seq)
        rig.publish(CAMERA, Kind.PASSAGE, passage(131), boot=7, seq=2)
        rig.publish(CAMERA, Kind.PASSAGE, passage(50), boot=7, seq=1)
        eventually(log, "SELECT 1 FROM log_passage WHERE boot = 7", lambda rows: len(rows) == 2)
    dsn = rig.dsn("pipeline")
    with closing(Snapshots(dsn)) as kept, closing(Log(dsn)) as whole_log:
        newest = kept.newest(0, STATE_VERSION)
        assert newest is not None
        shelf = Shelf(rig.city.id, Cities(dsn), whole_log, kept)
        folded = to_fields(restore(0, whole_log, _NoSnapshots(dsn), shelf, until=newest[0]))
    assert newest[1].keys() == folded.keys()
    for name, live in newest[1].items():
        np.testing.assert_array_equal(live, folded[name], err_msg=name)


class _NoSnapshots(Snapshots):
    """As if none had been kept: the whole log is folded."""

    def newest(self, shard: int, engine: str, until: int | None = None) -> None:
        return None


def made_of(rig: PathRig, parts: Parts) -> Pipeline:
    """A pipeline of other parts than it is wired of."""
    settings = settings_of(rig)
    return Pipeline(parts, settings.pipeline, settings.limits, wiring.clock_us)


class FaultyWriter:
    """A writer whose database refuses whatever holds one lane; everything else goes to the real one."""

    def __init__(self, real: Any, lane: int) -> None:
        self._real, self._lane = real, lane
        self._refused: list[Prepared] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def prepare(self, batch: Batch, outputs: Outputs, *refused: Any) -> Prepared:
        made: Prepared = self._real.prepare(batch, outputs, *refused)
        if np.any(batch.passages["lane"] == self._lane):
            self._refused.append(made)
        return made

    def commit(self, prepared: Prepared, stop: threading.Event | None = None) -> None:
        if any(prepared is refused for refused in self._refused):
            raise StorageError("refused for the test")
        self._real.commit(prepared, stop)


def test_one_offender_is_set_aside_and_the_rest_goes_on(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    parts = wiring.pipeline_parts(settings_of(rig))
    with running(made_of(rig, replace(parts, writer=FaultyWriter(parts.writer, lane=3)))):  # type: ignore[arg-type]
        for seq in range(1, 21):
            lane = 3 if seq == 10 else 1
            rig.publish(CAMERA, Kind.PASSAGE, msgspec.structs.replace(passage(44), lane=lane), boot=8, seq=seq)
        eventually(log, "SELECT 1 FROM log_passage WHERE boot = 8", lambda rows: len(rows) >= 19)
        (poison,) = eventually(log, "SELECT detail FROM rejection WHERE reason = 'poison'", lambda rows: len(rows) == 1)
        assert "StorageError" in poison[0]
        alarm = "SELECT condition FROM alarm WHERE kind = 'poison'"
        assert eventually(log, alarm, lambda rows: len(rows) >= 1)[0] == ("active",)
        rig.publish(CAMERA, Kind.PASSAGE, msgspec.structs.replace(passage(44), lane=3), boot=8, seq=10)
        rig.publish(CAMERA, Kind.PASSAGE, passage(44), boot=8, seq=21)
        eventually(log, "SELECT 1 FROM log_passage WHERE boot = 8 AND seq = 21", lambda rows: len(rows) == 1)
        again = log.execute("SELECT count(*) FROM rejection WHERE reason = 'poison'").fetchone()
        assert again == (1,), "its number is settled: sent again it is a duplicate"
    numbers = log.execute(
        "SELECT seq, count(*) FROM log_passage WHERE seq < 21 AND boot = 8 GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert numbers == [(seq, 1) for seq in range(1, 21) if seq != 10]


def test_what_a_failed_batch_was_to_say_is_said_by_another(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    refusals = [1]
    parts = wiring.pipeline_parts(settings_of(rig))
    (before,) = log.execute("SELECT max(n) FROM batch").fetchone() or (0,)
    with running(made_of(rig, replace(parts, writer=FailingWriter(parts.writer, refusals)))):  # type: ignore[arg-type]
        query = f'SELECT gaps FROM batch WHERE n > {before} AND gaps @> \'[{{"reason": "stopped"}}]\''
        assert len(eventually(log, query, lambda rows: len(rows) >= 1)) == 1
    assert refusals == [0]


class FailingWriter:
    """A writer whose first commits are refused, whatever they hold."""

    def __init__(self, real: Any, refusals: list[int]) -> None:
        self._real, self._refusals = real, refusals

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def commit(self, prepared: Prepared, stop: threading.Event | None = None) -> None:
        if self._refusals[0]:
            self._refusals[0] -= 1
            raise StorageError("refused for the test")
        self._real.commit(prepared, stop)


def test_a_delivery_that_two_failures_hand_back_is_held_once(rig: PathRig) -> None:
    pipeline = wiring.pipeline(settings_of(rig))
    with running(pipeline):
        pass
    first, second = (Delivery("andaman/v1/a/b/c/status", b"{}", at, token=(1, at, 1)) for at in (1, 2))
    for handed_back in ([first], [first, second]):
        pipeline.hold(handed_back)
    assert pipeline._held.taken() == [first, second]


def test_a_new_city_version_is_in_force_without_a_restart(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    with running(wiring.pipeline(settings_of(rig))):
        rig.publish(CAMERA, Kind.PASSAGE, passage(65), boot=9, seq=1)
        eventually(log, "SELECT 1 FROM log_passage WHERE boot = 9", lambda rows: len(rows) == 1)
        stricter = with_threshold(rig.city, 60)
        version = Cities(rig.dsn("owner")).add(stricter, "test").version
        eventually(log, f"SELECT 1 FROM batch WHERE config = {version}", lambda rows: len(rows) == 1)
        rig.publish(CAMERA, Kind.PASSAGE, passage(65), boot=9, seq=2)
        eventually(log, "SELECT 1 FROM log_passage WHERE boot = 9", lambda rows: len(rows) == 2)
    judged = log.execute("SELECT content -> 'because' ->> 'measured' FROM violation")
    assert [row for row in judged.fetchall() if float(row[0]) == 65] == [("65.0",)]


def with_threshold(city: City, threshold_kmh: int) -> City:
    limits = tuple(
        msgspec.structs.replace(limit, threshold_kmh=max(limit.limit_kmh, min(limit.threshold_kmh, threshold_kmh)))
        for limit in city.limits
    )
    return msgspec.structs.replace(city, limits=limits, version=0)


def higher_than(log: psycopg.Connection[Any]) -> Callable[[list[Any]], bool]:
    """Two batches later than now: the held deliveries were asked again in between."""
    (now,) = log.execute("SELECT max(n) FROM batch").fetchone() or (0,)
    return lambda rows: rows[0][0] >= now + 2


def test_a_full_disk_pauses_the_intake_with_an_alarm_and_loses_nothing(
    rig: PathRig, log: psycopg.Connection[Any]
) -> None:
    disk = ["critical"]
    pipeline = made_of(rig, replace(wiring.pipeline_parts(settings_of(rig)), disk=lambda: disk[0]))
    alarm = "SELECT condition FROM alarm WHERE kind = 'disk-low' ORDER BY changed_at, revision"
    with running(pipeline):
        eventually(log, alarm, lambda rows: rows == [("active",)])
        rig.publish(WATER, Kind.READINGS, Reading("level_m", 2.5, datetime.now(UTC)), boot=12, seq=1)
        eventually(log, "SELECT max(n) FROM batch", higher_than(log))
        assert log.execute("SELECT count(*) FROM log_reading WHERE boot = 12").fetchone() == (0,)
        disk[0] = "ok"
        eventually(log, "SELECT 1 FROM log_reading WHERE boot = 12", lambda rows: len(rows) == 1)
        eventually(log, alarm, lambda rows: rows == [("active",), ("normal",)])


def test_when_most_devices_seem_to_be_in_the_future_nothing_is_acknowledged_or_rejected(
    rig: PathRig, log: psycopg.Connection[Any]
) -> None:
    waters = [device.id for device in rig.city.devices if device.type == "water"]
    active = "SELECT condition FROM alarm WHERE kind = 'clock-fault' ORDER BY revision"
    with running(wiring.pipeline(settings_of(rig))):
        for device in waters:
            reading = Reading("level_m", 1.5, datetime.now(UTC) + timedelta(hours=2))
            rig.publish(device, Kind.READINGS, reading, boot=11, seq=1)
        assert eventually(log, active, lambda rows: len(rows) >= 1)[0] == ("active",)
        settled = log.execute("SELECT count(*) FROM rejection WHERE reason = 'future'").fetchone()
        assert settled is not None and settled[0] < DEVICES_MIN < len(waters)
        eventually(log, "SELECT max(n) FROM batch", higher_than(log))
    assert log.execute("SELECT count(*) FROM rejection WHERE reason = 'future'").fetchone() == settled
