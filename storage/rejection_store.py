"""Rejections as the job that feeds them in again needs them: what waits, what came since, what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from contracts.delivery import NEVER_FED_IN
from contracts.errors import VaultError
from contracts.rejections import RejectionQuery
from storage.arrays import Int4s, Int8s
from storage.connection import translated
from storage.own_connection import OwnConnection
from storage.queries import statements
from storage.vault import SEAL_BYTES, Vault

SQL: Final = statements("rejections")
Number = tuple[int, int, int]
FIRST: Final = (datetime(1970, 1, 1, tzinfo=UTC), 0, -1)
"""Before every rejection."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rejection with its bytes; None where the keys of its day are gone. `boot` above 0: the device's number was
    settled by it."""

    n: int
    i: int
    reason: str
    topic: str
    payload: bytes | None
    received_at: datetime
    boot: int

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Where it stands among those that wait."""
        return self.received_at, self.n, self.i


@dataclass(frozen=True, slots=True)
class Again:
    """A rejection that came since: of what bytes, and why."""

    topic: str
    payload: bytes
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a rejection: `accepted`, `rejected` (with its new reason) or `unreadable`."""

    kept: Kept
    outcome: str
    reason: str = ""
    detail: str = ""


class RejectionStore(OwnConnection):
    """Reads and decides the rejections of one shard over a connection of its own. One thread uses it."""

    def __init__(self, dsn: str, shard: int, vault: Vault) -> None:
        super().__init__(dsn, "rejections")
        self._shard, self._vault = shard, vault

    def waiting(
        self, query: RejectionQuery, before_at: datetime, after: tuple[datetime, int, int] = FIRST
    ) -> list[Kept]:
        """What can be fed in and was not accepted yet, in the order in which it came; at most `query.limit`."""
        after_at, after_n, after_i = after
        asked = {
            "shard": self._shard,
            "reason": query.reason,
            "device": query.device,
            "devices": self._numbers(query.device),
            "from_at": query.from_at,
            "to_at": query.to_at,
            "before_at": before_at,
            "after_at": after_at,
            "after_n": after_n,
            "after_i": after_i,
            "limit": query.limit,
            "never": list(NEVER_FED_IN),
            "seal": SEAL_BYTES,
        }
        with translated("reading rejections"):
            rows = self._connected().execute(SQL["waiting"], asked).fetchall()
        return [
            Kept(n, i, reason, topic, self._opened(sealed, day), received_at, boot)
            for n, i, reason, topic, sealed, day, received_at, boot in rows
        ]

    def since(self, n: int, from_at: datetime, topics: Sequence[str], limit: int) -> list[Again]:
        """What was rejected of these topics after a batch."""
        asked = {"shard": self._shard, "n": n, "from_at": from_at, "topics": list(topics), "limit": limit}
        with translated("reading what was rejected again"):
            rows = self._connected().execute(SQL["since"], asked).fetchall()
        return [
            Again(topic, self._opened(sealed, day) or b"", reason, detail)
            for _, _, reason, detail, topic, sealed, day in rows
        ]

    def settled(self, numbers: set[Number]) -> set[Number]:
        """Which of these (device, boot, number of the message) were settled by a rejection."""
        if not numbers:
            return set()
        asked = {
            "shard": self._shard,
            "device": Int4s.of(np.array([device for device, _, _ in numbers])),
            "seq": Int8s.of(np.array([seq for _, _, seq in numbers])),
        }
        with translated("looking up numbers"):
            rows = self._connected().execute(SQL["settled"], asked).fetchall()
        return numbers & {(device, boot, seq) for device, boot, seq in rows}

    def decide(self, decisions: Sequence[Decision], job: int) -> None:
        """Note what became of these."""
        rows = [
            {
                "n": each.kept.n,
                "i": each.kept.i,
                "received_at": each.kept.received_at,
                "outcome": each.outcome,
                "reason": each.reason,
                "detail": each.detail,
            }
            for each in decisions
        ]
        values = {"shard": self._shard, "job": job, "rows": msgspec.json.encode(rows).decode()}
        with translated("noting what became of rejections"):
            self._connected().execute(SQL["decide"], values)

    def _numbers(self, device: str | None) -> list[int]:
        if device is None:
            return []
        with translated("looking for a device"):
            return [no for (no,) in self._connected().execute(SQL["numbers"], {"device": device})]

    def _opened(self, sealed: bytes, day: int) -> bytes | None:
        try:
            return self._vault.open_bytes(sealed, day)
        except VaultError:
            return None
