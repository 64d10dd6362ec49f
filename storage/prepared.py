"""A batch with what it led to, as bytes that only have to be sent: no database is asked here.

So preparing can be done by another thread than committing, and a commit in doubt is tried again with the same bytes.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from contracts.clock import to_datetime, to_iso
from contracts.columns import DTYPES, Batch, Columns
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Rejection
from contracts.errors import VaultError
from contracts.findings import Alarm, Outputs, Violation
from contracts.onboarding import Stranger
from storage.arrays import Float8s, Int2s, Int4s, Moments
from storage.copying import LATES, LOGS, MINUTES, WIDE_WINDOWS, Layout, encode
from storage.items import alarm_item, violation_item
from storage.kept_rejections import KeptRejections
from storage.latest import newest_readings, records, values
from storage.naming import Naming
from storage.proposals import proposed
from storage.vault import Vault

Values = dict[str, Any]
MINUTE_S: Final = 60
NO_KEY_DAY: Final = -1
"""`payload_day` of a rejection that came after its day's keys were destroyed: its payload is not kept."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A log: number, city and space (`live`, `simulated`, `replay`)."""

    number: int
    city: str
    space: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a commit sends: the batch's own row, bodies of binary COPY, statements by name with values."""

    n: int
    batch: Values
    copies: list[tuple[Layout, memoryview]] = field(default_factory=list)
    statements: list[tuple[str, Values]] = field(default_factory=list)


class Preparer:
    """Prepares the batches of one shard. `announce` is off for a past that nobody watches: no live events then."""

    def __init__(self, shard: Shard, vault: Vault, naming: Naming, announce: bool) -> None:
        self.naming = naming
        self._shard, self._vault, self._announce = shard, vault, announce
        self._kept_rejections = KeptRejections()

    def prepare(
        self,
        batch: Batch,
        outputs: Outputs,
        rejections: Sequence[Rejection],
        strangers: Sequence[Stranger] = (),
    ) -> Prepared:
        """Everything of a batch, ready to send.

        Raises:
            StorageError: something in it cannot be stored.
            VaultError: the key of a case's month was destroyed.
        """
        prepared = Prepared(batch.n, self._batch(batch))
        wide = outputs.windows["width_s"] != MINUTE_S
        kinds = [(LOGS[kind], batch.kind(kind)) for kind in DTYPES]
        said = [(MINUTES, outputs.windows[~wide]), (WIDE_WINDOWS, outputs.windows[wide]), (LATES, outputs.late)]
        for layout, table in (*kinds, *said):
            if table.size:
                prepared.copies.append((layout, encode(layout, table, self._shard.number, batch.n)))
        rows = {
            "violations": [_violation(violation) for violation in outputs.violations],
            "violation_plates": list(self._plates(outputs.violations)),
            "alarms": [_alarm(alarm) for alarm in outputs.alarms],
            "rejections": [
                self._rejection(i, *row) for i, row in enumerate(self._kept_rejections.sort_out(rejections))
            ],
        }
        for name, content in rows.items():
            self._add(prepared, name, content)
        prepared.statements.extend(proposed(self._shard.city, strangers, batch.now_us))
        self._present(prepared, batch, outputs)
        return prepared

    def _batch(self, batch: Batch) -> Values:
        times = [batch.kind(kind)["received_us"] for kind in DTYPES if batch.kind(kind).size]
        past_shard, past_n = batch.past or (None, None)
        return {
            "shard": self._shard.number,
            "n": batch.n,
            "since_at": to_datetime(batch.since_us),
            "now_at": to_datetime(batch.now_us),
            "records": batch.records,
            "received_from_at": to_datetime(min(int(column.min()) for column in times)) if times else None,
            "received_until_at": to_datetime(max(int(column.max()) for column in times)) if times else None,
            "gaps": _json(batch.gaps),
            "config": batch.config,
            "past_shard": past_shard,
            "past_n": past_n,
            "rejects": _json(batch.rejects),
            "notices": _json(batch.notices),
        }

    def _add(self, prepared: Prepared, name: str, rows: Sequence[Any]) -> None:
        if rows:
            values = {"shard": self._shard.number, "n": prepared.n, "rows": _json(rows)}
            prepared.statements.append((name, values))

    def _present(self, prepared: Prepared, batch: Batch, outputs: Outputs) -> None:
        """The newest values and records, and the live events that say so. A replay is never what is newest."""
        if self._shard.space == "replay" and not self._announce:
            return
        where = {"shard": self._shard.number, "n": batch.n}
        newest = newest_readings(batch.readings)
        newest_records = records(batch, newest, self.naming)
        if newest.size:
            prepared.statements.append(("latest_value", {**where, **_latest(newest)}))
        self._add(prepared, "latest_record", newest_records)
        if self._announce:
            events = list(self._events(newest, newest_records, outputs))
            for i, (kind, payload) in enumerate(events):
                prepared.statements.append(("live_event", {**where, "i": i, "kind": kind, "payload": _json(payload)}))
            if events:
                prepared.statements.append(("notify", {"shard": str(self._shard.number), "n": str(batch.n)}))

    def _events(self, newest: Columns, newest_records: list[Any], outputs: Outputs) -> Iterable[tuple[str, Any]]:
        if newest.size or newest_records:
            shown = [
                {name: getattr(r, name) for name in ("device", "kind", "key", "t", "content")} for r in newest_records
            ]
            yield "values", {"values": values(newest, self.naming), "records": shown}
        now = datetime.now(UTC)
        for violation in outputs.violations:
            yield "violation", violation_item(violation, self.naming, self._shard.space, now)
        for alarm in outputs.alarms:
            yield "alarm", alarm_item(alarm, self.naming, self._shard.space)

    def _plates(self, violations: Iterable[Violation]) -> Iterable[Values]:
        """The plates of violations under keys of their own; a plate whose day's keys are gone stays lost.

        Every revision brings its case's plate; one row of a case is enough, and the database keeps the first.
        """
        plates = {violation.id: violation for violation in violations if violation.plate is not None}
        for violation in plates.values():
            assert violation.plate is not None
            try:
                text = self._vault.open_day(violation.plate.sealed, violation.plate.day)
            except VaultError:
                continue
            sealed, wrapped = self._vault.case_seal(text, violation.occurred_us)
            yield {"id": violation.id, "sealed": _base64(sealed), "wrapped_key": _base64(wrapped)}

    def _rejection(self, i: int, rejection: Rejection, count: int) -> Values:
        try:
            day, payload = self._vault.seal_bytes(rejection.payload[:REJECTED_PAYLOAD_BYTES], rejection.received_us)
        except VaultError:
            day, payload = NO_KEY_DAY, b""
        return {
            "reason": rejection.reason,
            "detail": _text(rejection.detail),
            "topic": _text(rejection.topic),
            "payload": _base64(payload),
            "payload_day": day,
            "received_at": to_iso(rejection.received_us),
            "device": rejection.device,
            "boot": rejection.boot,
            "seq": rejection.seq,
            "part": rejection.part,
            "count": count,
            "i": i,
        }


