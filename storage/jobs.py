"""Durable jobs in the database: asked for, claimed under a lease, reported on, ended. What they do is not known here.

A lease belongs to a worker and an attempt: whoever let it run out finds that its reports change nothing (`LeaseLost`).
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from contracts.errors import AndamanError
from storage.connection import translated
from storage.own_connection import OwnConnection
from storage.queries import statements

SQL: Final = statements("jobs")

LEASE_S: Final = 30.0
"""A worker that is gone for so long is dead; its job is given to another."""
RETRY_S: Final = 10.0
"""Pause before the second attempt; doubled for each further one."""


class LeaseLost(AndamanError):
    """Another worker has this job by now; this one's work on it is not wanted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job under a lease: what is to be done, and which attempt this is."""

    id: int
    kind: str
    args: dict[str, Any]
    attempt: int
    attempts_max: int
    made_us: int = 0
    """When it was asked for: the same in every attempt."""

    @property
    def last(self) -> bool:
        """Whether a failure of this attempt is final."""
        return self.attempt >= self.attempts_max


class JobStore(OwnConnection):
    """What a worker and whoever asks for jobs do with them. One thread uses it."""

    def __init__(self, dsn: str, worker: str = "") -> None:
        """`worker` names who claims, for its leases."""
        super().__init__(dsn, "jobs", SQL["listen"] if worker else "")
        self._worker = worker

    def enqueue(self, kind: str, args: dict[str, Any], made_by: str = "", *, once: bool = False) -> int | None:
        """Ask for a job; its number, or None where `once` and such a job waits, runs or is done already."""
        values = {"kind": kind, "args": msgspec.json.encode(args).decode(), "made_by": made_by}
        with translated(f"asking for a job {kind}"), self._connected().transaction():
            if once:
                self._connected().execute(SQL["lock"])
                if self._connected().execute(SQL["known"], values).fetchone():
                    return None
            row = self._connected().execute(SQL["enqueue"], values).fetchone()
        return int(row[0]) if row else None

    def schedule(self, name: str, kind: str, every_s: float, args: dict[str, Any] | None = None) -> None:
        """Have a job made every so many seconds, the first at once; the same name changes the schedule."""
        content = msgspec.json.encode(args or {}).decode()
        with translated(f"scheduling {name}"):
            self._connected().execute(
                SQL["schedule"], {"name": name, "kind": kind, "every_s": every_s, "args": content}
            )

    def turn(self) -> None:
        """Make the jobs of schedules that are due, and end those whose workers died too often."""
        with translated("turning schedules"):
            self._connected().execute(SQL["scheduled"])
            self._connected().execute(SQL["abandoned"])

    def claim(self, kinds: list[str]) -> Claim | None:
        """The next job of these kinds that is due, now under our lease."""
        values = {"kinds": kinds, "worker": self._worker, "lease_s": LEASE_S}
        with translated("claiming a job"):
            row = self._connected().execute(SQL["claim"], values).fetchone()
        return Claim(*row) if row else None

    def beat(self, claim: Claim) -> bool:
        """Keep the lease; whether somebody wants the job to stop.

        Raises:
            LeaseLost: it is another's by now.
        """
        row = self._held("beat", claim, {"lease_s": LEASE_S})
        return bool(row[0])

    def report(self, claim: Claim, progress: float, message: str) -> None:
        """Say how far it is, 0 to 1, and what it does.

        Raises:
            LeaseLost: it is another's by now.
        """
        self._held("report", claim, {"progress": min(max(progress, 0.0), 1.0), "message": message})

    def finish(self, claim: Claim, state: str, message: str = "", error: str = "") -> None:
        """End the job as `done`, `failed` or `cancelled`; an empty message leaves the last one standing.

        Raises:
            LeaseLost: it is another's by now.
        """
        self._held("finish", claim, {"state": state, "message": message, "error": error})

    def give_back(self, claim: Claim, *, error: str = "") -> None:
        """Let it be tried again: after a pause where it failed with `error`, at once and uncounted where it did not.

        Raises:
            LeaseLost: it is another's by now.
        """
        pause_s = RETRY_S * 2.0 ** (claim.attempt - 1) if error else 0.0
        attempts = claim.attempt if error else claim.attempt - 1
        self._held("give_back", claim, {"pause_s": pause_s, "attempts": attempts, "error": error})

    def wait(self, seconds: float) -> None:
        """Until some job changes, at most so long."""
        with translated("waiting for jobs"):
            for _ in self._connected().notifies(timeout=seconds, stop_after=1):
                return

    def _held(self, statement: str, claim: Claim, values: dict[str, Any]) -> tuple[Any, ...]:
        mine = {"id": claim.id, "worker": self._worker, "attempt": claim.attempt}
        with translated(f"job {claim.id}"):
            row: tuple[Any, ...] | None = self._connected().execute(SQL[statement], {**values, **mine}).fetchone()
        if row is None:
            raise LeaseLost(f"job {claim.id} ({claim.kind}) is another worker's by now, or was removed")
        return row
