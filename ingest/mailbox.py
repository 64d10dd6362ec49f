"""Between network and fold: deliveries wait here, bounded in number and bytes, until they are taken.

QoS 1 deliveries are never dropped: the broker sends no more than the Receive Maximum before we acknowledge, so their
number is bounded by it. QoS 0 ones have no such brake; beyond the bound they are dropped and counted.
"""

import threading
from collections import deque
from collections.abc import Iterable

from contracts.delivery import Delivery


class Mailbox:
    """A bounded queue of deliveries with one producer and any number of takers."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self.max_messages, self.max_bytes = max_messages, max_bytes
        self.changed = threading.Condition()
        """Notified when something can be taken, when something was taken, and by `wake`."""
        self.dropped = 0
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._woken = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether either bound is reached."""
        return len(self._waiting) >= self.max_messages or self._bytes >= self.max_bytes

    @property
    def heavy(self) -> bool:
        """Whether the bound in bytes is reached: the Receive Maximum does not hold that one, the reader must."""
        return self._bytes >= self.max_bytes

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Let deliveries wait; at QoS 0 they are dropped where there is no room."""
        with self.changed:
            for delivery in deliveries:
                if delivery.token[2] == 0 and self.full:
                    self.dropped += 1
                    continue
                self._waiting.append(delivery)
                self._bytes += len(delivery.payload)
            self.changed.notify_all()

    def take(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        """Up to `max_messages`, in order of arrival; waits until there is one, the time is over or `wake`."""
        with self.changed:
            if not self._waiting:
                self.changed.wait_for(lambda: self._waiting or self._woken, timeout_s)
            self._woken = False
            taken = [self._waiting.popleft() for _ in range(min(max_messages, len(self._waiting)))]
            self._bytes -= sum(len(delivery.payload) for delivery in taken)
            self.changed.notify_all()
            return taken

    def wake(self) -> None:
        """Let a taker go that waits for nothing any more."""
        with self.changed:
            self._woken = True
            self.changed.notify_all()

    def forget_before(self, connection: int) -> None:
        """Leave out QoS 1 deliveries of older connections: their session goes on, so the broker sends them again."""
        with self.changed:
            kept = [each for each in self._waiting if each.token[2] == 0 or each.token[0] >= connection]
            self._waiting = deque(kept)
            self._bytes = sum(len(delivery.payload) for delivery in kept)
            self.changed.notify_all()
