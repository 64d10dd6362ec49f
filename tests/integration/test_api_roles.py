"""Who may see what: a table of every address against every role, and nothing at all for a stranger."""

from collections.abc import Callable, Iterator

import pytest

from api.live import KINDS
from contracts.answers import Role
from tests.fixtures.api_rig import Rig, api_rig

OPERATOR, POLICE, DEVELOPER, ADMIN = Role.OPERATOR, Role.POLICE, Role.DEVELOPER, Role.ADMIN
EVERYBODY = {OPERATOR, POLICE, DEVELOPER, ADMIN}
LIVE = {OPERATOR, DEVELOPER, ADMIN}
PURPOSE = "purpose=a hit and run of last night"

TABLE = {
    ("GET", "/api/v1/session"): EVERYBODY,
    ("DELETE", "/api/v1/session"): EVERYBODY,
    ("GET", "/api/v1/cities"): EVERYBODY,
    ("GET", "/api/v1/cities/{city}"): EVERYBODY,
    ("GET", "/api/v1/cities/{city}/basemap/{name}"): EVERYBODY,
    ("GET", "/api/v1/devices"): EVERYBODY,
    ("GET", "/api/v1/latest"): LIVE,
    ("GET", "/api/v1/windows"): LIVE,
    ("GET", "/api/v1/violations"): {OPERATOR, POLICE, ADMIN},
    ("GET", "/api/v1/violations.csv"): {POLICE, ADMIN},
    ("GET", "/api/v1/violations/{violation}"): {OPERATOR, POLICE, ADMIN},
    ("GET", "/api/v1/alarms"): {OPERATOR, ADMIN},
    ("POST", "/api/v1/alarms/{alarm}/handling"): {OPERATOR, ADMIN},
    ("GET", "/api/v1/jobs"): LIVE,
    ("POST", "/api/v1/jobs/{job}/cancel"): {DEVELOPER, ADMIN},
    ("GET", "/api/v1/rejections"): {DEVELOPER, ADMIN},
    ("GET", "/api/v1/proposals"): {DEVELOPER, ADMIN},
    ("POST", "/api/v1/proposals/{device}/adopt"): {ADMIN},
    ("POST", "/api/v1/proposals/{device}/dismiss"): {ADMIN},
    ("POST", "/api/v1/devices"): {ADMIN},
    ("POST", "/api/v1/devices/{device}/rotate"): {ADMIN},
    ("POST", "/api/v1/devices/{device}/revoke"): {ADMIN},
    ("POST", "/api/v1/devices/{device}/remove"): {ADMIN},
    ("POST", "/api/v1/invitations"): {ADMIN},
    ("GET", "/api/v1/rejections/counts"): {DEVELOPER, ADMIN},
    ("GET", "/api/v1/rejections/{rejection}/bytes"): {DEVELOPER, ADMIN},
    ("POST", "/api/v1/rejections/feed-in"): {DEVELOPER, ADMIN},
    ("GET", "/api/v1/rear-views"): {DEVELOPER, ADMIN},
    ("GET", "/api/v1/late"): {DEVELOPER, ADMIN},
    ("GET", "/api/v1/live"): EVERYBODY,
    ("GET", "/api/v1/openapi.json"): EVERYBODY,
    ("GET", "/api/v1/asyncapi.json"): EVERYBODY,
    ("GET", "/metrics"): {DEVELOPER, ADMIN},
}
OPEN = {("GET", "/api/v1/health"), ("GET", "/api/v1/ready"), ("POST", "/api/v1/session")}
"""What a stranger may ask; signing in is how one stops being one."""
VALUES = {
    "{city}": "phuket",
    "{name}": "outline",
    "{violation}": "00000000-0000-0000-0000-000000000000",
    "{alarm}": "00000000-0000-0000-0000-000000000000",
    "{job}": "1",
    "{device}": "nobody",
    "{rejection}": "0-1-0",
}
QUERIES = {"/api/v1/windows": "?device=air-01&metric=pm2_5"}


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        made.rows.shard(1)
        made.rows.batch(1)
        yield made


def address(path: str) -> str:
    for name, value in VALUES.items():
        path = path.replace(name, value)
    return path + QUERIES.get(path, "")


def status(rig: Rig, role: Role | None, method: str, path: str) -> int:
    """The status of an answer; a stream is opened and left."""
    with rig.client(role).stream(method, address(path)) as answer:
        return answer.status_code


def test_the_table_names_every_address_there_is(rig: Rig) -> None:
    paths = rig.client(DEVELOPER).get("/api/v1/openapi.json").json()["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert found == set(TABLE) | OPEN


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(rig: Rig, method: str, path: str) -> None:
    allowed = {role for role in Role if status(rig, role, method, path) != 403}
    assert allowed == TABLE[method, path]


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_a_stranger_is_told_to_sign_in_and_nothing_else(rig: Rig, method: str, path: str) -> None:
    answer = rig.client().request(method, address(path))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_health_says_that_we_live_and_no_more(rig: Rig) -> None:
    assert rig.client().get("/api/v1/health").json() == {"status": "ok"}


def test_readiness_says_whether_we_can_serve(rig: Rig) -> None:
    answer = rig.client().get("/api/v1/ready")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "database", "migrations", "last_batch_age_s"}


def test_a_purpose_opens_no_plates_to_an_operator(rig: Rig) -> None:
    for path in ("/api/v1/violations", f"/api/v1/violations/{VALUES['{violation}']}"):
        answer = rig.client(OPERATOR).get(f"{path}?{PURPOSE}")
        assert answer.status_code == 403 and "police" in answer.json()["detail"]


@pytest.mark.parametrize("role", Role)
def test_the_live_stream_refuses_kinds_that_a_role_does_not_see(rig: Rig, role: Role) -> None:
    for kind in ("values", "violation", "alarm", "job"):
        with rig.client(role).stream("GET", f"/api/v1/live?kinds={kind}") as answer:
            assert (answer.status_code == 200) == (kind in KINDS[role])


def test_metrics_count_what_the_database_holds(rig: Rig) -> None:
    text = rig.client(DEVELOPER).get("/metrics").text
    assert 'andaman_batches_total{shard="1"} 1.0' in text
    rig.rows.batch(1, rejects=[{"device": -1, "reason": "future", "count": 3, "boot": [], "seq": []}])
    text = rig.client(DEVELOPER).get("/metrics").text
    assert 'andaman_batches_total{shard="1"} 2.0' in text
    assert 'andaman_rejections_total{reason="future"} 3.0' in text
