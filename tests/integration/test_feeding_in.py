"""Rejections fed in again after a fix: what fits is in the log once, at its own time, and the list says what became."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from app import accounts, wiring
from app.feeding import feed_in
from app.settings import load
from contracts import wire
from contracts.answers import AuditEntry, Role
from contracts.delivery import REJECTED_PAYLOAD_BYTES
from contracts.devices import Device
from contracts.errors import StorageUnavailable
from contracts.jit import warm_up
from contracts.records import Passage, PlateRead, Reading
from contracts.rejections import FEED_IN, RejectionItem, RejectionQuery
from contracts.topics import Kind, Topic
from simulators.publish import publish_all
from storage.cities import Cities
from storage.desk import DatabaseDesk
from storage.log import Log
from storage.pool import Pool
from storage.reader import DatabaseReader
from tests.fixtures.path_rig import PASSWORD, PathRig, path_rig
from tests.integration.test_jobs import await_state
from tests.integration.test_pipeline import eventually, running, settings_of
from tests.servers import BrokerServer

WATER, OTHER, CAMERA, GHOST = "water-01", "water-02", "cam-402-44", "water-99"
PLATE = "9กฬ 8765"


@dataclass
class Desk:
    """A pipeline and a worker over one city, and what people ask of them."""

    rig: PathRig
    log: psycopg.Connection[Any]
    reader: DatabaseReader
    desk: DatabaseDesk

    @property
    def house(self) -> dict[str, str]:
        """The environment of a worker: its own rights in the database, its own account at the broker."""
        url = accounts.with_account(self.rig.url, accounts.REPLAYER, PASSWORD)
        return {**self.rig.environment, "ANDAMAN_DATABASE_URL": self.rig.dsn("worker"), "ANDAMAN_MQTT_URL": url}

    def say(self, device: str, kind: Kind, *payloads: bytes) -> None:
        """Anything, as the house would replay it: an unknown device has no account."""
        zone = next((each.zone for each in self.rig.city.devices if each.id == device), "wichit")
        account = wiring.broker_account(load(self.house, file=None), accounts.REPLAYER)
        publish_all(account, [(str(Topic(self.rig.city.id, zone, device, kind)), each) for each in payloads])

    def rejected(self, device: str, count: int = 1) -> list[RejectionItem]:
        """The rejections of a device, once there are so many."""
        rows = f"SELECT 1 FROM rejection WHERE split_part(topic, '/', 5) = '{device}'"
        eventually(self.log, rows, lambda rows: len(rows) >= count)
        return list(self.reader.rejections(RejectionQuery(100, device=device)).items)

    def feed(self, **wanted: str) -> str:
        """Have them fed in; what the job said in the end."""
        job = self.desk.ask(FEED_IN, wanted, AuditEntry("somchai", Role.DEVELOPER, "feed_in_rejections", ""))
        row = await_state(self.rig.dsn("owner"), int(job), "done", "failed")
        assert row["error"] == ""
        return str(row["message"])

    def readings(self, device: str) -> list[tuple[Any, ...]]:
        """(value, event, receipt, boot) of a device's readings in the log."""
        found = self.log.execute(
            "SELECT r.value, r.event_at, r.received_at, r.boot FROM log_reading r JOIN device d ON d.no = r.device "
            "WHERE d.id = %s ORDER BY r.n, r.place",
            (device,),
        )
        return found.fetchall()

    def change(self, change: Callable[[tuple[Device, ...]], tuple[Device, ...]], in_force: bool = True) -> None:
        """Another version of the city."""
        city = Cities(self.rig.dsn("owner")).newest(self.rig.city.id)
        assert city is not None
        changed = msgspec.structs.replace(city, devices=change(city.devices), version=0)
        self.rig.city = Cities(self.rig.dsn("owner")).add(changed, "test")
        if in_force:
            version = f"SELECT 1 FROM batch WHERE config = {self.rig.city.version}"
            eventually(self.log, version, lambda rows: len(rows) == 1)


