"""One simulated device: it numbers what it says and keeps it until the pipeline has it for good.

No I/O and no clock here: `fleet` carries bytes and time in and out. What the pipeline has settled it says by its mark,
the highest number below which nothing is missing; what lies above the mark is kept, sent again after a reconnect, and
sent again when the mark does not move, for a broker that dies takes with it what it had acknowledged.

Memory is bounded. When it is full, a message that the broker has acknowledged may go (its word is better than none);
if there is none, what is new is refused before it gets a number, so that numbers have no holes.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from contracts.clock import SECOND_US

MEMORY_MESSAGES: Final = 20_000
"""The busiest camera says one message a second: this is five hours without a network."""
MEMORY_BYTES: Final = 8 * 2**20
"""About 20,000 passages of 400 bytes."""
WINDOW: Final = 20
"""Messages under way without an acknowledgement: the Receive Maximum that brokers grant when they say nothing else."""
PATIENCE_US: Final = 30 * SECOND_US
"""So long may a mark stand still before something must have been lost; a busy pipeline commits within seconds."""
PATIENCE_MAX_US: Final = 480 * SECOND_US
"""Patience doubles up to this: a pipeline that is down for the night should not find its queue full of copies."""
RESEND_BATCH: Final = 100
"""Messages sent again at once: enough to close a hole, too few to flood."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One numbered message, ready to be published."""

    seq: int
    topic: str
    payload: bytes


class Device:
    """The numbers and the memory of one device. Times are int64 microseconds of the device's own clock.

    `boot` must be higher at every start; seq counts from 1.
    """

    def __init__(
        self,
        boot: int,
        memory_messages: int = MEMORY_MESSAGES,
        memory_bytes: int = MEMORY_BYTES,
        window: int = WINDOW,
    ) -> None:
        self.boot = boot
        self.refused = 0
        self.resent = 0
        self.marked = 0
        self._memory_messages, self._memory_bytes, self._window = memory_messages, memory_bytes, window
        self._said = 0
        self._kept: dict[int, Outgoing] = {}
        self._kept_bytes = 0
        self._waiting: deque[int] = deque()
        self._flying: set[int] = set()
        self._acknowledged: set[int] = set()
        self._online = False
        self._moved_us = 0
        self._patience_us = PATIENCE_US
        self._recover_to = 0

    @property
    def said(self) -> int:
        """The highest number given so far."""
        return self._said

    @property
    def kept(self) -> int:
        """Messages in memory: said and not settled."""
        return len(self._kept)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the payloads in memory."""
        return self._kept_bytes

    def has_room(self, size: int) -> bool:
        """Whether a message of `size` bytes finds room. Makes room where the broker's word allows it; else refuses."""
        while len(self._kept) >= self._memory_messages or self._kept_bytes + size > self._memory_bytes:
            oldest = next(iter(self._kept), 0)
            if oldest not in self._acknowledged:
                self.refused += 1
                return False
            self._forget(oldest)
        return True

    @property
    def next_seq(self) -> int:
        """The number that the next message gets."""
        return self._said + 1

    def keep(self, topic: str, payload: bytes, now_us: int) -> None:
        """Keep a message that carries `next_seq`, to be sent as soon as there is a connection. Ask `has_room` first."""
        if not self._kept:
            self._moved_us = now_us  # nothing was owed until now
        self._said += 1
        self._kept[self._said] = Outgoing(self._said, topic, payload)
        self._kept_bytes += len(payload)
        if self._online:
            self._waiting.append(self._said)

    def connected(self, now_us: int) -> None:
        """The connection stands: everything above the mark is sent (again)."""
        self._online = True
        self.resent += len(self._acknowledged) + len(self._flying)
        self._flying.clear()
        self._acknowledged.clear()
        self._waiting = deque(self._kept)
        self._moved_us, self._patience_us, self._recover_to = now_us, PATIENCE_US, 0

    def disconnected(self) -> None:
        """The connection is gone, and with it whatever was under way."""
        self._online = False
        self._waiting.clear()

    def take(self) -> Outgoing | None:
        """The next message to publish, or None: nothing to say, no connection, or enough under way."""
        if not self._online or len(self._flying) >= self._window:
            return None
        while self._waiting:
            seq = self._waiting.popleft()
            if seq in self._kept and seq not in self._flying:
                self._flying.add(seq)
                return self._kept[seq]
        return None

    def acknowledged(self, seq: int) -> None:
        """The broker has taken a message. It is kept all the same, until the mark passes it."""
        if seq in self._flying:
            self._flying.remove(seq)
            if seq in self._kept:
                self._acknowledged.add(seq)

    def not_taken(self, seq: int) -> None:
        """The broker has refused a message: it stays in memory and comes again with the next resending."""
        self._flying.discard(seq)

    def settle(self, boot: int, seq: int, now_us: int) -> None:
        """The pipeline's mark: everything up to `seq` of `boot` is settled for good."""
        if boot != self.boot or not self.marked < seq <= self._said:
            return  # of an earlier life, an old one come late, or no mark of ours at all
        while self._kept and next(iter(self._kept)) <= seq:
            self._forget(next(iter(self._kept)))
        self.marked, self._moved_us, self._patience_us = seq, now_us, PATIENCE_US
        if seq >= self._recover_to:
            self._recover_to = 0
        elif not self._waiting:
            self._send_again()

    def tend(self, now_us: int) -> None:
        """To be called about once a second: a mark that stands still too long means that something was lost."""
        if not self._online or not self._kept or self._waiting:
            return
        if now_us - self._moved_us >= self._patience_us:
            self._recover_to = self._said
            self._moved_us, self._patience_us = now_us, min(2 * self._patience_us, PATIENCE_MAX_US)
            self._send_again()

    def _send_again(self) -> None:
        """The oldest messages in memory, which is where the hole is."""
        for seq in self._kept:
            if len(self._waiting) >= RESEND_BATCH:
                break
            if seq not in self._flying:
                self._acknowledged.discard(seq)
                self._waiting.append(seq)
                self.resent += 1

    def _forget(self, seq: int) -> None:
        self._kept_bytes -= len(self._kept.pop(seq).payload)
        self._flying.discard(seq)
        self._acknowledged.discard(seq)
