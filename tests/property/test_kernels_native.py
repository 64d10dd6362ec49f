"""The reader of plain readings equals its naive twins: numbers, times, topics, ranges, hash, messages, runs of them."""

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.columns import READING
from contracts.jit import registered
from contracts.records import MAX_RECORDS
from ingest import native
from ingest.directory import Series, Welcome, directory
from ingest.frames import FIELDS
from tests.fixtures.jit_off import JIT_OFF
from tests.reference import native as naive

EXAMPLES = 60 if JIT_OFF else 400
NOW_US = 1_795_000_000_000_000
LIMITS = np.array([60_000_000, 30 * 86_400_000_000, 120])
AIR, FLOW = "andaman/v1/testville/wichit/air-01/readings", "andaman/v1/testville/wichit/cam-01/readings"
DIRECTORY = tuple(
    directory(
        [
            Welcome(AIR, 3, (Series("pm2_5", 0, 1, "ug/m3", 0.0, 1_000.0), Series("t", 0, 4, "", -40.0, 60.0))),
            Welcome(FLOW, 7, tuple(Series("flow-car", lane, 9, "veh", 0.0, 10.0) for lane in (1, 2))),
            *(Welcome(f"andaman/v1/testville/wichit/{name}/readings", 9, ()) for name in ("a", "b", "air-0", "")),
        ]
    )
)
BASES = (0, 5)
Bytes = npt.NDArray[np.uint8]


def bytes_of(content: bytes) -> Bytes:
    return np.frombuffer(content, np.uint8).copy()


def scratch() -> tuple[Any, Any, Any]:
    return np.zeros(3, np.int64), np.zeros(1), np.zeros(24, np.uint64)


def rows_of(count: int) -> Any:
    rows = np.zeros(count, READING)
    rows["received_us"] = NOW_US
    return rows


@pytest.mark.parametrize(
    "name", [each.name for each in registered() if each.name.startswith("ingest.native.") and not each.inner]
)
def test_every_kernel_of_the_reader_has_a_naive_twin(name: str) -> None:
    twin = importlib.import_module("tests.reference.native")
    assert callable(getattr(twin, name.rpartition(".")[2], None))


@given(st.binary(max_size=400), st.integers(0, 3))
@settings(deadline=None, max_examples=EXAMPLES)
@example(b"", 0)
@example(bytes(128), 0)
@example(bytes(129), 1)
@example(bytes(256), 0)
def test_a_hash_is_that_of_the_standard(content: bytes, start: int) -> None:
    stream = bytes_of(content)
    start = min(start, stream.size)
    with np.errstate(over="ignore"):  # with the JIT off its arithmetic, which is modulo 2**64, warns
        found = native.digest(stream, start, stream.size, np.zeros(24, np.uint64))
    assert found == naive.digest(stream, start, stream.size, None)


numbers = st.one_of(
    st.from_regex(r"-?[0-9]{0,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{0,4})?[,} .eE-]?", fullmatch=True),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("0123456789+-.eE", max_size=12),
)


@given(numbers)
@settings(deadline=None, max_examples=2 * EXAMPLES)
@example("1.")
@example("1.5.6")
@example("1e0005")
@example("-0.0")
@example("999999999999999e-22")
@example("123456789.0123456")
@example("1e12")
@example("1.000000000001e12")
def test_a_number_is_the_nearest_double_or_left_alone(number: str) -> None:
    stream, found, expected = bytes_of(number.encode()), np.zeros(1), np.zeros(1)
    past = native.decimal(stream, 0, stream.size, found)
    assert past == naive.decimal(stream, 0, stream.size, expected)
    assert past < 0 or found.tobytes() == expected.tobytes()


times = st.one_of(
    st.from_regex(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,7})?"
                  r"(Z|z|[+-][0-2][0-9]:?[0-6][0-9])?", fullmatch=True),
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    st.text("0123456789-:TZ.+", min_size=18, max_size=32),
)  # fmt: skip


