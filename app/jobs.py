"""The worker: carries out durable jobs. Everything over a second or on a timer is one.

A handler gets a `Job`, reports how far it is, and ends by returning, or by raising. A job whose worker dies is given to
another when its lease runs out, so a handler must bear being started again; one that is asked to stop hears of it at
its next report. A worker that is told to stop gives its jobs back, and they cost no attempt.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.errors import AndamanError, StorageUnavailable
from storage.jobs import Claim, JobStore, LeaseLost

LOG: Final = logging.getLogger(__name__)

SLOTS: Final = 2
"""Jobs at once: a long one must not keep retention from running."""
TURN_S: Final = 1.0
"""How often schedules, leases and the stop are looked at, far within a lease; a new job wakes the worker at once."""
REPORT_S: Final = 0.5
"""A person cannot read faster, and every report is a row."""
LEAVE_S: Final = 10.0
"""So long a stopping worker waits for its handlers; then their leases run out on their own."""
AWAY_S: Final = 2.0
"""Pause while the database is away."""


class JobStopped(AndamanError):
    """Somebody asked this job to stop, or its worker is stopping; the handler just lets it pass."""


@dataclass(slots=True)
class Job:
    """What a handler sees of its job."""

    claim: Claim
    store: JobStore
    cancelled: threading.Event = field(default_factory=threading.Event)
    leaving: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)
    message: str = ""
    _reported_s: float = -REPORT_S

    @property
    def args(self) -> dict[str, Any]:
        """Its arguments, as whoever asked for it gave them."""
        return self.claim.args

    def report(self, progress: float, message: str) -> None:
        """Say how far it is, 0 to 1, and what it does; cheap enough for every round of a loop.

        Raises:
            JobStopped: it should end now.
        """
        self.check()
        self.message = message
        now_s = time.monotonic()
        if now_s - self._reported_s >= REPORT_S:
            self._reported_s = now_s
            self.store.report(self.claim, progress, message)

    def check(self) -> None:
        """Pass on that it should end.

        Raises:
            JobStopped: it should end now.
        """
        if self.cancelled.is_set() or self.leaving.is_set() or self.lost.is_set():
            raise JobStopped()


Handler = Callable[[Job], None]


def enqueue(
    dsn: str, kind: str, args: Mapping[str, Any] | None = None, made_by: str = "", *, once: bool = False
) -> int | None:
    """Ask for a job; its number, or None where `once` and such a job waits, runs or is done already."""
    with closing(JobStore(dsn)) as store:
        return store.enqueue(kind, dict(args or {}), made_by, once=once)


class Worker:
    """Carries out jobs of the kinds it has handlers for, until it is told to stop."""

    def __init__(self, dsn: str, handlers: Mapping[str, Handler], every_s: Mapping[str, float] | None = None) -> None:
        """`every_s`: kinds that also run on a timer, and how often."""
        self._dsn, self._handlers, self._every_s = dsn, dict(handlers), dict(every_s or {})
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._running: dict[threading.Thread, Job] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; while the database is away, wait for it."""
        with closing(JobStore(self._dsn, self._name)) as store:
            scheduled = False
            while not stop.is_set():
                try:
                    if not scheduled:
                        self._schedule(store)
                        scheduled = True
                    self._turn(store)
                    store.wait(TURN_S)
                except StorageUnavailable as problem:
                    LOG.warning("the worker waits: %s", problem)
                    store.close()
                    stop.wait(AWAY_S)
        self._leave()

    def _schedule(self, store: JobStore) -> None:
        for kind, every_s in self._every_s.items():
            store.schedule(kind, kind, every_s)

    def _turn(self, store: JobStore) -> None:
        self._running = {thread: job for thread, job in self._running.items() if thread.is_alive()}
        for job in self._running.values():
            self._beat(store, job)
        store.turn()
        while len(self._running) < SLOTS and (claim := store.claim(sorted(self._handlers))):
            job = Job(claim, JobStore(self._dsn, self._name))
            thread = threading.Thread(target=self._carry_out, args=(job,), daemon=True)
            self._running[thread] = job
            thread.start()

    def _beat(self, store: JobStore, job: Job) -> None:
        """Keep the lease. A stop that somebody asked for is heard with the same statement, so it is sent every turn."""
        try:
            if store.beat(job.claim):
                job.cancelled.set()
        except LeaseLost:
            job.lost.set()

    def _carry_out(self, job: Job) -> None:
        """Run the handler and write down how it ended; runs in a thread of its own."""
        claim = job.claim
        with closing(job.store) as store:
            try:
                self._end(store, job)
            except LeaseLost as problem:
                LOG.warning("%s", problem)
            except StorageUnavailable as problem:
                LOG.warning("job %d (%s) ended, but its lease must run out: %s", claim.id, claim.kind, problem)

    def _end(self, store: JobStore, job: Job) -> None:
        claim = job.claim
        try:
            self._handlers[claim.kind](job)
        except JobStopped:
            if job.lost.is_set():
                raise LeaseLost(f"job {claim.id} ({claim.kind}) was given to another worker") from None
            if job.cancelled.is_set():
                store.finish(claim, "cancelled")
            else:
                store.give_back(claim)
        except LeaseLost:
            raise
        except Exception as problem:  # whatever a handler does wrong is its job's failure, not the worker's end
            LOG.exception("job %d (%s) failed in attempt %d", claim.id, claim.kind, claim.attempt)
            error = f"{type(problem).__name__}: {problem}"
            if claim.last:
                store.finish(claim, "failed", error=error)
            else:
                store.give_back(claim, error=error)
        else:
            store.finish(claim, "done", job.message)

    def _leave(self) -> None:
        for job in self._running.values():
            job.leaving.set()
        until_s = time.monotonic() + LEAVE_S
        for thread in self._running:
            thread.join(max(0.0, until_s - time.monotonic()))
