"""Writes a batch, everything it led to and its live events in one transaction; nothing of it is ever there in part.

- *Fencing.* `open` begins an epoch of the shard; every commit checks it under a lock that the next `open` waits for.
  So once a newer pipeline has its epoch, no commit of an older one is under way and none can follow.
- *In doubt.* Whatever happens to the connection, the batch's row tells what became of a commit: there with our epoch,
  it is done; not there, the same bytes are sent again. The row's key makes a second write impossible, also while the
  server is still busy with the first.
- *Away.* While the database is away `commit` tries again with growing pauses until it is back or a stop is asked for.
"""

import logging
import threading
from collections.abc import Sequence
from functools import cache
from typing import Final

from psycopg import sql
from psycopg.errors import UniqueViolation

from contracts.city import City
from contracts.columns import Batch
from contracts.delivery import Rejection
from contracts.errors import Fenced, StorageError, StorageUnavailable
from contracts.findings import Outputs
from contracts.onboarding import Stranger
from storage.connection import Connection, translated
from storage.copying import Layout
from storage.naming import Naming
from storage.own_connection import OwnConnection
from storage.prepared import Prepared, Preparer, Shard
from storage.queries import statements
from storage.vault import Vault

LOG: Final = logging.getLogger(__name__)
SQL: Final = statements("write")

PAUSE_FIRST_S: Final = 0.05
PAUSE_LAST_S: Final = 2.0
"""A restarted database is back within seconds; nobody is helped by asking more than twenty times a second."""


class Writer(OwnConnection):
    """Writes one shard. One thread commits; preparing may be done by another."""

    def __init__(self, dsn: str, shard: Shard, vault: Vault, city: City, *, announce: bool = True) -> None:
        """`announce`: write live events; off for a past or a replay that nobody watches."""
        super().__init__(dsn, f"writer {shard.number}")
        self._shard = shard
        self._preparer = Preparer(shard, vault, Naming(city), announce)
        self._epoch = 0

    def open(self) -> int:
        """Take the shard: begin a new epoch, from which on every other writer of it is refused.

        Raises:
            StorageUnavailable: the database cannot be reached.
            StorageError: the shard belongs to another city or space.
        """
        values = {"shard": self._shard.number, "city": self._shard.city, "space": self._shard.space}
        connection = self._connected()
        with translated(f"taking shard {self._shard.number}"), connection.transaction():
            connection.execute(SQL["lock_shard"], values)
            row = connection.execute(SQL["take_shard"], values).fetchone()
        if row is None:
            raise StorageError(
                f"shard {self._shard.number} is not {self._shard.city} ({self._shard.space}): choose another number"
            )
        self._epoch = int(row[0])
        return self._epoch

    def use_city(self, city: City) -> None:
        """From here on name things as this version of the city does."""
        self._preparer.naming = Naming(city)

    def prepare(
        self,
        batch: Batch,
        outputs: Outputs,
        rejections: Sequence[Rejection] = (),
        strangers: Sequence[Stranger] = (),
    ) -> Prepared:
        """A batch as the bytes that `commit` sends; asks no database.

        Raises:
            StorageError: something in it cannot be stored.
            VaultError: the key of a case's month was destroyed.
        """
        return self._preparer.prepare(batch, outputs, rejections, strangers)

    def commit(self, prepared: Prepared, stop: threading.Event | None = None) -> None:
        """Write a batch durably; writing it twice changes nothing.

        Raises:
            Fenced: a newer pipeline has the shard.
            StorageError: the database refused it; nothing of it was written.
            StorageUnavailable: `stop` was set while the database was away; whether it was written is not known.
        """
        stop = stop or threading.Event()
        pause_s, doubtful = PAUSE_FIRST_S, False
        while True:
            try:
                if doubtful and self._settled(prepared):
                    return
                self._write(prepared)
                return
            except StorageUnavailable as problem:
                self.close()
                doubtful = True
                LOG.warning("batch %d of shard %d waits: %s", prepared.n, self._shard.number, problem)
                if stop.wait(pause_s):
                    raise
                pause_s = min(2 * pause_s, PAUSE_LAST_S)
            except BaseException:
                self.close()  # the transaction ends with its connection, whatever state it was in
                raise

    def _write(self, prepared: Prepared) -> None:
        connection = self._connected()
        with translated(f"writing batch {prepared.n} of shard {self._shard.number}"):
            try:
                self._begin(connection, prepared)
            except UniqueViolation:
                connection.execute("ROLLBACK")
                if not self._settled(prepared):
                    raise
                return
            for layout, body in prepared.copies:
                with connection.cursor() as cursor, cursor.copy(copy_in(layout)) as copy:
                    copy.write(body)
            with connection.pipeline():
                for name, values in prepared.statements:
                    connection.execute(SQL[name], values)
                connection.execute("COMMIT")

    def _begin(self, connection: Connection, prepared: Prepared) -> None:
        """Open the transaction, check the epoch and claim the batch, in one round trip."""
        with connection.pipeline():
            connection.execute("BEGIN")
            fence = connection.execute(SQL["fence"], {"shard": self._shard.number})
            connection.execute(SQL["batch"], {**prepared.batch, "epoch": self._epoch})
        row = fence.fetchone()
        if row != (self._epoch,):
            raise self._fenced(row and row[0])

    def _settled(self, prepared: Prepared) -> bool:
        """Whether the batch is there and ours.

        Raises:
            Fenced: it is there and another's, or the shard is.
        """
        values = {"shard": self._shard.number, "n": prepared.n}
        with translated(f"asking for batch {prepared.n}"):
            row = self._connected().execute(SQL["settle"], values).fetchone()
        epoch, written = row or (None, None)
        if written == self._epoch:
            return True
        if written is not None or epoch != self._epoch:
            raise self._fenced(epoch)
        return False

    def _fenced(self, epoch: int | None) -> Fenced:
        return Fenced(
            f"shard {self._shard.number} is at epoch {epoch}, this pipeline at {self._epoch}: a newer one took it"
        )


@cache
def copy_in(layout: Layout) -> sql.Composed:
    """The statement that takes what `storage.copying.encode` makes."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in layout.columns)
    table = sql.Identifier(layout.table)
    return sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)").format(table=table, columns=columns)
