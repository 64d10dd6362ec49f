"""Whatever stands in a query, a path, a header or a body: the answer is ours, and never a 500."""

from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.api_rig import Rig, api_rig

PATHS = ("devices", "latest", "windows", "violations", "violations.csv", "alarms", "rejections", "late", "jobs")
NAMES = ("city", "zone", "type", "device", "metric", "lane", "from", "to", "limit", "cursor", "purpose", "case", "rule",
         "condition", "kind", "reason", "lang", "kinds")  # fmt: skip
NASTY = st.sampled_from(
    [
        *("", "\0", "a\0b", "' OR 1=1 --", "%", "_", "..", "../../etc/passwd", "\r\n", "[]", "{}", "true", "null"),
        *("1e400", "NaN", "-1", "0", "9" * 40, "1700000000", "１２"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-22", "2026-11-22T10:00:00"),
        *("20261122T100000Z", "2026-W47-7T10:00:00Z", "\ud7ff", "\U0010ffff", "😀", "ก" * 300),
        *("e30", "W10", "WyJhIl0", "WzEsMl0", "WyIyMDI2LTExLTIyVDAwOjAwOjAwWiIsIC0xXQ"),
        *("wichit", "air-01", "pm2_5"),
    ]
)
BODIES = st.sampled_from(
    [
        b"[" * 30_000,
        b'{"username":"\\ud800","password":"\\ud800"}',
        b'{"username":"a\\u0000","password":"x"}',
        b'{"\\ud800":1}',
        b'{"username":1,"password":[]}',
        b"\xff",
        b"null",
    ]
)
VALUES = NASTY | st.text(st.characters(codec="utf-8"), max_size=40) | st.integers().map(str) | st.datetimes().map(str)
# The client's patience bounds each answer.
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        made.rows.shard(1)
        made.rows.batch(1)
        made.rows.violation()
        yield made


@pytest.fixture(scope="module")
def admin(rig: Rig) -> httpx.Client:
    return rig.client("admin")


@pytest.fixture(scope="module")
def stranger(rig: Rig) -> httpx.Client:
    return rig.client()


def check(answer: httpx.Response) -> None:
    """Either an answer, or a problem that a person can read."""
    assert answer.status_code < 500, (answer.request.url, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code and problem["title"] and problem["detail"]


@SETTINGS
@given(path=st.sampled_from(PATHS), query=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4))
def test_no_query_string_breaks_a_list(admin: httpx.Client, path: str, query: list[tuple[str, str]]) -> None:
    check(admin.get(f"/api/v1/{path}?{urlencode(query)}"))


@SETTINGS
@given(path=st.sampled_from(PATHS), name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_a_parameter_that_nobody_knows_is_refused(admin: httpx.Client, path: str, name: str) -> None:
    answer = admin.get(f"/api/v1/{path}", params={f"x{name}": "1"})
    check(answer)
    assert answer.status_code == 422


@SETTINGS
@given(start=st.sampled_from(["cities", "violations", "cities/phuket/basemap", "jobs", ""]), rest=VALUES)
def test_no_path_breaks_a_route(admin: httpx.Client, start: str, rest: str) -> None:
    check(admin.get(f"/api/v1/{start}/{quote(rest, safe='')}"))


@SETTINGS
@given(body=st.binary(max_size=200) | BODIES)
def test_no_body_breaks_the_sign_in(stranger: httpx.Client, body: bytes) -> None:
    answer = stranger.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    check(answer)
    assert answer.status_code in (401, 422, 429, 400)


@SETTINGS
@given(value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=600))
def test_no_cookie_and_no_token_lets_a_stranger_in(stranger: httpx.Client, value: str) -> None:
    for headers in ({"Cookie": f"andaman_session={value}"}, {"Authorization": f"Bearer {value}"}):
        answer = stranger.get("/api/v1/cities", headers=headers)
        check(answer)
        assert answer.status_code == 401


def test_an_unknown_method_is_a_405_with_those_that_are_known(admin: httpx.Client) -> None:
    answer = admin.put("/api/v1/devices")
    check(answer)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET"
