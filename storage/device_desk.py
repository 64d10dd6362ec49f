"""What people decide about devices: each decision is one transaction with the new version of the city, the credential,
the settled proposal and the entry in the audit log. One after the other: whoever decides sees what the one before did.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from contracts.answers import AuditEntry
from contracts.city import City, check
from contracts.errors import ConfigError, StorageUnavailable
from contracts.onboarding import KnownCredential, NotThere, Proposal
from storage import cities, credentials, proposals
from storage.city_index import SQL as CITY
from storage.desk import write_audit
from storage.pool import Pool

LOOK_S: Final = 0.05
"""Between two looks whether a change has arrived: a person waits for it."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision about one device is made on."""

    city: City
    credential: KnownCredential | None
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of it; None leaves it as it is. An adopted device's proposal is settled."""

    city: City | None = None
    credential: KnownCredential | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the city's version, the credential (0: none), and the batch that the log had reached before."""

    version: int
    credential: int
    renewed: bool
    before: tuple[int, int] | None


class DeviceDesk:
    """Decisions about the devices of one city."""

    def __init__(self, pool: Pool, city: str) -> None:
        self._pool, self._city = pool, city

    def city(self) -> City:
        """The newest version.

        Raises:
            ConfigError: it was never imported.
        """
        with self._pool.connection("reading a city") as connection:
            return self._there(cities.newest(connection, self._city))

    def simulated(self) -> bool:
        """Whether its devices are simulated ones."""
        with self._pool.connection("asking for a city's space") as connection:
            return dict(connection.execute(CITY["spaces"]).fetchall()).get(self._city) == "simulated"

    def proposals(self, dismissed: bool) -> tuple[Proposal, ...]:
        """Unknown devices, the latest first."""
        with self._pool.connection("reading proposals") as connection:
            return proposals.read_proposals(connection, self._city, dismissed=dismissed)

    def dismiss(self, entry: AuditEntry) -> None:
        """Hide the proposal of the entry's subject until it says something new.

        Raises:
            NotThere: there is none.
        """
        with self._pool.connection("dismissing a proposal") as connection, connection.transaction():
            if not proposals.dismiss(connection, self._city, entry.subject, entry.actor):
                raise NotThere("device", entry.subject, "there is no such proposal", "proposals")
            write_audit(connection, entry)

    def decide(self, entry: AuditEntry, decide: Callable[[Situation], Decision]) -> Written:
        """Carry out what `decide` makes of the situation of the entry's subject. What it raises changes nothing.

        Raises:
            ConfigError: the city was never imported, or would not fit together.
        """
        device = entry.subject
        with self._pool.connection(f"deciding about {device}") as connection, connection.transaction():
            before = credentials.newest_batch(connection, self._city)
            city = self._there(cities.locked(connection, self._city))
            credential = credentials.read_credential(connection, self._city, device)
            found = proposals.read_proposals(connection, self._city, dismissed=True, device=device)
            decision = decide(Situation(city, credential, found[0] if found else None))
            version, given = city.version, 0
            if decision.city is not None:
                check(decision.city)
                version = cities.add_version(connection, decision.city, city, entry.actor).version
            if decision.credential is not None:
                given = credentials.give(connection, self._city, device, decision.credential, entry.actor)
                cities.tell(connection, self._city)
            if decision.settled:
                proposals.settle(connection, self._city, device)
            write_audit(connection, entry)
        return Written(version, given, version != city.version, before)

    def await_in_force(self, written: Written, patience_s: float) -> tuple[bool, bool]:
        """Whether the pipeline judges by what was written, and whether the broker has it; waits so long for both.

        A database that went away meanwhile is an answer, too: what was decided stands, and its password is told now or
        never.
        """
        until_s = time.monotonic() + patience_s
        in_force, at_broker = not written.renewed, False
        while True:
            with suppress(StorageUnavailable):
                with self._pool.connection("asking what is in force") as connection:
                    newest = credentials.in_force_since(connection, written.before)
                    version, credential = credentials.taken(connection, self._city)
                in_force = in_force or (newest is not None and newest >= written.version)
                at_broker = version >= written.version and credential >= written.credential
            if (in_force and at_broker) or time.monotonic() > until_s:
                return in_force, at_broker
            time.sleep(LOOK_S)

    def _there(self, found: City | None) -> City:
        if found is None:
            raise ConfigError("city", self._city, "was never imported; run `andaman city import`", "database")
        return found
