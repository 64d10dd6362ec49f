"""What a device says becomes exactly that, or a rejection with its reason."""

import math
from datetime import UTC, datetime

import msgspec
import pytest

from contracts.city import City, numbered
from contracts.clock import to_us
from contracts.columns import READING
from contracts.delivery import REASONS, REJECTED_PAYLOAD_BYTES, Decoded, Delivery
from contracts.devices import Device, Series
from contracts.errors import ConfigError
from contracts.records import MAX_PAYLOAD_BYTES, TimeQuality
from contracts.topics import Kind
from ingest.decode import IntakeLimits, decode
from ingest.registry import Registry
from tests.fixtures.fake_sealer import FakeSealer, hashed
from tests.fixtures.small_city import FLOW, PM25, small_city

NOW_US = to_us(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
SECOND_US = 1_000_000
AIR = "andaman/v1/testville/wichit/air-01/readings"
AIR_STATUS = "andaman/v1/testville/wichit/air-01/status"
CAMERA = "andaman/v1/testville/wichit/cam-402-01"
PICTURES = "andaman/v1/testville/wichit/cam-pictures/evidence"


def city() -> City:
    small = small_city()
    pictures = Device(
        id="cam-pictures", type="camera", zone="wichit", lon=98.38, lat=7.87, name_en="p", name_th="p",
        kinds=(Kind.EVIDENCE,), series=(Series(metric="flow-car", lane=1, interval_s=60),),
    )  # fmt: skip
    return numbered(msgspec.structs.replace(small, devices=(*small.devices, pictures)))


REGISTRY = Registry(city())


def decoded(*said: tuple[str, bytes], sealer: FakeSealer | None = None, retained: bool = False) -> Decoded:
    deliveries = [Delivery(topic, payload, NOW_US + at, retained=retained) for at, (topic, payload) in enumerate(said)]
    return decode(deliveries, REGISTRY, sealer or FakeSealer(), IntakeLimits())


REJECTED = [
    ("topic", "andaman/v1/testville/air-01/readings", b"{}"),
    ("topic", "andaman/v1/elsewhere/wichit/air-01/readings", b"{}"),
    ("topic", "andaman/v1/testville/wichit/air-01/weather", b"{}"),
    ("not_json", AIR, b'{"records":[{"metric":"pm2_5","value":12.5}'),
    ("not_json", AIR, b"\xff\xfe"),
    ("not_json", AIR, b'{"records":[{"metric":"pm2_5","value":NaN}]}'),
    ("schema", AIR, b"[]"),
    ("schema", AIR, b'{"records":[]}'),
    ("schema", AIR, b'{"records":[{"metric":"pm2_5"}]}'),
    ("schema", AIR, b'{"records":[{"metric":"pm2_5","value":1e999}]}'),
    ("schema", AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"2026-11-22T10:00:00"}]}'),
    ("schema", AIR, b'{"records":[{"metric":"pm2_5","value":1,"colour":"red"}]}'),
    ("schema", AIR, b'{"records":[{"metric":"pm2_5","value":1}],"seq":1}'),
    ("schema", f"{CAMERA}/passage", b'{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":1,"class":"tank"}]}'),
    ("schema", f"{CAMERA}/counts", b'{"records":[{"lane":1,"interval_s":60,"counts":{"tank":1}}]}'),
    ("schema", f"{CAMERA}/counts", b'{"boot":1,"seq":1,"records":[{"lane":1,"interval_s":60,"counts":{}}]}'),
    ("schema", PICTURES, b'{"records":[]}'),
    ("too_large", AIR, b"[" * (MAX_PAYLOAD_BYTES + 1)),
    ("unknown_device", "andaman/v1/testville/wichit/air-99/readings", b"{}"),
    ("wrong_zone", "andaman/v1/testville/mueang/air-01/readings", b"{}"),
    ("wrong_kind", "andaman/v1/testville/wichit/air-01/passage", b"{}"),
    ("wrong_kind", f"{CAMERA}/evidence", b"{}"),
    ("unknown_metric", AIR, b'{"records":[{"metric":"level","value":1}]}'),
    ("unknown_metric", AIR, b'{"records":[{"metric":"pm2_5","lane":1,"value":1}]}'),
    ("unknown_metric", f"{CAMERA}/counts", b'{"records":[{"lane":1,"interval_s":60,"counts":{"bus":1}}]}'),
    ("wrong_unit", AIR, b'{"records":[{"metric":"pm2_5","value":1,"unit":"ppb"}]}'),
    ("out_of_range", AIR, b'{"records":[{"metric":"pm2_5","value":-0.1}]}'),
    ("out_of_range", AIR, b'{"records":[{"metric":"pm2_5","value":1000.1}]}'),
    (
        "out_of_range",
        f"{CAMERA}/passage",
        b'{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":1,"class":"car","speed_kmh":900}]}',
    ),
    (
        "out_of_range",
        f"{CAMERA}/passage",
        b'{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":1,"class":"car","speed_kmh":-1}]}',
    ),
    ("out_of_range", AIR_STATUS, b'{"records":[{"calibrated_until":"9999-12-31T23:59:59-14:00"}]}'),
    ("future", AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"2099-01-01T00:00:00Z"}]}'),
    ("future", AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"2026-11-22T03:01:00.000001Z"}]}'),
    ("future", AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"9999-12-31T23:59:59-14:00"}]}'),
    ("past", AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"0001-01-01T00:00:00+14:00"}]}'),
    ("past", AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"2026-10-23T02:59:59.999999Z"}]}'),
    ("no_time", f"{CAMERA}/passage", b'{"records":[{"lane":1,"class":"car"}]}'),
    ("no_time", f"{CAMERA}/signal", b'{"records":[{"t":null,"group":1,"phase":"red"}]}'),
]


