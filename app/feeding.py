"""The job that feeds rejections in again after a fix: published to the broker under their own topics, as any message.

There is one way in, so their receipt is now, the pipeline judges them as it judges everything, and findings stay a
function of the log. The job only looks at both ends: before, whether they would be accepted by the city in force (what
would not is not said twice) and whether they are in the log already; after, whether they are. So it can be started
again at any moment, and feeding in twice makes nothing twice.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np

from contracts.city import City
from contracts.clock import DAY_US, SECOND_US, to_datetime, to_us
from contracts.columns import DTYPES
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Decoded, Delivery
from contracts.errors import StorageUnavailable
from contracts.ports import PlateSealer
from contracts.rejections import RejectionQuery
from ingest.again import Messages, again
from ingest.decode import IntakeLimits, decode
from ingest.registry import Registry
from storage.log import Log
from storage.rejection_store import FIRST, Decision, Kept, Number, RejectionStore

ROUND: Final = 200
"""Messages on their way at once: a tenth of a second of a pipeline's work, and at most 13 MB."""
AWAIT_S: Final = 60.0
"""A pipeline that restarts is back within this; one that is not there is waited for by the job's next attempt."""
LOOK_S: Final = 0.25
"""How often the log is asked while we wait."""
AGAIN_ROWS: Final = 10_000
"""New rejections looked through a round; with more, what became of the rest is seen by the next attempt."""
CUT: Final = "only its beginning was kept: it was larger than what is kept of one message"
NO_KEY: Final = "the keys of its day were destroyed"
SAYS_NOTHING: Final = "it says nothing that could be accepted or rejected"
NUMBER_KNOWN: Final = "the pipeline took its number for one that came before"

Speak = Callable[[Sequence[tuple[str, bytes]]], None]
"""Publishes messages (topic, payload) and returns when the broker has them."""


