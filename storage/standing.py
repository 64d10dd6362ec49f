"""What a running pipeline asks the database every few seconds: is there a newer city, is a made past whole?"""

from typing import Final

from psycopg import Notify

from storage.connection import Connection, translated
from storage.own_connection import OwnConnection
from storage.queries import statements

SQL: Final = statements("standing")


class Standing(OwnConnection):
    """Asks over a connection of its own. One thread uses it."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, "news", SQL["listen"])
        self._told = False

    def newest_version(self, city: str) -> int | None:
        """The newest version of a city, or None where it was never imported."""
        row = self._one("newest_version", {"city": city})
        return None if row is None else row[0]

    def told(self) -> bool:
        """Whether a city has changed since this was asked last; no more than a look at the socket, for every turn."""
        connection = self._connection
        if connection is None or connection.closed:
            return False
        with translated("listening for news"):
            connection.pgconn.consume_input()
            while connection.pgconn.notifies() is not None:
                self._told = True
        told, self._told = self._told, False
        return told

    def finished_past(self, city: str, shard: int) -> tuple[int, int] | None:
        """(shard, batch) of a made past of the city that `shard` does not remember yet."""
        row = self._one("finished_past", {"city": city, "shard": shard})
        return None if row is None or row[0] is None or row[1] is None else (row[0], row[1])

    def last_time_us(self, shard: int) -> int | None:
        """The engine's time at the end of a shard's last batch; None where there is none."""
        row = self._one("last_time", {"shard": shard})
        return None if row is None or row[0] is None else row[0]

    def space_of(self, shard: int) -> str | None:
        """The space of a shard, or None where there is no such shard yet."""
        with translated("asking for a shard's space"):
            row = self._connected().execute(SQL["space"], {"shard": shard}).fetchone()
        return None if row is None else str(row[0])

    def _one(self, statement: str, values: dict[str, str | int]) -> tuple[int | None, ...] | None:
        with translated("asking for news"):
            return self._connected().execute(SQL[statement], values).fetchone()

    def _connected(self) -> Connection:
        before = self._connection
        connection = super()._connected()
        if connection is not before:
            connection.add_notify_handler(self._note)  # of what comes with the answer to a question
        return connection

    def _note(self, _notice: Notify) -> None:
        self._told = True
