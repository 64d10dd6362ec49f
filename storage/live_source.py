"""Live events for any number of readers over one connection of the database: LISTEN, then read what is new, in order.

A shard's batches commit in order and an event's number is its batch and its place in it, so whoever reads on from a
number misses nothing. The newest events stay in memory, bounded in bytes; whoever is further behind reads them from
the table. When the connection is lost, the thread connects again and reads on from where it was.

Jobs, and what people do about alarms, have no such numbers and need none: an event carries the whole state of a job or
an alarm, and the newest one of each is kept.
"""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

import msgspec

from contracts.answers import LiveEvent, Position
from contracts.errors import AndamanError, StorageUnavailable
from storage.city_index import CityIndex, CityIndexes
from storage.connection import Connection, connect, translated
from storage.desk import JOBS as JOB_SQL
from storage.desk import job_item
from storage.pool import Pool
from storage.queries import statements
from storage.read_findings import alarms_by_id

log = logging.getLogger(__name__)

SQL: Final = statements("read_live")
BESIDE: Final = -1
"""Where positions count events beside the log: jobs, handled alarms. No shard of the log has a negative number."""
MEMORY_CHARS: Final = 16 * 1024 * 1024
"""Events kept in memory per shard: a minute or more of a busy city."""
PAGE_EVENTS: Final = 500
"""Events read at once."""
JOBS_KEPT: Final = 64
"""Jobs that are read at a start."""
BESIDE_KEPT: Final = 256
"""Jobs and handled alarms whose newest state is kept for readers that come later: an operator who goes through a
flood handles some dozens at a stroke."""
KEPT_S: Final = 2 * 3600.0 - 600.0
"""Live events are kept for two hours; ten minutes less, so that none is deleted under a reader's eyes."""
TURN_S: Final = 0.5
"""How often the thread looks whether it should end."""
START_S: Final = 3.0
"""How long a start waits for the first connection."""
BACK_OFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to connect again; the last one repeats."""


class _Memory:
    """The newest events of a shard, and the number after which they are complete."""

    def __init__(self, base: tuple[int, int]) -> None:
        self.base = base
        self.last = base
        self.events: deque[LiveEvent] = deque()
        self._chars = 0

    def add(self, event: LiveEvent) -> None:
        self.events.append(event)
        self.last = (event.n, event.i)
        self._chars += len(event.data)
        while self._chars > MEMORY_CHARS and len(self.events) > 1:
            gone = self.events.popleft()
            self.base = (gone.n, gone.i)
            self._chars -= len(gone.data)

    def after(self, number: tuple[int, int]) -> list[LiveEvent]:
        found: list[LiveEvent] = []
        for event in reversed(self.events):
            if (event.n, event.i) <= number:
                break
            found.append(event)
        found.reverse()
        return found


class DatabaseLiveSource:
    """Implements `contracts.ports.LiveSource`."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._indexes = CityIndexes()
        self._lock = threading.Lock()
        self._memories: dict[int, _Memory] = {}
        self._beside: OrderedDict[tuple[str, str], LiveEvent] = OrderedDict()
        self._beside_seen = 0
        self._handled = 0
        self._wakes: set[Callable[[], None]] = set()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._reached = threading.Event()

    def start(self) -> None:
        """Start listening. Returns when the database was reached, or after a while; it is waited for in any case."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="live events", daemon=True)
        self._thread.start()
        self._reached.wait(START_S)

    def stop(self) -> None:
        """Stop listening."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def position(self) -> Position:
        """Up to where events have been read."""
        with self._lock:
            self._check()
            return {shard: memory.last for shard, memory in self._memories.items()}

    def recent(self, position: Position) -> tuple[LiveEvent, ...] | None:
        """What came after, from memory; None where memory does not reach back so far."""
        with self._lock:
            self._check()
            if not _known(position, self._memories):
                return None
            found: list[LiveEvent] = []
            for shard, memory in self._memories.items():
                number = position.get(shard, (0, -1))
                if not memory.base <= number <= memory.last:
                    return None
                if number < memory.last:
                    found += memory.after(number)
            beside_seen = position.get(BESIDE, (0, 0))[0]
            if beside_seen < self._beside_seen:
                found += [event for event in self._beside.values() if event.n > beside_seen]
            return tuple(found)

    def kept(self, position: Position) -> tuple[LiveEvent, ...] | None:
        """A bounded part of what came after, from the database."""
        found: list[LiveEvent] = []
        with self._pool.connection("reading live events") as connection:
            with self._lock:
                lasts = {shard: memory.last for shard, memory in self._memories.items()}
            if not _known(position, lasts):
                return None
            index = self._indexes.get(connection)
            for shard, last in lasts.items():
                n, i = position.get(shard, (0, -1))
                if (n, i) == last:
                    continue
                if (n, i) > last:
                    return None  # a number of another database, from before this one was made
                row = connection.execute(SQL["reaches_back"], {"shard": shard, "n": n, "kept_s": KEPT_S}).fetchone()
                if row is None or not row[0]:
                    return None
                # Not beyond what memory has: from there on it goes on with memory.
                page = [e for e in self._read(connection, index, shard, (n, i)) if (e.n, e.i) <= last]
                if not page:
                    return None
                found += page
        return tuple(found)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when there is something new."""
        with self._lock:
            self._wakes.add(wake)

        def end() -> None:
            with self._lock:
                self._wakes.discard(wake)

        return end

    def _check(self) -> None:
        if not self._reached.is_set():
            raise StorageUnavailable("live events: the database has not been reached yet")

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        while not self._ended.is_set():
            try:
                with connect(self._dsn, "live events") as connection, translated("listening for live events"):
                    connection.execute(SQL["listen"])
                    connection.execute(SQL["listen_jobs"])
                    connection.execute(SQL["listen_alarms"])
                    self._catch_up(connection)
                    self._reached.set()
                    failures = 0
                    self._listen(connection)
            except AndamanError as problem:
                pause_s = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                failures += 1
                log.warning("live events pause for %.1f s: %s", pause_s, problem)
                self._ended.wait(pause_s)

    def _listen(self, connection: Connection) -> None:
        while not self._ended.is_set():
            news: dict[str, set[str]] = {"andaman_live": set(), "andaman_job": set(), "andaman_alarm": set()}
            for notice in connection.notifies(timeout=TURN_S, stop_after=1):
                news[notice.channel].add(notice.payload.split(" ")[0])
            # What else has come meanwhile is read in the same turn.
            for notice in connection.notifies(timeout=0):
                news[notice.channel].add(notice.payload.split(" ")[0])
            if news["andaman_live"]:
                self._read_new(connection)
            if news["andaman_job"]:
                self._read_jobs(connection, [int(job) for job in news["andaman_job"] if job.isdecimal()])
            if news["andaman_alarm"]:
                self._read_handled(connection, {UUID(alarm) for alarm in news["andaman_alarm"]})

    def _catch_up(self, connection: Connection) -> None:
        """At the first connection begin at the end; at a later one read what was missed."""
        if not self._reached.is_set():
            with self._lock:
                for shard, n, i in connection.execute(SQL["position"]):
                    self._memories[shard] = _Memory((n, i))
            newest = connection.execute(SQL["newest_handling"]).fetchone()
            self._handled = newest[0] if newest else 0
        self._read_new(connection)
        self._read_handled(connection, set())
        self._read_jobs(connection, [row[0] for row in connection.execute(JOB_SQL["jobs"], {"limit": JOBS_KEPT})])

    def _read_new(self, connection: Connection) -> None:
        index = self._indexes.get(connection)
        for (shard,) in connection.execute(SQL["shards"]).fetchall():
            with self._lock:
                memory = self._memories.setdefault(shard, _Memory((0, -1)))
            more = True
            while more and not self._ended.is_set():
                events = self._read(connection, index, shard, memory.last)
                more = len(events) == PAGE_EVENTS
                newer = {_alarm_id(event) for event in events if event.kind == "alarm"}
                with self._lock:
                    for event in events:
                        memory.add(event)
                    for alarm in newer:
                        self._beside.pop(("alarm", alarm), None)  # the event just read says it later
                if events:
                    self._wake()

    def _read(self, connection: Connection, index: CityIndex, shard: int, after: tuple[int, int]) -> list[LiveEvent]:
        asked = {"shard": shard, "n": after[0], "i": after[1], "limit": PAGE_EVENTS}
        rows = connection.execute(SQL["events"], asked).fetchall()
        alarms = _alarms(connection, index, rows)
        return [LiveEvent(shard, n, i, kind, alarms.get(id, text)) for n, i, kind, id, text in rows]

    def _read_jobs(self, connection: Connection, ids: Iterable[int]) -> None:
        for id in sorted(ids):
            row = connection.execute(JOB_SQL["job"], {"job": id}).fetchone()
            if row is None:
                continue
            item = job_item(row)
            self._say_beside("job", item.id, _json(item))

    def _read_handled(self, connection: Connection, alarms: set[UUID]) -> None:
        """Alarms as they stand after somebody did something about them: these, and whatever came since the last time
        (entries may be committed in another order than they are numbered, so the notice counts, too)."""
        after = {"after": self._handled, "limit": BESIDE_KEPT}
        rows = connection.execute(SQL["handled"], after).fetchall()
        self._handled = max((number for number, _ in rows), default=self._handled)
        wanted = alarms | {alarm for _, alarm in rows}
        if not wanted:
            return
        for alarm, item in alarms_by_id(connection, self._indexes.get(connection), wanted).items():
            self._say_beside("alarm", str(alarm), _json(item))

    def _say_beside(self, kind: str, id: str, text: str) -> None:
        with self._lock:
            self._beside_seen += 1
            self._beside.pop((kind, id), None)
            self._beside[kind, id] = LiveEvent(BESIDE, self._beside_seen, 0, kind, text)
            while len(self._beside) > BESIDE_KEPT:
                self._beside.popitem(last=False)
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            wakes = tuple(self._wakes)
        for wake in wakes:
            try:
                wake()
            except RuntimeError:
                pass  # the reader's event loop has just ended


def _known(position: Position, shards: Iterable[int]) -> bool:
    """Whether a position names only shards that there are."""
    return set(position) <= {BESIDE, *shards}


def _alarms(connection: Connection, index: CityIndex, rows: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """Alarms among the rows as the lists show them: the pipeline does not know what people have done about one."""
    ids = [UUID(id) for _, _, kind, id, _ in rows if kind == "alarm" and id is not None]
    if not ids:
        return {}
    return {str(id): _json(item) for id, item in alarms_by_id(connection, index, ids).items()}


def _alarm_id(event: LiveEvent) -> str:
    return str(msgspec.json.decode(event.data)["id"])


def _json(item: object) -> str:
    return msgspec.json.encode(item).decode()
