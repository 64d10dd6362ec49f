"""Is it them or us? When most devices turn "future" or "past" at once, the fault is ours (design section 2).

Most devices, and most of those who speak for them: a gateway that gives its own wrong time to every device behind it
is one witness, however many they are, and holds up nobody else.

Then nothing is rejected and nothing is acknowledged: what came is held and decoded again until our clock is right, or
the devices' are. The first few messages, before there are enough devices to tell, are rejected; they are kept and can
be fed in again.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from contracts.columns import DTYPES
from contracts.delivery import Decoded

SHARE: Final = 0.5
"""More than half of the devices heard lately: clocks of devices fail one by one, ours for all of them."""
DEVICES_MIN: Final = 10
"""Fewer devices prove nothing about our own clock."""
MEMORY_S: Final = 10.0
"""How long a device counts as heard lately; live stations speak every ten seconds."""


class OurClock:
    """Which devices agreed with us lately, each by its last message, and under which account it came."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[float, bool, str]] = {}
        self.wrong = False
        self.detail = ""

    def is_wrong(self, decoded: Decoded, accounts: Mapping[int, str], now_s: float) -> bool:
        """Whether these deliveries are to be held. Once they are, they and what comes after are the evidence.

        `accounts`: by number of a device, under which it is heard.
        """
        last = _verdicts(decoded)
        if self.wrong:
            self._heard.clear()
        self._heard = {no: seen for no, seen in self._heard.items() if now_s - seen[0] < MEMORY_S}
        self._heard |= {device: (now_s, off, accounts[device]) for device, off in last.items()}
        count = sum(off for _, off, _ in self._heard.values())
        enough = self.wrong or len(self._heard) >= DEVICES_MIN
        most = count > SHARE * len(self._heard) and self._most_accounts()
        self.wrong = any(last.values()) and enough and most
        self.detail = f"{count} of {len(self._heard)} devices disagree with our clock"
        return self.wrong

    def _most_accounts(self) -> bool:
        """Whether most accounts disagree: one does where most of what is heard under it does."""
        balance: Counter[str] = Counter()
        for _, off, account in self._heard.values():
            balance[account] += 1 if off else -1
        return sum(off > 0 for off in balance.values()) > SHARE * len(balance)


def _verdicts(decoded: Decoded) -> dict[int, bool]:
    """By device: whether its last message lies in the future or the past by our clock."""
    said: dict[int, tuple[int, bool]] = {}
    for each in decoded.rejections:
        if each.reason in ("future", "past") and each.device >= 0:
            said[each.device] = max(said.get(each.device, (-1, True)), (each.received_us, True))
    for name in DTYPES:
        rows = decoded.kind(name)
        latest_first = np.argsort(rows["received_us"], kind="stable")[::-1]
        devices, first = np.unique(rows["device"][latest_first], return_index=True)
        received = rows["received_us"][latest_first][first]
        for device, received_us in zip(devices.tolist(), received.tolist(), strict=True):
            if received_us >= said.get(device, (-1, False))[0]:
                said[device] = (received_us, False)
    return {device: off for device, (_, off) in said.items()}