def _violation(violation: Violation) -> Values:
    return {
        "id": violation.id,
        "revision": violation.revision,
        "rule": violation.rule,
        "rule_version": violation.rule_version,
        "offence": violation.offence,
        "device": violation.device,
        "zone": violation.zone,
        "occurred_at": to_iso(violation.occurred_us),
        "vehicle": violation.vehicle,
        "chargeable": violation.chargeable,
        "content": msgspec.structs.replace(violation, plate=None),
    }


def _alarm(alarm: Alarm) -> Values:
    return {
        "id": alarm.id,
        "revision": alarm.revision,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "device": alarm.device,
        "zone": alarm.zone,
        "priority": int(alarm.priority),
        "condition": alarm.condition.value,
        "onset_at": to_iso(alarm.onset_us),
        "changed_at": to_iso(alarm.changed_us),
        "content": alarm,
    }


def _latest(newest: Columns) -> Values:
    return {
        "device": Int4s.of(newest["device"]),
        "metric": Int2s.of(newest["metric"]),
        "lane": Int2s.of(newest["lane"]),
        "event_at": Moments.of(newest["event_us"]),
        "value": Float8s.of(newest["value"]),
    }


def _json(content: Any) -> str:
    return msgspec.json.encode(content).decode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _text(content: str) -> str:
    """Text that the database can hold: no NUL, no lone surrogate. What came is in the payload, untouched."""
    return content.replace("\0", "�").encode("utf-8", "replace").decode()
