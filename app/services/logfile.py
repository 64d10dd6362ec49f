"""Logs of child processes: appended by them, cut by us, so that no log fills the disk."""

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
    return path.open("ab", buffering=0)


def rotate(path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Copies a large log to `NAME.1` and empties it; its writers append, so they go on at the new end."""
    if path.exists() and path.stat().st_size > bytes_max:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        os.truncate(path, 0)


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented for a terminal."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join(f"    | {line[:200]}" for line in text.splitlines()[-lines:])
