"""Deliveries in, columns and rejections out: no I/O, no clock; what is accepted is exactly what was sent.

A record that is wrong is rejected alone; the good ones of its message are kept. A message none of whose records can
be kept, all for the same reason, is one rejection with its bytes as they came.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from contracts import wire
from contracts.clock import DAY_US, SECOND_US, to_us
from contracts.columns import DTYPES, PASSAGE, READING, SIGNAL, STATUS, Columns
from contracts.delivery import Decoded, Delivery, Rejection
from contracts.errors import ConfigError, MessageRejected, VaultError
from contracts.ports import PlateSealer
from contracts.records import MAX_PAYLOAD_BYTES, TimeQuality
from contracts.topics import Kind, Topic, parse
from ingest import rows
from ingest.adapters.family import Heard, Speaker
from ingest.mail import Int64s, Mail
from ingest.native import OTHERWISE
from ingest.patience import Patience
from ingest.reading import Believed, read
from ingest.registry import KnownDevice, Registry, is_native
from ingest.rejections import Counted, reject_message, reject_record

DEVICE_TIME: Final = int(TimeQuality.DEVICE)
RECEIPT_TIME: Final = int(TimeQuality.RECEIPT)
EVIDENCE: Final = frozenset({Kind.PASSAGE, Kind.SIGNAL, Kind.STATUS})
"""What a case is judged by; the state of a device is part of it."""
_MARK: Final = f"/{Kind.MARK}"


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """Which event times and sizes are believed.

    `future_s`: a clock that is set once a minute and drifts stays within it, one that lost its battery does not.
    `past_days`: how long a device may be cut off and still hand in what it kept; its memory and the log's partitions
    that are cheap to write end about there. `evidence_past_days`: the same for what a case is judged by, up to the
    limitation of a year. `max_payload_bytes`: see `contracts.records`.
    """

    future_s: float = 60.0
    past_days: float = 30.0
    evidence_past_days: float = 365.0
    max_payload_bytes: int = MAX_PAYLOAD_BYTES

    def __post_init__(self) -> None:
        for key in ("future_s", "past_days", "evidence_past_days", "max_payload_bytes"):
            if not getattr(self, key) > 0:
                raise ConfigError(f"limits.{key}", getattr(self, key), "must be above 0")

    def days_back(self, kind: Kind | str) -> float:
        """How old a record of a kind, or of a kind of log rows, may be."""
        return self.evidence_past_days if kind in EVIDENCE else self.past_days


def decode(
    deliveries: Sequence[Delivery],
    registry: Registry,
    sealer: PlateSealer,
    limits: IntakeLimits,
    patience: Patience | None = None,
) -> Decoded:
    """Decode a run of deliveries in order of arrival. Raises nothing that a device could cause.

    Of what lies in one piece (`Mail`), plain readings are read by columns; the rest goes through here, one by one.
    `patience` bounds what is looked into of the wrong ones, over many runs; without it, all is looked into.
    """
    decoding = _Decoding(registry, sealer, limits, patience or Patience(sys.maxsize))
    if not isinstance(deliveries, Mail):
        for delivery in deliveries:
            decoding.add(delivery)
        return decoding.decoded()
    believed = Believed(
        round(limits.future_s * SECOND_US), round(limits.days_back(Kind.READINGS) * DAY_US), limits.max_payload_bytes
    )
    by_column = read(deliveries, registry.directory, believed)
    counts = by_column.counts
    others = np.flatnonzero(counts == OTHERWISE)
    for other in others.tolist():
        before = decoding.places
        decoding.add(deliveries[other])
        counts[other] = decoding.places - before
    return _merged(by_column.rows, decoding.decoded(), counts, others)


def _merged(rows: Columns, rest: Decoded, counts: Int64s, others: Int64s) -> Decoded:
    """Readings that were read by columns and what became of the other messages, in order of arrival.

    `counts`: how many records each message had, int64 (n,); `others`: which messages were not read by columns.
    """
    ends = np.cumsum(counts)
    if not others.size:
        rows["place"] = np.arange(rows.size)
        return Decoded(readings=rows)
    starts = ends - counts
    mine = np.ones(counts.size, np.bool_)
    mine[others] = False
    rows["place"] = _spread(starts[mine], counts[mine])
    places = _spread(starts[others], counts[others])
    for name in DTYPES:
        kept = rest.kind(name)
        kept["place"] = places[kept["place"]]
    readings = np.concatenate((rows, rest.readings))
    return replace(rest, readings=readings[np.argsort(readings["place"], kind="stable")])


def _spread(starts: Int64s, counts: Int64s) -> Int64s:
    """start, start + 1, ... of each run, one after the other."""
    ends = np.cumsum(counts)
    spread: Int64s = np.repeat(starts - (ends - counts), counts) + np.arange(ends[-1] if ends.size else 0)
    return spread


class _Decoding:
    """One run: rows by kind, rejections, and the place of the next record."""

    def __init__(self, registry: Registry, sealer: PlateSealer, limits: IntakeLimits, patience: Patience) -> None:
        self._registry, self._sealer, self._limits = registry, sealer, limits
        self._patience, self._counted = patience, Counted()
        self._future_us = round(limits.future_s * SECOND_US)
        self._rows: dict[Kind, list[rows.Row]] = {kind: [] for kind in wire.RECORDS}
        # Counts become readings, in the same order of arrival.
        self._rows[Kind.COUNTS] = self._rows[Kind.READINGS]
        self._rejections: list[Rejection] = []
        self._place = self._retained = self._passed_over = self._plates_lost = 0

    def add(self, delivery: Delivery) -> None:
        """Decode one delivery."""
        if delivery.topic.endswith(_MARK) and _is_mark(delivery.topic):
            return
        if delivery.retained or not delivery.payload:
            self._retained += 1  # an empty payload deletes a retained message: state as well
            return
        if not is_native(delivery.topic) and (speakers := self._registry.foreign.speakers(delivery.topic)):
            self._add_foreign(delivery, speakers)
            return
        device, kind = None, None
        try:
            device, kind = self._registry.route(delivery.topic)
            if kind is Kind.EVIDENCE:
                raise MessageRejected("schema", "evidence is not accepted yet")
            message = wire.decode(kind, delivery.payload, self._limits.max_payload_bytes)
        except MessageRejected as rejected:
            if device is None or kind is None:
                self._reject(delivery, self._registry.named(delivery.topic), rejected)
            else:
                self._salvage(delivery, device, kind, rejected)
            return
        self._add_records(delivery, device, kind, (message.boot or 0, message.seq or 0), message.records)

    @property
    def places(self) -> int:
        """How many records have been kept."""
        return self._place

    def decoded(self) -> Decoded:
        """What all of it became."""
        return Decoded(
            readings=_columns(self._rows[Kind.READINGS], READING),
            passages=_columns(self._rows[Kind.PASSAGE], PASSAGE),
            signals=_columns(self._rows[Kind.SIGNAL], SIGNAL),
            statuses=_columns(self._rows[Kind.STATUS], STATUS),
            rejections=(*self._rejections, *self._counted.rejections()),
            retained=self._retained,
            passed_over=self._passed_over,
            plates_lost=self._plates_lost,
        )

    def _add_foreign(self, delivery: Delivery, speakers: tuple[Speaker, ...]) -> None:
        """Decode one delivery of a family that has an adapter. Its records have no number."""
        heard = Heard(delivery.topic, delivery.payload, delivery.received_us, speakers)
        try:
            wire.check_size(delivery.payload, self._limits.max_payload_bytes)
            said = self._registry.foreign.adapt(heard)
        except MessageRejected as rejected:
            about = self._registry.devices[heard.about.device.id] if heard.about else None
            self._reject(delivery, about, rejected)
            return
        self._passed_over += not said
        for each in said:
            device = self._registry.devices[each.speaker.device.id]
            records = [wire.legal(each.kind, record) for record in each.records]
            self._add_records(delivery, device, each.kind, (0, 0), records, alone=len(said) == 1)

    def _salvage(self, delivery: Delivery, device: KnownDevice, kind: Kind, rejected: MessageRejected) -> None:
        """Keep the good records of a message that has bad ones; reject it when there is none to keep."""
        records: Sequence[Any] = ()
        is_read = rejected.reason in ("schema", "no_time") and kind in wire.RECORDS
        if is_read and self._patience.left(device.no, delivery.received_us):
            records = wire.decode_each(kind, delivery.payload)
        if all(isinstance(record, wire.Illegal) for record in records):
            self._reject(delivery, device, rejected, len(records))
        else:
            self._add_records(delivery, device, kind, wire.number_of(delivery.payload), records)

    def _add_records(
        self,
        delivery: Delivery,
        device: KnownDevice,
        kind: Kind,
        number: tuple[int, int],
        records: Sequence[Any],
        alone: bool = True,
    ) -> None:
        """`alone`: these are all the records of the message."""
        boot, seq = number
        digest = self._digest(kind, delivery, records) if boot else 0
        received_us, kept, place = delivery.received_us, self._rows[kind], self._place
        before, whole = len(kept), not self._patience.left(device.no, received_us)
        part = 0
        refused: list[tuple[int, int, MessageRejected]] = []
        for at, record in enumerate(records):
            if whole and refused:
                break
            try:
                event_us, quality = self._moment(record, at, received_us, kind)
                tails = self._tails(kind, record, at, event_us, device)
            except MessageRejected as rejected:
                refused.append((at, part, rejected))
                part += 1
                continue
            if not boot:
                # Without a number the record's content is its identity, wherever in whatever message it comes.
                seq = digest = self._content_hash(kind, record, event_us)
                part = 0
            for tail in tails:
                if isinstance(tail, MessageRejected):
                    refused.append((at, part, tail))
                else:
                    kept.append(
                        (self._place, device.no, boot, seq, part, digest, received_us, event_us, quality, *tail)
                    )
                    self._place += 1
                part += 1
        if not refused:
            return
        first = refused[0][2]
        if whole:
            # Beyond what is looked into, a message is good or counted: five hundred wrong records cost what one does.
            del kept[before:]
            self._place = place
            self._counted.add(delivery, device, first, number)
            return
        if alone and self._place == place and all(why.reason == first.reason for _, _, why in refused):
            self._reject(delivery, device, first, len(refused))
            return
        if not is_native(delivery.topic):
            # A single record of a family's message is kept as we understood it, in our own words.
            topic = Topic(self._registry.city, device.zone, device.id, kind)
            delivery = replace(delivery, topic=str(topic))
        for at, where, why in refused:
            if self._patience.take(device.no, delivery.received_us):
                self._rejections.append(reject_record(delivery, device, kind, number, records[at], where, why))
            else:
                self._counted.add(delivery, device, why, number)

    def _moment(self, record: Any, at: int, received_us: int, kind: Kind) -> tuple[int, int]:
        """Event time and its quality."""
        if isinstance(record, wire.Illegal):
            raise record.rejected
        if record.t is None:
            return received_us, RECEIPT_TIME
        event_us = to_us(record.t)
        if event_us > received_us + self._future_us:
            ahead_s = (event_us - received_us) / SECOND_US
            raise MessageRejected("future", f"$.records[{at}].t: {record.t.isoformat()} is {ahead_s:.0f} s ahead of us")
        days = self._limits.days_back(kind)
        if event_us < received_us - round(days * DAY_US):
            raise MessageRejected("past", f"$.records[{at}].t: {record.t.isoformat()} is more than {days:g} days ago")
        return event_us, DEVICE_TIME

    def _tails(
        self, kind: Kind, record: Any, at: int, event_us: int, device: KnownDevice
    ) -> Sequence[rows.Row | MessageRejected]:
        """The rows of one record, without their identity."""
        if kind is Kind.READINGS:
            return (rows.reading_row(record, at, device),)
        if kind is Kind.COUNTS:
            return rows.count_rows(record, at, device)
        if kind is Kind.PASSAGE:
            row, lost = rows.passage_row(record, at, event_us, self._sealer)
            self._plates_lost += lost
            return (row,)
        if kind is Kind.SIGNAL:
            return (rows.signal_row(record, at),)
        return (rows.status_row(record, at),)

    def _digest(self, kind: Kind, delivery: Delivery, records: Sequence[Any]) -> int:
        """Hash of a message's bytes. One with plates is keyed with its oldest day, whose keys are destroyed first."""
        if kind is not Kind.PASSAGE:
            return rows.hash63(delivery.payload)
        oldest_us = round(self._limits.days_back(kind) * DAY_US)
        since_us, until_us = delivery.received_us - oldest_us, delivery.received_us + self._future_us
        times = [to_us(record.t) for record in records if not isinstance(record, wire.Illegal)]
        believed = [event_us for event_us in times if since_us <= event_us <= until_us]
        try:
            return self._sealer.digest(delivery.payload, min(believed)) if believed else 0
        except VaultError:
            return 0  # what is left of it without its plate is told apart by its number

    def _content_hash(self, kind: Kind, record: Any, event_us: int) -> int:
        # A record without a time is told apart by its receipt: the same value an hour later is another observation.
        head = b"%s %d %d " % (kind.encode(), event_us, getattr(record, "lane", 0))
        bare = msgspec.structs.replace(record, t=None)  # its offset is only a way of writing it
        if kind is Kind.PASSAGE:
            try:
                return self._sealer.digest(head + wire.encode_record(bare), event_us)
            except VaultError:
                bare = msgspec.structs.replace(bare, plates=[], track=None)  # lost like the plate in its row
        return rows.hash63(head + wire.encode_record(bare))

    def _reject(
        self, delivery: Delivery, device: KnownDevice | None, rejected: MessageRejected, records: int = 0
    ) -> None:
        """`records`: of the message, that were each found wrong."""
        if self._patience.take(device.no if device else delivery.topic, delivery.received_us, records):
            self._rejections.append(reject_message(delivery, device, rejected))
        else:
            number = wire.number_of(delivery.payload) if device else (0, 0)
            self._counted.add(delivery, device, rejected, number)


def _columns(kept: list[rows.Row], dtype: np.dtype[Any]) -> Columns:
    return np.array(kept, dtype)


def _is_mark(topic: str) -> bool:
    """Our own marks come back to us on some brokers."""
    try:
        return parse(topic).kind is Kind.MARK
    except MessageRejected:
        return False