@pytest.fixture(scope="module")
def desk(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    warm_up()
    with (
        path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as rig,
        psycopg.connect(role_dsn("owner"), autocommit=True) as log,
        closing(Pool(role_dsn("api"), "test")) as pool,
        running(wiring.pipeline(settings_of(rig))),
    ):
        log.execute("LISTEN andaman_live")
        made = Desk(rig, log, DatabaseReader(pool, wiring.vault(settings_of(rig))), DatabaseDesk(pool))
        with working(made.house):
            yield made


@contextmanager
def working(environment: dict[str, str]) -> Iterator[None]:
    """A worker."""
    stop = threading.Event()
    made = wiring.worker(load(environment, file=None))
    thread = threading.Thread(target=made.run, args=(stop,), name="worker under test")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20.0)
        assert not thread.is_alive()


def ghost(like: Device) -> Device:
    """A device that nobody knows yet."""
    return msgspec.structs.replace(like, id=GHOST, no=0)


def test_what_an_unknown_device_said_is_in_the_log_once_it_is_adopted(desk: Desk) -> None:
    """At the time that it says, received now; and neither a second feeding in nor the device itself doubles it."""
    before = datetime.now(UTC)
    event = (before - timedelta(days=2)).replace(microsecond=0)
    numbered = wire.encode(Kind.READINGS, [Reading("level_m", 1.25, event)], 1, 7)
    untimed = wire.encode(Kind.READINGS, [Reading("level_m", 1.5)])
    like = next(device for device in desk.rig.city.devices if device.id == WATER)
    desk.say(GHOST, Kind.READINGS, numbered, untimed)
    items = desk.rejected(GHOST, 2)
    assert {(each.reason, each.device, each.fate) for each in items} == {("unknown_device", None, None)}
    assert desk.feed(device=GHOST) == "2 rejected again"
    assert {each.fate.reason for each in desk.rejected(GHOST) if each.fate} == {"unknown_device"}

    desk.change(lambda devices: (*devices, msgspec.structs.replace(ghost(like), zone="wichit")))
    assert desk.feed(device=GHOST) == "2 accepted"
    rows = desk.readings(GHOST)
    assert [(value, boot) for value, _, _, boot in rows] == [(1.25, 1), (1.5, 0)]
    assert rows[0][1] == event
    assert rows[1][1] == max(each.received_at for each in items), "one without a time happened when it came first"
    assert all(received > max(each.received_at for each in items) for _, _, received, _ in rows)
    assert {each.fate.outcome for each in desk.rejected(GHOST) if each.fate} == {"accepted"}

    assert desk.feed(device=GHOST) == "nothing waits to be fed in"
    desk.log.execute("DELETE FROM rejection_fate")  # as if the worker had died before it could say so
    assert desk.feed(device=GHOST) == "2 accepted"
    desk.say(GHOST, Kind.READINGS, numbered)  # the device had kept it
    desk.say(GHOST, Kind.READINGS, wire.encode(Kind.READINGS, [Reading("level_m", 9.5, before)], 1, 8))
    eventually(desk.log, "SELECT 1 FROM log_reading WHERE value = 9.5", lambda rows: len(rows) == 1)
    assert [value for value, *_ in desk.readings(GHOST)] == [1.25, 1.5, 9.5]


def test_a_number_that_the_rejection_settled_does_not_keep_the_records_out(desk: Desk) -> None:
    """The series was missing in the device's entry; the good record of the message was kept at once."""
    now = datetime.now(UTC)
    series = next(device for device in desk.rig.city.devices if device.id == OTHER).series
    desk.change(lambda devices: tuple(msgspec.structs.replace(d, series=()) if d.id == OTHER else d for d in devices))
    for seq in (1, 2):
        reading = Reading("level_m", 2.0 + seq, now + timedelta(seconds=seq - 10))
        desk.rig.publish(OTHER, Kind.READINGS, reading, boot=5, seq=seq)
    assert {(each.reason, each.device) for each in desk.rejected(OTHER, 2)} == {("unknown_metric", OTHER)}
    desk.change(
        lambda devices: tuple(msgspec.structs.replace(d, series=series) if d.id == OTHER else d for d in devices)
    )
    assert desk.feed(reason="unknown_metric") == "2 accepted"
    assert desk.feed(reason="unknown_metric") == "nothing waits to be fed in"
    assert [(value, boot) for value, _, _, boot in desk.readings(OTHER)] == [(3.0, 0), (4.0, 0)]


