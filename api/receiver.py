"""Takes what devices post: who it is, what of it is the event, and into the broker before anybody is told that it came.

An answer of 200 means that the broker has confirmed it, for a pipeline that is subscribed. Whatever else is not the
device's own fault is 503, and a camera sends it again. What is wrong with an event itself is not judged here: it comes
to the pipeline, which keeps it as a rejection with its reason.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.http_credentials import Credentials
from api.posted import BODY_BYTES_MAX, event_in
from api.problems import Problem
from api.repeats import Repeats, Sighting
from contracts.errors import TransportError
from contracts.receiving import Mailroom, Poster

AT_ONCE: Final = 32
"""Posts that are taken at the same time: ten cameras a second that take three seconds each over a mobile network."""
AT_ONCE_EACH: Final = 4
"""Of one device: an event, one that is sent again, and room. With all 32 places one camera that sends slowly, by a bad
network or on purpose, would keep all others out."""
PUBLISH_AT_ONCE: Final = 8
"""Threads that may wait for the broker, of the 40 that serve everybody."""
BODY_S: Final = 30.0
"""How long a body may take: 4 megabytes at 1 Mbit/s."""
RETRY_AFTER_S: Final = 5
LOG_EVERY_S: Final = 60.0
"""Refusals are logged once in so long, with their number: a camera with a wrong password tries for ever."""

log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a post, as it is counted: never by device or address, which are whoever's words they are."""

    TAKEN = "taken"
    REPEATED = "repeated"
    """The same sighting once more: answered like the first, published once."""
    ASKED = "asked"
    """Came without a credential, and was asked for it: with digest the beginning of every conversation."""
    REFUSED = "refused"
    """Came with a credential that proves nothing, or not any more."""
    UNUSABLE = "unusable"
    LATER = "later"
    FAILED = "failed"
    """The database was away, the camera hung up, or it is a bug."""


class Unproven(Exception):
    """Nobody has proven who he is; `stale`: but for a nonce that was too old."""

    def __init__(self, stale: bool = False) -> None:
        super().__init__("unproven")
        self.stale = stale


class Receiver:
    """The receiver of one app. Lives in its event loop."""

    def __init__(self, mailroom: Mailroom) -> None:
        self.credentials = Credentials()
        self._mailroom = mailroom
        self._repeats = Repeats()
        self._taking: Counter[str] = Counter()
        self._publishing = asyncio.Semaphore(PUBLISH_AT_ONCE)
        self._turns: dict[str, asyncio.Lock] = {}
        self._says = Says()
        self.posts: dict[str, int] = dict.fromkeys(Outcome, 0)
        """How many had which outcome since this process started."""

    async def receive(self, request: Request) -> None:
        """Take one post; returns when it is safe.

        Raises:
            Unproven: say who you are. Problem: anything else, with its status.
        """
        outcome = Outcome.FAILED
        try:
            outcome = await self._take(request)
        except Unproven:
            outcome = Outcome.REFUSED if "authorization" in request.headers else Outcome.ASKED
            raise
        except Problem as problem:
            outcome = Outcome.LATER if problem.status == 503 else Outcome.UNUSABLE
            raise
        finally:
            self.posts[outcome] += 1

    async def _take(self, request: Request) -> Outcome:
        poster = await self._prove(request)
        if self._taking.total() >= AT_ONCE:
            raise _later("too many cameras at once; send it again")
        if self._taking[poster.device] >= AT_ONCE_EACH:
            raise _later(f"{AT_ONCE_EACH} posts of this camera are being taken; send it again")
        self._taking[poster.device] += 1
        try:
            event = await self._read(request)
            async with self._turn(poster.device):
                return await self._settle(poster, event)
        finally:
            self._taking[poster.device] -= 1

    async def _prove(self, request: Request) -> Poster:
        header = request.headers.get("authorization")
        if header is None:
            raise Unproven
        method, path = request.method, request.scope["path"]
        poster, stale = await run_in_threadpool(self.credentials.who, header, method, path, self._mailroom.poster)
        if poster is None:
            if not stale:
                address = request.client.host if request.client else "unknown"
                self._says("refused", "posts to the receiver were refused, the last from %s", address)
            raise Unproven(stale)
        return poster

    async def _read(self, request: Request) -> bytes:
        announced = request.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > BODY_BYTES_MAX:
            raise Problem(413, f"has more than {BODY_BYTES_MAX} bytes", {"Connection": "close"})
        try:
            async with asyncio.timeout(BODY_S):
                return await event_in(request.headers.get("content-type", ""), request.stream())
        except TimeoutError:
            raise Problem(408, f"did not come within {BODY_S:g} s", {"Connection": "close"}) from None
        except ClientDisconnect:
            raise Problem(400, "ended before its end") from None

    @asynccontextmanager
    async def _turn(self, device: str) -> AsyncIterator[None]:
        """One post of a device after the other: a repeat must find what became of the first."""
        async with self._turns.setdefault(device, asyncio.Lock()), self._publishing:
            yield

    async def _settle(self, poster: Poster, event: bytes) -> Outcome:
        sighting = self._repeats.sighting(poster.device, event)
        if sighting is not None and self._repeats.is_repeat(sighting):
            return Outcome.REPEATED
        try:
            await run_in_threadpool(self._mailroom.publish, poster.topic, event)
        except TransportError as problem:
            self._says("failed", "posts could not be published, the last of %s: %s", poster.device, problem)
            raise _later("the broker did not confirm it; send it again") from problem
        self._remember(sighting)
        return Outcome.TAKEN

    def _remember(self, sighting: Sighting | None) -> None:
        if sighting is not None:
            self._repeats.confirmed(sighting)


class Says:
    """Log lines of which there could be any number: one kind of them once a minute."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._last: dict[str, tuple[float, int]] = {}

    def __call__(self, kind: str, text: str, *details: object) -> None:
        """Say it, or count it for the next time."""
        last_s, left_out = self._last.get(kind, (-LOG_EVERY_S, 0))
        if self._now_s() - last_s < LOG_EVERY_S:
            self._last[kind] = (last_s, left_out + 1)
            return
        self._last[kind] = (self._now_s(), 0)
        log.warning(f"%d {text}", left_out + 1, *details)


def _later(detail: str) -> Problem:
    return Problem(503, detail, {"Retry-After": str(RETRY_AFTER_S)})
