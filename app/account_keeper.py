"""Keeps the broker's accounts as city and credentials say: a device that is added speaks at once, one that is revoked
is disconnected, and neither pipeline nor broker is started again for it.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from app.services.child import ServiceFailed
from contracts.city import City
from contracts.errors import StorageUnavailable
from contracts.onboarding import KnownCredential
from storage.credentials import AccountSource

LOG: Final = logging.getLogger(__name__)

TURN_S: Final = 1.0
"""How often the stop is looked at, and the database asked in case a notice was lost; a notice wakes us at once."""
AWAY_S: Final = 1.0
"""Pause while database or broker is away."""

Apply = Callable[[City, Mapping[str, KnownCredential]], int]
"""Puts accounts into force; how many."""


class AccountKeeper:
    """Follows the database. `apply` puts accounts into force, and returns when whoever lost his is disconnected."""

    def __init__(self, source: AccountSource, newest: Callable[[], City | None], apply: Apply) -> None:
        self._source, self._newest, self._apply = source, newest, apply
        self._had: tuple[int, int] | None = None

    def run(self, stop: threading.Event) -> None:
        """Keep them until `stop`."""
        while not stop.is_set():
            try:
                self.turn()
                self._source.wait(TURN_S)
            except (StorageUnavailable, ServiceFailed) as problem:
                LOG.warning("the broker's accounts wait: %s", problem)
                self._had = None
                self._source.close()
                stop.wait(AWAY_S)
        self._source.close()

    def turn(self) -> None:
        """Put into force what has changed.

        Raises:
            StorageUnavailable, ServiceFailed: database or broker is away.
        """
        wanted = self._source.wanted()
        if wanted == self._had:
            return
        # Read after `wanted`: it may be newer than what is noted as taken, never older.
        city, credentials = self._newest(), self._source.credentials()
        if city is None:
            return
        count = self._apply(city, credentials)
        self._source.take(wanted)
        self._had = wanted
        revoked = sum(each.hash is None for each in credentials.values())
        LOG.info("%d accounts of version %d in force, %d devices revoked", count, city.version, revoked)