@pytest.mark.parametrize(("reason", "topic", "payload"), REJECTED)
def test_what_is_wrong_is_one_rejection_with_its_reason_and_nothing_else(
    reason: str, topic: str, payload: bytes
) -> None:
    result = decoded((topic, payload))
    assert [rejection.reason for rejection in result.rejections] == [reason]
    (rejection,) = result.rejections
    assert rejection.payload == payload[:REJECTED_PAYLOAD_BYTES]
    assert rejection.topic == topic
    assert rejection.detail
    assert rejection.received_us == NOW_US
    assert len(result.readings) + len(result.passages) + len(result.signals) + len(result.statuses) == 0


def test_every_reason_that_decoding_gives_has_its_payload() -> None:
    later = {"conflict", "poison"}  # decided by the fold, which knows what came before
    assert {reason for reason, _, _ in REJECTED} == set(REASONS) - later


def test_a_reading_is_kept_as_it_was_sent() -> None:
    said = b'{"boot":3,"seq":17,"records":[{"metric":"pm2_5","value":12.1,"t":"2026-11-22T09:59:30.25+07:00"}]}'
    (row,) = decoded((AIR, said)).readings
    assert (row["device"], row["boot"], row["seq"], row["part"]) == (REGISTRY.devices["air-01"].no, 3, 17, 0)
    assert (row["metric"], row["lane"], row["value"]) == (PM25, 0, 12.1)
    assert row["event_us"] == NOW_US - 29_750_000
    assert (row["received_us"], row["quality"]) == (NOW_US, TimeQuality.DEVICE)


def test_event_times_at_the_edges_of_the_skew_and_the_horizon_are_believed() -> None:
    result = decoded(
        (AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"2026-11-22T03:01:00Z"}]}'),
        (AIR, b'{"records":[{"metric":"pm2_5","value":1,"t":"2026-10-23T03:00:00.000001Z"}]}'),
    )
    assert len(result.readings) == 2


def test_values_at_the_edges_of_the_range_are_believed() -> None:
    said = b'{"records":[{"metric":"pm2_5","value":0},{"metric":"pm2_5","value":1000,"unit":"ug/m3"}]}'
    assert list(decoded((AIR, said)).readings["value"]) == [0, 1000]


def test_what_has_no_time_gets_the_time_of_receipt_and_says_so() -> None:
    result = decoded(
        (AIR, b'{"records":[{"metric":"pm2_5","value":1}]}'),
        (AIR_STATUS, b'{"records":[{"event":"death"}]}'),
    )
    for row, received_us in ((result.readings[0], NOW_US), (result.statuses[0], NOW_US + 1)):
        assert (row["event_us"], row["received_us"]) == (received_us, received_us)
        assert row["quality"] == TimeQuality.RECEIPT


