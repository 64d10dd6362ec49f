"""Brings a database to the newest schema: numbered files, forward only, each in a transaction of its own.

A file named `NNNN_*.community.sql` needs TimescaleDB's Community edition; on the Apache edition it is skipped, visibly,
and carried out by a later start should the edition change.
"""

import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, LiteralString

from psycopg.errors import Diagnostic

from contracts.errors import StorageError
from storage.connection import Connection, connect, translated
from storage.queries import statements

LOG: Final = logging.getLogger(__name__)
SQL: Final = statements("migrate")
_NAME: Final = re.compile(r"^(\d{4})_[a-z0-9_]+(\.community)?\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations`."""

    name: str
    text: LiteralString
    community: bool


def migrations() -> tuple[Migration, ...]:
    """Every migration, in order.

    Raises:
        ValueError: a file has no number, or two have the same.
    """
    found: dict[str, Migration] = {}
    for entry in files("storage").joinpath("sql", "migrations").iterdir():
        match = _NAME.match(entry.name)
        if match is None or match[1] in found:
            raise ValueError(f"storage/sql/migrations/{entry.name}: not NNNN_subject.sql with a number of its own")
        text = entry.read_text("utf-8")
        found[match[1]] = Migration(entry.name, text, community=match[2] is not None)
    return tuple(found[number] for number in sorted(found))


def migrate(dsn: str) -> list[str]:
    """Carry out what is missing, under a lock so that two starts do not meet.

    Returns:
        a line for each migration that was carried out or skipped, and for each warning.

    Raises:
        StorageUnavailable: the server cannot be reached.
        StorageError: a migration was refused; it left nothing behind.
    """
    said: list[str] = []
    with connect(dsn, "migrate") as connection, translated("migrating"):
        connection.add_notice_handler(lambda diagnostic: _hear(diagnostic, said))
        connection.execute(SQL["lock"])
        connection.execute(SQL["prepare_ledger"])
        done = {name for (name,) in connection.execute(SQL["done"])}
        unknown = done - {migration.name for migration in migrations()}
        if unknown:
            raise StorageError(
                f"the database is newer than this program: it knows {', '.join(sorted(unknown))}; upgrade"
            )
        for migration in migrations():
            if migration.name not in done:
                said.append(_carry_out(connection, migration))
    for line in said:
        LOG.info(line)
    return said


def pending(dsn: str) -> list[str]:
    """Names of the migrations that this database still lacks (those for another edition left out)."""
    with connect(dsn, "migrate") as connection, translated("looking for migrations"):
        if connection.execute(SQL["ledger_exists"]).fetchone() == (False,):
            return [migration.name for migration in migrations()]
        done = {name for (name,) in connection.execute(SQL["done"])}
        community = _is_community(connection)
        return [m.name for m in migrations() if m.name not in done and (community or not m.community)]


def _carry_out(connection: Connection, migration: Migration) -> str:
    if migration.community and not _is_community(connection):
        return f"{migration.name}: skipped, this TimescaleDB is not the Community edition"
    with translated(f"migration {migration.name}"), connection.transaction():
        connection.execute(migration.text, prepare=False)
        connection.execute(SQL["note"], {"name": migration.name})
    return f"{migration.name}: done"


def _is_community(connection: Connection) -> bool:
    row = connection.execute(SQL["edition"]).fetchone()
    return row == ("timescale",)


def _hear(diagnostic: Diagnostic, said: list[str]) -> None:
    if diagnostic.severity_nonlocalized == "WARNING":
        said.append(f"warning: {diagnostic.message_primary}")
