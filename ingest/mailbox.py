"""Between network and fold: messages wait here, bounded in number and bytes, until they are taken.

QoS 1 messages are never dropped: the broker sends no more than the Receive Maximum before we acknowledge, so their
number is bounded by it. QoS 0 ones have no such brake; beyond the bound they are dropped and counted.
"""

import threading
from collections import deque
from typing import Final

import numpy as np

from ingest.mail import Mail

TAKEN_BYTES: Final = 4 * 1_048_576
"""At most so much is taken at once, or a single message: forty thousand batched readings, whose rows then stay within
what a processor keeps near. Sixteen thousand messages of five hundred readings would be half a gigabyte of rows."""


class Mailbox:
    """A bounded queue of messages with one producer and any number of takers."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self.max_messages, self.max_bytes = max_messages, max_bytes
        self.changed = threading.Condition()
        """Notified when something can be taken, when something was taken, and by `wake`."""
        self.dropped = 0
        self._waiting: deque[Mail] = deque()
        self._messages = self._bytes = 0
        self._woken = False

    def __len__(self) -> int:
        return self._messages

    @property
    def full(self) -> bool:
        """Whether either bound is reached."""
        return self._messages >= self.max_messages or self._bytes >= self.max_bytes

    @property
    def heavy(self) -> bool:
        """Whether the bound in bytes is reached: the Receive Maximum does not hold that one, the reader must."""
        return self._bytes >= self.max_bytes

    def put(self, mail: Mail) -> None:
        """Let messages wait; at QoS 0 they are dropped where there is no room."""
        with self.changed:
            mail = self._with_room(mail)
            if len(mail):
                self._waiting.append(mail)
                self._messages += len(mail)
                self._bytes += mail.bytes
                self.changed.notify_all()

    def _with_room(self, mail: Mail) -> Mail:
        """Without the QoS 0 messages that find either bound reached when their turn comes."""
        unconfirmed = mail.qos == 0
        enough = self._messages + len(mail) <= self.max_messages
        if not unconfirmed.any() or (enough and self._bytes + mail.bytes <= self.max_bytes):
            return mail
        messages, size, kept = self._messages, self._bytes, np.ones(len(mail), np.bool_)
        for at, (droppable, more) in enumerate(zip(unconfirmed.tolist(), mail.sizes.tolist(), strict=True)):
            if droppable and (messages >= self.max_messages or size >= self.max_bytes):
                kept[at] = False
                continue
            messages, size = messages + 1, size + more
        self.dropped += int(np.count_nonzero(~kept))
        return mail.chosen(kept).alone()  # or one message would keep the bytes of a thousand that were dropped

    def take(self, max_messages: int, timeout_s: float) -> Mail:
        """Up to `max_messages` and about TAKEN_BYTES, in order of arrival; waits until there is one, the time is
        over or `wake`."""
        with self.changed:
            if not self._waiting:
                self.changed.wait_for(lambda: self._waiting or self._woken, timeout_s)
            self._woken = False
            parts: list[Mail] = []
            room, room_bytes = max_messages, TAKEN_BYTES
            while self._waiting and room > 0 and room_bytes > 0:
                part = self._waiting.popleft()
                fitting = min(room, int(np.searchsorted(np.cumsum(part.sizes), room_bytes)) + 1)
                if len(part) > fitting:
                    self._waiting.appendleft(part[fitting:])
                    part = part[:fitting]
                parts.append(part)
                room, room_bytes = room - len(part), room_bytes - part.bytes
            self._messages -= sum(len(part) for part in parts)
            self._bytes -= sum(part.bytes for part in parts)
            self.changed.notify_all()
        return Mail.joined(parts)

    def wake(self) -> None:
        """Let a taker go that waits for nothing any more."""
        with self.changed:
            self._woken = True
            self.changed.notify_all()

    def forget_before(self, connection: int) -> None:
        """Leave out QoS 1 messages of older connections: their session goes on, so the broker sends them again."""
        with self.changed:
            left = [part.chosen((part.qos == 0) | (part.connection >= connection)).alone() for part in self._waiting]
            self._waiting = deque(part for part in left if len(part))
            self._messages = sum(len(part) for part in self._waiting)
            self._bytes = sum(part.bytes for part in self._waiting)
            self.changed.notify_all()
