"""Which version of a city a shard judges by is read from its log, also after retention has cut it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from storage.cities import Cities
from storage.connection import connect
from storage.credentials import newest_batch
from storage.log import Log
from storage.vault import Vault
from tests.fixtures.city_rows import CityRows

OURS, OTHER = 1, 2


@pytest.fixture
def rows(role_dsn: Callable[[str], str], tmp_path: Path) -> Iterator[CityRows]:
    with CityRows(role_dsn("superuser"), Vault(tmp_path / "keys")) as made:
        for table in ("batch", "shard"):
            made.execute(f"DELETE FROM {table}")
        for shard in (OURS, OTHER):
            made.shard(shard)
        yield made


@pytest.fixture
def log(role_dsn: Callable[[str], str]) -> Iterator[Log]:
    with closing(Log(role_dsn("worker"))) as made:
        yield made


def put_in_force(rows: CityRows, shard: int, version: int) -> None:
    n = rows.batch(shard)
    rows.execute("UPDATE batch SET config = %s WHERE shard = %s AND n = %s", version, shard, n)


def test_a_version_is_in_force_once_a_batch_of_its_own_shard_says_it_or_a_later_one(rows: CityRows, log: Log) -> None:
    city, version = rows.city.id, rows.city.version
    put_in_force(rows, OTHER, version)
    put_in_force(rows, OURS, version - 1)
    rows.batch(OURS)
    assert not log.in_force(OURS, city, version)
    put_in_force(rows, OURS, version + 1)
    assert log.in_force(OURS, city, version) and log.in_force(OURS, city, version + 1)
    assert not log.in_force(OURS, city, version + 2)


def test_a_log_that_was_cut_after_a_version_says_that_it_is_in_force_and_nothing_of_a_later_one(
    rows: CityRows, log: Log, role_dsn: Callable[[str], str]
) -> None:
    city, version = rows.city.id, rows.city.version
    put_in_force(rows, OURS, version)
    rows.batch(OURS)
    rows.execute("DELETE FROM batch WHERE shard = %s AND n = 1", OURS)
    assert log.in_force(OURS, city, version)
    later = Cities(role_dsn("owner")).add(msgspec.structs.replace(rows.city, zoom=11.0), "test")
    assert later.version == version + 1 and not log.in_force(OURS, city, later.version)


def test_a_new_log_puts_a_version_in_force_by_saying_so_alone(rows: CityRows, log: Log) -> None:
    assert not log.in_force(OURS, rows.city.id, rows.city.version)
    rows.batch(OURS)
    assert not log.in_force(OURS, rows.city.id, rows.city.version)


def test_a_past_that_is_being_made_is_not_taken_for_the_live_log(
    rows: CityRows, role_dsn: Callable[[str], str]
) -> None:
    now = datetime.now(UTC)
    live = rows.batch(OURS, now)
    rows.batch(OTHER, now - timedelta(days=2))
    with connect(role_dsn("api"), "test") as connection:
        assert newest_batch(connection, rows.city.id) == (OURS, live)
