"""What the log has to be told beside records: that we did not listen, and that a past was made.

It is kept until the batch that says it is on its way, and taken back from one that failed. Notices of the house are
kept by `app/house.py`, as levels.
"""

import threading
from collections import deque

from app.committing import Work
from app.taking_apart import Undone
from contracts.columns import Gap


class Telling:
    """Used by the fold's thread; gaps come from the network's too."""

    def __init__(self) -> None:
        self._gaps: deque[Gap] = deque()
        self._lock = threading.Lock()
        self.past: tuple[int, int] | None = None
        """A made past that this shard takes over: its shard and last batch."""

    def gap(self, gap: Gap) -> None:
        """From then until then we did not listen: nobody's silence. One that goes on is said once, as long as it is."""
        with self._lock:
            last = self._gaps[-1] if self._gaps else None
            if last is not None and (last.from_us, last.reason) == (gap.from_us, gap.reason):
                self._gaps.pop()
            self._gaps.append(gap)

    def gaps(self) -> tuple[Gap, ...]:
        """The gaps that the next batch says."""
        with self._lock:
            return tuple(self._gaps)

    def is_on_its_way(self, work: Work) -> None:
        """What this work says need not be said again."""
        with self._lock:
            for _ in work.gaps:
                self._gaps.popleft()
        if work.past is not None:
            self.past = None

    def take_back(self, left: Undone) -> None:
        """What was not committed is said by another batch, before what has come since."""
        with self._lock:
            self._gaps.extendleft(reversed(left.gaps))
        self.past = left.past or self.past
