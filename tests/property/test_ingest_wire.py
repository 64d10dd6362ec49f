"""Payloads: what is encoded decodes to itself, and no bytes whatever raise anything but MessageRejected."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts import wire
from contracts.errors import MessageRejected
from contracts.records import Counts, Passage, PlateRead, Reading, Record, Signal, Status
from contracts.topics import Kind

names = st.text(max_size=20)
finite = st.floats(-1e12, 1e12, allow_nan=False)
share = st.floats(0, 1)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=offsets)  # noqa: DTZ001  # made aware
lanes = st.integers(0, 32)
plates = st.builds(PlateRead, st.text(max_size=24), share, st.none() | st.text(max_size=40))
evidence = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=6)
firmware = st.none() | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=24)
RECORDS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.READINGS: st.builds(Reading, names, finite, st.none() | times, lanes, st.none() | names),
    Kind.COUNTS: st.builds(
        Counts, lanes, st.integers(1, 3600), st.dictionaries(names, st.integers(0, 100_000)), st.none() | times,
        st.none() | finite, st.none() | share,
    ),
    Kind.PASSAGE: st.builds(
        Passage, times, lanes, names, names, names, st.none() | finite, st.none() | st.floats(0, 86_400),
        st.none() | names, st.lists(plates, max_size=8), names, st.none() | st.integers(0, 9), evidence,
    ),
    Kind.SIGNAL: st.builds(Signal, times, st.integers(0, 64), names),
    Kind.STATUS: st.builds(
        Status, names, st.none() | times, st.none() | share, firmware, st.none() | finite, names, st.none() | share,
        st.none() | times,
    ),
}  # fmt: skip
messages = st.sampled_from(list(RECORDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(RECORDS[kind], min_size=1, max_size=4))
)
numbers = st.integers(1, 2**53)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(messages, numbers, numbers)
@settings(deadline=None)
def test_what_is_encoded_decodes_to_itself(message: tuple[Kind, list[Record]], boot: int, seq: int) -> None:
    kind, records = message
    decoded = wire.decode(kind, wire.encode(kind, records, boot, seq))
    assert decoded.records == records
    assert (decoded.boot, decoded.seq) == (boot, seq)
    assert wire.number_of(wire.encode(kind, records, boot, seq)) == (boot, seq)


@given(messages)
@settings(deadline=None)
def test_a_message_without_a_number_stays_without(message: tuple[Kind, list[Record]]) -> None:
    kind, records = message
    payload = wire.encode(kind, records)
    assert (wire.decode(kind, payload).boot, wire.number_of(payload)) == (None, (0, 0))


@given(st.sampled_from(list(Kind)), st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
@example(Kind.READINGS, b'{"records":' + b"[" * 50_000)
@example(Kind.READINGS, b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
@example(Kind.READINGS, b'{"records":[{"metric":"x","value":1e999}]}')
@example(Kind.READINGS, b'{"records":[{"metric":"x","value":-1e-999,"value":"\\ud800"}]}')
@example(Kind.READINGS, b'{"records":[{"metric":"' + b"9" * 100_000 + b'","value":1}]}')
@example(Kind.READINGS, b'{"records":[{"metric":"x","value":' + b"9" * 100_000 + b"}]}")
@example(Kind.STATUS, b'{"records":[{"firmware":"a\\u0000"}]}')
@example(Kind.STATUS, b'{"records":[{"firmware":"a\\n"}]}')
@example(Kind.PASSAGE, b'{"records":[{"t":"2026-11-22T10:00:00+99:00","lane":1,"class":"car"}]}')
@settings(deadline=None)
def test_hostile_bytes_are_rejected_and_nothing_else(kind: Kind, payload: bytes) -> None:
    for read in (lambda: wire.decode(kind, payload), lambda: wire.decode_mark(payload)):
        try:
            read()
        except MessageRejected as rejected:
            assert rejected.reason in ("not_json", "schema", "no_time", "too_large")
            assert rejected.detail.isprintable() and len(rejected.detail) <= wire.MAX_DETAIL
    wire.number_of(payload)
    if kind in wire.RECORDS:
        wire.decode_each(kind, payload)


@given(messages, st.data())
@settings(deadline=None)
def test_a_message_cut_short_is_not_json(message: tuple[Kind, list[Record]], data: st.DataObject) -> None:
    kind, records = message
    payload = wire.encode(kind, records, 1, 1)
    cut = data.draw(st.integers(0, len(payload) - 1))
    with pytest.raises(MessageRejected, match="not_json"):
        wire.decode(kind, payload[:cut])


@given(st.integers(0, 2**53), st.integers(0, 2**53))
@settings(deadline=None)
def test_a_mark_decodes_to_itself(boot: int, seq: int) -> None:
    assert wire.decode_mark(wire.encode_mark(boot, seq)) == wire.Mark(boot, seq)


@pytest.mark.parametrize(
    ("kind", "records", "number"),
    [
        (Kind.READINGS, [], (1, 1)),
        (Kind.READINGS, [Status()], (1, 1)),
        (Kind.EVIDENCE, [Status()], (1, 1)),
        (Kind.STATUS, [Status()] * 501, (1, 1)),
        (Kind.STATUS, [Status()], (1, None)),
        (Kind.STATUS, [Status()], (None, 1)),
    ],
)
def test_a_message_that_nobody_could_read_is_not_made(
    kind: Kind, records: list[Record], number: tuple[int | None, int | None]
) -> None:
    with pytest.raises(ValueError, match=r"record|number"):
        wire.encode(kind, records, *number)


def test_a_time_keeps_its_moment_and_its_microseconds() -> None:
    said = datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=timezone(timedelta(hours=7)))
    (record,) = wire.decode(Kind.SIGNAL, wire.encode(Kind.SIGNAL, [Signal(said, 1, "red")])).records
    assert record.t == datetime(2026, 11, 22, 3, 0, 0, 1, tzinfo=UTC)
