"""Sign-in attempts are slowed down, by name and by address, so that guessing a password takes years.

Kept in memory: one process serves the API, and a restart forgives. The table is bounded; when it is full the oldest
entry goes, so that an attacker with many addresses wins a few more guesses and never our memory.

An attempt counts as a failure from its beginning, or many at once would all pass before the first of them has failed. A
name is counted apart at an address where it has signed in before: a stranger who guesses it elsewhere does not keep its
owner out.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FREE_FAILURES: Final = 5
"""Wrong passwords in a row before one has to wait: people mistype, and a keyboard has two languages here."""
FREE_FAILURES_ADDRESS: Final = 20
"""By address more, since a whole control room may share one."""
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 900.0
"""Doubling from 2 s to 15 minutes leaves about 100 guesses a day and locks nobody out for good."""
FORGOTTEN_AFTER_S: Final = 3600.0
ENTRIES_MAX: Final = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_s: float


class Throttle:
    """Counts failures a key and says how long the next attempt has to wait. Keys: `name:...`, `address:...` and, where
    a name has signed in before, `both:...` instead of the name's."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._homes: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str) -> float:
        """Begin an attempt. Seconds until it may be made; 0 when now, and then it counts until it has succeeded."""
        now_s = self._now_s()
        with self._lock:
            keys = self._keys(name, address)
            wait_s = max(self._wait_s(key, free) for key, free in keys)
            if wait_s > 0:
                return wait_s
            for key, _ in keys:
                known = self._failures.pop(key, None)
                count = known.count if known and now_s - known.last_s < FORGOTTEN_AFTER_S else 0
                self._failures[key] = _Failures(count + 1, now_s)
            while len(self._failures) > ENTRIES_MAX:
                self._failures.popitem(last=False)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name. Those of the address stay, but for this attempt: one good account must not
        reset guessing others."""
        with self._lock:
            (own, _), (whole, _) = self._keys(name, address)
            self._failures.pop(own, None)
            known = self._failures.get(whole)
            if known is not None:
                known.count -= 1
            self._homes.pop((name, address), None)
            self._homes[(name, address)] = None
            while len(self._homes) > ENTRIES_MAX:
                self._homes.popitem(last=False)

    def _wait_s(self, key: str, free: int) -> float:
        known = self._failures.get(key)
        if known is None or known.count < free:
            return 0.0
        # The exponent is bounded before 2.0 ** x can overflow.
        pause_s = min(FIRST_WAIT_S * 2.0 ** min(known.count - free, 20), LONGEST_WAIT_S)
        return max(0.0, known.last_s + pause_s - self._now_s())

    def _keys(self, name: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
        own = f"both:{address} {name}" if (name, address) in self._homes else f"name:{name}"
        return (own, FREE_FAILURES), (f"address:{address}", FREE_FAILURES_ADDRESS)