def test_good_records_of_a_message_are_kept_and_bad_ones_rejected_alone() -> None:
    said = (
        b'{"boot":1,"seq":2,"records":[{"metric":"pm2_5","value":1},{"metric":"pm2_5","value":-5},'
        b'{"metric":"pm2_5","value":3},{"metric":"level","value":4}]}'
    )
    result = decoded((AIR, said))
    assert [(row["part"], row["value"]) for row in result.readings] == [(0, 1), (2, 3)]
    first, second = result.rejections
    assert (first.reason, first.part, first.boot, first.seq) == ("out_of_range", 1, 1, 2)
    assert first.payload == b'{"records":[{"metric":"pm2_5","value":-5.0}],"boot":1,"seq":2}'
    assert (second.reason, second.part) == ("unknown_metric", 3)
    assert first.device == second.device == REGISTRY.devices["air-01"].no


def test_a_record_of_another_form_does_not_take_the_good_ones_with_it() -> None:
    said = b'{"boot":1,"seq":2,"records":[{"metric":"pm2_5","value":1},{"metric":"pm2_5","value":"high"}]}'
    result = decoded((AIR, said))
    assert [(row["boot"], row["seq"], row["part"], row["value"]) for row in result.readings] == [(1, 2, 0, 1)]
    (rejection,) = result.rejections
    assert (rejection.reason, rejection.part) == ("schema", 1)
    assert "`$.records[1].value`" in rejection.detail
    assert rejection.payload == b'{"records":[{"metric":"pm2_5","value":"high"}],"boot":1,"seq":2}'


def test_a_message_rejected_whole_still_settles_its_number() -> None:
    for topic, said in (
        (AIR, b'{"boot":4,"seq":9,"records":[{"metric":"pm2_5","value":-5}]}'),
        (AIR, b'{"boot":4,"seq":9,"records":"none"}'),
        (AIR.replace("wichit", "mueang"), b'{"boot":4,"seq":9,"records":[]}'),
    ):
        (rejection,) = decoded((topic, said)).rejections
        assert (rejection.device, rejection.boot, rejection.seq) == (REGISTRY.devices["air-01"].no, 4, 9)


def test_a_number_that_is_none_settles_nothing() -> None:
    (rejection,) = decoded((AIR, b'{"boot":"4","seq":-9,"records":"none"}')).rejections
    assert (rejection.boot, rejection.seq) == (0, 0)


def test_counts_become_readings_and_parts_do_not_depend_on_what_is_accepted() -> None:
    said = (
        b'{"boot":1,"seq":5,"records":['
        b'{"t":"2026-11-22T09:59:00+07:00","lane":1,"interval_s":60,"counts":{"motorcycle":9,"car":7},"occupancy":0.5},'
        b'{"t":"2026-11-22T09:59:00+07:00","lane":1,"interval_s":60,"counts":{"car":8},"mean_speed_kmh":40}]}'
    )
    result = decoded((f"{CAMERA}/counts", said))
    assert [(row["part"], row["metric"], row["lane"], row["value"]) for row in result.readings] == [
        (1, FLOW, 1, 7.0),
        (3, FLOW, 1, 8.0),
    ]
    assert set(result.readings["event_us"]) == {NOW_US - 60 * SECOND_US}
    assert [(each.reason, each.part) for each in result.rejections] == [
        ("unknown_metric", 0),
        ("unknown_metric", 2),
        ("unknown_metric", 4),
    ]


def test_a_passage_is_kept_as_it_was_sent_and_its_plate_is_sealed() -> None:
    said = (
        '{"boot":1,"seq":2,"records":[{"t":"2026-11-22T10:00:00+07:00","lane":2,"class":"big_motorcycle",'
        '"direction":"backward","colour":"pink","speed_kmh":131.5,"dwell_s":2.5,"track":"a7","helmet":"rider_bare",'
        f'"riders":2,"evidence":["{"ab" * 32}","{"cd" * 32}"],'
        '"plates":[{"text":"๑กข-๑๒๓๔","confidence":0.97,"province":"ภูเก็ต"}]}]}'
    ).encode()
    (row,) = decoded((f"{CAMERA}/passage", said)).passages
    names = ("lane", "direction", "vehicle", "colour", "speed_kmh", "dwell_s", "helmet", "riders")
    assert tuple(row[name] for name in names) == (2, 2, 8, 11, 131.5, 2.5, 2, 2)
    assert row["track"] >= 0
    assert (row["plate_state"], row["plate_confidence"]) == (1, 0.97)
    assert row["plate_hash"].tobytes() == hashed("1กข1234|TH-83")
    assert row["plate_skeleton"].tobytes() == hashed("1กข1234")
    assert row["evidence"].tobytes().hex() == "ab" * 32


