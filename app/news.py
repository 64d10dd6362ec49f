"""What changes while we run: a newer version of the city, a past that was made."""

import logging

from app.parts import Parts
from app.telling import Telling
from contracts.city import City
from contracts.errors import ConfigError
from ingest.adapters.families import check_families
from processing.rulebook import check_rules

LOG = logging.getLogger(__name__)


class News:
    """Asks the database; says each thing once."""

    def __init__(self, parts: Parts, shard: int) -> None:
        self._parts, self._shard = parts, shard
        self._remembered: set[tuple[int, int]] = set()
        self._refused: int | None = None
        """The version of the city that the engine cannot work with."""

    def hear(self, telling: Telling, in_force: int | None) -> City | None:
        """The city if there is another than version `in_force`; a made past goes to what is to be told.

        Raises:
            StorageUnavailable: the database cannot be asked.
        """
        parts = self._parts
        version = parts.standing.newest_version(parts.city)
        past = parts.standing.finished_past(parts.city, self._shard)
        if past is not None and past not in self._remembered:
            parts.shelf.past(*past)  # fetched before the fold needs it
            telling.past = past
            self._remembered.add(past)
        if version is None or version in (self._refused, in_force):
            return None
        return self._accepted(parts.shelf.city(version))

    def _accepted(self, city: City) -> City | None:
        """A version that the engine cannot work with is refused, and the old one stays."""
        try:
            check_rules(city)
            check_families(city)
        except ConfigError as problem:
            self._refused = city.version
            LOG.error("version %d of the city stays out of force: %s", city.version, problem)
            return None
        return city
