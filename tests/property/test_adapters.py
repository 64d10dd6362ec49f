"""Laws of the adapters: whatever JSON comes on a family's topic becomes legal records or a rejection with its reason.

Every family of the list is tried: with any JSON at all, with its captured message changed in one place, and with bytes.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.delivery import REASONS, Decoded
from contracts.records import TimeQuality
from tests.fixtures.captured import CAPTURED, city_of_families
from tests.fixtures.foreign_city import NOW_US, Listening

PHUKET = Listening(city=city_of_families())
BOUNDS = {metric.code: (metric.min, metric.max) for metric in PHUKET.city.metrics}
NAMES = sorted(CAPTURED)

odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, -1, 1e308, -1e308, 10**18, 2**28, "", "0", "nan", "1กข 1234", "x" * 300, [], {}, [[]],
        {"": None}, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00", "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z", 1795316400, 1795316400000,
    ]
)  # fmt: skip
any_json: st.SearchStrategy[Any] = st.recursive(
    odd | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def places(content: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    yield path
    within = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, inner in within:
        yield from places(inner, (*path, key))


def changed(content: Any, path: tuple[str | int, ...], to: Any, taken_out: bool) -> Any:
    """The same with another value at a place, or without it."""
    if not path:
        return to
    made = copy.deepcopy(content)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if taken_out:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return made


def check(name: str, result: Decoded) -> None:
    """One delivery: accounted for, and every row legal."""
    rows = [result.kind(kind) for kind in ("reading", "passage", "signal", "status")]
    assert sum(kept.size for kept in rows) + len(result.rejections) + result.passed_over + result.retained > 0
    assert all(rejection.reason in REASONS and rejection.detail for rejection in result.rejections)
    ours = {PHUKET.registry.devices[device.id].no for device in CAPTURED[name].devices}
    for kept in rows:
        assert set(kept["device"]) <= ours
        assert np.all(kept["event_us"] <= NOW_US + 60_000_000)
        assert set(kept["quality"]) <= {TimeQuality.DEVICE, TimeQuality.RECEIPT}
        assert not np.any(kept["boot"]) and np.all(kept["seq"] >= 0)
    for row in result.readings:
        least, most = BOUNDS[int(row["metric"])]
        assert least <= row["value"] <= most


def hear(name: str, topic: str, payload: str | bytes) -> None:
    first = PHUKET.hear(topic, payload)
    check(name, first)
    again = PHUKET.hear(topic, payload)
    assert again.rejections == first.rejections
    for kind in ("reading", "passage", "signal", "status"):
        assert again.kind(kind).tobytes() == first.kind(kind).tobytes()


@pytest.mark.parametrize("name", NAMES)
@given(said=any_json, data=st.data())
@settings(deadline=None, max_examples=150)
def test_any_json_is_records_or_a_rejection(name: str, said: Any, data: st.DataObject) -> None:
    topic, _ = data.draw(st.sampled_from(CAPTURED[name].messages))
    hear(name, topic, json.dumps(said, ensure_ascii=False).encode(errors="replace"))


@pytest.mark.parametrize("name", [name for name in NAMES if CAPTURED[name].json_messages])
@given(to=any_json, taken_out=st.booleans(), data=st.data())
@settings(deadline=None, max_examples=300)
def test_a_captured_message_changed_in_one_place_is_records_or_a_rejection(
    name: str, to: Any, taken_out: bool, data: st.DataObject
) -> None:
    topic, payload = data.draw(st.sampled_from(CAPTURED[name].json_messages))
    content = json.loads(payload)
    path = data.draw(st.sampled_from(sorted(places(content), key=str)))
    hear(name, topic, json.dumps(changed(content, path, to, taken_out), ensure_ascii=False).encode(errors="replace"))


@pytest.mark.parametrize("name", NAMES)
@given(payload=st.binary(min_size=1, max_size=40), data=st.data())
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_records_or_a_rejection(name: str, payload: bytes, data: st.DataObject) -> None:
    topic, _ = data.draw(st.sampled_from(CAPTURED[name].messages))
    hear(name, topic, payload)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"a":' * 30_000, b"1" * 100_000, b'"' + b"a" * 200_000 + b'"'])
def test_what_is_nested_or_long_without_end_is_a_rejection(name: str, payload: bytes) -> None:
    for topic, _ in CAPTURED[name].messages:
        hear(name, topic, payload)


def nested(content: Any, path: tuple[str | int, ...], depth: int) -> bytes:
    """The message with objects in objects at a place."""
    said = json.dumps(changed(content, path, "HERE", False), ensure_ascii=False)
    return said.replace('"HERE"', '{"a":' * depth + "1" + "}" * depth).encode()


def is_too_deep(topic: str, payload: bytes) -> bool:
    return any("nested too deeply" in each.detail for each in PHUKET.hear(topic, payload).rejections)


@pytest.mark.parametrize("name", [name for name in NAMES if CAPTURED[name].json_messages])
def test_what_is_nested_so_deeply_that_it_can_just_be_read_is_records_or_a_rejection(name: str) -> None:
    # What can be parsed at the bottom of the stack cannot always be written again.
    for topic, payload in CAPTURED[name].json_messages:
        content = json.loads(payload)
        for path in places(content):
            depth = next(depth for depth in range(1_000, 0, -1) if not is_too_deep(topic, nested(content, path, depth)))
            for less in range(12):
                check(name, PHUKET.hear(topic, nested(content, path, depth - less)))