def test_what_a_passage_leaves_out_is_missing_and_not_zero() -> None:
    said = b'{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":0,"class":"car"}]}'
    (row,) = decoded((f"{CAMERA}/passage", said)).passages
    assert math.isnan(row["speed_kmh"]) and math.isnan(row["dwell_s"]) and math.isnan(row["plate_confidence"])
    assert (row["track"], row["riders"], row["plate_state"], row["plate_day"]) == (-1, -1, 0, -1)
    for name in ("plate_hash", "plate_hash_before", "plate_skeleton", "plate_sealed", "evidence"):
        assert not any(row[name].tobytes())


def test_a_plate_of_a_day_whose_keys_are_destroyed_is_left_out_and_counted() -> None:
    said = (
        b'{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":1,"class":"car",'
        b'"plates":[{"text":"AB1","confidence":1}]}]}'
    )
    result = decoded((f"{CAMERA}/passage", said), sealer=FakeSealer(frozenset({NOW_US // (86_400 * SECOND_US)})))
    assert result.plates_lost == 1
    assert result.passages[0]["plate_state"] == 0


def test_signal_and_status_are_kept_as_they_were_sent() -> None:
    result = decoded(
        (f"{CAMERA}/signal", b'{"records":[{"t":"2026-11-22T10:00:00+07:00","group":3,"phase":"amber"}]}'),
        (
            f"{CAMERA}/status",
            b'{"records":[{"event":"birth","battery":0.5,"firmware":"1.2","clock_offset_ms":-3.5,'
            b'"clock_source":"gnss","lens_score":1,"calibrated_until":"2026-11-23T03:00:00Z"}]}',
        ),
        (f"{CAMERA}/status", b'{"records":[{}]}'),
    )
    assert (result.signals[0]["group"], result.signals[0]["phase"]) == (3, 2)
    full, bare = result.statuses
    assert (full["event"], full["battery"], full["clock_offset_ms"], full["clock_source"]) == (1, 0.5, -3.5, 1)
    assert (full["firmware"], full["lens_score"]) == (b"1.2".ljust(24), 1.0)
    assert full["calibrated_until_us"] == NOW_US + 86_400 * SECOND_US
    assert (bare["event"], bare["firmware"], bare["calibrated_until_us"]) == (0, b" " * 24, -1)
    assert math.isnan(bare["battery"]) and math.isnan(bare["lens_score"])


def test_place_counts_over_all_kinds_in_order_of_arrival() -> None:
    result = decoded(
        (AIR, b'{"records":[{"metric":"pm2_5","value":1},{"metric":"pm2_5","value":2}]}'),
        (AIR_STATUS, b'{"records":[{}]}'),
        (AIR, b'{"records":[{"metric":"pm2_5","value":-3}]}'),
        (f"{CAMERA}/signal", b'{"records":[{"t":"2026-11-22T10:00:00+07:00","group":3,"phase":"red"}]}'),
        (AIR, b'{"records":[{"metric":"pm2_5","value":4}]}'),
    )
    assert list(result.readings["place"]) == [0, 1, 4]
    assert (list(result.statuses["place"]), list(result.signals["place"])) == ([2], [3])


def test_a_record_without_a_number_is_the_same_wherever_it_comes() -> None:
    one = b'{"metric":"pm2_5","value":1,"t":"2026-11-22T03:00:00Z"}'
    other = b'{ "value": 1.0, "t": "2026-11-22T10:00:00+07:00", "metric": "pm2_5" }'
    first, second, third = decoded(
        (AIR, b'{"records":[%s]}' % one), (AIR, b'{"records":[%s,%s]}' % (one.replace(b"1,", b"2,", 1), other))
    ).readings
    assert first["boot"] == second["boot"] == 0
    assert [first[name] for name in ("seq", "digest", "part")] == [third[name] for name in ("seq", "digest", "part")]
    assert first["seq"] != second["seq"]


def test_the_same_value_without_number_and_time_is_another_observation_later() -> None:
    said = b'{"records":[{"metric":"pm2_5","value":1}]}'
    first, second = decoded((AIR, said), (AIR, said)).readings
    assert first["seq"] != second["seq"]


def test_the_digest_tells_a_number_with_another_content() -> None:
    first, second, third = decoded(
        (AIR, b'{"boot":1,"seq":1,"records":[{"metric":"pm2_5","value":1}]}'),
        (AIR, b'{"boot":1,"seq":1,"records":[{"metric":"pm2_5","value":2}]}'),
        (AIR, b'{"boot":1,"seq":1,"records":[{"metric":"pm2_5","value":1}]}'),
    ).readings
    assert first["digest"] == third["digest"] != second["digest"]


def test_retained_messages_and_deletions_are_state() -> None:
    said = b'{"records":[{"metric":"pm2_5","value":1}]}'
    for result, count in ((decoded((AIR, said), ("?", b""), retained=True), 2), (decoded((AIR, b"")), 1)):
        assert (result.retained, result.rejections, len(result.readings)) == (count, (), 0)


def test_our_own_marks_are_dropped_in_silence() -> None:
    result = decoded((f"{CAMERA}/mark", b'{"boot":1,"seq":2}'), (f"{CAMERA}/mark", b"junk"))
    assert (result.rejections, result.retained) == ((), 0)


def test_a_rejection_never_quotes_what_a_device_said_in_words() -> None:
    plate = "1กข1234"
    for topic, said in (
        (f"{CAMERA}/passage", '{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":1,"class":"PLATE"}]}'),
        (f"{CAMERA}/passage", '{"records":[{"t":"2026-11-22T10:00:00+07:00","lane":1,"class":"car","PLATE":1}]}'),
        (f"{CAMERA}/passage", '{"PLATE":[]}'),
        (f"{CAMERA}/counts", '{"records":[{"lane":1,"interval_s":60,"counts":{"PLATE":1}}]}'),
        (f"{CAMERA}/signal", '{"records":[{"t":"2026-11-22T10:00:00+07:00","group":1,"phase":"PLATE"}]}'),
        (AIR, '{"records":[{"metric":"PLATE","value":1}]}'),
        (AIR, '{"records":[{"metric":"pm2_5","value":1,"unit":"PLATE"}]}'),
    ):
        (rejection,) = decoded((topic, said.replace("PLATE", plate).encode())).rejections
        assert plate not in rejection.detail


def test_a_topic_of_control_characters_is_kept_readable() -> None:
    (rejection,) = decoded(("andaman/\x00\x1b\ud800", b"{}")).rejections
    assert rejection.topic == "andaman/???"


def test_an_empty_run_is_empty() -> None:
    result = decoded()
    assert len(result.readings) == 0 and result.readings.dtype == READING


def test_a_city_without_numbers_is_refused() -> None:
    city = small_city()
    with pytest.raises(ConfigError, match="has no number"):
        Registry(msgspec.structs.replace(city, devices=(msgspec.structs.replace(city.devices[0], no=0),)))


@pytest.mark.parametrize(
    ("kind", "said"), [("passage", '"lane":1,"class":"car"'), ("signal", '"group":1,"phase":"red"'), ("status", "")]
)
def test_what_a_case_is_judged_by_may_come_up_to_a_year_late(kind: str, said: str) -> None:
    moments = {"2025-11-22T03:00:00Z": 1, "2025-11-22T02:59:59Z": 0}
    for moment, accepted in moments.items():
        record = f'"t":"{moment}"' + (f",{said}" if said else "")
        result = decoded((f"{CAMERA}/{kind}", f'{{"records":[{{{record}}}]}}'.encode()))
        assert result.kind(kind).size == accepted
        assert [rejection.reason for rejection in result.rejections] == ["past"] * (1 - accepted)


@pytest.mark.parametrize("key", ["future_s", "past_days", "evidence_past_days", "max_payload_bytes"])
def test_limits_that_would_reject_everything_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"limits.{key}"):
        IntakeLimits(**{key: 0})
