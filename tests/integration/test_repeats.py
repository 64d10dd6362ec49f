"""A repeat of a message that is older than the memory is one record, however close behind the first it comes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contracts import wire
from contracts.records import Passage, PlateRead
from contracts.topics import Kind
from ingest.connection import Broker
from tests.fixtures.path_rig import PASSWORD, PathRig, path_rig
from tests.servers import BrokerServer

CAMERA = "cam-402-44"
MESSAGES, REPEATS = 20, 6


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as made:
        yield made


def speeding() -> Passage:
    plates = [PlateRead("1กข 1234", 0.97, "TH-83")]
    return Passage(t=datetime.now(UTC), lane=1, vehicle="car", direction="backward", speed_kmh=131, plates=plates)


def test_a_repeat_from_before_the_last_boot_breaks_nothing(rig: PathRig, role_dsn: Callable[[str], str]) -> None:
    pipeline = rig.pipeline()
    rig.publish(CAMERA, Kind.PASSAGE, speeding(), boot=2, seq=1)
    address = Broker.of(rig.url)
    device = mqtt.Client(CallbackAPIVersion.VERSION2, "", protocol=mqtt.MQTTv5)
    device.username_pw_set(CAMERA, PASSWORD)
    device.max_inflight_messages_set(MESSAGES * REPEATS)
    device.connect(address.host, address.port)
    device.loop_start()
    for seq in range(1, MESSAGES + 1):
        payload = wire.encode(Kind.PASSAGE, [speeding()], 1, seq)
        for _ in range(REPEATS):
            device.publish(rig.topic(CAMERA, Kind.PASSAGE), payload, 1).wait_for_publish(10)
    device.disconnect()
    device.loop_stop()
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        rig.publish(CAMERA, Kind.PASSAGE, speeding(), boot=2, seq=2)
        while _one(connection, "SELECT count(*) FROM log_passage WHERE boot = 2") < 2:
            next(connection.notifies(timeout=1.0), None)
        assert _one(connection, "SELECT count(*) FROM log_passage WHERE boot = 1") == MESSAGES
        assert _one(connection, "SELECT count(*) FROM violation") == MESSAGES + 2
        assert _one(connection, "SELECT count(*) FROM rejection") == 0
    assert not [line for line in pipeline.said if "taking it apart" in line]


def _one(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
