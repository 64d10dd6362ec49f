"""Payload bytes <-> records, both directions: the native JSON of every kind of topic.

A payload is one JSON object, `contracts.records.Message`: `{"boot": 3, "seq": 17, "records": [...]}`. Whoever builds
records in Python is trusted (`encode` checks the envelope only); what comes as bytes is hostile until `decode` has
returned. Times are ISO 8601 with an offset; one without is no moment and is refused.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from contracts.errors import MessageRejected
from contracts.records import (
    MAX_PAYLOAD_BYTES,
    MAX_RECORDS,
    Counts,
    Message,
    Passage,
    Reading,
    Record,
    Signal,
    Status,
)
from contracts.topics import Kind

RECORDS: Final[dict[Kind, type[Record]]] = {
    Kind.COUNTS: Counts,
    Kind.PASSAGE: Passage,
    Kind.READINGS: Reading,
    Kind.SIGNAL: Signal,
    Kind.STATUS: Status,
}
"""What the records of a kind are. `evidence` carries a picture and `mark` goes the other way: neither is here."""

MAX_DETAIL: Final = 300
"""Longest explanation of a rejection: a path into the message and a sentence; what a device names is cut short."""


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which number everything of a device is settled: published to it, retained, after each commit."""

    boot: Annotated[int, Meta(ge=0, le=2**53)]
    seq: Annotated[int, Meta(ge=0, le=2**53)]


_encoder: Final = msgspec.json.Encoder()
_decoders: Final[dict[Kind, msgspec.json.Decoder[Message[Any]]]] = {
    Kind.COUNTS: msgspec.json.Decoder(Message[Counts]),
    Kind.PASSAGE: msgspec.json.Decoder(Message[Passage]),
    Kind.READINGS: msgspec.json.Decoder(Message[Reading]),
    Kind.SIGNAL: msgspec.json.Decoder(Message[Signal]),
    Kind.STATUS: msgspec.json.Decoder(Message[Status]),
}
_mark_decoder: Final = msgspec.json.Decoder(Mark)
_json_decoder: Final = msgspec.json.Decoder(msgspec.Raw)


def encode(kind: Kind, records: Sequence[Record], boot: int | None = None, seq: int | None = None) -> bytes:
    """The payload of one message; fields at their default are left out.

    Raises:
        ValueError: records of another kind, none or more than `MAX_RECORDS`, or only one of boot and seq.
    """
    if kind not in RECORDS:
        raise ValueError(f"{kind} messages hold no records; one of {', '.join(RECORDS)}")
    if not 1 <= len(records) <= MAX_RECORDS:
        raise ValueError(f"{len(records)} records; a message holds 1 to {MAX_RECORDS}, spread them over several")
    if any(type(record) is not RECORDS[kind] for record in records):
        raise ValueError(f"a {kind} message holds {RECORDS[kind].__name__} records only")
    if (boot is None) != (seq is None):
        raise ValueError("boot and seq are one number: give both or neither")
    return _encoder.encode(Message(list(records), boot, seq))


def decode(kind: Kind, payload: bytes, max_bytes: int = MAX_PAYLOAD_BYTES) -> Message[Any]:
    """The message in a payload; its records are of the type `RECORDS[kind]`.

    Raises:
        MessageRejected: `too_large`, `not_json` or `schema`; the detail names the place (`$.records[0].speed_kmh`).
    """
    if len(payload) > max_bytes:
        raise MessageRejected("too_large", f"{len(payload)} bytes; at most {max_bytes}, send fewer records at once")
    decoder = _decoders.get(kind)
    if decoder is None:
        raise MessageRejected("schema", f"{kind} messages hold no records; one of {', '.join(RECORDS)}")
    message: Message[Any] = _strict(decoder, payload)
    if (message.boot is None) != (message.seq is None):
        raise MessageRejected("schema", "boot and seq are one number: send both or neither - at `$`")
    return message


def encode_mark(boot: int, seq: int) -> bytes:
    """The payload that tells a device up to which number its messages are settled."""
    return _encoder.encode(Mark(boot, seq))


def decode_mark(payload: bytes) -> Mark:
    """The mark in a payload.

    Raises:
        MessageRejected: `not_json` or `schema`.
    """
    mark: Mark = _strict(_mark_decoder, payload)
    return mark


def _strict(decoder: msgspec.json.Decoder[Any], payload: bytes) -> Any:
    """Decode, or raise MessageRejected and nothing else, whatever the bytes are."""
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as problem:
        # It stops at the first wrong field; what follows may still be no JSON at all, which is the better reason.
        _check_json(payload)
        raise MessageRejected("schema", _plain(str(problem))) from None
    except RecursionError:
        raise MessageRejected("schema", "nested too deeply; a message has four levels") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MessageRejected("not_json", _plain(str(problem))) from None


def _check_json(payload: bytes) -> None:
    try:
        _json_decoder.decode(payload)
        payload.decode()
    except RecursionError:
        raise MessageRejected("schema", "nested too deeply; a message has four levels") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MessageRejected("not_json", _plain(str(problem))) from None


def _plain(text: str) -> str:
    """Printable, bounded text: names of unknown fields are the sender's words."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_DETAIL])
