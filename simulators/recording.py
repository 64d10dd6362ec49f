"""Record what is said on the broker to a Parquet file, and play a recording back.

A recording holds deliveries as they came: topic, payload, time of receipt, QoS, whether retained. Playing it back
carries the time of receipt in a user property, so that the pipeline judges the recording by its own clock.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ConfigError, TransportError
from contracts.topics import PREFIX, VERSION, Kind
from simulators.publish import Account, Heard, Line, connect

SCHEMA: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("payload", pa.binary()),
        ("received_us", pa.int64()),
        ("qos", pa.int8()),
        ("retained", pa.bool_()),
    ],
    metadata={"andaman": "recording 1"},
)
FLUSH_ROWS: Final = 5_000
FLUSH_S: Final = 2.0
"""A row group is written when it has so many rows or is so old: what a crash can cost."""
TRY_AGAIN_S: Final = 1.0
BATCH_ROWS: Final = 2_000
REPLAY_WINDOW: Final = 500
"""Messages under way while playing back: enough to keep a broker busy, a bound on what is sent twice."""
PROGRESS_EVERY_S: Final = 1.0
ANSWER_WITHIN_S: Final = 30.0
"""A broker that acknowledges nothing for so long is gone."""
EVERYTHING: Final = f"{PREFIX}/{VERSION}/#"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: messages published of all; `left_out` were retained, marks or of another layout."""

    published: int
    left_out: int
    total: int
    at_us: int