def test_two_jobs_at_once_make_nothing_twice(desk: Desk) -> None:
    now = datetime.now(UTC)
    like = next(device for device in desk.rig.city.devices if device.id == WATER)
    name = "water-97"
    readings = [Reading("level_m", at / 100, now - timedelta(seconds=at)) for at in range(300)]
    desk.say(name, Kind.READINGS, *(wire.encode(Kind.READINGS, [each], 1, at + 1) for at, each in enumerate(readings)))
    desk.rejected(name, 300)
    desk.change(lambda devices: (*devices, msgspec.structs.replace(like, id=name, no=0, zone="wichit")))
    entry = AuditEntry("somchai", Role.DEVELOPER, "feed_in_rejections", "")
    jobs = [int(desk.desk.ask(FEED_IN, {"device": name}, entry)) for _ in range(2)]
    for job in jobs:
        assert await_state(desk.rig.dsn("owner"), job, "done", "failed")["error"] == ""
    assert sorted(value for value, *_ in desk.readings(name)) == [at / 100 for at in range(300)]
    counted = desk.reader.rejection_counts(RejectionQuery(10, device=name)).items
    assert [(each.reason, each.count, each.accepted, each.waiting) for each in counted] == [
        ("unknown_device", 300, 300, 0)
    ]


def test_a_device_adopted_a_moment_ago_is_waited_for(desk: Desk) -> None:
    """The pipeline puts a new version in force within seconds; what is fed in before would only be rejected again."""
    like = next(device for device in desk.rig.city.devices if device.id == WATER)
    desk.say("water-94", Kind.READINGS, wire.encode(Kind.READINGS, [Reading("level_m", 0.5)]))
    desk.rejected("water-94")
    adopted = msgspec.structs.replace(like, id="water-94", no=0, zone="wichit")
    desk.change(lambda devices: (*devices, adopted), in_force=False)
    assert desk.feed(device="water-94") == "1 accepted"


def test_what_is_still_wrong_is_not_said_twice_and_keeps_its_new_reason(desk: Desk) -> None:
    desk.say(WATER, Kind.READINGS, b'{"records": [{"metric": "no-such", "value": 1}]}')
    desk.say(WATER, Kind.READINGS, b'{"records": [')
    assert len(desk.rejected(WATER, 2)) == 2
    assert desk.feed(device=WATER) == "2 rejected again"
    items = desk.rejected(WATER)
    assert {(each.reason, each.fate.reason if each.fate else "") for each in items} == {
        ("unknown_metric", "unknown_metric"),
        ("not_json", "not_json"),
    }


def test_a_message_larger_than_what_is_kept_is_unreadable_and_says_so(desk: Desk) -> None:
    records = [Reading("level_m", 1.0, datetime.now(UTC)) for _ in range(500)]
    payload = wire.encode(Kind.READINGS, records) + b" " * REJECTED_PAYLOAD_BYTES
    name = "water-96"
    desk.say(name, Kind.READINGS, payload)
    desk.rejected(name)
    assert desk.feed(device=name) == "1 cannot be read"
    (item,) = desk.rejected(name)
    assert item.fate is not None and "only its beginning" in item.fate.detail
    assert item.bytes == REJECTED_PAYLOAD_BYTES


