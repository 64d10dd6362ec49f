"""A device floods with bad messages beside its own good ones and those of others: nobody is harmed, one alarm."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from app import accounts, wiring
from contracts import wire
from contracts.jit import warm_up
from contracts.records import Reading
from contracts.topics import Kind
from ingest.patience import LOOKED_INTO_A_MINUTE
from simulators.publish import Account, publish_all
from storage.kept_rejections import BURST_BYTES, REFILL_BYTES_S, ROW_BYTES
from tests.figures import Show
from tests.fixtures.path_rig import PASSWORD, PathRig, path_rig
from tests.integration.test_pipeline import eventually, running, settings_of
from tests.servers import BrokerServer

FLOODING, OTHER = "water-01", "water-02"
BAD, GOOD = 20_000, 40
PAYLOADS = (
    b'{"boot": 1, "seq": %d, "records": [{"metric": "level_m", "colour": "red"}]}',
    b'{"boot": 1, "seq": %d, "records": [{"metric": "nothing", "value": 1}]}',
    b'{"boot": 1, "seq": %d, "records": [',
    json.dumps({"records": [{"metric": "level_m", "value": 1e9}] * 5}).encode() + b" " * 2,
)
"""Wrong in four ways: no such field, no such series, no JSON, impossible values without a number."""


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    warm_up()  # compiling is not what is timed here
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest.fixture(scope="module")
def log(role_dsn: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        yield connection


def flood(rig: PathRig) -> list[tuple[str, bytes]]:
    """Bad messages of one device, and among them evenly good ones of it and of another."""
    messages = []
    for at in range(BAD):
        payload = PAYLOADS[at % len(PAYLOADS)]
        numbered = payload % (at + 1_000) if b"%d" in payload else payload
        messages.append((rig.topic(FLOODING, Kind.READINGS), numbered))
        if at % (BAD // GOOD) == 0:
            reading = Reading("level_m", 2.0 + at / BAD, datetime.now(UTC))
            for device in (FLOODING, OTHER):
                good = wire.encode(Kind.READINGS, [reading], 2 if device == FLOODING else 1, at + 1)
                messages.append((rig.topic(device, Kind.READINGS), good))
    return messages


def test_a_flood_is_bounded_counted_and_one_alarm_and_every_good_message_is_in_the_log(
    rig: PathRig, log: psycopg.Connection[Any], figure: Show
) -> None:
    with running(wiring.pipeline(settings_of(rig))):
        pass  # its session waits at the broker: what is sent meanwhile comes faster than any device sends
    publish_all(Account(rig.url, accounts.REPLAYER, PASSWORD), flood(rig), timeout_s=30.0)
    started_s = time.monotonic()
    with running(wiring.pipeline(settings_of(rig))):
        good = "SELECT d.id, count(*) FROM log_reading r JOIN device d ON d.no = r.device GROUP BY 1 ORDER BY 1"
        assert eventually(log, good, lambda rows: rows == [(FLOODING, GOOD), (OTHER, GOOD)])
        counted = "SELECT sum((r ->> 'count')::int) FROM batch, jsonb_array_elements(rejects) r"
        ((total,),) = eventually(log, counted, lambda rows: rows[0][0] is not None and rows[0][0] >= BAD)
        done_s = time.monotonic() - started_s
        alarms = "SELECT DISTINCT id, subject FROM alarm WHERE kind = 'bad-messages'"
        assert [subject for _, subject in eventually(log, alarms, lambda rows: len(rows) >= 1)] == [FLOODING]
    figure(
        f"seconds from the start until {BAD} bad messages and the good among them were dealt with", done_s, at_most=60
    )
    figure("good messages of the flooding device and of another in the log", 2 * GOOD, exactly=2 * GOOD)
    figure("bad messages counted", total, exactly=BAD)
    ((rows, kept),) = log.execute(
        "SELECT count(*), sum(octet_length(payload)) FROM rejection WHERE octet_length(payload) > 28"
    ).fetchall()
    figure("of them kept with their bytes", rows, at_most=2 * LOOKED_INTO_A_MINUTE)  # within two minutes at most
    assert kept + rows * ROW_BYTES <= BURST_BYTES + (done_s + 1) * REFILL_BYTES_S + rows * 28
    assert log.execute("SELECT sum(count) FROM rejection").fetchone() == (BAD,), "the list says how many there were"
