"""Payload bytes <-> records, both directions: the native JSON of every kind of topic.

A payload is one JSON object, `contracts.records.Message`: `{"boot": 3, "seq": 17, "records": [...]}`. Whoever builds
records in Python is trusted (`encode` checks the envelope only); what comes as bytes is hostile until `decode` has
returned. Times are ISO 8601 with an offset; one without is no moment and is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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


_UNKNOWN_FIELD: Final = re.compile(r"unknown field `(?![A-Za-z_@]{1,32}`).*?`(?= - at|$)", re.DOTALL)


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which number everything of a device is settled: published to it, retained, after each commit."""

    boot: Annotated[int, Meta(ge=0, le=2**53)]
    seq: Annotated[int, Meta(ge=0, le=2**53)]


class _Number(msgspec.Struct, frozen=True):
    """The number of a message whose rest nobody needs to understand."""

    boot: Annotated[int, Meta(ge=1, le=2**53)]
    seq: Annotated[int, Meta(ge=1, le=2**53)]


_encoder: Final = msgspec.json.Encoder()
_decoders: Final[dict[Kind, msgspec.json.Decoder[Message[Any]]]] = {
    Kind.COUNTS: msgspec.json.Decoder(Message[Counts]),
    Kind.PASSAGE: msgspec.json.Decoder(Message[Passage]),
    Kind.READINGS: msgspec.json.Decoder(Message[Reading]),
    Kind.SIGNAL: msgspec.json.Decoder(Message[Signal]),
    Kind.STATUS: msgspec.json.Decoder(Message[Status]),
}
_record_decoders: Final = {kind: msgspec.json.Decoder(record) for kind, record in RECORDS.items()}
_raw_decoder: Final = msgspec.json.Decoder(Message[msgspec.Raw])
_number_decoder: Final = msgspec.json.Decoder(_Number)
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
        MessageRejected: `too_large`, `not_json`, `no_time` or `schema`; the detail names the place, such as
            `$.records[0].speed_kmh`.
    """
    check_size(payload, max_bytes)
    decoder = _decoders.get(kind)
    if decoder is None:
        raise MessageRejected("schema", f"{kind} messages hold no records; one of {', '.join(RECORDS)}")
    message: Message[Any] = _strict(decoder, payload)
    if (message.boot is None) != (message.seq is None):
        raise MessageRejected("schema", "boot and seq are one number: send both or neither - at `$`")
    return message


def check_size(payload: bytes, max_bytes: int = MAX_PAYLOAD_BYTES) -> None:
    """Refuse what nobody should parse.

    Raises:
        MessageRejected: `too_large`.
    """
    if len(payload) > max_bytes:
        raise MessageRejected("too_large", f"{len(payload)} bytes; at most {max_bytes}, send fewer records at once")


@dataclass(frozen=True, slots=True)
class Illegal:
    """A record that is not legal, as it came, and why."""

    raw: bytes
    rejected: MessageRejected


def decode_each(kind: Kind, payload: bytes) -> list[Record | Illegal]:
    """The records of a message that `decode` refused, each judged alone, so that the good ones can be kept.

    Empty where the fault is not in a single record.
    """
    try:
        message = _raw_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if (message.boot is None) != (message.seq is None):
        return []
    each: list[Record | Illegal] = []
    for part, raw in enumerate(message.records):
        try:
            each.append(_strict(_record_decoders[kind], bytes(raw)))
        except MessageRejected as rejected:
            detail = rejected.detail.replace("`$", f"`$.records[{part}]")
            each.append(Illegal(bytes(raw), MessageRejected(rejected.reason, detail)))
    return each


def legal(kind: Kind, record: Record | Illegal) -> Record | Illegal:
    """A record that was built from what others sent, as it would be had it come in our own format: legal, or not.

    A struct that is built in Python is not checked; one that is decoded is.
    """
    if isinstance(record, Illegal):
        return record
    raw = _encoder.encode(record)
    try:
        checked: Record = _strict(_record_decoders[kind], raw)
    except MessageRejected as rejected:
        return Illegal(raw, rejected)
    return checked


def encode_illegal(record: Illegal, boot: int | None, seq: int | None) -> bytes:
    """The payload of a message that holds nothing but one record that is not legal."""
    return _encoder.encode(Message([msgspec.Raw(record.raw)], boot, seq))


def number_of(payload: bytes) -> tuple[int, int]:
    """The device's own number (boot, seq) in a payload that may be no legal message; (0, 0) where there is none."""
    try:
        numbered = _number_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0, 0
    return numbered.boot, numbered.seq


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


def encode_record(record: Record) -> bytes:
    """One record alone, always the same bytes for the same content."""
    return _encoder.encode(record)


def _strict(decoder: msgspec.json.Decoder[Any], payload: bytes) -> Any:
    """Decode, or raise MessageRejected and nothing else, whatever the bytes are."""
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as problem:
        # It stops at the first wrong field; what follows may still be no JSON at all, which is the better reason.
        _check_json(payload)
        raise MessageRejected(_reason(str(problem)), _plain(str(problem))) from None
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


def _reason(problem: str) -> str:
    """`no_time` where all that is wrong first is a missing or empty `t`; else `schema`."""
    missing = problem.startswith("Object missing required field `t`")
    empty = problem.startswith("Expected `datetime`, got `null`") and problem.endswith(".t`")
    return "no_time" if missing or empty else "schema"


def printable(text: str, length: int = MAX_DETAIL) -> str:
    """Text that any log, page and database takes, however hostile its source: printable and bounded."""
    cut = text[:length]
    return cut if cut.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in cut)


def _plain(problem: str) -> str:
    """What msgspec found, without a field name that is a device's own words: it might be a plate."""
    return printable(_UNKNOWN_FIELD.sub("unknown field", problem))
