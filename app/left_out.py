"""What was left out is never left out in silence: counted, and said in the log file now and then."""

import logging
import time
from collections import Counter
from typing import Final

LOG = logging.getLogger(__name__)

EVERY_S: Final = 60.0
"""How often what was left out is said, where anything was."""


class LeftOut:
    """Counts by kind: duplicate, late, retained, ..."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._due_s = 0.0

    def add(self, **counts: int) -> None:
        """So many more were left out."""
        self._counts.update(counts)

    def say(self, besides: dict[str, int]) -> None:
        """Tell the log file, if it is time to; `besides`: what others count."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + EVERY_S
        said = ", ".join(f"{name} {count}" for name, count in {**self._counts, **besides}.items() if count)
        if said:
            LOG.info("left out so far: %s", said)
