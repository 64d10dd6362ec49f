"""The commit thread: one transaction a batch, then the acknowledgements, then the marks. In that order, always."""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.marks import Marks
from contracts.city import Device
from contracts.columns import MARK, Columns
from contracts.delivery import Delivery
from storage.prepared import Prepared
from storage.writer import Writer


@dataclass(frozen=True, slots=True)
class Work:
    """One batch on its way: what to commit (None: nothing new came), whom to thank, what to tell and to keep.

    `deliveries` stay here until the commit, so that a batch that fails can be taken apart.
    """

    prepared: Prepared | None
    deliveries: Sequence[Delivery] = ()
    marks: Columns = field(default_factory=lambda: np.empty(0, MARK))
    snapshot: tuple[int, dict[str, Columns]] | None = None
    devices: dict[int, Device] = field(default_factory=dict)


class Committer:
    """Commits in order; stops at the first failure and keeps it, with everything not committed."""

    def __init__(
        self,
        writer: Writer,
        acknowledge: Callable[[list[tuple[int, int, int]]], None],
        marks: Marks,
        keep_snapshot: Callable[[int, dict[str, Columns]], None],
        ahead: int,
    ) -> None:
        self._writer, self._acknowledge, self._marks, self._keep_snapshot = writer, acknowledge, marks, keep_snapshot
        self._queue: queue.Queue[Work | None] = queue.Queue(ahead)
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._undone: list[Work] = []
        self._stop = threading.Event()
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, work: Work) -> bool:
        """Hand a batch over; waits while too many are ahead. False once a commit has failed: the work is not taken."""
        while self.failure is None:
            try:
                self._queue.put(work, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def finish(self, give_up: bool = False) -> list[Work]:
        """Wait for what was handed over and end; the work that was not committed comes back, in order.

        With `give_up` a database that is away is not waited for: what is not committed comes again from the broker.
        """
        if give_up:
            self._stop.set()
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.2)
                break
            except queue.Full:
                continue
        self._thread.join()
        while not self._queue.empty():
            work = self._queue.get_nowait()
            if work is not None:
                self._undone.append(work)
        return self._undone

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                self.do(work)
            except BaseException as failure:
                self._undone.append(work)
                self.failure = failure
                return

    def do(self, work: Work) -> None:
        """Commit one batch, thank for it and tell the marks."""
        if work.prepared is not None:
            self._writer.commit(work.prepared, self._stop)
        if work.deliveries:
            self._acknowledge([delivery.token for delivery in work.deliveries])
        self._marks.add(work.marks)
        self._marks.say(work.devices)
        if work.snapshot is not None:
            self._keep_snapshot(*work.snapshot)