class Progress(Protocol):
    """The job, as far as this handler needs it."""

    def report(self, progress: float, message: str) -> None:
        """Say how far it is."""
        ...

    def check(self) -> None:
        """Pass on that it should end."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What feeding in works with; `city` is the one in force."""

    store: RejectionStore
    log: Log
    sealer: PlateSealer
    city: City
    speak: Speak
    limits: IntakeLimits
    shard: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A rejection on its way, the rows that it will be in the log, and what of it will be rejected again, in words."""

    kept: Kept
    messages: Messages
    rows: Decoded
    refused: str


def feed_in(job: Progress, number: int, made_us: int, args: Mapping[str, str], means: Means) -> None:
    """Feed in what waits and was there when the job was asked for; `args` are those of `contracts.rejections.FEED_IN`.

    Raises:
        StorageUnavailable: the pipeline does not run, or does not take the city in force.
        TransportError: the broker cannot be reached.
    """
    from_at, to_at = (datetime.fromisoformat(args[key]) if key in args else None for key in ("from_at", "to_at"))
    query = RejectionQuery(ROUND, args.get("reason"), args.get("device"), from_at, to_at)
    became: Counter[str] = Counter()
    with closing(means.store), closing(means.log):
        _await_in_force(job, means)
        feeder, after, rounds = _Feeder(job, number, means), FIRST, 1
        while kept := means.store.waiting(query, to_datetime(made_us), after):
            after, rounds = kept[-1].place, rounds + 1
            became.update(feeder.feed(kept))
            job.report(1 - 1 / rounds, _said(became))
    job.report(1.0, _said(became))


def _said(became: Counter[str]) -> str:
    words = {"accepted": "accepted", "rejected": "rejected again", "unreadable": "cannot be read"}
    said = [f"{became[outcome]} {word}" for outcome, word in words.items() if became[outcome]]
    return ", ".join(said) or "nothing waits to be fed in"


def _await_in_force(job: Progress, means: Means) -> None:
    """Until the pipeline judges by the city that we look with: what came before would only be rejected again."""
    until_s = time.monotonic() + AWAIT_S
    while not means.log.in_force(means.shard, means.city.id, means.city.version):
        if time.monotonic() > until_s:
            raise StorageUnavailable(
                f"version {means.city.version} of {means.city.id} is not in force after {AWAIT_S:g} s: "
                "does the pipeline run, and does its log refuse that version?"
            )
        job.check()
        time.sleep(LOOK_S)


class _Feeder:
    """Feeds rounds of rejections in and notes what becomes of each as soon as it is known."""

    def __init__(self, job: Progress, number: int, means: Means) -> None:
        self._job, self._number, self._means = job, number, means
        self._registry = Registry(means.city)

    def feed(self, kept: Sequence[Kept]) -> Iterable[str]:
        """One round; what became of each."""
        now_us, last = time.time_ns() // 1000, self._means.log.last_batch(self._means.shard)
        ready = self._prepared(kept, now_us)
        waiting = [each for each in ready if isinstance(each, Sent)]
        decided = self._note([each for each in ready if isinstance(each, Decision)] + self._accepted(waiting, now_us))
        waiting = _without(waiting, decided)
        if waiting:
            self._means.speak([message for sent in waiting for message in sent.messages])
        until_s = time.monotonic() + AWAIT_S
        while waiting:
            self._job.check()
            news = self._accepted(waiting, now_us)
            news += self._rejected(_without(waiting, news), last, now_us)
            if not news and time.monotonic() > until_s:
                news = self._given_up(waiting, last)
            decided += self._note(news)
            waiting = _without(waiting, news)
            if waiting:
                time.sleep(LOOK_S)
        return [each.outcome for each in decided]

    def _note(self, decisions: list[Decision]) -> list[Decision]:
        if decisions:
            self._means.store.decide(decisions, self._number)
        return decisions

    def _prepared(self, kept: Sequence[Kept], now_us: int) -> list[Sent | Decision]:
        """What is to be published, or what became of it without."""
        ready = [self._look(each, now_us, each.boot > 0) for each in kept]
        # A device that nobody knew has sent it again since, and was rejected for another reason: its number is used up.
        numbers = {_number(each) for each in ready if isinstance(each, Sent)}
        used_up = self._means.store.settled({number for number in numbers if number[1] > 0})
        return [
            self._look(each.kept, now_us, True) if isinstance(each, Sent) and _number(each) in used_up else each
            for each in ready
        ]

    def _look(self, kept: Kept, now_us: int, number_settled: bool) -> Sent | Decision:
        """Whether the city in force would accept it."""
        if kept.payload is None:
            return Decision(kept, "unreadable", detail=NO_KEY)
        if len(kept.payload) >= REJECTED_PAYLOAD_BYTES:
            return Decision(kept, "unreadable", detail=CUT)
        messages = again(kept.topic, kept.payload, to_us(kept.received_at), number_settled, self._registry)
        made = decode(
            [Delivery(topic, payload, now_us) for topic, payload in messages],
            self._registry,
            self._means.sealer,
            self._means.limits,
        )
        refused = made.rejections[0] if made.rejections else None
        if any(made.kind(name).size for name in DTYPES):
            return Sent(kept, messages, made, f"in part; {refused.reason}: {refused.detail}" if refused else "")
        if refused is None:
            return Decision(kept, "unreadable", detail=SAYS_NOTHING)
        return Decision(kept, "rejected", refused.reason, refused.detail)

    def _accepted(self, waiting: Sequence[Sent], now_us: int) -> list[Decision]:
        """Those that are in the log, with every record of theirs that can be."""
        missing = np.zeros(len(waiting), np.int64)
        for name in DTYPES:
            rows = [sent.rows.kind(name) for sent in waiting]
            whose = np.repeat(np.arange(len(waiting)), [each.size for each in rows])
            if whose.size:
                since_us = now_us - round((self._means.limits.days_back(name) + 1) * DAY_US)
                seen = self._means.log.seen(self._means.shard, name, np.concatenate(rows), since_us)
                np.add.at(missing, whose[seen == -1], 1)
        there = np.flatnonzero(missing == 0).tolist()
        return [Decision(waiting[at].kept, "accepted", detail=waiting[at].refused) for at in there]

    def _rejected(self, waiting: Sequence[Sent], last: int, now_us: int) -> list[Decision]:
        """Those that the pipeline has rejected again since, after all."""
        if not waiting:
            return []
        topics = sorted({topic for sent in waiting for topic, _ in sent.messages})
        since = self._means.store.since(last, to_datetime(now_us - SECOND_US), topics, AGAIN_ROWS)
        news = {(new.topic, new.payload): new for new in since}
        found = [(sent, next((news[each] for each in sent.messages if each in news), None)) for sent in waiting]
        return [Decision(sent.kept, "rejected", new.reason, new.detail) for sent, new in found if new]

    def _given_up(self, waiting: Sequence[Sent], last: int) -> list[Decision]:
        """The pipeline runs and says nothing of these: it knows their number.

        Raises:
            StorageUnavailable: it does not run.
        """
        if self._means.log.last_batch(self._means.shard) <= last + 1:
            raise StorageUnavailable(
                f"{len(waiting)} messages wait at the broker, and no pipeline has taken them within {AWAIT_S:g} s: "
                "is it running?"
            )
        return [Decision(sent.kept, "rejected", "conflict", NUMBER_KNOWN) for sent in waiting]


def _number(sent: Sent) -> Number:
    """(device, boot, number) of a message that says something; boot 0 where it has none."""
    rows = next(sent.rows.kind(name) for name in DTYPES if sent.rows.kind(name).size)
    return int(rows["device"][0]), int(rows["boot"][0]), int(rows["seq"][0])


def _without(waiting: Sequence[Sent], decided: Sequence[Decision]) -> list[Sent]:
    done = {(each.kept.n, each.kept.i) for each in decided}
    return [sent for sent in waiting if (sent.kept.n, sent.kept.i) not in done]