@given(times)
@settings(deadline=None, max_examples=2 * EXAMPLES)
@example("1900-01-01T00:00:00+23:59")
@example("2200-12-31T23:59:59.999999-23:59")
@example("2000-02-29T00:00:00Z")
@example("2100-02-29T00:00:00Z")
@example("2026-11-22T03:00:00.1234567Z")
@example("2026-11-22T03:00:00+24:00")
def test_a_time_is_the_calendars_or_left_alone(time: str) -> None:
    stream, found, expected = bytes_of(time.encode()), np.zeros(3, np.int64), np.zeros(3, np.int64)
    past = native.moment(stream, 0, stream.size, found)
    assert past == naive.moment(stream, 0, stream.size, expected)
    assert past < 0 or found[0] == expected[0]


topics = st.one_of(
    st.sampled_from([AIR, FLOW, AIR[:-1], AIR + "x", "", "andaman/v1/testville/wichit//readings"]),
    st.text("abir-/0", max_size=8).map(lambda name: f"andaman/v1/testville/wichit/{name}/readings"),
)


@given(topics, st.binary(max_size=3))
@settings(deadline=None, max_examples=EXAMPLES)
def test_a_topic_has_the_route_of_its_very_letters(topic: str, before: bytes) -> None:
    stream = bytes_of(before + topic.encode() + b"!")
    start, end = len(before), stream.size - 1
    assert native.topic_hash(stream, start, end) == naive.topic_hash(stream, start, end)
    found = native.route(stream, start, end, DIRECTORY)
    assert found == naive.route(stream, start, end, DIRECTORY)
    assert (found >= 0) == (topic in {AIR, FLOW}) or topic.split("/")[-2] in {"a", "b", "air-0", ""}


def joined(parts: list[str]) -> st.SearchStrategy[str]:
    """Members in any order, some of them left out or twice, with any white space."""
    space = st.sampled_from(["", "", " ", "\n\t"])
    chosen = st.lists(st.sampled_from(parts), max_size=6) | st.permutations(parts)
    return st.builds(
        lambda some, a, b: "{" + a + (b + "," + a).join(each.replace(":", a + ":" + b) for each in some) + b + "}",
        chosen, space, space,
    )  # fmt: skip


said = st.one_of(
    joined(['"metric":"pm2_5"', '"value":12.5', '"unit":"ug/m3"', '"lane":0']),
    joined(['"metric":"pm2_5"', '"value":1000.1', '"value":-0.1', '"value":1000']),
    joined(['"metric":"flow-car"', '"value":3', '"lane":2', '"lane":3', '"unit":"veh"']),
    joined(['"metric":"t"', '"value":-40', '"unit":""', '"lane":00']),
    st.sampled_from([
        '{"metric":"pm2_5","value":1,"t":"2026-11-22T03:00:00.5+07:00"}', '{"metric":"pm2_5","value":1,"t":"now"}',
        '{"metric":"pm2_5","value":1,"name":"x"}', '{"metric":"pm\\u0032","value":1}', "{}", "[]",
        '{"metric":"flow-car","value":3,"lane":12345678901234567}',
    ]),
)  # fmt: skip


@given(said, st.sampled_from(BASES), st.text(' ,}"x', max_size=2))
@settings(deadline=None, max_examples=2 * EXAMPLES)
def test_a_record_of_a_series_within_its_range_is_a_row(record: str, base: int, after: str) -> None:
    stream = bytes_of((record + after).encode())
    found, expected = rows_of(1), rows_of(1)
    past = native.record(stream, 0, stream.size, DIRECTORY, base, found, scratch())
    assert past == naive.record(stream, 0, stream.size, DIRECTORY, base, expected, scratch())
    assert past < 0 or found.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("value", "row"), [("0", True), ("1000", True), ("1e3", True), ("-1e-9", False), ("1000.0000000001", False)]
)
def test_the_ends_of_a_range_lie_within_it(value: str, row: bool) -> None:
    stream = bytes_of(f'{{"metric":"pm2_5","value":{value}}}'.encode())
    for reader in (native.record, naive.record):
        assert (reader(stream, 0, stream.size, DIRECTORY, 0, rows_of(1), scratch()) > 0) == row


