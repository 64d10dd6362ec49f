"""From a camera's message to a row: what comes in, what is said of it, and what is refused."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from app import accounts
from app.wiring import city_files
from contracts import wire
from contracts.city import City
from contracts.records import Passage, PlateRead, Status
from contracts.topics import Kind
from simulators.publish import publish_one
from tests.fixtures.path_rig import PASSWORD, PROJECT, PathRig, path_rig
from tests.servers import BrokerServer

CAMERA = "cam-402-44"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city"), phuket_calibrated_for_good()) as made:
        made.pipeline()
        yield made


def phuket_calibrated_for_good() -> City:
    """Nothing of a camera out of calibration is chargeable, and this test goes by today's clock."""
    city = city_files(PROJECT / "cities" / "phuket")
    for_good = (msgspec.structs.replace(d, calibrated_until=date(2999, 1, 1)) for d in city.devices)
    return msgspec.structs.replace(city, devices=tuple(for_good))


@pytest.fixture(scope="module")
def log(role_dsn: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        yield connection


def eventually(connection: psycopg.Connection[Any], query: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """The rows of a query once there are enough: asked again at every commit of the pipeline."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not enough(rows := connection.execute(query.encode()).fetchall()):
        assert time.monotonic() < deadline_s, f"{query}: {rows}"
        next(connection.notifies(timeout=1.0), None)
    return rows


def passage(speed_kmh: float, at: datetime | None = None) -> Passage:
    plates = [PlateRead("1กข 1234", 0.97, "TH-83")]
    return Passage(
        t=at or datetime.now(UTC), lane=1, vehicle="car", direction="backward", speed_kmh=speed_kmh, plates=plates
    )


def test_131_kmh_in_a_60_zone_is_a_suspected_violation(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    rig.publish(CAMERA, Kind.STATUS, Status(t=datetime.now(UTC), clock_offset_ms=2.0, clock_source="ntp"))
    rig.publish(CAMERA, Kind.PASSAGE, passage(131))
    (row,) = eventually(log, "SELECT content, chargeable FROM violation", lambda rows: len(rows) == 1)
    assert row[0]["because"]["measured"] == 131 and row[0]["because"]["limit"] == 60
    assert row[1] is True
    assert log.execute("SELECT count(*) FROM log_passage").fetchone() == (1,)


def test_the_same_bytes_again_make_no_second_row(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    payload = wire.encode(Kind.PASSAGE, [passage(50)], boot=1_800_000_000, seq=1)
    unnumbered = wire.encode(Kind.PASSAGE, [passage(51)])
    for each in (payload, unnumbered, payload, unnumbered):
        rig.publish_raw(CAMERA, Kind.PASSAGE, each)
    rig.publish(CAMERA, Kind.PASSAGE, passage(52))
    counted = "SELECT speed_kmh, count(*) FROM log_passage WHERE speed_kmh BETWEEN 50 AND 52 GROUP BY 1 ORDER BY 1"
    rows = eventually(log, counted, lambda rows: (52.0, 1) in rows)
    assert rows == [(50.0, 1), (51.0, 1), (52.0, 1)]


def test_the_same_number_with_other_content_is_a_conflict(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    rig.publish(CAMERA, Kind.PASSAGE, passage(53), boot=1_800_000_000, seq=2)
    rig.publish(CAMERA, Kind.PASSAGE, passage(54), boot=1_800_000_000, seq=2)
    found = "SELECT seq, part, topic, length(payload) > 100 FROM rejection WHERE reason = 'conflict'"
    topic = rig.topic(CAMERA, Kind.PASSAGE)
    assert eventually(log, found, lambda rows: len(rows) == 1) == [(2, 0, topic, True)]
    assert log.execute("SELECT count(*) FROM log_passage WHERE speed_kmh = 54").fetchone() == (0,)


def test_what_is_wrong_is_rejected_with_its_reason_and_does_nothing_else(
    rig: PathRig, log: psycopg.Connection[Any]
) -> None:
    counts = "SELECT (SELECT count(*) FROM log_passage), (SELECT count(*) FROM violation)"
    before = log.execute(counts.encode()).fetchone()
    rig.publish_raw(CAMERA, Kind.PASSAGE, b'{"records": [{')
    rig.publish(CAMERA, Kind.PASSAGE, passage(900))
    rig.publish(CAMERA, Kind.PASSAGE, passage(131, datetime(2099, 1, 1, tzinfo=UTC)))
    rig.publish(CAMERA, Kind.PASSAGE, passage(131, datetime.now(UTC) - timedelta(days=400)))
    publish_unknown(rig)
    found = "SELECT reason FROM rejection WHERE reason <> 'conflict' ORDER BY reason"
    rows = eventually(log, found, lambda rows: len(rows) >= 5)
    assert [reason for (reason,) in rows] == ["future", "not_json", "out_of_range", "past", "unknown_device"]
    assert log.execute(counts.encode()).fetchone() == before


def publish_unknown(rig: PathRig) -> None:
    """A device that is in no city file, on the account of one that is no device: the house's own for replays."""
    publish_one(
        rig.url, accounts.REPLAYER, PASSWORD, "andaman/v1/phuket/ko-kaeo/cam-nowhere/passage",
        wire.encode(Kind.PASSAGE, [passage(131)]),
    )  # fmt: skip


def test_no_clear_plate_is_anywhere_in_the_database(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    plate = "1กข1234"
    # A row as text shows bytes in hexadecimal, so the plate is looked for both ways.
    patterns = {"text": f"%{plate}%", "hex": f"%{plate.encode().hex()}%", "said": "%1กข 1234%"}
    tables = log.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert ("log_passage",) in tables and ("violation_plate",) in tables
    for (name,) in tables:
        query = f'SELECT count(*) FROM "{name}" t WHERE t::text LIKE ANY (%s)'
        assert log.execute(query.encode(), (list(patterns.values()),)).fetchone() == (0,), name
    assert log.execute("SELECT count(*) FROM violation_plate").fetchone() == (1,)


def test_a_second_pipeline_takes_the_shard_and_the_older_one_stops(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    older = rig.started[-1]
    newer = rig.pipeline()
    assert older.wait() == 3
    rig.publish(CAMERA, Kind.PASSAGE, passage(55))
    eventually(log, "SELECT 1 FROM log_passage WHERE speed_kmh = 55", lambda rows: len(rows) == 1)
    assert newer.child.poll() is None


def test_a_pipeline_killed_at_any_moment_loses_and_doubles_nothing(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    boot = 1_900_000_000
    for seq in range(1, 61):
        rig.publish(CAMERA, Kind.PASSAGE, passage(40), boot=boot, seq=seq)
        if seq % 15 == 0:
            rig.started[-1].kill()
            rig.pipeline()
    query = f"SELECT seq, count(*) FROM log_passage WHERE boot = {boot} GROUP BY seq ORDER BY seq"
    rows = eventually(log, query, lambda rows: len(rows) == 60)
    assert rows == [(seq, 1) for seq in range(1, 61)]
