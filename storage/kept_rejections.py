"""How much of what is refused is kept whole: enough to find a fault and feed its messages in again, and never so much
that one device fills the disk, which would pause the intake of everybody.

A device draws on an allowance that fills up again with the engine's time. What goes beyond it is one row a reason and
batch that stands for all of them; how many of what reason from whom is in the batch's own row in any case.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from contracts.clock import SECOND_US
from contracts.delivery import Rejection

ROW_BYTES: Final = 400
"""What a row takes beside its payload."""
BURST_BYTES: Final = 4 * 1_048_576
"""A device with a wrong entry in the city for hours, or a thousand of its largest messages at once."""
REFILL_BYTES_S: Final = 2_048
"""Three ordinary messages a second for ever; 5 GB a device in the thirty days that rejections are kept."""


class KeptRejections:
    """The allowance of each device of a shard; unknown devices share one."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[float, int]] = {}
        """Bytes and when (us), by registry number: no more entries than devices."""

    def sort_out(self, rejections: Iterable[Rejection]) -> list[tuple[Rejection, int]]:
        """What is written, and for how many each row stands."""
        kept: list[tuple[Rejection, int]] = []
        beyond: dict[tuple[int, str], list[Rejection]] = {}
        for rejection in rejections:
            if self._take(rejection):
                kept.append((rejection, rejection.count))
            else:
                beyond.setdefault((rejection.device, rejection.reason), []).append(rejection)
        for those in beyond.values():
            detail = f"more of this from one device than is kept; the first of them: {those[0].detail}"
            kept.append((replace(those[0], detail=detail, payload=b""), sum(each.count for each in those)))
        return kept

    def _take(self, rejection: Rejection) -> bool:
        needed = ROW_BYTES + len(rejection.payload)
        left, since_us = self._left.get(rejection.device, (BURST_BYTES, rejection.received_us))
        passed_us = max(rejection.received_us - since_us, 0)
        left = min(BURST_BYTES, left + passed_us * REFILL_BYTES_S / SECOND_US)
        enough = left >= needed
        self._left[rejection.device] = (left - needed if enough else left, max(rejection.received_us, since_us))
        return enough
