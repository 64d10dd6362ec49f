"""The live feed: Server-Sent Events that can be taken up again where they ended.

A subscriber is a position in the log of live events and nothing more: it holds no queue, it reads on from where it is.
While it keeps up it reads from the source's memory; when it comes back after a while, from the database until memory
reaches back to it. A subscriber that was up to date and then falls behind memory is dropped with `event: lagging`: it
may come back with its `Last-Event-ID` and misses nothing. So a slow reader costs one chunk, and nobody else's time.
An id that nothing leads on from any more (kept two hours; another database) is answered with 410 instead of a stream:
a browser's EventSource then gives up, and the page fetches the whole picture anew.

An id is `shard-batch-place`; with several shards, one such part each, joined by dots.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contracts.answers import LiveEvent, Position, Role
from contracts.errors import AndamanError
from contracts.ports import LiveSource

log = logging.getLogger(__name__)

KINDS: Final = {
    Role.OPERATOR: frozenset({"values", "violation", "alarm", "job"}),
    Role.POLICE: frozenset({"violation"}),
    Role.DEVELOPER: frozenset({"values", "job"}),
    Role.ADMIN: frozenset({"values", "violation", "alarm", "job"}),
}
"""Which kinds of live events a role sees. None of them holds a plate."""
RETRY_MS: Final = 2000
"""When a browser comes back after a cut: soon, but not all at once with the database's own restart."""
SHARDS_MAX: Final = 64
CHUNK_CHARS: Final = 256 * 1024
"""Events are joined up to here before they are sent: one write for a burst, and a bound on what a socket holds."""
_PART: Final = re.compile(r"(\d{1,9})-(\d{1,18})-(\d{1,9})")


def parse_id(text: str) -> Position | None:
    """The position of a `Last-Event-ID`, or None where it is not one of ours."""
    position: Position = {}
    for part in text.split(".", SHARDS_MAX):
        found = _PART.fullmatch(part)
        if not found:
            return None
        shard, n, i = (int(number) for number in found.groups())
        position[shard] = (n, i)
    return position


def format_id(position: Position) -> str:
    """The id of a position. Jobs are counted under a negative number, in memory alone: an id leaves them out."""
    return ".".join(f"{shard}-{n}-{i}" for shard, (n, i) in sorted(position.items()) if shard >= 0)


class LiveFeed:
    """Hands the source's events to any number of subscribers."""

    def __init__(self, source: LiveSource, heartbeat_s: float, stalled_s: float, subscribers_max: int) -> None:
        self._source = source
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s
        self._subscribers_max = subscribers_max
        self._subscribers = 0
        self._closing = False
        self._wakes: set[Callable[[], None]] = set()

    @property
    def subscribers(self) -> int:
        """How many read along now."""
        return self._subscribers

    @property
    def full(self) -> bool:
        """No room for another one."""
        return self._subscribers >= self._subscribers_max

    def start(self) -> None:
        """Start the source."""
        self._source.start()

    def stop(self) -> None:
        """Stop the source."""
        self._source.stop()

    def close(self) -> None:
        """End every stream, from any thread: a server that stops would otherwise wait for its readers."""
        self._closing = True
        for wake in tuple(self._wakes):
            wake()

    def resumable(self, position: Position) -> bool:
        """Whether everything after a position is still there. Asks the database where memory does not know.

        Raises:
            StorageUnavailable: the database cannot be reached.
        """
        return self._source.recent(position) is not None or self._source.kept(position) is not None

    def response(self, resumed: Position | None, kinds: frozenset[str], good: Callable[[], bool]) -> Response:
        """The stream as a response; `good` says (from a thread) whether its reader is still signed in.

        Raises:
            StorageUnavailable: the database has not been reached yet.
        """
        position = self._source.position() if resumed is None else resumed
        return EventStream(self._stream(dict(position), resumed is not None, kinds, good), self._stalled_s)

    async def _stream(
        self, position: Position, behind: bool, kinds: frozenset[str], good: Callable[[], bool]
    ) -> AsyncIterator[str]:
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(news.set)

        self._subscribers += 1
        self._wakes.add(wake)
        unwatch = self._source.watch(wake)
        try:
            async for text in self._follow(position, behind, kinds, good, news):
                yield text
        except AndamanError as problem:
            log.warning("a live stream ended: %s", problem)
        finally:
            unwatch()
            self._wakes.discard(wake)
            self._subscribers -= 1

    async def _follow(
        self, position: Position, behind: bool, kinds: frozenset[str], good: Callable[[], bool], news: asyncio.Event
    ) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        yield f"retry: {RETRY_MS}\n{_mark(position)}"
        check_at_s = loop.time() + self._heartbeat_s
        while not self._closing:
            news.clear()
            events = self._source.recent(position)
            if events is not None:
                behind = False
            elif not behind:
                yield _event("lagging", "{}", position)
                return
            else:
                events = await run_in_threadpool(self._source.kept, position)
            if events is None:
                # What lies between was deleted while it was read. The reader comes back with its last id and gets 410.
                yield _event("reset", "{}", {})
                return
            for text in _chunks(events, kinds, position):
                yield text
            if loop.time() >= check_at_s:
                if not await run_in_threadpool(good):
                    yield _event("signed-out", "{}", position)
                    return
                check_at_s = loop.time() + self._heartbeat_s
                yield f": heartbeat\n{_mark(position)}"
            if not events and not behind:
                await _wait(news, check_at_s - loop.time())


class EventStream(Response):
    """A response that ends when its reader goes away or takes nothing for `stalled_s`."""

    def __init__(self, texts: AsyncIterator[str], stalled_s: float) -> None:
        super().__init__(None, 200, {"X-Accel-Buffering": "no"}, "text/event-stream; charset=utf-8")
        del self.headers["content-length"]
        self._texts, self._stalled_s = texts, stalled_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            results = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(results[0], TimeoutError):
            log.info("a live reader took nothing for %.0f s and was dropped", self._stalled_s)
        elif isinstance(results[0], Exception):
            raise results[0]

    async def _send(self, send: Send) -> None:
        try:
            async for text in self._texts:
                await self._bounded(send, text.encode(), more=True)
            await self._bounded(send, b"", more=False)
        finally:
            close = getattr(self._texts, "aclose", None)
            if close is not None:
                await close()

    async def _bounded(self, send: Send, body: bytes, more: bool) -> None:
        async with asyncio.timeout(self._stalled_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _wait(news: asyncio.Event, timeout_s: float) -> None:
    """Wait for news. Not with `wait_for`: in Python 3.11 it loses a cancellation that comes together with the news."""
    try:
        async with asyncio.timeout(max(timeout_s, 0.0)):
            await news.wait()
    except TimeoutError:
        pass


def _chunks(events: Iterable[LiveEvent], kinds: frozenset[str], position: Position) -> Iterable[str]:
    """The texts of the events that the reader may see; moves the position past all of them."""
    held: list[str] = []
    size = 0
    for event in events:
        position[event.shard] = (event.n, event.i)
        if event.kind not in kinds:
            continue
        held.append(_event(event.kind, event.data, position))
        size += len(held[-1])
        if size >= CHUNK_CHARS:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def _event(kind: str, data: str, position: Position) -> str:
    return f"event: {kind}\ndata: {data}\n{_mark(position)}"


def _mark(position: Position) -> str:
    """The id line that ends a block. An id alone moves a browser's `Last-Event-ID` without an event."""
    text = format_id(position)
    return f"id: {text}\n\n" if text else "\n"
