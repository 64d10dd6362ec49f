"""A connection that a store keeps for itself."""

from typing import LiteralString

from storage.connection import Connection, connect


class OwnConnection:
    """A store over a connection of its own: opened when it is first needed, and again once it was lost or closed.

    One thread uses it.
    """

    def __init__(self, dsn: str, purpose: str, first: LiteralString = "") -> None:
        """`purpose` is what `pg_stat_activity` shows; `first`: a statement that every new connection begins with."""
        self._dsn, self._purpose, self._first = dsn, purpose, first
        self._connection: Connection | None = None

    def close(self) -> None:
        """Give the connection back; what needs one again opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn, self._purpose)
            if self._first:
                self._connection.execute(self._first)
        return self._connection
