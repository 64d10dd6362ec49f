"""A small pool of connections for the reading side: as many at once as the database should be asked in parallel.

A request takes a connection for one question and gives it back. A broken one is thrown away, and the next question
opens a new one; the last one given back is the next one taken, so that a quiet night leaves the others to be closed.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from contracts.errors import StorageUnavailable
from storage.connection import Connection, connect, translated

SIZE: Final = 8
"""Questions at once: two cores answer no more any faster, and the pipeline needs its share."""
WAIT_S: Final = 10.0
"""How long a question waits for a connection; a person has turned away by then."""
IDLE_S: Final = 300.0
"""An unused connection is closed after so long."""
_OPTIONS: Final = " ".join(
    (
        "-c statement_timeout=15s",  # no question of a page may hold a core for longer
        "-c plan_cache_mode=force_custom_plan",  # filters are optional: one plan for all of them would be a bad one
    )
)


class Pool:
    """Hands out at most `size` autocommit connections."""

    def __init__(self, dsn: str, purpose: str, size: int = SIZE, now_s: Callable[[], float] = time.monotonic) -> None:
        own = conninfo_to_dict(dsn).get("options") or ""
        self._dsn = make_conninfo(dsn, options=f"{own} {_OPTIONS}".strip())
        self._purpose = purpose
        self._now_s = now_s
        self._free = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection]] = []
        self._closed = False

    @contextmanager
    def connection(self, doing: str) -> Iterator[Connection]:
        """A connection for one question; `doing` says which.

        Raises:
            StorageUnavailable: all are taken for too long, or the server cannot be reached.
            StorageError: the database refused a statement.
        """
        if not self._free.acquire(timeout=WAIT_S):
            raise StorageUnavailable(f"{doing}: every connection has been busy for {WAIT_S:.0f} s")
        try:
            connection = self._take()
            try:
                with translated(doing):
                    yield connection
            finally:
                self._give_back(connection)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _take(self) -> Connection:
        with self._lock:
            while self._idle:
                _, connection = self._idle.pop()
                if _is_good(connection):
                    return connection
                connection.close()
        return connect(self._dsn, self._purpose)

    def _give_back(self, connection: Connection) -> None:
        now_s = self._now_s()
        with self._lock:
            stale = [other for since_s, other in self._idle if now_s - since_s > IDLE_S]
            self._idle = [(since_s, other) for since_s, other in self._idle if now_s - since_s <= IDLE_S]
            if self._closed or not _is_good(connection):
                stale.append(connection)
            else:
                self._idle.append((now_s, connection))
        for other in stale:
            other.close()


def _is_good(connection: Connection) -> bool:
    if connection.closed or connection.broken or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    try:
        connection.pgconn.consume_input()  # notices a server that has gone in the meantime, without a round trip
    except psycopg.Error:
        return False
    return not connection.broken
