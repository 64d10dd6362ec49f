"""Devices of other families over a real broker: from what they publish to rows of the log, or rejections."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest

from app import accounts
from app.wiring import city_files
from contracts.adapters import Adapter
from contracts.city import City
from contracts.devices import Device, Series
from contracts.topics import Kind
from simulators.publish import publish_one
from storage.cities import Cities
from tests.fixtures.path_rig import PASSWORD, PROJECT, PathRig, path_rig
from tests.servers import BrokerServer

PATIENCE_S = 20.0
EUI = "0101010101010101"
UP = f"application/7f/device/{EUI}/event/up"
SENSOR = "tele/pier/SENSOR"
SERVER = "lora-server"


def device(id: str, family: str, adapter: dict[str, Any]) -> Device:
    made = msgspec.convert(adapter, Adapter)
    return Device(
        id=id, type="air", zone="talat-yai", lon=98.39, lat=7.88, name_en=id, name_th=id, family=family, adapter=made,
        kinds=(Kind.READINGS, Kind.STATUS),
        series=tuple(Series(metric=each.metric, interval_s=300) for each in made.fields),
    )  # fmt: skip


LORA = device(
    "lora-01", "chirpstack",
    {
        "topics": [UP], "account": SERVER,
        "fields": [
            {"field": "object/t", "metric": "temperature"}, {"field": "object/rh", "metric": "humidity"},
        ],
    },
)  # fmt: skip
PIER = device("pier-01", "tasmota", {"topics": [SENSOR], "fields": [{"field": "SDS0X1/PM2.5", "metric": "pm2_5"}]})


def with_devices(*devices: Device) -> City:
    city = city_files(PROJECT / "cities" / "phuket")
    return msgspec.structs.replace(city, devices=(*city.devices, *devices))


def give_accounts(broker: BrokerServer, city: City) -> None:
    names = (*accounts.HOUSE, *(each.id for each in city.devices), SERVER)
    broker.set_accounts(dict.fromkeys(names, PASSWORD), accounts.access(city))


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city"), with_devices(LORA)) as made:
        give_accounts(broker, made.city)
        made.pipeline()
        yield made


@pytest.fixture(scope="module")
def log(role_dsn: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        yield connection


def eventually(
    log: psycopg.Connection[Any], query: str, count: int, meanwhile: Callable[[], None] = lambda: None
) -> list[Any]:
    """The rows of a query once there are so many: asked again at every commit, after doing something."""
    deadline_s = time.monotonic() + PATIENCE_S
    while len(rows := log.execute(query.encode()).fetchall()) < count:
        assert time.monotonic() < deadline_s, f"{query}: {rows}"
        meanwhile()
        next(log.notifies(timeout=1.0), None)
    return rows


def uplink(at: datetime, **values: float) -> bytes:
    said = {"deviceInfo": {"devEui": EUI}, "time": at.isoformat(), "fPort": 1, "data": "qg==", "object": values}
    return json.dumps(said).encode()


def values_of(city: City, id: str) -> str:
    no = next(each.no for each in city.devices if each.id == id)
    return f"SELECT value FROM log_reading WHERE device = {no} ORDER BY value"


def test_an_uplink_is_in_the_log_once_however_often_it_comes(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    first, second = datetime.now(UTC), datetime.now(UTC)
    for said in (uplink(first, t=28.5, rh=70), uplink(first, t=28.5, rh=70), uplink(second, t=29.5)):
        publish_one(rig.url, SERVER, PASSWORD, UP, said)
    rows = eventually(log, values_of(rig.city, LORA.id), 3)
    assert [value for (value,) in rows] == [28.5, 29.5, 70]


def test_what_does_not_parse_is_kept_as_rejected_with_its_device(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    for said in (b"{", b'{"deviceInfo":{"devEui":"%s"},"data":"qg=="}' % EUI.encode()):
        publish_one(rig.url, SERVER, PASSWORD, UP, said)
    no = next(each.no for each in rig.city.devices if each.id == LORA.id)
    rows = eventually(log, f"SELECT reason, topic FROM rejection WHERE device = {no} ORDER BY reason", 2)
    assert rows == [("not_json", UP), ("schema", UP)]


def test_what_is_said_while_we_are_away_waits_in_the_broker(rig: PathRig, log: psycopg.Connection[Any]) -> None:
    rig.started[-1].kill()
    publish_one(rig.url, SERVER, PASSWORD, UP, uplink(datetime.now(UTC), t=31.25))
    rig.pipeline()
    assert (31.25,) in eventually(log, values_of(rig.city, LORA.id), 4)


def test_a_device_entered_while_we_run_is_heard_without_a_restart(
    rig: PathRig, broker: BrokerServer, log: psycopg.Connection[Any]
) -> None:
    city = Cities(rig.dsn("owner")).add(with_devices(LORA, PIER), "test")
    give_accounts(broker, city)

    def speak() -> None:
        publish_one(rig.url, PIER.id, PASSWORD, SENSOR, b'{"SDS0X1":{"PM2.5":12.5}}')

    assert (12.5,) in eventually(log, values_of(city, PIER.id), 1, speak)