def test_a_conflict_is_never_fed_in(desk: Desk) -> None:
    """The first content of a number is kept; the second must not stand beside it."""
    now = datetime.now(UTC)
    for value in (5.5, 6.5):
        desk.rig.publish(WATER, Kind.READINGS, Reading("level_m", value, now), boot=9, seq=1)
    eventually(desk.log, "SELECT 1 FROM rejection WHERE reason = 'conflict'", lambda rows: len(rows) == 1)
    assert desk.feed(reason="conflict") == "nothing waits to be fed in"
    assert [value for value, *_ in desk.readings(WATER) if value > 5] == [5.5]


def test_a_passage_fed_in_is_judged_by_its_own_time_and_its_plate_is_nowhere_in_clear(desk: Desk) -> None:
    at = datetime.now(UTC) - timedelta(hours=3)
    passage = Passage(at, 1, "car", direction="backward", speed_kmh=131, plates=[PlateRead(PLATE, 0.99, "TH-83")])
    camera = next(device for device in desk.rig.city.devices if device.id == CAMERA)
    kinds = camera.kinds
    desk.change(
        lambda devices: tuple(
            msgspec.structs.replace(d, kinds=tuple(k for k in kinds if k != Kind.PASSAGE)) if d.id == CAMERA else d
            for d in devices
        )
    )
    desk.rig.publish(CAMERA, Kind.PASSAGE, passage, boot=3, seq=1)
    (item,) = desk.rejected(CAMERA)
    assert item.reason == "wrong_kind" and PLATE not in str(item)
    desk.change(
        lambda devices: tuple(msgspec.structs.replace(d, kinds=kinds) if d.id == CAMERA else d for d in devices)
    )
    assert desk.feed(reason="wrong_kind") == "1 accepted"
    cases = "SELECT occurred_at FROM violation WHERE rule = 'speeding'"
    assert eventually(desk.log, cases, lambda rows: len(rows) >= 1)[0] == (at,)
    for table in ("rejection", "rejection_fate", "job", "job_event", "audit"):
        found = desk.log.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s".encode(), ("%9กฬ%",))
        assert found.fetchone() == (0,), table


def test_without_a_pipeline_the_job_says_that_nobody_took_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rejections stay as they were; the next attempt finds out what became of them."""
    reading = Reading("level_m", 7.25, datetime.now(UTC))
    desk.say("water-95", Kind.READINGS, wire.encode(Kind.READINGS, [reading]))
    desk.rejected("water-95")
    like = next(device for device in desk.rig.city.devices if device.id == WATER)
    desk.change(lambda devices: (*devices, msgspec.structs.replace(like, id="water-95", no=0, zone="wichit")))
    means = replace(
        wiring.feeding_means(load(desk.house, file=None)), speak=lambda messages: None, log=StoppedLog(desk)
    )
    with monkeypatch.context() as patch, pytest.raises(StorageUnavailable, match="no pipeline has taken them"):
        patch.setattr("app.feeding.AWAIT_S", 0.5)  # not for the worker, whose pipeline runs
        feed_in(Told(), 0, time.time_ns() // 1000, {"device": "water-95"}, means)
    assert [item.fate for item in desk.rejected("water-95")] == [None]
    assert desk.feed(device="water-95") == "1 accepted"


def test_while_the_newest_city_is_not_in_force_nothing_is_fed_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.feeding.AWAIT_S", 0.5)
    desk.say("water-93", Kind.READINGS, b"{}")
    desk.rejected("water-93")
    said: list[object] = []
    means = wiring.feeding_means(load(desk.house, file=None))
    later = msgspec.structs.replace(means.city, version=means.city.version + 1)
    with pytest.raises(StorageUnavailable, match=f"version {later.version} of phuket is not in force"):
        feed_in(Told(), 0, time.time_ns() // 1000, {}, replace(means, city=later, speak=said.extend))
    assert not said and [item.fate for item in desk.rejected("water-93")] == [None]


class Told:
    """A job that nobody looks at."""

    def report(self, progress: float, message: str) -> None: ...

    def check(self) -> None: ...


class StoppedLog(Log):
    """A log in which nothing is added any more."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.rig.dsn("worker"))
        self._n = super().last_batch(0)

    def last_batch(self, shard: int) -> int:
        return self._n
