"""The pipeline of one shard: network -> fold -> commit, three threads with short queues between them.

It moves data between the stages and decides nothing about it: what is new says `app/admitting.py`, what it means and
how it is written `app/folding.py`, the commit thread is `app/committing.py`. The order that nothing may change: commit,
then acknowledge. So a message that we die with comes again, and one that we acknowledged is in the log.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from app.admitting import Admitting
from app.committing import Committer
from app.folding import Folding
from app.held import Held
from app.house import House
from app.left_out import LeftOut
from app.marks import Marks
from app.news import News
from app.parts import Parts
from app.settings import PipelineSettings
from app.taking_apart import ENVIRONMENT, take_apart, undone
from app.telling import Telling
from contracts.clock import SECOND_US, TICK_US
from contracts.columns import Gap
from contracts.delivery import Delivery
from contracts.errors import ConfigError, Fenced, StorageUnavailable, TransportError
from ingest.connection import IntakeState
from ingest.decode import IntakeLimits
from ingest.mail import Mail
from ingest.mailbox import TAKEN_BYTES

LOG = logging.getLogger(__name__)

NEWS_S: Final = 2.0
"""How often we ask for a made past and the disk. Of a new version of the city the database tells us: it is in force
with the next turn, and within this time where the notice was lost with its connection."""


BULK_A_MS: Final = 10
"""Messages in a millisecond from which on a batch gathers longer: above, what a batch costs however small it is (the
newest value of each series said, a commit) outweighs its messages."""
BULK_LINGERS: Final = 4
"""How much longer: with the 20 ms that it has gathered, a tenth of a second, so that what is live stays so."""


class Pipeline:
    """Recover, listen, fold, commit, until told to stop."""

    def __init__(
        self, parts: Parts, settings: PipelineSettings, limits: IntakeLimits, clock_us: Callable[[], int]
    ) -> None:
        self._parts, self._settings, self._clock_us = parts, settings, clock_us
        self._stop = threading.Event()
        self._held = Held()
        self._telling, self._house, self._left_out = Telling(), House(), LeftOut()
        self._admitting = Admitting(parts, settings.shard, limits, self._left_out, self.hold, self._settle)
        self._folding = Folding(parts, settings, self._admitting, self._telling, self._house, self._left_out)
        self._news, self._news_due_s = News(parts, settings.shard), 0.0
        self._intake = parts.intake(self._on_state, self._now_us)
        self._marks = Marks(parts.city, self._intake.publish, settings.mark_s)
        self._committer: Committer

    def run(self, stop: threading.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Own the shard until `stop` is set.

        Raises:
            ConfigError: the city was never imported.
            Fenced: a newer pipeline has taken the shard.
            StorageError: the log cannot be read, or a batch without any record cannot be written.
        """
        self._stop = stop
        try:
            self._own(ready)
        except StorageUnavailable as problem:
            if not stop.is_set():
                raise
            LOG.warning("%s; stopping without it: what is not committed comes again", problem)

    def _own(self, ready: Callable[[], None]) -> None:
        """The shard, from taking it to giving it back."""
        epoch = self._parts.writer.open()
        LOG.info("shard %d: epoch %d", self._settings.shard, epoch)
        self.recover()
        self._committer = self._new_committer()
        try:
            self._begin()
            ready()
            while not self._stop.is_set():
                self._turn()
        finally:
            self._end()

    # ------------------------------------------------------------------------------------------------- one turn

    def _turn(self) -> None:
        """Take what came, or wait for the next tick; fold it; hand it to the commit thread."""
        before_us = self._folding.state.moments.now_us
        deliveries = self._take()
        now_us = self._now_us()
        self._note_deafness(before_us, now_us)
        try:
            self._look_around()
            self._fold(deliveries, now_us)
        except Fenced:
            raise
        except ENVIRONMENT as problem:
            LOG.warning("%s; trying again", problem)
            self.hold(deliveries)
            if not self._folding.whole:
                take_apart(self)
        except Exception as problem:
            LOG.error("a batch of %d deliveries broke, taking it apart: %s", len(deliveries), _where(problem))
            self.hold(deliveries)
            take_apart(self)

    def _take(self) -> Sequence[Delivery]:
        """What is held from before, and what has come since; waits for the next tick at most."""
        to_tick_s = (TICK_US - self._clock_us() % TICK_US) / SECOND_US
        if self._house.full:
            self._stop.wait(to_tick_s)
            return []
        room = self._settings.batch_messages
        if len(self._held):
            self._stop.wait(to_tick_s)
            if self._admitting.our_clock.wrong:
                self._held.received_anew(self._now_us())
            more = self._intake.take(self._held.room_beside(room), 0.0)
            return [*self._held.taken(), *more]
        parts = [self._intake.take(room, to_tick_s)]
        if parts[0]:
            self._gather(parts, room, self._settings.linger_ms / 1000)
            if sum(map(len, parts)) >= BULK_A_MS * self._settings.linger_ms:
                self._gather(parts, room, BULK_LINGERS * self._settings.linger_ms / 1000)
        return Mail.joined(parts)

    def _gather(self, parts: list[Mail], room: int, time_s: float) -> None:
        """What comes within a time, as long as there is room."""
        left, left_bytes = room - sum(map(len, parts)), TAKEN_BYTES - sum(part.bytes for part in parts)
        until_s = time.monotonic() + time_s
        while left > 0 and left_bytes > 0 and (left_s := until_s - time.monotonic()) > 0:
            parts.append(self._intake.take(left, left_s))
            left, left_bytes = left - len(parts[-1]), left_bytes - parts[-1].bytes

    def _note_deafness(self, before_us: int, now_us: int) -> None:
        """Time in which we did not listen is a gap, and nobody's silence."""
        if now_us - before_us > self._settings.pause_s * SECOND_US:
            self._telling.gap(Gap(before_us, now_us, "paused"))
        elif not self._intake.state.connected:
            self._telling.gap(Gap(before_us, now_us, "disconnected"))
        elif self._house.full or self._admitting.our_clock.wrong:
            self._telling.gap(Gap(before_us, now_us, "intake paused"))

    def _look_around(self) -> None:
        """A newer city is in force from its own batch on, before any record that only it knows."""
        if time.monotonic() < self._news_due_s and not self._parts.standing.told():
            return
        self._news_due_s = time.monotonic() + NEWS_S
        city = self._news.hear(self._telling, self._folding.version)
        behind_us = self._folding.state.moments.now_us - self._clock_us()
        self._house.look(self._parts.disk(), behind_us, self._admitting.our_clock)
        intake = self._intake
        self._house.broker(intake.broker_dropped, self._now_us())
        refused = len(intake.refused_filters)
        self._left_out.say(
            {"qos0 dropped": intake.dropped, "acks discarded": intake.acks_discarded, "topics refused us": refused}
        )
        if city is not None:
            self._folding.use(city)
            self._listen()
            self._fold([], self._now_us())

    def _listen(self) -> None:
        """Hear the topics that devices of other families have in the version in force."""
        if self._folding.known is not None:
            self._intake.listen_to(self._folding.known.registry.foreign.topics)

    def _fold(self, deliveries: Sequence[Delivery], now_us: int) -> None:
        """One batch through admission, fold and preparation, to the commit thread.

        Raises:
            whatever a commit before it raised: then nothing of this batch went on.
        """
        work = self._folding.work(deliveries, now_us)
        if work is None:
            return
        if self._committer.put(work, self._stop):
            self._folding.is_on_its_way(work)
        elif self._committer.failure is not None:
            raise self._committer.failure

    def _settle(self) -> None:
        """Wait until all that is on its way is in the log."""
        if not self._committer.wait_until_idle(self._stop):
            raise self._committer.failure or StorageUnavailable("stopping: the log could not be asked any more")

    def _now_us(self) -> int:
        """The engine's time: the clock, but never back."""
        return max(self._clock_us(), self._folding.state.moments.now_us)

    def _on_state(self, state: IntakeState) -> None:
        """From the network thread."""
        if state.gap is not None:
            self._telling.gap(state.gap)
        if state.connected:
            LOG.info("connected to the broker (session %s)", "kept" if state.session_present else "new")
        else:
            LOG.warning("not connected to the broker: %s", state.problem)

    # ------------------------------------------------------------------------------------------------- begin and end

    def _begin(self) -> None:
        """Say in the log that we were away, bring the city up to date, then listen."""
        if self._folding.state.moments.n:
            self._telling.gap(Gap(self._folding.state.moments.now_us, self._now_us(), "stopped"))
        self._look_around()
        if self._folding.known is None:
            raise ConfigError("city", self._parts.city, "was never imported; run `andaman city import`", "database")
        self._listen()
        self._fold([], self._now_us())
        try:
            self._intake.open()
        except TransportError as problem:
            LOG.warning("%s; trying again, the clock goes on", problem)
        while not self._stop.is_set() and not self._intake.state.connected:
            self._turn()

    def _end(self) -> None:
        """What is committed is acknowledged; what is not comes again."""
        self._committer.finish()
        self._intake.close()
        last = self._folding.last_snapshot()
        if self._committer.failure is None and last is not None:
            self._parts.snapshotter.offer(*last)
        self._parts.snapshotter.close()
        for part in (self._parts.writer, self._parts.log, self._parts.snapshots, self._parts.standing):
            part.close()

    def _new_committer(self) -> Committer:
        parts = self._parts
        made = Committer(
            parts.writer, self._intake.acknowledge, self._marks, parts.snapshotter.offer, self._settings.commits_ahead
        )
        made.start()
        return made

    # ------------------------------------------------------------------------------------------------- taking apart

    def recover(self) -> None:
        """Reload the state from the log."""
        self._folding.recover(self._stop)

    def hold(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries for the next turn."""
        self._held.add(deliveries)

    def start_over(self) -> list[Delivery]:
        """Drop the state, take back what is not committed and reload; the deliveries of it, in order.

        Raises:
            Fenced: a newer pipeline has the shard.
        """
        left = undone(self._committer.finish(self._stop))
        if isinstance(self._committer.failure, Fenced):
            raise self._committer.failure
        held = self._held.taken()
        self._telling.take_back(left)
        self.recover()
        # Each half that breaks reloads the state: from here, and not from a snapshot of half a minute ago.
        last = self._folding.last_snapshot()
        if last is not None:
            self._parts.snapshotter.offer(*last)
        self._committer = self._new_committer()
        return left.deliveries + held

    def commit_now(self, deliveries: Sequence[Delivery]) -> bool:
        """One batch, committed before this returns; False where they were held instead: our clock is wrong."""
        work = self._folding.work(deliveries, self._deaf_until_now_us())
        if work is not None:
            self._committer.do(work, self._stop)
            self._folding.is_on_its_way(work)
        return not len(self._held)

    def set_aside(self, delivery: Delivery, detail: str) -> None:
        """Keep one offender as rejected, its number settled, in a batch of its own."""
        work = self._folding.work_of_offender(delivery, detail, self._deaf_until_now_us())
        self._committer.do(work, self._stop)
        self._folding.is_on_its_way(work)

    def _deaf_until_now_us(self) -> int:
        """The engine's time. While a batch is taken apart, part by part, what else comes waits: nobody is silent."""
        before_us, now_us = self._folding.state.moments.now_us, self._now_us()
        if before_us and before_us < now_us:
            self._telling.gap(Gap(before_us, now_us, "paused"))
        return now_us


def _where(problem: BaseException) -> str:
    """An error's type and where it came from. Not its text: that may quote what a device sent."""
    frames = traceback.format_tb(problem.__traceback__)
    return f"{type(problem).__name__}\n{''.join(frames)}"
