"""How long after its publication a value is on the live stream of the API, as a browser gets it."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from app.services.ports import choose_port
from bench.sides.whole_path import PASSWORD, WholePath
from contracts.answers import Role
from storage.desk import DatabaseDesk
from storage.pool import Pool


class LiveStream:
    """A reader of the values on the live stream of an API of its own, of devices with this part in their name."""

    def __init__(self, api_pid: int, answer: http.client.HTTPResponse, named: str) -> None:
        self.api_pid, self._named = api_pid, named
        self._answer, self._lock = answer, threading.Lock()
        self._delays_ms: list[float] = []
        threading.Thread(target=self._follow, daemon=True).start()

    def take(self) -> list[float]:
        """The delays of the values that have come since the last time, in milliseconds."""
        with self._lock:
            taken, self._delays_ms = self._delays_ms, []
        return taken

    def _follow(self) -> None:
        try:
            while line := self._answer.readline():
                if line.startswith(b"data: "):
                    now_s = time.time()
                    said = json.loads(line[6:]).get("values", ())
                    times = [value["t"] for value in said if self._named in value["device"]]
                    delays = [(now_s - datetime.fromisoformat(t).timestamp()) * 1_000 for t in times]
                    with self._lock:
                        self._delays_ms += delays
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the server was told to stop


@contextmanager
def live_stream(path: WholePath, named: str = "") -> Iterator[LiveStream]:
    """An API, and a reader of its stream that has begun."""
    pool = Pool(path.database.dsn("api"), "bench")
    DatabaseDesk(pool).add_user("bench", Role.OPERATOR, PASSWORD)
    pool.close()
    port = choose_port(8400)
    environment = {**path.environment, "ANDAMAN_DATABASE_URL": path.database.dsn("api"), "ANDAMAN_HTTP_PORT": str(port)}
    api = path.process(["-m", "app.cli", "api"], environment, "serving")
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        path.flood(400, 1)  # a stream of a city that has never said anything begins late
        cookie = _signed_in(port)
        stream.request("GET", "/api/v1/live?kinds=values", headers={"Cookie": cookie})
        answer = stream.getresponse()
        assert answer.status == 200, answer.read()
        while not answer.readline().startswith(b"id: "):
            pass
        yield LiveStream(api.pid, answer, named)
    finally:
        api.terminate()
        api.wait(30)
        stream.close()


def live_delays_ms(path: WholePath, messages: int, per_s: float) -> list[float]:
    """The delay of every value that the stream says while so many messages come at a rate, in ascending order."""
    with live_stream(path) as stream:
        path.flood(messages, 1, per_s)
        time.sleep(1.0)  # the last values' way to the stream
        delays = stream.take()
    assert len(delays) > messages // 10, f"{len(delays)} values came"
    return sorted(delays)


def _signed_in(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"username": "bench", "password": PASSWORD})
    connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    cookie = answer.getheader("Set-Cookie") or ""
    connection.close()
    return cookie.partition(";")[0]
