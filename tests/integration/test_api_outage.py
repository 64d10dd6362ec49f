"""The API while things break: a database that is killed and comes back, and an error that nobody foresaw."""

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.database import Database
from storage.migrate import migrate
from storage.reader import DatabaseReader
from tests.fixtures.api_rig import Rig, api_rig
from tests.fixtures.sse import following

GONE_S = 20.0


def value(rig: Rig, number: int) -> None:
    rig.rows.batch(1, events=[("values", {"number": number})])


@pytest.mark.slow
def test_a_killed_database_is_a_clear_503_and_everything_goes_on_when_it_is_back(
    own_database: Database, tmp_path: Path
) -> None:
    migrate(own_database.dsn("owner"))
    with api_rig(own_database.dsn, tmp_path) as rig:
        rig.rows.shard(1)
        value(rig, 0)
        client = rig.signed_in("operator")
        with following(rig.client("operator"), kinds="values") as stream:
            assert own_database.pid is not None
            os.kill(own_database.pid, signal.SIGKILL)
            deadline_s = time.monotonic() + GONE_S  # its backends notice a moment later
            while client.get("/api/v1/ready").status_code == 200 and time.monotonic() < deadline_s:
                pass
            for path in ("cities", "devices", "session"):
                answer = client.get(f"/api/v1/{path}")
                assert answer.status_code == 503, answer.text
                assert answer.headers["retry-after"] and "try again" in answer.json()["detail"]
            ready = client.get("/api/v1/ready")
            assert (ready.status_code, ready.json()["database"]) == (503, False)
            assert client.get("/api/v1/health").status_code == 200
            own_database.start()
            rig.rows.reconnect()
            for number in (1, 2, 3):
                value(rig, number)
            events = [stream.next() for _ in range(3)]
            assert [event.data["number"] for event in events if event] == [1, 2, 3]
        assert client.get("/api/v1/session").json()["name"] == "operator-1"
        assert client.get("/api/v1/ready").status_code == 200


def test_what_nobody_foresaw_says_nothing_about_the_inside(
    role_dsn: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: DatabaseReader) -> None:
        raise RuntimeError("the secret is 1กข1234")

    monkeypatch.setattr(DatabaseReader, "cities", broken)
    with api_rig(role_dsn, tmp_path) as rig, caplog.at_level(logging.ERROR, "api.problems"):
        answer = rig.client("operator").get("/api/v1/cities")
    assert answer.status_code == 500
    assert answer.json()["title"] == "Internal Server Error" and "secret" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "GET '/api/v1/cities' failed" in caplog.text
