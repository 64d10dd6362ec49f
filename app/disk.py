"""How much room the disk has: below `low` retention is brought forward, at `critical` intake pauses."""

import shutil
from pathlib import Path
from typing import Final, Literal

Disk = Literal["ok", "low", "critical"]

LOW_SHARE: Final = 0.10
LOW_BYTES: Final = 5_000_000_000
"""Below either, old chunks are dropped before their time: a day of a full city with its WAL fits into 5 GB."""
CRITICAL_BYTES: Final = 1_000_000_000
"""Below it nothing new is taken in: PostgreSQL must still be able to write its checkpoint and drop chunks."""


def disk_state(folder: Path) -> Disk:
    """The state of the disk that holds this folder (or the nearest folder above that exists)."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    if usage.free < CRITICAL_BYTES:
        return "critical"
    return "low" if usage.free < LOW_BYTES or usage.free < LOW_SHARE * usage.total else "ok"