class Recording:
    """A Parquet file that is being written. It can be read once it is closed, also after an interrupt."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        # It holds what was said, plates too, so it is its owner's alone: from the first byte on, and not by the umask.
        self._file = open(path, "wb", opener=_private)
        self._writer = pq.ParquetWriter(self._file, SCHEMA, compression="zstd")
        self._kept: list[tuple[str, bytes, int, int, bool]] = []
        self._flushed_s = time.monotonic()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
            self._writer.close()
        finally:
            self._file.close()

    def add(self, heard: Heard, received_us: int) -> None:
        """Append one delivery."""
        self._kept.append((heard.topic, heard.payload, received_us, heard.qos, heard.retained))
        self.rows += 1
        if len(self._kept) >= FLUSH_ROWS:
            self.flush()

    def flush_when_due(self) -> None:
        """Write a row group when the last one is old enough."""
        if self._kept and time.monotonic() - self._flushed_s >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what has been added as a row group."""
        if self._kept:
            columns = zip(*self._kept, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
            self._writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
            self._kept.clear()
        self._flushed_s = time.monotonic()


def _private(path: str, flags: int) -> int:
    handle = os.open(path, flags, 0o600)
    os.fchmod(handle, 0o600)
    return handle


def record(
    account: Account,
    path: Path,
    stop: threading.Event,
    *,
    topic_filter: str = EVERYTHING,
    report: Callable[[int], None] = lambda _rows: None,
    now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
) -> int:
    """Record until `stop` is set or the process is interrupted. Returns how many deliveries the file holds.

    A lost connection is made again; what was said in between is missing, and the log says so. `report` gets the count
    of deliveries about once a second, for the first time when the subscription stands.

    Raises:
        TransportError: the first connection fails.
    """
    with Recording(path) as recording:
        first = True
        while not stop.is_set():
            line = Line(account, "", on_heard=lambda heard: recording.add(heard, now_us()))
            try:
                connect(line, account.username)
            except TransportError:
                if first:
                    raise
                stop.wait(TRY_AGAIN_S)
                continue
            first = False
            try:
                _listen(line, topic_filter, recording, stop, report)
            finally:
                line.close()
        return recording.rows


def _listen(
    line: Line, topic_filter: str, recording: Recording, stop: threading.Event, report: Callable[[int], None]
) -> None:
    line.subscribe(topic_filter)
    told_s = 0.0
    while not stop.is_set() and line.up:
        line.pump(0.2)
        recording.flush_when_due()
        if line.subscribed and time.monotonic() - told_s >= PROGRESS_EVERY_S:
            told_s = time.monotonic()
            report(recording.rows)
    if not line.up:
        log.warning("the connection was lost while recording; what is said until it is back is missing")


def replay(
    account: Account,
    path: Path,
    stop: threading.Event,
    *,
    speed: float = 1.0,
    city: str = "",
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> Progress:
    """Publish a recording, as it was recorded (1), `speed` times as fast, or as fast as it goes (0).

    Args:
        city: another city's name to put into the topics, so that a replay does not mix with what is live.

    Raises:
        ConfigError: the file is no recording, or the speed is negative.
        TransportError: the broker refuses us or goes away.
    """
    if speed < 0:
        raise ConfigError("speed", speed, "0 is as fast as it goes, 1 as recorded, 10 ten times as fast")
    with _opened(path) as file:
        player = _Player(account, file.metadata.num_rows, city)
        player.open()
        try:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for row in batch.to_pylist():
                    if stop.is_set():
                        return player.progress
                    player.wait_for(row["received_us"], speed, stop)
                    player.play(row)
                    player.tell(progress)
            player.drain()
            progress(player.progress)
            return player.progress
        finally:
            player.close()


def _opened(path: Path) -> Any:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as problem:
        raise ConfigError("recording", path, f"it cannot be read: {problem}") from problem
    if not file.schema_arrow.equals(SCHEMA):
        file.close()
        raise ConfigError("recording", path, f"its columns are not {', '.join(SCHEMA.names)}")
    return file


class _Player:
    """One connection that publishes rows of a recording, at most `REPLAY_WINDOW` unacknowledged."""

    def __init__(self, account: Account, total: int, city: str) -> None:
        self._account, self._total, self._city = account, total, city
        self._line = Line(account, "", window=REPLAY_WINDOW, on_taken=self._taken)
        self._flying = 0
        self._refused = ""
        self._published = self._left_out = self._at_us = 0
        self._first_us, self._start_s, self._told_s = -1, 0.0, time.monotonic()

    def open(self) -> None:
        """Connect."""
        connect(self._line, self._account.username)

    def close(self) -> None:
        """Disconnect."""
        self._line.close()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self._published, self._left_out, self._total, self._at_us)

    def wait_for(self, received_us: int, speed: float, stop: threading.Event) -> None:
        """Until a row's turn has come; acknowledgements are read meanwhile."""
        if self._first_us < 0:
            self._first_us, self._start_s = received_us, time.monotonic()
        if speed == 0:
            return
        due_s = self._start_s + (received_us - self._first_us) / 1e6 / speed
        while (left_s := due_s - time.monotonic()) > 0 and not stop.is_set():
            self._pump(min(left_s, 0.2))

    def play(self, row: dict[str, Any]) -> None:
        """Publish one row, unless it is no observation: state that was retained, or a mark of ours."""
        parts = row["topic"].split("/")
        self._at_us = row["received_us"]
        if row["retained"] or len(parts) != 6 or parts[5] == Kind.MARK:
            self._left_out += 1
            return
        if self._city:
            parts[2] = self._city
        while self._flying >= REPLAY_WINDOW:
            self._pump(0.2)
        self._line.publish("/".join(parts), row["payload"], received_us=row["received_us"])
        self._flying += 1
        self._published += 1

    def drain(self) -> None:
        """Wait until everything is acknowledged."""
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while self._flying:
            before = self._flying
            self._pump(0.2)
            if self._flying < before:
                deadline = time.monotonic() + ANSWER_WITHIN_S
            elif time.monotonic() > deadline:
                raise TransportError(f"{self._flying} messages were not acknowledged within {ANSWER_WITHIN_S:g} s")

    def tell(self, progress: Callable[[Progress], None]) -> None:
        """Report now and then."""
        if time.monotonic() - self._told_s >= PROGRESS_EVERY_S:
            self._told_s = time.monotonic()
            progress(self.progress)

    def _pump(self, timeout_s: float) -> None:
        self._line.pump(timeout_s)
        if not self._line.up:
            raise TransportError(f"the broker went away after {self._published} of {self._total} messages")
        if self._refused:
            raise TransportError(self._refused)

    def _taken(self, _mid: int, accepted: bool) -> None:
        self._flying -= 1
        if not accepted:
            self._refused = f"the broker does not let {self._account.username!r} publish to the recording's topics"
