"""What a commit and a recovery cost, in milliseconds: a whole batch against the least one could do by hand.

    python -m bench.storage

Ours is everything that a batch leads to: fence, log row, records, newest values, live event, notification. The anchors
do less: one INSERT of one row and its commit; psycopg's COPY, row by row, of the records alone into a plain table; a
SELECT of the records as tuples.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from app.services.database import Database
from contracts.city import City
from contracts.clock import to_datetime
from contracts.columns import READING, WINDOW, Batch, Columns
from contracts.findings import Outputs
from storage.connection import Connection, connect
from storage.log import Log
from storage.migrate import migrate
from storage.prepared import Shard
from storage.vault import Vault
from storage.writer import Writer

START_US: Final = 1_800_000_000_000_000
SERIES: Final = 2_000
"""Series of a city of Phuket's size."""
SIZES: Final = ((1, 300), (100, 100), (10_000, 20))
"""Records in a batch, and how many batches are measured."""


class Bench:
    """A shard that grows batch by batch."""

    def __init__(self, database: Database, folder: Path) -> None:
        dsn = database.dsn("pipeline")
        city = City(id="bench", name_en="", name_th="", lon=0, lat=0)
        self.writer = Writer(dsn, Shard(0, "bench", "live"), Vault(folder / "keys"), city)
        self.log = Log(dsn)
        self.n = 0
        self._random = np.random.default_rng(0)

    def readings(self, size: int) -> Columns:
        """As many readings as a city sends them: any series, in order of time."""
        self.n += 1
        rows = np.zeros(size, READING)
        series = self._random.integers(0, SERIES, size)
        rows["place"], rows["device"], rows["metric"] = np.arange(size), 1 + series // 4, 1 + series % 4
        rows["boot"], rows["seq"] = 1, self._random.integers(1, 2**40, size)
        rows["received_us"] = START_US + self.n * 100_000 + np.arange(size)
        rows["event_us"] = rows["received_us"] - 200_000
        rows["value"] = self._random.normal(size=size)
        return rows

    def commit(self, rows: Columns, outputs: Outputs) -> None:
        """Everything that a batch leads to."""
        now_us = START_US + self.n * 100_000
        batch = Batch(self.n, now_us - 100_000, now_us, readings=rows)
        self.writer.commit(self.writer.prepare(batch, outputs))


def main() -> None:
    """Measure, print the table, then the figures as JSON."""
    with tempfile.TemporaryDirectory(prefix="andaman-bench-") as folder:
        Path(folder).chmod(0o755)
        database = Database(Path(folder) / "database")
        database.start()
        try:
            rows = _measure(database, Path(folder))
        finally:
            database.stop()
    say = sys.stdout.write
    say(f"{'':24}{'anchor ms':>12}{'ours ms':>12}{'ratio':>8}\n")
    for name, (anchor, ours) in rows.items():
        say(f"{name:24}{anchor:12.2f}{ours:12.2f}{ours / anchor:8.2f}\n")
    say("anchors: INSERT of one row and commit; COPY row by row into a plain table; SELECT as tuples\n")
    figures: dict[str, object] = {f"{name}_ms": round(ours, 2) for name, (_, ours) in rows.items()}
    figures["ratios"] = {name: round(ours / anchor, 3) for name, (anchor, ours) in rows.items()}
    say(json.dumps(figures) + "\n")


def _measure(database: Database, folder: Path) -> dict[str, tuple[float, float]]:
    migrate(database.dsn("owner"))
    bench = Bench(database, folder)
    bench.writer.open()
    rows: dict[str, tuple[float, float]] = {}
    with connect(database.dsn("owner"), "bench") as connection:
        connection.execute("CREATE TABLE plain (LIKE log_reading)")
        bench.commit(bench.readings(10_000), Outputs())  # the day's chunk is there
        for size, times in SIZES:
            make = partial(bench.readings, size)
            anchor = _median_ms(times, make, partial(_copy_by_hand, connection))
            rows[f"commit_{size}"] = (anchor, _median_ms(times, make, partial(bench.commit, outputs=Outputs())))
        windows = _median_ms(20, lambda: bench.readings(0), lambda rows: bench.commit(rows, _minute(bench.n)))
        rows["commit_2000_windows"] = (rows["commit_10000"][0] / 5, windows)
        rows["read_10000"] = _read(connection, bench)
    bench.writer.close()
    bench.log.close()
    return rows


def _copy_by_hand(connection: Connection, rows: Columns) -> None:
    """The records alone, the way a careful program does it: one row by INSERT, many by COPY."""
    names = READING.names or ()
    tuples = [
        (0, 0, *(to_datetime(value) if name.endswith("_us") else value for name, value in zip(names, row, strict=True)))
        for row in rows.tolist()
    ]
    with connection.transaction(), connection.cursor() as cursor:
        if len(tuples) == 1:
            cursor.execute(f"INSERT INTO plain VALUES ({', '.join(['%s'] * 14)})".encode(), tuples[0])
            return
        with cursor.copy("COPY plain FROM STDIN") as copy:
            for each in tuples:
                copy.write_row(each)


def _minute(n: int) -> Outputs:
    """A minute's windows of every series."""
    windows = np.zeros(SERIES, WINDOW)
    windows["device"], windows["metric"] = 1 + np.arange(SERIES) // 4, 1 + np.arange(SERIES) % 4
    windows["start_us"], windows["revision"], windows["count"] = START_US + n * 60_000_000, 1, 6
    return Outputs(windows=windows)


def _read(connection: Connection, bench: Bench) -> tuple[float, float]:
    """Ten thousand records back from the log, in one batch."""
    bench.commit(bench.readings(10_000), Outputs())
    connection.execute("VACUUM ANALYZE log_reading")  # as autovacuum leaves it
    select = "SELECT * FROM log_reading WHERE shard = 0 AND n = %s ORDER BY place"
    anchor = _median_ms(10, lambda: bench.n, lambda n: connection.execute(select, (n,)).fetchall())
    ours = _median_ms(10, lambda: bench.n, lambda n: list(bench.log.batches_after(0, n - 1)))
    return anchor, ours


def _median_ms(times: int, make: Callable[[], Any], measured: Callable[[Any], object]) -> float:
    taken = []
    for _ in range(times):
        given = make()
        before_s = time.perf_counter()
        measured(given)
        taken.append(time.perf_counter() - before_s)
    return median(taken) * 1_000


if __name__ == "__main__":
    main()
