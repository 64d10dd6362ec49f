"""Cities, devices, values, windows, alarms, rejections, jobs: what the database holds, with names for numbers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.fixtures.api_rig import Rig, api_rig
from tests.fixtures.city_rows import NOON
from tests.fixtures.small_city import FLOW, LEVEL, PM25

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        made.rows.shard(1, "simulated")
        made.rows.shard(2, "replay")
        made.rows.batch(1, NOW)
        yield made


@pytest.fixture
def operator(rig: Rig) -> httpx.Client:
    rig.rows.execute(
        "TRUNCATE latest_value, latest_record, window_1m, window_wide, late, alarm, alarm_handling, rejection"
    )
    return rig.client("operator")


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_city_is_listed_with_where_its_data_come_from(operator: httpx.Client) -> None:
    (city,) = items(operator.get("/api/v1/cities"))
    assert (city["id"], city["name_th"], city["version"], city["space"]) == ("testville", "เมืองทดสอบ", 1, "simulated")


def test_a_city_spells_out_everything_but_its_devices(operator: httpx.Client) -> None:
    city = operator.get("/api/v1/cities/testville").json()
    assert {"zones", "metrics", "segments", "sections", "rules", "responses", "police_stations", "limits"} <= set(city)
    assert "devices" not in city
    assert city["metrics"][0]["decimals"] == 1  # a default, which the stored city leaves out
    assert operator.get("/api/v1/cities/atlantis").status_code == 404


def test_a_basemap_comes_compressed_and_not_twice(operator: httpx.Client) -> None:
    answer = operator.get("/api/v1/cities/phuket/basemap/roads")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["type"] == "FeatureCollection"
    again = operator.get("/api/v1/cities/phuket/basemap/roads", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    plain = operator.get("/api/v1/cities/phuket/basemap/roads", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == answer.json()


@pytest.mark.parametrize("name", ["README.md", "..%2Fcity.toml", "roads.geojson", "%2e%2e", "outline%00"])
def test_only_listed_basemaps_are_ever_opened(operator: httpx.Client, name: str) -> None:
    assert operator.get(f"/api/v1/cities/phuket/basemap/{name}").status_code == 404


def test_a_device_is_live_silent_or_was_never_heard(rig: Rig, operator: httpx.Client) -> None:
    rig.rows.value("air-01", PM25, NOW, 12.0)
    rig.rows.value("water-01", LEVEL, NOW - timedelta(seconds=300), 1.0)
    rig.rows.record("cam-402-01", "passage", "1", NOW, {"speed_kmh": 61.0})
    rig.rows.record("cam-402-02", "status", "", NOW, {})
    rig.rows.alarm(kind="silence", device="cam-402-02")
    states = {item["id"]: item["state"] for item in items(operator.get("/api/v1/devices"))}
    assert states == {
        "air-01": "live", "water-01": "silent", "water-02": "never",
        "cam-402-01": "live", "cam-402-02": "silent", "cam-402-03": "never",
    }  # fmt: skip


def test_silence_is_measured_by_the_engine_of_the_shard_and_not_by_the_wall_clock(
    rig: Rig, operator: httpx.Client
) -> None:
    past = NOW - timedelta(days=240)
    rig.rows.shard(3, "simulated")
    rig.rows.batch(3, past)
    rig.rows.value("air-01", PM25, past - timedelta(seconds=10), 12.0, shard=3)
    rig.rows.value("water-01", LEVEL, past - timedelta(seconds=900), 1.0, shard=3)
    states = {item["id"]: item["state"] for item in items(operator.get("/api/v1/devices"))}
    assert (states["air-01"], states["water-01"]) == ("live", "silent")


def test_devices_are_filtered_by_type_and_zone_and_a_district_holds_its_sub_districts(operator: httpx.Client) -> None:
    assert {item["id"] for item in items(operator.get("/api/v1/devices?type=air"))} == {"air-01"}
    assert len(items(operator.get("/api/v1/devices?zone=mueang"))) == len(items(operator.get("/api/v1/devices"))) == 6
    assert items(operator.get("/api/v1/devices?zone=elsewhere")) == []
    camera = items(operator.get("/api/v1/devices?type=camera"))[0]
    assert camera["series"] == [{"metric": "flow-car", "lane": 1, "interval_s": 60.0}]


def test_the_latest_values_carry_names_and_units(rig: Rig, operator: httpx.Client) -> None:
    rig.rows.value("air-01", PM25, NOW, 12.5)
    rig.rows.value("cam-402-01", FLOW, NOW, 7.0, lane=1)
    rig.rows.record("cam-402-01", "passage", "1", NOW, {"speed_kmh": 61.0})
    answer = operator.get("/api/v1/latest?device=air-01").json()
    at = NOW.isoformat().replace("+00:00", "Z")
    value = {"device": "air-01", "metric": "pm2_5", "lane": 0, "t": at, "value": 12.5, "unit": "ug/m3"}
    assert answer == {"values": [value], "records": []}
    everything = operator.get("/api/v1/latest").json()
    assert (len(everything["values"]), len(everything["records"])) == (2, 1)
    assert everything["records"][0]["content"] == {"speed_kmh": 61.0}
    assert [value["metric"] for value in operator.get("/api/v1/latest?metric=flow-car").json()["values"]] == [
        "flow-car"
    ]
    assert operator.get("/api/v1/latest?metric=nothing").json() == {"values": [], "records": []}


def test_windows_are_the_revisions_in_force_of_the_city_alone(rig: Rig, operator: httpx.Client) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0)  # the list ends now, and reaches back for an hour
    start = minute - timedelta(minutes=5)
    rig.rows.window("air-01", PM25, start, 10.0)
    rig.rows.window("air-01", PM25, start, 11.0, revision=2)
    rig.rows.window("air-01", PM25, start, 99.0, shard=2)
    (window,) = items(operator.get("/api/v1/windows?device=air-01&metric=pm2_5"))
    assert (window["mean"], window["revision"], window["sd"]) == (11.0, 2, None)


def test_windows_of_a_width_are_those_of_that_width_alone(rig: Rig, operator: httpx.Client) -> None:
    hour = NOON - timedelta(hours=1)
    rig.rows.window("air-01", PM25, hour, 10.0)
    rig.rows.wide_window("air-01", PM25, 3600, hour, 20.0)
    rig.rows.wide_window("air-01", PM25, 3600, hour, 21.0, revision=2)
    rig.rows.wide_window("air-01", PM25, 86_400, hour, 30.0)
    query = {"device": "air-01", "metric": "pm2_5", "from": "2026-11-20T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
    said = {}
    for width in ("1m", "60m", "1h", "1d", "8h"):
        windows = items(operator.get("/api/v1/windows", params={**query, "width": width}))
        said[width] = [(each["mean"], each["revision"], each["added"]) for each in windows]
    assert said == {"1m": [(10.0, 1, 1)], "60m": [(21.0, 2, 3)], "1h": [(21.0, 2, 3)], "1d": [(30.0, 1, 3)], "8h": []}


def test_a_year_of_hours_may_be_asked_for_and_one_of_minutes_not(operator: httpx.Client) -> None:
    query = {"device": "air-01", "metric": "pm2_5", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    assert operator.get("/api/v1/windows", params={**query, "width": "1h"}).status_code == 200
    assert operator.get("/api/v1/windows", params={**query, "width": "1m"}).status_code == 422
    assert operator.get("/api/v1/windows", params={**query, "width": "0m"}).status_code == 422


def test_late_records_of_a_device_are_shown_and_those_of_a_replay_are_not(rig: Rig, operator: httpx.Client) -> None:
    rig.rows.late("air-01", NOON)
    rig.rows.late("air-01", NOON + timedelta(minutes=1))
    rig.rows.late("cam-402-01", NOON)
    rig.rows.late("air-01", NOON, shard=2)
    late = items(rig.client("developer").get("/api/v1/late?device=air-01"))
    assert operator.get("/api/v1/late").status_code == 403
    assert [(each["kind"], each["device"]) for each in late] == [("reading", "air-01")] * 2
    assert [datetime.fromisoformat(each["event_at"]) - NOON for each in late] == [timedelta(minutes=1), timedelta()]


def test_windows_come_in_pages_without_a_hole(rig: Rig, operator: httpx.Client) -> None:
    for minute in range(25):
        for lane in (1, 2):
            rig.rows.window("cam-402-01", FLOW, NOON + timedelta(minutes=minute), float(minute), lane=lane)
    query = {"device": "cam-402-01", "metric": "flow-car", "from": "2026-11-22T12:00:00+07:00",
             "to": "2026-11-22T12:24:00+07:00", "limit": "7"}  # fmt: skip
    seen, cursor = [], None
    while True:
        answer = operator.get("/api/v1/windows", params={**query, **({"cursor": cursor} if cursor else {})}).json()
        seen += [(item["mean"], item["lane"]) for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == [(float(minute), lane) for minute in range(24) for lane in (1, 2)]
    one = operator.get("/api/v1/windows", params={**query, "lane": "2", "limit": "1500"})
    assert len(items(one)) == 24


@pytest.mark.parametrize("span", [("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
                                  ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")])  # fmt: skip
def test_a_range_of_windows_is_bounded_and_the_error_says_how(operator: httpx.Client, span: tuple[str, str]) -> None:
    query = {"device": "air-01", "metric": "pm2_5", "from": span[0], "to": span[1]}
    answer = operator.get("/api/v1/windows", params=query)
    assert answer.status_code == 422 and "31 days" in answer.json()["detail"]


def test_a_series_that_nobody_has_is_a_404(operator: httpx.Client) -> None:
    assert operator.get("/api/v1/windows?device=air-99&metric=pm2_5").status_code == 404
    assert operator.get("/api/v1/windows?device=air-01&metric=joy").status_code == 404


def test_an_alarm_says_what_to_do_and_what_was_done(rig: Rig, operator: httpx.Client) -> None:
    id = rig.rows.alarm()
    rig.rows.alarm(id=id, revision=2, condition="normal")
    for action, until, to in (("acknowledge", None, None), ("shelve", NOW, None), ("assign", None, "somchai")):
        rig.rows.execute(
            "INSERT INTO alarm_handling (alarm, made_by, action, shelved_until_at, assigned_to)"
            " VALUES (%s, 'operator-1', %s, %s, %s)", id, action, until, to,
        )  # fmt: skip
    (alarm,) = items(operator.get("/api/v1/alarms"))
    assert (alarm["revision"], alarm["condition"], alarm["priority"]) == (2, "normal", "medium")
    assert alarm["response"]["action_en"] == "a"
    handling = alarm["handling"]
    assert (handling["acknowledged_by"], handling["assigned_to"]) == ("operator-1", "somchai")
    assert handling["shelved_until"] == NOW.isoformat().replace("+00:00", "Z")


def test_an_alarm_of_a_made_past_that_ended_live_is_one_alarm_and_over(rig: Rig, operator: httpx.Client) -> None:
    rig.rows.shard(61, "simulated")
    id = rig.rows.alarm(shard=61, revision=3)
    rig.rows.alarm(shard=1, id=id, revision=4, condition="normal")
    mine = [item for item in items(operator.get("/api/v1/alarms")) if item["id"] == str(id)]
    assert [(item["revision"], item["condition"]) for item in mine] == [(4, "normal")]


def test_alarms_are_found_by_condition_kind_zone_and_the_time_of_their_episode(
    rig: Rig, operator: httpx.Client
) -> None:
    over = rig.rows.alarm(condition="normal", onset=NOON - timedelta(hours=5))
    going_on = rig.rows.alarm(kind="silence", onset=NOON - timedelta(hours=3))

    def ids(query: str) -> list[str]:
        return [item["id"] for item in items(operator.get(f"/api/v1/alarms?{query}"))]

    assert ids("") == ids("zone=mueang") == [str(going_on), str(over)]
    assert ids("condition=active") == ids("kind=silence") == [str(going_on)]
    assert ids("from=2026-11-22T04:00:00Z") == [str(going_on)]  # began before and is not over
    assert ids("to=2026-11-22T01:00:00Z") == [str(over)]
    assert ids("zone=kathu") == []


def test_rejections_say_why_and_hold_no_bytes(rig: Rig, operator: httpx.Client) -> None:
    rig.rows.rejection("out_of_range", "records[0].value: 900", NOW, "cam-402-01")
    rig.rows.rejection("unknown_device", "ghost", NOW - timedelta(seconds=1))
    developer = rig.client("developer")
    found = items(developer.get("/api/v1/rejections"))
    assert [(item["reason"], item["device"]) for item in found] == [
        ("out_of_range", "cam-402-01"),
        ("unknown_device", None),
    ]
    assert set(found[0]) == {
        "id", "reason", "detail", "device", "topic", "received_at", "count", "bytes", "fate"
    }  # fmt: skip
    assert len(items(developer.get("/api/v1/rejections?reason=unknown_device"))) == 1
    assert len(items(developer.get("/api/v1/rejections?device=cam-402-01"))) == 1
    assert developer.get("/api/v1/rejections?reason=boredom").status_code == 422


def test_a_waiting_job_is_cancelled_and_an_ended_one_is_not(rig: Rig) -> None:
    developer = rig.client("developer")
    waiting, ended = rig.rows.job("history"), rig.rows.job("retention", "done", 1.0)
    assert developer.post(f"/api/v1/jobs/{waiting}/cancel").status_code == 202
    assert developer.post(f"/api/v1/jobs/{ended}/cancel").status_code == 409
    assert developer.post("/api/v1/jobs/999999/cancel").status_code == 404
    assert developer.post(f"/api/v1/jobs/{10**30}/cancel").status_code == 404
    states = {item["id"]: item["state"] for item in items(developer.get("/api/v1/jobs"))}
    assert (states[waiting], states[ended]) == ("cancelled", "done")
    assert ("developer-1", "developer", "cancel_job", waiting, "", "", {}) in rig.rows.audit()


def test_a_camera_without_a_rear_view_is_listed_with_what_is_lost_by_it(
    operator: httpx.Client, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.reader.FRONT_ONLY", "pm2_5")  # the test's city counts no motorcycles
    hour = NOW.replace(minute=0) - timedelta(hours=3)
    rig.rows.wide_window("cam-402-01", PM25, 3600, hour, 4.0)
    rig.rows.wide_window("cam-402-01", PM25, 3600, hour, 5.0, revision=2)
    rig.rows.wide_window("cam-402-01", PM25, 3600, hour + timedelta(hours=1), 2.0)
    rig.rows.wide_window("cam-402-01", PM25, 3600, hour - timedelta(days=9), 70.0)
    (camera,) = items(rig.client("admin").get("/api/v1/rear-views"))
    assert (camera["device"], camera["seen"], camera["cases"]) == ("cam-402-01", 18, 7)
    before = {"from": (hour - timedelta(days=10)).isoformat(), "to": hour.isoformat()}
    (camera,) = items(rig.client("admin").get("/api/v1/rear-views", params=before))
    assert camera["cases"] == 70
