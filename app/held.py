"""Deliveries that wait for the next turn: the database was away, or our clock is wrong.

They are bounded like what waits in the network: beside many bytes nothing more is taken, and the broker is held back.
"""

from collections.abc import Sequence
from dataclasses import replace

from contracts.delivery import Delivery
from ingest.mailbox import TAKEN_BYTES


class Held:
    """Used by the fold's thread alone."""

    def __init__(self) -> None:
        self._waiting: list[Delivery] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Keep these, each once: one acknowledged twice could thank for another's message."""
        waiting = {id(delivery) for delivery in self._waiting}
        self._waiting += [delivery for delivery in deliveries if id(delivery) not in waiting]

    def room_beside(self, messages: int) -> int:
        """How many more may be taken to be as many as `messages`: none beside so many bytes as are taken at once."""
        if sum(len(delivery.payload) for delivery in self._waiting) >= TAKEN_BYTES:
            return 0
        return max(0, messages - len(self._waiting))

    def taken(self) -> list[Delivery]:
        """All of them, in order; they wait no longer."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def received_anew(self, now_us: int) -> None:
        """A receipt by a clock that was wrong is none: by it they would be in the future for ever, however right our
        clock is by now."""
        self._waiting = [replace(delivery, received_us=now_us) for delivery in self._waiting]
