"""What a soak looks at: memory of every process, what waits where, and how late the live stream is."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from simulators.publish import Account, Heard, Line, connect

STORED: Final = "$SYS/broker/store/messages/count"
"""Mosquitto's count of messages it holds for anybody: what waits for the pipeline, and what is retained."""
MIB: Final = 1_048_576


@dataclass(frozen=True)
class Look:
    """One look. `memory_mib`: what each process has for itself, by its name; the database is all its processes with
    what they share, `shared_mib`, counted once. `kept`: messages that devices keep until they are settled; `stored`:
    those that the broker holds; `delays_ms`: of the values since the last look."""

    at_s: float
    memory_mib: Mapping[str, float]
    shared_mib: float
    kept: int
    stored: int
    committed: int
    delays_ms: tuple[float, ...]


def private_mib(pid: int) -> float:
    """Anonymous memory of a process, of what it shares its part: what a leak would be in."""
    return _rolled_up(pid).get("Pss_Anon", 0) / 1024


def family_mib(pid: int) -> tuple[float, float]:
    """Anonymous memory of a process and its children, and the memory that they share."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    found = [_rolled_up(each) for each in pids]
    return sum(f.get("Pss_Anon", 0) for f in found) / 1024, sum(f.get("Pss_Shmem", 0) for f in found) / 1024


def _rolled_up(pid: int) -> dict[str, int]:
    """The kernel's figures in KiB; none for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    return {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}


class Told:
    """The newest line of JSON that a child has said."""

    def __init__(self, said: IO[str]) -> None:
        self.newest: dict[str, Any] = {}
        self._said = said
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Wait for the last line: the child has been told to end."""
        self._thread.join(30)

    def _read(self) -> None:
        for line in self._said:
            self.newest = json.loads(line)


class StoredMessages:
    """What the broker says of its own store; `stored` is its newest word."""

    def __init__(self, account: Account) -> None:
        self.stored = 0
        self._line = Line(account, "bench-soak", on_heard=self._heard)
        connect(self._line, account.username)
        self._line.subscribe(STORED)

    def wait(self, until_s: float) -> None:
        """Listen until then, of the monotonic clock."""
        while (left_s := until_s - time.monotonic()) > 0:
            self._line.pump(min(left_s, 1.0))

    def close(self) -> None:
        """End."""
        self._line.close()

    def _heard(self, heard: Heard) -> None:
        self.stored = int(heard.payload)
