"""What holds in our own house right now (disk, clock, poison, broker), against what the log has been told of it.

Level, not edge: each batch says the difference between what holds and what the engine's state says stands. So a notice
is never lost with a batch that failed, and an alarm of before a restart ends when its cause has.
"""

import logging
from typing import Final

from app.our_clock import OurClock
from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import Notice
from processing.state import NOTICE_KINDS, State

LOG = logging.getLogger(__name__)

POISON_CLEAR_US: Final = 10 * MINUTE_US
"""A poison alarm ends after so long without another one."""
DROPS_CLEAR_US: Final = 10 * MINUTE_US
"""An alarm about what the broker drops ends after so long without more."""
BEHIND_US: Final = 3 * SECOND_US
"""Our clock this far behind the engine's time was set back: ticks wait for it."""


class House:
    """Keeps what holds. Used by the fold's thread alone."""

    def __init__(self) -> None:
        self._holds: dict[str, str] = {}
        """Kind to detail, for what holds."""
        self._poisoned_us: int | None = None
        self._dropped = 0
        self._dropped_us: int | None = None
        self.full = False
        """Whether the disk has no room for what comes: intake pauses."""

    def look(self, disk: str, behind_us: int, our_clock: OurClock) -> None:
        """See to disk and clocks. `disk` is ok, low or critical; `behind_us`: the clock, behind the engine's time."""
        if self.set("disk-low", disk != "ok", f"the disk is {disk}") or self.full != (disk == "critical"):
            self.full = disk == "critical"
            LOG.warning("the disk is %s%s", disk, ": intake pauses" if self.full else "")
        set_back = f"our clock was set back by {behind_us / SECOND_US:.0f} s: ticks wait for it"
        wrong = our_clock.wrong or behind_us > BEHIND_US
        self.set("clock-fault", wrong, our_clock.detail if our_clock.wrong else set_back)

    def set(self, kind: str, holds: bool, detail: str = "") -> bool:
        """Say whether something holds; True where that is news."""
        changed = holds != (kind in self._holds)
        if holds:
            self._holds[kind] = detail
        else:
            self._holds.pop(kind, None)
        return changed

    def poison(self, detail: str, now_us: int) -> None:
        """A record was set aside."""
        self._poisoned_us = now_us
        self.set("poison", True, detail)

    def broker(self, dropped: int, now_us: int) -> None:
        """How many messages the broker has thrown away since it started: more than before, or of a new start."""
        if dropped and dropped != self._dropped:
            self._dropped_us = now_us
            self.set("broker-drops", True, f"{dropped} messages since the broker started")
        self._dropped = dropped

    def notices(self, state: State, now_us: int) -> tuple[Notice, ...]:
        """What the next batch has to say."""
        stands = dict(zip(NOTICE_KINDS, state.house.active.tolist(), strict=True))
        if stands["poison"] and self._poisoned_us is None:
            self.poison("before the last start", now_us)
        if self._poisoned_us is not None and now_us - self._poisoned_us > POISON_CLEAR_US:
            self.set("poison", False)
        if stands["broker-drops"] and self._dropped_us is None:
            self._dropped_us = now_us
            self.set("broker-drops", True, "before the last start")
        if self._dropped_us is not None and now_us - self._dropped_us > DROPS_CLEAR_US:
            self.set("broker-drops", False)
        return tuple(
            Notice(kind, kind in self._holds, self._holds.get(kind, "over"))
            for kind in NOTICE_KINDS
            if stands[kind] != (kind in self._holds)
        )
