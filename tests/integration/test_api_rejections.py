"""Rejections: counted and listed for developers; their bytes for a stated purpose alone, which is audited first."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.errors import StorageUnavailable
from storage.vault import thai_day
from tests.fixtures.api_rig import Rig, api_rig

NOW = datetime.now(UTC).replace(microsecond=0)
PURPOSE = "what the station says since its update"
READINGS = "andaman/v1/testville/wichit/air-01/readings"
PASSAGE = "andaman/v1/testville/wichit/cam-402-01/passage"
PLATE = '{"records": [{"plates": [{"text": "1กข1234"}]}]}'


@pytest.fixture(scope="module")
def made(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        made.rows.shard(1)
        made.rows.batch(1, NOW)
        yield made


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.rows.execute("TRUNCATE rejection, rejection_fate")
    return made


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def bytes_of(rig: Rig, role: str, rejection: str, purpose: str = PURPOSE) -> httpx.Response:
    return rig.client(role).get(f"/api/v1/rejections/{rejection}/bytes", params={"purpose": purpose})


def test_they_are_counted_by_reason_and_device_from_first_to_last(rig: Rig) -> None:
    for i in range(3):
        rig.rows.rejection("schema", "", NOW - timedelta(minutes=i), "air-01", READINGS, i=i)
    rig.rows.rejection("schema", "more of this", NOW - timedelta(hours=1), "air-01", READINGS, b"", 500, 3)
    rig.rows.rejection("unknown_device", "", NOW, None, READINGS.replace("air-01", "air-99"), i=4)
    rig.rows.execute(
        "INSERT INTO rejection_fate VALUES"
        " (1, 1, 0, %s, 'accepted', '', '', 7), (1, 1, 1, %s, 'rejected', 'past', '', 7)",
        NOW, NOW,
    )  # fmt: skip
    known, unknown = items(rig.client("developer").get("/api/v1/rejections/counts"))
    names = ("reason", "device", "count", "accepted", "rejected", "unreadable", "waiting")
    assert tuple(known[name] for name in names) == ("schema", "air-01", 503, 1, 1, 0, 2)
    assert datetime.fromisoformat(known["first_at"]) == NOW - timedelta(hours=1)
    assert datetime.fromisoformat(known["last_at"]) == NOW
    assert tuple(unknown[name] for name in names) == ("unknown_device", None, 1, 0, 0, 0, 1)
    assert len(items(rig.client("admin").get("/api/v1/rejections/counts?device=air-99"))) == 1


def test_the_list_names_each_and_what_became_of_it_and_holds_no_bytes(rig: Rig) -> None:
    kept = rig.rows.rejection("unknown_metric", "air-01 has pm2_5", NOW, "air-01", READINGS, b"0123456789")
    rig.rows.execute(
        "INSERT INTO rejection_fate VALUES (1, 1, 0, %s, 'rejected', 'out_of_range', '-1 is outside', 7)", NOW
    )
    (item,) = items(rig.client("developer").get("/api/v1/rejections"))
    assert (item["id"], item["topic"], item["bytes"], item["device"]) == (kept, READINGS, 10, "air-01")
    assert (item["fate"]["outcome"], item["fate"]["reason"]) == ("rejected", "out_of_range")
    assert "0123456789" not in str(item)


def test_bytes_need_a_purpose_that_is_in_the_audit_log_before_they_are_opened(rig: Rig) -> None:
    kept = rig.rows.rejection("schema", "", NOW, "air-01", READINGS, b'{"records": 1}')
    client = rig.client("developer")
    assert client.get(f"/api/v1/rejections/{kept}/bytes").status_code == 422
    assert bytes_of(rig, "developer", kept, "x").status_code == 422
    answer = bytes_of(rig, "developer", kept)
    assert answer.json() == {
        "id": kept, "topic": READINGS, "encoding": "utf-8", "payload": '{"records": 1}', "cut": False
    }  # fmt: skip
    assert rig.rows.audit()[-1][:5] == ("developer-1", "developer", "reveal_rejection", kept, PURPOSE)


def test_no_bytes_are_opened_when_the_audit_log_cannot_be_written(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = rig.rows.rejection("schema", "", NOW, "air-01", READINGS)

    def away(*_: object) -> None:
        raise StorageUnavailable("the audit log cannot be written")

    monkeypatch.setattr(rig.desk.__class__, "audit", away)
    answer = bytes_of(rig, "admin", kept)
    assert answer.status_code == 503 and "secret" not in answer.text


def test_bytes_that_may_hold_a_plate_are_for_administrators_alone(rig: Rig) -> None:
    """What a camera says of a vehicle, and whatever came under no legal topic."""
    passage = rig.rows.rejection("schema", "", NOW, "cam-402-01", PASSAGE, PLATE.encode())
    hostile = rig.rows.rejection("topic", "", NOW, None, "somewhere/else", PLATE.encode(), i=1)
    before = len(rig.rows.audit())
    for kept in (passage, hostile):
        answer = bytes_of(rig, "developer", kept)
        assert answer.status_code == 403 and "1กข1234" not in answer.text
        assert bytes_of(rig, "admin", kept).json()["payload"] == PLATE
    assert len(rig.rows.audit()) == before + 2, "what was not opened is no reveal"


def test_bytes_that_are_no_text_come_in_base64(rig: Rig) -> None:
    kept = rig.rows.rejection("not_json", "", NOW, "air-01", READINGS, b"\xff\x00")
    assert (bytes_of(rig, "admin", kept).json()["encoding"], bytes_of(rig, "admin", kept).json()["payload"]) == (
        "base64",
        "/wA=",
    )


def test_bytes_whose_keys_are_destroyed_are_gone(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> None:
    long_ago = NOW - timedelta(days=40)
    kept = rig.rows.rejection("schema", "", long_ago, "air-01", READINGS)
    rig.rows._vault.destroy(thai_day(int(long_ago.timestamp() * 1_000_000)))
    assert bytes_of(rig, "admin", kept).status_code == 410


@pytest.mark.parametrize("rejection", ["9-9-9", "1-1-77"])
def test_what_is_not_there_is_not_found(rig: Rig, rejection: str) -> None:
    assert bytes_of(rig, "admin", rejection).status_code == 404


@pytest.mark.parametrize("rejection", ["1", "1-1", "a-b-c", "1-1-1-1", "1-1-9999999999", "%00-1-1"])
def test_what_is_no_id_is_refused(rig: Rig, rejection: str) -> None:
    assert bytes_of(rig, "admin", rejection).status_code in (404, 422)


def test_feeding_in_is_a_job_and_audited(rig: Rig) -> None:
    client = rig.client("developer")
    answer = client.post("/api/v1/rejections/feed-in?reason=schema&device=air-01&from=2026-11-01T00:00:00Z")
    assert answer.status_code == 202
    job = rig.rows.execute("SELECT kind, args, made_by FROM job WHERE id = %s", int(answer.json()["id"]))
    wanted = {"reason": "schema", "device": "air-01", "from_at": "2026-11-01T00:00:00Z"}
    assert job == [("feed-in", wanted, "developer-1")]
    actor, role, action, *_, detail = rig.rows.audit()[-1]
    assert (actor, role, action, detail) == ("developer-1", "developer", "feed_in_rejections", wanted)
    assert client.post("/api/v1/rejections/feed-in?devcie=air-01").status_code == 422
