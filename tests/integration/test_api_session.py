"""Signing in as a browser does: a cookie that scripts cannot read, that no other site can use, and that ends."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from api.throttle import FREE_FAILURES, FREE_FAILURES_ADDRESS, Throttle
from contracts.errors import ConfigError
from storage.desk import DatabaseDesk
from tests.fixtures.api_rig import PASSWORD, Rig, api_rig, served

SESSION = "/api/v1/session"


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with api_rig(role_dsn, tmp_path_factory.mktemp("api")) as made:
        yield made


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(rig: Rig) -> None:
    answer = rig.client().post(SESSION, json={"username": "operator-1", "password": PASSWORD})
    assert answer.json() == {"name": "operator-1", "role": "operator"}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("andaman_session=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_the_cookie_says_who_one_is_until_one_signs_out(rig: Rig) -> None:
    client = rig.signed_in("developer")
    stolen = client.cookies["andaman_session"]
    assert client.get(SESSION).json()["role"] == "developer"
    assert client.delete(SESSION, headers=rig.origin).status_code == 204
    client.cookies.set("andaman_session", stolen)
    assert client.get(SESSION).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
                                     {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}])  # fmt: skip
def test_a_cookie_writes_nothing_for_another_site(rig: Rig, headers: dict[str, str]) -> None:
    client = rig.signed_in("admin")
    assert client.delete(SESSION, headers=headers).status_code == 403
    assert client.post("/api/v1/jobs/1/cancel", headers=headers).status_code == 403
    assert client.get(SESSION).status_code == 200


def test_our_own_page_may_write(rig: Rig) -> None:
    client = rig.signed_in("admin")
    assert client.post("/api/v1/jobs/1/cancel", headers=rig.origin).status_code == 404
    assert client.post("/api/v1/jobs/1/cancel", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 404


def test_another_site_cannot_sign_a_browser_in(rig: Rig) -> None:
    body = {"username": "operator-1", "password": PASSWORD}
    answer = rig.client().post(SESSION, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


def test_a_form_cannot_sign_in(rig: Rig) -> None:
    answer = rig.client().post(SESSION, content=b'{"username":"operator-1","password":"x"}',
                               headers={"Content-Type": "text/plain"})  # fmt: skip
    assert answer.status_code == 422


def test_a_wrong_password_and_an_unknown_name_look_the_same(rig: Rig) -> None:
    wrong = rig.client().post(SESSION, json={"username": "police-1", "password": "no"})
    nobody = rig.client().post(SESSION, json={"username": "nobody", "password": "no"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()


CHANGES: dict[str, Callable[[DatabaseDesk], None]] = {
    "role": lambda desk: desk.set_role("somchai", "developer"),
    "password": lambda desk: desk.set_password("somchai", PASSWORD + "!"),
    "disabled": lambda desk: desk.set_disabled("somchai", True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_new_role_a_new_password_and_disabling_end_sessions_at_once(rig: Rig, change: str) -> None:
    if "somchai" not in {user.name for user in rig.desk.users()}:
        rig.desk.add_user("somchai", "operator", PASSWORD)
    rig.desk.set_password("somchai", PASSWORD)
    client = rig.client()
    assert client.post(SESSION, json={"username": "somchai", "password": PASSWORD}).status_code == 200
    assert client.get(SESSION).status_code == 200
    CHANGES[change](rig.desk)
    assert client.get(SESSION).status_code == 401


def test_a_disabled_account_signs_in_no_more_until_it_is_given_back(rig: Rig) -> None:
    rig.desk.add_user("malee", "operator", PASSWORD)
    body = {"username": "malee", "password": PASSWORD}
    rig.desk.set_disabled("malee", True)
    assert rig.client().post(SESSION, json=body).status_code == 401
    rig.desk.set_disabled("malee", False)
    assert rig.client().post(SESSION, json=body).status_code == 200


@pytest.mark.parametrize(("name", "role", "password"), [("operator-1", "admin", PASSWORD), ("a b", "admin", PASSWORD),
                                                        ("a", "king", PASSWORD), ("a", "admin", "short")])  # fmt: skip
def test_an_account_that_cannot_be_is_refused_with_the_reason(rig: Rig, name: str, role: str, password: str) -> None:
    with pytest.raises(ConfigError) as refused:
        rig.desk.add_user(name, role, password)
    assert password not in str(refused.value)


def standing_throttle(rig: Rig) -> None:
    """One that has counted nobody yet, and whose clock stands: no pause ends while a busy machine is slow to ask."""
    rig.app.state.services = replace(rig.app.state.services, throttle=Throttle(lambda: 0.0))


def test_guessing_is_slowed_down_and_says_for_how_long(rig: Rig) -> None:
    standing_throttle(rig)
    client = rig.client()
    for _ in range(FREE_FAILURES):
        assert client.post(SESSION, json={"username": "guessed", "password": "no"}).status_code == 401
    answer = client.post(SESSION, json={"username": "guessed", "password": "no"})
    assert answer.status_code == 429 and 1 <= int(answer.headers["retry-after"]) <= 2


def test_an_altered_token_is_refused(rig: Rig) -> None:
    token = rig.client("admin").headers["authorization"]
    for bad in (token[:-1] + ("A" if token[-1] != "A" else "B"), "Bearer x", "Basic YWRtaW46YWRtaW4=", "Bearer a.b.c"):
        assert rig.client(headers={"Authorization": bad}).get(SESSION).status_code == 401


def test_every_answer_carries_the_headers_that_protect_the_page(rig: Rig) -> None:
    for path in ("/api/v1/health", "/api/v1/violations", "/nothing"):
        headers = rig.client().get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy and "worker-src 'self' blob:" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_a_large_body_is_refused_before_it_is_read(rig: Rig) -> None:
    client = rig.client()
    assert client.post(SESSION, content=b"x" * 70_000).status_code == 413
    parts = (b"x" * 10_000 for _ in range(8))
    assert client.post(SESSION, content=parts).status_code == 413


@pytest.mark.parametrize(("proxy", "others"), [("127.0.0.0/8", 401), ("10.9.9.9", 429), ("", 429)])
def test_who_asks_is_what_our_proxy_says_and_nobody_else(rig: Rig, proxy: str, others: int) -> None:
    """From a loopback address: either our proxy, or somebody who claims to be many."""
    standing_throttle(rig)
    with served(rig.app, proxy) as url, httpx.Client(base_url=url) as client:

        def guess(name: str, address: str) -> int:
            account = {"username": name, "password": "wrong password"}
            return client.post(SESSION, json=account, headers={"X-Forwarded-For": address}).status_code

        for number in range(FREE_FAILURES_ADDRESS):
            assert guess(f"name-{number}", "203.0.113.1") == 401
        assert guess("another", "203.0.113.1") == 429
        assert guess("another", "203.0.113.2") == others