listed = st.lists(said, min_size=1, max_size=3).map(lambda each: f'"records":[{",".join(each)}]')
plain = st.just('"records":[{"metric":"pm2_5","value":12.5},{"metric":"t","value":-3e1,"t":"2026-11-18T18:00:00Z"}]')
whole = st.sampled_from(["1", "17", "0", "01", str(2**53), str(2**53 + 1), "-1"])
messages = st.builds(
    lambda records, boot, seq, order, more: "{" + ",".join([
        [records, f'"boot":{boot}', f'"seq":{seq}'][at] for at in order
    ]) + more,
    plain | listed, whole, whole, st.permutations([0, 1, 2]) | st.lists(st.integers(0, 2), max_size=4),
    st.sampled_from(["}", "}", "} ", "}x", "", ",}"]),
)  # fmt: skip


@given(messages)
@settings(deadline=None, max_examples=2 * EXAMPLES)
def test_a_message_is_all_of_its_rows_or_left_alone(message: str) -> None:
    stream = bytes_of(message.encode())
    found, expected = rows_of(8), rows_of(8)
    with np.errstate(over="ignore"):
        count = native.message(stream, 0, stream.size, DIRECTORY, 0, LIMITS, found, scratch())
    assert count == naive.message(stream, 0, stream.size, DIRECTORY, 0, LIMITS, expected, scratch())
    assert found[: max(count, 0)].tobytes() == expected[: max(count, 0)].tobytes()


def told_at(time: str) -> str:
    return f'{{"records":[{{"metric":"pm2_5","value":1,"t":"{time}"}}],"boot":1,"seq":1}}'


ONE = '{"records":[{"metric":"pm2_5","value":1}],"boot":1,"seq":1}'


@pytest.mark.parametrize(
    ("message", "count"),
    [
        (ONE, 1),
        (ONE.replace('"seq":1', f'"seq":{2**53}'), 1),
        (ONE.replace('"seq":1', f'"seq":{2**53 + 1}'), native.OTHERWISE),
        (ONE.replace('"seq":1', '"seq":0'), native.OTHERWISE),
        (ONE.replace('"seq":1', '"seq":1,"seq":1'), native.OTHERWISE),
        (ONE.replace('"value":1', '"value":1,"value":1'), native.OTHERWISE),
        (ONE.replace('"value":1', '"value":1,"unit":"ug/m3"'), 1),
        (ONE.replace('"value":1', '"value":1,"unit":"veh"'), native.OTHERWISE),
        (ONE.replace('"value":1', '"value":1,"lane":1'), native.OTHERWISE),
        (ONE.replace('"metric":"pm2_5",', ""), native.OTHERWISE),
        (told_at("2026-11-18T11:07:40Z"), 1),
        (told_at("2026-11-18T11:07:40.000001Z"), native.OTHERWISE),
        (told_at("2026-10-19T11:06:40Z"), 1),
        (told_at("2026-10-19T11:06:39.999999Z"), native.OTHERWISE),
    ],
)
def test_the_bounds_of_a_message_are_where_they_are_said_to_be(message: str, count: int) -> None:
    stream = bytes_of(message.encode())
    for reader in (native.message, naive.message):
        with np.errstate(over="ignore"):
            assert reader(stream, 0, stream.size, DIRECTORY, 0, LIMITS, rows_of(2), scratch()) == count


@given(st.lists(st.tuples(messages, topics, st.integers(0, 3)), max_size=4), st.integers(0, 3))
@settings(deadline=None, max_examples=EXAMPLES)
def test_a_run_of_messages_is_read_while_there_is_room(run: list[tuple[str, str, int]], more: int) -> None:
    stream, packets = b"", []
    for message, topic, flags in run:
        start = len(stream)
        stream += topic.encode() + message.encode()
        end_of_topic = start + len(topic)
        packets += [flags, 0, start, end_of_topic, end_of_topic, end_of_topic, len(stream)]
    given = np.array(packets, np.int64)
    assert given.size == FIELDS * len(run)
    received_us = np.full(len(run), NOW_US)
    told = []
    for reader in (native.scan, naive.scan):
        rows, counts = rows_of(MAX_RECORDS + more), np.full(len(run), -7)
        with np.errstate(over="ignore"):
            looked_at = reader(bytes_of(stream), given, received_us, DIRECTORY, LIMITS, rows, counts, scratch())
        used = np.maximum(counts[:looked_at], 0).sum()
        told.append((looked_at, counts.tolist(), rows[:used].tobytes()))
    assert told[0] == told[1]
