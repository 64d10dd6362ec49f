"""Reading by columns is reading one by one: the same rows, bit for bit, and the same rejections, whatever comes."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts import wire
from contracts.columns import DTYPES, READING
from contracts.delivery import Decoded, Delivery
from contracts.records import MAX_RECORDS, Reading
from contracts.topics import Kind
from ingest.decode import IntakeLimits, decode
from ingest.mail import Mail
from ingest.native import OTHERWISE
from ingest.reading import Believed, read
from ingest.registry import Registry
from tests.fixtures.fake_sealer import FakeSealer
from tests.fixtures.small_city import small_city
from tests.property.test_ingest_decode import NOW_US, streams

CITY = small_city()
REGISTRY = Registry(CITY)
AIR = f"andaman/v1/{CITY.id}/wichit/air-01/readings"
BELIEVED = Believed(60_000_000, 30 * 86_400_000_000, 262_144)


def decoded(deliveries: list[Delivery], by_columns: bool) -> Decoded:
    with np.errstate(over="ignore"):  # with the JIT off a hash's arithmetic, which is modulo 2**64, warns
        return decode(Mail.of(deliveries) if by_columns else deliveries, REGISTRY, FakeSealer(), IntakeLimits())


def compare(deliveries: list[Delivery]) -> None:
    """Nothing tells one way of reading from the other."""
    one_by_one, by_columns = decoded(deliveries, False), decoded(deliveries, True)
    for name in DTYPES:
        expected, found = one_by_one.kind(name), by_columns.kind(name)
        assert (found.dtype, found.tobytes()) == (expected.dtype, expected.tobytes()), (name, expected, found)
    assert by_columns.rejections == one_by_one.rejections
    counters = ("retained", "passed_over", "plates_lost")
    assert [getattr(by_columns, name) for name in counters] == [getattr(one_by_one, name) for name in counters]


def reading(payload: bytes) -> list[Delivery]:
    return [Delivery(AIR, payload, NOW_US, token=(1, 1, 1))]


def is_plain(payload: bytes) -> bool:
    with np.errstate(over="ignore"):
        return bool(read(Mail.of(reading(payload)), REGISTRY.directory, BELIEVED).counts[0] != OTHERWISE)


@given(streams)
@settings(deadline=None, max_examples=300)
def test_any_stream_is_read_the_same_both_ways(deliveries: list[Delivery]) -> None:
    compare(deliveries)


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-300, 300).map(lambda value: f"{value:.3g}"),
    st.integers(-(10**18), 10**18).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["0", "-0", "-0.0", "0.0", "1e-5", "1E2", "1e22", "1e23", "01", "1.", ".5", "+1", "1e", "--1",
                     "1e400"]),
)  # fmt: skip
moments = st.one_of(
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.from_regex(r"2026-1[12]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,9})?(Z|[+-][0-2][0-9]:?[0-6][0-9])"
                  , fullmatch=True),
    st.sampled_from(["2026-11-22T03:00:00z", "2026-11-22 03:00:00Z", "2026-11-22T03:00:60Z", "2026-11-22T24:00:00Z",
                     "2024-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22T03:00:00-00:00", "2026-11-22",
                     "2026-11-22T03:00:00+24:00", "2026-11-22T03:00:00+07", "2026-11-22T03:00:00.Z", ""]),
)  # fmt: skip


@given(numbers)
@settings(deadline=None, max_examples=500)
def test_any_number_becomes_the_same_double(number: str) -> None:
    compare(reading(b'{"records":[{"metric":"pm2_5","value":%s}],"boot":1,"seq":1}' % number.encode()))


@given(moments)
@settings(deadline=None, max_examples=500)
def test_any_time_becomes_the_same_microsecond(moment: str) -> None:
    compare(reading(b'{"records":[{"metric":"pm2_5","value":1,"t":"%s"}],"boot":1,"seq":1}' % moment.encode()))


PLAIN = b'{"records":[{"metric":"pm2_5","value":12.5,"t":"2026-11-22T03:00:00Z","unit":"ug/m3"}],"boot":1,"seq":17}'


@given(
    st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), max_size=2),
    st.integers(0, len(PLAIN)) | st.none(),
    st.tuples(st.integers(0, len(PLAIN)), st.sampled_from([b" ", b"\n\t", b",", b"}", b'"', b"\\", b"0", b"null"])),
)
@settings(deadline=None, max_examples=1_000)
@example([], None, (0, b""))
def test_a_damaged_message_is_read_the_same_both_ways(
    changes: list[tuple[int, int]], cut: int | None, put: tuple[int, bytes]
) -> None:
    payload = bytearray(PLAIN)
    for at, byte in changes:
        payload[at] = byte
    compare(reading(bytes(payload[: put[0]] + put[1] + payload[put[0] :])[:cut]))


members = st.permutations(["metric", "value", "t", "lane", "unit"])


spaces = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r")])


@given(members, st.permutations(["records", "boot", "seq"]), spaces)
@settings(deadline=None)
def test_any_order_of_members_and_any_white_space_is_plain(
    inner: list[str], outer: list[str], separators: tuple[str, str]
) -> None:
    said: dict[str, Any] = {
        "metric": "pm2_5", "value": 12.5, "t": "2026-11-22T10:00:00.25+07:00", "lane": 0, "unit": "ug/m3",
    }  # fmt: skip
    whole: dict[str, Any] = {"records": [{name: said[name] for name in inner}], "boot": 3, "seq": 2**53}
    payload = json.dumps({name: whole[name] for name in outer}, separators=separators).encode()
    assert is_plain(payload)
    compare(reading(payload))


@pytest.mark.parametrize(
    ("payload", "plain"),
    [
        (PLAIN, True),
        (b" " + PLAIN + b"\n", True),
        (PLAIN.replace(b'"boot":1,', b'"boot":1,"boot":1,'), False),
        (PLAIN.replace(b'"value":12.5', b'"value":1,"value":12.5'), False),
        (PLAIN.replace(b"pm2_5", b"pm2\\u005f5"), False),
        (PLAIN.replace(b"12.5", b"12.500000000000001"), False),
        (PLAIN.replace(b"12.5", b"1e6"), False),
        (PLAIN.replace(b'"boot":1,"seq":17', b'"boot":1'), False),
        (PLAIN.replace(b'"seq":17', b'"seq":9007199254740993'), False),
        (PLAIN.replace(b"2026-11-22T03:00", b"2026-11-22T04:00"), False),
        (PLAIN.replace(b"2026-11", b"2026-09"), False),
        (PLAIN + b"x", False),
        (PLAIN[:-1] + b",}", False),
        (PLAIN.replace(b"}]", b"},]"), False),
    ],
)
def test_what_is_odd_is_left_to_the_general_decoder(payload: bytes, plain: bool) -> None:
    assert is_plain(payload) is plain
    compare(reading(payload))


@given(st.lists(st.sampled_from([1, 2, MAX_RECORDS, MAX_RECORDS + 1, 0]), max_size=5), st.booleans())
@settings(deadline=None, max_examples=25)
def test_messages_of_any_length_keep_their_places(sizes: list[int], numbered: bool) -> None:
    deliveries = []
    for seq, size in enumerate(sizes, 1):
        records = b",".join(b'{"metric":"pm2_5","value":%d}' % (part % 200) for part in range(size))
        number = b',"boot":1,"seq":%d' % seq if numbered or seq % 2 else b""
        deliveries.append(Delivery(AIR, b'{"records":[%s]%s}' % (records, number), NOW_US + seq))
    compare(deliveries)


def test_more_rows_than_fit_at_once_are_read_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.reading.ROWS_AT_ONCE", 1)
    records = [Reading("pm2_5", value / 4) for value in range(300)]
    deliveries = [Delivery(AIR, wire.encode(Kind.READINGS, records, 1, seq), NOW_US) for seq in range(1, 9)]
    assert read(Mail.of(deliveries), REGISTRY.directory, BELIEVED).rows.size == 2_400
    compare(deliveries)


def test_no_message_makes_no_row() -> None:
    assert decoded([], True).readings.dtype == READING
    assert np.array_equal(decoded([], True).readings, np.empty(0, READING))
