"""A score of a city that runs reads its findings page by page, the current revision of each, and no plate."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.score import kept
from app.score.kept import kept_findings
from contracts.clock import to_us
from storage.pool import Pool
from storage.reader import DatabaseReader
from storage.vault import Vault
from tests.fixtures.city_rows import NOON, CityRows

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def rows(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityRows]:
    with CityRows(role_dsn("superuser"), Vault(tmp_path_factory.mktemp("score") / "keys")) as made:
        made.shard(1, "simulated")
        made.batch(1)
        yield made


@pytest.fixture
def reader(role_dsn: Callable[[str], str], rows: CityRows, tmp_path: Path) -> Iterator[DatabaseReader]:
    pool = Pool(role_dsn("api"), "score")
    yield DatabaseReader(pool, Vault(tmp_path / "keys"))
    pool.close()


def test_cases_and_alarms_are_read_in_their_last_revision_whatever_the_page(
    rows: CityRows, reader: DatabaseReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PAGE", 2)
    looked_at = uuid4()
    rows.violation(id=looked_at, at=NOON)
    rows.violation(id=looked_at, at=NOON, revision=2, reason="dirty_lens")
    for minute in range(1, 5):
        rows.violation(at=NOON + minute * MINUTE)
    rows.violation(at=NOON + 2 * HOUR)
    over = uuid4()
    rows.alarm(id=over)
    rows.alarm(id=over, condition="normal", revision=7)
    stands = rows.alarm(kind="silence", onset=NOON + MINUTE)
    rows.alarm(kind="noise-high", condition="suppressed", onset=NOON + 2 * MINUTE)
    found = kept_findings(reader, rows.city, NOON - HOUR, NOON + HOUR)
    assert sorted((case.occurred_us - to_us(NOON)) // 60_000_000 for case in found.cases) == [0, 1, 2, 3, 4]
    first = next(case for case in found.cases if case.id == str(looked_at))
    assert (first.kind, first.device, first.chargeable, first.reason) == ("speeding", "cam-402-01", False, "dirty_lens")
    alarms = {one.id: one for one in found.alarms}
    assert (alarms[str(over)].from_us, alarms[str(over)].to_us) == (to_us(NOON), to_us(NOON + 7 * MINUTE))
    assert (alarms[str(stands)].to_us, alarms[str(stands)].devices) == (-1, ("air-01",))
    assert [one.kind for one in found.alarms if one.suppressed] == ["noise-high"]
