"""The pipeline of one shard: network -> fold -> commit, three threads with short queues between them.

It moves data between the stages and decides nothing about it: what is new says `admission`, what it means `step`, what
is written the writer. The order that nothing may change: commit, then acknowledge. So a message that we die with comes
again, and one that we acknowledged is in the log.

What the log has to be told beside records (gaps, a made past, notices of the house) is kept until the batch that says
it is on its way, and taken back from one that failed.
"""

import logging
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.batching import conflicts, in_time, says_anything, tally
from app.committing import Committer, Work
from app.house import BEHIND_US, House
from app.marks import Marks
from app.our_clock import OurClock
from app.recovery import Shelf, restore
from app.settings import PipelineSettings
from app.snapshotting import Snapshotter
from app.taking_apart import ENVIRONMENT, poison, take_apart, undone
from contracts.city import City
from contracts.clock import DAY_US, SECOND_US, TICK_US
from contracts.columns import DTYPES, Batch, Columns, Gap
from contracts.delivery import Decoded, Delivery, Rejection
from contracts.devices import Device
from contracts.errors import (
    ConfigError,
    Fenced,
    StorageUnavailable,
    TransportError,
)
from contracts.ports import PlateSealer
from ingest.connection import IntakeState
from ingest.decode import IntakeLimits, decode
from ingest.mqtt import Intake
from ingest.registry import Registry
from processing import admission
from processing.engine import step
from processing.rulebook import check_rules
from processing.state import State, to_fields
from storage.log import Log
from storage.snapshots import Snapshots
from storage.standing import Standing
from storage.writer import Writer

LOG = logging.getLogger(__name__)

NEWS_S: Final = 2.0
"""How often we ask for a new city version, a made past and the disk: a change is in force within seconds."""
COUNTS_S: Final = 60.0
"""How often what was left out is said in the log file, where anything was."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a pipeline is made of; `app.wiring` puts it together. `disk` says ok, low or critical."""

    city: str
    intake: Callable[[Callable[[IntakeState], None], Callable[[], int]], Intake]
    writer: Writer
    log: Log
    snapshots: Snapshots
    snapshotter: Snapshotter
    shelf: Shelf
    standing: Standing
    sealer: PlateSealer
    disk: Callable[[], str]


