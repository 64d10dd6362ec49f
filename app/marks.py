"""Tells each device up to which of its numbers everything is settled; it may then forget those messages.

A mark is retained by the broker, so a device that was away finds it when it comes back. Marks are said at most every so
often per device: a device that waits loses nothing but memory.
"""

import time
from collections.abc import Callable
from typing import Final

from contracts import wire
from contracts.columns import Columns
from contracts.devices import Device
from contracts.topics import Kind, Topic

Publish = Callable[[str, bytes], bool]
MAX_AT_ONCE: Final = 2_000
"""Marks handed to the network at one go; the rest follows at the next."""


class Marks:
    """The marks that still have to be said. Used by the commit thread alone."""

    def __init__(self, city: str, publish: Publish, every_s: float) -> None:
        self._city, self._publish, self._every_s = city, publish, every_s
        self._waiting: dict[int, tuple[int, int]] = {}
        self._said_s: dict[int, float] = {}

    def add(self, marks: Columns) -> None:
        """Note the marks of a committed batch."""
        for mark in marks:
            self._waiting[int(mark["device"])] = (int(mark["boot"]), int(mark["seq"]))

    def say(self, devices: dict[int, Device]) -> None:
        """Publish what is due."""
        now_s = time.monotonic()
        due = [no for no in self._waiting if now_s - self._said_s.get(no, -1e9) >= self._every_s][:MAX_AT_ONCE]
        for no in due:
            boot, seq = self._waiting.pop(no)
            device = devices.get(no)
            if device is None:
                continue
            topic = Topic(self._city, device.zone, device.id, Kind.MARK)
            if self._publish(str(topic), wire.encode_mark(boot, seq)):
                self._said_s[no] = now_s
            else:
                self._waiting[no] = (boot, seq)
