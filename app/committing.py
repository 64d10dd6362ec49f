"""The commit thread: one transaction a batch, then the acknowledgements, then the marks. In that order, always."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.marks import Marks
from contracts.columns import MARK, Columns, Gap
from contracts.delivery import Delivery
from contracts.devices import Device
from ingest.mail import tokens
from storage.prepared import Prepared
from storage.writer import Writer

LOOK_S = 0.2
"""How often somebody who waits for this thread looks whether it still runs."""


@dataclass(frozen=True, slots=True)
class Work:
    """One batch on its way: what to commit (None: nothing new came), whom to thank, what to tell and to keep.

    `deliveries`, `gaps` and `past` stay here until the commit, so that a batch that fails can be taken apart and what
    it was to say is said by another.
    """

    prepared: Prepared | None
    deliveries: Sequence[Delivery] = ()
    marks: Columns = field(default_factory=lambda: np.empty(0, MARK))
    snapshot: tuple[int, dict[str, Columns]] | None = None
    devices: dict[int, Device] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    past: tuple[int, int] | None = None


class Committer:
    """Commits in order; stops at the first failure and keeps it, with everything not committed."""

    def __init__(
        self,
        writer: Writer,
        acknowledge: Callable[[Columns], None],
        marks: Marks,
        keep_snapshot: Callable[[int, dict[str, Columns]], None],
        ahead: int,
    ) -> None:
        self._writer, self._acknowledge, self._marks, self._keep_snapshot = writer, acknowledge, marks, keep_snapshot
        self._ahead = ahead
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._give_up = threading.Event()
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, work: Work, stop: threading.Event) -> bool:
        """Hand a batch over; waits while too many are ahead. False, and not taken, once a commit failed or `stop`."""
        with self._changed:
            while len(self._waiting) >= self._ahead and self.failure is None and not stop.is_set():
                self._changed.wait(LOOK_S)
            if self.failure is not None or len(self._waiting) >= self._ahead:
                return False
            self._waiting.append(work)
            self._changed.notify_all()
            return True

    def wait_until_idle(self, stop: threading.Event) -> bool:
        """Wait until everything handed over is in the log; False where it cannot be, or `stop` came first."""
        with self._changed:
            while self._waiting and self.failure is None and not stop.is_set():
                self._changed.wait(LOOK_S)
            return not self._waiting

    def finish(self, stop: threading.Event | None = None) -> list[Work]:
        """End after what was handed over; the work that was not committed comes back, in order.

        Without `stop`, or once that is set, a database that is away is not waited for: what is not committed comes
        again from the broker.
        """
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        while self._thread.is_alive():
            if stop is None or stop.is_set():
                self._give_up.set()
            self._thread.join(LOOK_S)
        return self._waiting

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                self.do(work, self._give_up)
            except BaseException as failure:
                with self._changed:
                    self.failure = failure
                    self._changed.notify_all()
                return
            with self._changed:
                self._waiting.pop(0)
                self._changed.notify_all()

    def _next(self) -> Work | None:
        """The oldest work; it stays in the list until it is done."""
        with self._changed:
            while not self._waiting and not self._ending:
                self._changed.wait()
            return self._waiting[0] if self._waiting else None

    def do(self, work: Work, give_up: threading.Event) -> None:
        """Commit one batch, thank for it and tell the marks. `give_up`: wait no longer for a database that is away."""
        if work.prepared is not None:
            self._writer.commit(work.prepared, give_up)
        if len(work.deliveries):
            self._acknowledge(tokens(work.deliveries))
        self._marks.add(work.marks)
        self._marks.say(work.devices)
        if work.snapshot is not None:
            self._keep_snapshot(*work.snapshot)
