"""Notices that the `make` which started us was interrupted or is gone.

A terminal's Ctrl-C reaches make and us alike, and make passes a SIGTERM on. But a SIGINT sent to make alone makes it
wait for us without a word: inside its handler it restores the default action and waits (GNU make, `commands.c`,
fatal_error_signal). The kernel shows that: SIGINT leaves the set of caught signals. So we look.
"""

import os
import signal
import threading
import time
from pathlib import Path

LOOK_S = 0.3  # soon enough for a person who pressed a key
_SIGINT_BIT = 1 << (signal.SIGINT - 1)


class MakeWatch:
    """The parent process at the time of construction, if it is `make`."""

    def __init__(self) -> None:
        parent = os.getppid()
        self._make = parent if _field(parent, "Name") in ("make", "gmake") and _catches_interrupt(parent) else None

    def is_interrupted(self) -> bool:
        """Whether that `make` has ended or was told to."""
        if self._make is None:
            return False
        return os.getppid() != self._make or not _catches_interrupt(self._make)


def interrupt_with_make() -> None:
    """Has this process interrupted when its `make` is; for programs that only call others and wait."""
    watch = MakeWatch()

    def look() -> None:
        while not watch.is_interrupted():
            time.sleep(LOOK_S)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=look, daemon=True).start()


def _catches_interrupt(pid: int) -> bool:
    return bool(int(_field(pid, "SigCgt") or "0", 16) & _SIGINT_BIT)


def _field(pid: int, name: str) -> str | None:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return value.strip()
    except OSError:
        pass
    return None
