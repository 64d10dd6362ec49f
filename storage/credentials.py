"""Credentials of devices at the broker, and what the broker has taken of them."""

from typing import Final

from contracts.onboarding import KnownCredential
from storage.connection import Connection, translated
from storage.own_connection import OwnConnection
from storage.queries import statements

SQL: Final = statements("credentials")
State = tuple[int, int]
"""The version of the city, and the last credential: what a broker has, or should have."""


def read_credentials(connection: Connection, city: str) -> dict[str, KnownCredential]:
    """What is in force, by device."""
    rows = connection.execute(SQL["credentials"], {"city": city})
    return {device: KnownCredential(zone, hash) for device, zone, hash in rows}


def read_credential(connection: Connection, city: str, device: str) -> KnownCredential | None:
    """What is in force of one device, or None where it has none of its own."""
    row = connection.execute(SQL["credential"], {"city": city, "device": device}).fetchone()
    return None if row is None else KnownCredential(*row)


def give(connection: Connection, city: str, device: str, credential: KnownCredential, by: str) -> int:
    """A device's next credential; its number. The caller holds the lock of the cities."""
    values = {"city": city, "device": device, "zone": credential.zone, "hash": credential.hash, "by": by}
    row = connection.execute(SQL["give"], values).fetchone()
    assert row is not None, "an INSERT returns its row"
    return int(row[0])


def taken(connection: Connection, city: str) -> State:
    """What the broker of a city has; (0, 0) where nobody ever kept its accounts."""
    row = connection.execute(SQL["taken"], {"city": city}).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def newest_batch(connection: Connection, city: str) -> tuple[int, int] | None:
    """Shard and number of the batch in which a city's live log ends; None before the first."""
    row = connection.execute(SQL["newest_batch"], {"city": city}).fetchone()
    return None if row is None else (row[0], row[1])


def in_force_since(connection: Connection, batch: tuple[int, int] | None) -> int | None:
    """The version of the city that was put in force after a batch; None: no other, or there was no batch yet."""
    if batch is None:
        return None
    row = connection.execute(SQL["in_force"], {"shard": batch[0], "n": batch[1]}).fetchone()
    return None if row is None else row[0]


class AccountSource(OwnConnection):
    """What whoever keeps a broker's accounts asks the database, over a connection of its own. One thread uses it."""

    def __init__(self, dsn: str, city: str) -> None:
        super().__init__(dsn, "accounts", SQL["listen"])
        self._city = city

    def wanted(self) -> State:
        """What the broker should have."""
        with translated("asking for credentials"):
            row = self._connected().execute(SQL["wanted"], {"city": self._city}).fetchone()
        assert row is not None, "the statement always has a row"
        return row[0], row[1]

    def credentials(self) -> dict[str, KnownCredential]:
        """What is in force, by device."""
        with translated("reading credentials"):
            return read_credentials(self._connected(), self._city)

    def take(self, state: State) -> None:
        """Note that the broker has it."""
        with translated("noting what the broker has"):
            values = {"city": self._city, "version": state[0], "credential": state[1]}
            self._connected().execute(SQL["take"], values)

    def wait(self, seconds: float) -> None:
        """Until something changes, at most so long."""
        with translated("waiting for credentials"):
            for _ in self._connected().notifies(timeout=seconds, stop_after=1):
                return
