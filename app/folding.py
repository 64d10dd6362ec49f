"""From deliveries to work that can be committed: what is new makes a batch, `step` folds it, the writer prepares it.

From `step` on the state is ahead of the log until the work is on its way. Where anything fails in between, the state is
not whole any more: it is recovered from the log before the next batch.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.admitting import Admitting, InForce, in_force
from app.batching import in_time, says_anything, tally
from app.committing import Work
from app.house import House
from app.left_out import LeftOut
from app.parts import Parts
from app.recovery import restore
from app.settings import PipelineSettings
from app.taking_apart import poison
from app.telling import Telling
from contracts.city import City
from contracts.clock import SECOND_US
from contracts.columns import Batch, Columns, Gap
from contracts.delivery import Delivery, Rejection
from contracts.devices import Device
from contracts.errors import StorageUnavailable
from ingest.newcomers import Newcomers
from processing.engine import marks_of, step
from processing.state import State, to_fields

LOG = logging.getLogger(__name__)

AGAIN_S = 1.0
"""Pause before a database that is away is asked for the log again."""
PROGRESS_S = 10.0
"""How often it is said how far a log has been folded again."""


class _Progress:
    """Hears of every batch that is folded again."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop, self._due_s = stop, time.monotonic() + PROGRESS_S

    def __call__(self, n: int) -> None:
        if self._stop.is_set():
            raise StorageUnavailable(f"stopping: the log is folded up to batch {n}")
        if time.monotonic() > self._due_s:
            self._due_s += PROGRESS_S
            LOG.info("folding the log again: at batch %d", n)


class Folding:
    """The state of the shard, and what makes the next one of it. Used by the fold's thread alone."""

    def __init__(
        self,
        parts: Parts,
        settings: PipelineSettings,
        admitting: Admitting,
        telling: Telling,
        house: House,
        left_out: LeftOut,
    ) -> None:
        self._parts, self._settings, self._admitting = parts, settings, admitting
        self._telling, self._house, self._left_out = telling, house, left_out
        self._newcomers = Newcomers()
        self.state = State()
        self.whole = True
        """Whether the state is that of a batch on its way, and not one that a failed fold left half changed."""
        self.known: InForce | None = None
        """The version of the city by which things are decoded and named."""
        self._snapshot_us, self._work_s = 0, 0.0

    @property
    def version(self) -> int | None:
        """The version of the city in use."""
        return self.known.city.version if self.known else None

    @property
    def _devices(self) -> dict[int, Device]:
        """The devices of that version by their number."""
        return self.known.devices if self.known else {}

    def recover(self, stop: threading.Event) -> None:
        """The state of the log, tried until the database is there.

        Raises:
            StorageUnavailable: `stop` came first.
        """
        parts = self._parts
        while True:
            try:
                self.state = restore(
                    self._settings.shard, parts.log, parts.snapshots, parts.shelf, progress=_Progress(stop)
                )
                break
            except StorageUnavailable as problem:
                if stop.is_set():
                    raise
                LOG.warning("%s; trying again", problem)
                stop.wait(AGAIN_S)
        self.whole = True
        self._snapshot_us, self._work_s = self.state.moments.now_us, 0.0
        if self.state.moments.config >= 0 and self.known is None:
            self.use(parts.shelf.city(self.state.moments.config))

    def use(self, city: City) -> None:
        """From now on decode and name things by this version."""
        self.known = in_force(city)
        self._parts.writer.use_city(city)

    def work(self, deliveries: Sequence[Delivery], now_us: int) -> Work | None:
        """The next batch of these, folded and prepared; None where there is nothing to say and nobody to thank.

        Raises:
            StorageUnavailable: the log could not be asked for a number.
        """
        started_s = time.monotonic()
        since_us = self.state.moments.now_us or now_us
        now_us = max(now_us, since_us)
        new = self._admitting.admit(self.state, deliveries, self.known)
        kinds = {name: in_time(rows, since_us, now_us) for name, rows in new.kinds.items()}
        batch = Batch(
            n=self.state.moments.n + 1,
            since_us=since_us,
            now_us=now_us,
            readings=kinds["reading"],
            passages=kinds["passage"],
            signals=kinds["signal"],
            statuses=kinds["status"],
            gaps=self._gaps(now_us),
            config=self._due_config(),
            past=self._telling.past,
            rejects=tally(new.rejections, since_us, now_us),
            notices=self._house.notices(self.state, now_us),
        )
        if not says_anything(batch, new.rejections):
            if not new.deliveries:
                return None
            return Work(None, new.deliveries, marks_of(self.state, new.repeated), devices=self._devices)
        work = self._folded(batch, new.deliveries, new.rejections, started_s)
        moved = np.isin(new.repeated, work.marks["device"])
        again = marks_of(self.state, new.repeated[~moved])  # those have not heard it
        return replace(work, marks=np.concatenate([work.marks, again])) if again.size else work

    def work_of_offender(self, delivery: Delivery, detail: str, now_us: int) -> Work:
        """A batch of its own for one delivery that breaks: kept as rejected, its number settled."""
        rejection = poison(delivery, self.known.registry if self.known else None, detail)
        self._house.poison(detail, now_us)
        since_us = self.state.moments.now_us or now_us
        notices = self._house.notices(self.state, now_us)
        n, rejects = self.state.moments.n + 1, tally([rejection], since_us, now_us)
        gaps, config = self._gaps(now_us), self._due_config()
        batch = Batch(n, since_us, now_us, gaps=gaps, config=config, rejects=rejects, notices=notices)
        return self._folded(batch, [delivery], [rejection], time.monotonic())

    def is_on_its_way(self, work: Work) -> None:
        """The commit thread has it: the state is that of the log to come, and what the work says is said."""
        self.whole = True
        self._telling.is_on_its_way(work)

    def last_snapshot(self) -> tuple[int, dict[str, Columns]] | None:
        """Batch and fields of the state as it is, to be kept at the end; None where it is not that of any batch."""
        if not self.whole or not self.state.moments.n:
            return None
        return self.state.moments.n, to_fields(self.state)

    def _folded(
        self, batch: Batch, deliveries: Sequence[Delivery], rejections: Sequence[Rejection], started_s: float
    ) -> Work:
        self.whole = False
        self.state, outputs = step(self.state, batch, self._parts.shelf)
        strangers = self._newcomers.among(rejections, self.known.units) if self.known else ()
        prepared = self._parts.writer.prepare(batch, outputs, rejections, strangers)
        self._work_s += time.monotonic() - started_s
        self._left_out.add(late=int(outputs.late.size))
        return Work(prepared, deliveries, outputs.marks, self._due_snapshot(), self._devices, batch.gaps, batch.past)

    def _gaps(self, now_us: int) -> tuple[Gap, ...]:
        return tuple(replace(gap, to_us=min(gap.to_us, now_us)) for gap in self._telling.gaps())

    def _due_config(self) -> int | None:
        return None if self.version == self.state.moments.config else self.version

    def _due_snapshot(self) -> tuple[int, dict[str, Columns]] | None:
        moments = self.state.moments
        old = moments.now_us - self._snapshot_us >= self._settings.snapshot_s * SECOND_US
        if not old and self._work_s < self._settings.snapshot_work_s:
            return None
        self._snapshot_us, self._work_s = moments.now_us, 0.0
        return moments.n, to_fields(self.state)
