"""The pipeline of one shard: network -> fold -> commit, three threads with short queues between them.

It moves data between the stages and decides nothing about it: what is new says `admission`, what it means `step`, what
is written the writer. The order that nothing may change: commit, then acknowledge. So a message that we die with comes
again, and one that we acknowledged is in the LOG.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from app.committing import Committer, Work
from app.marks import Marks
from app.our_clock import OurClock
from app.recovery import Shelf, restore
from app.settings import PipelineSettings
from app.snapshotting import Snapshotter
from contracts.city import City
from contracts.clock import DAY_US, MINUTE_US, SECOND_US
from contracts.columns import DTYPES, Batch, Columns, Gap, Notice, Rejects
from contracts.delivery import Decoded, Delivery, Rejection
from contracts.errors import ConfigError, Fenced, StorageUnavailable, TransportError
from contracts.ports import PlateSealer
from ingest.connection import IntakeState
from ingest.decode import IntakeLimits, decode
from ingest.mqtt import Intake
from ingest.registry import Registry
from processing import admission
from processing.compiled import Compiled, compile_city
from processing.engine import step
from processing.state import State, to_fields
from storage.log import Log
from storage.snapshots import Snapshots
from storage.standing import Standing
from storage.writer import Writer

LOG = logging.getLogger(__name__)

NEWS_S: Final = 2.0
"""How often we ask for a new city version, a made past and the disk: a change is in force within seconds."""
POISON_CLEAR_US: Final = 10 * MINUTE_US
"""A poison alarm ends after so long without another one."""


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
        self._compiled: Compiled | None = None
        self._registry: Registry | None = None
        self._gaps: deque[Gap] = deque()
        self._notices: list[Notice] = []
        self._held: list[Delivery] = []
        self._wanted_past: tuple[int, int] | None = None
        self._remembered: set[tuple[int, int]] = set()
        self._disk, self._paused, self._our_clock = "ok", False, OurClock()
        self._poisoned_us: int | None = None
        self._news_due_s = 0.0
        self._snapshot_us, self._work_s = 0, 0.0
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
        epoch = self._parts.writer.open()
        LOG.info("shard %d: epoch %d", self._settings.shard, epoch)
        self._recover()
        try:
            self._begin(stop)
            ready()
            while not stop.is_set():
                self._turn(stop)
        finally:
            self._end()

    # ------------------------------------------------------------------------------------------------- begin and end

    def _recover(self) -> None:
        parts = self._parts
        self._state = restore(self._settings.shard, parts.log, parts.snapshots, parts.shelf)
        self._snapshot_us, self._work_s = self._state.moments.now_us, 0.0
        if self._state.moments.config >= 0 and self._compiled is None:
            self._use(parts.shelf.city(self._state.moments.config))

    def _begin(self, stop: threading.Event) -> None:
        """Say in the log that we were away, bring the city up to date, then listen."""
        self._committer = self._new_committer()
        if self._state.moments.n:
            self._gaps.append(Gap(self._state.moments.now_us, self._now_us(), "stopped"))
        self._hear_news()
        if self._compiled is None:
            raise ConfigError("city", self._parts.city, "was never imported; run `andaman city import`", "database")
        self._fold([], self._now_us())
        try:
            self._intake.open()
        except TransportError as problem:
            LOG.warning("%s; trying again, the clock goes on", problem)
        while not stop.is_set() and not self._intake.state.connected:
            self._turn(stop)

    def _end(self) -> None:
        """What is committed is acknowledged; what is not comes again."""
        self._committer.finish(give_up=True)
        self._intake.close()
        if self._committer.failure is None and self._state.moments.n:
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
        self._compiled, self._registry = compile_city(city), Registry(city)
        self._parts.writer.use_city(city)

    # ------------------------------------------------------------------------------------------------- one turn

    def _turn(self, stop: threading.Event) -> None:
        """Take what came, or wait for the next tick; fold it; hand it to the commit thread."""
        before_us = self._state.moments.now_us
        deliveries = self._take(stop)
        now_us = self._now_us()
        if now_us - before_us > self._settings.pause_s * SECOND_US:
            self._gaps.append(Gap(before_us, now_us, "paused"))
        try:
            self._hear_news()
            self._fold(deliveries, now_us)
        except StorageUnavailable as problem:
            LOG.warning("%s; trying again", problem)
            self._held = list(deliveries)
        except Fenced:
            raise
        except Exception:
            LOG.exception("a batch of %d deliveries broke: taking it apart", len(deliveries))
            self._take_apart(deliveries)

    def _take(self, stop: threading.Event) -> list[Delivery]:
        to_tick_s = (TICK_AT - self._clock_us() % TICK_AT) / SECOND_US
        if self._paused:
            stop.wait(to_tick_s)
            return []
        if self._held:
            stop.wait(to_tick_s)
            held, self._held = self._held, []
            return held
        room = self._settings.batch_messages
        taken = self._intake.take(room, to_tick_s)
        until_s = time.monotonic() + self._settings.linger_ms / 1000
        while taken and len(taken) < room and (left_s := until_s - time.monotonic()) > 0:
            taken += self._intake.take(room - len(taken), left_s)
        return taken

    def _fold(self, deliveries: Sequence[Delivery], now_us: int) -> None:
        """One batch through admission, fold and preparation, to the commit thread.

        Raises:
            whatever a commit before it raised: then nothing of this batch went on.
        """
        work = self._make_work(deliveries, now_us)
        if work is not None and not self._committer.put(work):
            assert self._committer.failure is not None
            raise self._committer.failure

    def _make_work(self, deliveries: Sequence[Delivery], now_us: int) -> Work | None:
        started_s = time.monotonic()
        state, since_us = self._state, self._state.moments.now_us or now_us
        now_us = max(now_us, since_us)
        decoded = Decoded()
        if deliveries and self._registry is not None:
            decoded = decode(deliveries, self._registry, self._parts.sealer, self._limits)
            if self._our_clock.is_wrong(decoded, time.monotonic()):
                self._held, deliveries, decoded = list(deliveries), (), Decoded()
            self._notices += self._our_clock.notices()
        kinds, rejections = self._admit(decoded)
        batch = Batch(
            n=state.moments.n + 1,
            since_us=since_us,
            now_us=now_us,
            **{f"{name}s" if name != "status" else "statuses": _in_time(rows, since_us, now_us)
               for name, rows in kinds.items()},
            gaps=self._drain_gaps(since_us, now_us),
            config=self._due_config(),
            past=self._due_past(),
            rejects=_tally(rejections),
            notices=self._drain_notices(now_us),
        )  # fmt: skip
        if not _says_anything(batch, rejections):
            return Work(None, deliveries) if deliveries else None
        self._state, outputs = step(state, batch, self._parts.shelf)
        prepared = self._parts.writer.prepare(batch, outputs, rejections)
        self._work_s += time.monotonic() - started_s
        devices = self._compiled.devices if self._compiled else {}
        return Work(prepared, deliveries, outputs.marks, self._due_snapshot(), devices)

    def _admit(self, decoded: Decoded) -> tuple[dict[str, Columns], list[Rejection]]:
        """What is new, by kind, and what is rejected; duplicates are left out."""
        rejections = [each for each in decoded.rejections if not admission.settled(self._state, each)]
        verdicts = admission.judge(self._state, decoded)
        kinds: dict[str, Columns] = {}
        for name in DTYPES:
            rows, verdict = admission.rows_of(decoded, name), verdicts.of[name].copy()
            doubtful = np.flatnonzero(verdict == admission.DOUBTFUL)
            if doubtful.size:
                held = self._parts.log.seen(self._settings.shard, name, rows[doubtful], self._lookup_since_us())
                same = np.where(held == rows["digest"][doubtful], admission.DUPLICATE, admission.CONFLICT)
                verdict[doubtful] = np.where(held == -1, admission.NEW, same)
            for row in rows[verdict == admission.CONFLICT]:
                rejections.append(_conflict(row))
            kinds[name] = rows[verdict == admission.NEW]
        return kinds, rejections

    # ------------------------------------------------------------------------------------------------- what else

    def _now_us(self) -> int:
        """The engine's time: the clock, but never back."""
        return max(self._clock_us(), self._state.moments.now_us)

    def _lookup_since_us(self) -> int:
        """How far back a doubtful identity can have been received: not before its event could be accepted."""
        return self._state.moments.now_us - round((self._limits.past_days + 1) * DAY_US)

    def _on_state(self, state: IntakeState) -> None:
        """From the network thread."""
        if state.gap is not None:
            self._gaps.append(state.gap)
        if state.connected:
            LOG.info("connected to the broker (session %s)", "kept" if state.session_present else "new")
        else:
            LOG.warning("not connected to the broker: %s", state.problem)

    def _drain_gaps(self, since_us: int, now_us: int) -> tuple[Gap, ...]:
        gaps = []
        while self._gaps:
            gap = self._gaps.popleft()
            gaps.append(replace(gap, to_us=min(gap.to_us, now_us)))
        return tuple(gap for gap in gaps if gap.to_us > gap.from_us)

    def _drain_notices(self, now_us: int) -> tuple[Notice, ...]:
        if self._poisoned_us is not None and now_us - self._poisoned_us > POISON_CLEAR_US:
            self._poisoned_us = None
            self._notices.append(Notice("poison", False))
        notices, self._notices = tuple(self._notices), []
        return notices

    def _hear_news(self) -> None:
        """A newer city is in force from its own batch on, before any record that only it knows."""
        if time.monotonic() < self._news_due_s:
            return
        self._news_due_s = time.monotonic() + NEWS_S
        parts = self._parts
        version = parts.standing.newest_version(parts.city)
        past = parts.standing.finished_past(parts.city, self._settings.shard)
        if past is not None and past not in self._remembered:
            parts.shelf.past(*past)
            self._wanted_past = past
            self._remembered.add(past)
        self._watch_disk()
        if version is not None and (self._compiled is None or version != self._compiled.city.version):
            self._use(parts.shelf.city(version))
            self._fold([], self._now_us())

    def _watch_disk(self) -> None:
        disk = self._parts.disk()
        if disk == self._disk:
            return
        self._notices.append(Notice("disk-low", disk != "ok", f"the disk is {disk}"))
        self._disk, self._paused = disk, disk == "critical"
        LOG.warning("the disk is %s%s", disk, ": intake pauses" if self._paused else "")

    def _due_config(self) -> int | None:
        if self._compiled is None or self._compiled.city.version == self._state.moments.config:
            return None
        return self._compiled.city.version

    def _due_past(self) -> tuple[int, int] | None:
        wanted, self._wanted_past = self._wanted_past, None
        return wanted

    def _due_snapshot(self) -> tuple[int, dict[str, Columns]] | None:
        moments = self._state.moments
        old = moments.now_us - self._snapshot_us >= self._settings.snapshot_s * SECOND_US
        if not old and self._work_s < self._settings.snapshot_work_s:
            return None
        self._snapshot_us, self._work_s = moments.now_us, 0.0
        return moments.n, to_fields(self._state)

    # ------------------------------------------------------------------------------------------------- taking apart

    def _take_apart(self, deliveries: Sequence[Delivery]) -> None:
        """Drop the state, reload it, and bisect what was not committed; the one offender is kept as poison.

        Raises:
            Exception: a batch without any delivery breaks as well: the data is not to blame, we are.
        """
        undone = self._committer.finish()
        waiting = [delivery for work in undone for delivery in work.deliveries]
        waiting += deliveries
        self._recover()
        self._committer = self._new_committer()
        self._bisect([])
        self._bisect(waiting)

    def _bisect(self, deliveries: Sequence[Delivery]) -> None:
        try:
            work = self._make_work(deliveries, self._now_us())
            if work is not None:
                self._committer.do(work)
        except Fenced:
            raise
        except Exception as problem:
            if not deliveries:
                raise
            self._recover()
            if len(deliveries) == 1:
                self._set_aside(deliveries[0], problem)
            else:
                half = len(deliveries) // 2
                self._bisect(deliveries[:half])
                self._bisect(deliveries[half:])

    def _set_aside(self, delivery: Delivery, problem: Exception) -> None:
        """Keep one offender as rejected. Its error's text may quote the record, so only its type is told."""
        now_us = self._now_us()
        detail = f"{type(problem).__name__} while it was folded or written"
        rejection = Rejection("poison", detail, delivery.topic, delivery.payload, delivery.received_us)
        self._poisoned_us = now_us
        since_us = self._state.moments.now_us or now_us
        notices = (*self._drain_notices(now_us), Notice("poison", True, detail))
        batch = Batch(
            self._state.moments.n + 1, since_us, now_us, config=self._due_config(), rejects=_tally([rejection]),
            notices=notices,
        )  # fmt: skip
        self._state, outputs = step(self._state, batch, self._parts.shelf)
        self._committer.do(Work(self._parts.writer.prepare(batch, outputs, [rejection]), [delivery]))


