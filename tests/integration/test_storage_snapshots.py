"""Snapshots come back as they were, or not at all; cities and keys are noted once."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import psycopg
import pytest

from contracts.errors import StorageError
from storage.cities import Cities
from storage.ledger import destroy_days, note_keys
from storage.snapshots import Snapshots
from storage.vault import Vault
from tests.fixtures.log_rows import any_rows
from tests.fixtures.small_city import small_city

RECORD = np.dtype([("series", "i8"), ("value", "f8"), ("part", "i4")])
FIELDS = {
    "moments.n": np.array(7),
    "clocks.memory": np.arange(12, dtype=np.int64).reshape(3, 4),
    "windows.open": any_rows(RECORD, 5, 1),
    "silence.active": np.array([True, False]),
    "exceedance/pm2_5/ring": np.array([np.nan, -0.0, 1.5]),
    "nothing": np.zeros((0, 3), np.int32),
}


@pytest.fixture
def snapshots(role_dsn: Callable[[str], str]) -> Iterator[Snapshots]:
    with closing(Snapshots(role_dsn("pipeline"))) as made:
        yield made


def test_a_snapshot_comes_back_bit_for_bit_and_writable(snapshots: Snapshots) -> None:
    snapshots.save(1, 40, "1", FIELDS)
    found = snapshots.newest(1, "1")
    assert found is not None
    n, fields = found
    assert (n, sorted(fields)) == (40, sorted(FIELDS))
    for name, array in FIELDS.items():
        again = fields[name]
        assert (again.dtype, again.shape, again.tobytes()) == (array.dtype, array.shape, array.tobytes())
    fields["clocks.memory"][0, 0] = 5


def test_a_field_larger_than_a_chunk_comes_back_whole(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.snapshots.CHUNK_BYTES", 1000)
    big = np.arange(10_001, dtype=np.int16)
    snapshots.save(2, 1, "1", {"big": big})
    found = snapshots.newest(2, "1")
    assert found is not None
    assert found[1]["big"].tobytes() == big.tobytes()


def test_only_the_newest_three_are_kept(snapshots: Snapshots, dsn: str) -> None:
    for n in range(1, 6):
        snapshots.save(3, n, "1", {"n": np.array(n)})
    with psycopg.connect(dsn) as connection:
        kept = connection.execute("SELECT n FROM snapshot WHERE shard = 3 ORDER BY n").fetchall()
        fields = connection.execute(
            "SELECT count(*) FROM snapshot_field f JOIN snapshot s ON s.id = f.snapshot WHERE s.shard = 3"
        ).fetchone()
    assert kept == [(3,), (4,), (5,)]
    assert fields == (3,)


def test_a_snapshot_that_was_cut_off_is_never_loaded_and_goes_with_the_next(snapshots: Snapshots, dsn: str) -> None:
    snapshots.save(4, 1, "1", {"n": np.array(1)})
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO snapshot (shard, n, engine) VALUES (4, 2, '1')")
    found = snapshots.newest(4, "1")
    assert found is not None and found[0] == 1
    snapshots.save(4, 3, "1", {"n": np.array(3)})
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT n FROM snapshot WHERE shard = 4 ORDER BY n").fetchall() == [(1,), (3,)]


def test_a_snapshot_of_another_engine_or_from_after_a_batch_is_not_loaded(snapshots: Snapshots) -> None:
    for n, engine in ((1, "1"), (2, "1"), (3, "2")):
        snapshots.save(5, n, engine, {"n": np.array(n)})
    assert [found and found[0] for found in (snapshots.newest(5, "1"), snapshots.newest(5, "1", until=1))] == [2, 1]
    assert snapshots.newest(5, "3") is None
    assert snapshots.newest(6, "1") is None


def test_a_snapshot_that_lost_a_chunk_is_an_error_and_not_a_shorter_state(snapshots: Snapshots, dsn: str) -> None:
    snapshots.save(7, 1, "1", {"n": np.arange(5)})
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE snapshot_field SET bytes = '' WHERE snapshot = (SELECT id FROM snapshot WHERE shard = 7)"
        )
    with pytest.raises(StorageError, match="do not fill"):
        snapshots.newest(7, "1")


def test_python_objects_are_refused(snapshots: Snapshots) -> None:
    with pytest.raises(ValueError, match="plain arrays"):
        snapshots.save(8, 1, "1", {"odd": np.array([object()])})


def test_a_city_that_did_not_change_makes_no_new_version(role_dsn: Callable[[str], str]) -> None:
    cities = Cities(role_dsn("api"))
    city = small_city()
    first, again = cities.add(city, "test"), cities.add(city, "test")
    assert (first.version, again.version) == (1, 1)
    assert cities.newest(city.id) == first == cities.version(city.id, 1)
    assert (cities.newest("nowhere"), cities.version(city.id, 2)) == (None, None)


def test_a_device_keeps_its_number_and_numbers_are_unique_over_cities(role_dsn: Callable[[str], str]) -> None:
    cities = Cities(role_dsn("owner"))
    city = msgspec.structs.replace(small_city(), id="one")
    first = cities.add(city, "test")
    fewer = cities.add(msgspec.structs.replace(city, devices=city.devices[1:]), "test")
    other = cities.add(msgspec.structs.replace(city, id="two"), "test")
    back = cities.add(city, "test")
    numbers = {device.id: device.no for device in first.devices}
    assert {device.id: device.no for device in fewer.devices}.items() <= numbers.items()
    assert {device.id: device.no for device in back.devices} == numbers
    assert (fewer.version, back.version) == (2, 3)
    assert not {device.no for device in other.devices} & set(numbers.values())
    assert set(cities.names()) >= {"one", "two"}


def test_the_ledger_shows_every_key_and_when_it_was_destroyed(
    role_dsn: Callable[[str], str], dsn: str, tmp_path: Path
) -> None:
    vault, worker = Vault(tmp_path / "keys"), role_dsn("worker")
    days = [vault.seal("ก1|", "", 1_800_000_000_000_000 + at * 86_400_000_000).day for at in range(3)]
    vault.case_seal("ก1|", 1_800_000_000_000_000)
    assert note_keys(worker, vault) == 7
    assert note_keys(worker, vault) == 0
    assert destroy_days(worker, vault, days[2]) == 2
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT kind, day, destroyed_at IS NULL FROM key_ledger ORDER BY 1, 2").fetchall()
    assert [alive for kind, _, alive in rows if kind == "encrypt"] == [False, False, True]
    assert [alive for kind, _, alive in rows if kind == "case"] == [True]
