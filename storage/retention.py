"""Deletes what has been kept long enough. What and how long is decided by `app.retention`."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from contracts.errors import StorageError
from storage.connection import translated
from storage.own_connection import OwnConnection
from storage.queries import statements

SQL: Final = statements("retention")

TELEMETRY: Final = {
    "passages": "log_passage",
    "readings": "log_reading",
    "signals": "log_signal",
    "statuses": "log_status",
    "windows": "window_1m",
    "wide_windows": "window_wide",
    "late": "late",
    "rejections": "rejection",
    "live_events": "live_event",
}
"""What can be dropped by chunks, by the name that `retention.toml` gives it."""
ROWS_AT_ONCE: Final = 20_000
"""Batches deleted with one statement: short locks, and a stop is heard in between."""


class Retention(OwnConnection):
    """Carries retention out over a connection of its own, as the worker's role. One thread uses it."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, "retention")

    def drop(self, what: str, before: datetime) -> int:
        """Drop the chunks of a kind of `TELEMETRY` that end before a moment; returns how many."""
        if what not in TELEMETRY:
            raise StorageError(f"retention does not apply to {what}; one of {', '.join(TELEMETRY)}")
        return self._count("retire", relation=TELEMETRY[what], before=before)

    def drop_batches(self, before: datetime, check: Callable[[], None]) -> int:
        """Delete the log's own rows that are older, never a shard's last; `check` may raise to stop in between."""
        deleted = 0
        with translated("listing shards"):
            shards = [shard for (shard,) in self._connected().execute(SQL["shards"])]
        for shard in shards:
            while count := self._deleted("old_batches", shard=shard, before=before, limit=ROWS_AT_ONCE):
                deleted += count
                check()
        return deleted

    def drop_jobs(self, before: datetime) -> int:
        """Delete ended jobs with their history."""
        return self._deleted("old_jobs", before=before)

    def drop_sessions(self) -> int:
        """Delete sign-ins that have expired."""
        return self._deleted("old_sessions")

    def _count(self, statement: str, **values: object) -> int:
        with translated(statement):
            row = self._connected().execute(SQL[statement], values).fetchone()
        return int(row[0]) if row else 0

    def _deleted(self, statement: str, **values: object) -> int:
        with translated(statement):
            return self._connected().execute(SQL[statement], values).rowcount
