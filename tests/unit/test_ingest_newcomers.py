"""What is taken of devices that the city does not know, and how little a flood of them costs."""

import msgspec
import pytest

from contracts import wire
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Rejection
from contracts.onboarding import SERIES_MAX, SaidSeries, Stranger
from contracts.records import Counts, Passage, PlateRead, Reading, Record, Status
from contracts.topics import Kind
from ingest.newcomers import NAMES_BURST, NAMES_S, Newcomers

UNITS = {"pm2_5": "ug/m3", "level": "m", "flow-car": "veh", "flow-big-motorcycle": "veh", "speed-mean": "km/h"}
AT_US = 1_800_000_000_000_000
SECOND_US = 1_000_000


def refused(
    device: str, kind: Kind, *records: Record, at_us: int = AT_US, zone: str = "wichit", payload: bytes | None = None
) -> Rejection:
    content = wire.encode(kind, records) if payload is None else payload
    topic = f"andaman/v1/testville/{zone}/{device}/{kind}"
    return Rejection("unknown_device", "", topic, content[:REJECTED_PAYLOAD_BYTES], at_us)


def only(*rejections: Rejection) -> Stranger:
    (stranger,) = Newcomers().among(rejections, UNITS)
    return stranger


def test_a_stranger_is_its_topics_times_kinds_and_newest_values() -> None:
    found = only(
        refused("new-01", Kind.READINGS, Reading("pm2_5", 12.0), Reading("level", 1.5, lane=2)),
        refused("new-01", Kind.READINGS, Reading("pm2_5", 13.0), at_us=AT_US + 10 * SECOND_US),
        refused("new-01", Kind.STATUS, Status("birth"), at_us=AT_US + 11 * SECOND_US),
    )
    assert (found.device, found.zone, found.count, found.kinds) == ("new-01", "wichit", 3, ("readings", "status"))
    assert (found.first_us, found.last_us) == (AT_US, AT_US + 11 * SECOND_US)
    assert found.series == (
        SaidSeries("pm2_5", 0, "ug/m3", 13.0, AT_US + 10 * SECOND_US, AT_US, 2),
        SaidSeries("level", 2, "m", 1.5, AT_US, AT_US, 1),
    )


def test_counts_are_the_series_that_they_would_become_with_their_own_interval() -> None:
    counts = Counts(1, 60, {"car": 7, "big_motorcycle": 2}, mean_speed_kmh=61.5)
    series = only(refused("cam", Kind.COUNTS, counts)).series
    assert [(s.metric, s.lane, s.value, s.interval_s) for s in series] == [
        ("flow-car", 1, 7.0, 60.0), ("flow-big-motorcycle", 1, 2.0, 60.0), ("speed-mean", 1, 61.5, 60.0),
    ]  # fmt: skip


def test_no_word_of_a_stranger_is_kept_wherever_it_puts_its_plate() -> None:
    plate = "1กข 1234"
    passage = wire.encode(
        Kind.PASSAGE,
        [Passage(t="2026-11-22T10:00:00Z", lane=1, vehicle=plate, track=plate, plates=[PlateRead(plate)])],  # type: ignore[arg-type]
    )
    found = only(
        refused("cam", Kind.PASSAGE, payload=passage),
        refused("cam", Kind.READINGS, Reading(plate, 1.0), Reading("pm2_5", 1.0, unit=plate)),
        refused("cam", Kind.COUNTS, Counts(1, 60, {plate: 3})),
        refused("cam", Kind.STATUS, Status(firmware="1KK1234")),
    )
    kept = msgspec.json.encode(found).decode()
    assert "กข" not in kept and "1234" not in kept
    assert found.unknown_metrics == 2


def test_a_position_is_taken_where_it_is_one_on_this_earth() -> None:
    said = b'{"records": [{"lon": 98.4, "lat": 7.9, "firmware": "x"}, {"lon": 400, "lat": 7.9}]}'
    found = only(refused("new", Kind.STATUS, payload=said))
    assert (found.lon, found.lat) == (98.4, 7.9)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[" * 5000, b"null", b"}" * 4096, b'{"records": 3}'])
@pytest.mark.parametrize("kind", Kind)
def test_nonsense_is_counted_and_says_nothing(kind: Kind, payload: bytes) -> None:
    found = only(refused("new", kind, payload=payload))
    assert (found.count, found.kinds, found.series, found.lon) == (1, (kind,), (), None)


def test_of_a_long_message_the_first_whole_records_are_read() -> None:
    readings = [Reading("pm2_5", float(n)) for n in range(500)]
    payload = wire.encode(Kind.READINGS, readings, 1, 1).replace(b"},{", b"}," + b" " * 200 + b"{")
    assert len(payload) > REJECTED_PAYLOAD_BYTES
    (series,) = only(refused("new", Kind.READINGS, payload=payload)).series
    assert 50 < series.n < 500 and series.value == series.n - 1


def test_the_series_of_one_device_are_bounded() -> None:
    units = {f"m{n}": "x" for n in range(400)}
    messages = [refused("new", Kind.READINGS, *(Reading(f"m{n}", 1.0) for n in range(k, k + 90))) for k in (0, 90, 180)]
    (found,) = Newcomers().among([*messages, refused("new", Kind.READINGS, Reading("m399", 1.0))], units)
    assert len(found.series) == SERIES_MAX


def test_a_flood_of_names_is_looked_at_only_so_often() -> None:
    newcomers = Newcomers()
    flood = [refused(f"x{n}", Kind.STATUS, Status()) for n in range(1000)]
    assert len(newcomers.among(flood, UNITS)) == NAMES_BURST
    assert newcomers.among(flood, UNITS) == ()
    later = [refused(f"y{n}", Kind.STATUS, Status(), at_us=AT_US + SECOND_US) for n in range(1000)]
    assert len(newcomers.among(later, UNITS)) == NAMES_S


def test_only_unknown_devices_on_topics_of_ours_are_strangers() -> None:
    others = [
        Rejection("wrong_kind", "", "andaman/v1/testville/wichit/air-01/counts", b"{}", AT_US, 1),
        Rejection("unknown_device", "", "tele/tasmota/SENSOR", b"{}", AT_US),
        Rejection("unknown_device", "", "andaman/v1/testville/wichit/<script>/counts", b"{}", AT_US),
    ]
    assert Newcomers().among(others, UNITS) == ()
