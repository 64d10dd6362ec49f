"""Retention drops what is due and nothing else, keeps the numbers going, and makes room on a full disk."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from app.disk import Disk
from app.retention import Periods, load_periods, retain
from contracts.columns import PASSAGE, READING, Batch
from contracts.errors import ConfigError
from contracts.findings import Outputs
from storage.log import Log
from storage.retention import TELEMETRY, Retention
from storage.vault import Vault, thai_day
from storage.writer import Writer
from tests.fixtures.shard_of import bench

ROOT = Path(__file__).parents[2]
NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
DAY_US = 86_400_000_000
AGES_DAYS = (1, 20, 50, 100, 300, 500)


class Told:
    """A job that only listens."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def report(self, progress: float, message: str) -> None:
        assert 0 <= progress <= 1
        self.said.append(message)

    def check(self) -> None:
        self.said.append("")


@pytest.fixture
def aged(role_dsn: Callable[[str], str], dsn: str, tmp_path: Path) -> Iterator[tuple[Writer, Log, Vault, int]]:
    """A log with a reading and a passage of each age, and the keys of those days."""
    desk = bench(role_dsn("pipeline"), tmp_path, announce=False)
    desk.writer.open()
    for n, age in enumerate(reversed(AGES_DAYS), 1):
        moment_us = int(NOW.timestamp() * 1_000_000) - age * DAY_US
        readings, passages = np.zeros(1, READING), np.zeros(1, PASSAGE)
        for rows in (readings, passages):
            rows["received_us"] = rows["event_us"] = moment_us
            rows["device"] = 1
        passages["place"] = 1
        desk.vault.seal("1กข1|TH-83", "", moment_us)
        batch = Batch(n, moment_us - 1, moment_us, readings=readings, passages=passages)
        desk.writer.commit(desk.writer.prepare(batch, Outputs()))
    yield desk.writer, desk.log, desk.vault, desk.number
    with psycopg.connect(dsn) as connection:
        for table in ("log_reading", "log_passage", "batch"):
            connection.execute(f"DELETE FROM {table}".encode())
    desk.close()


def ages(dsn: str, table: str, column: str = "received_at") -> list[int]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(f"SELECT {column} FROM {table}".encode()).fetchall()
    return sorted((NOW - moment).days for (moment,) in rows)


def test_each_kind_is_kept_for_its_own_time(
    aged: tuple[Writer, Log, Vault, int], role_dsn: Callable[[str], str], dsn: str
) -> None:
    told = Told()
    retain(told, role_dsn("worker"), aged[2], Periods(), lambda: "ok", NOW)
    assert ages(dsn, "log_passage") == [1, 20, 50]
    assert ages(dsn, "log_reading") == [1, 20, 50, 100, 300]
    assert ages(dsn, "batch", "now_at") == [1, 20, 50, 100, 300]
    assert told.said[-1] == "4 chunks dropped, keys of 4 days destroyed"


def test_keys_are_destroyed_with_their_plates(
    aged: tuple[Writer, Log, Vault, int], role_dsn: Callable[[str], str], dsn: str
) -> None:
    retain(Told(), role_dsn("worker"), aged[2], Periods(), lambda: "ok", NOW)
    today = thai_day(int(NOW.timestamp() * 1_000_000))
    assert {today - entry.day: entry.destroyed for entry in aged[2].entries()} == {age: age > 30 for age in AGES_DAYS}
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT day, destroyed_at IS NOT NULL FROM key_ledger WHERE kind = 'hash'").fetchall()
    assert {today - day: gone for day, gone in rows} == {age: age > 30 for age in AGES_DAYS}


def test_a_shard_keeps_its_last_entry_so_that_its_numbers_go_on(
    aged: tuple[Writer, Log, Vault, int], role_dsn: Callable[[str], str]
) -> None:
    _, log, _, shard = aged
    with closing(Retention(role_dsn("worker"))) as store:
        assert store.drop_batches(NOW + timedelta(days=1), lambda: None) == len(AGES_DAYS) - 1
    assert log.last_batch(shard) == len(AGES_DAYS)


def disk_that_frees(dsn: str, left: int) -> Callable[[], Disk]:
    return lambda: "ok" if len(ages(dsn, "log_reading")) <= left else "low"


@pytest.mark.parametrize(("left", "readings"), [(4, [1, 20, 50, 100]), (3, [1, 20, 50]), (0, [1])])
def test_a_low_disk_halves_the_periods_until_there_is_room_and_never_takes_the_last_week(
    aged: tuple[Writer, Log, Vault, int], role_dsn: Callable[[str], str], dsn: str, left: int, readings: list[int]
) -> None:
    told = Told()
    retain(told, role_dsn("worker"), aged[2], Periods(), disk_that_frees(dsn, left), NOW)
    assert ages(dsn, "log_reading") == readings
    assert "before their time" in told.said[-1]


def test_the_periods_of_phuket_are_the_defaults_and_what_a_file_leaves_out_keeps_them(tmp_path: Path) -> None:
    assert load_periods(ROOT / "cities/phuket/retention.toml") == Periods()
    (tmp_path / "retention.toml").write_text("passages_days = 60")
    assert load_periods(tmp_path / "retention.toml") == Periods(passages_days=60)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("passages_day = 90", "unknown"),
        ("passages_days = 3", "at least 7"),
        ('passages_days = "long"', "int"),
        ("passages_days", "not TOML"),
    ],
)
def test_a_wrong_period_is_named(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "retention.toml").write_text(content)
    with pytest.raises(ConfigError, match=problem):
        load_periods(tmp_path / "retention.toml")


def test_every_period_is_carried_out_and_every_kind_has_one() -> None:
    periods: Any = Periods()
    for what in TELEMETRY:
        assert periods.of(what) > timedelta(0)
