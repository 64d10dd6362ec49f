"""Violations: masked until a purpose is stated, every reveal in the audit log first, pages that do not shift."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.fixtures.api_rig import Rig, api_rig
from tests.fixtures.city_rows import NOON

VIOLATIONS = "/api/v1/violations"
PURPOSE = "a hit and run at Ko Kaeo"


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        made.rows.shard(1, "simulated")
        made.rows.shard(2, "replay")
        made.rows.batch(1)
        yield made


@pytest.fixture(autouse=True)
def empty(rig: Rig) -> None:
    rig.rows.execute("TRUNCATE violation, violation_plate, audit")


def test_police_see_plates_masked_and_nobody_else_sees_any(rig: Rig) -> None:
    id = rig.rows.violation(plate="1กข1234|TH-83")
    for role, plate in (("police", "1กข **34"), ("operator", None), ("admin", None)):
        listed = rig.client(role).get(VIOLATIONS).json()["items"][0]
        assert (listed["plate"], listed["plate_state"]) == (plate, "clear")
        assert rig.client(role).get(f"{VIOLATIONS}/{id}").json()["plate"] == plate


def test_a_purpose_reveals_plates_and_is_in_the_audit_log(rig: Rig) -> None:
    first, second = rig.rows.violation(), rig.rows.violation(plate=None, at=NOON - timedelta(minutes=1))
    answer = rig.client("police").get(VIOLATIONS, params={"purpose": PURPOSE, "case": "คดี 12/2569"})
    assert [item["plate"] for item in answer.json()["items"]] == ["1กข 1234 TH-83", None]
    named = {"violations": [str(first), str(second)]}
    assert rig.rows.audit() == [("police-1", "police", "reveal", "2 violations", PURPOSE, "คดี 12/2569", named)]


def test_no_plate_is_revealed_when_the_audit_log_cannot_be_written(rig: Rig) -> None:
    rig.rows.violation()
    rig.rows.execute("REVOKE EXECUTE ON FUNCTION audit_append FROM andaman_api")
    try:
        answer = rig.client("police").get(VIOLATIONS, params={"purpose": PURPOSE})
    finally:
        rig.rows.execute("GRANT EXECUTE ON FUNCTION audit_append TO andaman_api")
    assert answer.status_code == 500 and "1234" not in answer.text


@pytest.mark.parametrize(
    "purpose", ["", "short", "          ", "aaaaaaaaaaaaaaa", "hidden\u202epurpose of mine", "x" * 501]
)
def test_a_purpose_that_says_nothing_is_refused(rig: Rig, purpose: str) -> None:
    rig.rows.violation()
    answer = rig.client("police").get(VIOLATIONS, params={"purpose": purpose})
    assert answer.status_code == 422 and "purpose" in answer.json()["detail"]
    assert rig.rows.audit() == []


def test_looking_at_one_violation_and_exporting_are_audited(rig: Rig) -> None:
    id = rig.rows.violation()
    police = rig.client("police")
    police.get(f"{VIOLATIONS}/{id}")
    police.get(f"{VIOLATIONS}.csv")
    assert [(row[2], row[3]) for row in rig.rows.audit()] == [("view", str(id)), ("export", str(id))]


@pytest.mark.parametrize("role", ["operator", "police", "admin"])
def test_whoever_looks_at_one_violation_is_in_the_audit_log(rig: Rig, role: str) -> None:
    id = rig.rows.violation()
    assert rig.client(role).get(f"{VIOLATIONS}/{id}").status_code == 200
    assert [row[:4] for row in rig.rows.audit()] == [(f"{role}-1", role, "view", str(id))]


def test_the_audit_log_stays_an_unbroken_chain(rig: Rig) -> None:
    rig.rows.violation()
    for _ in range(3):
        rig.client("police").get(VIOLATIONS, params={"purpose": PURPOSE})
    assert rig.rows.execute("SELECT audit_first_broken()") == [(None,)]


def test_only_the_newest_revision_is_shown(rig: Rig) -> None:
    id = rig.rows.violation()
    rig.rows.violation(id=id, revision=2, reason="device out of calibration")
    (item,) = rig.client("police").get(VIOLATIONS).json()["items"]
    assert (item["revision"], item["chargeable"], item["reason"]) == (2, False, "device out of calibration")
    assert item["plate"] == "1กข **34"


def test_cases_are_told_apart_by_where_they_stand(rig: Rig) -> None:
    reasons = {"": "chargeable", "doubtful_plate": "second_look", "possible_clone": "second_look"}
    reasons["dirty_lens"] = "not_chargeable"
    stands = {str(rig.rows.violation(reason=reason)): standing for reason, standing in reasons.items()}
    listed = rig.client("police").get(VIOLATIONS).json()["items"]
    assert {item["id"]: item["standing"] for item in listed} == stands
    for standing in set(stands.values()):
        found = rig.client("police").get(VIOLATIONS, params={"standing": standing}).json()["items"]
        assert {item["id"] for item in found} == {id for id, stood in stands.items() if stood == standing}
    assert rig.client("police").get(VIOLATIONS, params={"standing": "maybe"}).status_code == 422


def test_replays_are_not_the_city(rig: Rig) -> None:
    shown, replayed = rig.rows.violation(shard=1), rig.rows.violation(shard=2)
    (item,) = rig.client("police").get(VIOLATIONS).json()["items"]
    assert (item["id"], item["space"]) == (str(shown), "simulated")
    assert rig.client("police").get(f"{VIOLATIONS}/{replayed}").status_code == 404


def test_a_plate_whose_key_was_destroyed_is_gone_and_the_rest_is_shown(rig: Rig) -> None:
    lost, kept = rig.rows.violation(), rig.rows.violation(at=NOON - timedelta(minutes=1))
    rig.rows.execute("UPDATE violation_plate SET wrapped_key = %s WHERE id = %s", bytes(64), lost)
    plates = {item["id"]: item["plate"] for item in rig.client("police").get(VIOLATIONS).json()["items"]}
    assert plates == {str(lost): None, str(kept): "1กข **34"}


def test_filters_narrow_the_list(rig: Rig) -> None:
    early = rig.rows.violation(at=NOON - timedelta(hours=2), device="cam-402-03", rule="red-light", zone="kathu")
    late = rig.rows.violation(at=NOON)
    police = rig.client("police")

    def ids(**query: str) -> set[UUID]:
        answer = police.get(VIOLATIONS, params=query)
        assert answer.status_code == 200, answer.text
        return {UUID(item["id"]) for item in answer.json()["items"]}

    assert ids(zone="wichit") == ids(zone="mueang") == ids(rule="speeding") == ids(device="cam-402-01") == {late}
    assert ids(zone="kathu") == ids(rule="red-light") == ids(device="cam-402-03") == {early}
    assert ids(**{"from": "2026-11-22T11:00:00+07:00"}) == {late}
    assert ids(to="2026-11-22T05:00:00Z") == {early}
    assert ids(device="cam-nowhere") == set()


def test_pages_neither_repeat_nor_skip_while_violations_keep_coming(rig: Rig) -> None:
    moments = [NOON - timedelta(seconds=number // 3) for number in range(20)]  # several at the same moment
    there = [rig.rows.violation(at=moment) for moment in moments]
    police, seen, cursor = rig.client("police"), [], None
    while True:
        answer = police.get(VIOLATIONS, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [UUID(item["id"]) for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
        rig.rows.violation(at=NOON + timedelta(minutes=1))  # newer than where we are: of the first page, not of this
        rig.rows.violation(id=seen[0], at=moments[0], revision=len(seen) + 1)
    assert sorted(seen) == sorted(there)


def test_the_csv_file_holds_every_page_and_runs_no_formula(rig: Rig) -> None:
    ids = {rig.rows.violation(at=NOON - timedelta(seconds=number), plate=None) for number in range(1203)}
    ids.add(rig.rows.violation(reason='=HYPERLINK("http://evil.example")', zone="kathu"))
    answer = rig.client("police").get(f"{VIOLATIONS}.csv", params={"purpose": PURPOSE, "lang": "th"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heading, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert "ทะเบียนรถ" in heading
    assert {UUID(row[0]) for row in rows} == ids
    (suspect,) = [row for row in rows if row[heading.index("พื้นที่")] == "kathu"]
    assert suspect[heading.index("เหตุผลที่ดำเนินคดีไม่ได้")].startswith("'=")
    assert suspect[heading.index("ทะเบียนรถ")] == "1กข 1234 TH-83"
    audited = [id for row in rig.rows.audit() for id in row[6]["violations"]]  # type: ignore[index]
    assert {UUID(id) for id in audited} == ids


def test_an_unknown_violation_is_a_clear_404(rig: Rig) -> None:
    answer = rig.client("police").get(f"{VIOLATIONS}/{uuid4()}")
    assert answer.status_code == 404 and answer.json()["title"] == "Not Found"
