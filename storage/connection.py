"""One way to connect to the database, and one translation of what can go wrong with it.

psycopg's exceptions stop here: what the environment caused becomes `StorageUnavailable` (try again), a refused
statement `StorageError` (ours or the schema's), the original in `__cause__`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from contracts.errors import StorageError, StorageUnavailable
from storage.arrays import register

CONNECT_TIMEOUT_S: Final = 5
"""Longer than any healthy server takes, short enough to try again soon."""

_OPTIONS: Final = " ".join(
    f"-c {option}"
    for option in (
        "timezone=UTC",
        "client_encoding=UTF8",
        "synchronous_commit=on",  # a committed batch is on disk before it is acknowledged
        "idle_in_transaction_session_timeout=30s",  # a hung client must not hold its locks for ever
        "jit=off",  # compiling costs more than our short statements take
    )
)
_KEEPALIVES: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A dead peer is noticed within half a minute."""

_ENVIRONMENT: Final = ("08", "40", "53", "57", "58", "25006", "25P03", "55006")
"""SQLSTATE classes that the statement is not to blame for: connection, rollback by the server (deadlock), no
resources (disk full, too many connections), operator intervention (shutdown, crash recovery), system error, a server
that is read-only while it recovers, our own time-out of an idle transaction, a database in use."""


def connect(dsn: str, purpose: str, *, autocommit: bool = True) -> "psycopg.Connection[TupleRow]":
    """Connect; `purpose` is what `pg_stat_activity` shows.

    Raises:
        StorageUnavailable: the server cannot be reached or is not ready yet.
    """
    with translated(f"connecting for {purpose}"):
        own = conninfo_to_dict(dsn).get("options") or ""
        connection = psycopg.connect(
            make_conninfo(dsn, options=f"{own} {_OPTIONS}", **_KEEPALIVES),
            autocommit=autocommit,
            application_name=f"andaman {purpose}",
            connect_timeout=CONNECT_TIMEOUT_S,
        )
    register(connection.adapters)
    connection.prepare_threshold = 0  # every statement of ours comes again
    return connection


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn psycopg's errors into ours; `doing` says what was tried.

    Raises:
        StorageUnavailable: the environment's fault.
        StorageError: any other.
    """
    try:
        yield
    except psycopg.Error as problem:
        if is_environment(problem):
            raise StorageUnavailable(f"{doing}: the database is not available: {_line(problem)}") from problem
        raise StorageError(f"{doing}: the database refused it: {_line(problem)}") from problem


def is_environment(problem: psycopg.Error) -> bool:
    """Whether trying the same again later can help."""
    if problem.sqlstate:
        return problem.sqlstate.startswith(_ENVIRONMENT)
    return isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError)


def _line(problem: psycopg.Error) -> str:
    """The first line of a message: the lines after it may quote a row."""
    state = f" ({problem.sqlstate})" if problem.sqlstate else ""
    return str(problem).strip().split("\n", 1)[0] + state


Connection = psycopg.Connection[Any]
