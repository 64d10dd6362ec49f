"""The commit thread while the database is away: it waits, until somebody tells it that nobody waits any more."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.committing import Committer, Work
from app.marks import Marks
from contracts.errors import StorageUnavailable
from storage.prepared import Prepared, Shard
from storage.vault import Vault
from storage.writer import Writer
from tests.fixtures.small_city import small_city

NOBODY = "host=127.0.0.1 port=1 dbname=andaman"
"""Port 1 refuses at once, as a database that is away does."""
WORK = Work(Prepared(1, {}))
PATIENCE_S = 20.0


@pytest.fixture
def committer(tmp_path: Path) -> Iterator[Committer]:
    writer = Writer(NOBODY, Shard(0, "testville", "live"), Vault(tmp_path), small_city())
    marks = Marks("testville", lambda *said: True, 1.0)
    made = Committer(writer, lambda tokens: None, marks, lambda n, fields: None, 2)
    made.start()
    yield made
    made.finish()


def test_who_ends_it_may_be_stopped_while_it_waits_for_the_database(committer: Committer) -> None:
    stop = threading.Event()
    assert committer.put(WORK, stop)
    left: list[list[Work]] = []
    ending = threading.Thread(target=lambda: left.append(committer.finish(stop)), daemon=True)
    ending.start()
    ending.join(0.5)
    assert ending.is_alive(), "the batch is waited for as long as nobody stops"
    stop.set()
    ending.join(PATIENCE_S)
    assert left == [[WORK]]
    assert isinstance(committer.failure, StorageUnavailable)


def test_a_batch_that_is_committed_at_once_is_given_up_with_a_stop(committer: Committer) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StorageUnavailable):
        committer.do(WORK, stop)
