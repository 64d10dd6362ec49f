"""A rejected message as it is fed in again: the same records, told apart so that nothing is ever there twice.

- A number that was settled by the rejection is used up: the memory of identities would take the message for one that
  came before. Without it each record is told apart by its content, and so is one that is fed in a second time.
- A number that was not settled (nobody knew the device) stays: a device that still keeps the message sends it itself.
- A record without a time happened when the message came first, not when it comes again.

A message of another family is fed in as what it means to us, in our own words; what we cannot read, as it came.
"""

from typing import Final

import msgspec

from contracts import wire
from contracts.clock import to_datetime, to_iso
from contracts.errors import MessageRejected
from contracts.records import MAX_RECORDS, Record
from contracts.topics import Kind, Topic, parse
from ingest.adapters.family import Heard
from ingest.registry import Registry, is_native

TIMED_BY_RECEIPT: Final = frozenset({Kind.READINGS, Kind.COUNTS, Kind.STATUS})
"""Kinds whose records may leave out their time."""

Messages = list[tuple[str, bytes]]
"""Topics and payloads to publish."""

_envelope_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_records_decoder: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_encoder: Final = msgspec.json.Encoder()


def again(topic: str, payload: bytes, received_us: int, number_settled: bool, registry: Registry) -> Messages:
    """The message to publish, or the messages that one of another family means. `received_us`: when it came first."""
    if is_native(topic):
        return [(topic, _native(topic, payload, received_us, number_settled))]
    return _foreign(topic, payload, received_us, registry) or [(topic, payload)]


def _native(topic: str, payload: bytes, received_us: int, number_settled: bool) -> bytes:
    try:
        kind = parse(topic).kind
        envelope = _envelope_decoder.decode(payload)
        records = _records_decoder.decode(envelope["records"])
    except (MessageRejected, msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return payload
    untimed = [record for record in records if kind in TIMED_BY_RECEIPT and bytes(record.get("t", b"null")) == b"null"]
    used_up = {"boot", "seq"} & envelope.keys() if number_settled else set()
    if not untimed and not used_up:
        return payload
    for record in untimed:
        record["t"] = msgspec.Raw(_encoder.encode(to_iso(received_us)))
    kept = {name: value for name, value in envelope.items() if name not in used_up}
    return _encoder.encode({**kept, "records": records})


def _foreign(topic: str, payload: bytes, received_us: int, registry: Registry) -> Messages:
    """What a family's message means, in our own words; nothing where it still means nothing."""
    speakers = registry.foreign.speakers(topic)
    if not speakers:
        return []
    try:
        said = registry.foreign.adapt(Heard(topic, payload, received_us, speakers))
    except MessageRejected:
        return []
    messages = []
    for each in said:
        device = each.speaker.device
        legal = [record for record in each.records if not isinstance(wire.legal(each.kind, record), wire.Illegal)]
        timed = [_timed(record, received_us) for record in legal if not isinstance(record, wire.Illegal)]
        name = str(Topic(registry.city, device.zone, device.id, each.kind))
        for first in range(0, len(timed), MAX_RECORDS):  # of a pack each record may be two of ours
            messages.append((name, wire.encode(each.kind, timed[first : first + MAX_RECORDS])))
    return messages


def _timed(record: Record, received_us: int) -> Record:
    return record if record.t is not None else msgspec.structs.replace(record, t=to_datetime(received_us))
