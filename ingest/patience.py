"""How much of what a device says wrongly is looked into: why each is wrong, and which of its records are good.

A wrong message costs up to ten times as much as a good one: it is parsed again for its reason, record by record for
what is good in it, and kept with its bytes. So what is looked into is bounded by device and minute. Beyond it a message
is still decoded once, so that a good one gets through; one that is wrong anywhere is counted, with its first reason.
"""

from typing import Final

from contracts.clock import MINUTE_US

LOOKED_INTO_A_MINUTE: Final = 3_000
"""Rejections of one device: 50 a second is more than any device of ours says in all, so only a flood comes so far. At
about 50 us each it is 0.15 s of a core a minute."""
TOGETHER: Final = 16
"""Wrong records that cost as much as one rejection more, where a message is kept as one: 3 us each. A message of wrong
counts has up to 7,000; were it counted as one, 3,000 of them would be a minute and a half of a core in every minute."""
STRANGERS_MAX: Final = 1_000
"""Names that no city knows, told apart within a minute; all further ones share one allowance."""


class Patience:
    """What was looked into in this minute, by device; who is unknown goes by the topic. By the time of receipt."""

    def __init__(self, a_minute: int = LOOKED_INTO_A_MINUTE) -> None:
        self._a_minute, self._minute = a_minute, 0
        self._taken: dict[int | str, int] = {}

    def left(self, who: int | str, received_us: int) -> bool:
        """Whether another rejection of this device would be looked into."""
        return self._used(who, received_us)[1] < self._a_minute

    def take(self, who: int | str, received_us: int, records: int = 0) -> bool:
        """Whether this rejection is looked into; it counts. `records`: that were found wrong in it, one by one."""
        who, used = self._used(who, received_us)
        if used >= self._a_minute:
            return False
        self._taken[who] = used + 1 + records // TOGETHER
        return True

    def _used(self, who: int | str, received_us: int) -> tuple[int | str, int]:
        minute = received_us // MINUTE_US
        if minute > self._minute:  # a clock that goes back gives nothing
            self._minute = minute
            self._taken.clear()
        used = self._taken.get(who)
        if used is None and isinstance(who, str) and len(self._taken) >= STRANGERS_MAX:
            who = ""
        return who, self._taken.get(who, 0)
