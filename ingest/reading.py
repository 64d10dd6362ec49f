"""Plain readings of a run of messages by columns: the kernel of `native.py`, with the room that it needs."""

from typing import Final, NamedTuple

import numpy as np

from contracts.columns import READING, Columns
from contracts.records import MAX_RECORDS
from ingest.directory import Directory
from ingest.mail import Int64s, Mail
from ingest.native import scan

LEAST_READING_BYTES: Final = 24
"""`{"metric":"","value":0},`: no record is shorter, so a payload of so many bytes holds no more than its share."""
ROWS_AT_ONCE: Final = 65_536
"""4 MB of room, whatever the messages say of themselves."""


class Believed(NamedTuple):
    """How far ahead of its receipt and how far behind it an event is believed, and the largest payload."""

    future_us: int
    past_us: int
    max_bytes: int


class ByColumn(NamedTuple):
    """Rows of the readings that were plain, without `place`, and for each message how many are its own or OTHERWISE."""

    rows: Columns
    counts: Int64s


def read(mail: Mail, directory: Directory, believed: Believed) -> ByColumn:
    """Read what is plain."""
    counts = np.zeros(len(mail), np.int64)
    if not len(mail):
        return ByColumn(np.empty(0, READING), counts)
    tables = tuple(directory)  # a named one is another type to a kernel
    packets, limits = np.ascontiguousarray(mail.packets).reshape(-1), np.array(believed, np.int64)
    scratch = (np.zeros(3, np.int64), np.zeros(1), np.zeros(24, np.uint64))
    room = min(ROWS_AT_ONCE, int(mail.sizes.sum()) // LEAST_READING_BYTES) + MAX_RECORDS
    parts, seen, width = [], 0, packets.size // len(mail)
    received_us = np.ascontiguousarray(mail.received_us)
    while seen < len(mail):
        rows, told = np.zeros(room, READING), counts[seen:]
        looked_at = scan(mail.stream, packets[seen * width :], received_us[seen:], tables, limits, rows, told, scratch)
        parts.append(rows[: np.maximum(told[:looked_at], 0).sum()])
        seen += looked_at
    return ByColumn(parts[0] if len(parts) == 1 else np.concatenate(parts), counts)
