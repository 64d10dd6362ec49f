"""Figures for Prometheus. Totals are counted on from one scrape to the next over the new batches only.

Counters start at 0 with the process, as counters do; the number of batches is the log's own and needs no counting.
"""

import threading
from collections import Counter
from typing import Final

from contracts.answers import Gauges
from contracts.findings import Priority
from storage.connection import Connection
from storage.queries import statements

SQL: Final = statements("read_state")


class GaugeCounter:
    """Remembers up to which batch of each shard it has counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[int, int] = {}
        self._records: Counter[str] = Counter()
        self._rejections: Counter[str] = Counter()

    def gauges(self, connection: Connection) -> Gauges:
        """The figures as they are now."""
        with self._lock:
            shards = connection.execute(SQL["shards"]).fetchall()
            for shard, n, _ in shards:
                self._count(connection, shard, n)
            alarms = {Priority(code).name.lower(): 0 for code in Priority}
            alarms |= {Priority(code).name.lower(): count for code, count in connection.execute(SQL["alarms"])}
            return Gauges(
                last_batch_age_s={str(shard): age_s for shard, _, age_s in shards},
                batches={str(shard): n for shard, n, _ in shards},
                records=dict(self._records),
                rejections=dict(self._rejections),
                active_alarms=alarms,
                jobs=dict(connection.execute(SQL["jobs"]).fetchall()),
            )

    def _count(self, connection: Connection, shard: int, until: int) -> None:
        after = self._counted.setdefault(shard, until)
        if after >= until:
            return
        run = {"shard": shard, "after": after, "until": until}
        row = connection.execute(SQL["records"], run).fetchone()
        if row and row[0]:
            run |= {"from_at": row[1], "to_at": row[2]}
            self._records.update(dict(connection.execute(SQL["records_by_kind"], run).fetchall()))
        self._rejections.update(dict(connection.execute(SQL["rejects"], run).fetchall()))
        self._counted[shard] = until
