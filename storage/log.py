"""Reads the log back: batches in order, bit for bit as they were written, and single identities in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from psycopg import sql

from contracts.clock import to_datetime, to_us
from contracts.columns import DTYPES, Batch, Columns, Gap, Notice, Rejects
from contracts.errors import StorageError
from storage.arrays import Int4s, Int8s
from storage.connection import translated
from storage.copying import LOGS, decode
from storage.own_connection import OwnConnection
from storage.queries import statements

SQL: Final = statements("log")

BATCHES_AT_ONCE: Final = 2_000
"""Batches asked for with one query: a minute or two of a live shard."""
RECORDS_AT_ONCE: Final = 100_000
"""Records fetched at once, about 15 MB of readings, so that recovery needs little memory however long the log is."""
IDENTITIES_AT_ONCE: Final = 1_000
"""Identities looked up with one query."""

_Row = tuple[
    int, datetime, datetime, int, datetime | None, datetime | None, str, int | None, int | None, int | None, str, str
]


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch's own row, without its records; `times` are the least and greatest receipt time of those."""

    batch: Batch
    records: int
    times: tuple[datetime, datetime] | None


class Log(OwnConnection):
    """Reads logs over a connection of its own, opened when it is first needed. One thread uses it."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, "log")

    def last_batch(self, shard: int) -> int:
        """Number of the last batch of a shard; 0 where there is none."""
        with translated("asking for the last batch"):
            row = self._connected().execute(SQL["last_batch"], {"shard": shard}).fetchone()
        return int(row[0]) if row else 0

    def in_force(self, shard: int, city: str, version: int) -> bool:
        """Whether a version of the city, or a later one, has been put in force in a shard."""
        with translated("asking what is in force"):
            values = {"shard": shard, "city": city, "version": version}
            row = self._connected().execute(SQL["in_force"], values).fetchone()
        return bool(row and row[0])

    def batches_after(self, shard: int, n: int, until: int | None = None) -> Iterator[Batch]:
        """The batches after number `n`, in order, up to and with `until` (default: the last one there is).

        Raises:
            StorageError: records of a batch are missing: retention has dropped them.
        """
        while entries := self._entries(shard, n, until):
            yield from self._filled(shard, entries)
            n = entries[-1].batch.n

    def seen(self, shard: int, kind: str, rows: Columns, since_us: int) -> npt.NDArray[np.int64]:
        """Look identities (device, boot, seq, part of `rows`) up in the log since a receipt time.

        Returns:
            digest int64 (n,) of the record that is there, -1 where there is none.
        """
        found = np.full(rows.size, -1, np.int64)
        for start in range(0, rows.size, IDENTITIES_AT_ONCE):
            asked = rows[start : start + IDENTITIES_AT_ONCE]
            values = {
                "shard": shard,
                "device": Int4s.of(np.unique(asked["device"])),
                "seq": Int8s.of(np.unique(asked["seq"])),
                "since": to_datetime(since_us),
            }
            with translated("looking up identities"):
                answer = self._connected().execute(SQL[f"seen_{kind}"], values).fetchall()
            digests = {(device, boot, seq, part): digest for device, boot, seq, part, digest in answer}
            names = ["device", "boot", "seq", "part"]
            for at, identity in enumerate(asked[names].tolist(), start):
                found[at] = digests.get(identity, -1)
        return found

    def _entries(self, shard: int, n: int, until: int | None) -> list[Entry]:
        """The next rows of the log, as many as have their records fetched at once, at least one if there is one."""
        values = {"shard": shard, "n": n, "until": until, "limit": BATCHES_AT_ONCE}
        with translated("reading the log"):
            entries = [_entry(row) for row in self._connected().execute(SQL["batches"], values)]
        records = np.cumsum([entry.records for entry in entries])
        return entries[: max(1, int(np.searchsorted(records, RECORDS_AT_ONCE, "right")))]

    def _filled(self, shard: int, entries: list[Entry]) -> Iterator[Batch]:
        numbers = np.array([entry.batch.n for entry in entries])
        times = [time for entry in entries if entry.times for time in entry.times]
        kinds: dict[str, list[Columns]] = {}
        for kind, dtype in DTYPES.items():
            if times:
                ns, rows = self._rows(shard, kind, (int(numbers[0]), int(numbers[-1])), (min(times), max(times)))
            else:
                ns, rows = np.empty(0, np.int64), np.empty(0, dtype)
            bounds = [*np.searchsorted(ns, numbers).tolist(), rows.size]
            kinds[kind] = [rows[start:stop] for start, stop in pairwise(bounds)]
        for at, entry in enumerate(entries):
            readings, passages, signals, statuses = (kinds[kind][at] for kind in DTYPES)
            batch = _with_records(entry.batch, readings, passages, signals, statuses)
            if batch.records != entry.records:
                raise StorageError(
                    f"batch {batch.n} of shard {shard} has {batch.records} of its {entry.records} records: "
                    "retention has dropped the others, so the log cannot be read from here"
                )
            yield batch

    def _rows(
        self, shard: int, kind: str, batches: tuple[int, int], times: tuple[datetime, datetime]
    ) -> tuple[npt.NDArray[np.int64], Columns]:
        layout = LOGS[kind]
        # Receipt times leave out the chunks of other days. COPY takes no parameters: psycopg quotes the values.
        statement = sql.SQL(
            "COPY (SELECT {columns} FROM {table} WHERE shard = {shard} AND n BETWEEN {first} AND {last}"
            " AND received_at BETWEEN {from_at} AND {until_at} ORDER BY n, place) TO STDOUT (FORMAT BINARY)"
        ).format(
            columns=sql.SQL(", ").join(sql.Identifier(name) for name in layout.selected),
            table=sql.Identifier(layout.table),
            shard=shard,
            first=batches[0],
            last=batches[1],
            from_at=times[0],
            until_at=times[1],
        )
        with (
            translated(f"reading {layout.table}"),
            self._connected().cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            return decode(layout, b"".join(copy))


def _entry(row: _Row) -> Entry:
    n, since_at, now_at, records, from_at, until_at, gaps, config, past_shard, past_n, rejects, notices = row
    batch = Batch(
        n=n,
        since_us=to_us(since_at),
        now_us=to_us(now_at),
        gaps=msgspec.json.decode(gaps, type=tuple[Gap, ...]),
        config=config,
        past=None if past_shard is None or past_n is None else (past_shard, past_n),
        rejects=msgspec.json.decode(rejects, type=tuple[Rejects, ...]),
        notices=msgspec.json.decode(notices, type=tuple[Notice, ...]),
    )
    return Entry(batch, records, None if from_at is None or until_at is None else (from_at, until_at))


def _with_records(batch: Batch, readings: Columns, passages: Columns, signals: Columns, statuses: Columns) -> Batch:
    return Batch(
        n=batch.n,
        since_us=batch.since_us,
        now_us=batch.now_us,
        readings=readings,
        passages=passages,
        signals=signals,
        statuses=statuses,
        gaps=batch.gaps,
        config=batch.config,
        past=batch.past,
        rejects=batch.rejects,
        notices=batch.notices,
    )
