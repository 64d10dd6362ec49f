"""Logs of child processes: appended by them, cut by us, so that no log fills the disk; nobody else reads them."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

LOG_BYTES_MAX = 10_000_000  # a day of ordinary lines; one older part is kept beside it
TAIL_LINES = 12  # enough for the error of a server that does not start


def open_log(path: Path) -> BinaryIO:
    """Opens a log for appending; what is already large is set aside first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rotate(path)
    return open(path, "ab", buffering=0, opener=_private)


def rotate(path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Copies a large log to `NAME.1` and empties it; its writers append, so they go on at the new end."""
    if path.exists() and path.stat().st_size > bytes_max:
        older = path.with_name(path.name + ".1")
        older.unlink(missing_ok=True)
        with path.open("rb") as source, open(older, "xb", opener=_private) as copy:
            shutil.copyfileobj(source, copy)
        os.truncate(path, 0)


def _private(path: str, flags: int) -> int:
    handle = os.open(path, flags, 0o600)
    os.fchmod(handle, 0o600)  # one of an earlier version was open to all
    return handle


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented for a terminal."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join(f"    | {line[:200]}" for line in text.splitlines()[-lines:])
