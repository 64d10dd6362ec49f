"""Devices come in and go out while the city runs: with the real broker, the real database, pipeline and API."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.pipeline import NEWS_S
from app.receiving import Passwords
from app.services.listeners import CA_FILE
from contracts import wire
from contracts.answers import Role
from contracts.errors import TransportError
from contracts.records import Passage, PlateRead, Reading, Status
from contracts.responses import Suppression
from contracts.topics import Kind
from processing.kernels.identity import NUMBERS
from simulators.publish import Account, Heard, Line, connect, publish_one
from storage.cities import Cities
from tests.fixtures.living_city import CITY, PATIENCE_S, ZONE, LivingCity, as_up_does, living_city
from tests.fixtures.path_rig import Process

PLATE = "1กข 1234"
DEVICE: dict[str, Any] = {
    "type": "air", "zone": ZONE, "lon": 98.381, "lat": 7.871, "name_en": "Market", "name_th": "ตลาด",
    "kinds": ["readings", "status"], "series": [{"metric": "pm2_5", "interval_s": 10}],
}  # fmt: skip


@pytest.fixture(scope="module")
def city(role_dsn: Callable[[str], str], run_folder: Path) -> Iterator[LivingCity]:
    with living_city(role_dsn, run_folder / "onboarding") as made:
        yield made


def added(city: LivingCity, device: str) -> str:
    """Add a device; its password."""
    answer = city.admin.post("/api/v1/devices", json={**DEVICE, "id": device})
    assert answer.status_code == 201, answer.text
    done = answer.json()
    assert done["in_force"] and done["at_broker"] and done["credential"]["username"] == device
    return str(done["credential"]["password"])


def in_force_at(city: LivingCity, device: str) -> datetime:
    """Add a device; the engine's time from which on the city has it."""
    answer = city.admin.post("/api/v1/devices", json={**DEVICE, "id": device})
    assert answer.status_code == 201, answer.text
    ((moment,),) = city.rows(f"SELECT now_at FROM batch WHERE config = {answer.json()['version']}")
    assert isinstance(moment, datetime)
    return moment


def invited(city: LivingCity, device: str) -> str:
    answer = city.admin.post("/api/v1/invitations", json={"device": device, "zone": ZONE})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["credential"]["password"])


def decided(city: LivingCity, device: str, action: str) -> dict[str, Any]:
    answer = city.admin.post(f"/api/v1/devices/{device}/{action}")
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    assert done["at_broker"]
    return done


def value_of(city: LivingCity, device: str) -> list[Any]:
    answer = city.api.client(Role.OPERATOR).get("/api/v1/latest", params={"device": device})
    return [value["value"] for value in answer.json()["values"]]


def proposal_of(city: LivingCity, device: str, *, dismissed: bool = False) -> dict[str, Any] | None:
    answer = city.admin.get("/api/v1/proposals", params={"dismissed": dismissed})
    return next((each for each in answer.json()["items"] if each["device"] == device), None)


def refused(city: LivingCity, device: str, count: int) -> None:
    """Wait until so many messages of an unknown device were refused."""
    query = f"SELECT count FROM proposal WHERE device = '{device}' AND count >= {count}"
    city.rows(query)


def audited(city: LivingCity, action: str, device: str) -> list[Any]:
    query = f"SELECT actor, role FROM audit WHERE action = '{action}' AND subject = '{device}'"
    return city.log.execute(query.encode()).fetchall()


