"""Is it them or us? When most devices turn "future" or "past" at once, the fault is ours (design section 2).

Then nothing is rejected and nothing is acknowledged: what came is held and decoded again until our clock is right. The
first few messages, before there are enough devices to tell, are rejected; they are kept and can be fed in again.
"""

from typing import Final

from contracts.columns import DTYPES, Notice
from contracts.delivery import Decoded
from processing.admission import rows_of

SHARE: Final = 0.5
"""More than half of the devices heard lately: clocks of devices fail one by one, ours for all of them."""
DEVICES_MIN: Final = 10
"""Fewer devices prove nothing about our own clock."""
MEMORY_S: Final = 10.0
"""How long a device counts as heard lately; live stations speak every ten seconds."""


class OurClock:
    """Which devices agreed with us lately, and the notice that follows from a change of the verdict."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[float, bool]] = {}
        self._wrong = False
        self._notices: list[Notice] = []

    def is_wrong(self, decoded: Decoded, now_s: float) -> bool:
        """Whether these deliveries are to be held. While they are, only what is held is asked again."""
        if self._wrong:
            self._heard.clear()
        off = {each.device for each in decoded.rejections if each.reason in ("future", "past")}
        agreeing = {device for name in DTYPES for device in rows_of(decoded, name)["device"].tolist()}
        self._heard = {no: seen for no, seen in self._heard.items() if now_s - seen[0] < MEMORY_S}
        self._heard |= dict.fromkeys(agreeing, (now_s, False)) | dict.fromkeys(off, (now_s, True))
        count = sum(disagrees for _, disagrees in self._heard.values())
        enough = self._wrong or len(self._heard) >= DEVICES_MIN
        wrong = bool(off) and enough and count > SHARE * len(self._heard)
        if wrong != self._wrong:
            self._wrong = wrong
            detail = f"{count} of {len(self._heard)} devices disagree with our clock"
            self._notices.append(Notice("clock-fault", wrong, detail))
        return wrong

    def notices(self) -> list[Notice]:
        """What has to be said since the last time."""
        said, self._notices = self._notices, []
        return said
