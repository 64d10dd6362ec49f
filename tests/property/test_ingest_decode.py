"""Laws of decoding: hostile deliveries are rejected and never raise; how the stream is cut changes nothing."""

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.columns import DTYPES, Columns
from contracts.delivery import Decoded, Delivery
from ingest.decode import IntakeLimits, decode
from ingest.registry import Registry
from tests.fixtures.fake_sealer import FakeSealer
from tests.fixtures.small_city import small_city

NOW_US = 1_795_316_400_000_000
CITY = small_city()
REGISTRY = Registry(CITY)
CAMERA, AIR = (f"andaman/v1/{CITY.id}/wichit/{device}" for device in ("cam-402-01", "air-01"))


def rarely(odd: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what a good device says, now and then what no good device does."""
    return st.integers(0, 19).flatmap(lambda draw: odd if draw == 0 else usual)


TIMES = ["2026-11-22T10:00:00+07:00", "2026-11-22T03:00:30Z", "2026-11-22T02:59:59.999999Z"]
ODD_TIMES = ["2026-11-22T03:00:00", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
odd_values: st.SearchStrategy[Any] = st.sampled_from([1e308, -5, 10**30, True, "5", None, [], {}])
odd_words = st.sampled_from(["1กข 1234", "ภูเก็ต", "", "\x00", "x" * 70, 5])
times = rarely(st.sampled_from([*ODD_TIMES, "", 5, None]), st.sampled_from(TIMES))
values = rarely(odd_values, st.floats(0, 250) | st.just(-0.0))
plates = st.lists(
    st.fixed_dictionaries({"text": st.text(max_size=25)}, optional={"confidence": rarely(odd_values, st.floats(0, 1))}),
    max_size=3,
)


def word(*usual: str) -> st.SearchStrategy[Any]:
    return rarely(odd_words, st.sampled_from(usual))


def whole(least: int, most: int) -> st.SearchStrategy[Any]:
    return rarely(odd_values, st.integers(least, most))


RECORDS = {
    f"{AIR}/readings": st.fixed_dictionaries(
        {"metric": word("pm2_5"), "value": values}, optional={"t": times, "lane": whole(0, 0), "unit": word("ug/m3")}
    ),
    f"{CAMERA}/counts": st.fixed_dictionaries(
        {"lane": whole(1, 1), "interval_s": whole(1, 60), "counts": st.dictionaries(word("car"), whole(0, 9))},
        optional={"t": times, "occupancy": values},
    ).filter(lambda said: all(isinstance(key, str) for key in said["counts"])),
    f"{CAMERA}/passage": st.fixed_dictionaries(
        {"t": times, "lane": whole(0, 32), "class": word("car", "motorcycle")},
        optional={
            "speed_kmh": values, "plates": plates, "direction": word("forward"), "riders": whole(0, 9),
            "evidence": st.lists(st.sampled_from(["a" * 64, "a" * 63 + "\n"]), max_size=1),
        },
    ),
    f"{CAMERA}/signal": st.fixed_dictionaries({"t": times, "group": whole(0, 64), "phase": word("red", "green")}),
    f"{AIR}/status": st.fixed_dictionaries(
        {}, optional={"t": times, "event": word("death"), "battery": values, "calibrated_until": times}
    ),
}  # fmt: skip
numbers: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"boot": whole(1, 3), "seq": whole(1, 9)}) | st.just(
    {}
)


def message(topic: str) -> st.SearchStrategy[tuple[str, bytes]]:
    records = st.lists(RECORDS[topic], max_size=3, min_size=1)
    payloads = st.tuples(numbers, records).map(
        lambda said: json.dumps({**said[0], "records": said[1]}, ensure_ascii=False).encode()
    )
    topics = rarely(st.text(max_size=9) | st.just(f"{CAMERA}/mark") | st.sampled_from(sorted(RECORDS)), st.just(topic))
    return st.tuples(topics, rarely(st.binary(max_size=40), payloads))


streams = st.lists(
    st.tuples(st.sampled_from(sorted(RECORDS)).flatmap(message), rarely(st.just(True), st.just(False))), max_size=8
).map(
    lambda said: [
        Delivery(topic, payload, NOW_US + at, retained=retained) for at, ((topic, payload), retained) in enumerate(said)
    ]
)


def decoded(deliveries: list[Delivery]) -> Decoded:
    return decode(deliveries, REGISTRY, FakeSealer(), IntakeLimits())


def rows(result: Decoded) -> dict[str, Columns]:
    kept = (result.readings, result.passages, result.signals, result.statuses)
    return dict(zip(DTYPES, kept, strict=True))


@given(streams)
@settings(deadline=None, max_examples=300)
def test_every_delivery_is_kept_or_rejected_or_state_whatever_it_is(deliveries: list[Delivery]) -> None:
    result = decoded(deliveries)
    places = np.concatenate([kept["place"] for kept in rows(result).values()])
    assert sorted(places) == list(range(len(places)))
    accounted = {row["received_us"] for kept in rows(result).values() for row in kept}
    accounted |= {rejection.received_us for rejection in result.rejections}
    silent = {each.received_us for each in deliveries if each.topic.endswith("/mark")}
    state = {each.received_us for each in deliveries if each.retained or not each.payload} - silent
    assert result.retained == len(state)
    assert accounted == {each.received_us for each in deliveries} - silent - state


@given(streams, st.integers(0, 8))
@settings(deadline=None)
def test_how_the_stream_is_cut_changes_nothing_but_the_place(deliveries: list[Delivery], cut: int) -> None:
    whole = decoded(deliveries)
    parts = [decoded(deliveries[:cut]), decoded(deliveries[cut:])]
    for kind, kept in rows(whole).items():
        joined = np.concatenate([rows(part)[kind] for part in parts])
        for name in set(kept.dtype.names or ()) - {"place"}:
            np.testing.assert_array_equal(joined[name], kept[name])
    assert whole.rejections == tuple(each for part in parts for each in part.rejections)


@given(streams)
@settings(deadline=None)
def test_every_kept_value_is_finite_or_missing_and_in_its_range(deliveries: list[Delivery]) -> None:
    result = decoded(deliveries)
    bounds = {metric.code: (metric.min, metric.max) for metric in CITY.metrics}
    for row in result.readings:
        least, most = bounds[int(row["metric"])]
        assert least <= row["value"] <= most
    for row in result.passages:
        assert np.isnan(row["speed_kmh"]) or 0 <= row["speed_kmh"] <= 300
    for kept in rows(result).values():
        assert np.all(kept["event_us"] <= kept["received_us"] + 60_000_000)
        assert np.all(kept["seq"] >= 0) and np.all(kept["digest"] >= 0)