def ended(line_ended: list[str], city: LivingCity) -> None:
    """Wait until the broker has closed a connection."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not line_ended:
        assert time.monotonic() < deadline_s, "the connection lives"
        for line in city.lines:
            if line.socket is not None:
                line.pump(0.05)


def test_a_device_that_is_added_is_understood_from_its_first_message_and_nothing_is_started_again(
    city: LivingCity,
) -> None:
    before = (city.broker.pid, city.processes["pipeline"].child.pid)
    password = added(city, "air-first")
    city.say("air-first", password, Kind.READINGS, Reading("pm2_5", 12.5))
    city.rows("SELECT 1 FROM latest_value v JOIN device d ON d.no = v.device WHERE d.id = 'air-first'")
    assert value_of(city, "air-first") == [12.5]
    assert city.log.execute("SELECT 1 FROM rejection WHERE topic LIKE '%/air-first/%'").fetchall() == []
    assert (city.broker.pid, city.processes["pipeline"].child.pid) == before
    assert city.processes["pipeline"].child.poll() is None
    assert audited(city, "add_device", "air-first") == [("admin-1", "admin")]


def test_a_new_version_of_the_city_is_in_force_with_the_next_turn(city: LivingCity) -> None:
    """Whoever asks and is not told finds one NEWS_S after the one before; a busy machine may be late with some."""
    city.api.onboarding._patience_s = 0.0
    try:
        moments = [in_force_at(city, f"air-soon-{number}") for number in range(5)]
    finally:
        city.api.onboarding._patience_s = PATIENCE_S
    soonest = min(later - earlier for earlier, later in pairwise(moments))
    assert soonest < timedelta(seconds=0.75 * NEWS_S), "the pipeline was not told, it asked"


def test_a_rotated_credential_ends_the_connection_of_the_old_one_and_no_other(city: LivingCity) -> None:
    old, other = added(city, "air-turned"), added(city, "air-beside")
    gone: list[str] = []
    stays: list[str] = []
    city.line("air-turned", old, gone)
    beside = city.line("air-beside", other, stays)
    new = decided(city, "air-turned", "rotate")["credential"]["password"]
    ended(gone, city)
    assert not city.is_let_in("air-turned", old) and city.is_let_in("air-turned", new)
    beside.pump(0.1)
    assert beside.up and not stays
    again = decided(city, "air-turned", "rotate")["credential"]["password"]
    assert not city.is_let_in("air-turned", new) and city.is_let_in("air-turned", again)
    assert len(audited(city, "rotate_device", "air-turned")) == 2


def test_a_device_of_the_data_folder_loses_that_password_with_its_first_rotation(city: LivingCity) -> None:
    first = city.password_of("air-01")
    assert city.is_let_in("air-01", first)
    new = decided(city, "air-01", "rotate")["credential"]["password"]
    assert not city.is_let_in("air-01", first) and city.is_let_in("air-01", new)


def test_a_revoked_device_is_cut_off_and_stays_out_whatever_is_started_or_changed(
    city: LivingCity, role_dsn: Callable[[str], str]
) -> None:
    password, other = added(city, "air-lost"), added(city, "air-honest")
    gone: list[str] = []
    city.line("air-lost", password, gone)
    decided(city, "air-lost", "revoke")
    ended(gone, city)
    assert not city.is_let_in("air-lost", password)
    with pytest.raises(TransportError, match="does not let"):
        city.say("air-lost", other, Kind.READINGS, Reading("pm2_5", 1.0), under="air-honest")
    added(city, "air-later")  # another version of the city
    assert not city.is_let_in("air-lost", password)
    city.broker.stop()
    city.broker.start()
    assert not city.is_let_in("air-lost", password) and city.is_let_in("air-honest", other)
    newest = Cities(role_dsn("owner")).newest(CITY)
    assert newest is not None
    as_up_does(city, role_dsn("owner"), newest)
    assert not city.is_let_in("air-lost", password) and city.is_let_in("air-honest", other)
    assert not city.is_let_in("air-lost", city.password_of("air-lost")), "the data folder made it another"
    back = decided(city, "air-lost", "rotate")["credential"]["password"]
    assert city.is_let_in("air-lost", back)


def test_a_removed_device_leaves_the_city_and_the_broker_and_its_past_stays(city: LivingCity) -> None:
    before = (city.broker.pid, city.processes["pipeline"].child.pid)
    password, other = added(city, "air-left"), added(city, "air-stays")
    city.say("air-left", password, Kind.READINGS, Reading("pm2_5", 21.5))
    past = "SELECT r.value FROM log_reading r JOIN device d ON d.no = r.device WHERE d.id = 'air-left'"
    assert city.rows(past) == [(21.5,)]
    posting, gone = Passwords(city.folder), list[str]()
    posting.renew("air-left")
    city.line("air-left", password, gone)
    done = decided(city, "air-left", "remove")
    ended(gone, city)
    assert done["in_force"] and done["credential"] is None
    assert not city.is_let_in("air-left", password) and city.is_let_in("air-stays", other)
    assert not city.is_let_in("air-left", city.password_of("air-left")), "the data folder made it another"
    assert posting.get("air-left") is None, "it may not post over HTTP either"
    listed = {each["id"] for each in city.admin.get("/api/v1/devices").json()["items"]}
    assert "air-left" not in listed and "air-stays" in listed
    assert city.log.execute(past.encode()).fetchall() == [(21.5,)]
    assert audited(city, "remove_device", "air-left") == [("admin-1", "admin")]
    assert (city.broker.pid, city.processes["pipeline"].child.pid) == before
    # It may come back, under its name and number, with a credential of its own.
    again = added(city, "air-left")
    city.say("air-left", again, Kind.READINGS, Reading("pm2_5", 22.5))
    assert city.rows(past, lambda rows: len(rows) == 2) == [(21.5,), (22.5,)]
    assert not city.is_let_in("air-left", password)


def test_a_device_that_the_city_still_needs_is_not_removed_and_goes_on(
    city: LivingCity, role_dsn: Callable[[str], str]
) -> None:
    password = added(city, "air-named")
    newest = Cities(role_dsn("owner")).newest(CITY)
    assert newest is not None
    planned = Suppression(
        id="siren", weekdays=("wed",), starts="08:00", minutes=5, reason_en="test", reason_th="ทดสอบ",
        devices=("air-named",),
    )  # fmt: skip
    Cities(role_dsn("owner")).add(msgspec.structs.replace(newest, suppressions=(planned,)), "test")
    answer = city.admin.post("/api/v1/devices/air-named/remove")
    assert (answer.status_code, "suppression siren" in answer.json()["detail"]) == (422, True), answer.text
    assert city.is_let_in("air-named", password) and not audited(city, "remove_device", "air-named")


def test_what_changed_while_nobody_kept_the_accounts_is_caught_up_with(city: LivingCity) -> None:
    password = added(city, "air-night")
    city.processes["keeper"].kill()
    city.api.onboarding._patience_s = 0.0
    try:
        answer = city.admin.post("/api/v1/devices/air-night/revoke").json()
    finally:
        city.api.onboarding._patience_s = PATIENCE_S
    assert not answer["at_broker"] and city.is_let_in("air-night", password)
    city.keeper()
    assert not city.is_let_in("air-night", password)


def test_an_unknown_device_becomes_a_proposal_without_its_plates(city: LivingCity) -> None:
    password = invited(city, "new-01")
    assert proposal_of(city, "new-01") is None
    now = datetime.now(UTC)
    city.say("new-01", password, Kind.STATUS, Status("birth", lon=98.3812, lat=7.8801))
    city.say("new-01", password, Kind.READINGS, Reading("pm2_5", 18.5, unit="ug/m3"), Reading(PLATE, 1.0))
    plates = [PlateRead(PLATE, 0.97, "TH-83")]
    city.say("new-01", password, Kind.PASSAGE, Passage(t=now, lane=1, vehicle="car", track=PLATE, plates=plates))
    refused(city, "new-01", 3)
    found = proposal_of(city, "new-01")
    assert found is not None
    assert (found["zone"], found["kinds"]) == (ZONE, ["passage", "readings", "status"])
    assert (found["refused"], found["unknown_metrics"], found["type"]) == (3, 1, "camera")
    assert (found["lon"], found["lat"]) == (98.3812, 7.8801)
    ((series),) = found["series"]
    assert (series["metric"], series["lane"], series["unit"], series["value"]) == ("pm2_5", 0, "ug/m3", 18.5)
    kept = city.log.execute("SELECT proposal::text FROM proposal WHERE device = 'new-01'").fetchone()
    assert kept is not None and "กข" not in kept[0] and "1234" not in kept[0]
    reasons = city.log.execute("SELECT DISTINCT reason FROM rejection WHERE topic LIKE '%/new-01/%'").fetchall()
    assert reasons == [("unknown_device",)], "it is refused all the same"


def test_an_adopted_device_is_in_the_city_with_what_it_said_and_speaks_on_with_its_credential(city: LivingCity) -> None:
    password = invited(city, "new-02")
    for value in (3.0, 3.5):
        city.say("new-02", password, Kind.READINGS, Reading("level", value))
    refused(city, "new-02", 2)
    body = {"name_en": "Canal", "name_th": "คลอง"}
    answer = city.admin.post("/api/v1/proposals/new-02/adopt", json=body)
    assert answer.status_code == 201 and answer.json()["in_force"], answer.text
    assert answer.json()["credential"] is None
    city.say("new-02", password, Kind.READINGS, Reading("level", 3.25))
    city.rows("SELECT 1 FROM latest_value v JOIN device d ON d.no = v.device WHERE d.id = 'new-02'")
    assert value_of(city, "new-02") == [3.25] and proposal_of(city, "new-02", dismissed=True) is None
    (entry,) = (d for d in city.admin.get("/api/v1/devices").json()["items"] if d["id"] == "new-02")
    assert (entry["type"], entry["name_th"], entry["zone"]) == ("water", "คลอง", ZONE)
    assert "no position" in entry["note"] and [s["metric"] for s in entry["series"]] == ["level"]
    assert audited(city, "adopt_device", "new-02") == [("admin-1", "admin")]
    assert city.admin.post("/api/v1/proposals/new-02/adopt", json=body).status_code == 404


def test_what_was_refused_of_an_adopted_device_is_fed_in_again(city: LivingCity) -> None:
    password = invited(city, "new-05")
    for value in (1.0, 2.0):
        city.say("new-05", password, Kind.READINGS, Reading("level", value, t=datetime.now(UTC)))
    refused(city, "new-05", 2)
    city.worker()
    answer = city.admin.post("/api/v1/proposals/new-05/adopt", json={"feed_in": True})
    assert answer.status_code == 201, answer.text
    job = answer.json()["job"]
    ended = city.rows(f"SELECT state, message, error FROM job WHERE id = {job} AND state IN ('done', 'failed')")
    assert ended == [("done", "2 accepted", "")]
    log = "SELECT r.value FROM log_reading r JOIN device d ON d.no = r.device WHERE d.id = 'new-05' ORDER BY 1"
    assert city.rows(log) == [(1.0,), (2.0,)]


def test_a_dismissed_proposal_is_hidden_until_it_says_something_new(city: LivingCity) -> None:
    password = invited(city, "new-03")
    city.say("new-03", password, Kind.READINGS, Reading("level", 1.0))
    refused(city, "new-03", 1)
    assert city.admin.post("/api/v1/proposals/new-03/dismiss").status_code == 204
    city.say("new-03", password, Kind.READINGS, Reading("level", 2.0))
    refused(city, "new-03", 2)
    assert proposal_of(city, "new-03") is None
    hidden = proposal_of(city, "new-03", dismissed=True)
    assert hidden is not None and hidden["dismissed_by"] == "admin-1" and hidden["series"][0]["value"] == 2.0
    city.say("new-03", password, Kind.READINGS, Reading("pm2_5", 2.0))
    refused(city, "new-03", 3)
    assert proposal_of(city, "new-03") is not None


FAR: dict[str, Any] = {
    **DEVICE, "family": "zigbee2mqtt", "kinds": ["readings"],
    "adapter": {"topics": ["z/far"], "account": "bridge", "fields": [{"field": "pm", "metric": "pm2_5"}]},
}  # fmt: skip
POSTING: dict[str, Any] = {
    **DEVICE, "type": "camera", "family": "hikvision", "kinds": ["passage"], "series": [],
    "adapter": {"topics": ["hikvision/cam-posts"], "account": "andaman-receiver"},
}  # fmt: skip


def test_a_device_for_which_another_account_speaks_gets_no_credential_and_its_gateway_may(city: LivingCity) -> None:
    for entry in ({**FAR, "id": "far-01"}, {**POSTING, "id": "cam-posts"}):
        done = city.admin.post("/api/v1/devices", json=entry).json()
        assert done["in_force"] and done["at_broker"] and done["credential"] is None, done
    for device, says in (("far-01", "bridge speaks for it"), ("cam-posts", "andaman receiver password")):
        answer = city.admin.post(f"/api/v1/devices/{device}/rotate")
        assert answer.status_code == 422 and says in answer.json()["detail"], answer.text
    answer = city.admin.post("/api/v1/invitations", json={"device": "bridge", "zone": ZONE})
    assert answer.status_code == 409 and "rotate" in answer.json()["detail"], answer.text
    assert city.admin.post("/api/v1/devices/andaman-receiver/rotate").status_code == 404
    password = decided(city, "bridge", "rotate")["credential"]["password"]
    publish_one(city.url, "bridge", password, "z/far", b'{"pm":7}', ca=city.folder / CA_FILE)
    city.rows("SELECT value FROM log_reading WHERE value = 7")


def test_a_device_whose_number_ran_away_is_heard_once_and_follows_its_mark_again_under_another_name(
    city: LivingCity,
) -> None:
    def say(device: str, password: str, boot: int, seq: int, value: float) -> None:
        payload = wire.encode(Kind.READINGS, [Reading("pm2_5", value)], boot, seq)
        topic = f"andaman/v1/{CITY}/{ZONE}/{device}/readings"
        publish_one(city.url, device, password, topic, payload, ca=city.folder / CA_FILE)

    def values(device: str, newest: float) -> list[float]:
        query = (
            f"SELECT value FROM log_reading r JOIN device d ON d.no = r.device WHERE d.id = '{device}' ORDER BY value"
        )
        return [value for (value,) in city.rows(query, lambda rows: (newest,) in rows)]

    password = added(city, "air-far")
    say("air-far", password, 1, 1, 21.0)
    say("air-far", password, 2**53, 2**53, 22.0)
    for boot, seq, value in ((1, 2, 23.0), (1, 2, 23.0), (2, 1, 24.0), (2, 1, 24.5), (2, 2, 25.0)):
        say("air-far", password, boot, seq, value)
    assert values("air-far", 25.0) == [21.0, 22.0, 23.0, 24.0, 25.0]
    # What makes it forget what it should keep: nothing lower is ever said again.
    await_mark(city, "air-far", password, wire.Mark(2**53, 2**53 - NUMBERS))
    assert decided(city, "air-far", "remove")["in_force"]
    password = added(city, "air-near")
    say("air-near", password, 2, 1, 26.0)
    assert values("air-near", 26.0) == [26.0]
    await_mark(city, "air-near", password, wire.Mark(2, 1))


def await_mark(city: LivingCity, device: str, password: str, mark: wire.Mark) -> None:
    """Wait until a device hears this mark."""
    heard: list[Heard] = []
    line = Line(Account(city.url, device, password, city.folder / CA_FILE), "mark", on_heard=heard.append)
    connect(line, device)
    line.subscribe(f"andaman/v1/{CITY}/{ZONE}/{device}/{Kind.MARK}")
    deadline_s = time.monotonic() + PATIENCE_S
    while not (heard and wire.decode_mark(heard[-1].payload) == mark):
        assert time.monotonic() < deadline_s, heard
        line.pump(0.1)
    line.close()


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("devices", {**DEVICE, "id": "air-01"}, 409, "in testville already"),
        ("devices", {**DEVICE, "id": "andaman-pipeline"}, 422, "are ours"),
        ("devices", {**DEVICE, "id": "x/#"}, 422, "device"),
        ("devices", {**DEVICE, "id": "a-1", "zone": "nowhere"}, 422, "nowhere"),
        ("devices", {**DEVICE, "id": "a-1", "series": [{"metric": "radon", "interval_s": 1}]}, 422, "radon"),
        ("devices", {**DEVICE, "id": "a-1", "lon": 1e9}, 422, "lon"),
        ("invitations", {"device": "air-02", "zone": "nowhere"}, 422, "no such zone"),
        ("invitations", {"device": "air-01", "zone": ZONE}, 409, "rotate"),
        ("invitations", {"device": "andaman-recorder", "zone": ZONE}, 422, "are ours"),
        ("devices/nobody/rotate", None, 404, "neither in"),
        ("devices/nobody/revoke", None, 404, "neither in"),
        ("devices/nobody/remove", None, 404, "not in testville"),
        ("devices/andaman-pipeline/rotate", None, 404, "neither in"),
        ("proposals/nobody/adopt", {}, 404, "no such proposal"),
        ("proposals/nobody/dismiss", None, 404, "no such proposal"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason_and_changes_nothing(
    city: LivingCity, path: str, body: object, status: int, says: str
) -> None:
    state = "SELECT (SELECT max(version) FROM city_version), (SELECT max(id) FROM device_credential),"
    state += " (SELECT count(*) FROM audit)"
    before = city.log.execute(state.encode()).fetchall()
    answer = city.admin.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text
    assert city.log.execute(state.encode()).fetchall() == before


def test_a_password_is_in_one_answer_and_nowhere_else(city: LivingCity) -> None:
    answer = city.admin.post("/api/v1/devices", json={**DEVICE, "id": "air-secret"})
    assert answer.headers["cache-control"] == "no-store"
    password = answer.json()["credential"]["password"]
    for table in ("device_credential", "audit", "city_version"):
        rows = city.log.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
        assert not [row for row in rows if password in row[0]]
    kept = (city.folder / "mqtt-accounts.json").read_text()
    assert password not in kept


def test_the_command_line_adds_and_lists(city: LivingCity) -> None:
    environment = {**city.environment, "ANDAMAN_DATABASE_URL": city.environment["api"]}
    words = ["device", "add", "air-word", "--type", "air", "--zone", ZONE, "--series", "pm2_5=10"]
    process = Process([*words, "--lon", "98.38", "--lat", "7.88"], environment)
    process.await_line("shown this once")
    assert process.wait() == 0
    assert audited(city, "add_device", "air-word")[0][0].endswith("@cli")
    password = invited(city, "new-04")
    (city.folder / "new-04.password").write_text(f"new-04\t{password}\n")  # as the command prints it
    words = ["publish", "new-04", "readings", '{"metric": "level", "value": 1}', "--zone", ZONE]
    assert Process([*words, "--password-file", str(city.folder / "new-04.password")], environment).wait() == 0
    refused(city, "new-04", 1)
    (city.folder / "new-04.password").write_text(password)
    assert Process([*words, "--password-file", str(city.folder / "new-04.password")], environment).wait() == 0
    refused(city, "new-04", 2)
    (city.folder / "new-04.password").write_text("two\nlines")
    process = Process([*words, "--password-file", str(city.folder / "new-04.password")], environment)
    process.await_line("must hold one line")
    assert process.wait() == 1
    assert Process(["device", "dismiss", "new-04"], environment).wait() == 0
    assert proposal_of(city, "new-04") is None
    assert Process(["device", "rotate", "nobody"], environment).wait() == 1
    assert Process(["device", "remove", "air-word"], environment).wait() == 0
    assert audited(city, "remove_device", "air-word")[0][0].endswith("@cli")
    assert Process(["device", "remove", "air-word"], environment).wait() == 1
