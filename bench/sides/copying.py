"""The anchor for rows: the rows that a flood left in the log, once more, by a bare binary COPY into a plain table."""

import time
from typing import Final

from bench.sides.whole_path import WholePath

CHUNK_BYTES: Final = 1_048_576


def bare_copy_s(path: WholePath, rows: int) -> float:
    """Seconds that a COPY of the newest rows and its commit take. The table has the log's columns, and nothing else."""
    log = path.log
    log.execute("CREATE TABLE IF NOT EXISTS plain (LIKE log_reading)")
    log.execute("TRUNCATE plain")
    newest = f"(SELECT * FROM log_reading ORDER BY n DESC LIMIT {rows:d})"
    with log.cursor().copy(f"COPY {newest} TO STDOUT (FORMAT BINARY)".encode()) as out:
        body = b"".join(out)
    began_s = time.monotonic()
    with log.cursor() as cursor, cursor.copy(b"COPY plain FROM STDIN (FORMAT BINARY)") as copy:
        for start in range(0, len(body), CHUNK_BYTES):
            copy.write(body[start : start + CHUNK_BYTES])
    return time.monotonic() - began_s
