"""What people are told of messages and records that were not accepted, and of those that were fed in again."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.errors import ConfigError, MessageRejected
from contracts.topics import Kind, parse

RejectionId = tuple[int, int, int]
"""(shard, batch, place among the rejections of the batch); written `shard-batch-place`."""
ID_PATTERN: Final = r"([0-9]{1,9})-([0-9]{1,18})-([0-9]{1,9})"
"""All that the columns of the database can hold."""
_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class RejectionQuery:
    """Rejected messages and records, the latest first."""

    limit: int
    reason: str | None = None
    device: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a rejection when it was fed in again: `accepted` (it is in the log), `rejected` (again, with the
    new reason) or `unreadable` (its bytes cannot be opened, or are not whole)."""

    outcome: str
    reason: str
    detail: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class RejectionItem:
    """Something that was not accepted, without its bytes: those may hold a plate.

    `id` is `shard-batch-place`; `bytes` is how many are kept, 0 where the row only counts `count` like it; `fate` is
    None until it was fed in again.
    """

    id: str
    reason: str
    detail: str
    device: str | None
    topic: str
    received_at: datetime
    count: int
    bytes: int
    fate: Fate | None


@dataclass(frozen=True, slots=True)
class RejectionCount:
    """How many were not accepted for one reason from one device (None: none that we know), and of those that are kept:
    how many were accepted when fed in again, rejected again, cannot be read, and how many can still be fed in."""

    reason: str
    device: str | None
    count: int
    first_at: datetime
    last_at: datetime
    accepted: int
    rejected: int
    unreadable: int
    waiting: int


@dataclass(frozen=True, slots=True)
class RejectionBytes:
    """A rejection's bytes: `payload` as text (`utf-8`) where it is text, else `base64`. `cut`: there were more."""

    id: str
    topic: str
    encoding: str
    payload: str
    cut: bool


FEED_IN: Final = "feed-in"
"""The kind of job that feeds rejections in again; it takes `reason`, `device`, `from_at` and `to_at`, each or none."""
PLATELESS: Final = frozenset({Kind.READINGS, Kind.COUNTS, Kind.SIGNAL, Kind.STATUS})
"""What a device of this kind says has no place for a plate."""


def may_hold_plate(topic: str) -> bool:
    """Whether the bytes of a message with this topic may hold a plate: all but those of a legal topic without one."""
    try:
        return parse(topic).kind not in PLATELESS
    except MessageRejected:
        return True


def read_id(text: str) -> RejectionId:
    """The id that was written `shard-batch-place`.

    Raises:
        ConfigError: it is none.
    """
    found = _ID.fullmatch(text)
    if found is None:
        raise ConfigError("rejection", text, "is none; it is written shard-batch-place, such as 0-4711-0", "request")
    shard, n, i = map(int, found.groups())
    return shard, n, i