TICK_AT: Final = SECOND_US


def _in_time(rows: Columns, since_us: int, now_us: int) -> Columns:
    """Receipt times as the engine counts them: never before the batch's start, never back, never after its end."""
    if rows.size:
        rows = rows.copy()
        rows["received_us"] = np.maximum.accumulate(np.clip(rows["received_us"], since_us, now_us))
    return rows


def _says_anything(batch: Batch, rejections: Sequence[Rejection]) -> bool:
    ticked = batch.now_us // TICK_AT > batch.since_us // TICK_AT
    other = batch.gaps or batch.notices or rejections or batch.past or batch.config is not None
    return bool(batch.records or ticked or other)


def _tally(rejections: Sequence[Rejection]) -> tuple[Rejects, ...]:
    """Rejections counted by device and reason, with the numbers they settle."""
    groups: dict[tuple[int, str], list[Rejection]] = {}
    for each in rejections:
        groups.setdefault((each.device, each.reason), []).append(each)
    tally = []
    for (device, reason), those in sorted(groups.items()):
        numbers = sorted({(each.boot, each.seq) for each in those if each.boot > 0 and reason != "conflict"})
        tally.append(
            Rejects(device, reason, len(those), tuple(boot for boot, _ in numbers), tuple(seq for _, seq in numbers))
        )
    return tuple(tally)


def _conflict(row: Any) -> Rejection:
    return Rejection(
        "conflict",
        "this number came before with another content; the first is kept",
        "",
        b"",
        int(row["received_us"]),
        device=int(row["device"]),
        boot=int(row["boot"]),
        seq=int(row["seq"]),
        part=int(row["part"]),
    )
