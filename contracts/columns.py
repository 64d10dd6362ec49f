"""The dtypes of the columnar batches: what `ingest` makes, `processing` folds and `storage` keeps, bit for bit.

Missing floats are NaN, missing numbers -1 (0 where a vocabulary has `UNKNOWN`), missing bytes all zero; there are no
other nulls, so a row has a fixed width and a batch is one array. Every record starts with the same identity columns:

    place        one count across all kinds of records in a batch: the order of arrival
    device       the device's number in the registry
    boot, seq    the device's own number; boot 0 says it has none, and seq is then its content's hash
    part         which record of the message
    digest       hash of the message's bytes: same identity with another digest is a conflict. A passage's is keyed, as
                 is its seq where that is a hash: against a plain one every plate there is could be tried
    received_us  the engine's time at receipt, never decreasing within a shard
    event_us     when it happened, by the clock that `quality` names
"""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Columns: TypeAlias = npt.NDArray[Any]

PLATE_HASH_BYTES: Final = 16
"""Truncated keyed hash: 2**64 plates before an accidental clash is likely."""
PLATE_SEALED_BYTES: Final = 76
"""AES-256-GCM: 12 nonce, 48 padded text, 16 tag. A plate with its province is at most 40 bytes of UTF-8."""
FIRMWARE_BYTES: Final = 24

_IDENTITY: Final = [
    ("place", "i4"),
    ("device", "i4"),
    ("boot", "i8"),
    ("seq", "i8"),
    ("part", "i4"),
    ("digest", "i8"),
    ("received_us", "i8"),
    ("event_us", "i8"),
    ("quality", "i2"),
]

IDENTITY: Final = np.dtype(_IDENTITY)
"""What a row of any kind begins with."""
READING: Final = np.dtype([*_IDENTITY, ("metric", "i2"), ("lane", "i2"), ("value", "f8")])
PASSAGE: Final = np.dtype(
    [
        *_IDENTITY,
        ("lane", "i2"),
        ("direction", "i2"),
        ("vehicle", "i2"),
        ("colour", "i2"),
        ("speed_kmh", "f8"),
        ("dwell_s", "f8"),
        ("track", "i8"),
        ("helmet", "i2"),
        ("riders", "i2"),
        ("plate_state", "i2"),
        ("plate_confidence", "f8"),
        ("plate_day", "i4"),
        ("plate_hash", f"V{PLATE_HASH_BYTES}"),
        ("plate_hash_before", f"V{PLATE_HASH_BYTES}"),
        ("plate_skeleton", f"V{PLATE_HASH_BYTES}"),
        ("plate_sealed", f"V{PLATE_SEALED_BYTES}"),
        ("evidence", "V32"),
    ]
)
"""`plate_state`: 0 none, 1 clear, 2 doubtful. `plate_day`: days since 1970 of the keys in Thai time, -1 without a
plate. `plate_hash_before`: the same plate under the previous day's key, for two hours after midnight.
`evidence`: SHA-256 of the overview picture."""
SIGNAL: Final = np.dtype([*_IDENTITY, ("group", "i2"), ("phase", "i2")])
STATUS: Final = np.dtype(
    [
        *_IDENTITY,
        ("event", "i2"),
        ("battery", "f8"),
        ("firmware", f"S{FIRMWARE_BYTES}"),
        ("clock_offset_ms", "f8"),
        ("clock_source", "i2"),
        ("lens_score", "f8"),
        ("calibrated_until_us", "i8"),
    ]
)
"""`firmware` is padded with spaces to its full width, as the database's char(24) is."""

DTYPES: Final = {"reading": READING, "passage": PASSAGE, "signal": SIGNAL, "status": STATUS}
"""The kinds of log rows, by table name (`log_reading`, ...)."""

WINDOW: Final = np.dtype(
    [
        ("device", "i8"),
        ("metric", "i8"),
        ("lane", "i8"),
        ("width_s", "i8"),
        ("start_us", "i8"),
        ("revision", "i8"),
        ("count", "i8"),
        ("added", "i8"),
        ("mean", "f8"),
        ("min", "f8"),
        ("max", "f8"),
        ("sd", "f8"),
        ("median", "f8"),
        ("p85", "f8"),
        ("p95", "f8"),
        ("last", "f8"),
        ("completeness", "f8"),
        ("place", "i8"),
        ("said_us", "i8"),
        ("added_sum", "f8"),
    ]
)
"""A window of one series, `width_s` wide. `added` samples are new in this revision. `sd` is the sample standard
deviation (n - 1), NaN below two samples; `completeness` is samples come of samples expected, NaN where the city file
gives no interval. A derived series has its own metric and the width of the time that its values stand for.

The last three are the engine's own and are not stored: the dense number of the series, the tick at which the window was
said, and the sum of the samples added. All columns have eight bytes, so that kernels fill rows through an int64 and a
float64 view of the same memory; the database keeps narrower ones."""

LATE: Final = np.dtype([("kind", "i2"), ("place", "i4"), ("device", "i4"), ("event_us", "i8")])
"""A record of this batch that came too late for what is made of records in order; it is in the log all the same.
`kind` is its number among DTYPES."""

MARK: Final = np.dtype([("device", "i4"), ("boot", "i8"), ("seq", "i8")])
"""Up to which number, without a hole, everything of a device is settled (committed or rejected)."""


def empty(kind: str) -> Columns:
    """No rows of a log kind."""
    return np.empty(0, DTYPES[kind])


@dataclass(frozen=True, slots=True)
class Gap:
    """From `from_us` to `to_us` we did not listen; silence is not counted through it."""

    from_us: int
    to_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rejects:
    """How many messages or records of a device were rejected for one reason. `device` -1: none that we know.

    `boot` and `seq` are the numbers settled by the rejection, int64 (n,), so that a device does not send them for ever.
    """

    device: int
    reason: str
    count: int
    boot: tuple[int, ...] = ()
    seq: tuple[int, ...] = ()
    at_us: int = 0
    """The tick that follows their receipt; it may be reached by a later batch. 0 in entries from before it was kept."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the pipeline noticed of our own house (disk, clock, poisoned record): raises an alarm, or ends it."""

    kind: str
    active: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One entry of the log: what was accepted since the last one, and what else the engine knows.

    Ticks are not stored one by one: the points of the one-second grid in (`since_us`, `now_us`] were reached, each
    before the first record whose `received_us` is not below it. Gaps, config, past, notices and rejects apply before
    the records.
    """

    n: int
    since_us: int
    now_us: int
    readings: Columns = field(default_factory=lambda: empty("reading"))
    passages: Columns = field(default_factory=lambda: empty("passage"))
    signals: Columns = field(default_factory=lambda: empty("signal"))
    statuses: Columns = field(default_factory=lambda: empty("status"))
    gaps: tuple[Gap, ...] = ()
    config: int | None = None
    """The version of the city that is in force from here on."""
    past: tuple[int, int] | None = None
    """(shard, batch): from here on the state of that shard at that batch is this one's memory of the time before."""
    rejects: tuple[Rejects, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def records(self) -> int:
        """How many records the batch holds."""
        return len(self.readings) + len(self.passages) + len(self.signals) + len(self.statuses)

    def kind(self, name: str) -> Columns:
        """The rows of one log kind."""
        return {
            "reading": self.readings,
            "passage": self.passages,
            "signal": self.signals,
            "status": self.statuses,
        }[name]
