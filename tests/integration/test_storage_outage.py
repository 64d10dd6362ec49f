"""A whole database that is killed and started again: the batch that waited is written once, bit for bit."""

import os
import signal
import threading
from pathlib import Path

import pytest

from app.services.database import Database
from contracts.findings import Outputs
from storage.migrate import migrate
from tests.fixtures.log_rows import log_batch
from tests.fixtures.shard_of import bench

BATCHES = 60


@pytest.mark.slow
def test_a_database_killed_under_load_loses_and_doubles_no_batch(own_database: Database, tmp_path: Path) -> None:
    migrate(own_database.dsn("owner"))
    desk = bench(own_database.dsn("pipeline"), tmp_path)
    desk.writer.open()
    acknowledged: list[int] = []
    under_way = threading.Event()

    def write() -> None:
        for n in range(1, BATCHES + 1):
            desk.writer.commit(desk.writer.prepare(log_batch(n, size=20), Outputs()))
            acknowledged.append(n)
            if n == BATCHES // 2:
                under_way.set()

    writing = threading.Thread(target=write)
    writing.start()
    assert under_way.wait(60)
    assert own_database.pid is not None
    os.kill(own_database.pid, signal.SIGKILL)
    own_database.start()
    writing.join(60)
    assert acknowledged == list(range(1, BATCHES + 1))
    read = list(desk.log.batches_after(desk.number, 0))
    assert [batch.n for batch in read] == acknowledged
    for batch in read:
        assert batch.passages.tobytes() == log_batch(batch.n, size=20).passages.tobytes()
    desk.close()
