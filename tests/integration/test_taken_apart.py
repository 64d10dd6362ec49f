"""A batch that broke, on the real log: it is taken apart in order, and from a state of now."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest

from app import wiring
from app.parts import Parts
from app.pipeline import Pipeline
from contracts import wire
from contracts.clock import HOUR_US
from contracts.columns import Batch, Columns
from contracts.delivery import Delivery
from contracts.errors import StorageUnavailable
from contracts.jit import warm_up
from contracts.topics import Kind
from processing.state import STATE_VERSION
from storage.prepared import Prepared
from storage.snapshots import Snapshots
from tests.fixtures.path_rig import PathRig, path_rig
from tests.integration.test_pipeline import CAMERA, FaultyWriter, eventually, made_of, passage, running, settings_of
from tests.servers import BrokerServer

BROKEN_LANE = 3


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    warm_up()
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest.fixture(scope="module")
def log(role_dsn: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        yield connection


def breaking(rig: PathRig) -> Parts:
    """Parts whose database refuses one lane."""
    parts = wiring.pipeline_parts(settings_of(rig))
    return replace(parts, writer=FaultyWriter(parts.writer, BROKEN_LANE))  # type: ignore[arg-type]


class LogAway:
    """The real log, but for questions about old numbers: the `fails`th of them finds the database away."""

    def __init__(self, real: Any, fails: int) -> None:
        self._real, self._fails, self.asked = real, fails, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def seen(self, *question: Any) -> Columns:
        self.asked += 1
        if self.asked == self._fails:
            raise StorageUnavailable("away for the test")
        found: Columns = self._real.seen(*question)
        return found


@pytest.mark.parametrize("fails", range(1, 8))
def test_a_database_that_goes_away_while_a_batch_is_taken_apart_changes_no_order(
    rig: PathRig, log: psycopg.Connection[Any], fails: int
) -> None:
    boot = 10 * fails
    parts = breaking(rig)
    with running(made_of(rig, parts)):
        rig.publish(CAMERA, Kind.PASSAGE, passage(44), boot=boot + 1, seq=1)
        eventually(log, f"SELECT 1 FROM log_passage WHERE boot = {boot + 1}", lambda rows: len(rows) == 1)
    parts = breaking(rig)
    away = LogAway(parts.log, fails)
    pipeline = made_of(rig, replace(parts, log=away))  # type: ignore[arg-type]
    pipeline.hold([backlog(rig, boot, seq) for seq in range(1, 9)])  # of the life before: the log is asked for them
    with running(pipeline):
        there = f"SELECT seq FROM log_passage WHERE boot = {boot} ORDER BY n, place"
        found = eventually(log, there, lambda rows: len(rows) == 7)
    assert [seq for (seq,) in found] == [1, 2, 3, 4, 5, 7, 8]
    assert away.asked > fails, "it was away, and was asked again"
    assert log.execute("SELECT count(*) FROM rejection WHERE boot = %s AND seq = 6", [boot]).fetchone() == (1,)


def backlog(rig: PathRig, boot: int, seq: int) -> Delivery:
    """One passage as it comes from the broker; of eight the sixth breaks."""
    record = msgspec.structs.replace(passage(44), lane=BROKEN_LANE if seq == 6 else 1)
    received_us = int(datetime.now(UTC).timestamp() * 1_000_000)
    return Delivery(rig.topic(CAMERA, Kind.PASSAGE), wire.encode(Kind.PASSAGE, [record], boot, seq), received_us)


class CountedLog:
    """The real log; `folded` has for each recovery how many batches it read."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.folded: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def batches_after(self, *where: Any) -> Iterator[Batch]:
        self.folded.append(0)
        for batch in self._real.batches_after(*where):
            self.folded[-1] += 1
            yield batch


class AtOnce:
    """A snapshotter that has written what it was offered when `offer` returns."""

    def __init__(self, real: Any, dsn: str) -> None:
        self._real, self._snapshots = real, Snapshots(dsn)

    def offer(self, n: int, fields: dict[str, Columns]) -> None:
        self._snapshots.save(0, n, STATE_VERSION, fields)

    def close(self) -> None:
        self._snapshots.close()
        self._real.close()


def test_each_part_of_a_broken_batch_begins_from_the_state_of_now(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    settings = settings_of(rig)
    rare = replace(settings.pipeline, snapshot_s=3600.0, snapshot_work_s=3600.0)
    parts = breaking(rig)
    counted = CountedLog(parts.log)
    parts = replace(parts, log=counted, snapshotter=AtOnce(parts.snapshotter, rig.dsn("pipeline")))  # type: ignore[arg-type]
    with running(Pipeline(parts, rare, settings.limits, wiring.clock_us)):
        for seq in range(1, 11):
            rig.publish(CAMERA, Kind.PASSAGE, passage(44), boot=900, seq=seq)
            there = f"SELECT 1 FROM log_passage WHERE boot = 900 AND seq = {seq}"
            eventually(log, there, lambda rows: len(rows) == 1)
        counted.folded.clear()
        rig.publish(CAMERA, Kind.PASSAGE, msgspec.structs.replace(passage(44), lane=BROKEN_LANE), boot=900, seq=11)
        eventually(log, "SELECT 1 FROM rejection WHERE boot = 900 AND seq = 11", lambda rows: len(rows) == 1)
    first, *rest = counted.folded
    assert first >= 10, "everything since the snapshot at the start"
    assert rest and max(rest) <= 2, "what was committed since the first recovery"


class SlowWriter(FaultyWriter):
    """Each commit, and each refusal, of what is taken apart takes longer than any device may be silent."""

    def __init__(self, real: Any, lane: int, passes: Callable[[], None]) -> None:
        super().__init__(real, lane)
        self._passes = passes

    def commit(self, prepared: Prepared, stop: threading.Event | None = None) -> None:
        if threading.current_thread().name != "commit":
            self._passes()
        super().commit(prepared, stop)


def test_nobody_is_silent_while_a_batch_is_taken_apart(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    settings, off_us = settings_of(rig), [0]

    def hours_pass() -> None:
        off_us[0] += 2 * HOUR_US

    parts = wiring.pipeline_parts(settings)
    parts = replace(parts, writer=SlowWriter(parts.writer, BROKEN_LANE, hours_pass))  # type: ignore[arg-type]
    pipeline = Pipeline(parts, settings.pipeline, settings.limits, lambda: wiring.clock_us() + off_us[0])
    with running(pipeline):
        for seq in range(1, 6):
            lane = BROKEN_LANE if seq == 3 else 1
            rig.publish(CAMERA, Kind.PASSAGE, msgspec.structs.replace(passage(44), lane=lane), boot=950, seq=seq)
        eventually(log, "SELECT 1 FROM rejection WHERE boot = 950 AND seq = 3", lambda rows: len(rows) == 1)
        (now,) = log.execute("SELECT max(n) FROM batch").fetchone() or (0,)
        eventually(log, "SELECT max(n) FROM batch", lambda rows: rows[0][0] >= now + 3)
    assert off_us[0] >= 4 * HOUR_US
    assert log.execute("SELECT count(*) FROM alarm WHERE kind = 'silence'").fetchone() == (0,)
