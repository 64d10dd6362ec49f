"""The live feed without a network: what a subscriber gets, in which order, and when it is let go."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live import LiveFeed, _wait, format_id, parse_id
from contracts.answers import LiveEvent, Position

ALL = frozenset({"values", "violation", "alarm", "job"})
QUIET_S = 60.0
"""No heart beats within a test."""
STUCK_S = 30.0
"""A stream that neither says anything nor waits for news is not waited for longer."""


class Source:
    """A list of events of one shard: those from `memory_from` on are in memory, those before `deleted` are gone."""

    def __init__(self, events: int) -> None:
        self.events = [LiveEvent(1, n, 0, "values", f'{{"n":{n}}}') for n in range(1, events + 1)]
        self.memory_from = 0
        self.deleted = 0
        self.wakes: list[Callable[[], None]] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def position(self) -> Position:
        return {1: (len(self.events), 0)}

    def recent(self, position: Position) -> tuple[LiveEvent, ...] | None:
        seen = position.get(1, (0, -1))[0]
        return None if seen < self.memory_from else tuple(self.events[seen:])

    def kept(self, position: Position) -> tuple[LiveEvent, ...] | None:
        seen = position.get(1, (0, -1))[0]
        return None if seen < self.deleted else tuple(self.events[seen : seen + 3])

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        self.wakes.append(wake)
        return lambda: self.wakes.remove(wake)


def follow(
    source: Source,
    last_id: str | None,
    kinds: frozenset[str] = ALL,
    turn: Callable[[int], None] = lambda turn: None,
    good: Callable[[], bool] = lambda: True,
    heartbeat_s: float = QUIET_S,
    blocks_max: int = 1000,
) -> list[str]:
    """The blocks of a stream until it ends or waits; `turn` is called with the number of each block."""

    async def collect() -> list[str]:
        feed = LiveFeed(source, heartbeat_s, 5.0, 10)
        past = parse_id(last_id) if last_id else None
        stream: AsyncIterator[str] = feed._stream(past or source.position(), past is not None, kinds, good)
        waits = asyncio.Event()

        async def wait(news: asyncio.Event, timeout_s: float) -> None:
            if heartbeat_s == QUIET_S:  # for news alone, and there are none
                waits.set()
            await _wait(news, timeout_s)

        found: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("api.live._wait", wait)
            while len(found) < blocks_max:
                pending, waiting = asyncio.ensure_future(anext(stream, None)), asyncio.ensure_future(waits.wait())
                await asyncio.wait({pending, waiting}, timeout=STUCK_S, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if not pending.done() or pending.result() is None:
                    pending.cancel()
                    await asyncio.gather(pending, return_exceptions=True)
                    break
                found += [block for block in str(pending.result()).split("\n\n") if block]
                turn(len(found))
        await stream.aclose()  # type: ignore[attr-defined]
        assert feed.subscribers == 0 and not source.wakes
        return found

    return asyncio.run(collect())


def numbers(blocks: list[str]) -> list[int]:
    """The batches whose events came, in order."""
    return [int(found[1]) for block in blocks if (found := re.search(r"event: values\n.*\nid: 1-(\d+)-0", block))]


def test_a_new_reader_gets_what_comes_after_it_and_nothing_older() -> None:
    blocks = follow(Source(5), None)
    assert blocks == ["retry: 2000\nid: 1-5-0"]


def test_a_reader_that_comes_back_gets_everything_since_from_table_and_memory() -> None:
    source = Source(20)
    source.memory_from = 15
    assert numbers(follow(source, "1-4-0")) == list(range(5, 21))


def test_a_reader_that_falls_behind_memory_is_told_so_and_may_come_back_without_a_gap() -> None:
    source = Source(3)

    def overtake(turn: int) -> None:
        if turn == 1:
            source.events += Source(9).events[3:]
            source.memory_from = 7

    blocks = follow(source, None, turn=overtake)
    assert blocks[-1].startswith("event: lagging") and blocks[-1].endswith("id: 1-3-0")
    assert numbers(follow(source, "1-3-0")) == [4, 5, 6, 7, 8, 9]


def test_a_past_that_was_deleted_cannot_be_taken_up_again() -> None:
    source = Source(9)
    source.memory_from, source.deleted = 7, 5
    feed = LiveFeed(source, 60.0, 5.0, 10)
    assert [feed.resumable({1: (n, 0)}) for n in (4, 5, 7)] == [False, True, True]


def test_a_reader_whose_past_is_deleted_while_it_reads_keeps_its_last_id() -> None:
    source = Source(9)
    source.memory_from, source.deleted = 7, 5
    assert follow(source, "1-2-0") == ["retry: 2000\nid: 1-2-0", "event: reset\ndata: {}"]


def test_kinds_that_were_not_asked_for_move_the_position_silently() -> None:
    assert follow(Source(4), "1-1-0", frozenset({"alarm"})) == ["retry: 2000\nid: 1-1-0"]


def test_a_reader_who_is_no_longer_signed_in_is_let_go() -> None:
    blocks = follow(Source(1), None, good=lambda: False, heartbeat_s=0.01)
    assert blocks[-1].startswith("event: signed-out")


def test_a_quiet_stream_beats() -> None:
    blocks = follow(Source(1), None, heartbeat_s=0.01, blocks_max=3)
    assert blocks[1:] == [": heartbeat\nid: 1-1-0"] * 2


@given(st.dictionaries(st.integers(0, 10**6), st.tuples(st.integers(0, 2**53), st.integers(0, 10**6)), min_size=1))
def test_an_id_is_its_position(position: Position) -> None:
    assert parse_id(format_id(position)) == position


@given(st.text())
def test_no_text_breaks_the_reading_of_an_id(text: str) -> None:
    position = parse_id(text)
    assert position is None or parse_id(format_id(position)) == position


def test_a_reader_who_leaves_just_as_news_comes_is_let_go() -> None:
    source = Source(1)

    async def leave() -> int:
        feed = LiveFeed(source, 60.0, 5.0, 10)
        left, begun = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            begun.set()

        response = feed.response(None, ALL, lambda: True)
        answering = asyncio.ensure_future(response({"type": "http"}, receive, send))
        await begun.wait()
        while not source.wakes:
            await asyncio.sleep(0)
        for _ in range(20):  # until the stream waits for news
            await asyncio.sleep(0)
        source.wakes[0]()
        left.set()
        _, pending = await asyncio.wait({answering}, timeout=5.0)
        assert not pending, "the stream goes on without its reader"
        return feed.subscribers

    assert asyncio.run(leave()) == 0
