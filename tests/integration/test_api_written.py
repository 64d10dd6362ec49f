"""What the real writer commits, as the API shows it: one shape on the live stream and in the lists."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from contracts.clock import to_us
from contracts.columns import PASSAGE, READING, Batch
from contracts.findings import Alarm, Because, Condition, Outputs, Plate, Priority, Violation, finding_id
from storage.prepared import Shard
from storage.vault import Vault
from storage.writer import Writer
from tests.fixtures.api_rig import Rig, api_rig
from tests.fixtures.small_city import PM25
from tests.fixtures.sse import Event, following

NOW_US = to_us(datetime.now(UTC).replace(microsecond=0))
BECAUSE = Because(131.0, 60.0, 70.0, 61.0, "km/h", "speed_kmh <= 70", "regulation", {"vehicle": "car"})


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        yield made


@pytest.fixture(scope="module")
def events(rig: Rig, role_dsn: Callable[[str], str]) -> dict[str, Event]:
    """The live events of one batch with a reading, a passage, a violation and an alarm."""
    vault: Vault = rig.rows._vault
    camera, air = rig.rows.no["cam-402-01"], rig.rows.no["air-01"]
    reading, passage = np.zeros(1, READING), np.zeros(1, PASSAGE)
    for rows, place, device in ((reading, 0, air), (passage, 1, camera)):
        rows["place"], rows["device"], rows["boot"], rows["seq"] = place, device, 1, 1
        rows["received_us"] = rows["event_us"] = NOW_US
    reading["metric"], reading["value"] = PM25, 41.0
    plate = vault.seal("1กข1234|TH-83", "1กข1234", NOW_US)
    passage["lane"], passage["direction"], passage["vehicle"], passage["speed_kmh"] = 1, 1, 2, 131.0
    passage["plate_state"], passage["plate_day"], passage["plate_sealed"] = 1, plate.day, np.void(plate.sealed)
    violation = Violation(
        finding_id("v"), 1, "speeding", 1, camera, "wichit", NOW_US, 1, 1, 2, BECAUSE, offence="speeding",
        plate_state=1, plate=Plate(plate.day, plate.hash, plate.sealed),
    )  # fmt: skip
    alarm = Alarm(
        finding_id("a"), 1, "pm25-24h", "pm25-24h", 1, "air-01", air, "wichit", Priority.MEDIUM, Condition.ACTIVE,
        NOW_US, NOW_US, BECAUSE,
    )  # fmt: skip
    batch = Batch(1, NOW_US - 1_000_000, NOW_US, readings=reading, passages=passage)
    writer = Writer(role_dsn("pipeline"), Shard(1, rig.rows.city.id, "simulated"), vault, rig.rows.city)
    with following(rig.client("admin"), kinds="values,violation,alarm") as stream:
        writer.open()
        writer.commit(writer.prepare(batch, Outputs(violations=(violation,), alarms=(alarm,))))
        found = [event for event in (stream.next(), stream.next(), stream.next()) if event]
    writer.close()
    return {event.kind: event for event in found}


def test_values_and_records_on_the_stream_are_those_of_the_latest(rig: Rig, events: dict[str, Event]) -> None:
    latest = rig.client("operator").get("/api/v1/latest").json()
    for value in latest["values"]:
        del value["unit"]
    assert events["values"].data == latest
    assert latest["values"][0]["device"] == "air-01" and latest["records"][0]["device"] == "cam-402-01"


def test_a_violation_on_the_stream_is_that_of_the_list(rig: Rig, events: dict[str, Event]) -> None:
    (listed,) = rig.client("operator").get("/api/v1/violations").json()["items"]
    live = dict(events["violation"].data)
    assert (
        abs(datetime.fromisoformat(live.pop("recorded_at")) - datetime.fromisoformat(listed.pop("recorded_at"))).seconds
        < 60
    )
    assert live == listed
    assert (listed["speed_kmh"], listed["limit_kmh"], listed["space"], listed["plate"]) == (
        131.0,
        60.0,
        "simulated",
        None,
    )


def test_an_alarm_on_the_stream_is_that_of_the_list(rig: Rig, events: dict[str, Event]) -> None:
    (listed,) = rig.client("operator").get("/api/v1/alarms").json()["items"]
    assert events["alarm"].data == listed


def test_the_plate_that_the_writer_sealed_opens_for_a_purpose(rig: Rig, events: dict[str, Event]) -> None:
    police = rig.client("police")
    (masked,) = police.get("/api/v1/violations").json()["items"]
    (clear,) = police.get("/api/v1/violations?purpose=a+hit+and+run").json()["items"]
    assert (masked["plate"], clear["plate"]) == ("1กข **34", "1กข 1234 TH-83")
    assert "1234" not in "".join(str(event.data) for event in events.values())
