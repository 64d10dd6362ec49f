"""Kill -9 of every part while the simulated city speaks: it heals by itself, and every message is in the log once."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.services.broker import Broker
from app.services.database import Database
from tests.figures import Show
from tests.fixtures import killing
from tests.fixtures.whole_city import WholeCity, await_rows, whole_city

pytestmark = pytest.mark.slow
HEAL_S = 60.0
SETTLED_S = 180.0
"""What was lost with its acknowledgement a device says again after 30 s without a mark and, if that was too early, 60 s
later once more."""

FLOWING = "SELECT count(*) FROM batch WHERE received_until_at > to_timestamp({since})"
"""Batches in the log with records that were received after a moment."""
HIGHEST = """
SELECT device, boot, max(seq) FROM (
    SELECT device, boot, seq FROM log_reading UNION ALL SELECT device, boot, seq FROM log_passage
    UNION ALL SELECT device, boot, seq FROM log_signal UNION ALL SELECT device, boot, seq FROM log_status
) r WHERE boot > 0 GROUP BY 1, 2"""
MISSING = """
WITH said AS (
    SELECT DISTINCT device, boot, seq FROM (
        SELECT device, boot, seq FROM log_reading UNION ALL SELECT device, boot, seq FROM log_passage
        UNION ALL SELECT device, boot, seq FROM log_signal UNION ALL SELECT device, boot, seq FROM log_status
        UNION ALL SELECT device, boot, seq FROM rejection
    ) r WHERE boot > 0
)
SELECT coalesce(sum(u.upto - (SELECT count(*) FROM said s
       WHERE s.device = u.device AND s.boot = u.boot AND s.seq <= u.upto)), 0)
FROM unnest(%(device)s::int[], %(boot)s::bigint[], %(upto)s::bigint[]) u (device, boot, upto)"""
DOUBLED = """
SELECT coalesce(sum(c - 1), 0) FROM (
    SELECT count(*) AS c FROM (
        SELECT device, boot, seq, part FROM log_reading UNION ALL
        SELECT device, boot, seq, part FROM log_passage UNION ALL
        SELECT device, boot, seq, part FROM log_signal UNION ALL
        SELECT device, boot, seq, part FROM log_status
    ) r WHERE boot > 0 GROUP BY device, boot, seq, part) g"""


@pytest.fixture(scope="module")
def city(run_folder: Path) -> Iterator[WholeCity]:
    with whole_city(run_folder / "crashes", "--no-history") as made:
        await_rows(made.dsn, "SELECT count(DISTINCT device) FROM log_reading", lambda rows: rows[0][0] >= 200)
        yield made


def kill_pipeline(city: WholeCity) -> None:
    os.kill(city.pid_of("pipeline"), signal.SIGKILL)


def kill_backend(city: WholeCity) -> None:
    assert killing.kill_backend(city.dsn("superuser"))


def kill_database(city: WholeCity) -> None:
    killing.kill_database(Database(city.data))


def kill_broker(city: WholeCity) -> None:
    killing.kill_broker(Broker(city.data))


@pytest.mark.parametrize("kill", [kill_pipeline, kill_backend, kill_database, kill_broker])
def test_after_kill_9_the_city_heals_and_every_message_is_in_the_log_exactly_once(
    city: WholeCity, kill: Callable[[WholeCity], None], figure: Show
) -> None:
    killed_s = time.time()
    kill(city)
    await_rows(city.dsn, FLOWING.format(since=killed_s + 1), lambda rows: rows[0][0] >= 1, HEAL_S)
    figure(f"{kill.__name__}: seconds until data flow again", time.time() - killed_s, at_most=HEAL_S)
    with psycopg.connect(city.dsn(), autocommit=True) as connection:
        upto = connection.execute(HIGHEST.encode()).fetchall()
        total = sum(row[2] for row in upto)
        values = {"device": [r[0] for r in upto], "boot": [r[1] for r in upto], "upto": [r[2] for r in upto]}
        connection.execute("LISTEN andaman_live")
        deadline_s = time.monotonic() + SETTLED_S
        while (missing := connection.execute(MISSING.encode(), values).fetchone()) != (0,):
            assert time.monotonic() < deadline_s, f"{missing} messages of {total} are not in the log"
            next(connection.notifies(timeout=1.0), None)
        doubled = connection.execute(DOUBLED.encode()).fetchone()
    figure(f"{kill.__name__}: messages of {len(upto)} devices in the log", total, at_least=len(upto))
    figure(f"{kill.__name__}: messages lost", int(missing[0]), exactly=0)
    figure(f"{kill.__name__}: records doubled", int(doubled[0]) if doubled else -1, exactly=0)
