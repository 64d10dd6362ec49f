"""From what a camera posts to a row of the log: real API, broker, pipeline and database, stopped and started."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import psycopg
import pytest

from app import accounts
from app.wiring import city_files
from contracts.adapters import Adapter
from contracts.devices import Device
from contracts.receiving import RECEIVER_ACCOUNT
from contracts.topics import Kind
from tests.fixtures.path_rig import PASSWORD, PROJECT, PathRig, Process, path_rig
from tests.servers import BrokerServer
from tests.unit.test_adapter_hikvision import CAPTURED

CAMERA = "cam-plate-07"
PATIENCE_S = 30.0
BANGKOK = ZoneInfo("Asia/Bangkok")
PICTURE = b"\xff\xd8\xff\xe0" + bytes(100_000)


@dataclass
class Street:
    """The whole path, and a camera with its password."""

    rig: PathRig
    log: psycopg.Connection[Any]
    environment: dict[str, str]
    password: str

    def api(self) -> "Door":
        """The API as a process of its own."""
        process = Process(["api"], self.environment)
        self.rig.started.append(process)
        process.await_line("serving http://")
        url = next(line for line in process.said if "serving http://" in line).partition("serving ")[2]
        door = Door(process, f"{url}/api/v1/receiver", httpx.DigestAuth(CAMERA, self.password))
        door.await_open()
        return door

    def passages(self, count: int) -> int:
        """How many passages of the camera are in the log, once there are so many."""
        deadline_s = time.monotonic() + PATIENCE_S
        query = f"SELECT count(*) FROM log_passage p JOIN device d ON d.no = p.device WHERE d.id = '{CAMERA}'"
        while (found := self._count(query)) < count:
            assert time.monotonic() < deadline_s, found
            next(self.log.notifies(timeout=1.0), None)
        return found

    def _count(self, query: str) -> int:
        row = self.log.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


@dataclass
class Door:
    """A running API."""

    process: Process
    url: str
    credentials: httpx.DigestAuth

    def await_open(self) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                assert httpx.post(self.url).status_code == 401
                return
            except httpx.TransportError:
                assert time.monotonic() < deadline_s

    def post(self, said: str) -> int:
        pictures = {"detectionPicture.jpg": ("detectionPicture.jpg", PICTURE, "image/jpeg")}
        files = {"anpr.xml": ("anpr.xml", said.encode(), "text/xml"), **pictures}
        return httpx.post(self.url, files=files, auth=self.credentials, timeout=15.0).status_code


@pytest.fixture(scope="module")
def street(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    entry = {"topics": [f"hikvision/{CAMERA}"], "account": RECEIVER_ACCOUNT, "source": "e8:a0:ed:2c:e6:24"}
    camera = Device(
        id=CAMERA, type="camera", zone="talat-yai", lon=98.39, lat=7.88, name_en=CAMERA, name_th=CAMERA,
        kinds=(Kind.PASSAGE, Kind.STATUS), family="hikvision", adapter=msgspec.convert(entry, Adapter),
    )  # fmt: skip
    phuket = city_files(PROJECT / "cities" / "phuket")
    city = msgspec.structs.replace(phuket, devices=(*phuket.devices, camera))
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city"), city) as rig:
        names = (*accounts.HOUSE, RECEIVER_ACCOUNT)
        broker.set_accounts(dict.fromkeys(names, PASSWORD), accounts.access(rig.city))
        environment = rig.environment | {
            "ANDAMAN_DATABASE_URL": role_dsn("api"),
            "ANDAMAN_MQTT_URL": accounts.with_account(broker.url, RECEIVER_ACCOUNT, PASSWORD),
        }
        with psycopg.connect(role_dsn("owner"), autocommit=True) as log:
            log.execute("LISTEN andaman_live")
            yield Street(rig, log, environment, password_of(environment))


def password_of(environment: dict[str, str]) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "app.cli", "receiver", "password", CAMERA]
    said = subprocess.run(command, env={**os.environ, **environment}, cwd=PROJECT, capture_output=True, text=True)
    name, password = said.stdout.split()
    assert (said.returncode, name, len(password)) == (0, CAMERA, 16), said.stderr
    return password


def event(plate: str, ago_s: float) -> str:
    at = (datetime.now(BANGKOK) - timedelta(seconds=ago_s)).isoformat(timespec="milliseconds")
    return CAPTURED.replace("2025-11-12T10:44:56.365+07:00", at).replace("8กผ444", plate)


@pytest.mark.slow
def test_a_post_is_in_the_log_once_whatever_is_stopped_and_started_between(street: Street) -> None:
    first, second, third = event("1กก11", 20), event("1กก12", 15), event("1กก13", 10)
    pipeline, door = street.rig.pipeline(), street.api()
    assert door.post(first) == 200
    assert street.passages(1) == 1
    # The camera never heard the answer, and the API has forgotten: the log has not.
    door.process.stop()
    door = street.api()
    assert [door.post(said) for said in (first, second, first)] == [200, 200, 200]
    assert street.passages(2) == 2
    pipeline.kill()
    assert door.post(third) == 200
    street.rig.pipeline()
    assert street.passages(3) == 3
    assert street._count("SELECT count(*) FROM rejection") == 0
    plates = ("1กก11", "1กก12", "1กก13", street.password)
    assert not any(plate in line for process in street.rig.started for line in process.said for plate in plates)


@pytest.mark.slow
def test_who_may_post_is_decided_by_command_and_noted(street: Street, tmp_path: Path) -> None:
    environment = street.environment | {"ANDAMAN_DATA_DIR": str(tmp_path)}
    assert Process(["receiver", "list"], environment).wait() == 0
    process = Process(["receiver", "password", "cam-402-44"], environment)
    assert process.wait() == 1 and "does not post over HTTP" in process.said[-1]
    process = Process(["device", "revoke", CAMERA], environment)
    assert process.wait() == 1 and "andaman receiver" in process.said[-1]
    assert Process(["receiver", "revoke", CAMERA], street.environment).wait() == 0
    assert street.api().post(event("1กก14", 5)) == 401
    noted = street.log.execute("SELECT action FROM audit WHERE subject = %s ORDER BY n", [CAMERA]).fetchall()
    assert noted == [("renew_post_password",), ("revoke_post_password",)]