class Pipeline:
    """Recover, listen, fold, commit, until told to stop."""

    def __init__(
        self, parts: Parts, settings: PipelineSettings, limits: IntakeLimits, clock_us: Callable[[], int]
    ) -> None:
        self._parts, self._settings, self._limits, self._clock_us = parts, settings, limits, clock_us
        self._state = State()
        self._whole = True
        """Whether the state is that of a batch on its way, and not one that a failed fold left half changed."""
        self._city: City | None = None
        self._registry: Registry | None = None
        self._devices: dict[int, Device] = {}
        self._gaps: deque[Gap] = deque()
        self._past: tuple[int, int] | None = None
        self._remembered: set[tuple[int, int]] = set()
        self._refused: int | None = None
        """The version of the city that the engine cannot work with."""
        self._held: list[Delivery] = []
        self._house, self._our_clock = House(), OurClock()
        self._paused = False
        self._counts: Counter[str] = Counter()
        self._news_due_s = self._counts_due_s = 0.0
        self._snapshot_us, self._work_s = 0, 0.0
        self._stop = threading.Event()
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
        epoch = self._parts.writer.open()
        LOG.info("shard %d: epoch %d", self._settings.shard, epoch)
        self.recover()
        self._committer = self._new_committer()
        try:
            self._begin()
            ready()
            while not stop.is_set():
                self._turn()
        finally:
            self._end()

    # ------------------------------------------------------------------------------------------------- begin and end

    def recover(self) -> None:
        """The state of the log, tried until the database is there."""
        parts = self._parts
        while True:
            try:
                self._state = restore(self._settings.shard, parts.log, parts.snapshots, parts.shelf)
                break
            except StorageUnavailable as problem:
                LOG.warning("%s; trying again", problem)
                if self._stop.wait(1.0):
                    raise
        self._whole = True
        self._snapshot_us, self._work_s = self._state.moments.now_us, 0.0
        if self._state.moments.config >= 0 and self._city is None:
            self._use(parts.shelf.city(self._state.moments.config))

    def _begin(self) -> None:
        """Say in the log that we were away, bring the city up to date, then listen."""
        if self._state.moments.n:
            self._gaps.append(Gap(self._state.moments.now_us, self._now_us(), "stopped"))
        self._hear_news()
        if self._city is None:
            raise ConfigError("city", self._parts.city, "was never imported; run `andaman city import`", "database")
        self._fold([], self._now_us())
        try:
            self._intake.open()
        except TransportError as problem:
            LOG.warning("%s; trying again, the clock goes on", problem)
        while not self._stop.is_set() and not self._intake.state.connected:
            self._turn()

    def _end(self) -> None:
        """What is committed is acknowledged; what is not comes again."""
        self._committer.finish(give_up=True)
        self._intake.close()
        if self._committer.failure is None and self._whole and self._state.moments.n:
            self._parts.snapshotter.offer(self._state.moments.n, to_fields(self._state))
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

    def _use(self, city: City) -> None:
        """From now on decode and name things by this version."""
        self._city, self._registry = city, Registry(city)
        self._devices = {device.no: device for device in city.devices}
        self._parts.writer.use_city(city)

    # ------------------------------------------------------------------------------------------------- one turn

    def _turn(self) -> None:
        """Take what came, or wait for the next tick; fold it; hand it to the commit thread."""
        before_us = self._state.moments.now_us
        deliveries = self._take()
        now_us = self._now_us()
        self._note_deafness(before_us, now_us)
        try:
            self._hear_news()
            self._fold(deliveries, now_us)
        except Fenced:
            raise
        except ENVIRONMENT as problem:
            LOG.warning("%s; trying again", problem)
            self.hold(deliveries)
            if not self._whole:
                take_apart(self)
        except Exception as problem:
            LOG.error("a batch of %d deliveries broke, taking it apart: %s", len(deliveries), _where(problem))
            self.hold(deliveries)
            take_apart(self)

    def _take(self) -> list[Delivery]:
        """What is held from before, and what has come since; waits for the next tick at most."""
        to_tick_s = (TICK_US - self._clock_us() % TICK_US) / SECOND_US
        if self._paused:
            self._stop.wait(to_tick_s)
            return []
        held, self._held = self._held, []
        room = self._settings.batch_messages
        if held:
            self._stop.wait(to_tick_s)
            return held + self._intake.take(max(0, room - len(held)), 0.0)
        taken = self._intake.take(room, to_tick_s)
        until_s = time.monotonic() + self._settings.linger_ms / 1000
        while taken and len(taken) < room and (left_s := until_s - time.monotonic()) > 0:
            taken += self._intake.take(room - len(taken), left_s)
        return taken

    def _note_deafness(self, before_us: int, now_us: int) -> None:
        """Time in which we did not listen is a gap, and nobody's silence."""
        if now_us - before_us > self._settings.pause_s * SECOND_US:
            self._gaps.append(Gap(before_us, now_us, "paused"))
        elif not self._intake.state.connected:
            self._gaps.append(Gap(before_us, now_us, "disconnected"))
        elif self._paused or self._our_clock.wrong:
            self._gaps.append(Gap(before_us, now_us, "intake paused"))

    def _fold(self, deliveries: Sequence[Delivery], now_us: int) -> None:
        """One batch through admission, fold and preparation, to the commit thread.

        Raises:
            whatever a commit before it raised: then nothing of this batch went on.
        """
        work = self._make_work(deliveries, now_us)
        if work is None:
            return
        if self._committer.put(work, self._stop):
            self._is_on_its_way(work)
        elif self._committer.failure is not None:
            raise self._committer.failure

    def _make_work(self, deliveries: Sequence[Delivery], now_us: int) -> Work | None:
        """The next batch; from `step` on the state is ahead of the log until the work is handed over."""
        started_s = time.monotonic()
        state, since_us = self._state, self._state.moments.now_us or now_us
        now_us = max(now_us, since_us)
        decoded = self._decode(deliveries)
        if self._our_clock.wrong:
            self.hold(deliveries)
            deliveries, decoded = (), Decoded()
        kinds, rejections = self._admit(decoded, deliveries)
        kinds = {name: in_time(rows, since_us, now_us) for name, rows in kinds.items()}
        batch = Batch(
            n=state.moments.n + 1,
            since_us=since_us,
            now_us=now_us,
            readings=kinds["reading"],
            passages=kinds["passage"],
            signals=kinds["signal"],
            statuses=kinds["status"],
            gaps=tuple(replace(gap, to_us=min(gap.to_us, now_us)) for gap in self._gaps),
            config=self._due_config(),
            past=self._past,
            rejects=tally(rejections),
            notices=self._house.notices(state, now_us),
        )
        if not says_anything(batch, rejections):
            return Work(None, deliveries) if deliveries else None
        self._whole = False
        self._state, outputs = step(state, batch, self._parts.shelf)
        prepared = self._parts.writer.prepare(batch, outputs, rejections)
        self._work_s += time.monotonic() - started_s
        self._counts["late"] += int(outputs.late.size)
        snapshot = self._due_snapshot()
        return Work(prepared, deliveries, outputs.marks, snapshot, self._devices, batch.gaps, batch.past)

    def _is_on_its_way(self, work: Work) -> None:
        """What the work says need not be said again."""
        self._whole = True
        for _ in work.gaps:
            self._gaps.popleft()
        if work.past is not None:
            self._past = None

    def _decode(self, deliveries: Sequence[Delivery]) -> Decoded:
        if not deliveries or self._registry is None:
            return Decoded()
        decoded = decode(deliveries, self._registry, self._parts.sealer, self._limits)
        self._counts.update(retained=decoded.retained, plates_lost=decoded.plates_lost)
        self._our_clock.is_wrong(decoded, time.monotonic())
        return decoded

    def _admit(self, decoded: Decoded, deliveries: Sequence[Delivery]) -> tuple[dict[str, Columns], list[Rejection]]:
        """What is new, by kind, and what is rejected; duplicates are left out.

        Raises:
            StorageUnavailable: something is older than our memory, and the log cannot be asked.
        """
        rejections = [each for each in decoded.rejections if not admission.settled(self._state, each)]
        verdicts = admission.judge(self._state, decoded)
        kinds: dict[str, Columns] = {}
        for name in DTYPES:
            rows, verdict = decoded.kind(name), verdicts.of[name].copy()
            doubtful = np.flatnonzero(verdict == admission.DOUBTFUL)
            if doubtful.size:
                held = self._look_up(name, rows[doubtful])
                same = np.where(held == rows["digest"][doubtful], admission.DUPLICATE, admission.CONFLICT)
                verdict[doubtful] = np.where(held == -1, admission.NEW, same)
            rejections += conflicts(rows[verdict == admission.CONFLICT], deliveries, self._devices)
            self._counts["duplicates"] += int(np.count_nonzero(verdict == admission.DUPLICATE))
            kinds[name] = rows[verdict == admission.NEW]
        return kinds, rejections

    def _look_up(self, kind: str, rows: Columns) -> Columns:
        """What the log holds of these identities: digest or -1. Batches on their way have to be in it first."""
        if not self._committer.wait_until_idle(self._stop):
            raise self._committer.failure or StorageUnavailable("stopping: the log could not be asked any more")
        since_us = self._state.moments.now_us - round((self._limits.days_back(kind) + 1) * DAY_US)
        return self._parts.log.seen(self._settings.shard, kind, rows, since_us)

    def hold(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries for the next turn, each once: one acknowledged twice could thank for another's message."""
        held = {id(delivery) for delivery in self._held}
        self._held += [delivery for delivery in deliveries if id(delivery) not in held]

    # ------------------------------------------------------------------------------------------------- what else

    def _now_us(self) -> int:
        """The engine's time: the clock, but never back."""
        return max(self._clock_us(), self._state.moments.now_us)

    def _on_state(self, state: IntakeState) -> None:
        """From the network thread."""
        if state.gap is not None:
            self._gaps.append(state.gap)
        if state.connected:
            LOG.info("connected to the broker (session %s)", "kept" if state.session_present else "new")
        else:
            LOG.warning("not connected to the broker: %s", state.problem)

    def _hear_news(self) -> None:
        """A newer city is in force from its own batch on, before any record that only it knows."""
        if time.monotonic() < self._news_due_s:
            return
        self._news_due_s = time.monotonic() + NEWS_S
        parts = self._parts
        version = parts.standing.newest_version(parts.city)
        past = parts.standing.finished_past(parts.city, self._settings.shard)
        if past is not None and past not in self._remembered:
            parts.shelf.past(*past)  # fetched before the fold needs it
            self._past = past
            self._remembered.add(past)
        self._watch_house()
        if version is not None and version not in (self._refused, self._city.version if self._city else None):
            self._adopt(parts.shelf.city(version))

    def _adopt(self, city: City) -> None:
        """Put a version in force; one that the engine cannot work with is refused, and the old one stays."""
        try:
            check_rules(city)
        except ConfigError as problem:
            self._refused = city.version
            LOG.error("version %d of the city stays out of force: %s", city.version, problem)
            return
        self._use(city)
        self._fold([], self._now_us())

    def _watch_house(self) -> None:
        disk = self._parts.disk()
        if self._house.set("disk-low", disk != "ok", f"the disk is {disk}") or self._paused != (disk == "critical"):
            self._paused = disk == "critical"
            LOG.warning("the disk is %s%s", disk, ": intake pauses" if self._paused else "")
        behind_us = self._state.moments.now_us - self._clock_us()
        set_back = f"our clock was set back by {behind_us / SECOND_US:.0f} s: ticks wait for it"
        wrong = self._our_clock.wrong or behind_us > BEHIND_US
        self._house.set("clock-fault", wrong, self._our_clock.detail if self._our_clock.wrong else set_back)
        if time.monotonic() >= self._counts_due_s:
            self._say_counts()

    def _say_counts(self) -> None:
        """What was left out is never left out in silence."""
        self._counts_due_s = time.monotonic() + COUNTS_S
        counts = {**self._counts, "qos0 dropped": self._intake.dropped, "acks discarded": self._intake.acks_discarded}
        said = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        if said:
            LOG.info("left out so far: %s", said)

    def _due_config(self) -> int | None:
        if self._city is None or self._city.version == self._state.moments.config:
            return None
        return self._city.version

    def _due_snapshot(self) -> tuple[int, dict[str, Columns]] | None:
        moments = self._state.moments
        old = moments.now_us - self._snapshot_us >= self._settings.snapshot_s * SECOND_US
        if not old and self._work_s < self._settings.snapshot_work_s:
            return None
        self._snapshot_us, self._work_s = moments.now_us, 0.0
        return moments.n, to_fields(self._state)

    # ------------------------------------------------------------------------------------------------- taking apart

    def start_over(self) -> list[Delivery]:
        """Drop the state, take back what is not committed and reload; the deliveries of it, in order.

        Raises:
            Fenced: a newer pipeline has the shard.
        """
        left = undone(self._committer.finish())
        if isinstance(self._committer.failure, Fenced):
            raise self._committer.failure
        held, self._held = self._held, []
        self._gaps.extendleft(reversed(left.gaps))
        self._past = left.past or self._past
        self.recover()
        self._committer = self._new_committer()
        return left.deliveries + held

    def commit_now(self, deliveries: Sequence[Delivery]) -> None:
        """One batch, committed before this returns."""
        work = self._make_work(deliveries, self._now_us())
        if work is not None:
            self._committer.do(work)
            self._is_on_its_way(work)

    def set_aside(self, delivery: Delivery, detail: str) -> None:
        """Keep one offender as rejected, its number settled, in a batch of its own."""
        now_us = self._now_us()
        rejection = poison(delivery, self._registry, detail)
        self._house.poison(detail, now_us)
        since_us = self._state.moments.now_us or now_us
        notices = self._house.notices(self._state, now_us)
        n, rejects = self._state.moments.n + 1, tally([rejection])
        batch = Batch(n, since_us, now_us, config=self._due_config(), rejects=rejects, notices=notices)
        self._whole = False
        self._state, outputs = step(self._state, batch, self._parts.shelf)
        prepared = self._parts.writer.prepare(batch, outputs, [rejection])
        self._committer.do(Work(prepared, [delivery], outputs.marks, devices=self._devices))
        self._whole = True


def _where(problem: BaseException) -> str:
    """An error's type and where it came from. Not its text: that may quote what a device sent."""
    frames = traceback.format_tb(problem.__traceback__)
    return f"{type(problem).__name__}\n{''.join(frames)}"
