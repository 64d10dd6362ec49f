"""City versions: the city files seed an empty database, from then on these rows are the truth."""

from dataclasses import dataclass
from typing import Final

import msgspec

from contracts.city import City, check, numbered
from contracts.city_forms import decode, encode
from storage.connection import Connection, connect, translated
from storage.queries import statements

SQL: Final = statements("cities")


@dataclass(frozen=True, slots=True)
class Cities:
    """Reads and adds versions; a connection for each call, since cities change rarely."""

    dsn: str

    def newest(self, city: str) -> City | None:
        """The current version of a city, or None where it was never imported."""
        return self._one("newest", city=city)

    def version(self, city: str, version: int) -> City | None:
        """One version of a city."""
        return self._one("version", city=city, version=version)

    def names(self) -> tuple[str, ...]:
        """Ids of all cities, in order."""
        with connect(self.dsn, "cities") as connection, translated("listing cities"):
            return tuple(name for (name,) in connection.execute(SQL["names"]))

    def add(self, city: City, made_by: str) -> City:
        """Keep a new version, its devices numbered; unchanged content makes no new version.

        Raises:
            ConfigError: its parts do not fit together.
        """
        check(city)
        with connect(self.dsn, "cities") as connection, translated("adding a city version"), connection.transaction():
            before = locked(connection, city.id)
            return add_version(connection, city, before, made_by)

    def _one(self, statement: str, **values: str | int) -> City | None:
        with connect(self.dsn, "cities") as connection, translated("reading a city"):
            return _decoded(connection, statement, values)


def newest(connection: Connection, city: str) -> City | None:
    """The newest version of a city, or None where it was never imported."""
    return _decoded(connection, "newest", {"city": city})


def locked(connection: Connection, city: str) -> City | None:
    """The newest version of a city, which nobody else changes until this transaction ends."""
    connection.execute(SQL["lock"])
    return newest(connection, city)


def add_version(connection: Connection, city: City, before: City | None, made_by: str) -> City:
    """Keep what a city has become after `before`, which is `locked`; unchanged content makes no new version."""
    made = _with_numbers(connection, city, 0 if before is None else before.version)
    if made == before:
        return made
    made = msgspec.structs.replace(made, version=made.version + 1)
    added = [[device.no, device.id] for device in made.devices]
    values = {"city": city.id, "version": made.version, "made_by": made_by}
    connection.execute(SQL["add"], {**values, "content": encode(made).decode()})
    connection.execute(SQL["register"], {**values, "devices": msgspec.json.encode(added).decode()})
    tell(connection, city.id)
    return made


def tell(connection: Connection, city: str) -> None:
    """Wake who follows a city, when this transaction is committed."""
    connection.execute(SQL["tell"], {"city": city})


def _with_numbers(connection: Connection, city: City, version: int) -> City:
    """Known devices keep their number; new ones count on from the highest of all cities, removed ones included."""
    known = dict(connection.execute(SQL["numbers"], {"city": city.id}).fetchall())
    (highest,) = connection.execute(SQL["highest"]).fetchone() or (0,)
    return msgspec.structs.replace(numbered(city, {**known, "": highest}), version=version)


def _decoded(connection: Connection, statement: str, values: dict[str, str] | dict[str, str | int]) -> City | None:
    row = connection.execute(SQL[statement], values).fetchone()
    return None if row is None else decode(row[0])
