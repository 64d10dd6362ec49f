"""The anchors for rows: those that a flood left in the log, once more, by a binary COPY of one connection into a plain
table, and into one that is built as the log is."""

import time
from typing import Final

from bench.sides.whole_path import WholePath

CHUNK_BYTES: Final = 1_048_576
PLAIN: Final = "plain"
"""The log's columns, and nothing else."""
BUILT: Final = "built"
"""A hypertable with the log's indexes."""


def copy_s(path: WholePath, table: str, rows: int) -> float:
    """Seconds that a COPY of the newest rows into `PLAIN` or `BUILT` and its commit take."""
    log = path.log
    if table == PLAIN:
        log.execute(f"CREATE TABLE IF NOT EXISTS {PLAIN} (LIKE log_reading)")
        log.execute(f"TRUNCATE {PLAIN}")
    elif not log.execute("SELECT FROM pg_class WHERE relname = %s", [BUILT]).rowcount:
        log.execute(f"CREATE TABLE {BUILT} (LIKE log_reading INCLUDING INDEXES)")
        by_day = "by_range('received_at', INTERVAL '1 day'), create_default_indexes => false"
        log.execute(f"SELECT create_hypertable('{BUILT}', {by_day})".encode())
    newest = f"(SELECT * FROM log_reading ORDER BY n DESC LIMIT {rows:d})"
    with log.cursor().copy(f"COPY {newest} TO STDOUT (FORMAT BINARY)".encode()) as out:
        body = b"".join(out)
    began_s = time.monotonic()
    with log.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()) as copy:
        for start in range(0, len(body), CHUNK_BYTES):
            copy.write(body[start : start + CHUNK_BYTES])
    return time.monotonic() - began_s
