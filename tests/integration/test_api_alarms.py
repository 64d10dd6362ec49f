"""What people do about alarms: audited, told to everybody who watches, and never twice by mistake."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.fixtures.api_rig import Rig, api_rig
from tests.fixtures.sse import following


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        made.rows.shard(1)
        made.rows.batch(1)
        yield made


@pytest.fixture
def operator(rig: Rig) -> httpx.Client:
    return rig.client("operator")


def handle(client: httpx.Client, alarm: UUID, action: str, **more: Any) -> httpx.Response:
    return client.post(f"/api/v1/alarms/{alarm}/handling", json={"action": action, **more})


def handled(client: httpx.Client, alarm: UUID, action: str, **more: Any) -> dict[str, Any]:
    answer = handle(client, alarm, action, **more)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == str(alarm)
    found: dict[str, Any] = answer.json()["handling"]
    return found


def soon(time: timedelta) -> str:
    return (datetime.now(UTC) + time).isoformat()


def test_an_alarm_is_acknowledged_once_and_the_second_is_told_by_whom(rig: Rig, operator: httpx.Client) -> None:
    alarm = rig.rows.alarm()
    state = handled(operator, alarm, "acknowledge", note="smoke seen on camera 12")
    assert (state["acknowledged_by"], state["note"]) == ("operator-1", "smoke seen on camera 12")
    again = handle(rig.client("admin"), alarm, "acknowledge")
    assert again.status_code == 409 and "operator-1 has acknowledged it" in again.json()["detail"]


def test_an_alarm_that_begins_again_is_to_be_acknowledged_anew(rig: Rig, operator: httpx.Client) -> None:
    alarm = rig.rows.alarm()
    handled(operator, alarm, "assign", to="operator-1")
    handled(operator, alarm, "acknowledge")
    rig.rows.alarm(id=alarm, revision=2)
    assert handled(operator, alarm, "note", note="grows")["acknowledged_by"] == "operator-1", "new figures alone"
    rig.rows.alarm(id=alarm, revision=3, condition="normal")
    rig.rows.alarm(id=alarm, revision=4)
    state = handled(operator, alarm, "note", note="again")
    assert (state["acknowledged_by"], state["assigned_to"]) == (None, "operator-1")
    assert handled(rig.client("admin"), alarm, "acknowledge")["acknowledged_by"] == "admin-1"


def test_an_alarm_is_shelved_for_a_while_with_a_reason_and_taken_back(rig: Rig, operator: httpx.Client) -> None:
    alarm, until = rig.rows.alarm(), soon(timedelta(hours=2))
    state = handled(operator, alarm, "shelve", until=until, note="crew on the mast")
    assert datetime.fromisoformat(state["shelved_until"]) == datetime.fromisoformat(until)
    assert handled(operator, alarm, "unshelve")["shelved_until"] is None
    assert handle(operator, alarm, "unshelve").status_code == 409


def test_an_alarm_is_given_to_somebody_who_handles_alarms_and_taken_back(rig: Rig, operator: httpx.Client) -> None:
    alarm = rig.rows.alarm()
    assert handled(operator, alarm, "assign", to="admin-1")["assigned_to"] == "admin-1"
    assert not handled(operator, alarm, "assign", to="")["assigned_to"]
    for name in ("police-1", "nobody"):
        assert handle(operator, alarm, "assign", to=name).status_code == 422


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"action": "shelve", "note": "crew on the mast"}, "body.until"),
        ({"action": "shelve", "until": timedelta(hours=1), "note": "x"}, "body.note"),
        ({"action": "shelve", "until": timedelta(hours=25), "note": "crew on the mast"}, "within the next 24 hours"),
        ({"action": "shelve", "until": timedelta(hours=-1), "note": "crew on the mast"}, "within the next 24 hours"),
        ({"action": "shelve", "until": "2026-11-22T10:00:00", "note": "crew on the mast"}, "offset"),
        ({"action": "acknowledge", "until": timedelta(hours=1)}, "body.until"),
        ({"action": "acknowledge", "to": "operator-1"}, "body.to"),
        ({"action": "assign"}, "body.to"),
        ({"action": "note"}, "body.note"),
        ({"action": "note", "note": "a\u202eb"}, "invisible"),
        ({"action": "delete"}, "action"),
        ({"action": "acknowledge", "reason": "x"}, "reason"),
        ({}, "action"),
    ],
)
def test_what_an_action_needs_or_must_not_have_is_named(
    rig: Rig, operator: httpx.Client, body: dict[str, Any], named: str
) -> None:
    alarm = rig.rows.alarm()
    # From now on, and not from when the tests were collected: that may be an hour ago.
    said = {key: soon(value) if isinstance(value, timedelta) else value for key, value in body.items()}
    answer = operator.post(f"/api/v1/alarms/{alarm}/handling", json=said)
    assert answer.status_code == 422 and named in answer.json()["detail"], answer.text


def test_no_such_alarm_is_said_and_nothing_is_kept(rig: Rig, operator: httpx.Client) -> None:
    ghost = uuid4()
    assert handle(operator, ghost, "acknowledge").status_code == 404
    assert str(ghost) not in str(rig.rows.audit())


def test_everything_done_about_an_alarm_is_in_the_audit_log(rig: Rig, operator: httpx.Client) -> None:
    alarm = rig.rows.alarm(kind="silence", device="cam-402-02")
    handled(operator, alarm, "assign", to="admin-1", note="please look")
    entry = ("operator-1", "operator", "alarm_assign", str(alarm), "please look", "",
             {"kind": "silence", "subject": "cam-402-02", "revision": 1, "to": "admin-1"})  # fmt: skip
    assert entry in rig.rows.audit()


def test_whoever_watches_is_told_what_somebody_did(rig: Rig, operator: httpx.Client) -> None:
    alarm = rig.rows.alarm()
    with following(rig.client("admin"), kinds="alarm") as stream:
        handled(operator, alarm, "acknowledge")
        event = stream.next()
        while event is not None and event.data["id"] != str(alarm):
            event = stream.next()
        assert event is not None and event.kind == "alarm"
        assert event.data["handling"]["acknowledged_by"] == "operator-1"


def test_what_was_done_while_the_live_connection_was_lost_is_told_all_the_same(
    rig: Rig, operator: httpx.Client
) -> None:
    alarm = rig.rows.alarm()
    with following(rig.client("admin"), kinds="alarm") as stream:
        rig.rows.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'andaman live events' AND datname = current_database()"
        )
        handled(operator, alarm, "note", note="cable cut by a digger")
        event = stream.next()
        while event is not None and event.data["id"] != str(alarm):
            event = stream.next()
        assert event is not None and event.data["handling"]["note"] == "cable cut by a digger"


def test_a_cookie_handles_nothing_for_another_site(rig: Rig) -> None:
    alarm, browser = rig.rows.alarm(), rig.signed_in("operator")
    body = {"action": "acknowledge"}
    assert browser.post(f"/api/v1/alarms/{alarm}/handling", json=body).status_code == 403
    answer = browser.post(f"/api/v1/alarms/{alarm}/handling", json=body, headers=rig.origin)
    assert answer.status_code == 200, answer.text
